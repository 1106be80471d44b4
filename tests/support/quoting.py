"""Providers of prices for tests, from a text in TOML as an operator writes it, and asked without a server."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from roadcrew_domain.quotes_state import AskedHotel, Driver, Price, QuoteRequest, Stay, Vehicle
from roadcrew_server.quotes import registry
from roadcrew_server.quotes.base import Failed
from roadcrew_server.quotes.registry import BadQuotes, Providers

HONDA, BMW = "1HGCM82633A004352", "WBA3A5G59DNP26082"


@dataclass
class Said:
    """`Say` that keeps everything."""

    run: str = "run-1"
    tried: int = 1
    texts: list[str] = field(default_factory=list)

    def __call__(self, text: str, /) -> None:
        self.texts.append(text)


def loaded(folder: Path, text: str, **more: Any) -> Providers:
    """The providers that a text names."""
    file = folder / "quotes.toml"
    file.write_text(textwrap.dedent(text), "utf-8")
    return registry.load(file, environment=more.pop("environment", {}), **more)


def faults(folder: Path, text: str, **more: Any) -> list[str]:
    """What is wrong with the text, each as `LINE: sentence`."""
    with pytest.raises(BadQuotes) as bad:
        loaded(folder, text, **more)
    return [error.removeprefix(f"{folder / 'quotes.toml'}:").strip() for error in bad.value.errors]


def stay(*hotels: AskedHotel, begins: str = "2027-03-01", ends: str = "2027-03-03", guests: int = 2) -> Stay:
    """A request for nights."""
    return Stay(hotels, date.fromisoformat(begins), date.fromisoformat(ends), guests)


def vehicle(*ages: int, vin: str = HONDA, begins: str = "2027-03-01", ends: str = "2027-03-02") -> Vehicle:
    """A request for a vehicle."""
    return Vehicle(vin, tuple(map(Driver, ages or (40,))), date.fromisoformat(begins), date.fromisoformat(ends))


def hotel(name: str, city: str = "Vila Azul", stars: int = 3, hotel_id: str | None = None) -> AskedHotel:
    """A hotel as a trip's shortlist has it."""
    return AskedHotel(hotel_id or name.lower(), name, city, stars)


async def asked(providers: Providers, request: QuoteRequest, number: int = 0, said: Said | None = None) -> Any:
    """The prices as pairs of hotel and amount, or the failure."""
    try:
        prices: Sequence[Price] = await providers.all[number].inner.quote(request, said or Said())
    except Failed as failed:
        return failed
    return {price.hotel_id: price.total.amount for price in prices}
