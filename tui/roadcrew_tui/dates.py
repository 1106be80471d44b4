"""Dates and deadlines as people type them. Pure: the caller says what day and time it is.

Used by forms, sub-commands, and to see whether the winner of a poll is a date.
"""

import re
from datetime import date, datetime, timedelta, tzinfo

from roadcrew_tui.when import MONTHS

_MONTH = {name.lower(): n for n, name in enumerate(MONTHS, 1)}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_NUMBERS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_WORDS = re.compile(r"(\d{1,2})\.?(?:st|nd|rd|th)?\s+([a-z]{3,9})\.?(?:,?\s+(\d{4}))?")
_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?")
_SHORT_RANGE = re.compile(r"(\d{1,2})\.?\s*(?:to|until|-|–|—)\s*(\d{1,2})\.?\s+([a-z]{3,9})\.?(?:,?\s+(\d{4}))?")
_SHORT_RANGE_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.?\s+(\d{1,2})\s*(?:to|until|-|–|—)\s*(\d{1,2})(?:,?\s+(\d{4}))?")
_BETWEEN = re.compile(r"\s+(?:to|until|-|–|—)\s+|\s*(?:–|—)\s*")
_CLOCK = re.compile(r"(?:at\s+)?(\d{1,2})(?::|\.|h)(\d{2})")
_TWELVE = re.compile(r"(?:at\s+)?(1[0-2]|0?[1-9])(?:[:.](\d{2}))?\s*([ap])\.?m\.?")
_IN = re.compile(r"in\s+(\d{1,3})\s*(min|m|minutes?|h|hours?|d|days?|w|weeks?)")
_NEAR = {"yesterday": -1, "today": 0, "tomorrow": 1}
SOONEST = timedelta(days=60)
"""A date without a year is the next such date, or one of the last weeks."""


class NotADate(ValueError):
    """Says in a sentence what would be understood, or why this is no date."""


def _made(day: int, month: int, year: int | None, today: date) -> date | None:
    try:
        if year is not None:
            return date(year, month, day)
        made = date(today.year, month, day)
        return made if made >= today - SOONEST else date(today.year + 1, month, day)
    except ValueError:
        return None


def parse_day(text: str, today: date) -> date | None:
    """One day as people say it: `2026-05-21`, `21.5.2026`, `21 May`, `Wed 20 May`, `May 21, 2026`, `yesterday`,
    `today`, `tomorrow`, or `Wed`, the next one. None for anything else.

    Raises `NotADate` for a date on another weekday than is said: in which year it would fit is not guessed.
    """
    words = _words(text)
    weekday, rest = _parted(words)
    if weekday is not None and not rest:
        return today + timedelta(days=(weekday - today.weekday()) % 7)
    found = _read(words, today)
    if found is not None and weekday is not None and weekday != found.weekday():
        is_, said = (_WEEKDAYS[n].capitalize() for n in (found.weekday(), weekday))
        raise NotADate(f"{found.day} {MONTHS[found.month - 1]} {found.year} is a {is_}, not a {said}.")
    return found


def _words(text: str) -> str:
    return " ".join(text.lower().split()).removeprefix("on ")


def _parted(words: str) -> tuple[int | None, str]:
    """A weekday at the start, from 0 for Monday, by the start of its name (`fr`, `thurs`), and the rest."""
    first, _, rest = words.partition(" ")
    name = first.rstrip(".,")
    fitting = [n for n, weekday in enumerate(_WEEKDAYS) if weekday.startswith(name)]
    return (fitting[0], rest) if len(fitting) == 1 and len(name) > 1 else (None, words)


def _read(words: str, today: date) -> date | None:
    """A date, whatever weekday is said."""
    _, words = _parted(words)
    if words in _NEAR:
        return today + timedelta(days=_NEAR[words])
    if m := _ISO.fullmatch(words):
        return _made(int(m[3]), int(m[2]), int(m[1]), today)
    if m := _NUMBERS.fullmatch(words):
        return _made(int(m[1]), int(m[2]), int(m[3]), today)
    if (m := _WORDS.fullmatch(words)) and (month := _MONTH.get(m[2][:3])):
        return _made(int(m[1]), month, int(m[3]) if m[3] else None, today)
    if (m := _MONTH_FIRST.fullmatch(words)) and (month := _MONTH.get(m[1][:3])):
        return _made(int(m[2]), month, int(m[3]) if m[3] else None, today)
    return None


def parse_span(text: str, today: date) -> tuple[date, date] | None:
    """A date (both ends the same) or a range: `21 to 25 May`, `28 May to 2 June`, `2026-05-21 - 2026-05-25`.

    None for anything else. Weekdays are not looked at: an option of a poll is what somebody wrote, and is asked about
    before it becomes the trip's dates.
    """
    words = _words(text)
    if m := _SHORT_RANGE_MONTH_FIRST.fullmatch(words):
        words = f"{m[2]} to {m[3]} {m[1]} {m[4] or ''}".strip()
    if m := _SHORT_RANGE.fullmatch(words):
        ends = _read(f"{m[2]} {m[3]} {m[4] or ''}".strip(), today)
        starts = ends and _made(int(m[1]), ends.month, ends.year, today)
        return (starts, ends) if starts and ends and starts <= ends else None
    parts = _BETWEEN.split(words)
    if len(parts) == 2:
        ends = _read(parts[1], today)
        starts = _read(parts[0], today)
        if starts and ends and starts > ends and not re.search(r"\d{4}", parts[0]):
            starts = _made(starts.day, starts.month, ends.year - (starts.month > ends.month), today)
        return (starts, ends) if starts and ends and starts <= ends else None
    one = _read(words, today)
    return (one, one) if one else None


def _clock_at_end(words: str) -> tuple[int, int, int] | None:
    """The hour and the minute that stand at the end, and where that begins."""
    if m := re.search(rf"(?:^|\s){_CLOCK.pattern}$", words):
        return int(m[1]), int(m[2]), m.start()
    if m := re.search(rf"(?:^|\s){_TWELVE.pattern}$", words):
        return int(m[1]) % 12 + 12 * (m[3] == "p"), int(m[2] or 0), m.start()
    return None


def parse_deadline(text: str, now: datetime, zone: tzinfo | None = None) -> datetime | None:
    """When a poll is to close: `18:00`, `6 pm`, `in 2 h`, `tomorrow 18:00`, `fri 18:00`, `20 May 18:00`, or
    `20 May` (its end).

    Raises `NotADate` for what is none of these, or is on another weekday; None for nothing.
    """
    words = " ".join(text.lower().replace("t", " ", 1).split() if _ISO.match(text.strip()) else text.lower().split())
    if not words:
        return None
    here = now.astimezone(zone)
    if m := _IN.fullmatch(words):
        unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[m[2][0]]
        return now + timedelta(**{unit: int(m[1])})
    (hour, minute), named = (23, 59), False
    if (found := _clock_at_end(words)) is not None:
        hour, minute, starts = found
        words, named = words[:starts].strip().rstrip(","), True
    day = here.date() if not words and named else parse_day(words, here.date())
    if day is None or hour > 23 or minute > 59:
        raise NotADate("Try 18:00, in 2 h, tomorrow 18:00, or 20 May 18:00.")
    closes = datetime(day.year, day.month, day.day, hour, minute, tzinfo=here.tzinfo)
    if not words and named and closes <= here:
        closes += timedelta(days=1)
    # The zone's offset on that day may be another one than today's.
    if zone is None:
        closes = datetime(closes.year, closes.month, closes.day, hour, minute).astimezone()
    return closes
