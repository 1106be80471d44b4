"""What the screen of imports says: how an import goes, how its hotels are listed, and which ones were before. Pure,
without Textual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from roadcrew_domain.jobs_state import ImportedHotel, ImportJob
from roadcrew_domain.money import Money
from roadcrew_domain.trip import Trip
from roadcrew_tui import when
from roadcrew_tui.when import amount_of

if TYPE_CHECKING:
    from roadcrew_client.job_models import HotelOrder
    from roadcrew_domain.runs import RunNote

RECENT = timedelta(seconds=10)
"""Time over which speed is measured."""
LEAST = timedelta(seconds=1)
"""Nothing is said of speed before so long."""
PAGE = 100
"""Hotels, or refused rows, that are asked for at once."""
KEPT = 3
"""Pages that are kept; a list of 100,000 hotels is never here as a whole."""
SAID_REASONS = 4
NOT_THERE = "can't be reached"

Tone = Literal["good", "warn", "bad", "muted", ""]
R = TypeVar("R")


# --- how it goes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pace:
    """How fast an import goes of late. `seen` has a moment, the rows and the bytes read by then; a moment for each news
    of the last seconds."""

    seen: tuple[tuple[datetime, int, int], ...] = ()

    def after(self, job: ImportJob, now: datetime) -> Pace:
        """With what is known now."""
        rows, read = job.counts.good + job.counts.refused, job.counts.bytes
        if self.seen and self.seen[-1][2] == read:
            return self
        if self.seen and read < self.seen[-1][2]:
            return Pace(((now, rows, read),))
        recent = [s for s in self.seen if now - s[0] <= RECENT] or list(self.seen[-1:])
        return Pace((*recent, (now, rows, read)))

    def rows_a_second(self, now: datetime) -> float:
        """0 while nothing is known, or nothing moves."""
        return self._a_second(now, 1)

    def left(self, size: int, now: datetime) -> timedelta | None:
        """Until a feed of `size` bytes is read at this pace; None while nobody can know."""
        speed = self._a_second(now, 2)
        return timedelta(seconds=max(0, size - self.seen[-1][2]) / speed) if speed > 0 else None

    def _a_second(self, now: datetime, of: Literal[1, 2]) -> float:
        if not self.seen or now - self.seen[0][0] < LEAST:
            return 0.0
        return (self.seen[-1][of] - self.seen[0][of]) / (now - self.seen[0][0]).total_seconds()


@dataclass(frozen=True)
class Live:
    """How an import stands: a bar (`share` 0 to 1, None for no bar), a sentence, and figures beside it. `what` is for
    people's text in the sentence."""

    share: float | None
    words: str
    figures: str = ""
    what: str = ""
    tone: Tone = ""


def live(job: ImportJob, pace: Pace, now: datetime) -> Live:
    """The state in words."""
    counted = counts(job.counts.good, job.counts.refused)
    if job.expired:
        return Live(None, "It is kept no longer.", tone="muted")
    if job.status == "processing":
        return _running(job, pace, now, counted)
    lasted = (job.ended_at or now) - job.started_at
    took = "less than a second" if lasted < timedelta(seconds=1) else amount_of(lasted)
    if job.status == "finished":
        return Live(1.0, f"Done in {took}.", counted, tone="good")
    stays = "" if not job.counts.good else " What had come by then stays."
    share = _share(job)
    if job.status == "cancelled":
        return Live(share, f"Cancelled after {took}.{stays}", counted, tone="warn")
    if job.status == "failed":
        return Live(share, "It failed: {what}" + stays, counted, job.detail or "no reason was said.", "bad")
    because = "it was begun too often" if job.because == "too-often" else "it took too long"
    return Live(share, f"It was stopped after {took}: {because}.{stays}", counted, tone="bad")


def _running(job: ImportJob, pace: Pace, now: datetime, counted: str) -> Live:
    if not job.connected:
        began = bool(job.counts.bytes)
        if job.retry_at is not None:
            left = max(0, round((job.retry_at - now).total_seconds()))
            again = f"trying again in {left} s" if left else "trying again now"
            words = f"The service {'went away' if began else NOT_THERE}, {again}."
            return Live(_share(job), words, counted if began else "", tone="warn")
        waits = "Connecting to the price monitor." if job.runners else "Waiting for its turn."
        return Live(_share(job), waits, counted if began else "", tone="muted")
    figures = [counted]
    speed, left_time = pace.rows_a_second(now), pace.left(job.size, now)
    if speed >= 1:
        figures.append(f"{_rounded(speed):,} rows a second")
    if left_time is not None:
        figures.append(f"{amount_of(max(left_time, timedelta(seconds=1)))} left")
    return Live(_share(job), "Reading.", ", ".join(figures))


def _share(job: ImportJob) -> float:
    return min(1.0, job.counts.bytes / job.size) if job.size else 0.0


def _rounded(n: float) -> int:
    """To two figures: the third one would only flicker."""
    step = 10 ** max(0, len(str(int(n))) - 2)
    return int(round(n / step) * step)


