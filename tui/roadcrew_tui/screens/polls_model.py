"""What the polls tab says: the list, and the sheet of one poll. Pure, without Textual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from roadcrew_domain import polls as rules
from roadcrew_domain.polls import Answer, CastVote, Poll
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import crew_order, poll_order
from roadcrew_tui import dates, when
from roadcrew_tui.snapshot import Sending

KIND_WORDS = {"single": "one choice", "multiple": "several choices", "yes-maybe-no": "yes, maybe or no"}
_NEXT: Mapping[Answer | None, Answer | None] = {None: "yes", "yes": "maybe", "maybe": "no", "no": None}


@dataclass(frozen=True)
class PollRow:
    id: str
    question: str
    note: str
    state: Literal["open", "mine", "closed"]
    """`mine`: it waits for me."""


@dataclass(frozen=True)
class OptionRow:
    """`answers` by member id; `share` of the crew that said yes, 0 to 1."""

    id: str
    text: str
    mine: Answer | None
    answers: Mapping[str, Answer]
    yes: int
    maybe: int
    no: int
    share: float
    leads: bool
    won: bool


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    you: bool
    voted: bool


@dataclass(frozen=True)
class Sheet:
    """One poll. `waiting` have not voted, `partial` not on every option that asks for an answer. `verdict` has room
    for {what} and {who}, people's text."""

    id: str
    question: str
    kind: str
    closes: str
    open: bool
    options: tuple[OptionRow, ...]
    people: tuple[Person, ...]
    waiting: tuple[Person, ...]
    partial: tuple[Person, ...]
    tie: bool
    verdict: str
    what: str
    who: str
    under_way: str
    may_end: bool


def rows(trip: Trip, me: str, now: datetime) -> list[PollRow]:
    """What is open, in the order in which it was asked; then what has ended, the newest first. Nobody's vote moves a
    row, and everybody has them in the same order."""
    return [_row(p, me, now) for p in (*(p for p in poll_order(trip) if not p.closed), *ended(trip))]


def ended(trip: Trip) -> list[Poll]:
    """What has ended, the newest first."""
    return sorted((p for p in poll_order(trip) if p.closed), key=lambda p: p.closed_at or p.opened_at, reverse=True)


def _row(poll: Poll, me: str, now: datetime) -> PollRow:
    if poll.closed or not poll.takes_votes(now):
        tie = poll.outcome is not None and poll.outcome.tie
        return PollRow(poll.id, poll.question, "a tie" if tie else "ended", "closed")
    note = f"closes {when.until(poll.closes_at, now)}" if poll.closes_at else f"{len(poll.ballots)} voted"
    return PollRow(poll.id, poll.question, note, "open" if me in poll.ballots else "mine")


def sheet(trip: Trip, poll: Poll, me: str, now: datetime, sending: Iterable[Sending]) -> Sheet:
    """Everything about one poll."""
    is_open = poll.takes_votes(now)
    leading = poll.outcome.winners if poll.outcome is not None else rules.leaders(poll)
    crew = crew_order(trip)
    people = [Person(m.id, m.name, m.id == me, m.id in poll.ballots) for m in crew]
    people.sort(key=lambda p: not p.you)
    options = []
    for t in rules.tally(poll):
        answers: dict[str, Answer] = {}
        for members, answer in ((t.yes, "yes"), (t.maybe, "maybe"), (t.no, "no")):
            for member in members:
                answers[member] = answer  # type: ignore[assignment]
        i = t.option.id
        leads = i in leading
        share = len(t.yes) / max(1, len(crew))
        options.append(
            OptionRow(
                i, t.option.text, answers.get(me), answers, len(t.yes), len(t.maybe), len(t.no), share,
                leads and is_open, leads and not is_open and len(leading) == 1,
            )
        )  # fmt: skip
    waiting = rules.waiting_for(poll, trip.members) if is_open else set()
    partial = unfinished(trip, poll) if is_open else set()
    verdict, what, who = _verdict(trip, poll, is_open=is_open)
    return Sheet(
        id=poll.id,
        question=poll.question,
        kind=poll.kind,
        closes=_closes(poll, now, is_open=is_open),
        open=is_open,
        options=tuple(options),
        people=tuple(people),
        waiting=tuple(p for p in people if p.id in waiting),
        partial=tuple(p for p in people if p.id in partial),
        tie=len(leading) > 1,
        verdict=verdict,
        what=what,
        who=who,
        under_way=under_way(s for s in sending if isinstance(s.act, CastVote) and s.act.poll_id == poll.id),
        may_end=me in (trip.organiser, poll.opened_by),
    )


