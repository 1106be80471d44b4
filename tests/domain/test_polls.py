"""Polls: open, vote, change a vote, deadline, close, ties."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from tests.domain.playing import ANA, BEN, CARLA, DAY, DEV, START, Play, crew_of

from roadcrew_domain.crew import HandOver, LeaveTrip
from roadcrew_domain.polls import (
    MAX_OPTIONS,
    MAX_POLLS,
    CastVote,
    ClosePoll,
    OpenPoll,
    Outcome,
    Poll,
    PollKind,
    leaders,
    tally,
    waiting_for,
)
from roadcrew_domain.trip import fold
from roadcrew_domain.views import decode_trip, encode_trip

HOUR = timedelta(hours=1)


def outcome(play: Play, poll: str) -> Outcome:
    """How the poll ended."""
    ended = play.trip.polls[poll].outcome
    assert ended is not None
    return ended


def votes(play: Play, poll: str) -> dict[str, int]:
    return {t.option.text: len(t.yes) for t in tally(play.trip.polls[poll])}


# R: T4
def test_a_polls_id_is_the_commands_and_its_options_ids_follow_from_it():
    play = crew_of(BEN)
    poll = play.poll("Wed", "Thu")
    assert [o.id for o in play.trip.polls[poll].options] == [f"{poll}.0", f"{poll}.1"]
    assert play.trip.polls[poll].opened_by == ANA


# R: T4
def test_any_member_opens_a_poll_and_nobody_else():
    play = crew_of(BEN)
    poll = play.poll(by=BEN)
    assert play.trip.polls[poll].opened_by == BEN
    assert play.refusal(DEV, OpenPoll("Q", "single", ("a", "b"))) == "not-a-member"


# R: T4
def test_a_vote_can_be_changed_and_taken_back():
    play = crew_of(BEN)
    poll = play.poll("Wed", "Thu")
    play.vote(BEN, poll, 0)
    assert votes(play, poll) == {"Wed": 1, "Thu": 0}
    play.vote(BEN, poll, 1)
    assert votes(play, poll) == {"Wed": 0, "Thu": 1}
    play.vote(BEN, poll)
    assert votes(play, poll) == {"Wed": 0, "Thu": 0}
    assert waiting_for(play.trip.polls[poll], play.trip.members) == {ANA, BEN}


# R: T4
def test_the_same_vote_again_changes_nothing():
    play = crew_of(BEN)
    poll = play.poll(kind="multiple")
    assert play.vote(BEN, poll) == []
    play.vote(BEN, poll, 0, 1)
    assert play.vote(BEN, poll, 1, 0) == []


@pytest.mark.parametrize(
    ("kind", "act", "code"),
    [
        ("single", {"option_ids": (0, 1)}, "bad-vote"),
        ("single", {"option_ids": (0, 0)}, "bad-vote"),
        ("single", {"option_ids": (7,)}, "unknown-option"),
        ("single", {"answers": ((0, "yes"),)}, "bad-vote"),
        ("multiple", {"option_ids": (0, 1, 0)}, "bad-vote"),
        ("yes-maybe-no", {"option_ids": (0,)}, "bad-vote"),
        ("yes-maybe-no", {"answers": ((0, "yes"), (0, "no"))}, "bad-vote"),
        ("yes-maybe-no", {"answers": ((9, "yes"),)}, "unknown-option"),
    ],
)
# R: T4
def test_a_ballot_that_does_not_fit_the_poll_is_refused(kind: PollKind, act: dict[str, Any], code: str):
    play = crew_of(BEN)
    poll = play.poll("Wed", "Thu", kind=kind)
    cast = CastVote(
        poll,
        tuple(f"{poll}.{n}" for n in act.get("option_ids", ())),
        tuple((f"{poll}.{n}", a) for n, a in act.get("answers", ())),
    )
    assert play.refusal(BEN, cast) == code


# R: T4
def test_a_vote_in_a_poll_that_is_not_there_is_refused():
    assert crew_of(BEN).refusal(BEN, CastVote("nowhere")) == "unknown-poll"
    assert crew_of(BEN).refusal(ANA, ClosePoll("nowhere")) == "unknown-poll"


@pytest.mark.parametrize("options", [(), ("one",), tuple(str(n) for n in range(MAX_OPTIONS + 1)), ("Wed", " wed ")])
def test_a_poll_has_two_to_twenty_different_options(options: tuple[str, ...]):
    assert crew_of().refusal(ANA, OpenPoll("Q", "single", options)) == "bad-options"


def test_options_and_question_are_tidied_before_they_are_kept():
    play = crew_of()
    poll = play.poll("  Wed\n 20 ", "Thu", question=" When\tdo we fly? ")
    opened = play.trip.polls[poll]
    assert (opened.question, opened.options[0].text) == ("When do we fly?", "Wed 20")


def test_a_trip_has_room_for_a_hundred_polls():
    play = crew_of()
    for _ in range(MAX_POLLS):
        play.poll()
    assert play.refusal(ANA, OpenPoll("Q", "single", ("a", "b"))) == "too-many-polls"


# R: T4
def test_opening_the_same_poll_twice_is_opening_it_once():
    play = crew_of(BEN)
    poll = play.poll("Wed", "Thu")
    play.vote(BEN, poll, 1)
    assert play.do(ANA, OpenPoll("When?", "single", ("Wed", "Thu")), command=poll) == []
    assert votes(play, poll) == {"Wed": 0, "Thu": 1}


# R: T4
def test_nobody_replaces_a_poll_by_opening_another_under_its_id():
    play = crew_of(BEN)
    poll = play.poll("Wed", "Thu")
    assert play.refusal(BEN, OpenPoll("Mine", "single", ("a", "b")), command=poll) == "id-taken"


# R: T4
def test_only_the_opener_and_the_organiser_close_a_poll():
    play = crew_of(BEN, CARLA)
    poll = play.poll(by=BEN)
    assert play.refusal(CARLA, ClosePoll(poll)) == "not-yours-to-close"
    play.do(BEN, ClosePoll(poll))
    assert play.trip.polls[poll].closed
    other = play.poll(by=BEN)
    play.do(ANA, ClosePoll(other))
    assert play.trip.polls[other].closed


# R: T4
def test_a_closed_poll_takes_no_vote_and_closing_again_changes_nothing():
    play = crew_of(BEN)
    poll = play.poll()
    play.vote(BEN, poll, 0)
    play.do(ANA, ClosePoll(poll))
    assert play.refusal(ANA, CastVote(poll, (f"{poll}.1",))) == "poll-closed"
    assert play.do(ANA, ClosePoll(poll)) == []
    assert outcome(play, poll) == Outcome((f"{poll}.0",), tie=False, voters=1)


# R: T4
@pytest.mark.parametrize(("early", "counted"), [(timedelta(microseconds=1), True), (timedelta(0), False)])
def test_a_vote_at_the_deadline_is_late_and_one_just_before_it_counts(early: timedelta, counted: bool):
    play = crew_of(BEN)
    poll = play.poll(closes_in=HOUR)
    deadline = play.trip.polls[poll].closes_at
    assert deadline
    play.wait_until(deadline - early)
    if counted:
        assert play.vote(BEN, poll, 0)
    else:
        assert play.refusal(BEN, CastVote(poll, (f"{poll}.0",))) == "poll-closed"


# R: T4
def test_the_deadline_holds_before_any_timer_says_so_and_is_what_is_shown():
    play = crew_of(BEN)
    poll = play.poll(closes_in=HOUR)
    deadline = play.trip.polls[poll].closes_at
    play.now += DAY
    assert play.refusal(BEN, CastVote(poll, (f"{poll}.0",))) == "poll-closed"
    assert not play.trip.polls[poll].closed
    assert play.tick() == ["PollClosed"]
    assert play.trip.polls[poll].closed_at == deadline
    assert play.tick() == []


# R: T4
def test_ending_an_overdue_poll_by_hand_says_that_the_deadline_did():
    play = crew_of(BEN)
    poll = play.poll(closes_in=HOUR)
    play.now += 2 * HOUR
    (closed,) = play.do(ANA, ClosePoll(poll))
    assert getattr(closed.data, "reason", None) == "deadline"
    assert play.trip.polls[poll].closed_at == play.trip.polls[poll].closes_at


# R: T4
def test_leaving_after_the_deadline_takes_no_vote_out_whether_the_timer_was_quick_or_not():
    outcomes = []
    for quick in (True, False):
        play = crew_of(BEN)
        poll = play.poll(closes_in=HOUR)
        play.vote(BEN, poll, 1)
        play.now += 2 * HOUR
        if quick:
            play.tick()
        play.do(BEN, LeaveTrip())
        play.tick()
        outcomes.append(outcome(play, poll).winners == (f"{poll}.1",))
    assert outcomes == [True, True]


# R: T4
@pytest.mark.parametrize("moment", [START - DAY, START, datetime.min.replace(tzinfo=UTC)])
def test_a_deadline_that_is_past_is_refused(moment: datetime):
    assert crew_of().refusal(ANA, OpenPoll("Q", "single", ("a", "b"), moment)) == "deadline-past"


@pytest.mark.parametrize(
    "moment",
    [datetime(2027, 1, 1), datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))],  # noqa: DTZ001
)
def test_a_deadline_without_zone_or_beyond_the_calendar_is_refused(moment: datetime):
    assert crew_of().refusal(ANA, OpenPoll("Q", "single", ("a", "b"), moment)) == "invalid"


def test_a_deadline_in_any_zone_is_kept_in_utc():
    play = crew_of()
    poll = play.new_id()
    moment = datetime(2026, 6, 1, 18, tzinfo=timezone(timedelta(hours=2)))
    play.do(ANA, OpenPoll("Q", "single", ("a", "b"), moment), poll)
    assert b'"closesAt":"2026-06-01T16:00:00Z"' in encode_trip(play.trip)


# R: T4
def test_a_poll_without_votes_ends_without_a_winner_and_that_is_no_tie():
    play = crew_of()
    poll = play.poll()
    play.do(ANA, ClosePoll(poll))
    assert outcome(play, poll) == Outcome((), tie=False, voters=0)
    assert play.refusal(ANA, ClosePoll(poll, f"{poll}.0")) == "not-a-tie"


# R: T4
def test_nobody_for_anything_is_no_winner_even_with_noes():
    play = crew_of(BEN)
    poll = play.poll(kind="yes-maybe-no")
    play.do(BEN, CastVote(poll, answers=((f"{poll}.0", "no"),)))
    play.do(ANA, ClosePoll(poll))
    assert outcome(play, poll) == Outcome((), tie=False, voters=1)


# R: T4
def test_yes_leads_and_maybe_breaks_its_tie_and_no_counts_for_nothing():
    play = crew_of(BEN, CARLA)
    poll = play.poll("Wed", "Thu", kind="yes-maybe-no")
    wed, thu = f"{poll}.0", f"{poll}.1"
    play.do(ANA, CastVote(poll, answers=((wed, "yes"), (thu, "yes"))))
    assert leaders(play.trip.polls[poll]) == (wed, thu)
    play.do(BEN, CastVote(poll, answers=((wed, "maybe"), (thu, "no"))))
    assert leaders(play.trip.polls[poll]) == (wed,)
    play.do(CARLA, CastVote(poll, answers=((thu, "yes"), (wed, "no"))))
    assert leaders(play.trip.polls[poll]) == (thu,)


# R: T4
def test_maybe_alone_can_lead():
    play = crew_of()
    poll = play.poll(kind="yes-maybe-no")
    play.do(ANA, CastVote(poll, answers=((f"{poll}.1", "maybe"),)))
    assert leaders(play.trip.polls[poll]) == (f"{poll}.1",)


def tied() -> tuple[Play, str]:
    """Ben's poll of three, with Wed and Thu level."""
    play = crew_of(BEN, CARLA)
    poll = play.poll("Wed", "Thu", "Fri", by=BEN)
    play.vote(ANA, poll, 0)
    play.vote(BEN, poll, 1)
    return play, poll


