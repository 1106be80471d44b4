"""A price as feeds write it, to minor units of a currency: marks, signs and codes. What has two meanings is refused.

Not for showing money, nor for what people type: those may guess, since somebody looks at the result.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from babel.numbers import get_currency_precision, list_currencies

from roadcrew_domain.money import MAX_AMOUNT, Money
from roadcrew_price_monitor.refused import BadRow, quoted

SIGNS: Mapping[str, tuple[str, ...]] = {
    "€": ("EUR",),
    "£": ("GBP",),
    "us$": ("USD",),
    "a$": ("AUD",),
    "au$": ("AUD",),
    "c$": ("CAD",),
    "ca$": ("CAD",),
    "nz$": ("NZD",),
    "hk$": ("HKD",),
    "s$": ("SGD",),
    "mx$": ("MXN",),
    "r$": ("BRL",),
    "cn¥": ("CNY",),
    "jp¥": ("JPY",),
    "zł": ("PLN",),
    "kč": ("CZK",),
    "ft": ("HUF",),
    "lei": ("RON",),
    "₹": ("INR",),
    "₩": ("KRW",),
    "₺": ("TRY",),
    "₴": ("UAH",),
    "₪": ("ILS",),
    "₫": ("VND",),
    "฿": ("THB",),
    "₱": ("PHP",),
    "₦": ("NGN",),
    "₽": ("RUB",),
    "₸": ("KZT",),
    "₾": ("GEL",),
    "$": ("USD", "AUD", "CAD", "NZD", "HKD", "SGD", "MXN", "ARS", "CLP", "COP"),
    "¥": ("JPY", "CNY"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "fr": ("CHF",),
    "fr.": ("CHF",),
}
"""What a sign may stand for. One that stands for several is taken only where the row, or the import, says which."""

NO_MONEY = frozenset({"XXX", "XTS"})
"""Codes of ISO 4217 for no currency and for tests."""

MOST_CHARACTERS = 40
MOST_DIGITS = 18

_PRICE = re.compile(
    r"(?P<before>[^\d\s.,'’+-][^\d\s,'’+-]{0,3})?\s*(?P<number>\d(?:[\d.,'’\s]*\d)?)\s*(?P<after>[^\d\s.,'’+-][^\d\s,'’+-]{0,3})?",
    re.ASCII,
)
_GROUPS = re.compile(r"\d{1,3}(?:(?P<mark>[.,' ])\d{3})(?:(?P=mark)\d{3})*", re.ASCII)
_JSON_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?", re.ASCII)


def price_of(text: str, named: str, fallback: str | None) -> Money:
    """The price that a row says in words. `named` is its currency column (may be empty), `fallback` the currency of
    rows that name none. Raises `BadRow`: `bad-price`, `bad-currency`, `no-currency`."""
    if not text:
        raise BadRow("bad-price", "There is no price.")
    if len(text) > MOST_CHARACTERS or len(named) > MOST_CHARACTERS:
        raise BadRow("bad-price", f"{quoted(text)} is no price, or {quoted(named)} no currency.")
    return _price_of(text, named, fallback)


@lru_cache(maxsize=4096)
def _price_of(text: str, named: str, fallback: str | None) -> Money:
    """Many hotels cost the same."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)  # other widths of digits and of spaces
    found = _PRICE.fullmatch(plain)
    if found is None:
        raise BadRow("bad-price", f"{quoted(text)} is no price.")
    if found["before"] and found["after"]:
        raise BadRow("bad-price", f"{quoted(text)} names a currency on both sides.")
    currency = currency_of(found["before"] or found["after"] or "", named, fallback)
    return _money(_plain(found["number"], text), currency, text)


def price_of_number(literal: str, named: str, fallback: str | None) -> Money:
    """The same of a JSON number, whose dot is always decimal."""
    if len(literal) > MOST_CHARACTERS or not _JSON_NUMBER.fullmatch(literal):
        raise BadRow("bad-price", f"{quoted(literal)} is no price.")
    return _money(Decimal(literal), currency_of("", named, fallback), literal)


