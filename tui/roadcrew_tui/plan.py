"""A trip to be kept or mailed: as text, Markdown, JSON, and entries of a calendar. Pure: the caller says what time it
is.

What people said is cleaned here, and in Markdown it is no markup and no link. Not for where a plan is put:
plan_file.py does that; what somebody has ordered is receipts.py's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from roadcrew_domain import polls as poll_rules
from roadcrew_domain.bookings import Booking
from roadcrew_domain.hotels import Hotel, votes_by_hotel
from roadcrew_domain.polls import Poll
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import booking_order, crew_order, hotel_order, hotel_ranking, poll_order, to_view
from roadcrew_tui import money
from roadcrew_tui.oneshot import data
from roadcrew_tui.receipts import date_words, day_words, place_words, safe, slot_words

if TYPE_CHECKING:
    from icalendar import Event

Format = Literal["text", "markdown", "json", "ics"]
JOINS = "uvx roadcrew join"
GONE = "somebody who has left"

_MARKUP = re.compile(r"[\\`*_\[\]{}<>&#|~$^]")
_BEGINS = re.compile(r"^(\d+(?=[.)])|(?=[-+=:]))")
"""What makes a list, a heading or a rule of a line that begins so."""
_ADDRESS = re.compile(r"://|@|\bwww\.|\w\.[^\W\d_]{2}", re.IGNORECASE)
"""By one of these a word may be made a link by whatever shows Markdown."""


@dataclass(frozen=True)
class Section:
    """A heading of ours and what stands under it: how deep it is indented, and words, with people's among them."""

    title: str
    rows: tuple[tuple[int, str], ...]


# --- what is said --------------------------------------------------------------------------------


def _sections(trip: Trip, now: datetime, link: str | None) -> list[Section]:
    decided, undecided = _decided(trip), _open(trip, now)
    found = {
        "When and where": _when_and_where(trip),
        f"Crew, {len(trip.members)}": _crew(trip),
        "Decided": decided,
        "Still open": undecided,
        "Hotels": _hotels(trip),
        "Booked": (row for booking in booking_order(trip) for row in _booking(trip, booking)),
        "How to join": iter(() if link is None else ((0, safe(link)), (0, f"In a terminal: {JOINS} {safe(link)}"))),
    }
    sections = [Section(title, tuple(rows)) for title, rows in found.items()]
    return [section for section in sections if section.rows]


def _when_and_where(trip: Trip) -> Iterator[tuple[int, str]]:
    yield 0, f"When: {_days(trip)}"
    yield 0, f"Where: {safe(trip.destination) if trip.destination else 'not decided yet'}"


def _days(trip: Trip) -> str:
    starts, ends = trip.starts_on, trip.ends_on
    if starts is None or ends is None:
        return f"from {day_words(starts)}" if starts else f"until {day_words(ends)}" if ends else "not decided yet"
    return day_words(starts) if starts == ends else f"{day_words(starts)} to {day_words(ends)}"


def _crew(trip: Trip) -> Iterator[tuple[int, str]]:
    for member in crew_order(trip):
        yield 0, f"{safe(member.name)}{', organiser' * (member.id == trip.organiser)}"
    missing = trip.required_members - len(trip.members)
    if trip.discount_percent and (trip.discount_unlocked or missing > 0):
        off = f"{trip.discount_percent} % off bookings"
        yield 0, f"{off} for the group" if trip.discount_unlocked else f"{missing} more for {off}"


def _decided(trip: Trip) -> Iterator[tuple[int, str]]:
    for poll in poll_order(trip):
        if poll.outcome is not None and not poll.outcome.tie:
            yield 0, f"{_asked(poll)} {_options(poll, poll.outcome.winners) or 'nobody voted for anything'}"
    outcome = trip.voting.outcome
    winner = trip.hotels.get(outcome.winner_id or "") if outcome is not None else None
    if winner is not None:
        yield 0, f"Hotel: {safe(winner.name)}, {safe(winner.city)}"


