"""A time slot as JSON: whole for the server's own snapshots, and counted for everybody who looks at it.

Who looks folds the same events over the counted one; it has no holds, so no number of them makes it large.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

import msgspec
from rpds import HashTrieMap

from roadcrew_domain.events import Event
from roadcrew_domain.seats_state import (
    CapacityChanged,
    Hold,
    HoldExtended,
    SeatsFreed,
    SeatsHeld,
    SeatsPinned,
    SeatsSold,
    SeatsUnpinned,
    Slot,
    SlotOpened,
)
from roadcrew_domain.values import Moment, Value, read

SNAPSHOT_VERSION = 1


class SlotCount(Value, frozen=True):
    """A slot as a terminal knows it. `taken` are seats that are held, pinned or sold."""

    id: str
    capacity: int
    taken: int
    starts_at: Moment
    ends_at: Moment

    @property
    def left(self) -> int:
        """Seats that are free."""
        return max(0, self.capacity - self.taken)


class _Snapshot(Value, frozen=True):
    slot: SlotCount
    holds: list[Hold]
    over: list[tuple[str, Moment]]
    v: int = SNAPSHOT_VERSION


_encoder = msgspec.json.Encoder()
_snapshots = msgspec.json.Decoder(_Snapshot)


def count_of(slot: Slot) -> SlotCount:
    """What everybody may know of a slot."""
    return SlotCount(slot.id, slot.capacity, slot.taken, slot.starts_at, slot.ends_at)


def encode_count(slot: Slot) -> bytes:
    """The JSON of that: a reset's `state`."""
    return _encoder.encode(count_of(slot))


def evolve_count(count: SlotCount | None, event: Event) -> SlotCount:
    """The count after `event`. Raises `ValueError` for an event that it does not know or that can't follow."""
    fact = event.data
    if isinstance(fact, SlotOpened):
        if count is not None:
            raise ValueError("a slot is opened once")
        return SlotCount(event.topic.partition(":")[2], fact.capacity, 0, fact.starts_at, fact.ends_at)
    if count is None:
        raise ValueError(f"a slot begins with SlotOpened, not {event.type}")
    match fact:
        case CapacityChanged(capacity=capacity):
            return msgspec.structs.replace(count, capacity=capacity)
        case SeatsHeld(seats=seats) | SeatsPinned(took=seats):
            return msgspec.structs.replace(count, taken=count.taken + seats)
        case SeatsFreed(seats=seats):
            return msgspec.structs.replace(count, taken=count.taken - seats)
        case HoldExtended() | SeatsUnpinned() | SeatsSold():
            return count
        case _:
            raise ValueError(f"no rule for {event.type}")


def encode_slot(slot: Slot) -> bytes:
    """The whole state, for the store."""
    holds = sorted(slot.holds.values(), key=lambda hold: hold.id)
    return _encoder.encode(_Snapshot(count_of(slot), holds, list(slot.over)))


def decode_slot(body: bytes | str | msgspec.Raw) -> Slot:
    """A slot from what `encode_slot` made. Raises `ValueError`, also for a version that is newer than ours."""
    whole = read(_snapshots, body)
    if whole.v > SNAPSHOT_VERSION:
        raise ValueError(f"a slot of version {whole.v}; this version reads up to {SNAPSHOT_VERSION}")
    s = whole.slot
    holds = HashTrieMap({hold.id: hold for hold in whole.holds})
    ends = tuple(sorted((hold.until, hold.id) for hold in whole.holds if hold.state == "held"))
    return Slot(s.id, s.capacity, s.starts_at, s.ends_at, s.taken, holds, tuple(whole.over), ends)
