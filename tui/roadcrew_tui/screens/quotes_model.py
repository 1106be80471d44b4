"""What the tab of quotes says: the trip's runs, how one stands, who answered what, and which price leads. Pure.

How prices are ranked, and what has changed since the run before, is the domain's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from roadcrew_domain.money import Money
from roadcrew_domain.quotes import Change, Standing, changed, currencies, standings
from roadcrew_domain.quotes_state import Answer, AskedProvider, Choice, QuoteRun, Stay, Vehicle
from roadcrew_domain.runs import RunNote
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import run_order
from roadcrew_tui import money, when
from roadcrew_tui.snapshot import RunSnapshot

Tone = Literal["warn", "bad", "muted"]
ProviderState = Literal["waiting", "working", "priced", "failed", "nothing"]

FAILURES = {
    "timeout": "did not answer in time",
    "unreachable": "could not be reached",
    "http-status": "answered with an error",
    "too-large": "answered with too much",
    "nonsense": "answered with something that is no price",
    "not-covered": "has no price for this",
    "refused": "refused to answer",
    "internal": "broke off, by a fault on our side",
}
INTERRUPTED = {
    "too-long": "Interrupted: its time was over.",
    "too-often": "Interrupted: too many servers went down while they asked.",
}
ENDS = {"finished": "", "cancelled": "stopped", "failed": "failed", "interrupted": "interrupted"}


# --- the trip's runs -----------------------------------------------------------------------------


@dataclass(frozen=True)
class RunRow:
    """`words` have room for {name}, a person's text. `under_way`: it is not known to have ended."""

    id: str
    words: str
    name: str
    who: str
    ago: str
    end: str
    under_way: bool
    best: Money | None
    best_of: str


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
        note.best,
        note.best_of or "",
    )


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
class ProviderRow:
    """Where one provider stands. `words` are ours; `said` is the provider's, or what was said of it."""

    id: str
    name: str
    simulated: bool
    state: ProviderState
    words: str
    said: str = ""


@dataclass(frozen=True)
class PriceRow:
    """A price. `hotel` is empty for a vehicle; `per` is what it is for one person (or driver) and night (or day).
    `change` says what has become of it since the run before; what is only in that one can't be chosen."""

    id: str
    choice: Choice | None
    provider: str
    hotel: str
    per: Money
    total: Money
    best: bool
    simulated: bool
    voters: tuple[str, ...]
    mine: bool
    sending: bool
    note: str = ""
    change: str = ""
    dearer: bool = False


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
        tuple(_prices(run, names, me, before, sending)),
        tuple(_provider(run, provider) for provider in run.providers),
    )


def counted(n: int, noun: str) -> str:
    """`1 night`, `4 nights`."""
    return f"{n} {noun}{'s' * (n != 1)}"


def _ages(request: Vehicle) -> str:
    ages = [str(driver.age) for driver in request.drivers]
    listed = ages[0] if len(ages) == 1 else f"{', '.join(ages[:-1])} and {ages[-1]}"
    return f"driver{'s' * (len(ages) > 1)} of {listed}"


# --- how it stands -------------------------------------------------------------------------------


def answer_of(run: QuoteRun, provider: str) -> Answer:
    """Where a provider stands, also while nothing was heard of it."""
    return run.answers.get(provider) or Answer()


def _failed(answer: Answer) -> bool:
    return answer.state == "failed" and answer.failure != "not-covered"


def _done(run: QuoteRun) -> int:
    return sum(answer_of(run, p.id).state in ("priced", "failed") for p in run.providers)


def progress_words(run: QuoteRun, now: datetime) -> str:
    """`5 of 8 answered, 1 failed, 12 s`; who answered that it has no price has answered."""
    answers = [answer_of(run, p.id) for p in run.providers]
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
        found.append(Remark(f"Changes are since the run of {when.clock(before.started_at, now)}."))
    if len(currencies(standings(run))) > 1:
        found.append(Remark("Prices in different currencies are not compared."))
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


