"""The provider `http`: any quote API that speaks JSON, described in the settings (http_reading.py, and
docs/quote-providers.md).

Nothing that such a service says is shown but amounts and a short note. Not for connecting: that is guarded.py's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpcore
import msgspec

from roadcrew_domain.quotes_state import AskedHotel, Price, QuoteRequest, Stay
from roadcrew_domain.values import read
from roadcrew_server._toml_file import Entry
from roadcrew_server.quotes import http_reading
from roadcrew_server.quotes.amounts import money
from roadcrew_server.quotes.base import Failed, Say, Tools
from roadcrew_server.quotes.guarded import Line, PublicOnly, Question, Resolve
from roadcrew_server.quotes.http_reading import Asking
from roadcrew_server.quotes.paths import Path
from roadcrew_server.quotes.templates import values_of

AT_ONCE = 4
"""Requests of one run to one provider at the same time, where each hotel is asked for alone."""
LONGEST_NUMBER = 60
"""Characters of a number with decimals."""


def _number(written: str) -> Decimal:
    """No number, if it is longer than amounts are: taking it apart would take its time."""
    return Decimal(written) if len(written) <= LONGEST_NUMBER else Decimal("NaN")


_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_number)


def make(table: Entry, tools: Tools, *, resolve: Resolve | None = None) -> HttpProvider:
    """From its table. `resolve` looks names up; by default the system does."""
    described = http_reading.read(table, tools)
    backend = PublicOnly(allow_private=described.allow_private, resolve=resolve)
    line = Line(backend, connections=described.connections, most=described.max_bytes, timeout=tools.timeout)
    return HttpProvider(described.asking, line, simulated=described.sample)


class HttpProvider:
    """`QuoteProvider`."""

    def __init__(self, asking: Mapping[str, Asking], line: Line, *, simulated: bool) -> None:
        self.simulated = simulated
        self.kinds = frozenset(asking)
        self._asking = asking
        self._line = line

    async def quote(self, request: QuoteRequest, say: Say) -> Sequence[Price]:
        """One request for all, or for each hotel one; the lowest price of each."""
        if not isinstance(request, Stay):
            return await self._prices(self._asking["vehicle"], request, None)
        asking = self._asking["stay"]
        if not asking.for_each:
            return await self._prices(asking, request, None)
        room = asyncio.Semaphore(AT_ONCE)

        async def ask(hotel: AskedHotel) -> Sequence[Price] | Failed:
            try:
                async with room:
                    return await self._prices(asking, request, hotel)
            except Failed as failed:
                return failed

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(hotel)) for hotel in request.hotels]
        outcomes = [task.result() for task in tasks]
        prices = [price for outcome in outcomes if not isinstance(outcome, Failed) for price in outcome]
        failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        if not prices and failed:
            raise next((one for one in failed if one.code != "not-covered"), failed[0])
        if failed:
            say(f"{len(failed)} of {len(outcomes)} hotels have no price.")
        return prices

    async def close(self) -> None:
        """Close its connections."""
        await self._line.close()

    async def _prices(self, asking: Asking, request: QuoteRequest, hotel: AskedHotel | None) -> Sequence[Price]:
        values = values_of(request, hotel)
        question = Question(
            asking.method,
            httpcore.URL(asking.origin + asking.rest.text(values)),
            asking.headers,
            None if asking.body is None else asking.body.encoded(values),
        )
        status, body = await self._line.ask(question)
        _check_status(status, asking.not_covered)
        try:
            document = read(_DECODER, body)
        except ValueError:
            raise Failed("nonsense", "Its answer is not JSON that can be read.") from None
        try:
            return _lowest(_read(asking.answer, document, request, hotel))
        except LookupError:
            raise Failed("nonsense", "There is no price in its answer where the settings say.") from None
        except ValueError as error:
            raise Failed("nonsense", str(error)) from None


def _check_status(status: int, not_covered: frozenset[int]) -> None:
    """Raises `Failed` for all that is not a success."""
    if 200 <= status < 300:
        return
    if status in not_covered:
        raise Failed("not-covered", "It has no price for this.")
    if 300 <= status < 400:
        raise Failed("http-status", f"It sends us to another address (HTTP {status}), where we don't go.")
    if status in (401, 403):
        raise Failed("refused", f"It did not accept our key (HTTP {status}).")
    raise Failed("http-status", f"It answered with HTTP {status}.", passing=status in (408, 425, 429) or status >= 500)


def _read(answer: Mapping[str, Any], document: Any, request: QuoteRequest, hotel: AskedHotel | None) -> list[Price]:
    """The prices that stand there, of the hotels that were asked for. Raises LookupError and ValueError."""
    asked = {one.id for one in request.hotels} if isinstance(request, Stay) else set()
    prices = []
    for found in answer["prices"].all(document):
        of = None if hotel is None else hotel.id
        if "hotel" in answer:
            of = answer["hotel"].one(found)
            if type(of) is int:
                of = str(of)
            if type(of) is not str or of not in asked:
                continue
        amount = answer["total"].one(found)
        if amount is None:  # there, and without a price
            continue
        code = answer["currency"]
        code = code.one(found) if isinstance(code, Path) else code
        notes = [] if answer["note"] is None else answer["note"].all(found)
        note = notes[0] if notes and type(notes[0]) is str else None
        prices.append(Price(money(amount, code, minor=answer["amounts"] == "minor"), of, note))
    return prices


def _lowest(prices: Sequence[Price]) -> list[Price]:
    """The lowest of each hotel, in the currency that is first there."""
    lowest: dict[str | None, Price] = {}
    for price in prices:
        other = lowest.setdefault(price.hotel_id, price)
        if price.total.currency == other.total.currency and price.total.amount < other.total.amount:
            lowest[price.hotel_id] = price
    return list(lowest.values())
