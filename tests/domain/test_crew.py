"""The crew: joining by an invite, leaving, removing, handing over."""

from datetime import datetime, timedelta

import pytest
from tests.domain.playing import ANA, BEN, CARLA, CODE, DAY, DEV, START, Play, a_trip, crew_of

from roadcrew_domain.crew import (
    MAX_MEMBERS,
    REMEMBERED_INVITES,
    HandOver,
    Invite,
    JoinTrip,
    LeaveTrip,
    RemoveMember,
    RenameMember,
    RenewInvite,
    RevokeInvite,
)
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Command, decide

OTHER = "0000-0001"


# R: T2
def test_joining_twice_is_the_same_membership_even_after_the_invite_has_ended():
    play = crew_of(BEN)
    assert play.do(BEN, JoinTrip(CODE, "Somebody else")) == []
    play.do(ANA, RevokeInvite())
    assert play.do(BEN, JoinTrip(CODE, "Ben")) == []
    assert len(play.trip.members) == 2


# R: T2
def test_an_invite_ends_at_its_moment_and_says_when():
    play = Play().create(a_trip(invite=Invite(CODE, START + DAY, None)))
    play.wait_until(START + DAY - timedelta(microseconds=1))
    play.join(BEN)
    play.wait_until(START + DAY)
    with pytest.raises(Refused) as refused:
        play.join(CARLA)
    assert (refused.value.code, refused.value.facts) == ("invite-ended", {"endedAt": START + DAY})


# R: T2
def test_a_revoked_invite_and_an_unknown_one_are_told_apart():
    play = crew_of()
    play.do(ANA, RevokeInvite())
    assert play.refusal(BEN, JoinTrip(CODE, "Ben")) == "invite-ended"
    assert play.refusal(BEN, JoinTrip(OTHER, "Ben")) == "invite-unknown"
    assert play.do(ANA, RevokeInvite()) == []


# R: T2
def test_an_invite_that_had_expired_before_it_was_revoked_ended_when_it_expired():
    play = Play().create(a_trip(invite=Invite(CODE, START + DAY, None)))
    play.now = START + 2 * DAY
    play.do(ANA, RevokeInvite())
    assert play.trip.ended_invites[0].ended_at == START + DAY


# R: T2
def test_a_new_invite_ends_the_former_and_a_repeated_one_keeps_its_uses():
    play = crew_of()
    play.do(ANA, RenewInvite(OTHER, max_uses=1))
    assert play.refusal(BEN, JoinTrip(CODE, "Ben")) == "invite-ended"
    play.join(BEN, code=OTHER)
    assert play.do(ANA, RenewInvite(OTHER, max_uses=1)) == []
    assert play.refusal(CARLA, JoinTrip(OTHER, "Carla")) == "invite-used-up"


# R: T2
def test_the_last_ten_ended_invites_are_remembered():
    play = crew_of()
    for n in range(REMEMBERED_INVITES + 1):
        play.do(ANA, RenewInvite(f"0000-{n:04}"))
    assert play.refusal(BEN, JoinTrip(CODE, "Ben")) == "invite-unknown"
    assert play.refusal(BEN, JoinTrip("0000-0000", "Ben")) == "invite-ended"


# R: T2
def test_leaving_and_coming_back_uses_an_invite_twice():
    play = Play().create(a_trip(invite=Invite(CODE, None, 2))).join(BEN)
    play.do(BEN, LeaveTrip())
    play.join(BEN)
    assert play.refusal(CARLA, JoinTrip(CODE, "Carla")) == "invite-used-up"


# R: T2
@pytest.mark.parametrize("uses", [0, -1, MAX_MEMBERS + 1, 10**40])
def test_an_invite_is_for_one_to_five_hundred_also_at_creation(uses: int):
    assert crew_of().refusal(ANA, RenewInvite(OTHER, max_uses=uses)) == "bad-limit"
    assert Play().refusal(ANA, a_trip(invite=Invite(CODE, None, uses))) == "bad-limit"


# R: T2
@pytest.mark.parametrize(("moment", "code"), [(START, "deadline-past"), (datetime(2027, 1, 1), "invalid")])  # noqa: DTZ001
def test_an_invite_ends_in_the_future_also_at_creation(moment: datetime, code: str):
    assert crew_of().refusal(ANA, RenewInvite(OTHER, expires_at=moment)) == code
    assert Play().refusal(ANA, a_trip(invite=Invite(CODE, moment, None))) == code


