"""What the lobby says: rows of trips, from the server or from what this terminal remembers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from roadcrew_tui import when

if TYPE_CHECKING:
    from roadcrew_client import TripSummary


FIRST_WAIT, LONGEST_WAIT = 2.0, 30.0
"""Seconds."""
LOOKS_EVERY = 60.0
"""Seconds between two looks while all is well: nothing else tells that others brought a trip back."""


def wait_before(tries: int, chance: float) -> float:
    """Seconds until the trips are asked for once more, after so many tries by itself. `chance` is from 0 to 1, so that
    not all terminals come back at once."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries, 10)) * (0.5 + chance / 2)


@dataclass(frozen=True)
class TripRow:
    """One trip of mine. `name` is a person's text."""

    id: str
    name: str
    dates: str
    crew: str
    needs: str
    organiser: bool


def rows(trips: Iterable[TripSummary], today: date) -> list[TripRow]:
    """The trips as the server lists them, newest first."""
    return [
        TripRow(
            t.id,
            t.name,
            when.span(t.starts_on, t.ends_on, today),
            _crew(t.member_count, t.required_members, t.is_discount_unlocked),
            _needs(int(t.needs_me)),
            t.role == "organiser",
        )
        for t in trips
    ]


def remembered(trip: TripSummary) -> dict[str, Any]:
    """What is kept of a trip until the next start."""
    return {
        "id": trip.id,
        "name": trip.name,
        "startsOn": trip.starts_on.isoformat() if trip.starts_on else None,
        "endsOn": trip.ends_on.isoformat() if trip.ends_on else None,
        "members": trip.member_count,
        "needed": trip.required_members,
    }


def rows_remembered(kept: Iterable[Mapping[str, Any]], today: date) -> list[TripRow]:
    """The trips as they were last time; nothing is said of what needs me, since that is not known."""
    found = []
    for t in kept:
        if isinstance(t.get("id"), str) and isinstance(t.get("name"), str):
            crew = _crew(_number(t.get("members")), _number(t.get("needed")), False)
            dates = when.span(_date(t.get("startsOn")), _date(t.get("endsOn")), today)
            found.append(TripRow(t["id"], t["name"], dates, crew, "", False))
    return found


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _date(value: object) -> date | None:
    try:
        return datetime.strptime(value, "%Y-%m-%d").date() if isinstance(value, str) else None  # noqa: DTZ007
    except ValueError:
        return None


def _crew(members: int, needed: int, unlocked: bool) -> str:
    return f"{members} people" if unlocked or not needed or members >= needed else f"{members} of {needed}"


def _needs(count: int) -> str:
    return "" if not count else "1 thing needs you" if count == 1 else f"{count} things need you"
