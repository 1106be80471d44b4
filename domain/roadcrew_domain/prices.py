"""What seats cost, line by line. Integers of minor units all the way (C12, C13). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from roadcrew_domain.cart_state import Cart, Line, OrderLine
from roadcrew_domain.values import Value


class Priced(Value, frozen=True):
    """A line's price. `total` is `amount` less `discount`, all in minor units."""

    line_id: str
    amount: int
    discount_percent: int
    discount: int

    @property
    def total(self) -> int:
        """What is to be paid for it."""
        return self.amount - self.discount


def discount_on(amount: int, percent: int) -> int:
    """`percent` of an amount, rounded half up to the minor unit: of 10 % on 1.05 that is 0.11."""
    return (amount * percent + 50) // 100


def priced(line: Line | OrderLine, percent: int) -> Priced:
    """What a line costs at that discount."""
    return Priced(line.id, line.amount, percent, discount_on(line.amount, percent))


def prices(cart: Cart, percents: Mapping[str, int] | None = None) -> tuple[Priced, ...]:
    """What each line of a cart costs now. `percents` are discounts of trips that are known better than the cart knows
    them; a line is discounted by itself, and the total is the sum of the lines."""
    known = {d.trip_id: d.percent for d in cart.discounts} | dict(percents or {})
    return tuple(priced(line, known.get(line.trip_id or "", 0)) for line in cart.lines)


def total(lines: Iterable[Priced]) -> int:
    """The sum, in minor units."""
    return sum(line.total for line in lines)