# R: T4
@pytest.mark.parametrize("settler", [ANA, BEN])
def test_a_tie_is_said_and_settled_later_by_organiser_or_opener(settler: str):
    play, poll = tied()
    play.do(ANA, ClosePoll(poll))
    assert outcome(play, poll) == Outcome((f"{poll}.0", f"{poll}.1"), tie=True, voters=2)
    assert play.refusal(CARLA, ClosePoll(poll, f"{poll}.1")) == "not-yours-to-close"
    play.do(settler, ClosePoll(poll, f"{poll}.1"))
    assert outcome(play, poll) == Outcome((f"{poll}.1",), tie=False, voters=2, chosen_by=settler)


# R: T4
def test_a_tie_is_settled_once_and_only_for_an_option_that_leads():
    play, poll = tied()
    play.do(ANA, ClosePoll(poll))
    assert play.refusal(ANA, ClosePoll(poll, f"{poll}.2")) == "not-a-tie"
    assert play.refusal(ANA, ClosePoll(poll, "nothing")) == "unknown-option"
    play.do(ANA, ClosePoll(poll, f"{poll}.0"))
    assert play.do(ANA, ClosePoll(poll, f"{poll}.0")) == []
    assert play.refusal(ANA, ClosePoll(poll, f"{poll}.1")) == "not-a-tie"


