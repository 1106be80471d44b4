"""The rules of polls: open, vote, change a vote, deadline, close, and what a tie means.

Whether the person is in the crew is for trip.py; `chair` below says whether it is the organiser.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Literal

import msgspec
from rpds import HashTrieMap

from roadcrew_domain import text
from roadcrew_domain.events import Fact
from roadcrew_domain.ids import derived
from roadcrew_domain.refusals import Refused, checked_ahead, id_taken
from roadcrew_domain.values import Moment, Value

PollKind = Literal["single", "multiple", "yes-maybe-no"]
Answer = Literal["yes", "maybe", "no"]
CloseReason = Literal["closed", "deadline"]

MAX_POLLS = 100
MAX_OPTIONS = 20
MAX_QUESTION = 200
MAX_OPTION = 80

Ballot = tuple[tuple[str, Answer], ...]
"""One person's vote: (option id, answer), in the order of the options. Choices are answers of yes."""


class Option(Value, frozen=True):
    id: str
    text: str


class Outcome(Value, frozen=True):
    """How a poll ended. `winners` are option ids: none without votes, several when `tie`.

    `chosen_by` is the member who settled a tie, which then leaves one winner.
    """

    winners: tuple[str, ...]
    tie: bool
    voters: int
    chosen_by: str | None = None


class Poll(Value, frozen=True):
    id: str
    question: str
    kind: PollKind
    options: tuple[Option, ...]
    opened_by: str
    opened_at: Moment
    closes_at: Moment | None = None
    closed_at: Moment | None = None
    outcome: Outcome | None = None
    ballots: HashTrieMap[str, Ballot] = HashTrieMap()

    @property
    def closed(self) -> bool:
        """Said to be closed; a poll past its deadline takes no votes even before that is said."""
        return self.closed_at is not None

    def takes_votes(self, now: datetime) -> bool:
        """True while a vote would be counted."""
        return not self.closed and (self.closes_at is None or now < self.closes_at)


class OptionTally(Value, frozen=True):
    """Who answered what on one option; member ids in no particular order."""

    option: Option
    yes: tuple[str, ...]
    maybe: tuple[str, ...]
    no: tuple[str, ...]


# --- facts ---------------------------------------------------------------------------------------


class PollOpened(Fact, frozen=True):
    poll_id: str
    question: str
    kind: PollKind
    options: tuple[Option, ...]
    closes_at: Moment | None = None


class VoteCast(Fact, frozen=True):
    """The voter is the event's `by`. An empty ballot takes the vote back."""

    poll_id: str
    ballot: Ballot


class PollClosed(Fact, frozen=True):
    poll_id: str
    reason: CloseReason
    outcome: Outcome


class PollTieSettled(Fact, frozen=True):
    """Who settled it is the event's `by`."""

    poll_id: str
    option_id: str


# --- commands ------------------------------------------------------------------------------------


class OpenPoll(Value, frozen=True):
    question: str
    kind: PollKind
    options: tuple[str, ...]
    closes_at: Moment | None = None


class CastVote(Value, frozen=True):
    """`option_ids` for choices, `answers` (option id to answer) for yes / maybe / no. Empty: take it back."""

    poll_id: str
    option_ids: tuple[str, ...] = ()
    answers: tuple[tuple[str, Answer], ...] = ()


class ClosePoll(Value, frozen=True):
    """`option_id` settles a tie: while closing, or afterwards."""

    poll_id: str
    option_id: str | None = None


# --- rules ---------------------------------------------------------------------------------------


def tally(poll: Poll) -> tuple[OptionTally, ...]:
    """The votes of each option, in the order of the options."""
    sides: dict[tuple[str, Answer], list[str]] = {}
    for member, ballot in poll.ballots.items():
        for vote in ballot:
            sides.setdefault(vote, []).append(member)

    def voters(option: Option, answer: Answer) -> tuple[str, ...]:
        return tuple(sides.get((option.id, answer), ()))

    return tuple(OptionTally(o, voters(o, "yes"), voters(o, "maybe"), voters(o, "no")) for o in poll.options)


def leaders(poll: Poll) -> tuple[str, ...]:
    """The option ids that lead: most yes, then most maybe. Empty while nobody is for anything."""
    counts = [(len(t.yes), len(t.maybe), t.option.id) for t in tally(poll)]
    best = max(((yes, maybe) for yes, maybe, _ in counts), default=(0, 0))
    return () if best == (0, 0) else tuple(i for yes, maybe, i in counts if (yes, maybe) == best)


def open_poll(polls: HashTrieMap[str, Poll], command: str, who: str, c: OpenPoll, now: datetime) -> Fact | None:
    """None when this command has opened it already.

    Raises `Refused`: `id-taken`, `too-many-polls`, `bad-options`, `deadline-past`, `invalid`, or a text's.
    """
    if command in polls:
        if polls[command].opened_by == who:
            return None
        raise id_taken()
    if len(polls) >= MAX_POLLS:
        raise Refused("too-many-polls", "full", f"A trip has room for {MAX_POLLS} polls.", limit=MAX_POLLS)
    if not 2 <= len(c.options) <= MAX_OPTIONS:
        raise Refused("bad-options", "invalid", f"A poll needs 2 to {MAX_OPTIONS} options.", limit=MAX_OPTIONS)
    texts = [text.checked(o, field="option", limit=MAX_OPTION) for o in c.options]
    if len({t.casefold() for t in texts}) < len(texts):
        raise Refused("bad-options", "invalid", "Two options are the same.")
    closes_at = checked_ahead(c.closes_at, now, field="closesAt", past="That deadline is already past.")
    return PollOpened(
        poll_id=command,
        question=text.checked(c.question, field="question", limit=MAX_QUESTION),
        kind=c.kind,
        options=tuple(Option(derived(command, i), t) for i, t in enumerate(texts)),
        closes_at=closes_at,
    )


