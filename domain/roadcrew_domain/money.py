"""Money: an integer of minor units with a currency (C13). Never a float."""

import re

from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Value

MAX_AMOUNT = 1_000_000_000_000
"""In minor units; far above any price here, and far below what JSON numbers carry safely (2**53)."""

_CURRENCY = re.compile(r"[A-Z]{3}")


class Money(Value, frozen=True, order=False):
    """`amount` in minor units (cents for EUR, whole yen for JPY) of `currency`, an ISO 4217 code."""

    amount: int
    currency: str


def is_currency(code: str) -> bool:
    """Three capital letters; which of them are in use is not for us."""
    return _CURRENCY.fullmatch(code) is not None


def checked_price(price: Money, *, field: str) -> Money:
    """The price, or `Refused` (`bad-price`) unless it is 0 to `MAX_AMOUNT` in a three-letter currency."""
    if not is_currency(price.currency):
        raise Refused(
            "bad-price", "invalid", f"The {field} needs a currency of three letters, such as EUR.", field=field
        )
    if not 0 <= price.amount <= MAX_AMOUNT:
        raise Refused("bad-price", "invalid", f"The {field} must be between 0 and {MAX_AMOUNT}.", field=field)
    return price
