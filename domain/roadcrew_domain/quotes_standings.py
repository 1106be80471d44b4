"""The prices of a quote run beside each other: which is lowest for a person and a night, and what a second run changed.
Pure; prices in different currencies are never compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from roadcrew_domain.money import Money
from roadcrew_domain.quotes_request import units
from roadcrew_domain.quotes_state import AskedHotel, AskedProvider, Choice, Price, QuoteRun, Stay
from roadcrew_domain.values import Value


class Standing(Value, frozen=True):
    """One price. `per_person_night` is rounded (of a vehicle: for a driver and a day); `best`: no price in the same
    currency is lower; `votes` are the members who chose it."""

    provider: AskedProvider
    hotel: AskedHotel | None
    total: Money
    per_person_night: Money
    best: bool
    votes: tuple[str, ...] = ()
    note: str | None = None

    @property
    def choice(self) -> Choice:
        """What a vote for it says."""
        return Choice(self.provider.id, None if self.hotel is None else self.hotel.id)


class Change(Value, frozen=True):
    """A price that is another in the second run. `before` None: it is new; `after` None: it is gone."""

    provider: AskedProvider
    hotel: AskedHotel | None
    before: Money | None
    after: Money | None

    @property
    def difference(self) -> Money | None:
        """What it costs more (below 0: less); None where that can't be said."""
        if self.before is None or self.after is None or self.before.currency != self.after.currency:
            return None
        return Money(self.after.amount - self.before.amount, self.after.currency)


def standings(run: QuoteRun) -> tuple[Standing, ...]:
    """All prices so far: by currency, the one that most prices are in first, and within it the lowest first."""
    hotels, shares = _hotels(run), units(run.request)
    found = [(provider, price) for provider in run.providers for price in run.answers[provider.id].prices]
    many = Counter(price.total.currency for _, price in found)
    lowest = {c: min(p.total.amount for _, p in found if p.total.currency == c) for c in many}
    found.sort(key=lambda f: (-many[f[1].total.currency], f[1].total.currency, f[1].total.amount))
    voters = _voters(run)
    return tuple(
        Standing(
            provider,
            hotels.get(price.hotel_id),
            price.total,
            _share(price.total, shares),
            price.total.amount == lowest[price.total.currency],
            voters.get(Choice(provider.id, price.hotel_id), ()),
            price.note,
        )
        for provider, price in found
    )


def currencies(found: Iterable[Standing]) -> tuple[str, ...]:
    """In the order of the standings; with more than one, it is to be said that these are not compared."""
    return tuple(dict.fromkeys(standing.total.currency for standing in found))


def changed(before: QuoteRun, after: QuoteRun) -> tuple[Change, ...]:
    """What is other in `after`, in the order of its providers and hotels; those who have not answered yet say
    nothing."""
    hotels = _hotels(before) | _hotels(after)
    waited_for = {p.id for p in after.providers if after.answers[p.id].state in ("waiting", "working")}
    providers = {p.id: p for p in (*after.providers, *before.providers) if p.id not in waited_for}
    changes = []
    for provider in providers.values():
        old, new = _prices(before, provider.id), _prices(after, provider.id)
        for hotel_id in dict.fromkeys((*new, *old)):
            was, now = old.get(hotel_id), new.get(hotel_id)
            if was != now:
                changes.append(Change(provider, hotels.get(hotel_id), was, now))
    return tuple(changes)


def _share(total: Money, shares: int) -> Money:
    return Money((2 * total.amount + shares) // (2 * shares), total.currency)


def _hotels(run: QuoteRun) -> dict[str | None, AskedHotel]:
    return {hotel.id: hotel for hotel in run.request.hotels} if isinstance(run.request, Stay) else {}


def _prices(run: QuoteRun, provider: str) -> dict[str | None, Money]:
    answer = run.answers.get(provider)
    prices: tuple[Price, ...] = () if answer is None else answer.prices
    return {price.hotel_id: price.total for price in prices}


def _voters(run: QuoteRun) -> dict[Choice, tuple[str, ...]]:
    voters: dict[Choice, tuple[str, ...]] = {}
    for member, choice in sorted(run.ballots.items()):
        voters[choice] = (*voters.get(choice, ()), member)
    return voters
