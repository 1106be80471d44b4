"""The shapes of quote runs that come from a server, as the HTTP contract (docs/api.md) says; a run itself is the
domain's. Not for how they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Raw

from roadcrew_client.errors import not_ours
from roadcrew_client.models import read
from roadcrew_domain.money import Money, checked_price
from roadcrew_domain.quotes import QuoteRun, decode_run, units
from roadcrew_domain.quotes_state import AskedHotel, Stay
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Moment, Value


class QuoteStarted(Value, frozen=True):
    """A run has begun; nobody has answered yet. `stream_url` is a path at the server."""

    run_id: str
    status: str
    stream_url: str


class QuoteRunAnswer(Value, frozen=True):
    """A run as it was at event `seq`; `now` is the server's time."""

    run: QuoteRun
    seq: int
    now: Moment


class QuoteHotels(Value, frozen=True):
    """The hotels of a server's rate tables, for who asks without a trip."""

    hotels: tuple[AskedHotel, ...] = ()


class _RawAnswer(Value, frozen=True):
    run: Raw
    seq: int
    now: Moment


def read_run_answer(body: bytes) -> QuoteRunAnswer:
    """The answer about a run. Raises `ServerTrouble`."""
    raw = read(body, _RawAnswer)
    return QuoteRunAnswer(read_run(raw.run), raw.seq, raw.now)


def read_run(body: bytes | Raw) -> QuoteRun:
    """The run in a body. Raises `ServerTrouble`."""
    try:
        return checked_run(decode_run(body))
    except ValueError as error:
        raise not_ours(f"The server's answer can't be read: {str(error)[:200]}") from error


def read_hotels(body: bytes) -> QuoteHotels:
    """The hotels in a body. Raises `ServerTrouble`."""
    found = read(body, QuoteHotels)
    _check(hotel.price_per_night for hotel in found.hotels)
    return found


def checked_run(run: QuoteRun) -> QuoteRun:
    """The run, if its prices can be compared and shown. Raises `ServerTrouble`."""
    if units(run.request) < 1:
        raise not_ours("The server sent a request for nobody, or for no time.")
    if any(provider.id not in run.answers for provider in run.providers):
        raise not_ours("The server sent a run without the answer of one who was asked.")
    if isinstance(run.request, Stay):
        _check(hotel.price_per_night for hotel in run.request.hotels)
    _check(price.total for answer in run.answers.values() for price in answer.prices)
    return run


def _check(prices: Iterable[Money | None]) -> None:
    try:
        for price in prices:
            if price is not None:
                checked_price(price, field="price")
    except Refused as refused:
        raise not_ours(f"The server sent a price that can't be: {refused.detail}") from refused
