"""A process that dies between any two steps of a booking: whoever comes next, or the timers alone, make it whole.

Each run dies at the N-th call to the store, before or after that was done, with N = 1, 2, … until nobody dies any more.
"""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from tests.conftest import Count, Figure
from tests.support.booking import CAPACITY, Clock, do_what_is_due, hall, timed_store
from tests.support.mortal import Mortal, When
from tests.support.serving import settings_for

from roadcrew_domain import trip
from roadcrew_domain.booking_ids import booking_of, hold_of, order_of
from roadcrew_domain.cart import Cart
from roadcrew_domain.crew import Invite
from roadcrew_domain.refusals import Refused
from roadcrew_domain.seats import Hold, Slot
from roadcrew_server.app import Server
from roadcrew_server.booking.book import Asked
from roadcrew_server.catalogue import Catalogue
from roadcrew_server.payments.base import Succeeded
from roadcrew_server.payments.ledger import Entry
from roadcrew_server.stores.base import StoreUnavailable
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.topic import TopicMissing

Step = tuple[str, *tuple[Any, ...]]
Return = Literal["at once", "later", "never"]
"""When the person comes back after the process has died, and sends what was not answered once more."""

RETURNS: tuple[Return, ...] = ("at once", "later", "never")
WHENS: tuple[When, ...] = ("before", "after")
SEATS = 2
MOST = 200
"""Calls to the store that no run of these needs."""

PLANS: dict[str, tuple[Step, ...]] = {
    "two slots, paid and cancelled": (
        ("add", 0, "trip"),
        ("add", 1, None),
        ("extend", 0),
        ("checkout", "simulated"),
        ("pay", "accept"),
        ("cancel",),
    ),
    "one line given back, the other tried twice": (
        ("add", 0, None),
        ("add", 1, "trip"),
        ("remove", 0),
        ("checkout", "simulated"),
        ("pay", "refuse"),
        ("pay", "accept"),
    ),
    "the answer to the payment is lost": (("add", 0, "trip"), ("checkout", "simulated"), ("pay", "lost")),
    "paid at the venue and cancelled": (("add", 0, "trip"), ("checkout", "venue"), ("paid",), ("cancel",)),
    "not paid at the venue": (("add", 0, "trip"), ("checkout", "venue"), ("cancel",)),
}


@dataclass
class World:
    """A store, its time, and servers over it, one after the other."""

    store: SqliteStore
    clock: Clock
    catalogue: Catalogue = field(default_factory=hall)
    slots: itertools.count[int] = field(default_factory=itertools.count)

    @asynccontextmanager
    async def server(self, dies_at: int = 0, when: When = "before") -> AsyncIterator[Server]:
        """A server that may die."""
        mortal: Any = Mortal(self.store, dies_at, when)
        more: dict[str, Any] = {"payments": "simulated,venue", "organisers_word": "all"}
        settings = settings_for(Path("unused"), timer_interval=60, snapshot_every=4, **more)
        server = Server(mortal, settings, catalogue=self.catalogue)
        await server.start()
        mortal.counting = True
        try:
            yield server
        finally:
            await server.stop()

    def two_slots(self) -> tuple[str, str]:
        """Of the day after tomorrow; nobody had them before."""
        day, n = self.clock.now() + timedelta(days=2), next(self.slots)
        times = [f"{n * 2 % 48 // 2:02}00", f"{n * 2 % 48 // 2:02}30"]
        return f"hall.{day:%Y%m%d}.{times[0]}", f"hall.{day:%Y%m%d}.{times[1]}"


