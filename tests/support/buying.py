"""People who want seats: each with a habit, who goes on until they have them or there are none.

They ask a `Shop`: a server in this process, or one over HTTP. What it is not for: judging what came of it (recount.py).
"""

import asyncio
import json
import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from tests.support.people import Person

from roadcrew_domain.refusals import Refused
from roadcrew_server.app import Server
from roadcrew_server.booking.book import Asked
from roadcrew_server.stores.base import StoreUnavailable
from roadcrew_server.topic import Topic

Cart = dict[str, Any]
Habit = Literal["buys", "walks off", "gives back", "leaves unpaid", "changes their mind", "wants it back"]
Told = Literal["", "bought", "refused", "left"]

HABITS: Sequence[Habit] = ("walks off", "gives back", "leaves unpaid", "changes their mind", "wants it back")
METHODS = ("accept",) * 10 + ("refuse",) * 4 + ("lost",) * 2 + ("slow",) * 2 + ("twice",) * 2
CAPACITY = 50
TIMES = ("10:00", "14:00")
STANDING = frozenset(("placing", "awaiting", "paying", "paid"))
"""What an order is while it may have seats."""
TRIES = 50
"""Times that one change is sent again while the store can't take it."""
GONE = frozenset(("seats-gone", "hold-gone", "hold-expired", "order-lapsed"))
"""Refusals that buyers expect."""


