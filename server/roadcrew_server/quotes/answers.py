"""What a provider gave, as a run may keep it: prices for what was asked and nothing else, or why there are none.

Whatever a plug-in gives is hostile until it went through here. Not for asking again (runner.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from roadcrew_domain import text
from roadcrew_domain.money import MAX_AMOUNT, Money
from roadcrew_domain.quotes_state import (
    MAX_DETAIL,
    MAX_PRICES,
    MAX_SAID,
    FailureCode,
    Price,
    QuoteRequest,
    Stay,
)
from roadcrew_server.quotes.base import Failed

Clean = Callable[[str], str]
"""Takes secrets out of a text."""

SENTENCES: Mapping[FailureCode, str] = {
    "timeout": "No answer in time.",
    "unreachable": "It can't be reached.",
    "http-status": "It answered that something is wrong there.",
    "too-large": "Its answer is too long.",
    "nonsense": "Its answer can't be understood.",
    "not-covered": "It has no price for this.",
    "refused": "It refused to answer us.",
    "internal": "The part of this server that asks it failed.",
}
"""What is said where a plug-in says nothing."""


def checked_prices(request: QuoteRequest, given: Any, clean: Clean) -> tuple[Price, ...]:
    """The prices, made anew from plain values. Raises `Failed`."""
    if type(given) not in (list, tuple):  # another sort of list might have no end
        raise _nonsense("It gave something else than prices.")
    if not given:
        raise Failed("not-covered", SENTENCES["not-covered"])
    if len(given) > MAX_PRICES:
        raise _nonsense(f"It gave more than {MAX_PRICES} prices.")
    asked = {hotel.id for hotel in request.hotels} if isinstance(request, Stay) else {None}
    prices = tuple(_price(price, asked, clean) for price in given)
    if len({price.hotel_id for price in prices}) < len(prices):
        raise _nonsense("It gave two prices for the same.")
    return prices


def checked_failure(failed: Failed, clean: Clean) -> Failed:
    """The same with a known code and a harmless sentence."""
    if failed.code not in get_args(FailureCode):
        return Failed("internal", SENTENCES["internal"])
    return Failed(
        failed.code, said(failed.sentence, clean, MAX_DETAIL) or SENTENCES[failed.code], passing=failed.passing is True
    )


def said(given: object, clean: Clean, limit: int = MAX_SAID) -> str:
    """A text of a plug-in, harmless, short and without secrets; empty for what is no text."""
    if type(given) is not str:
        return ""
    tidy = text.cleaned(clean(given)[: text.MAX_UNTIDY * limit])  # where nothing hides inside of a secret any more
    return text.cut(clean(tidy), limit)


def _price(price: Any, asked: set[str] | set[None] | set[str | None], clean: Clean) -> Price:
    if type(price) is not Price or type(price.total) is not Money:
        raise _nonsense("It gave something else than prices.")
    from babel.numbers import is_currency  # noqa: PLC0415 - a server that asks nobody reads none

    amount, currency, hotel_id = price.total.amount, price.total.currency, price.hotel_id
    if type(currency) is not str or not is_currency(currency):
        raise _nonsense("It gave a price in no currency.")
    if type(amount) is not int or not 0 < amount <= MAX_AMOUNT:
        raise _nonsense("It gave an amount that is no price.")
    if type(hotel_id) not in (str, type(None)) or hotel_id not in asked:
        raise _nonsense("It gave a price for what nobody asked for.")
    return Price(Money(amount, currency), hotel_id, said(price.note, clean) or None)


def _nonsense(sentence: str) -> Failed:
    return Failed("nonsense", sentence)
