"""The provider `http`: any quote API that speaks JSON, described in the settings: what is sent, and where in the answer
the prices stand. How it is described: docs/quote-providers.md.

Nothing that such a service says is shown but amounts and a short note. Not for connecting: that is guarded.py's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpcore
import msgspec

from roadcrew_domain.quotes_state import AskedHotel, Price, QuoteRequest, Stay
from roadcrew_domain.values import read
from roadcrew_server._toml_file import Entry, known, shown
from roadcrew_server._values import Parser, Wrong, each, like, like_one, scalar, taken, whole, yes_or_no
from roadcrew_server.quotes.amounts import money
from roadcrew_server.quotes.base import Failed, Say, Tools, names_secret
from roadcrew_server.quotes.guarded import Line, PublicOnly, Question, Resolve
from roadcrew_server.quotes.paths import Path
from roadcrew_server.quotes.reading import KEYS
from roadcrew_server.quotes.templates import HOTEL, STAY, VEHICLE, Body, Template, quoted, values_of

AT_ONCE = 4
"""Requests of one run to one provider at the same time, where each hotel is asked for alone."""
MAX_HEADERS = 20
OWN_HEADERS = frozenset(
    ("host", "accept", "accept-encoding", "connection", "content-length", "transfer-encoding", "upgrade", "te")
)
"""Headers that are ours to send."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?:[/?][!$-~]*)?")
_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_CODE = re.compile(r"[A-Z]{3}")
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)


def _path(value: object) -> Path:
    try:
        return Path(scalar(value))
    except ValueError as error:
        raise Wrong(str(error)) from None


def _currency(value: object) -> Path | str:
    written = scalar(value)
    return written if _CODE.fullmatch(written) else _path(written)


_A_PATH = "where that is in a price, such as price.total"
_TABLE: Mapping[str, tuple[Parser, str]] = {
    "allow_private": (yes_or_no, "true or false"),
    "connections": (whole(1, 100), "a whole number from 1 to 100"),
    "max_bytes": (whole(1024, 4 * 1024 * 1024), "a whole number from 1024 to 4194304"),
}
_ASKING: Mapping[str, tuple[Parser, str]] = {
    "url": (lambda value: like(_ADDRESS, value), "an address such as https://api.example.org/rooms?from={check_in}"),
    "method": (like_one(("GET", "POST", "PUT")), "GET, POST or PUT"),
    "each": (like_one(("hotel", "run")), '"hotel": a request for each hotel, or "run": one for all of them'),
    "not_covered": (each(whole(400, 499), 20, least=0), "a list of HTTP statuses from 400 to 499, such as [404]"),
}
_ANSWER: Mapping[str, tuple[Parser, str]] = {
    "prices": (_path, "where the prices are, such as $.offers[*]"),
    "total": (_path, _A_PATH),
    "currency": (_currency, "where that is in a price, such as price.currency, or a currency such as EUR"),
    "amounts": (like_one(("main", "minor")), '"main": 12.50 is twelve euros fifty, or "minor": 1250 is'),
    "hotel": (_path, "where the hotel's id is in a price, such as hotel.id"),
    "note": (_path, _A_PATH),
}


@dataclass(frozen=True, slots=True)
class Asking:
    """How one kind of request is made, and read. `url` has no secret in its first part, `origin`."""

    origin: str
    rest: Template
    method: str
    headers: Mapping[str, str]
    body: Body | None
    for_each: bool
    not_covered: frozenset[int]
    answer: Mapping[str, Any]


def make(table: Entry, tools: Tools, *, resolve: Resolve | None = None) -> HttpProvider:
    """From its table. `resolve` looks names up; by default the system does."""
    faults = tools.faults
    known(table, (*KEYS, *_TABLE, "stay", "vehicle"), faults)
    values = taken(table, _TABLE, faults, optional={"allow_private": False, "connections": 16, "max_bytes": 256 * 1024})
    asking = {}
    for kind in ("stay", "vehicle"):
        if kind in table and not isinstance(table[kind], Entry):
            faults.add(table.line(kind), f"{kind}: Begin it with a line [provider.{kind}].")
        elif kind in table:
            asking[kind] = _asking(table[kind], kind, tools, allow_private=values["allow_private"] is True)
    if not asking and not faults:
        faults.add(table.at, "Say what it has prices for, in [provider.stay] or [provider.vehicle].")
    backend = PublicOnly(allow_private=values["allow_private"] is True, resolve=resolve)
    line = Line(
        backend, connections=values["connections"] or 1, most=values["max_bytes"] or 1024, timeout=tools.timeout
    )
    return HttpProvider({kind: one for kind, one in asking.items() if one is not None}, line)


