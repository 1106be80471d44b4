"""What the tab of quotes says of each provider and of each price of a run. Pure.

How prices are ranked, and what has changed since the run before, is the domain's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from roadcrew_domain.money import Money
from roadcrew_domain.quotes import Change, QuoteRun, Standing, changed, standings
from roadcrew_domain.quotes_state import AskedProvider, Choice
from roadcrew_tui import money

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


# --- providers ----------------------------------------------------------------------------------


def provider_row(run: QuoteRun, provider: AskedProvider) -> ProviderRow:
    """Where this one stands."""

    def row(state: ProviderState, words: str, said: str = "") -> ProviderRow:
        return ProviderRow(provider.id, provider.name, provider.simulated, state, words, said)

    answer = run.answers[provider.id]
    took = f", {_seconds(answer.seconds)}" if answer.seconds is not None else ""
    match answer.state:
        case "priced":
            many = len(answer.prices)
            words = money.written(answer.prices[0].total) if many == 1 else f"{many} prices"
            return row("priced", f"{words}{took}")
        case "failed" if answer.failure == "not-covered":
            return row("nothing", f"has no price for this{took}")
        case "failed":
            why = FAILURES.get(answer.failure or "", "failed")
            return row("failed", f"failed{took}", answer.detail or why)
        case _ if run.status != "processing":
            return row("nothing", "was not waited for" if answer.state == "working" else "was not asked")
        case "working":
            return row("working", "working", answer.said or "")
    return row("waiting", "waiting")


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


# --- prices --------------------------------------------------------------------------------------


def row_id(choice: Choice) -> str:
    """The id of a price's row."""
    return f"{choice.provider}/{choice.hotel_id or ''}"


def price_rows(
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