# R: T4
def test_a_tie_can_be_settled_while_closing():
    play, poll = tied()
    assert play.refusal(ANA, ClosePoll(poll, f"{poll}.2")) == "not-a-tie"
    play.do(ANA, ClosePoll(poll, f"{poll}.1"))
    assert outcome(play, poll) == Outcome((f"{poll}.1",), tie=False, voters=2, chosen_by=ANA)
    assert play.do(ANA, ClosePoll(poll, f"{poll}.1")) == []


# R: T4
def test_naming_the_winner_while_closing_is_no_settling():
    play = crew_of(BEN)
    poll = play.poll()
    play.vote(BEN, poll, 1)
    play.do(ANA, ClosePoll(poll, f"{poll}.1"))
    assert outcome(play, poll).chosen_by is None


# R: T4 T6
def test_votes_leave_an_open_poll_with_their_member_and_stay_in_a_closed_one():
    play = crew_of(BEN)
    open_poll, closed = play.poll(), play.poll()
    for poll in (open_poll, closed):
        play.vote(BEN, poll, 0)
    play.do(ANA, ClosePoll(closed))
    play.do(BEN, LeaveTrip())
    assert votes(play, open_poll)["Wed"] == 0
    assert votes(play, closed)["Wed"] == 1
    assert outcome(play, closed).winners == (f"{closed}.0",)