def under_way(changes: Iterable[Sending]) -> str:
    """What stands beside something of mine that the server has not confirmed: `sending`, or `waits` for the network."""
    waiting = [change.waiting for change in changes]
    return "" if not waiting else "waits" if all(waiting) else "sending"


def unfinished(trip: Trip, poll: Poll) -> set[str]:
    """Who has answered some options of a yes / maybe / no poll, and not the others."""
    if poll.kind != "yes-maybe-no":
        return set()
    return {m for m in trip.members if m in poll.ballots and len(poll.ballots[m]) < len(poll.options)}


def turnout(trip: Trip, poll: Poll) -> str:
    """In a sentence: how many have voted so far."""
    waiting, partial = len(rules.waiting_for(poll, trip.members)), len(unfinished(trip, poll))
    if not waiting and not partial:
        return "All have voted."
    have = "has" if (waiting or partial) == 1 else "have"
    words = (
        f"{waiting} of {len(trip.members)} {have} not voted"
        if waiting
        else f"{partial} {have} not answered every option"
    )
    return f"{words}, {partial} not on every option." if waiting and partial else f"{words}."


def won_dates(trip: Trip, poll: Poll) -> tuple[date, date] | None:
    """The dates that this poll's winner names, unless the trip has them already. A single day is both ends.

    Read as on the day on which it was asked: a year later `20 May` still means the one that was voted on.
    """
    if poll.outcome is None or poll.outcome.tie or len(poll.outcome.winners) != 1:
        return None
    span = dates.parse_span(won_text(poll), poll.opened_at.astimezone().date())
    if span is None or span == (trip.starts_on, trip.ends_on):
        return None
    return None if span[0] == span[1] == trip.starts_on else span


def won_text(poll: Poll) -> str:
    """The option that won alone."""
    won = poll.outcome.winners if poll.outcome is not None else ()
    return next((o.text for o in poll.options if (o.id,) == won), "")


def _closes(poll: Poll, now: datetime, *, is_open: bool) -> str:
    if poll.closed_at is not None:
        return f"ended {when.clock(poll.closed_at, now)}, {when.ago(poll.closed_at, now)}"
    if poll.closes_at is None:
        return "no deadline"
    if not is_open:
        return f"ended {when.clock(poll.closes_at, now)}"
    return f"closes {when.clock(poll.closes_at, now)}, {when.until(poll.closes_at, now)}"


def _verdict(trip: Trip, poll: Poll, *, is_open: bool) -> tuple[str, str, str]:
    opener = trip.members.get(poll.opened_by) or trip.members.get(trip.organiser)
    decider = opener.name if opener else "the organiser"
    if is_open:
        return ("A tie: {who} decides.", "", decider) if len(rules.leaders(poll)) > 1 else ("", "", "")
    outcome = poll.outcome
    if outcome is None:
        return "Time is up; the server is counting.", "", ""
    texts = {o.id: o.text for o in poll.options}
    if not outcome.winners:
        return "Nobody voted for anything.", "", ""
    if outcome.tie:
        return "A tie: {who} decides. Press e to settle it.", "", decider
    won = texts.get(outcome.winners[0], "")
    if outcome.chosen_by is not None:
        chooser = trip.members.get(outcome.chosen_by)
        return "{what} won a tie; {who} decided.", won, chooser.name if chooser else "somebody who has left"
    return "{what} won.", won, ""


def vote(poll: Poll, me: str, option: str, answer: Answer | None) -> CastVote:
    """What to send when this person wants `answer` (None: nothing) on `option` and keeps the rest."""
    mine: dict[str, Answer] = dict(poll.ballots.get(me, ()))
    if poll.kind == "yes-maybe-no":
        mine.pop(option, None)
        if answer is not None:
            mine[option] = answer
        return CastVote(poll.id, answers=tuple(mine.items()))
    if poll.kind == "single":
        return CastVote(poll.id, option_ids=(option,) if answer == "yes" else ())
    chosen = [i for i in mine if i != option]
    return CastVote(poll.id, option_ids=tuple([*chosen, option] if answer == "yes" else chosen))


def next_answer(poll: Poll, me: str, option: str) -> Answer | None:
    """What space makes of this person's answer on `option`."""
    now = dict(poll.ballots.get(me, ())).get(option)
    if poll.kind == "yes-maybe-no":
        return _NEXT[now]
    return None if now == "yes" else "yes"