def _asked(poll: Poll) -> str:
    question = safe(poll.question)
    return question if question.endswith("?") else f"{question}:"


def _options(poll: Poll, ids: tuple[str, ...]) -> str:
    return ", ".join(safe(option.text) for option in poll.options if option.id in ids)


def _open(trip: Trip, now: datetime) -> Iterator[tuple[int, str]]:
    crew = len(trip.members)
    for poll in poll_order(trip):
        if poll.outcome is not None:
            if poll.outcome.tie:
                yield 0, f"{_asked(poll)} a tie of {_options(poll, poll.outcome.winners)}"
            continue
        voted = sum(member in poll.ballots for member in trip.members)
        yield 0, f"{_asked(poll)} {voted} of {crew} voted{_closes(poll, now)}"
        for option in poll_rules.tally(poll):
            maybe = f", {len(option.maybe)} maybe" if option.maybe else ""
            yield 1, f"{safe(option.option.text)}: {_votes(len(option.yes))}{maybe}"
    if trip.voting.open:
        voted = sum(trip.voting.ballots.get(member) in trip.hotels for member in trip.members)
        yield 0, f"Which hotel? {voted} of {crew} voted"
    elif trip.voting.outcome is not None and trip.voting.outcome.winner_id is None:
        names = ", ".join(safe(h.name) for h in hotel_order(trip) if h.id in trip.voting.outcome.tied)
        yield 0, f"Which hotel? {f'a tie of {names}' if names else 'nobody voted'}"


def _closes(poll: Poll, now: datetime) -> str:
    if poll.closes_at is None:
        return ""
    if not poll.takes_votes(now):
        return ", time is up"
    local = poll.closes_at.astimezone(now.tzinfo)
    return f", closes {date_words(local)} ({local.tzname()})"


def _votes(count: int) -> str:
    return f"{count} vote{'s' * (count != 1)}"


def _hotels(trip: Trip) -> Iterator[tuple[int, str]]:
    votes = votes_by_hotel(trip.voting, trip.hotels)
    counted = trip.voting.open or trip.voting.outcome is not None
    for hotel in hotel_ranking(trip):
        yield 0, _hotel(hotel) + (f", {_votes(len(votes.get(hotel.id, ())))}" if counted else "")
        if hotel.url:
            yield 1, safe(hotel.url)


def _hotel(hotel: Hotel) -> str:
    stars = f", {hotel.stars} star{'s' * (hotel.stars != 1)}" if hotel.stars else ""
    return f"{safe(hotel.name)}, {safe(hotel.city)}{stars}, {money.written(hotel.price_per_night)} a night"


def _booking(trip: Trip, booking: Booking) -> Iterator[tuple[int, str]]:
    member = trip.members.get(booking.member_id)
    yield 0, f"{safe(member.name) if member else GONE}: {safe(booking.slot.title)}, {_seats(booking)}"
    yield 1, f"{slot_words(booking.slot)}, {place_words(booking.slot)}"


def _seats(booking: Booking) -> str:
    return f"{booking.seats} seat{'s' * (booking.seats != 1)}"


# --- a text --------------------------------------------------------------------------------------


def written(trip: Trip, fmt: Format, me: str, now: datetime, link: str | None = None) -> str:
    """The trip in this format, ending in a line end. `me` is whose bookings go into a calendar, `now` is by the
    reader's clock, `link` lets others in and is told only where it is given. Raises `Refused` as `as_calendar`."""
    match fmt:
        case "text":
            return as_text(trip, now, link)
        case "markdown":
            return as_markdown(trip, now, link)
        case "json":
            return data(json.dumps(as_shape(trip, invite=link is not None), ensure_ascii=False, indent=2)) + "\n"
        case "ics":
            return as_calendar(trip, me).decode()


def as_text(trip: Trip, now: datetime, link: str | None = None) -> str:
    """For a mail or a terminal."""
    rows = [safe(trip.name)]
    for section in _sections(trip, now, link):
        rows += ["", section.title.upper(), *(f"{'  ' * depth}  {words}" for depth, words in section.rows)]
    return "\n".join((*rows, "", _as_of(now), ""))


