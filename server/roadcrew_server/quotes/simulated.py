"""A simulated provider: its prices are made up, and it is slow, flaky and wrong on purpose, as real ones are.

What it does is drawn by lot from the run's id, so a run that another process takes up gets the same. What it is not
for: prices that anybody should believe; its name says so wherever it is shown.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from babel.numbers import get_currency_precision

from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import AskedHotel, Price, QuoteRequest, Stay
from roadcrew_server._toml_file import Entry, known
from roadcrew_server._values import Parser, currency, each, like_one, number, taken, whole
from roadcrew_server.quotes.base import Failed, Say, Tools
from roadcrew_server.quotes.reading import KEYS, KINDS

LONGEST = 3600.0
NIGHT = (45, 260)
"""What a room for two costs for a night, from and to, in main units."""
DAY = (24, 110)
"""The same of a vehicle, for a day."""
EXTRA_DRIVER = 8
SPREAD = (80, 125)
"""Percent of the price that a hotel is known for."""

_PERCENT = (whole(0, 100), "a whole number from 0 to 100")
_SECONDS = (number(0, LONGEST), f"seconds from 0 to {LONGEST:.0f}")
_KEYS: Mapping[str, tuple[Parser, str]] = {
    "kinds": (each(like_one(KINDS), len(KINDS)), 'what it has prices for: ["stay", "vehicle"], or one of them'),
    "currency": (currency, "three capital letters, such as EUR"),
    "fastest": _SECONDS,
    "slowest": _SECONDS,
    "hangs": _PERCENT,
    "flaky": _PERCENT,
    "wrong": _PERCENT,
    "full": _PERCENT,
}
_OPTIONAL: Mapping[str, Any] = {
    "kinds": tuple(KINDS),
    "currency": "EUR",
    "fastest": 0.5,
    "slowest": 4.0,
    "hangs": 0,
    "flaky": 0,
    "wrong": 0,
    "full": 0,
}


def make(table: Entry, tools: Tools) -> SimulatedProvider:
    """From its table. `hangs`, `flaky` (fails, and works when it is asked again), `wrong` (answers with nonsense) and
    `full` (has no room in a hotel) are percent of the times."""
    known(table, (*KEYS, *_KEYS), tools.faults)
    values = taken(table, _KEYS, tools.faults, optional=_OPTIONAL)
    fastest, slowest = values["fastest"], values["slowest"]
    if fastest is not None and slowest is not None and fastest > slowest:
        tools.faults.add(table.line("fastest"), f"fastest: {fastest:g} is more than the slowest, {slowest:g}.")
    return SimulatedProvider(table.get("id"), values, tools)


class SimulatedProvider:
    """`QuoteProvider`."""

    simulated = True

    def __init__(self, provider_id: object, values: Mapping[str, Any], tools: Tools) -> None:
        self.kinds = frozenset(values["kinds"] or ())
        self._id = provider_id
        self._values = values
        self._tools = tools

    async def quote(self, request: QuoteRequest, say: Say) -> Sequence[Price]:
        """Made-up prices, or what goes wrong."""
        chance = self._tools.chance(f"{say.run}:{self._id}")
        again = self._tools.chance(f"{say.run}:{self._id}:{say.tried}")
        seconds = again.uniform(self._values["fastest"], self._values["slowest"])
        hangs, wrong, flaky = self._drawn(chance, "hangs"), self._drawn(chance, "wrong"), self._drawn(again, "flaky")
        say("Simulated: nobody is really asked.")
        await self._tools.sleep(LONGEST if hangs else seconds / 2)
        if flaky:
            raise Failed("unreachable", "Simulated: the line was cut.", passing=True)
        say("Simulated: prices are being made up.")
        await self._tools.sleep(seconds / 2)
        if wrong:
            return [Price(Money(-1, "???"), "no hotel at all")]
        if isinstance(request, Stay):
            return self._rooms(request, chance)
        days = (request.ends - request.begins).days + 1
        a_day = chance.randint(*DAY) + EXTRA_DRIVER * (len(request.drivers) - 1)
        return [Price(self._money(days * a_day), None, "Made up")]

    async def close(self) -> None:
        """Nothing to end."""

    def _rooms(self, request: Stay, chance: random.Random) -> list[Price]:
        nights, rooms = (request.check_out - request.check_in).days, (request.guests + 1) // 2
        drawn = [(hotel, self._drawn(chance, "full"), self._night(hotel, chance)) for hotel in request.hotels]
        prices = [
            Price(Money(night.amount * nights * rooms, night.currency), hotel.id, "Made up")
            for hotel, full, night in drawn
            if not full
        ]
        if not prices:
            raise Failed("not-covered", "Simulated: there is no room for these nights.")
        return prices

    def _night(self, hotel: AskedHotel, chance: random.Random) -> Money:
        """Of a room for two."""
        percent, made_up = chance.randint(*SPREAD), self._money(chance.randint(*NIGHT))
        usual = hotel.price_per_night
        if usual is None or usual.amount == 0:
            return made_up
        return Money(max(1, usual.amount * percent // 100), usual.currency)

    def _money(self, main: int) -> Money:
        code: str = self._values["currency"]
        return Money(main * 10 ** get_currency_precision(code), code)

    def _drawn(self, chance: random.Random, key: str) -> bool:
        percent: int = self._values[key]
        return chance.randrange(100) < percent
