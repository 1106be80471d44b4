"""What people say and give of something, in one place to import from: its states (feed_state.py, marks_state.py), what
can be done (feed_decide.py, marks_rules.py), what that changes (feed_evolve.py, marks_rules.py), its JSON
(feed_views.py) and whom a text names (mentions.py). Pure.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from roadcrew_domain import feed_decide, feed_evolve, marks_rules
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.feed_decide import found, has_room, judged, restorable
from roadcrew_domain.feed_evolve import changed
from roadcrew_domain.feed_state import (
    LET_GO,
    LOOKED_AFTER,
    Feed,
    FeedAct,
    FeedKept,
    FeedOpened,
    KeepFeed,
    OpenFeed,
    Watching,
)
from roadcrew_domain.feed_views import FeedState, decode_state, encode_state, shown_state, told
from roadcrew_domain.marks_rules import with_mine
from roadcrew_domain.marks_state import GiveMark, MarkAct, Marks, TakeMark
from roadcrew_domain.mentions import mentioned
from roadcrew_domain.places import LIST_CHANNELS, MARK_CHANNELS
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Value

__all__ = [
    "FeedCommand",
    "FeedState",
    "changed",
    "decide",
    "decode_state",
    "encode_state",
    "evolve",
    "found",
    "has_room",
    "judged",
    "mentioned",
    "next_due",
    "restorable",
    "shown_state",
    "told",
    "with_mine",
]


class FeedCommand(Value, frozen=True):
    """Who (`by`, None for the server) wants what, under an id that makes it safe to send twice."""

    id: str
    by: str | None
    act: FeedAct | MarkAct


def decide(state: FeedState | None, command: FeedCommand, now: datetime) -> tuple[Fact, ...]:
    """What happens if `command` is accepted at `now`; nothing, if it changes nothing.

    Raises `Refused`: `unknown-entity`, `no-such-channel`, or as feed_decide.py and marks_rules.py say.
    """
    act = command.act
    if state is None:
        if isinstance(act, OpenFeed):
            return (FeedOpened(act.channel, act.trip_id),)
        raise Refused("unknown-entity", "missing", "There is no such thing to talk about.")
    match state:
        case Feed() if not isinstance(act, GiveMark | TakeMark):
            return feed_decide.decide(state, command.id, command.by, act, now)
        case Marks() if isinstance(act, OpenFeed | KeepFeed | GiveMark | TakeMark):
            return marks_rules.decide(state, command.by, act)
        case Watching() if isinstance(act, OpenFeed | KeepFeed):
            return (FeedKept(),) if isinstance(act, KeepFeed) else ()
    raise Refused("no-such-channel", "invalid", "That can't be done in this channel.")


def evolve(state: FeedState | None, event: Event) -> FeedState:
    """The state after `event`. Raises `ValueError` for an event that can't follow this state."""
    if isinstance(event.data, FeedOpened):
        if state is not None:
            raise ValueError("a feed is opened once")
        return _opened(event.data, event.at)
    match state:
        case None:
            raise ValueError(f"a feed begins with FeedOpened, not {event.type}")
        case Feed():
            return feed_evolve.evolve(state, event)
        case Marks():
            return marks_rules.evolve(state, event)
        case Watching() if isinstance(event.data, FeedKept):
            return msgspec.structs.replace(state, changed_at=event.at)
    raise ValueError(f"{event.type} where nothing is ever written")


def next_due(state: FeedState) -> datetime:
    """When it is to be looked at: whether what it is about is still there, and what was removed is kept any longer."""
    looked_after = state.changed_at + LOOKED_AFTER
    if isinstance(state, Feed) and state.binned:
        return min(looked_after, state.binned[0].at + LET_GO)
    return looked_after


def _opened(f: FeedOpened, at: datetime) -> FeedState:
    if f.channel in LIST_CHANNELS:
        return Feed(f.channel, f.trip_id, at, at)  # type: ignore[arg-type]
    if f.channel in MARK_CHANNELS:
        return Marks(f.channel, f.trip_id, at, at, (0,) * marks_rules.most(f.channel))  # type: ignore[arg-type]
    return Watching(f.trip_id, at, at)