def unseen(chosen: RunNote, seen: RunSnapshot | None) -> list[Remark]:
    """Why there is nothing to be seen of a run."""
    if chosen.kind == "import":
        return [Remark("An import of hotels from a file. Enter shows it.")]
    if seen is not None and seen.gone is not None:
        return [Remark("This run is no longer kept: prices are, for a while. Press n to ask for new ones.")]
    if seen is not None and seen.status.state == "offline":
        return [Remark("Offline, and not seen here before: wait for the network.", "warn")]
    return [Remark("Looking it up…")]


def _provider(run: QuoteRun, provider: AskedProvider) -> ProviderRow:
    def row(state: ProviderState, words: str, said: str = "") -> ProviderRow:
        return ProviderRow(provider.id, provider.name, provider.simulated, state, words, said)

    answer = answer_of(run, provider.id)
    took = f", {_seconds(answer.seconds)}" if answer.seconds is not None else ""
    match answer.state:
        case "priced":
            least = min(answer.prices, key=lambda price: price.total.amount)
            sums = money.written(least.total)
            words = sums if len(answer.prices) == 1 else f"{len(answer.prices)} prices"
            return row("priced", f"{words}{took}")
        case "failed" if answer.failure == "not-covered":
            return row("nothing", f"has no price for this{took}")
        case "failed":
            why = FAILURES.get(answer.failure or "", "failed")
            return row("failed", f"failed{took}:", answer.detail or why)
        case _ if run.status != "processing":
            return row("nothing", "was not waited for" if answer.state == "working" else "was not asked")
        case "working":
            return row("working", "working" if answer.said is None else "working:", answer.said or "")
    return row("waiting", "waiting")


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


# --- prices --------------------------------------------------------------------------------------


def row_id(choice: Choice) -> str:
    """The id of a price's row."""
    return f"{choice.provider}/{choice.hotel_id or ''}"


def _prices(
    run: QuoteRun, names: Mapping[str, str], me: str, before: QuoteRun | None, sending: tuple[Choice | None] | None
) -> list[PriceRow]:
    """As the domain ranks them; then those that only the run before had."""
    changes: dict[str, Change] = {}
    known: tuple[Standing, ...] = ()
    if before is not None:
        changes, known = {row_id(_choice(c)): c for c in changed(before, run)}, standings(before)
    gone = {name for name, change in changes.items() if change.after is None}
    return [
        *(_price(place, names, me, changes.get(row_id(place.choice)), sending) for place in standings(run)),
        *(_gone(was) for was in known if row_id(was.choice) in gone),
    ]


def _choice(change: Change) -> Choice:
    return Choice(change.provider.id, None if change.hotel is None else change.hotel.id)


def _price(
    place: Standing,
    names: Mapping[str, str],
    me: str,
    change: Change | None,
    sending: tuple[Choice | None] | None,
) -> PriceRow:
    mine = me in place.votes if sending is None else sending[0] == place.choice
    return PriceRow(
        row_id(place.choice),
        place.choice,
        place.provider.name,
        "" if place.hotel is None else place.hotel.name,
        place.per_person_night,
        place.total,
        place.best,
        place.provider.simulated,
        tuple(names.get(member, "Somebody") for member in place.votes if member != me),
        mine,
        mine and sending is not None,
        place.note or "",
        *_change_words(change),
    )


def _gone(was: Standing) -> PriceRow:
    hotel = "" if was.hotel is None else was.hotel.name
    name = f"gone:{row_id(was.choice)}"
    return PriceRow(
        name, None, was.provider.name, hotel, was.per_person_night, was.total, False, was.provider.simulated, (), False,
        False, change="gone",
    )  # fmt: skip


def _change_words(change: Change | None) -> tuple[str, bool]:
    """What has become of a price since the run before, and whether it costs more."""
    if change is None:
        return "", False
    if change.before is None:
        return "new", False
    difference = change.difference
    if difference is None:
        return f"was {money.written(change.before)}", False
    more = difference.amount > 0
    amount = money.written(Money(abs(difference.amount), difference.currency))
    return f"{'up' if more else 'down'} {amount}", more
