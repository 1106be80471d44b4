"""The providers of one server: named in a TOML file, found among the installed plug-ins, and made.

A plug-in is an entry point in the group `roadcrew.quote_providers`. What it is not for: asking them (runner.py).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from roadcrew_domain import text
from roadcrew_domain.quotes_request import MAX_PROVIDER_NAME
from roadcrew_domain.quotes_state import MAX_PROVIDERS, AskedHotel, AskedProvider
from roadcrew_server import _toml_file
from roadcrew_server._toml_file import Entry, Faults, is_tables, known, shown
from roadcrew_server._values import Parser, like, number, once, taken, whole, words
from roadcrew_server.quotes.base import KnowsHotels, QuoteProvider, Secrets, Tools

GROUP = "roadcrew.quote_providers"
SAMPLE = "sample"
"""The name of the providers that come with the server; all of their prices are made up."""
SAMPLE_FILE = Path(__file__).with_name("sample_quotes.toml")
KINDS = frozenset({"stay", "vehicle"})
KEYS = ("id", "name", "use", "timeout", "tries")
"""What is said of every provider; the other keys are the plug-in's."""
MAX_SAID = 300
"""Characters of what a plug-in says is wrong."""
CLOSING = 5.0
"""Seconds in which a provider must have closed."""

log = logging.getLogger(__name__)

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COMMON: Mapping[str, tuple[Parser, str]] = {
    "id": (lambda value: like(_ID, value), "1 to 40 small letters, digits and hyphens, such as acme-rooms"),
    "name": (words("name", MAX_PROVIDER_NAME), f"what people call it, in up to {MAX_PROVIDER_NAME} characters"),
    "use": (words("use", 60), "which plug-in it is, such as http"),
    "timeout": (number(0.1, 60), "seconds from 0.1 to 60"),
    "tries": (whole(1, 5), "a whole number from 1 to 5"),
}
_OPTIONAL = {"timeout": 10.0, "tries": 2}


class BadQuotes(Exception):
    """These providers can't be asked. `errors` is all that is wrong, each as `FILE:LINE: what`."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(self.errors))


@dataclass(frozen=True, slots=True)
class Provider:
    """One that can be asked. `timeout` is in seconds, all `tries` together; `secrets` cleans what it says."""

    id: str
    name: str
    timeout: float
    tries: int
    inner: QuoteProvider
    secrets: Secrets

    @property
    def kinds(self) -> frozenset[str]:
        """What it has prices for: `stay`, `vehicle`."""
        return self.inner.kinds

    @property
    def simulated(self) -> bool:
        """Its prices are made up."""
        return self.inner.simulated

    @property
    def asked(self) -> AskedProvider:
        """As a run remembers it."""
        return AskedProvider(self.id, self.name, self.simulated, self.timeout)


class Providers:
    """All of them, in the order of their file."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self.all = tuple(providers)
        self._by_id = {provider.id: provider for provider in self.all}

    def find(self, provider_id: str) -> Provider | None:
        """The provider of that id."""
        return self._by_id.get(provider_id)

    def asked(self, kind: str) -> tuple[AskedProvider, ...]:
        """Who is asked for that: a `stay` or a `vehicle`."""
        return tuple(provider.asked for provider in self.all if kind in provider.kinds)

    def hotels(self) -> tuple[AskedHotel, ...]:
        """The hotels that can be asked for without a trip, each once; ids are the same in all processes."""
        found: dict[tuple[str, str], AskedHotel] = {}
        for provider in self.all:
            if isinstance(provider.inner, KnowsHotels):
                for hotel in provider.inner.hotels():
                    found.setdefault((hotel.name.casefold(), hotel.city.casefold()), hotel)
        return tuple(found.values())

    async def close(self) -> None:
        """Close all, whatever a plug-in has to say against it."""
        await asyncio.gather(*(_closed(provider) for provider in self.all))


