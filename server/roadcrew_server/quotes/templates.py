"""Texts with places to fill in, such as `{check_in}`: the addresses and bodies that are sent to a provider.

What is secret goes in when the settings are read, what somebody asked for with each question; so no request can name a
secret. Not for sending.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from roadcrew_domain.quotes_state import AskedHotel, QuoteRequest, Stay
from roadcrew_server.quotes.base import Secrets

STAY = ("check_in", "check_out", "nights", "guests")
HOTEL = ("hotel.id", "hotel.name", "hotel.city", "hotel.stars")
VEHICLE = ("vin", "from", "to", "days", "drivers", "ages", "youngest", "oldest")

_PLACE = re.compile(r"\{([^{}]{0,40})\}")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def quoted(value: object) -> str:
    """A value as a part of an address. One of dots only is left out: it would lead to another part of the address."""
    written = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return quote(written, safe="") if written.strip(".") else ""


class Template:
    """A text with places."""

    def __init__(
        self, written: str, names: Collection[str], secrets: Secrets, *, into: Callable[[object], str] = str
    ) -> None:
        """`into` is how secrets and values are written. Raises ValueError with a sentence."""
        self._into = into
        self._parts = _PLACE.split(written)  # text, name, text, name, … text
        self._parts[::2] = [secrets.filled(text, into) for text in self._parts[::2]]
        for name in self._parts[1::2]:
            if name not in names:
                raise ValueError(f"{{{name}}} is not known here. Known are {', '.join(names)}.")

    def text(self, values: Mapping[str, Any]) -> str:
        """With these values."""
        return "".join(self._into(values[part]) if n % 2 else part for n, part in enumerate(self._parts))

    def value(self, values: Mapping[str, Any]) -> Any:
        """The same; a place that stands alone is the value itself, such as a number or a list."""
        if len(self._parts) == 3 and not self._parts[0] and not self._parts[2]:
            return values[self._parts[1]]
        return self.text(values)


class Body:
    """What is sent as JSON, with places in its texts."""

    def __init__(self, written: Any, names: Collection[str], secrets: Secrets) -> None:
        """Raises ValueError with a sentence."""
        self._written = _each_text(written, lambda text: Template(text, names, secrets))

    def encoded(self, values: Mapping[str, Any]) -> bytes:
        """With these values."""
        return _ENCODER.encode(_each_text(self._written, lambda template: template.value(values)))


def values_of(request: QuoteRequest, hotel: AskedHotel | None) -> dict[str, Any]:
    """What places can stand for. Without a `hotel`, `hotels` are all that are asked for."""
    if not isinstance(request, Stay):
        ages = [driver.age for driver in request.drivers]
        return {
            "vin": request.vin,
            "from": request.begins.isoformat(),
            "to": request.ends.isoformat(),
            "days": (request.ends - request.begins).days + 1,
            "drivers": len(ages),
            "ages": ages,
            "youngest": min(ages),
            "oldest": max(ages),
        }
    stay = {
        "check_in": request.check_in.isoformat(),
        "check_out": request.check_out.isoformat(),
        "nights": (request.check_out - request.check_in).days,
        "guests": request.guests,
    }
    if hotel is None:
        return {**stay, "hotels": [_plain(hotel) for hotel in request.hotels]}
    return {**stay, **{f"hotel.{key}": value for key, value in _plain(hotel).items()}}


def _plain(hotel: AskedHotel) -> dict[str, Any]:
    return {"id": hotel.id, "name": hotel.name, "city": hotel.city, "stars": hotel.stars}


def _each_text(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner, change) for inner in value]
    return change(value) if isinstance(value, str | Template) else value
