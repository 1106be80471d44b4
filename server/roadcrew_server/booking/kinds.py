"""Carts and time slots as topics: who may read them, how long they are kept, and that looking at one opens it."""

from __future__ import annotations

from datetime import datetime

from roadcrew_domain import cart, seats, seats_views
from roadcrew_domain.cart_acts import CartTick, OpenCart
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.ids import is_id
from roadcrew_server.catalogue import Catalogue, Slot
from roadcrew_server.problems import Problem
from roadcrew_server.stores.base import KEPT_EVENTS
from roadcrew_server.topics import STORE_GRACE, Closed, Record


def cart_topic(user: str) -> str:
    """The topic of a person's cart."""
    return f"cart:{user}"


def slot_topic(slot_id: str) -> str:
    """The topic of a time slot."""
    return f"slot:{slot_id}"


def opening_of(slot: Slot) -> seats.OpenSlot:
    """What the catalogue says of a slot's seats."""
    return seats.OpenSlot(slot.capacity, slot.info.starts_at, slot.info.ends_at)


class CartKind:
    """Carts: read by whose they are."""

    prefix = "cart"
    presence = False
    keeps: int | None = KEPT_EVENTS

    def decide(self, state: cart.Cart | None, command: cart.CartCommand, now: datetime) -> tuple[Fact, ...]:
        return cart.decide(state, command, now)

    def evolve(self, state: cart.Cart | None, event: Event) -> cart.Cart:
        return cart.evolve(state, event)

    def encode(self, state: cart.Cart) -> bytes:
        return cart.encode_cart(state)

    def shown(self, state: cart.Cart) -> bytes:
        return cart.encode_cart(state)

    def told(self, state: cart.Cart, event: Event) -> Event:
        return event

    def decode(self, body: bytes) -> cart.Cart:
        return cart.decode_cart(body)

    def tick(self, command_id: str) -> cart.CartCommand:
        return cart.CartCommand(command_id, None, CartTick())

    async def opening(self, rest: str, user: str, command_id: str, now: datetime) -> cart.CartCommand | None:
        """One's own."""
        return cart.CartCommand(command_id, user, OpenCart()) if rest == user else None

    def next_due(self, state: cart.Cart) -> datetime | None:
        return cart.next_due(state)

    def keep_until(self, state: cart.Cart, now: datetime) -> datetime:
        last = max((cart.last_date(order) for order in state.orders), default=now)
        return max(last, now) + cart.KEPT + STORE_GRACE

    def records(self, state: cart.Cart) -> tuple[Record, ...]:
        return ()

    def names(self, rest: str) -> bool:
        return is_id(rest)

    def guard(self, state: cart.Cart) -> None:
        """It is one person's."""
        return

    def closed_to(self, state: cart.Cart, user: str, now: datetime) -> Closed | None:
        return None if state.user == user else "unknown"

    def problem(self, closed: Closed) -> Problem:
        return Problem(404, "unknown-cart", "There is no such cart.")

    def expels(self, event: Event, user: str) -> str | None:
        return None


class SlotKind:
    """Time slots: read by everybody who is signed in, since their logs name nobody. What is read is counted seats."""

    prefix = "slot"
    presence = False
    keeps: int | None = KEPT_EVENTS

    def __init__(self, catalogue: Catalogue | None) -> None:
        self._catalogue = catalogue

    def decide(self, state: seats.Slot | None, command: seats.SlotCommand, now: datetime) -> tuple[Fact, ...]:
        return seats.decide(state, command, now)

    def evolve(self, state: seats.Slot | None, event: Event) -> seats.Slot:
        return seats.evolve(state, event)

    def encode(self, state: seats.Slot) -> bytes:
        return seats_views.encode_slot(state)

    def shown(self, state: seats.Slot) -> bytes:
        return seats_views.encode_count(state)

    def told(self, state: seats.Slot, event: Event) -> Event:
        return event

    def decode(self, body: bytes) -> seats.Slot:
        return seats_views.decode_slot(body)

    def tick(self, command_id: str) -> seats.SlotCommand:
        return seats.SlotCommand(command_id, seats.SlotTick())

    async def opening(self, rest: str, user: str, command_id: str, now: datetime) -> seats.SlotCommand | None:
        """One that the catalogue has, until it begins."""
        slot = self._catalogue.slot(rest) if self._catalogue is not None else None
        if slot is None or now >= slot.info.starts_at:
            return None
        return seats.SlotCommand(command_id, opening_of(slot))

    def next_due(self, state: seats.Slot) -> datetime | None:
        return seats.next_due(state)

    def keep_until(self, state: seats.Slot, now: datetime) -> datetime:
        """As orders are kept."""
        return max(state.ends_at, now) + cart.KEPT + STORE_GRACE

    def records(self, state: seats.Slot) -> tuple[Record, ...]:
        return ()

    def names(self, rest: str) -> bool:
        return 1 <= len(rest) <= 64

    def guard(self, state: seats.Slot) -> None:
        """It is everybody's."""
        return

    def closed_to(self, state: seats.Slot, user: str, now: datetime) -> Closed | None:
        return None

    def problem(self, closed: Closed) -> Problem:
        return Problem(404, "unknown-slot", "There is no such time slot.")

    def expels(self, event: Event, user: str) -> str | None:
        return None
