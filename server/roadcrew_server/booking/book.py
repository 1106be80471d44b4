"""What a person can do: add seats, keep them longer, give them back, order, pay, cancel. Every change may be sent twice
under one key; a repetition goes on where the first one died, and is answered as that was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from roadcrew_domain import cart, seats
from roadcrew_domain.booking_ids import booking_of, order_in
from roadcrew_domain.cart_acts import CancelOrder, CartAct, OpenCart, PlaceOrder, RemoveLine, StartAdd, StartPayment
from roadcrew_domain.cart_lines import find
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.refusals import Refused
from roadcrew_server.booking import holding, ordering, paying
from roadcrew_server.booking.attending import Attendance
from roadcrew_server.booking.desk import Desk
from roadcrew_server.booking.kinds import cart_topic
from roadcrew_server.catalogue import Catalogue, Slot
from roadcrew_server.payments.base import BadNotice, Notice, PaymentTrouble
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import StoreUnavailable
from roadcrew_server.topic import Done, Topic, TopicMissing

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub

UNOPENED = timedelta(seconds=2)
"""For so long a slot that nobody had opened is taken to be so still: a day has up to 96, and anybody may ask."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose command it is, its id, and what makes it safe to repeat."""

    user: str
    command: str
    key: str | None
    body: str


