"""Who is asked for prices in tests: providers that a test holds back, lets fail, and counts the questions of."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import AskedHotel, FailureCode, Price, QuoteRequest, Stay
from roadcrew_server.quotes.base import Failed, Say, Secrets
from roadcrew_server.quotes.registry import Provider, Providers

VIN = "1M8GDM9AXKP042788"
BY_THE_SEA = AskedHotel("sea", "By the Sea", "Porto", 3, Money(7_000, "EUR"))


@dataclass
class Played:
    """A provider. `answer` is set where it may answer; `failure`: that, in place of prices."""

    kinds: frozenset[str] = frozenset({"stay", "vehicle"})
    simulated: bool = False
    amount: int = 10_000
    failure: FailureCode | None = None
    known: tuple[AskedHotel, ...] = ()
    answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[QuoteRequest] = field(default_factory=list)

    async def quote(self, request: QuoteRequest, say: Say) -> Sequence[Price]:
        self.asked.append(request)
        say("It is looked up.")
        await self.answer.wait()
        if self.failure is not None:
            raise Failed(self.failure, "It has none.")
        if isinstance(request, Stay):
            return [Price(Money(self.amount + n, "EUR"), hotel.id) for n, hotel in enumerate(request.hotels)]
        return [Price(Money(self.amount, "EUR"))]

    def hotels(self) -> Sequence[AskedHotel]:
        return self.known

    async def close(self) -> None:
        self.answer.set()


def providers(*played: Played) -> Providers:
    """Those, as a server has them: `p0`, `p1` …"""
    return Providers(Provider(f"p{n}", f"Provider {n}", 30.0, 1, inner, Secrets({})) for n, inner in enumerate(played))


def ready(**more: Any) -> Played:
    """One that answers at once."""
    made = Played(**more)
    made.answer.set()
    return made


def day(ahead: int) -> date:
    """A day, so many from now."""
    return (datetime.now(UTC) + timedelta(days=ahead)).date()


def a_stay(*hotels: str, **more: Any) -> dict[str, Any]:
    """The body of a request for nights in these hotels."""
    asked = {"kind": "stay", "hotelIds": list(hotels), "checkIn": f"{day(30)}", "checkOut": f"{day(33)}", "guests": 2}
    return asked | more


def a_vehicle(**more: Any) -> dict[str, Any]:
    """The body of a request for a vehicle."""
    asked = {"kind": "vehicle", "vin": VIN, "drivers": [{"age": 40}], "from": f"{day(30)}", "to": f"{day(33)}"}
    return asked | more


Make = Callable[[], Providers]