class No(Exception):
    """Refused, and how many seats are left if that was said."""

    def __init__(self, code: str, left: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.left = left


class Shop(Protocol):
    """Where people ask."""

    async def ask(self, user: str, what: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        """`add`, `remove`, `checkout`, `pay`, `cancel` or `load`: the answer's JSON. Raises `No`."""


class Inside:
    """A server in this process, asked without HTTP."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def ask(self, user: str, what: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        for _ in range(TRIES):
            try:
                return await self._asked(user, what, body, key)
            except Refused as refused:
                left = refused.facts.get("left", 0)
                assert isinstance(left, int)
                raise No(refused.code, left) from None
            except StoreUnavailable:
                await asyncio.sleep(0)
        raise AssertionError(f"{what} was never taken")

    async def _asked(self, user: str, what: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        booking, asked = self.server.booking, Asked(user, key, f"{user}:{what}:{key}", json.dumps(body))
        topic: Topic | None
        match what:
            case "add":
                assert self.server.catalogue is not None
                slot = self.server.catalogue.slot(body["slotId"])
                topic = await booking.add(asked, slot, body["tickets"], None)
            case "remove":
                topic = await booking.remove(asked, body["lineId"])
            case "checkout":
                topic = await booking.check_out(asked, tuple(body["lineIds"]), "simulated")
            case "pay":
                topic = await booking.pay(asked, body["orderId"], body["method"])
            case "cancel":
                topic = await booking.cancel(asked, body["orderId"])
            case _:
                topic = await booking.load(user)
        return {"cart": {"lines": [], "orders": []} if topic is None else json.loads(topic.encoded())}


class Outside:
    """Servers over HTTP: each question goes to one of them by chance."""

    def __init__(self, doors: Sequence[Any], people: dict[str, Person], chance: random.Random) -> None:
        self._doors = doors
        self._people = people
        self._chance = chance

    async def ask(self, user: str, what: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        person = Person(self._chance.choice(self._doors), self._people[user].token)
        if what == "load":
            answer = await person.get("/api/cart/load")
        elif what == "checkout":
            answer = await person.post("/api/cart/checkout", {**body, "provider": "simulated"}, key=key)
        else:
            answer = await person.post(f"/api/cart/{what}", body, key=key)
        said: dict[str, Any] = answer.json()
        if not answer.is_success:
            raise No(said["code"], said.get("left", 0))
        return said


@dataclass
class Buyer:
    """`told` is what they know in the end: they have seats, there are none, or they do not want any."""

    user: str
    slots: Sequence[str]
    seats: int
    habit: Habit
    method: str
    told: Told = ""
    order: str = ""

    async def go(self, shop: Shop, chance: random.Random) -> None:
        """One go at it, from the empty cart to seats, or to a reason to try again later."""
        if self.told in ("bought", "left"):
            return
        try:
            await self._go(_Asks(self.user, shop, chance))
        except No as no:
            if no.code not in GONE:
                raise
            self.told = "refused"

    async def _go(self, asks: "_Asks") -> None:
        cart = (await asks.of("load"))["cart"]
        if not self.order:  # unless one was placed by a process that died of it
            self.order = next((o["id"] for o in cart["orders"] if o["state"] in STANDING), "")
        if self.order and await self._went_on(asks, cart):
            return
        for line in cart["lines"]:  # of a go that came to nothing
            await asks.quietly("remove", lineId=line["id"])
        lines = []
        try:
            for slot in self.slots:
                lines.append(await self._hold(asks, slot))
        except No:
            for line_id in lines:
                await asks.quietly("remove", lineId=line_id)
            raise
        habit, self.habit = self.habit, "buys"
        if habit == "walks off":
            self.told = "left"
            return
        if habit == "gives back":
            for line_id in lines:
                await asks.of("remove", lineId=line_id)
            self.told = "refused"
            return
        self.order = await asks.key_of("checkout", lineIds=lines)
        if habit == "leaves unpaid":
            self.told = "left"
        elif habit == "changes their mind":
            await asks.of("cancel", orderId=self.order)
            self.told = "left"
        else:
            await self._pay(asks)
        if habit == "wants it back" and self.told == "bought":
            await asks.of("cancel", orderId=self.order)
            self.told = "left"

    async def _hold(self, asks: "_Asks", slot: str) -> str:
        """As many seats as there are, at most as many as wanted. Raises `No`."""
        seats = self.seats
        while True:
            try:
                return await asks.key_of("add", slotId=slot, tickets={"adult": seats})
            except No as no:
                if no.code != "seats-gone" or not 0 < no.left < seats:
                    raise
                seats = no.left

    async def _pay(self, asks: "_Asks") -> None:
        cart = (await asks.of("pay", orderId=self.order, method=self.method))["cart"]
        if self._state(cart) == "awaiting":
            cart = (await asks.of("pay", orderId=self.order, method="accept"))["cart"]
        self._heard(cart)

    async def _went_on(self, asks: "_Asks", cart: Cart) -> bool:
        """Whether the order of an earlier go is it still."""
        self._heard(cart)
        if self._state(cart) == "awaiting":
            await self._pay(asks)
        if self._state(cart) in ("lapsed", "cancelled", "rejected"):
            self.order = ""
        return bool(self.order)

    def _state(self, cart: Cart) -> str:
        """Of their order; a server may not have heard of it yet."""
        return next((str(order["state"]) for order in cart["orders"] if order["id"] == self.order), "unheard of")

    def _heard(self, cart: Cart) -> None:
        self.told = "bought" if self._state(cart) == "paid" else ""


class _Asks:
    """One person's questions. Some are sent twice at once, as by somebody on a bad network."""

    def __init__(self, user: str, shop: Shop, chance: random.Random) -> None:
        self._user = user
        self._shop = shop
        self._chance = chance

    async def of(self, what: str, **body: Any) -> dict[str, Any]:
        return await self._sent(what, body, self._key())

    async def key_of(self, what: str, **body: Any) -> str:
        """The id of what was made."""
        key = self._key()
        await self._sent(what, body, key)
        return key

    async def quietly(self, what: str, **body: Any) -> None:
        try:
            await self.of(what, **body)
        except No as no:
            if no.code not in ("hold-expired", "unknown-line"):
                raise

    def _key(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    async def _sent(self, what: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        for _ in range(TRIES):
            try:
                return await self._once(what, body, key)
            except No as no:
                if no.code not in ("order-too-early", "unavailable"):
                    raise
                await asyncio.sleep(0.01)
                key = self._key() if what == "remove" else key
        raise AssertionError(f"{what} was never taken")

    async def _once(self, what: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        if self._chance.random() > 0.1:
            return await self._shop.ask(self._user, what, body, key)
        first, second = await asyncio.gather(
            *(self._shop.ask(self._user, what, body, key) for _ in range(2)), return_exceptions=True
        )
        if isinstance(first, BaseException):
            assert type(second) is type(first), f"{what}: {first!r}, and again: {second!r}"
            raise first
        assert isinstance(second, dict), f"{what} was done, and again: {second!r}"
        return first


def crowd(
    chance: random.Random, users: Iterable[str], slots: Sequence[str], methods: Sequence[str] = METHODS
) -> list[Buyer]:
    """So many buyers: most buy, of one slot or of all; one in four has another habit."""
    buyers = []
    for user in users:
        wants = slots if chance.random() < 0.15 else (chance.choice(slots),)
        habit: Habit = chance.choice(HABITS) if chance.random() < 0.25 else "buys"
        buyers.append(Buyer(user, wants, chance.randint(1, 4), habit, chance.choice(methods)))
    return buyers


def catalogue_in(place: Path, rounds: int) -> tuple[Path, list[Sequence[str]]]:
    """A catalogue with a day of slots for each round, of `CAPACITY` seats each; the ids of the slots, by round."""
    text = "\n".join(f'[[exhibition]]\nid = "round-{n}"\n{_BODY}' for n in range(rounds))
    file = place / "catalogue.toml"
    file.write_text(text, encoding="utf-8")
    return file, [[f"round-{n}.20350501.{at.replace(':', '')}" for at in TIMES] for n in range(rounds)]


_BODY = f"""title = "Rounds"
venue = "House"
city = "Vila Azul"
description = "For tests."
starts_on = 2035-05-01
ends_on = 2035-05-01
weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
times = {json.dumps(TIMES)}
minutes = 60
time_zone = "UTC"
capacity = {CAPACITY}
currency = "EUR"

[[exhibition.ticket]]
kind = "adult"
name = "Adult"
price = 10
"""
