"""What prices can be asked for, and of whom: the checks of a quote run's request. Pure."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from roadcrew_domain import hotels, text
from roadcrew_domain.money import checked_price
from roadcrew_domain.quotes_state import (
    MAX_ASKED_HOTELS,
    MAX_DRIVERS,
    MAX_GUESTS,
    MAX_NIGHTS,
    MAX_PROVIDERS,
    AskedHotel,
    AskedProvider,
    QuoteRequest,
    Stay,
    Vehicle,
)
from roadcrew_domain.refusals import Refused
from roadcrew_domain.vin import checked_vin

MIN_AGE, MAX_AGE = 16, 99
"""Years of a driver."""
AHEAD = timedelta(days=2 * 366)
"""Further ahead nobody has prices."""
MAX_PROVIDER_NAME = 60

_DAY = timedelta(days=1)


def checked_request(request: QuoteRequest, today: date) -> QuoteRequest:
    """The request made tidy. `today` is UTC's; somewhere it is still yesterday.

    Raises `Refused`: `bad-hotels`, `bad-guests`, `bad-dates`, `bad-vin`, `bad-drivers`, `bad-price`, or a text's.
    """
    if isinstance(request, Stay):
        _check_dates(request.check_in, request.check_out, today, least=1, field="checkOut")
        if not 1 <= request.guests <= MAX_GUESTS:
            raise Refused("bad-guests", "invalid", f"A stay is for 1 to {MAX_GUESTS} guests.", field="guests")
        if not 1 <= len(request.hotels) <= MAX_ASKED_HOTELS:
            raise Refused("bad-hotels", "invalid", f"Ask for 1 to {MAX_ASKED_HOTELS} hotels.", field="hotelIds")
        if len({hotel.id for hotel in request.hotels}) < len(request.hotels):
            raise Refused("bad-hotels", "invalid", "Ask for each hotel once.", field="hotelIds")
        return msgspec.structs.replace(request, hotels=tuple(map(_hotel, request.hotels)))
    _check_dates(request.begins, request.ends, today, least=0, field="to")
    ages = [driver.age for driver in request.drivers]
    if not 1 <= len(ages) <= MAX_DRIVERS:
        raise Refused("bad-drivers", "invalid", f"A vehicle has 1 to {MAX_DRIVERS} drivers.", field="drivers")
    if not MIN_AGE <= min(ages) <= max(ages) <= MAX_AGE:
        sentence = f"A driver is {MIN_AGE} to {MAX_AGE} years old."
        raise Refused("bad-drivers", "invalid", sentence, field="drivers")
    return msgspec.structs.replace(request, vin=checked_vin(request.vin))


def _check_dates(begins: date, ends: date, today: date, *, least: int, field: str) -> None:
    if not least <= (ends - begins).days <= MAX_NIGHTS:
        sentence = f"The last day is {least} to {MAX_NIGHTS} days after the first."
        raise Refused("bad-dates", "invalid", sentence, field=field)
    if begins < today - _DAY:
        raise Refused("bad-dates", "invalid", "These days are over.", field=field)
    if begins > today + AHEAD:
        raise Refused("bad-dates", "invalid", "Nobody has prices for days more than two years ahead.", field=field)


def _hotel(hotel: AskedHotel) -> AskedHotel:
    if not 0 <= hotel.stars <= hotels.MAX_STARS:
        raise Refused("bad-hotels", "invalid", f"A hotel has 0 to {hotels.MAX_STARS} stars.", field="hotelIds")
    price = hotel.price_per_night
    return AskedHotel(
        hotel.id,
        text.checked(hotel.name, field="hotel's name", limit=hotels.MAX_NAME),
        text.checked(hotel.city, field="city", limit=hotels.MAX_CITY),
        hotel.stars,
        None if price is None else checked_price(price, field="price"),
    )


def checked_providers(providers: tuple[AskedProvider, ...]) -> tuple[AskedProvider, ...]:
    """Those who are asked, with tidy names. Raises `Refused` (`no-provider`, `too-many-providers`)."""
    if not providers:
        raise Refused("no-provider", "conflict", "Nobody here gives such prices.")
    if len({provider.id for provider in providers}) < len(providers) or len(providers) > MAX_PROVIDERS:
        sentence = f"At most {MAX_PROVIDERS} providers are asked, each once."
        raise Refused("too-many-providers", "invalid", sentence, limit=MAX_PROVIDERS)
    return tuple(msgspec.structs.replace(p, name=text.cut(p.name, MAX_PROVIDER_NAME) or p.id) for p in providers)


def units(request: QuoteRequest) -> int:
    """What a price is divided by to be compared: guests times nights, or drivers times days."""
    if isinstance(request, Vehicle):
        return len(request.drivers) * ((request.ends - request.begins).days + 1)
    return request.guests * (request.check_out - request.check_in).days
