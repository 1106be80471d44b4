"""Amounts of money as other people's programs write them, in our minor units: exactly, or not at all."""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact

from babel.numbers import get_currency_precision, is_currency

from roadcrew_domain.money import MAX_AMOUNT, Money

_WRITTEN = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
_LONGEST = 30
"""Digits."""
_EXACT = Context(prec=100, traps=[Inexact])

_NONE, _THREE, _FOUR = (
    frozenset(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"))
    | {"RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"},
    frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")),
    frozenset(("CLF", "UYW")),
)
"""Decimals of currencies that do not have two, as ISO 4217 says. Ours are those of CLDR, which counts what is in use
(no dinars of Serbia have decimals there); a program that sends minor units means ISO's."""


def money(value: object, currency: object, *, minor: bool = False) -> Money:
    """From a whole number, a `Decimal`, or a text such as "12.50"; never from a float. `minor`: in ISO 4217's minor
    units. Raises ValueError with a sentence."""
    if type(currency) is not str or not is_currency(currency):
        raise ValueError("A price is in no currency.")
    if type(value) is str and _WRITTEN.fullmatch(value):
        amount = Decimal(value)
    elif type(value) in (int, Decimal):
        amount = Decimal(value)  # type: ignore[arg-type]
    else:
        raise ValueError("An amount is not a number.")
    parts = amount.as_tuple()
    if not isinstance(parts.exponent, int) or len(parts.digits) > _LONGEST or abs(parts.exponent) > _LONGEST:
        raise ValueError("An amount is not a number of money.")
    shift = get_currency_precision(currency) - (_decimals(currency) if minor else 0)
    units = _EXACT.scaleb(amount, shift)
    if units != units.to_integral_value():
        raise ValueError(f"An amount has more decimals than {currency}.")
    if not 0 < units <= MAX_AMOUNT:
        raise ValueError("An amount is no price.")
    return Money(int(units), currency)


def _decimals(currency: str) -> int:
    return 0 if currency in _NONE else 3 if currency in _THREE else 4 if currency in _FOUR else 2
