"""What people say and give of something as JSON: in resets and in the store."""

from __future__ import annotations  # rpds maps can't be subscripted when running

import msgspec
from rpds import HashTrieMap

from roadcrew_domain import marks_rules
from roadcrew_domain.events import Event
from roadcrew_domain.feed_state import (
    SNAPSHOT_VERSION,
    Binned,
    Feed,
    Item,
    ItemEdited,
    ItemRestored,
    ItemWritten,
    Watching,
)
from roadcrew_domain.marks_state import Marks
from roadcrew_domain.places import LIST_CHANNELS, MARK_CHANNELS, Channel, ListChannel, MarkChannel
from roadcrew_domain.values import Moment, Value, read

FeedState = Feed | Marks | Watching
"""The state of a channel, whichever it is."""


class FeedView(Value, frozen=True, omit_defaults=True):
    """The fields of `Feed`."""

    channel: ListChannel
    trip_id: str | None
    opened_at: Moment
    changed_at: Moment
    count: int = 0
    items: tuple[Item, ...] = ()
    pages: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    binned: tuple[Binned, ...] = ()
    v: int = 0


class MarksView(Value, frozen=True):
    """The fields of `Marks`, with a map that JSON knows."""

    channel: MarkChannel
    trip_id: str | None
    opened_at: Moment
    changed_at: Moment
    spread: tuple[int, ...]
    marks: dict[str, int]
    whole: bool
    v: int = SNAPSHOT_VERSION


class WatchingView(Value, frozen=True):
    """The fields of `Watching`, and of which channel."""

    channel: Channel
    trip_id: str | None
    opened_at: Moment
    changed_at: Moment
    v: int = SNAPSHOT_VERSION


class _Head(Value, frozen=True):
    """What tells how to read the rest."""

    channel: Channel
    v: int = 0


_encoder = msgspec.json.Encoder(order="deterministic")
_heads = msgspec.json.Decoder(_Head)
_feeds = msgspec.json.Decoder(FeedView)
_marks = msgspec.json.Decoder(MarksView)
_watching = msgspec.json.Decoder(WatchingView)


def encode_state(state: FeedState) -> bytes:
    """The state's JSON; which channel it is of stands in it."""
    return _encoder.encode(_view(state))


def decode_state(body: bytes | str | msgspec.Raw) -> FeedState:
    """A state from its JSON. Raises `ValueError`, also for a version that is newer than ours."""
    head = read(_heads, body)
    if head.v > SNAPSHOT_VERSION:
        raise ValueError(f"a feed of version {head.v}; this version reads up to {SNAPSHOT_VERSION}")
    if head.channel in LIST_CHANNELS:
        f = read(_feeds, body)
        return Feed(f.channel, f.trip_id, f.opened_at, f.changed_at, f.count, f.items, f.pages, f.gone, f.binned)
    if head.channel in MARK_CHANNELS:
        m = read(_marks, body)
        marks = HashTrieMap(m.marks)
        return Marks(m.channel, m.trip_id, m.opened_at, m.changed_at, m.spread, marks, m.whole)
    w = read(_watching, body)
    return Watching(w.trip_id, w.opened_at, w.changed_at)


def _view(s: FeedState) -> Value:
    match s:
        case Feed():
            rest = (s.count, s.items, s.pages, s.gone, s.binned, SNAPSHOT_VERSION)
            return FeedView(s.channel, s.trip_id, s.opened_at, s.changed_at, *rest)
        case Marks():
            given = dict(s.marks.items())
            return MarksView(s.channel, s.trip_id, s.opened_at, s.changed_at, s.spread, given, s.whole)
        case Watching():
            return WatchingView("presence", s.trip_id, s.opened_at, s.changed_at)


def shown_state(state: FeedState) -> FeedState:
    """What people are shown: without where the server keeps the old, and without whose marks are not shown."""
    match state:
        case Feed():
            return msgspec.structs.replace(state, pages=(), gone=()) if state.pages else state
        case Marks():
            return marks_rules.shown(state)
        case Watching():
            return state


def told(state: FeedState | None, event: Event) -> Event:
    """An event as people are told it now: without the words of an item that was removed since."""
    data: ItemWritten | ItemEdited | ItemRestored
    match event.data:
        case ItemWritten() as f:
            removed = _is_removed(state, event.command, by=event.by)
            data = msgspec.structs.replace(f, text="", title=f.title and "", picture=None, reply_to=None, mentions=())
        case ItemEdited() as f:
            removed = _is_removed(state, f.id, by=event.by)
            data = msgspec.structs.replace(f, text="", title=f.title and "", mentions=())
        case ItemRestored() as f:
            removed = _is_removed(state, f.id, no=f.no)
            data = ItemRestored(f.id, f.no, "", f.title and "", turned=f.turned)
        case _:
            return event
    return msgspec.structs.replace(event, data=data) if removed else event


def _is_removed(state: FeedState | None, item_id: str, *, by: str | None = None, no: int | None = None) -> bool:
    """Whether that is so of the item that `by` has written, or of that number: somebody may have given one of theirs
    the same id."""
    if not isinstance(state, Feed):
        return False
    return item_id in state.gone or any(
        item.id == item_id and (item.no == no or item.by == by) and item.removed is not None for item in state.items
    )