def _asking(table: Entry, kind: str, tools: Tools, *, allow_private: bool) -> Asking | None:
    faults, before = tools.faults, len(tools.faults)
    keys = tuple(key for key in _ASKING if key != "each" or kind == "stay")
    known(table, (*keys, "headers", "body", "answer"), faults)
    optional = {"method": "POST" if "body" in table else "GET", "each": "hotel", "not_covered": ()}
    values = taken(table, {key: _ASKING[key] for key in keys}, faults, optional=optional)
    for_each = kind == "stay" and values["each"] == "hotel"
    answer = _answer(table, faults_to=tools, several=kind == "stay" and not for_each)
    names = VEHICLE if kind == "vehicle" else (*STAY, *HOTEL) if for_each else STAY
    address = values["url"] or "http://x"
    origin = address[: len(address) - len(re.sub(r"https?://[^/?]*", "", address))]
    if _port_of(origin) is None:
        faults.add(table.line("url"), "url: The port is not right.")
    headers = _headers(table, tools)
    rest = _told(table, "url", lambda: Template(address[len(origin) :], names, tools.secrets, into=quoted), tools)
    written = table["body"].plain() if isinstance(table.get("body"), Entry) else table.get("body")
    all_names = names if kind == "vehicle" or for_each else (*names, "hotels")
    body = None if written is None else _told(table, "body", lambda: Body(written, all_names, tools.secrets), tools)
    if origin.startswith("http:") and not allow_private and (names_secret(address) or _have_secrets(table)):
        faults.add(table.line("url"), "url: A secret goes to https:// only.")
    if len(faults) > before or rest is None or answer is None:
        return None
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    return Asking(origin, rest, values["method"], headers, body, for_each, frozenset(values["not_covered"]), answer)


def _answer(table: Entry, *, faults_to: Tools, several: bool) -> dict[str, Any] | None:
    answer = table.get("answer")
    if not isinstance(answer, Entry):
        faults_to.faults.add(table.at, "answer is missing. Say where the prices are, in a table of that name.")
        return None
    keys = tuple(key for key in _ANSWER if key != "hotel" or several)
    known(answer, keys, faults_to.faults)
    optional = {"prices": Path("$"), "amounts": "main", "note": None}
    return taken(answer, {key: _ANSWER[key] for key in keys}, faults_to.faults, optional=optional)


def _headers(table: Entry, tools: Tools) -> dict[str, str]:
    headers: dict[str, str] = {}
    given = table.get("headers", Entry(table.at))
    if not isinstance(given, Entry) or len(given) > MAX_HEADERS:
        tools.faults.add(table.line("headers"), f"headers: Write up to {MAX_HEADERS} names with a text each.")
        return headers
    for name, value in given.items():
        line = given.line(name)
        if not _NAME.fullmatch(name) or name.lower() in OWN_HEADERS:
            tools.faults.add(line, f"headers: {shown(name)} is not right, or is ours to send.")
        elif not isinstance(value, str) or not (value.isascii() and value.isprintable()):
            tools.faults.add(line, f"headers: {name} is to be a plain text.")
        else:
            try:
                headers[name] = tools.secrets.filled(value)
            except ValueError as error:
                tools.faults.add(line, f"headers: {error}")
    return headers


def _told(table: Entry, key: str, make_it: Callable[[], Any], tools: Tools) -> Any:
    """What is made; None, and a fault, if it can't be."""
    try:
        return make_it()
    except ValueError as error:
        tools.faults.add(table.line(key), f"{key}: {error}")
        return None


def _port_of(origin: str) -> int | None:
    try:
        parts = urlsplit(origin)
        return (parts.port or 1) if parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _have_secrets(value: Any) -> bool:
    if isinstance(value, Entry):
        return any(_have_secrets(inner) for inner in value.values())
    if isinstance(value, list):
        return any(map(_have_secrets, value))
    return isinstance(value, str) and names_secret(value)


class HttpProvider:
    """`QuoteProvider`."""

    simulated = False

    def __init__(self, asking: Mapping[str, Asking], line: Line) -> None:
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
