"""The providers of one server: named in a TOML file, found among the installed plug-ins, and made.

A plug-in is an entry point in the group `roadcrew.quote_providers`. What it is not for: reading the file (reading.py),
and asking them (runner.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from roadcrew_domain.quotes_state import AskedHotel, AskedProvider
from roadcrew_server.quotes.base import KnowsHotels, QuoteProvider, Secrets

GROUP = "roadcrew.quote_providers"
SAMPLE = "sample"
"""The name of the providers that come with the server; all of their prices are made up."""
SAMPLE_FILE = Path(__file__).with_name("sample_quotes.toml")
CLOSING = 5.0
"""Seconds in which a provider must have closed."""

log = logging.getLogger(__name__)


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
    # A server that asks nobody reads none.
    from roadcrew_server._toml_file import Faults  # noqa: PLC0415
    from roadcrew_server.quotes.reading import read  # noqa: PLC0415

    faults = Faults(path)
    made = read(path, installed() if found is None else found, environment, faults)
    if faults:
        raise BadQuotes(faults.lines())
    return Providers(made)


def named(name: str | None) -> Providers | None:
    """What the setting `quotes` names: a file, `sample`, or nothing. Raises `BadQuotes`."""
    if not name:
        return None
    return load(SAMPLE_FILE if name == SAMPLE else Path(name))
