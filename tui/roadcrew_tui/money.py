"""Prices as people read and type them: `babel` knows the currencies and how the reader's locale writes them."""

from __future__ import annotations

import os
import re
from copy import copy
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_precision, list_currencies

from roadcrew_domain.money import Money
from roadcrew_tui import locales

_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₺": "TRY", "zł": "PLN", "kč": "CZK", "₩": "KRW"}
_PRICE = re.compile(r"^\s*(?P<before>[^\d\s.,-]{1,3})?\s*(?P<number>\d[\d.,' ]*)\s*(?P<after>[^\d\s.,-]{1,3})?\s*$")


class NotAPrice(ValueError):
    """Says in a sentence what would be understood."""


def reader_locale() -> Locale:
    """The reader's locale: the one that they chose, else that of their environment; English when there is none that
    is known."""
    return _found(locales.chosen(), *map(os.environ.get, ("LANGUAGE", "LC_ALL", "LC_MONETARY", "LANG")))


@lru_cache(maxsize=4)
def _found(chosen: str | None, *_environment: str | None) -> Locale:
    try:
        if chosen:
            return Locale.parse(locales.known(chosen))
        found = Locale.default("LC_MONETARY")
        # The C locale is for programs: it writes "€ 84.00".
        return Locale("en") if found.variant == "POSIX" else found
    except (UnknownLocaleError, ValueError, TypeError):
        return Locale("en")


def written(price: Money, locale: Locale | None = None) -> str:
    """`84 €`, `€84`, `¥12,000`: no decimals for whole amounts. An unknown currency keeps its three letters."""
    return _written(price, locale or reader_locale())


@lru_cache(maxsize=1024)
def _written(price: Money, locale: Locale) -> str:
    """Babel takes 0.1 ms for it; a table of hotels is drawn several times for each change."""
    digits = get_currency_precision(price.currency)
    value = Decimal(price.amount).scaleb(-digits)
    whole = value == value.to_integral_value()
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (0, 0) if whole else (digits, digits)
    text = pattern.apply(value, locale, currency=price.currency, currency_digits=False)
    text = str(text).replace("\u00a0", " ").replace("\u202f", " ")
    # Where the currency has no sign of its own, its letters do not stick to the number.
    return re.sub(r"([A-Z]{3})(\d)", r"\1 \2", text)


def is_known(code: str) -> bool:
    """Whether there is such a currency."""
    return code in list_currencies()


def parse_price(text: str, *, currency: str = "EUR") -> Money:
    """`84`, `84 EUR`, `84,50 €`, `$1,200.00`. Without a currency it is `currency`. Raises `NotAPrice`."""
    found = _PRICE.match(text)
    if found is None:
        raise NotAPrice("Try 84 EUR, or 84.50 USD.")
    named = (found["before"] or found["after"] or "").strip()
    code = _SIGNS.get(named.lower(), named.upper()) if named else currency
    if not is_known(code):
        raise NotAPrice("That currency is not known. Try 84 EUR, or 84.50 USD.")
    digits = get_currency_precision(code)
    try:
        value = Decimal(_plain_number(found["number"], digits))
    except InvalidOperation as error:
        raise NotAPrice("Try 84 EUR, or 84.50 USD.") from error
    return Money(int(value.scaleb(digits).to_integral_value(ROUND_HALF_UP)), code)


def _plain_number(text: str, digits: int) -> str:
    text = text.replace("'", "").replace(" ", "")
    last = max(text.rfind(","), text.rfind("."))
    if last < 0:
        return text
    tail = text[last + 1 :]
    both = "," in text and "." in text
    # A mark is decimal unless it groups thousands: "1,200" is twelve hundred, "12,50" is twelve and a half.
    decimal = both or ((len(tail) != 3 or digits == 3) and text.count(text[last]) == 1)
    head = re.sub(r"[.,]", "", text[:last])
    return f"{head}.{tail}" if decimal else head + tail
