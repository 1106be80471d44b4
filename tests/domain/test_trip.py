"""The trip itself: creation, edits, the discount, its end, what it remembers."""

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.domain.playing import ANA, BEN, CARLA, CODE, DAY, DEV, KEEP, START, Play, a_trip, crew_of

from roadcrew_domain.crew import (
    Invite,
    JoinTrip,
    LeaveTrip,
    MemberRenamed,
    OrganiserChanged,
    RemoveMember,
    RenameMember,
)
from roadcrew_domain.events import Fact, UnknownFact, event
from roadcrew_domain.hotels import OpenHotelVoting, VoteHotel
from roadcrew_domain.polls import ClosePoll, PollTieSettled
from roadcrew_domain.trip import (
    LONGEST_KEPT,
    RECENT,
    WARNING,
    Bounds,
    CreateTrip,
    DeleteTrip,
    DiscountUnlocked,
    EditTrip,
    TripEndAnnounced,
    evolve,
    next_due,
)
from roadcrew_domain.views import decode_trip, encode_trip

SOLO = Bounds(min_required_members=1, default_required_members=1)


# R: T1
def test_a_trip_needs_a_name_alone_and_takes_the_rest_from_the_servers_catalogue():
    play = Play().create(CreateTrip("Lisbon", "Ana", Invite(CODE, None, None), Bounds(), KEEP))
    trip = play.trip
    assert (trip.name, trip.organiser, list(trip.members)) == ("Lisbon", ANA, [ANA])
    assert (trip.required_members, trip.discount_percent, trip.destination) == (4, 10, None)
    assert trip.id == play.events[0].command


# R: T1
def test_creating_twice_under_one_id_is_refused():
    assert crew_of().refusal(ANA, a_trip()) == "trip-exists"


# R: T1
@pytest.mark.parametrize(("percent", "required"), [(16, 4), (-1, 4), (10, 1), (10, 51), (10**40, 4), (10, -(10**40))])
def test_the_discount_is_bounded_by_the_servers_catalogue_at_creation_and_later(percent: int, required: int):
    create = CreateTrip(
        "L", "Ana", Invite(CODE, None, None), Bounds(), KEEP, required_members=required, discount_percent=percent
    )
    assert Play().refusal(ANA, create) == "bad-limit"
    edit = EditTrip(required_members=required, discount_percent=percent)
    assert crew_of().refusal(ANA, edit) == "bad-limit"


@pytest.mark.parametrize(
    ("starts", "ends", "good"),
    [
        (date(2026, 5, 21), date(2026, 5, 21), True),
        (date(2026, 5, 21), date(2026, 5, 20), False),
        (date(2026, 5, 21), date(2027, 5, 22), True),
        (date(2026, 5, 21), date(2027, 5, 23), False),
        (date.max, date.max, True),
        (date.max, date.min, False),
        (date.min, date.max, False),
        (date.max, None, True),
    ],
)
# R: T1
def test_a_trip_ends_after_it_starts_and_lasts_at_most_a_year(starts: date, ends: date | None, good: bool):
    play = crew_of()
    if good:
        play.do(ANA, EditTrip(starts_on=starts, ends_on=ends))
        assert (play.trip.starts_on, play.trip.ends_on) == (starts, ends)
    else:
        assert play.refusal(ANA, EditTrip(starts_on=starts, ends_on=ends)) == "bad-dates"


# R: T1
def test_an_edit_says_only_what_changed_and_none_clears():
    play = crew_of(BEN)
    assert play.do(BEN, EditTrip(name=" Lisbon  in May ")) == []
    (edited,) = play.do(BEN, EditTrip(name="Porto", destination=" Porto "))
    assert (play.trip.name, play.trip.destination) == ("Porto", "Porto")
    play.do(ANA, EditTrip(destination=None, required_members=None))
    assert (play.trip.destination, play.trip.required_members) == (None, 4)
    play.do(ANA, EditTrip(destination="Faro"))
    play.do(ANA, EditTrip(destination="  "))
    assert play.trip.destination is None
    assert edited.type == "TripEdited"


