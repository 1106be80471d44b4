"""How the provider `http` is described in the settings: what is sent, and where in an answer the prices stand; checked,
or all that is wrong with it. Not for asking (http_json.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from roadcrew_server._toml_file import Entry, known, shown
from roadcrew_server._values import Parser, Wrong, each, like, like_one, scalar, taken, whole, yes_or_no
from roadcrew_server.quotes.base import Tools, names_secret
from roadcrew_server.quotes.paths import Path
from roadcrew_server.quotes.reading import KEYS
from roadcrew_server.quotes.templates import HOTEL, STAY, VEHICLE, Body, Template, quoted

MAX_HEADERS = 20
OWN_HEADERS = frozenset(
    ("host", "accept", "accept-encoding", "connection", "content-length", "transfer-encoding", "upgrade", "te")
)
"""Headers that are ours to send."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?:[/?][!$-~]*)?")
_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_CODE = re.compile(r"[A-Z]{3}")


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
    "sample": (yes_or_no, "true or false"),
    "connections": (whole(1, 100), "a whole number from 1 to 100"),
    "max_bytes": (whole(1024, 4 * 1024 * 1024), "a whole number from 1024 to 4194304"),
}
_OPTIONAL = {"allow_private": False, "sample": False, "connections": 16, "max_bytes": 256 * 1024}
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
    """How one kind of request is made, and read. An address is `origin` (scheme, host and port) and `rest`."""

    origin: str
    rest: Template
    method: str
    headers: Mapping[str, str]
    body: Body | None
    for_each: bool
    not_covered: frozenset[int]
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Described:
    """One provider. `asking` is by kind."""

    asking: Mapping[str, Asking]
    allow_private: bool
    sample: bool
    connections: int
    max_bytes: int


def read(table: Entry, tools: Tools) -> Described:
    """A provider's table. What is wrong is among the faults, and the rest is good for nothing then."""
    faults = tools.faults
    known(table, (*KEYS, *_TABLE, "stay", "vehicle"), faults)
    values = taken(table, _TABLE, faults, optional=_OPTIONAL)
    asking = {}
    for kind in ("stay", "vehicle"):
        if kind in table and not isinstance(table[kind], Entry):
            faults.add(table.line(kind), f"{kind}: Begin it with a line [provider.{kind}].")
        elif kind in table:
            asking[kind] = _asking(table[kind], kind, tools, allow_private=values["allow_private"] is True)
    if not asking and not faults:
        faults.add(table.at, "Say what it has prices for, in [provider.stay] or [provider.vehicle].")
    return Described(
        {kind: one for kind, one in asking.items() if one is not None},
        values["allow_private"] is True,
        values["sample"] is True,
        values["connections"] or 1,
        values["max_bytes"] or 1024,
    )


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
