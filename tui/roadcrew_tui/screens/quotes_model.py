"""What the tab of quotes says: the trip's runs, and how one of them stands. Pure.

What it says of each provider and of each price is quotes_rows.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from roadcrew_domain.quotes import currencies, standings
from roadcrew_domain.quotes_state import Answer, Choice, QuoteRun, Stay, Vehicle
from roadcrew_domain.runs import RunNote
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import run_order
from roadcrew_tui import money, when
from roadcrew_tui.screens.quotes_rows import PriceRow, ProviderRow, price_rows, provider_row
from roadcrew_tui.snapshot import RunSnapshot

Tone = Literal["warn", "bad", "muted"]

INTERRUPTED = {
    "too-long": "Interrupted: its time was over.",
    "too-often": "Interrupted: too many servers went down while they asked.",
}
ENDS = {"finished": "", "cancelled": "stopped", "failed": "failed", "interrupted": "interrupted"}


# --- the trip's runs -----------------------------------------------------------------------------


@dataclass(frozen=True)
class RunRow:
    """`words` have room for {name}, a person's text. `end` says how it ended where that needs a word, and `came` what
    came of it; `under_way`: it is not known to have ended."""

    id: str
    words: str
    name: str
    who: str
    ago: str
    end: str
    under_way: bool
    came: str


def run_rows(trip: Trip, now: datetime) -> list[RunRow]:
    """The newest first."""
    return [_run_row(trip, note, now) for note in reversed(run_order(trip))]


def _run_row(trip: Trip, note: RunNote, now: datetime) -> RunRow:
    return RunRow(
        note.id,
        _run_words(note, now.astimezone().date()),
        note.name or "",
        trip.members[note.by].name if note.by in trip.members else "Somebody",
        when.ago(note.at, now),
        "" if note.ended is None else ENDS.get(note.ended, note.ended),
        note.ended is None,
        _came(note),
    )


def _came(note: RunNote) -> str:
    if note.best is not None:
        return f"from {money.written(note.best)}"
    return counted(note.count, "hotel") if note.kind == "import" and note.ended == "finished" else ""


def _run_words(note: RunNote, today: date) -> str:
    if note.kind == "import":
        return "Import of {name}"
    dates = when.span(note.begins, note.ends, today)
    what = "Stay" if note.kind == "stay" else "Vehicle"
    return f"{what}, {dates}" if dates else what


# --- one run -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Remark:
    """One of our sentences about a run."""

    words: str
    tone: Tone = "muted"


@dataclass(frozen=True)
class Sheet:
    """A run to be drawn. `share` of the providers are done, from 0 to 1."""

    id: str
    title: str
    about: tuple[str, ...]
    share: float
    words: str
    remarks: tuple[Remark, ...]
    unit: str
    all_of: str
    prices: tuple[PriceRow, ...]
    providers: tuple[ProviderRow, ...]


def sheet(
    run: QuoteRun,
    names: Mapping[str, str],
    me: str,
    now: datetime,
    *,
    before: QuoteRun | None = None,
    sending: tuple[Choice | None] | None = None,
) -> Sheet:
    """`names` of members by id; `before` is the run that this one repeats; `sending` holds a vote of mine that
    is on its way."""
    request, today = run.request, now.astimezone().date()
    if isinstance(request, Stay):
        nights = (request.check_out - request.check_in).days
        title = f"Stay, {when.span(request.check_in, request.check_out, today)}"
        all_of = f"{counted(request.guests, 'guest')}, {counted(nights, 'night')}"
        about, unit = tuple(hotel.name for hotel in request.hotels), "for a person and night"
    else:
        title = f"Vehicle, {when.span(request.begins, request.ends, today)}"
        all_of = counted((request.ends - request.begins).days + 1, "day")
        about, unit = (request.vin, _ages(request)), "for a driver and day"
    return Sheet(
        run.id,
        title,
        about,
        _done(run) / max(1, len(run.providers)),
        progress_words(run, now),
        tuple(_remarks(run, now, before)),
        unit,
        all_of,
        tuple(price_rows(run, names, me, before, sending)),
        tuple(provider_row(run, provider) for provider in run.providers),
    )


def counted(n: int, noun: str) -> str:
    """`1 night`, `4 nights`."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def _ages(request: Vehicle) -> str:
    ages = [str(driver.age) for driver in request.drivers]
    listed = ages[0] if len(ages) == 1 else f"{', '.join(ages[:-1])} and {ages[-1]}"
    return f"driver{'s' * (len(ages) > 1)} of {listed}"


# --- how it stands -------------------------------------------------------------------------------


def _failed(answer: Answer) -> bool:
    return answer.state == "failed" and answer.failure != "not-covered"


def _done(run: QuoteRun) -> int:
    return sum(run.answers[p.id].state in ("priced", "failed") for p in run.providers)


def progress_words(run: QuoteRun, now: datetime) -> str:
    """`5 of 8 answered, 1 failed, 12 s`; who answered that it has no price has answered."""
    answers = [run.answers[p.id] for p in run.providers]
    failed = sum(_failed(a) for a in answers)
    answered = _done(run) - failed
    words = [f"{answered} of {len(answers)} answered"]
    if failed:
        words.append(f"{failed} failed")
    words.append(elapsed_words(run, now))
    return ", ".join(words)


def elapsed_words(run: QuoteRun, now: datetime) -> str:
    """How long it runs, or ran."""
    return when.amount_of((run.ended_at or max(now, run.started_at)) - run.started_at)


def _remarks(run: QuoteRun, now: datetime, before: QuoteRun | None) -> list[Remark]:
    """How it ended, and what befell it."""
    found: list[Remark] = []
    if run.status == "cancelled":
        found.append(Remark("Stopped. Prices that had come are here.", "warn"))
    elif run.status == "interrupted":
        found.append(Remark(INTERRUPTED.get(run.because or "", "Interrupted."), "bad"))
    elif run.status == "finished" and not any(a.prices for a in run.answers.values()):
        found.append(Remark("All are done, and nobody has a price.", "warn"))
    if run.runners > 1:
        ago = when.ago(run.runner_at, now) if run.status == "processing" and run.runner_at is not None else ""
        found.append(Remark("Taken over by another server" + (f", {ago}." if ago else " on the way.")))
    if before is not None:
        found.append(Remark(f"Compared with the run of {when.clock(before.started_at, now)}."))
    if len(currencies(standings(run))) > 1:
        found.append(Remark("Currencies are not compared."))
    return found


def more_remarks(seen: RunSnapshot, *, lost: bool) -> list[Remark]:
    """What is to be said of how it is known here. `lost`: the run before is not kept any more."""
    found = [Remark("The run before is no longer kept, so nothing is compared.")] if lost else []
    if seen.gone is not None:
        found.append(Remark("It is no longer kept. This is how it was seen here last.", "warn"))
    elif seen.status.state in ("offline", "signed-out", "paused"):
        words = {"offline": "Offline", "signed-out": "Signed out", "paused": "Paused"}[seen.status.state]
        found.append(Remark(f"{words}: as it was seen here last.", "warn"))
    return found


def unseen(chosen: RunNote, seen: RunSnapshot | None) -> Remark:
    """Why there is nothing to be seen of a run."""
    if chosen.kind == "import":
        return Remark("An import of hotels from a file. Enter shows it.")
    if seen is not None and seen.gone is not None:
        return Remark("This run is no longer kept: prices are, for a while. Press n to ask for new ones.")
    if seen is not None and seen.status.state == "offline":
        return Remark("Offline, and not seen here before: wait for the network.", "warn")
    return Remark("Looking it up…")