def cast_vote(poll: Poll, voter: str, c: CastVote, now: datetime) -> Fact | None:
    """None when the same vote stands already. Raises `Refused`: `poll-closed`, `unknown-option`, `bad-vote`."""
    if not poll.takes_votes(now):
        ended = poll.closed_at or poll.closes_at or now
        raise Refused(
            "poll-closed", "conflict", "That poll is closed. Your vote was not counted.", pollId=poll.id, closedAt=ended
        )
    ballot = _ballot(poll, c)
    if ballot == poll.ballots.get(voter, ()):
        return None
    return VoteCast(poll.id, ballot)


def _ballot(poll: Poll, c: CastVote) -> Ballot:
    if poll.kind == "yes-maybe-no":
        if c.option_ids:
            raise Refused("bad-vote", "invalid", "This poll takes yes, maybe or no for each option.")
        given: list[tuple[str, Answer]] = list(c.answers)
    else:
        if c.answers:
            raise Refused("bad-vote", "invalid", "This poll takes choices, not yes, maybe or no.")
        given = [(i, "yes") for i in c.option_ids]
    chosen: dict[str, Answer] = dict(given)
    if len(chosen) < len(given):
        raise Refused("bad-vote", "invalid", "The same option is named twice.")
    if poll.kind == "single" and len(chosen) > 1:
        raise Refused("bad-vote", "invalid", "This poll takes one choice.")
    order = {o.id: n for n, o in enumerate(poll.options)}
    for i in chosen:
        if i not in order:
            raise Refused("unknown-option", "missing", "That option is not in this poll.", pollId=poll.id)
    return tuple(sorted(chosen.items(), key=lambda vote: order[vote[0]]))


def close_poll(poll: Poll, who: str, c: ClosePoll, now: datetime, *, chair: bool) -> Fact | None:
    """None when it is closed already. Raises `Refused`: `not-yours-to-close`, `not-a-tie`, `unknown-option`."""
    if not (chair or who == poll.opened_by):
        raise Refused("not-yours-to-close", "forbidden", "Only the organiser or who opened a poll can end it.")
    if poll.closed:
        if c.option_id is None or poll.outcome is None:
            return None
        if c.option_id in poll.outcome.winners and not poll.outcome.tie:
            return None
        _check_tied(poll, poll.outcome, c.option_id)
        return PollTieSettled(poll.id, c.option_id)
    outcome = outcome_of(poll)
    if c.option_id is not None and outcome.winners != (c.option_id,):
        _check_tied(poll, outcome, c.option_id)
        outcome = Outcome((c.option_id,), False, outcome.voters, chosen_by=who)
    return PollClosed(poll.id, "closed" if poll.takes_votes(now) else "deadline", outcome)


def close_overdue(polls: Iterable[Poll], now: datetime) -> Iterator[Fact]:
    """Announce the polls whose deadline has passed."""
    for poll in sorted(polls, key=lambda p: (p.closes_at or now, p.id)):
        if not poll.closed and not poll.takes_votes(now):
            yield PollClosed(poll.id, "deadline", outcome_of(poll))


def outcome_of(poll: Poll) -> Outcome:
    """What it would be if the poll ended now."""
    winners = leaders(poll)
    return Outcome(winners, tie=len(winners) > 1, voters=len(poll.ballots))


def _check_tied(poll: Poll, outcome: Outcome, option: str) -> None:
    if all(option != o.id for o in poll.options):
        raise Refused("unknown-option", "missing", "That option is not in this poll.", pollId=poll.id)
    if not outcome.tie or option not in outcome.winners:
        raise Refused("not-a-tie", "conflict", "Only a tie can be settled, and only for one of the options that lead.")


def waiting_for(poll: Poll, members: Mapping[str, object] | HashTrieMap[str, object]) -> set[str]:
    """Ids of members who have not voted."""
    return {m for m in members if m not in poll.ballots}


# --- evolve --------------------------------------------------------------------------------------


def opened(f: PollOpened, by: str, at: datetime) -> Poll:
    """The poll as it begins."""
    return Poll(f.poll_id, f.question, f.kind, f.options, by, at, f.closes_at)


def closed(poll: Poll, f: PollClosed, at: datetime) -> Poll:
    """The poll as it ended: at its deadline, if that came before anybody could say so."""
    ended = at if poll.closes_at is None else min(at, poll.closes_at)
    return msgspec.structs.replace(poll, closed_at=ended, outcome=f.outcome)


def voted(poll: Poll, voter: str, ballot: Ballot) -> HashTrieMap[str, Ballot]:
    """The ballots after `voter` cast `ballot`."""
    return poll.ballots.insert(voter, ballot) if ballot else poll.ballots.discard(voter)


def settled(outcome: Outcome, option: str, by: str | None) -> Outcome:
    """The outcome after `by` settled its tie."""
    return Outcome((option,), False, outcome.voters, chosen_by=by)
