"""A server where one can book, whose time stands still until a test moves it; and what people do there."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.support.people import Person, connected
from tests.support.serving import Running, served

from roadcrew_domain import seats
from roadcrew_domain.cart import Cart
from roadcrew_domain.exhibitions import Exhibition, TicketKind
from roadcrew_domain.money import Money
from roadcrew_server.app import Server
from roadcrew_server.catalogue import Catalogue
from roadcrew_server.payments.base import Succeeded
from roadcrew_server.payments.ledger import Entry
from roadcrew_server.payments.signing import HEADER, signature
from roadcrew_server.stores.clock import StoreClock
from roadcrew_server.stores.sqlite import SqliteStore

SLOT = "azulejo-light.20340608.1000"
"""A Thursday, 09:00 in UTC; 40 seats. An adult is 14.00 €, a child 5.00 €, an infant nothing."""
NEXT = "azulejo-light.20340608.1130"
SMALL = "clockmaker.20340608.1430"
"""12 seats; an adult is 18.50 €."""
YEN = "paper-rain.20340608.1030"

SECRET = "a secret of the venue"
"""Of the box office, where a test sets it."""
BEGIN = datetime(2034, 6, 1, 9, tzinfo=UTC)
"""A week before all of them."""
ROUNDS = 20
"""Times that what is due is done at one moment; what is due for ever is a fault."""


CAPACITY = 5
"""Seats of each slot of `hall`."""


def hall() -> Catalogue:
    """A slot every half an hour, day and night, for a lifetime; an adult is 10.00 €."""
    opened = Exhibition(
        id="hall",
        title="Hall",
        venue="House",
        city="Vila Azul",
        description="",
        starts_on=BEGIN.date(),
        ends_on=date(2099, 1, 1),
        weekdays=(0, 1, 2, 3, 4, 5, 6),
        closed_on=(),
        times=tuple(f"{n // 2:02}:{n % 2 * 30:02}" for n in range(48)),
        minutes=30,
        time_zone="UTC",
        capacity=CAPACITY,
        tickets=(TicketKind("adult", "Adult", Money(1000, "EUR")),),
    )
    return Catalogue((opened,))


class Clock(StoreClock):
    """A store's time. It goes on where it was when the store is opened again."""

    def __init__(self) -> None:
        self.passed = 0.0
        super().__init__(lambda: BEGIN + timedelta(seconds=self.passed), lambda: self.passed)

    def later(self, **delta: float) -> None:
        """Move it on."""
        self.passed += timedelta(**delta).total_seconds()


def timed_store(place: Path, clock: Clock) -> SqliteStore:
    """A store in a folder, with that clock."""
    return SqliteStore(place / "store.sqlite", clock=clock, synchronous="NORMAL")


async def do_what_is_due(server: Server) -> None:
    """What the timers would do now."""
    store = server.hub.store
    for _ in range(ROUNDS):
        names = await store.due_take(store.now(), 100, timedelta(seconds=30))
        if not names:
            return
        for name in names:
            await server.hub._tick(name)
    raise AssertionError("it is due for ever")


@dataclass(frozen=True)
class Shop:
    """A server with the sample catalogue, paid by simulation (the first) or at the venue."""

    running: Running
    http: httpx.AsyncClient
    clock: Clock

    @property
    def server(self) -> Server:
        """Its parts."""
        return self.running.server

    async def guest(self, name: str) -> Person:
        """A new guest."""
        return await Person.guest(self.http, name)

    async def later(self, **delta: float) -> None:
        """Time passes, and what is due then is done."""
        self.clock.later(**delta)
        await do_what_is_due(self.server)

    async def slot(self, slot_id: str = SLOT) -> seats.Slot:
        """A slot with its holds."""
        state: seats.Slot = (await self.server.hub.topic(f"slot:{slot_id}")).state
        return state

    async def cart(self, person: Person) -> Cart:
        """Somebody's cart."""
        state: Cart = (await self.server.hub.topic(f"cart:{person.id}")).state
        return state

    async def left(self, slot_id: str = SLOT) -> int:
        """Seats that are left, as everybody is told."""
        exhibition, day, _ = slot_id.split(".")
        date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        answer = await self.http.get(f"/api/exhibitions/{exhibition}/slots", params={"date": date})
        return int(next(s["seatsLeft"] for s in answer.json()["slots"] if s["id"] == slot_id))


@contextlib.asynccontextmanager
async def shop(place: Path, *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Shop]:
    """A `Shop` in this event loop; its timers are the test's (`Shop.later`)."""
    clock = clock or Clock()
    chosen = {"catalog": "sample", "payments": "simulated,venue", "timer_interval": 60, **settings}
    async with (
        served(place, store=timed_store(place, clock), **chosen) as running,
        connected(running.url) as http,
    ):
        yield Shop(running, http, clock)


async def add(
    person: Person, slot: str = SLOT, *, trip: str | None = None, key: str | None = None, **tickets: int
) -> Any:
    """The answer to adding seats, of 2 adults if nobody is named."""
    body = {"slotId": slot, "tickets": tickets or {"adult": 2}, **({"tripId": trip} if trip else {})}
    return await person.do("/api/cart/add", body, key=key)


async def check_out(person: Person, provider: str = "simulated", **more: Any) -> Any:
    """The order of what is in the cart."""
    answer = await person.do("/api/cart/checkout", {"provider": provider, **more})
    return order_of(answer, answer["orderId"])


async def pay(person: Person, order_id: str, method: str = "accept") -> Any:
    """The order after a try to pay it."""
    return order_of(await person.do("/api/cart/pay", {"orderId": order_id, "method": method}), order_id)


async def cancel(person: Person, order_id: str) -> Any:
    """The order after it was cancelled."""
    return order_of(await person.do("/api/cart/cancel", {"orderId": order_id}), order_id)


async def load(person: Person) -> Any:
    """`GET /api/cart/load`."""
    answer = await person.get("/api/cart/load")
    assert answer.status_code == 200, answer.text
    return answer.json()


def order_of(answer: Any, order_id: str) -> Any:
    """An order in an answer."""
    return next(order for order in answer["cart"]["orders"] if order["id"] == order_id)


def refused(answer: httpx.Response, status: int, code: str) -> Any:
    """The problem, which must be that one."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    return answer.json()


async def books(shop: Shop, provider: str) -> list[Entry]:
    """What a provider has written down."""
    page = await shop.server.store.walk_records()
    assert page.next is None
    kept = [record.stored.value for record in page.items if record.kind == f"payment-{provider}"]
    return [msgspec.json.decode(value, type=Entry) for value in kept]


async def money(shop: Shop, provider: str = "simulated") -> int:
    """Minor units that were taken and not given back."""
    kept = await books(shop, provider)
    return sum(e.amount.amount for e in kept if isinstance(e.outcome, Succeeded) and not e.refund)


async def states(shop: Shop, slot: str = SLOT) -> list[str]:
    """What the slot's holds are."""
    return sorted(hold.state for hold in (await shop.slot(slot)).holds.values())


async def charges(shop: Shop, provider: str) -> list[str]:
    """The ids of a provider's charges."""
    page = await shop.server.store.walk_records()
    return [record.key for record in page.items if record.kind == f"payment-{provider}"]


async def box_office(shop: Shop, charge: str, reference: str, secret: str = SECRET) -> httpx.Response:
    """A box office says that it was paid."""
    body = msgspec.json.encode({"type": "paid", "charge": charge, "reference": reference})
    headers = {HEADER: signature(secret.encode(), shop.clock.now(), body)}
    return await shop.http.post("/api/payments/venue", content=body, headers=headers)
