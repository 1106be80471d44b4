"""Slots and carts counted anew from their whole logs with plain dicts: slow, simple, and no code of `evolve` in it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from roadcrew_domain.events import Event

DECIDED = {"Paid": "paid", "Lapsed": "lapsed", "OrderCancelled": "cancelled", "OrderRejected": "rejected"}


def _data(e: Event) -> dict[str, Any]:
    return {f: getattr(e.data, f) for f in e.data.__struct_fields__}


@dataclass
class NaiveSlot:
    """`seats` and `state` by hold."""

    capacity: int = 0
    seats: dict[str, int] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        return sum(self.seats.values())

    def sold(self) -> dict[str, int]:
        """Seats by hold."""
        return {hold: seats for hold, seats in self.seats.items() if self.state[hold] == "sold"}


def recount_slot(events: Iterable[Event]) -> NaiveSlot:
    """The slot after all these events. Fails where one can't follow the others, or takes what is not there."""
    slot = NaiveSlot()
    for e in events:
        _apply_to_slot(slot, e.type, _data(e))
    return slot


def _apply_to_slot(slot: NaiveSlot, happened: str, data: dict[str, Any]) -> None:
    if happened in ("SlotOpened", "CapacityChanged"):
        slot.capacity = data["capacity"]
        return
    hold = data["hold_id"]
    if happened == "SeatsHeld" or (happened == "SeatsPinned" and data["took"]):
        assert hold not in slot.seats
        slot.seats[hold] = data["seats"]
        assert slot.taken <= slot.capacity, "oversold"
        slot.state[hold] = "held" if happened == "SeatsHeld" else "pinned"
    elif happened == "SeatsPinned":
        assert (slot.seats[hold], slot.state[hold]) == (data["seats"], "held")
        slot.state[hold] = "pinned"
    elif happened == "HoldExtended":
        assert slot.state[hold] == "held"
    elif happened == "SeatsUnpinned":
        assert slot.state[hold] != "sold"
        slot.state[hold] = "held"
    elif happened == "SeatsSold":
        assert slot.state[hold] == "pinned"
        slot.state[hold] = "sold"
    else:
        assert happened == "SeatsFreed"
        if data["seats"]:
            assert slot.seats.pop(hold) == data["seats"]
            was = slot.state.pop(hold)
            assert data["because"] not in ("expired", "released") or was == "held"


@dataclass
class NaiveOrder:
    """`seats` by slot and line; `decided`: what became of it, in order; `owed` and `given` back, payments."""

    seats: dict[tuple[str, str], int]
    decided: list[str] = field(default_factory=list)
    payment: str = ""
    owed: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    settled: str = ""


@dataclass
class NaiveCart:
    lines: set[str] = field(default_factory=set)
    orders: dict[str, NaiveOrder] = field(default_factory=dict)


def recount_cart(events: Iterable[Event]) -> NaiveCart:
    """The cart after all these events. Fails where one can't follow the others."""
    cart = NaiveCart()
    for e in events:
        data = _data(e)
        if e.type == "AddStarted":
            assert e.command not in cart.lines
            cart.lines.add(e.command)
        elif e.type in ("AddFailed", "LineRemoved"):
            cart.lines.remove(data["line_id"])
        elif e.type == "OrderPlaced":
            seats = {(n.slot.slot_id, n.id): sum(t.count for t in n.tickets) for n in data["lines"]}
            cart.lines -= {n.id for n in data["lines"]}
            cart.orders[e.command] = NaiveOrder(seats)
        elif "order_id" in data:
            _apply_to_order(cart, cart.orders[data["order_id"]], e.type, data)
    return cart


def _apply_to_order(cart: NaiveCart, order: NaiveOrder, happened: str, data: dict[str, Any]) -> None:
    if happened in DECIDED:
        before = order.decided[-1:]
        assert not before or (before == ["paid"] and happened == "OrderCancelled"), f"{happened} after {before}"
        order.decided.append(DECIDED[happened])
    if happened == "Paid":
        order.payment = data["payment"]
    elif happened == "OrderRejected":
        cart.lines |= {line for _, line in order.seats if line not in data["lost"]}
    elif happened == "RefundOwed":
        assert data["payment"] not in order.owed, "owed twice"
        order.owed.append(data["payment"])
    elif happened == "Refunded":
        assert data["payment"] in order.owed
        assert data["payment"] not in order.given, "given back twice"
        order.given.append(data["payment"])
    elif happened == "OrderSettled":
        order.settled = data["state"]