def counts(good: int, refused: int) -> str:
    """`41,200 hotels, 310 rows refused`."""
    hotels = f"{good:,} hotel{'s' * (good != 1)}"
    return f"{hotels}, {refused:,} row{'s' * (refused != 1)} refused" if refused else hotels


def reasons(job: ImportJob) -> str:
    """`60 bad price, 40 duplicate and 3 more kinds`: codes as words, the most frequent first."""
    often = sorted(job.reasons, key=lambda r: (-r.rows, r.code))
    said = [f"{r.rows:,} {r.code.replace('-', ' ')}" for r in often[:SAID_REASONS]]
    more = len(often) - SAID_REASONS
    return ", ".join(said) + (f" and {more} more kind{'s' * (more > 1)}" if more > 0 else "")


def may_cancel(job: ImportJob | None, trip: Trip | None, me: str) -> bool:
    """Whether there is anything left to cancel, and it is this person's to do."""
    return job is not None and trip is not None and job.status == "processing" and me in (job.by, trip.organiser)


# --- which ones there are --------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportRow:
    """An import of the trip. `name` and `by` are people's text."""

    id: str
    name: str
    by: str
    words: str
    tone: Tone


ENDED: Mapping[str, tuple[str, Tone]] = {
    "finished": ("", "muted"),
    "cancelled": ("cancelled", "warn"),
    "failed": ("failed", "bad"),
    "interrupted": ("stopped", "bad"),
}


def import_rows(trip: Trip, me: str, now: datetime) -> list[ImportRow]:
    """The imports of a trip, newest first."""
    return [_import_row(run, trip, me, now) for run in imports_of(trip)]


def imports_of(trip: Trip) -> list[RunNote]:
    """Newest first."""
    return sorted((r for r in trip.runs.values() if r.kind == "import"), key=lambda r: (r.at, r.id), reverse=True)


def _import_row(run: RunNote, trip: Trip, me: str, now: datetime) -> ImportRow:
    member = trip.members.get(run.by)
    by = "you" if run.by == me else member.name if member is not None else "somebody who has left"
    if run.ended is None:
        return ImportRow(run.id, run.name or "", by, "under way", "good")
    ended, tone = ENDED[run.ended]
    said = (ended, counts(run.count, 0), when.ago(run.at, now))
    return ImportRow(run.id, run.name or "", by, ", ".join(part for part in said if part), tone)


# --- how hotels are listed -------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """An order that the server knows, and what it is called."""

    sort: HotelOrder
    descending: bool
    words: str


ORDERS = (
    Order("price", False, "cheapest first"),
    Order("price", True, "dearest first"),
    Order("stars", True, "most stars first"),
    Order("name", False, "by name"),
    Order("city", False, "by city"),
    Order("line", False, "as in the file"),
)


@dataclass(frozen=True)
class Wanted:
    """What of an import is listed, and how."""

    order: Order = ORDERS[0]
    q: str = ""
    city: str = ""
    min_stars: int = 0
    max_price: Money | None = None

    def next_order(self) -> Wanted:
        """Round and round."""
        return replace(self, order=ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)])

    @property
    def filtered(self) -> bool:
        """Whether anything is left out."""
        return self != Wanted(self.order)


@dataclass(frozen=True)
class Window(Generic[R]):
    """Pages of a long list that are kept while somebody scrolls. `starts` are the keys after which pages begin, as far
    as they are known; `first` is the number of the first page that is kept. `total` are all rows of the list."""

    pages: tuple[tuple[R, ...], ...] = ()
    starts: tuple[str | int | None, ...] = (None,)
    first: int = 0
    total: int = 0

    @property
    def rows(self) -> tuple[R, ...]:
        """All that are kept, in order."""
        return tuple(row for page in self.pages for row in page)

    @property
    def below(self) -> int | None:
        """The number of the page that comes next; None at the end."""
        number = self.first + len(self.pages)
        return number if number < len(self.starts) else None

    @property
    def above(self) -> int | None:
        """The number of the page that comes before; None at the beginning."""
        return self.first - 1 if self.first else None

    def put(self, number: int, rows: Sequence[R], total: int, following: str | int | None) -> Window[R]:
        """With this page, at the edge where it belongs; what is farthest from it goes. A page that belongs nowhere (the
        list was scrolled on meanwhile) changes nothing."""
        page, starts = tuple(rows), self.starts
        if number == self.first + len(self.pages):
            if following is not None and number == len(starts) - 1:
                starts = (*starts, following)
            pages = (*self.pages, page)
            gone = max(0, len(pages) - KEPT)
            return Window(pages[gone:], starts, self.first + gone, total)
        if number == self.above:
            return Window((page, *self.pages)[:KEPT], starts, number, total)
        return self


def listed(trip: Trip | None) -> frozenset[tuple[str, str]]:
    """The hotels that are on the trip's shortlist, to be looked up by `known_as`."""
    return frozenset((h.name.casefold(), h.city.casefold()) for h in trip.hotels.values()) if trip else frozenset()


def known_as(hotel: ImportedHotel) -> tuple[str, str]:
    """How two hotels are the same to a trip."""
    return hotel.name.casefold(), hotel.city.casefold()
