"""Rate tables: hotels, seasons, lengths, vehicles. How they are written is for rate_reading.py, what they come to for
rates.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Room:
    """`price` is in minor units, for a night and `sleeps` guests."""

    price: int
    sleeps: int
    most_guests: int


@dataclass(frozen=True, slots=True)
class HotelRate:
    id: str
    name: str
    city: str
    stars: int
    room: Room


@dataclass(frozen=True, slots=True)
class StarsRate:
    """For hotels that have no rate of their own. `city` None: anywhere; else in small letters."""

    stars: int
    city: str | None
    room: Room


@dataclass(frozen=True, slots=True)
class Season:
    """Each year from one day (`MM-DD`) to another, both included, perhaps over the new year."""

    first: str
    last: str
    percent: int
    city: str | None

    def has(self, when: str) -> bool:
        """Whether that day is in it."""
        if self.first <= self.last:
            return self.first <= when <= self.last
        return when >= self.first or when <= self.last


@dataclass(frozen=True, slots=True)
class Class:
    """Vehicles of some makers, in small letters; of none: all others. `price` is in minor units, for a day."""

    name: str
    makers: frozenset[str]
    price: int


@dataclass(frozen=True, slots=True)
class Band:
    """Drivers of these ages, both included."""

    first: int
    last: int
    percent: int


@dataclass(frozen=True, slots=True)
class VehicleRates:
    """`extra_driver` is in minor units, for a day and each driver after the first."""

    classes: tuple[Class, ...]
    ages: tuple[Band, ...]
    lengths: tuple[tuple[int, int], ...]
    extra_driver: int


@dataclass(frozen=True, slots=True)
class Rates:
    """All tables of one provider. `weekdays` maps days of the week (Monday is 0) to percents; `lengths` are pairs of
    the fewest nights and a percent."""

    currency: str
    sample: bool
    valid_from: date
    valid_to: date
    hotels: tuple[HotelRate, ...]
    stars: tuple[StarsRate, ...]
    seasons: tuple[Season, ...]
    weekdays: Mapping[int, int]
    lengths: tuple[tuple[int, int], ...]
    vehicle: VehicleRates | None