@dataclass
class Visitor:
    """Somebody who follows a plan; each step has one key, however often it is sent."""

    plan: tuple[Step, ...]
    slots: tuple[str, str]
    trip: str
    user: str = field(default_factory=lambda: str(uuid.uuid4()))
    keys: list[str] = field(default_factory=list)

    @classmethod
    async def of(cls, world: World, plan: tuple[Step, ...]) -> Visitor:
        """Somebody new, with a trip of their own."""
        visitor = cls(plan, world.two_slots(), str(uuid.uuid4()), keys=[str(uuid.uuid4()) for _ in plan])
        create = trip.CreateTrip(
            "Lisbon", "Ana", Invite(visitor.trip[:8], None, None), trip.Bounds(), 10**9, discount_percent=0
        )
        async with world.server() as server:
            await server.hub.execute(f"trip:{visitor.trip}", trip.Command(visitor.trip, visitor.user, create))
        return visitor

    def key_of(self, *what: str) -> str:
        """The key of the last step that begins so."""
        return next(k for k, step in reversed([*zip(self.keys, self.plan, strict=True)]) if step[: len(what)] == what)

    async def take(self, server: Server, n: int) -> None:
        """Send a step."""
        booking, key = server.booking, self.keys[n]
        what, *more = self.plan[n]
        asked = Asked(self.user, key, f"{self.user}:{what}:{key}", "body")
        match what:
            case "add":
                assert server.catalogue is not None
                slot = server.catalogue.slot(self.slots[more[0]])
                await booking.add(asked, slot, {"adult": SEATS}, self.trip if more[1] else None)
            case "extend":
                await booking.extend(asked, self.keys[more[0]])
            case "remove":
                await booking.remove(asked, self.keys[more[0]])
            case "checkout":
                await booking.check_out(asked, (), more[0])
            case "pay":
                await booking.pay(asked, self.key_of("checkout"), more[0])
            case "paid":
                await booking.paid_at_venue(asked, self.user, booking_of(self.user, self.keys[0]))
            case "cancel":
                await booking.cancel(asked, self.key_of("checkout"))

    async def follow(self, server: Server, clock: Clock, begin: int = 0) -> int:
        """Take the steps from there on, one a second; how many were taken when the server died, or all. Raises
        `Refused`."""
        for n in range(begin, len(self.plan)):
            clock.later(seconds=1)
            with suppress(StoreUnavailable):
                await self.take(server, n)
            if server.store.dead:  # type: ignore[attr-defined]
                return n  # nobody was answered
        return len(self.plan)


async def live(world: World, visitor: Visitor, returns: Return, deaths: list[tuple[int, When]]) -> bool:
    """Go through it all, with servers that die. Whether the first of them did."""
    async with world.server(*deaths[0]) as server:
        reached = await visitor.follow(server, world.clock)
    died = reached < len(visitor.plan)
    for death in [*deaths[1:], (0, "before")] if died else []:
        async with world.server(*death) as server:
            if returns == "later":
                world.clock.later(minutes=20)
                with suppress(StoreUnavailable):
                    await do_what_is_due(server)
            if returns != "never":
                try:
                    reached = await visitor.follow(server, world.clock, reached)
                except Refused:
                    assert returns == "later"  # then it may have run out
    async with world.server() as server:
        for _ in range(3):
            world.clock.later(seconds=31)
            await do_what_is_due(server)
        await check(server, visitor, ended=False)
        world.clock.later(days=3)
        await do_what_is_due(server)
        await check(server, visitor, ended=True)
        if died is False or returns == "at once":
            check_plan(await cart_of(server, visitor), visitor)
    return died


async def cart_of(server: Server, visitor: Visitor) -> Cart:
    topic = await server.booking.load(visitor.user)
    return Cart(visitor.user) if topic is None else topic.state


def check_plan(cart: Cart, visitor: Visitor) -> None:
    """Who was answered in the end has what they asked for."""
    (order,) = cart.orders
    last = visitor.plan[-1]
    assert order.state == ("cancelled" if last == ("cancel",) else "paid")


