"""What has happened in a trip, as it is to be listed: newest first, a day at a time, since when and by whom. Pure.

What is known are `Recent`s by their numbers: those that the trip itself carries, and older ones that were asked for. A
row is shown only if every newer one is known as well, so that a list without gaps is all that anybody ever sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Literal

from roadcrew_domain.dropped import DroppedHotel, RestoreHotel
from roadcrew_domain.hotels import UnshortlistHotel, VoteHotel
from roadcrew_domain.polls import CastVote
from roadcrew_domain.trip import EditTrip, Recent, Trip, TripAct
from roadcrew_domain.views import crew_order
from roadcrew_tui import dates, when
from roadcrew_tui.happenings import Happening, told

Known = Mapping[int, Recent]
"""By number."""
Gone = Mapping[tuple[datetime, str | None], DroppedHotel]
"""What can be brought back, by when it was dropped and what it was called."""
PAGE, MOST_PAGES = 200, 10
"""Events that are asked for at a time, and how often for one answer: as many as a server keeps of a trip."""
STRANGE = "{who} did something that this version can't tell of"


@dataclass(frozen=True)
class Since:
    """From when on. `left`: after event `seq`, the last one of the visit before; `day`: from the start of `day`."""

    kind: Literal["left", "day", "all"]
    seq: int = -1
    day: date | None = None

    def takes(self, recent: Recent, zone: tzinfo | None = None) -> bool:
        """Whether that happened in this time. `zone` None: the reader's."""
        if self.kind == "day" and self.day is not None:
            return when.day_of(recent.at, zone) >= self.day
        return recent.seq > self.seq

    def words(self, today: date) -> str:
        """For the heading."""
        if self.kind == "day" and self.day is not None:
            return f"since {when.past_day(self.day, today)}"
        return "since you left" if self.kind == "left" else ""


ALL = Since("all")


@dataclass(frozen=True)
class Line:
    """One happening. `dropped` is the hotel that can be brought back here, or `others` are who could do that."""

    seq: int
    time: str
    happening: Happening
    dropped: str | None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Day:
    """What happened on one day, newest first."""

    title: str
    lines: tuple[Line, ...]


def merged(known: Known, more: Iterable[Recent]) -> dict[int, Recent]:
    """What was known, and more. What was known stays as it is: it says what people were called then."""
    return {**{r.seq: r for r in more}, **known}


def unbroken(known: Known, top: int | None = None) -> list[Recent]:
    """From number `top` (None: the newest) down to the first that is not known, newest first."""
    at = max(known, default=-1) if top is None else top
    found: list[Recent] = []
    while at in known:
        found.append(known[at])
        at -= 1
    return found


def fitting(
    known: Known, since: Since, by: str | None = None, top: int | None = None, zone: tzinfo | None = None
) -> list[Recent]:
    """What is to be listed, newest first. `by`: only what this person did."""
    return [r for r in unbroken(known, top) if since.takes(r, zone) and by in (None, r.by)]


def reaches_back(known: Known, since: Since, zone: tzinfo | None = None) -> bool:
    """Whether all that happened since then is known, whatever else there is."""
    row = unbroken(known)
    return bool(row) and (row[-1].seq == 0 or not since.takes(row[-1], zone))


def by_day(
    recents: Iterable[Recent], trip: Trip, me: str, now: datetime, zone: tzinfo | None = None
) -> tuple[Day, ...]:
    """In words, a day at a time."""
    today = when.day_of(now, zone)
    gone: Gone = {(d.at, d.hotel.name): d for d in trip.dropped.values() if now < d.restorable_until}
    return tuple(
        Day(_title(day, today), tuple(_line(r, trip, me, gone, zone) for r in of_day))
        for day, of_day in groupby(recents, key=lambda r: when.day_of(r.at, zone))
    )


def _title(day: date, today: date) -> str:
    words = when.past_day(day, today)
    return words[0].upper() + words[1:]


def _line(r: Recent, trip: Trip, me: str, gone: Gone, zone: tzinfo | None) -> Line:
    happening = told(r) or Happening(r.seq, r.at, STRANGE, r.name or "Somebody", "")
    line = Line(r.seq, when.time_of(r.at, zone), happening, None)
    hotel = gone.get((r.at, r.subject)) if r.type == "HotelUnshortlisted" else None
    if hotel is None:
        return line
    may = dict.fromkeys((trip.organiser, hotel.by))
    if me in may:
        return replace(line, dropped=hotel.hotel.id)
    return replace(line, others=tuple(trip.members[i].name for i in may if i in trip.members))


def people(trip: Trip, known: Known) -> list[tuple[str, str]]:
    """Who may have done something, with their names: the crew, then those who have gone, the last one first."""
    gone: dict[str, str] = {}
    for r in sorted(known.values(), key=lambda r: r.seq, reverse=True):
        if r.by is not None and r.name and r.by not in trip.members:
            gone.setdefault(r.by, r.name)
    return [*((m.id, m.name) for m in crew_order(trip)), *gone.items()]


def parse_since(text: str, today: date) -> date:
    """A day that has been, as people say it: as `dates.parse_day`, but a weekday is the last such day, a date
    without a year the last such date. Raises `NotADate`."""
    words = " ".join(text.lower().split())
    found = dates.parse_day(words, today)
    if found is None:
        raise dates.NotADate("Try yesterday, Mon, 20 May, or 2026-05-20.")
    if found > today and words != "tomorrow" and not re.search(r"\d{4}", words):
        found = found - timedelta(days=7) if not re.search(r"\d", words) else _year_before(found)
    if found > today:
        raise dates.NotADate("That day has not come yet.")
    return found


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=min(day.day, 28 if day.month == 2 else 31))


def undone(act: TripAct, what: str) -> tuple[str, str]:
    """What an act that undid something has done, with room for {what}: what it is about, in a person's words."""
    match act:
        case CastVote():
            given = act.option_ids or act.answers
            return f"Your vote in {{what}} is {'back' if given else 'taken back'}.", what
        case VoteHotel(hotel_id=None):
            return "You have no vote for a hotel again.", ""
        case VoteHotel():
            return "Your vote is for {what} again.", what
        case UnshortlistHotel():
            return "{what} is off the list again.", what
        case RestoreHotel():
            return "{what} is on the list again.", what
        case EditTrip():
            return "What you changed of the trip is as it was.", ""
        case _:
            return "Your last change is undone.", ""