def test_a_trip_keeps_a_name():
    assert crew_of().refusal(ANA, EditTrip(name="")) == "text-missing"


# R: T8
def test_what_is_asked_of_no_trip_is_refused():
    assert Play().refusal(ANA, JoinTrip(CODE, "Ana")) == "unknown-trip"
    assert Play().tick() == []


# R: T3
def test_the_discount_unlocks_with_the_crew_and_locks_again_and_is_announced_once():
    play = crew_of(BEN)
    seen = [play.trip.discount_unlocked]
    for change in (lambda: play.join(CARLA), lambda: play.do(CARLA, LeaveTrip()), lambda: play.join(CARLA)):
        change()
        seen.append(play.trip.discount_unlocked)
    assert seen == [False, True, False, True]
    assert [e.data for e in play.events if e.type == "DiscountUnlocked"] == [DiscountUnlocked(3, 10)]


# R: T3
def test_lowering_the_number_unlocks_as_well():
    play = crew_of(BEN)
    assert [e.type for e in play.do(ANA, EditTrip(required_members=2))] == ["TripEdited", "DiscountUnlocked"]


# R: T3
def test_where_one_is_enough_it_is_unlocked_and_announced_from_the_start():
    play = Play().create(a_trip(bounds=SOLO, required_members=1))
    assert play.trip.discount_unlocked
    assert [e.type for e in play.events] == ["TripCreated", "DiscountUnlocked"]


# R: T6
def test_only_the_organiser_deletes_and_a_deleted_trip_is_over():
    play = crew_of(BEN)
    assert play.refusal(BEN, DeleteTrip()) == "not-organiser"
    play.do(ANA, DeleteTrip())
    assert play.refusal(ANA, DeleteTrip()) == "trip-ended"
    assert play.refusal(CARLA, JoinTrip(CODE, "Carla")) == "trip-ended"
    assert next_due(play.trip) is None
    assert play.tick() == []


# R: T7
def test_a_trip_warns_and_then_ends_at_exactly_the_time_it_said():
    play = crew_of()
    ends = play.trip.ends_at
    assert play.trip.warns_at == ends - timedelta(days=5)
    play.wait_until(play.trip.warns_at)
    assert play.tick() == ["TripEndAnnounced"]
    assert play.trip.ends_at == ends
    play.wait_until(ends - timedelta(microseconds=1))
    assert play.tick() == []
    play.wait_until(ends)
    assert play.tick() == ["TripEnded"]
    assert play.trip.ended == "expired"


# R: T7
def test_the_warning_is_a_week_or_a_quarter_of_a_short_life():
    for keep, warning in ((86400, timedelta(hours=6)), (180 * 86400, WARNING)):
        trip = Play().create(a_trip(keep_for=keep)).trip
        assert trip.ends_at - trip.warns_at == warning


# R: T7
def test_any_change_by_a_person_starts_the_time_anew_and_a_timer_does_not():
    play = crew_of()
    play.wait_until(play.trip.warns_at)
    play.tick()
    announced = play.trip.ends_at
    assert play.tick() == []
    assert play.trip.ends_at == announced
    play.do(ANA, RenameMember("Anna"))
    assert play.trip.ends_at == play.now + timedelta(seconds=KEEP)
    play.wait_until(play.trip.warns_at)
    assert play.tick() == ["TripEndAnnounced"]


# R: T7
def test_a_trip_whose_server_was_away_is_warned_of_before_it_ends():
    play = crew_of()
    play.now += timedelta(days=300)
    assert play.tick() == ["TripEndAnnounced"]
    assert play.trip.ends_at == play.now + timedelta(days=5)
    assert decode_trip(encode_trip(play.trip)).ends_at == play.trip.ends_at
    assert play.tick() == []
    play.wait_until(play.trip.ends_at)
    assert play.tick() == ["TripEnded"]