def as_markdown(trip: Trip, now: datetime, link: str | None = None) -> str:
    """For whatever shows Markdown: headings and lists are ours, and nothing else in it is one."""
    rows = [f"# {literal(safe(trip.name))}"]
    for section in _sections(trip, now, link):
        rows += ["", f"## {section.title}", ""]
        rows += [f"{'  ' * depth}- {literal(words)}" for depth, words in section.rows]
    return "\n".join((*rows, "", literal(_as_of(now)), ""))


def _as_of(now: datetime) -> str:
    return f"As of {date_words(now)} ({now.tzname()}), from Roadcrew."


def literal(words: str) -> str:
    """One line as Markdown that says the same: no markup, no HTML; addresses are code, which nothing makes a link."""
    return _BEGINS.sub(r"\1\\", " ".join(map(_literal_word, words.split())))


def _literal_word(word: str) -> str:
    return _code(word) if _ADDRESS.search(word) else _MARKUP.sub(r"\\\g<0>", word)


def _code(word: str) -> str:
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", word)), default=0))
    pad = " " * (word[0] == "`" or word[-1] == "`")
    return f"{fence}{pad}{word}{pad}{fence}"


# --- for programs --------------------------------------------------------------------------------


def as_shape(trip: Trip, *, invite: bool = False) -> Any:
    """`{trip}` as the HTTP contract has it; its invite lets others in, and is null unless it is asked for."""
    view = to_view(trip)
    return {"trip": msgspec.to_builtins(view if invite else msgspec.structs.replace(view, invite=None))}


def as_calendar(trip: Trip, me: str) -> bytes:
    """The days of the trip, and what `me` has booked in UTC, as an `.ics` file. An entry keeps its id, so that a later
    file changes what an earlier one has put into a calendar. Raises `Refused` where there is nothing to put there."""
    from icalendar import Calendar  # noqa: PLC0415 - only when somebody wants one

    entries = [*_trip_entry(trip), *(_booking_entry(trip, b) for b in booking_order(trip) if b.member_id == me)]
    if not entries:
        why = "This trip has no dates yet, and you have booked nothing: there is nothing to put into a calendar."
        raise Refused("nothing-dated", "conflict", why)
    calendar = Calendar()
    calendar.add("prodid", "-//Roadcrew//Trips//EN")
    calendar.add("version", "2.0")
    for entry in entries:
        calendar.add_component(entry)
    ical: bytes = calendar.to_ical()
    return ical


def _trip_entry(trip: Trip) -> Iterator[Event]:
    first, last = trip.starts_on or trip.ends_on, trip.ends_on or trip.starts_on
    if first is None or last is None:
        return
    age = int((trip.changed_at - trip.created_at).total_seconds())
    entry = _entry(trip.id, trip.changed_at, max(0, age), safe(trip.name))
    entry.add("dtstart", first)
    # A calendar's days end before the day that it names.
    entry.add("dtend", last + timedelta(days=1) if last < date.max else last)
    if trip.destination:
        entry.add("location", safe(trip.destination))
    entry.add("description", "With " + ", ".join(safe(member.name) for member in crew_order(trip)))
    yield entry


def _booking_entry(trip: Trip, booking: Booking) -> Event:
    entry = _entry(booking.id, booking.booked_at, 0, safe(booking.slot.title))
    entry.add("dtstart", booking.slot.starts_at.astimezone(UTC))
    entry.add("dtend", booking.slot.ends_at.astimezone(UTC))
    entry.add("location", place_words(booking.slot))
    entry.add("description", f"{_seats(booking)}. {safe(trip.name)}")
    return entry


def _entry(uid: str, at: datetime, sequence: int, summary: str) -> Event:
    from icalendar import Event  # noqa: PLC0415 - as above

    entry = Event()
    entry.add("uid", f"{safe(uid)}@roadcrew")
    entry.add("dtstamp", at.astimezone(UTC))
    entry.add("sequence", sequence)
    entry.add("summary", summary)
    return entry