def currency_of(sign: str, named: str, fallback: str | None) -> str:
    """The one ISO 4217 code that the sign at the price and the currency column agree on. Raises `BadRow`."""
    if len(named) > MOST_CHARACTERS:
        raise BadRow("bad-currency", f"{quoted(named)} is no currency that is known.")
    return _currency(sign, named, fallback)


@lru_cache(maxsize=1024)
def _currency(sign: str, named: str, fallback: str | None) -> str:
    by_sign, by_name = _candidates(sign), _candidates(named)
    if by_sign and by_name:
        both = tuple(code for code in by_name if code in by_sign)
        if not both:
            raise BadRow("bad-currency", f"The price says {quoted(sign)}, and the currency {quoted(named)}.")
    else:
        both = by_sign or by_name
    if not both:
        if fallback is None:
            raise BadRow("no-currency", "The row names no currency, and the import has none for such rows.")
        return fallback
    if len(both) > 1:
        if fallback in both:
            return fallback
        raise BadRow("bad-currency", f"{quoted(sign or named)} can be {', '.join(both[:4])}: write the code.")
    return both[0]


def known_currency(code: str) -> bool:
    """Whether that is a code of ISO 4217 for money."""
    return code in _codes()


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    return frozenset(list_currencies()) - NO_MONEY


def _candidates(word: str) -> tuple[str, ...]:
    word = word.strip()
    if not word:
        return ()
    found = SIGNS.get(word.lower())
    if found is not None:
        return found
    if word.upper() not in _codes():
        raise BadRow("bad-currency", f"{quoted(word)} is no currency that is known.")
    return (word.upper(),)


def _plain(number: str, text: str) -> Decimal:
    """The number without its marks. A space or an apostrophe groups; of a dot and a comma the last one is decimal,
    unless it comes several times; one alone before three digits could be either."""
    number = re.sub(r"\s", " ", number.replace("’", "'"))
    if number.isdigit():
        return _decimal(number, text)
    groups = _GROUPS.fullmatch(number)
    if groups:
        mark = groups["mark"]
        if mark in ".," and number.count(mark) == 1 and number[0] != "0":
            plain = number.replace(mark, "")
            raise BadRow("bad-price", f"{quoted(text)} has two meanings. If it is {plain}, write that.")
        if number[0] != "0":
            return _decimal(number.replace(mark, ""), text)
    last = max(number.rfind("."), number.rfind(","))
    head, tail = number[:last], number[last + 1 :]
    grouped = _GROUPS.fullmatch(head) is not None and number[last] not in head and head[0] != "0"
    if last < 0 or not (head.isdigit() or grouped) or not tail.isdigit():
        raise BadRow("bad-price", f"{quoted(text)} is no price: its marks don't fit together.")
    return _decimal(re.sub(r"[^0-9]", "", head) + "." + tail, text)


def _decimal(number: str, text: str) -> Decimal:
    if len(number) > MOST_DIGITS:
        raise BadRow("bad-price", f"{quoted(text)} is more than any price.")
    return Decimal(number)


def _money(value: Decimal, currency: str, text: str) -> Money:
    """Never rounded: more decimals than the currency has are refused, unless they are zeros."""
    if value.adjusted() > MOST_DIGITS or value.adjusted() < -MOST_CHARACTERS:  # before a huge exponent is written out
        raise BadRow("bad-price", f"{quoted(text)} is no price that could be.")
    digits = _digits(currency)
    minor = value.scaleb(digits)
    if minor != minor.to_integral_value():
        raise BadRow("bad-price", f"{quoted(text)} has more decimals than {currency}, which has {digits}.")
    if minor > MAX_AMOUNT:
        raise BadRow("bad-price", f"{quoted(text)} is more than any price.")
    return Money(int(minor), currency)


@lru_cache(maxsize=512)
def _digits(currency: str) -> int:
    return get_currency_precision(currency)