# R: T4 T6
def test_who_comes_back_votes_anew_and_may_close_what_they_opened():
    play = crew_of(BEN)
    poll = play.poll(by=BEN)
    play.vote(BEN, poll, 0)
    play.do(BEN, LeaveTrip())
    assert play.refusal(BEN, ClosePoll(poll)) == "not-a-member"
    play.join(BEN)
    assert BEN not in play.trip.polls[poll].ballots
    play.vote(BEN, poll, 1)
    play.do(BEN, ClosePoll(poll))
    assert outcome(play, poll).winners == (f"{poll}.1",)


# R: T4 T6
def test_the_poll_of_somebody_who_left_is_closed_by_the_organiser_of_now():
    play = crew_of(BEN, CARLA)
    poll = play.poll(by=BEN)
    play.do(BEN, LeaveTrip())
    play.do(ANA, HandOver(CARLA))
    assert play.refusal(ANA, ClosePoll(poll)) == "not-yours-to-close"
    play.do(CARLA, ClosePoll(poll))
    assert play.trip.polls[poll].closed


# R: T4
def test_polls_that_end_together_are_announced_together_in_order_of_their_deadlines():
    play = crew_of()
    late, soon = play.poll(closes_in=2 * HOUR), play.poll(closes_in=HOUR)
    play.now += DAY
    assert play.tick() == ["PollClosed", "PollClosed"]
    assert [getattr(e.data, "poll_id", None) for e in play.events[-2:]] == [soon, late]


def test_a_poll_without_options_that_another_server_made_has_no_leaders():
    assert leaders(Poll("p", "Q", "single", (), ANA, START)) == ()


# R: T4
def test_a_snapshot_keeps_every_kind_of_ballot():
    play = crew_of(BEN)
    single, many, grid = play.poll(), play.poll(kind="multiple"), play.poll(kind="yes-maybe-no")
    play.vote(BEN, single, 1)
    play.vote(BEN, many, 0, 1)
    play.do(BEN, CastVote(grid, answers=((f"{grid}.0", "no"), (f"{grid}.1", "maybe"))))
    assert decode_trip(encode_trip(play.trip)) == play.trip
    assert fold(None, play.events) == play.trip
