"""The provider `catalogue`: prices from rate tables in the settings, for hotels and for vehicles.

A night's or a day's price is the table's, times the percents that apply, rounded half up to the minor unit; the total
is their sum. Which percents those are, with worked examples: docs/quote-providers.md. Not for reading the tables, which
is rate_reading.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import prod

from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import AskedHotel, Driver, Price, QuoteRequest, Stay, Vehicle
from roadcrew_domain.vin import decoded
from roadcrew_server._toml_file import Entry
from roadcrew_server.quotes.base import Failed, Say, Tools
from roadcrew_server.quotes.rate_reading import read
from roadcrew_server.quotes.rate_tables import HotelRate, Rates, Room, VehicleRates

_DAY = timedelta(days=1)


def make(table: Entry, tools: Tools) -> RatesProvider:
    """From its table."""
    return RatesProvider(str(table.get("id", "")), read(table, tools.faults))


class RatesProvider:
    """`QuoteProvider`, and `KnowsHotels`."""

    def __init__(self, provider_id: str, rates: Rates) -> None:
        stays = {"stay"} if rates.hotels or rates.stars else set()
        self.kinds = frozenset(stays | ({"vehicle"} if rates.vehicle is not None else set()))
        self.simulated = rates.sample
        self._id = provider_id
        self._rates = rates
        self._by_name = {_named(hotel.name, hotel.city): hotel for hotel in rates.hotels}

    def hotels(self) -> Sequence[AskedHotel]:
        """Those that its tables name."""
        return [
            AskedHotel(f"{self._id}.{hotel.id}", hotel.name, hotel.city, hotel.stars, self._money(hotel.room.price))
            for hotel in self._rates.hotels
        ]

    async def quote(self, request: QuoteRequest, say: Say) -> Sequence[Price]:
        """The prices of its tables."""
        first, last = _days(request)
        if self._rates.valid_from > first or self._rates.valid_to < last:
            sentence = f"Its rates are for {self._rates.valid_from} to {self._rates.valid_to}."
            raise Failed("not-covered", sentence)
        if isinstance(request, Vehicle):
            return [self._vehicle(request)]
        found = [(hotel, self._room(hotel)) for hotel in request.hotels]
        if not any(room for _, room in found):
            raise Failed("not-covered", "It has no rates for these hotels.")
        prices = [
            self._stay(request, hotel, room) for hotel, room in found if room and request.guests <= room.most_guests
        ]
        if not prices:
            raise Failed("not-covered", f"It has no rates for {request.guests} guests.")
        return prices

    async def close(self) -> None:
        """Nothing to end."""

    # --- stays ---------------------------------------------------------------------------------------

    def _room(self, hotel: AskedHotel) -> Room | None:
        """The hotel's own rate; else that of its stars in its city, or anywhere."""
        own: HotelRate | None = self._by_name.get(_named(hotel.name, hotel.city))
        if own is not None:
            return own.room
        city = hotel.city.casefold()
        rates = [rate for rate in self._rates.stars if rate.stars == hotel.stars and rate.city in (city, None)]
        return max(rates, key=lambda rate: rate.city is not None).room if rates else None

    def _stay(self, request: Stay, hotel: AskedHotel, room: Room) -> Price:
        nights = (request.check_out - request.check_in).days
        rooms = -(-request.guests // room.sleeps)
        length = _reached(self._rates.lengths, nights)
        a_room = 0
        for number in range(nights):
            night = request.check_in + number * _DAY
            season, weekday = self._season(night, hotel.city), self._rates.weekdays.get(night.weekday(), 100)
            a_room += _rounded(room.price, season, weekday, length)
        each = "person" if room.sleeps == 1 else "room"
        return Price(self._money(a_room * rooms), hotel.id, f"{rooms} {each}{'s' if rooms > 1 else ''}")

    def _season(self, day: date, city: str | None) -> int:
        """Percent. That of a city is before one of everywhere."""
        when = f"{day:%m-%d}"
        here = None if city is None else city.casefold()
        found = [season for season in self._rates.seasons if season.city in (here, None) and season.has(when)]
        return max(found, key=lambda season: season.city is not None).percent if found else 100

    # --- vehicles ------------------------------------------------------------------------------------

    def _vehicle(self, request: Vehicle) -> Price:
        rates = self._rates.vehicle
        if rates is None:  # a run asks only who has this kind
            raise Failed("not-covered", "It has no rates for vehicles.")
        maker = decoded(request.vin, request.begins).maker
        name, price = _class(rates, maker)
        days = (request.ends - request.begins).days + 1
        age, length = _age(rates, request.drivers), _reached(rates.lengths, days)
        total = days * rates.extra_driver * (len(request.drivers) - 1)
        for number in range(days):
            total += _rounded(price, self._season(request.begins + number * _DAY, None), age, length)
        return Price(self._money(total), None, name)

    def _money(self, amount: int) -> Money:
        return Money(amount, self._rates.currency)


def _class(rates: VehicleRates, maker: str | None) -> tuple[str, int]:
    """The name and the price of a day of the maker's class; else of the class of all others."""
    named = (maker or "").casefold()
    for one in rates.classes:
        if named in one.makers:
            return one.name, one.price
    for one in rates.classes:
        if not one.makers:
            return one.name, one.price
    raise Failed("not-covered", "It has no rates for vehicles of this maker.")


def _age(rates: VehicleRates, drivers: Iterable[Driver]) -> int:
    """Percent: that of the driver for whom it is most."""
    if not rates.ages:
        return 100
    percents = []
    for driver in drivers:
        found = next((band.percent for band in rates.ages if band.first <= driver.age <= band.last), None)
        if found is None:
            raise Failed("not-covered", f"It has no rates for drivers of {driver.age}.")
        percents.append(found)
    return max(percents)


def _reached(lengths: Sequence[tuple[int, int]], count: int) -> int:
    """Percent: that of the longest length that is reached."""
    return max(((least, percent) for least, percent in lengths if least <= count), default=(0, 100))[1]


def _rounded(price: int, *percents: int) -> int:
    """Times all percents, half up."""
    over = prod(percents)
    under = prod(100 for _ in percents)
    return (2 * price * over + under) // (2 * under)


def _days(request: QuoteRequest) -> tuple[date, date]:
    """The first and the last that is paid for."""
    if isinstance(request, Stay):
        return request.check_in, request.check_out - _DAY
    return request.begins, request.ends


def _named(name: str, city: str) -> tuple[str, str]:
    return name.casefold(), city.casefold()