async def check(server: Server, visitor: Visitor, *, ended: bool) -> None:
    """What slots, orders, trip and provider say is one and the same. `ended`: all of it is over and done."""
    user, cart = visitor.user, await cart_of(server, visitor)
    due = {slot: dict[str, tuple[int, str, str | None]]() for slot in visitor.slots}
    for line in cart.lines:
        assert (line.state, ended) == ("held", False)
        due[line.slot.slot_id][hold_of(user, line.id)] = (line.seats, "held", None)
    for order in cart.orders:
        assert order.settled, order
        assert order.open_attempt is None, order
        assert {refund.state for refund in order.refunds} <= {"done"}, order
        over = ("paid", "lapsed", "cancelled", "rejected")
        assert order.state in over or (order.state == "awaiting" and not ended), order
        if order.has_seats:
            state = "sold" if order.state == "paid" else "pinned"
            for n in order.lines:
                due[n.slot.slot_id][hold_of(user, n.id)] = (n.seats, state, order_of(user, order.id, n.id))
        assert await money_for(server, f"{user}_{order.id}") == (order.total if order.state == "paid" else 0), order
    for slot_id, expected in due.items():
        holds = await holds_in(server, slot_id)
        found = {h.id: (h.seats, h.state, h.order) for h in holds}
        lost = {v for k, v in found.items() if k not in expected}
        assert {k: v for k, v in found.items() if k in expected} == expected
        assert not lost or (not ended and lost == {(SEATS, "held", None)}), lost  # it ends by itself
    trips: trip.Trip = (await server.hub.topic(f"trip:{visitor.trip}")).state
    standing = [n for order in cart.orders if order.state in ("awaiting", "paid") for n in order.lines]
    assert set(trips.bookings) == {booking_of(user, n.id) for n in standing if n.trip_id}


async def holds_in(server: Server, slot_id: str) -> list[Hold]:
    """What a slot says that it has, which must add up."""
    try:
        slot: Slot = (await server.hub.topic(f"slot:{slot_id}")).state
    except TopicMissing:
        return []
    holds = list(slot.holds.values())
    assert slot.taken == sum(hold.seats for hold in holds) <= slot.capacity == CAPACITY
    return holds


async def money_for(server: Server, reference: str) -> int:
    """What was taken for an order and not given back, in minor units."""
    taken, cursor = 0, ""
    while True:
        page = await server.store.walk_records(cursor)
        for record in page.items:
            if record.kind in ("payment-simulated", "payment-venue"):
                entry = msgspec.json.decode(record.stored.value, type=Entry)
                paid = isinstance(entry.outcome, Succeeded) and not entry.refund
                taken += entry.amount.amount if paid and entry.reference == reference else 0
        if page.next is None:
            return taken
        cursor = page.next


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A store that outlives its servers."""
    clock = Clock()
    store = timed_store(tmp_path, clock)
    await store.open()
    yield World(store, clock)
    await store.close()


# R: C2
@pytest.mark.parametrize("plan", list(PLANS))
async def test_seats_and_money_add_up_wherever_the_process_died(
    world: World, plan: str, count: Count, figure: Figure
) -> None:
    deaths, many = 0, count(reduced=1, full=len(RETURNS))
    for when in WHENS:
        for n in range(1, MOST):
            died = False
            for shift in range(many):
                visitor = await Visitor.of(world, PLANS[plan])
                died = await live(world, visitor, RETURNS[(n + shift) % len(RETURNS)], [(n, when)])
                deaths += died
            if not died:
                break
        assert n < MOST - 1
    assert deaths > 20
    figure("deaths", deaths)


# R: C2
async def test_seats_and_money_add_up_when_whoever_comes_next_dies_too(
    world: World, count: Count, figure: Figure
) -> None:
    chance, rounds = random.Random(6), count(reduced=40, full=1000)
    for _ in range(rounds):
        deaths = [(chance.randint(1, 30 if n == 0 else 8), chance.choice(WHENS)) for n in range(chance.randint(2, 4))]
        visitor = await Visitor.of(world, chance.choice(list(PLANS.values())))
        await live(world, visitor, chance.choice(RETURNS), deaths)
    figure("bookings through two to four deaths, and what did not add up", f"{rounds}, 0")