class Booking:
    """Of one server. Every method may raise `Refused`, `KeyReused` and `StoreUnavailable`."""

    def __init__(self, hub: Hub, catalogue: Catalogue | None, providers: paying.Providers, settings: Settings) -> None:
        self._hub = hub
        self._desk = Desk(hub, catalogue)
        self._attendance = Attendance(hub.spawn, self._go_on)
        self._providers = providers
        self._bounds = settings.cart_bounds
        self._word = settings.organisers_word
        self._pay_within = int(settings.pay_minutes * 60)
        self.adds_refused = 0

    async def seats_left(self, slot: Slot) -> int:
        """Seats of a slot that are free, as this process knows; of one that it does not have open, as it was up to
        `UNOPENED` ago."""
        known = await self._desk.slot(slot.info.slot_id, spare=UNOPENED)
        if known is None:
            return slot.capacity
        return seats.left_at(msgspec.structs.replace(known, capacity=slot.capacity), self._hub.store.now())

    def offers(self, slot: Slot) -> bool:
        """Whether a slot is near enough to be booked."""
        return self._bounds.reach(slot.info.starts_at, self._hub.store.now())

    async def load(self, user: str) -> Topic | None:
        """A person's cart, its prices as their trips have them now, and what others left undone in it finished, or
        being finished, where that takes a while. None if they never had one: every terminal that signs in looks, and
        that writes nothing."""
        name = cart_topic(user)
        try:
            await self._hub.topic(name)
        except TopicMissing:
            return None
        await holding.note_discounts(self._desk, user)
        await self._attendance.looked(user)
        return await self._hub.topic(name)

    # --- seats -------------------------------------------------------------------------------------

    async def add(self, asked: Asked, slot: Slot | None, tickets: Mapping[str, int], trip_id: str | None) -> Topic:
        """Seats into the cart. `slot` None: the catalogue has no such slot."""
        try:
            await self._begins(asked, self._wanted(asked.user, slot, tickets, trip_id))
        except Refused:
            self.adds_refused += 1
            raise
        await holding.finish_add(self._desk, asked.user, asked.command)
        await holding.note_discounts(self._desk, asked.user)
        return await self._cart(asked.user)

    async def remove(self, asked: Asked, line_id: str) -> Topic:
        """Out of the cart; the seats are free at once."""
        await self._does(asked, RemoveLine(line_id))
        ended = (await self._desk.cart(asked.user)).ending(line_id)
        if ended is not None:
            await holding.give_back(self._desk, asked.user, ended)
        return await self._cart(asked.user)

    async def extend(self, asked: Asked, line_id: str) -> Topic:
        """Held for longer, as far as that goes."""
        if await self._again(asked) is None:
            topic = await self._cart(asked.user)
            await self._hub.refresh(topic)
            line = find(topic.state, line_id)
            if line.state == "adding":
                raise Refused("unknown-line", "missing", "That is not in your cart.")
            note = await holding.keep_longer(self._desk, asked.user, line, self._bounds.hold, asked.command)
            await self._does(asked, note)
        return await self._cart(asked.user)

    # --- orders ------------------------------------------------------------------------------------

    async def check_out(self, asked: Asked, line_ids: tuple[str, ...], provider_id: str | None) -> Topic:
        """An order of what is in the cart, its seats pinned. Raises `Refused` `seats-gone`, with `left`, if some could
        not be."""
        await self._begins(asked, self._order_of(asked.user, line_ids, provider_id))
        await ordering.advance(self._desk, self._providers, asked.user, asked.command)
        topic = await self._cart(asked.user)
        order = topic.state.order(asked.command)
        if order is not None and order.state == "rejected":
            lost = (line.slot.slot_id for line in order.lines if line.id in order.lost)
            raise await holding.gone(self._desk, lost)
        return topic

    async def pay(self, asked: Asked, order_id: str, method: str) -> Topic:
        """Try to pay an order. What came of it, its state in the cart says."""
        await self._begins(asked, self._payment_of(asked.user, order_id, method))
        order = (await self._desk.cart(asked.user)).order(order_id)
        if order is not None and order.open_attempt is not None and order.open_attempt.id == asked.command:
            await paying.begin(self._desk, self._providers, asked.user, order)
        await ordering.advance(self._desk, self._providers, asked.user, order_id)
        return await self._cart(asked.user)

    async def cancel(self, asked: Asked, order_id: str) -> Topic:
        """Give an order up: seats free, money back."""
        await self._does(asked, CancelOrder(order_id))
        await ordering.advance(self._desk, self._providers, asked.user, order_id)
        return await self._cart(asked.user)

    async def paid_at_venue(self, asked: Asked, member: str, booking: str) -> None:
        """Somebody who may (whoever asks has looked) says that the order of a member's booking is paid. Their key is
        remembered in their own cart."""
        if await self._again(asked) is not None:
            return
        state = await self._desk.cart(member, fresh=True)
        standing = (order for order in state.orders if order.has_seats)
        order = next((o for o in standing if any(booking_of(member, n.id) == booking for n in o.lines)), None)
        taker = None if order is None else self._providers.get(order.provider)
        if order is None or taker is None or not (order.pays_later and taker.takes_word):
            raise Refused("unknown-order", "missing", "There is no order here that is paid at the venue.")
        if len({line.trip_id for line in order.lines}) > 1:
            raise Refused("order-of-several", "forbidden", "This order is of several trips. The venue must say so.")
        if self._word == "none" or (self._word == "others" and asked.user == member):
            sentence = "Your word is not enough for this order. The venue must say that it was paid."
            raise Refused("word-not-taken", "forbidden", sentence)
        charge = paying.charge(member, order, None)
        try:
            if not order.settled:
                await paying.begin_later(self._desk, self._providers, member, order)
            said = await taker.mark_paid(charge.id, asked.user)
        except BadNotice as bad:
            raise Refused("order-over", "gone", str(bad)) from bad
        except PaymentTrouble as trouble:
            raise StoreUnavailable(str(trouble)) from trouble
        await self.notified(order.provider, Notice(charge.id, charge.reference, said))
        await self._does(asked, OpenCart())

    async def notified(self, provider_id: str, notice: Notice) -> None:
        """A provider has said what came of a payment; however often."""
        user = await paying.notice(self._desk, provider_id, notice)
        meant = order_in(notice.reference)
        if user is not None and meant is not None:
            await ordering.advance(self._desk, self._providers, user, meant[1])

    async def attend(self, name: str) -> None:
        """Something in a cart is due: go on with what others left undone."""
        kind, _, user = name.partition(":")
        if kind == "cart":
            await self._attendance.due(user)

    async def _go_on(self, user: str) -> None:
        now = self._hub.store.now()
        await holding.take_up(self._desk, user, now, timedelta(seconds=self._bounds.hold.hold_for))
        await ordering.take_up(self._desk, self._providers, user, now)

    # --- what is asked for ---------------------------------------------------------------------------

    async def _wanted(self, user: str, slot: Slot | None, tickets: Mapping[str, int], trip_id: str | None) -> CartAct:
        act = StartAdd(*_chosen(slot, tickets), trip_id, self._bounds)
        if trip_id is not None and await self._desk.discount(user, trip_id) is None:
            raise Refused("not-a-member", "forbidden", "You are not in this trip.")
        return act

    async def _order_of(self, user: str, line_ids: tuple[str, ...], provider_id: str | None) -> CartAct:
        offer = paying.chosen(self._providers, provider_id).offer
        # Fresh: of a line that was added at another process just now, the trip's discount would be missing.
        before = await self._desk.cart(user, fresh=True)
        for order in before.orders:
            if order.state in ("placing", "rejected") and cart.unfinished(order):
                await ordering.advance(self._desk, self._providers, user, order.id)
        trips = dict.fromkeys(line.trip_id for line in before.lines if line.trip_id is not None)
        found = [await self._desk.discount(user, trip_id) for trip_id in trips]
        discounts = tuple(discount for discount in found if discount is not None)
        return PlaceOrder(line_ids, discounts, offer.id, offer.pays_later, self._pay_within)

    async def _payment_of(self, user: str, order_id: str, method: str) -> CartAct:
        order = (await self._desk.cart(user)).order(order_id)
        if order is not None:
            method = paying.chosen(self._providers, order.provider, method).offer.method(method) or ""
        return StartPayment(order_id, method)

    # --- how ---------------------------------------------------------------------------------------

    async def _begins(self, asked: Asked, wanted: Awaitable[CartAct]) -> None:
        """Do what is wanted, unless it was done before, when it may not be possible any more. Most of what is asked for
        is asked for once, so the store is not asked first."""
        try:
            act = await wanted
        except Refused:
            if await self._again(asked) is None:
                raise
        else:
            await self._does(asked, act)

    async def _does(self, asked: Asked, act: CartAct) -> Done:
        command = cart.CartCommand(asked.command, asked.user, act)
        return await self._hub.execute(cart_topic(asked.user), command, key=asked.key, body=asked.body)

    async def _again(self, asked: Asked) -> Done | None:
        """What this very command was answered before."""
        if asked.key is None:
            return None
        return await self._hub.replayed(cart_topic(asked.user), asked.key, asked.body)

    async def _cart(self, user: str) -> Topic:
        topic, _ = await self._hub.look(cart_topic(user), user)
        return topic


def _chosen(slot: Slot | None, tickets: Mapping[str, int]) -> tuple[SlotInfo, tuple[cart.Ticket, ...]]:
    """The slot and the tickets with their prices. Raises `Refused`."""
    if slot is None:
        raise Refused("unknown-slot", "missing", "There is no such time slot.")
    kinds = {kind.kind: kind for kind in slot.tickets}
    unknown = next((kind for kind in tickets if kind not in kinds), None)
    if unknown is not None:
        raise Refused("bad-tickets", "invalid", "There is no such kind of ticket here.", field="tickets")
    chosen = (cart.Ticket(k.kind, k.name, tickets[k.kind], k.price) for k in slot.tickets if tickets.get(k.kind))
    return slot.info, tuple(chosen)
