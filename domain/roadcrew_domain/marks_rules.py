"""What is allowed with ratings, likes and saves, and what each fact changes in them. Pure.

A rating and a like are of the person who sends the command. A save names nobody: whose it is stands for a person that
only the server knows, and the command is nobody's.
"""

from __future__ import annotations

import msgspec

from roadcrew_domain.events import Event, Fact
from roadcrew_domain.feed_state import FeedKept, KeepFeed, OpenFeed
from roadcrew_domain.marks_state import MOST_STARS, SHOWN, GiveMark, MarkAct, MarkGiven, Marks, MarkTaken
from roadcrew_domain.places import MarkChannel
from roadcrew_domain.refusals import Refused


def most(channel: MarkChannel) -> int:
    """The highest mark that can be given there; the lowest is 1."""
    return MOST_STARS if channel == "rating" else 1


def decide(marks: Marks, by: str | None, act: MarkAct) -> tuple[Fact, ...]:
    """What happens if `act` is accepted; nothing, if it changes nothing. Raises `Refused`: `forbidden`, `bad-stars`."""
    match act:
        case OpenFeed():
            return ()
        case KeepFeed():
            return (FeedKept(),)
    if (by is None) != (marks.channel == "saves") or (by is None) != (act.who is not None):
        raise Refused("forbidden", "forbidden", "A mark is somebody's.")
    was = marks.marks.get(by or act.who or "")
    if not isinstance(act, GiveMark):
        return () if was is None else (MarkTaken(was, act.who),)
    if not 1 <= act.value <= most(marks.channel):
        raise Refused("bad-stars", "invalid", f"A rating is 1 to {MOST_STARS} stars.", field="stars")
    return () if was == act.value else (MarkGiven(act.value, was, act.who),)


def evolve(marks: Marks, event: Event) -> Marks:
    """The state after `event`. Raises `ValueError` for an event that can't follow this state."""
    match event.data:
        case FeedKept():
            return msgspec.structs.replace(marks, changed_at=event.at)
        case MarkGiven(value=value, was=was, who=who):
            spread, after = _moved(marks.spread, was, value), marks.marks.insert(_person(event, who), value)
        case MarkTaken(was=was, who=who):
            spread, after = _moved(marks.spread, was, None), marks.marks.discard(_person(event, who))
        case _:
            raise ValueError(f"no rule for {event.type}")
    return msgspec.structs.replace(marks, changed_at=event.at, spread=spread, marks=after)


def shown(marks: Marks) -> Marks:
    """What people are shown: of saves never whose they are, of others while they are not too many."""
    if marks.channel != "saves" and marks.whole and len(marks.marks) <= SHOWN:
        return marks
    return msgspec.structs.replace(marks, marks=type(marks.marks)(), whole=False)


def with_mine(marks: Marks, who: str, value: int | None) -> Marks:
    """The same sums, with one person's mark known (None: they gave none), where not all of them are shown."""
    if marks.whole:
        return marks
    mine = marks.marks.discard(who) if value is None else marks.marks.insert(who, value)
    return msgspec.structs.replace(marks, marks=mine)


def _person(event: Event, who: str | None) -> str:
    person = who or event.by
    if person is None:
        raise ValueError("a mark of nobody")
    return person


def _moved(spread: tuple[int, ...], was: int | None, value: int | None) -> tuple[int, ...]:
    counts = list(spread)
    for mark, people in ((was, -1), (value, 1)):
        if mark is not None:
            if not 1 <= mark <= len(counts):
                raise ValueError(f"no such mark: {mark}")
            counts[mark - 1] += people
    if min(counts) < 0:
        raise ValueError("a mark was replaced that nobody gave")
    return tuple(counts)