def test_an_invite_at_creation_starts_unused():
    play = Play().create(a_trip(invite=Invite(CODE, None, 2, uses=2)))
    assert play.trip.invite == Invite(CODE, None, 2)


# R: T2
def test_a_crew_has_room_for_five_hundred():
    play = crew_of(*(f"m{n}" for n in range(MAX_MEMBERS - 1)))
    assert play.refusal(BEN, JoinTrip(CODE, "Ben")) == "crew-full"
    play.do("m7", LeaveTrip())
    play.join(BEN)


@pytest.mark.parametrize("name", ["", " \n\t ", "\u200b", "\u2800", "\u200d", "\u2061", "\u0301", "\ufe0f"])
def test_a_name_that_nobody_can_see_is_refused(name: str):
    assert crew_of().refusal(BEN, JoinTrip(CODE, name)) == "text-missing"
    assert crew_of().refusal(ANA, RenameMember(name)) == "text-missing"


def test_a_rename_shows_and_the_same_name_again_changes_nothing():
    play = crew_of(BEN)
    play.do(BEN, RenameMember(" Benedikt "))
    assert play.trip.members[BEN].name == "Benedikt"
    assert play.do(BEN, RenameMember("Benedikt")) == []


# R: T1 T6
def test_an_organiser_who_leaves_hands_over_to_who_has_been_there_longest():
    play = crew_of(CARLA, BEN)
    assert [e.type for e in play.do(ANA, LeaveTrip())] == ["OrganiserChanged", "MemberLeft"]
    assert play.trip.organiser == CARLA
    play.join(ANA)
    assert play.trip.organiser == CARLA
    play.do(CARLA, LeaveTrip())
    assert play.trip.organiser == BEN


# R: T6
def test_when_the_last_one_leaves_the_trip_ends():
    play = crew_of()
    assert [e.type for e in play.do(ANA, LeaveTrip())] == ["MemberLeft", "TripEnded"]
    assert play.trip.ended == "empty"
    assert play.refusal(BEN, JoinTrip(CODE, "Ben")) == "trip-ended"


# R: T6
def test_leaving_twice_is_refused_since_they_are_not_in_it_any_more():
    play = crew_of(BEN)
    play.do(BEN, LeaveTrip())
    assert play.refusal(BEN, LeaveTrip()) == "not-a-member"


# R: T1
def test_an_organiser_hands_over_and_has_no_say_afterwards():
    play = crew_of(BEN)
    assert play.do(ANA, HandOver(ANA)) == []
    play.do(ANA, HandOver(BEN))
    assert play.refusal(ANA, HandOver(ANA)) == "not-organiser"
    assert play.refusal(BEN, HandOver(DEV)) == "unknown-member"


# R: T6
def test_the_organiser_removes_others_and_nobody_else_does():
    play = crew_of(BEN, CARLA)
    assert play.refusal(BEN, RemoveMember(CARLA)) == "not-organiser"
    assert play.refusal(ANA, RemoveMember(ANA)) == "remove-self"
    assert play.refusal(ANA, RemoveMember(DEV)) == "unknown-member"
    play.do(ANA, RemoveMember(BEN))
    assert play.refusal(BEN, RenameMember("Back")) == "not-a-member"
    assert play.refusal(ANA, RemoveMember(BEN)) == "unknown-member"


# R: T6
def test_who_was_removed_does_not_come_back_by_the_invite_that_they_knew():
    play = crew_of(BEN, CARLA)
    assert [e.type for e in play.do(ANA, RemoveMember(BEN))] == ["MemberRemoved", "InviteRevoked"]
    assert play.refusal(BEN, JoinTrip(CODE, "Ben")) == "invite-ended"
    assert [e.type for e in play.do(ANA, RemoveMember(CARLA))] == ["MemberRemoved"]
    play.do(ANA, RenewInvite(OTHER))
    play.join(BEN, code=OTHER)


@pytest.mark.parametrize("act", [RenewInvite(OTHER), RevokeInvite(), HandOver(BEN)])
# R: T6
def test_what_is_the_organisers_is_refused_to_members(act: RenewInvite | RevokeInvite | HandOver):
    assert crew_of(BEN).refusal(BEN, act) == "not-organiser"


def test_a_timer_is_nobody_and_may_do_nothing_that_people_do():
    play = crew_of()
    with pytest.raises(Refused, match="not in this trip"):
        decide(play.trip, Command(play.new_id(), None, JoinTrip(CODE, "X")), play.now)
    assert Play().refusal(None, a_trip()) == "not-a-member"
