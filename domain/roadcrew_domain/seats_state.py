"""A time slot as a value: its state, what can happen to it (facts) and what can be asked (commands).

What is allowed is for seats.py, what a fact changes for seats_evolve.py.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from datetime import timedelta
from typing import Literal

from rpds import HashTrieMap

from roadcrew_domain.events import Fact
from roadcrew_domain.values import Moment, Value

End = tuple[Moment, str]
Over = tuple[str, Moment]
HoldState = Literal["held", "pinned", "sold"]
FreedBecause = Literal["released", "expired", "lapsed", "cancelled"]

PIN_WITHIN = timedelta(hours=1)
"""An order pins its seats within this time of being placed, or not at all."""
REMEMBERED = timedelta(hours=4)
"""For so long a slot knows the orders that are over, so that a process that slept can't pin seats for one: longer than
`PIN_WITHIN` by more than clocks differ."""

MOST_FREED = 200
"""Holds that one command says have run out, so that a server that was away comes back by small steps. Each has a seat,
so there are always more of them than one line can ask for."""


class HoldBounds(Value, frozen=True):
    """What a server allows: seconds of a hold and of each extension, how many of these, and seconds after which a
    hold ends in any case."""

    hold_for: int = 15 * 60
    max_extensions: int = 10
    longest: int = 2 * 60 * 60


class Hold(Value, frozen=True):
    """Seats that are taken. `until` counts while they are `held`, and never goes past `limit`; `order` has pinned or
    bought them."""

    id: str
    seats: int
    state: HoldState
    until: Moment
    limit: Moment
    extensions: int = 0
    order: str | None = None


class Slot(Value, frozen=True):
    """`taken` counts the seats of all holds. Nothing can be had once it has started."""

    id: str
    capacity: int
    starts_at: Moment
    ends_at: Moment
    taken: int = 0
    holds: HashTrieMap[str, Hold] = HashTrieMap()
    over: tuple[Over, ...] = ()
    """Orders that are over, with the time when that was said here; oldest first."""
    ends: tuple[End, ...] = ()
    """When each hold that is no order's runs out, with its id; the first first. It follows from `holds`."""

    @property
    def left(self) -> int:
        """Seats that are free."""
        return max(0, self.capacity - self.taken)


# --- facts ---------------------------------------------------------------------------------------


class SlotOpened(Fact, frozen=True):
    """The first event: somebody looked, or wanted seats."""

    capacity: int
    starts_at: Moment
    ends_at: Moment


class CapacityChanged(Fact, frozen=True):
    """The catalogue says another number now. What is taken stays taken."""

    capacity: int


class SeatsHeld(Fact, frozen=True):
    hold_id: str
    seats: int
    until: Moment
    limit: Moment


class HoldExtended(Fact, frozen=True):
    hold_id: str
    until: Moment


class SeatsPinned(Fact, frozen=True):
    """`took`: seats that were free, because the hold had run out, and the `limit` that they have now; 0 and None for
    one that stood."""

    hold_id: str
    order: str
    seats: int
    took: int = 0
    limit: Moment | None = None


class SeatsUnpinned(Fact, frozen=True):
    """The order came to nothing, and the seats are held (again)."""

    hold_id: str
    order: str
    until: Moment


class SeatsSold(Fact, frozen=True):
    hold_id: str


class SeatsFreed(Fact, frozen=True):
    """`order`, if it was the end of one: it can't pin seats here any more. `seats` is 0 where it had none."""

    hold_id: str
    seats: int
    because: FreedBecause
    order: str | None = None


# --- commands ------------------------------------------------------------------------------------


class OpenSlot(Value, frozen=True):
    """What the catalogue says; a slot that is open already learns its new capacity."""

    capacity: int
    starts_at: Moment
    ends_at: Moment


class HoldSeats(Value, frozen=True):
    hold_id: str
    seats: int
    until: Moment
    limit: Moment
    slot: OpenSlot


class ExtendHold(Value, frozen=True):
    hold_id: str
    bounds: HoldBounds


class ReleaseHold(Value, frozen=True):
    """Gives back what is held; what an order has pinned or bought stays."""

    hold_id: str


class PinHold(Value, frozen=True):
    """An order placed at `placed_at` wants these seats. A hold that has run out takes them anew if they are free, under
    the `limit` that its line had."""

    hold_id: str
    order: str
    seats: int
    placed_at: Moment
    limit: Moment
    slot: OpenSlot


class UnpinHold(Value, frozen=True):
    """The order came to nothing: the seats are held until then; those that it had not pinned at least so long."""

    hold_id: str
    order: str
    until: Moment


class SellHold(Value, frozen=True):
    hold_id: str
    order: str


class FreeHold(Value, frozen=True):
    """The order is over: whatever it has here is free."""

    hold_id: str
    order: str
    because: FreedBecause


class SlotTick(Value, frozen=True):
    """Time has passed: announce which holds have run out."""


SlotAct = OpenSlot | HoldSeats | ExtendHold | ReleaseHold | PinHold | UnpinHold | SellHold | FreeHold | SlotTick


class SlotCommand(Value, frozen=True):
    """The server's, on behalf of a cart; the log does not say whose, so `by` is always None."""

    id: str
    act: SlotAct
    by: None = None