# R: T7
def test_a_trip_that_was_not_warned_of_can_still_be_saved_and_one_that_was_can_not():
    unwarned = crew_of()
    unwarned.now += timedelta(days=300)
    unwarned.do(ANA, RenameMember("Anna"))
    assert unwarned.trip.ends_at == unwarned.now + timedelta(seconds=KEEP)
    warned = crew_of()
    warned.wait_until(warned.trip.warns_at)
    warned.tick()
    warned.wait_until(warned.trip.ends_at)
    assert warned.refusal(ANA, RenameMember("Anna")) == "trip-ended"
    assert warned.tick() == ["TripEnded"]


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_KEPT + 1, 10**30])
def test_a_trip_is_kept_for_a_time_that_the_calendar_has(seconds: int):
    assert Play().refusal(ANA, a_trip(keep_for=seconds)) == "bad-limit"


def test_a_trip_that_was_changed_at_the_end_of_the_calendar_still_has_an_end():
    play = crew_of()
    play.now = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    play.do(ANA, RenameMember("Anna"))
    assert play.trip.ends_at == datetime.max.replace(tzinfo=UTC)


# R: T4 T7
def test_what_is_due_next_is_the_first_deadline_of_all():
    play = crew_of()
    assert next_due(play.trip) == play.trip.warns_at
    late, soon = play.poll(closes_in=2 * DAY), play.poll(closes_in=DAY)
    assert next_due(play.trip) == play.trip.polls[soon].closes_at
    play.do(ANA, ClosePoll(soon))
    assert next_due(play.trip) == play.trip.polls[late].closes_at


def test_the_state_remembers_the_last_thirty_happenings_and_no_more():
    play = crew_of(BEN)
    for n in range(RECENT * 2):
        play.do(BEN, RenameMember(f"Ben {n}"))
    assert len(play.trip.recent) == RECENT
    assert [r.seq for r in play.trip.recent] == [e.seq for e in play.events[-RECENT:]]


def test_what_happened_is_told_with_the_names_of_then():
    play = crew_of(BEN)
    poll = play.poll(question="When?")
    play.vote(BEN, poll, 0)
    hotel = play.hotel("Casa")
    play.do(ANA, OpenHotelVoting("cheapest"))
    play.do(BEN, VoteHotel(hotel))
    play.do(BEN, VoteHotel(None))
    play.do(BEN, RenameMember("Benedikt"))
    play.do(ANA, RemoveMember(BEN))
    told = [(r.type, r.name, r.subject) for r in play.trip.recent]
    assert told == [
        ("TripCreated", "Ana", "Lisbon in May"),
        ("MemberJoined", "Ben", "Ben"),
        ("PollOpened", "Ana", "When?"),
        ("VoteCast", "Ben", "When?"),
        ("HotelShortlisted", "Ana", "Casa"),
        ("HotelVotingOpened", "Ana", None),
        ("HotelVoteCast", "Ben", "Casa"),
        ("HotelVoteCast", "Ben", None),
        ("MemberRenamed", "Ben", "Benedikt"),
        ("MemberRemoved", "Ana", "Benedikt"),
        ("InviteRevoked", "Ana", None),
    ]


@pytest.mark.parametrize(
    "fact",
    [
        UnknownFact(),
        MemberRenamed(DEV, "Dev"),
        OrganiserChanged(DEV),
        PollTieSettled("nowhere", "x"),
    ],
)
def test_an_event_that_can_not_follow_is_a_value_error_and_never_another(fact: Fact):
    play = crew_of()
    with pytest.raises(ValueError):
        evolve(play.trip, event("trip:t", 9, play.now, ANA, "c", fact))


def test_a_log_begins_with_the_creation_and_has_one():
    play = crew_of()
    with pytest.raises(ValueError):
        evolve(None, event("trip:t", 0, play.now, None, "c", TripEndAnnounced(play.now)))
    with pytest.raises(ValueError):
        evolve(play.trip, play.events[0])
    with pytest.raises(ValueError):
        evolve(None, event("trip:t", 0, START, None, "c", play.events[0].data))
