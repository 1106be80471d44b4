"""Times and dates in words, in the reader's zone and in the manner that their settings say, with a relative part. The
caller says what time it is."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from roadcrew_tui import locales

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Manner:
    """`6:00 pm`, or `18:00`; `Jun 5`, or `5 Jun`."""

    twelve: bool = False
    month_first: bool = False


_in_use = [Manner()]


def use(clock: str, locale: str | None) -> None:
    """Write times by this `clock` (`24`, `12`, `locale`) from now on, and dates and money as is usual in this locale;
    None: in that of the environment."""
    locales.use(locale)
    name = locales.chosen() or locales.of_environment()
    twelve = clock == "12" or (clock == "locale" and bool(name) and locales.twelve_hours(name))
    _in_use[0] = Manner(twelve, locales.month_first(name))


def amount_of(span: timedelta) -> str:
    """`20 s`, `5 min`, `2 h`, `3 d`: the largest unit that is at least one."""
    seconds = int(abs(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} d"


def ago(then: datetime, now: datetime) -> str:
    """`now`, `3 min ago`."""
    return "now" if now - then < timedelta(minutes=1) else f"{amount_of(now - then)} ago"


def short_ago(then: datetime, now: datetime) -> str:
    """`now`, `3 min`: for a narrow column."""
    return "now" if now - then < timedelta(minutes=1) else amount_of(now - then)


def until(then: datetime, now: datetime) -> str:
    """`in 2 h`, or `now` once it is past."""
    left = then - now
    if left <= timedelta(0):
        return "now"
    # A deadline "in 2 h" has not just become "in 119 min": round to the nearest.
    seconds = left.total_seconds()
    if seconds >= 3600:
        left = timedelta(hours=round(seconds / 3600)) if seconds < 48 * 3600 else timedelta(days=round(seconds / 86400))
    elif seconds >= 60:
        left = timedelta(minutes=round(seconds / 60))
    return f"in {amount_of(left)}"


def clock(then: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """`18:00` today, `tomorrow 18:00`, `Fri 18:00` within a week, `5 Jun 18:00`. `zone` None: the reader's."""
    local, here = _local(then, zone), _local(now, zone)
    days = (local.date() - here.date()).days
    time = time_of(then, zone)
    if days == 0:
        return time
    if days == 1:
        return f"tomorrow {time}"
    if days == -1:
        return f"yesterday {time}"
    if 1 < days < 7:
        return f"{DAYS[local.weekday()]} {time}"
    return f"{day(local.date(), here.date())} {time}"


def at_venue(moment: datetime, zone: str) -> datetime:
    """The moment by the clock of a venue, whose zone is an IANA name; in UTC where that zone is not known."""
    try:
        there: tzinfo = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        there = UTC
    return _local(moment, there)


def _local(moment: datetime, zone: tzinfo | None) -> datetime:
    """In the reader's zone; at the ends of the calendar, where that may not exist, as it is."""
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        return moment


def time_of(moment: datetime, zone: tzinfo | None = None, *, seconds: bool = False) -> str:
    """`18:00`, or `6:00 pm` by a clock of twelve hours. `zone` None: the reader's."""
    return shown_time(_local(moment, zone), seconds=seconds)


def shown_time(there: datetime, *, seconds: bool = False) -> str:
    """As `time_of`, of a moment that is in the zone in which it is to be told."""
    rest = f":{there:%M:%S}" if seconds else f":{there:%M}"
    if not _in_use[0].twelve:
        return f"{there:%H}{rest}"
    return f"{there.hour % 12 or 12}{rest} {'am' if there.hour < 12 else 'pm'}"


def time_width() -> int:
    """Cells that the longest of `time_of` takes."""
    return 8 if _in_use[0].twelve else 5


def day_of(moment: datetime, zone: tzinfo | None = None) -> date:
    """The day on which it was by the reader's clock, or by that of `zone`."""
    return _local(moment, zone).date()


def past_day(d: date, today: date) -> str:
    """`today`, `yesterday`, `Fri 30 Apr`, with the year when it is another one."""
    days = (today - d).days
    return ("today", "yesterday")[days] if days in (0, 1) else f"{DAYS[d.weekday()]} {day(d, today)}"


def day(d: date, today: date) -> str:
    """`5 Jun`, with the year when it is another one."""
    return _day(d) if d.year == today.year else whole_day(d)


def whole_day(d: date) -> str:
    """`5 Jun 2027`, or `Jun 5, 2027`."""
    return f"{_day(d)}, {d.year}" if _in_use[0].month_first else f"{_day(d)} {d.year}"


def _day(d: date) -> str:
    month = MONTHS[d.month - 1]
    return f"{month} {d.day}" if _in_use[0].month_first else f"{d.day} {month}"


def span(starts: date | None, ends: date | None, today: date) -> str:
    """`21 to 25 May`, `May 21 to 25`, `from 21 May`, or nothing."""
    if starts is None or ends is None:
        return f"from {day(starts, today)}" if starts else f"until {day(ends, today)}" if ends else ""
    if starts == ends:
        return day(starts, today)
    if (starts.year, starts.month) == (ends.year, ends.month):
        if not _in_use[0].month_first:
            return f"{starts.day} to {day(ends, today)}"
        year = "" if ends.year == today.year else f", {ends.year}"
        return f"{_day(starts)} to {ends.day}{year}"
    return f"{day(starts, ends if starts.year != ends.year else today)} to {day(ends, today)}"
