"""How a step is taken: one command to one log, in the server's own name. All of them may be taken twice, by anybody.

What the steps are is in holding.py, ordering.py and paying.py.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from roadcrew_domain import seats, trip
from roadcrew_domain.cart import Cart, CartCommand, TripDiscount
from roadcrew_domain.cart_acts import CartAct
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.refusals import Refused
from roadcrew_server.booking.kinds import cart_topic, opening_of, slot_topic
from roadcrew_server.catalogue import Catalogue
from roadcrew_server.stores.base import StoreError
from roadcrew_server.topic import Done, Topic, TopicMissing
from roadcrew_server.topics import trip_topic

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub

log = logging.getLogger(__name__)

MOST_UNOPENED = 10_000
"""Slots of which it is remembered that nobody has opened them."""


@contextmanager
def left_if_it_fails(what: str) -> Iterator[None]:
    """What can't be done now is left to whoever comes next, and keeps nothing else from being done."""
    try:
        yield
    except Refused as refused:
        log.warning("%s was not brought on: %s", what, refused.code)
    except StoreError as error:
        log.warning("%s was not brought on: %s", what, error)
    except Exception:
        log.exception("%s was not brought on", what)


class Desk:
    """The logs, as booking uses them. Every method may raise `StoreUnavailable`; then whoever comes next goes on."""

    def __init__(self, hub: Hub, catalogue: Catalogue | None) -> None:
        self.hub = hub
        self.catalogue = catalogue
        self._unopened: dict[str, datetime] = {}

    async def cart(self, user: str, *, fresh: bool = False) -> Cart:
        """The person's cart as this process knows it, or, if it must be `fresh`, as the store has it; an empty one if
        there is none."""
        topic = await self._topic(cart_topic(user))
        if topic is not None and fresh:
            await self.hub.refresh(topic)
        return Cart(user) if topic is None else topic.state

    async def cart_does(self, user: str, act: CartAct) -> Cart:
        """A step in a cart. Raises `Refused`."""
        command = CartCommand(self.hub.new_id(), None, act)
        state: Cart = (await self.hub.execute(cart_topic(user), command)).state
        return state

    async def slot(self, slot_id: str, *, spare: timedelta = timedelta()) -> seats.Slot | None:
        """A slot as this process knows it; None if nobody has opened it yet. The store is not asked again for `spare`
        after it said so."""
        name, now = slot_topic(slot_id), self.hub.store.now()
        if name not in self.hub.topics and self._unopened.get(name, now - spare) > now - spare:
            return None
        topic = await self._topic(name)
        if topic is not None:
            state: seats.Slot = topic.state
            return state
        if len(self._unopened) >= MOST_UNOPENED:
            self._unopened.clear()
        self._unopened[name] = now
        return None

    async def slot_does(self, slot_id: str, act: seats.SlotAct, command: str, *, key: str | None = None) -> seats.Slot:
        """A step in a slot. `key`, for one that must not be taken twice. Raises `Refused`."""
        done: Done = await self.hub.execute(slot_topic(slot_id), seats.SlotCommand(command, act), key=key)
        state: seats.Slot = done.state
        return state

    async def trip_does(self, user: str, trip_id: str, act: trip.TripAct) -> None:
        """Tell a trip. One that is over, or that they left, need not know."""
        with suppress(Refused, TopicMissing):
            command = trip.Command(self.hub.new_id(), user, act)
            await self.hub.execute(trip_topic(trip_id), command)

    async def opening(self, info: SlotInfo) -> seats.OpenSlot:
        """What is known of a slot's seats: by the catalogue, or, when that has changed, by the slot itself."""
        listed = self.catalogue.slot(info.slot_id) if self.catalogue is not None else None
        if listed is not None:
            return opening_of(listed)
        known = await self.slot(info.slot_id)
        if known is None:
            raise Refused("unknown-slot", "missing", "There is no such time slot any more.")
        return seats.OpenSlot(known.capacity, known.starts_at, known.ends_at)

    async def discount(self, user: str, trip_id: str) -> TripDiscount | None:
        """What a trip gives its member off now; None where there is no such trip, or they are not in it."""
        try:
            topic, closed = await self.hub.look(trip_topic(trip_id), user)
        except TopicMissing:
            return None
        if closed is not None:
            return None
        state: trip.Trip = topic.state
        percent = state.discount_percent if state.discount_unlocked else 0
        return TripDiscount(trip_id, percent, topic.head)

    async def _topic(self, name: str) -> Topic | None:
        try:
            return await self.hub.topic(name)
        except TopicMissing:
            return None