async def _closed(provider: Provider) -> None:
    try:
        async with asyncio.timeout(CLOSING):
            await provider.inner.close()
    except Exception as error:  # noqa: BLE001 - somebody else's code; the server stops all the same
        log.warning("the quote provider %s did not close: %s", provider.id, provider.secrets.clean(repr(error)))


@cache
def installed() -> Mapping[str, EntryPoint]:
    """The plug-ins that are there, by name. Raises `BadQuotes` when two packages use one name."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise BadQuotes([f"Two quote providers are called {point.name}: {other.value} and {point.value}."])
    return found


def load(
    path: Path, *, environment: Mapping[str, str] | None = None, found: Mapping[str, EntryPoint] | None = None
) -> Providers:
    """The providers that a file names. Secrets are looked up in the `environment`. Raises `BadQuotes`."""
    faults = Faults(path)
    written = _toml_file.text_of(path, faults, "A file of providers")
    document = None if written is None else _toml_file.read(written, faults)
    made = [] if document is None else _made(document, installed() if found is None else found, environment, faults)
    if faults:
        raise BadQuotes(faults.lines())
    return Providers(made)


def named(name: str | None) -> Providers | None:
    """What the setting `quotes` names: a file, `sample`, or nothing. Raises `BadQuotes`."""
    if not name:
        return None
    return load(SAMPLE_FILE if name == SAMPLE else Path(name))


def _made(
    document: Entry, found: Mapping[str, EntryPoint], environment: Mapping[str, str] | None, faults: Faults
) -> list[Provider]:
    tables = document.get("provider", [])
    known(document, (), faults, tables=("provider",))
    if not is_tables(tables) or not tables:
        faults.add(0, "Begin each provider with a line [[provider]]; there is at least one.")
        return []
    if len(tables) > MAX_PROVIDERS:
        faults.add(tables[MAX_PROVIDERS].at, f"There are at most {MAX_PROVIDERS} providers.")
    once(tables, "id", "provider", faults)
    made = [_provider(table, found, environment, faults) for table in tables[:MAX_PROVIDERS]]
    return [provider for provider in made if provider is not None]


def _provider(
    table: Entry, found: Mapping[str, EntryPoint], environment: Mapping[str, str] | None, faults: Faults
) -> Provider | None:
    values = taken(table, _COMMON, faults, optional=_OPTIONAL)
    use = values["use"]
    if use is not None and use not in found:
        faults.add(table.line("use"), f"use: {shown(use)} is not there; there are: {', '.join(sorted(found))}.")
    if None in values.values() or use not in found:
        return None
    before = len(faults)
    secrets = Secrets(environment)
    try:
        inner = found[use].load()(table, Tools(faults, secrets, values["timeout"]))
        right = _is_provider(inner)
    except ValueError as error:
        faults.add(table.at, f"{values['id']}: {_said(error, secrets)}")
        return None
    except Exception as error:  # noqa: BLE001 - somebody else's code, at its import too
        faults.add(table.at, f"{values['id']}: {found[use].value} failed: {_said(repr(error), secrets)}")
        return None
    if len(faults) > before:
        return None
    if not right:
        faults.add(table.at, f"{values['id']}: {found[use].value} made no quote provider.")
        return None
    return Provider(values["id"], _name(values["name"], inner), values["timeout"], values["tries"], inner, secrets)


def _is_provider(inner: Any) -> bool:
    """Whether what somebody else's code made can be asked."""
    return (
        isinstance(inner.kinds, frozenset)
        and bool(inner.kinds)
        and inner.kinds <= KINDS
        and isinstance(inner.simulated, bool)
        and callable(inner.quote)
        and callable(inner.close)
    )


def _name(name: str, inner: QuoteProvider) -> str:
    """Who makes prices up says so in the name."""
    mark = " (simulated)"
    return name if not inner.simulated or "simulated" in name.lower() else name[: MAX_PROVIDER_NAME - len(mark)] + mark


def _said(error: object, secrets: Secrets) -> str:
    return text.cut(secrets.clean(str(error)), MAX_SAID)
