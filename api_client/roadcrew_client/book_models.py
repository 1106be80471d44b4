"""The shapes of booking that come from a server, as the HTTP contract (docs/api.md) says; a cart, a slot's count and an
exhibition are the domain's. Not for how they are asked for.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw

from roadcrew_client.errors import (
    Forbidden,
    NotFound,
    NotSignedIn,
    Rejected,
    RoadcrewError,
    SessionNotReady,
    not_ours,
)
from roadcrew_client.models import read
from roadcrew_domain.cart_state import Cart, Line, OrderLine
from roadcrew_domain.exhibitions import Exhibition, SlotInfo
from roadcrew_domain.money import Money, checked_price
from roadcrew_domain.prices import Priced
from roadcrew_domain.refusals import Refused
from roadcrew_domain.seats_views import SlotCount
from roadcrew_domain.values import Moment, Value

Booked = TypeVar("Booked", Line, OrderLine)

MAX_ZONE = 64
_ZONE = re.compile(r"UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+){1,2}")
"""As the server's catalogue has it: no file of this machine is meant by it."""

FailureKind = Literal["connection", "seats-gone", "auth", "refused"]


class ExhibitionList(Value, frozen=True):
    """A server's catalogue. `note` is shown with it; `sample` says that it is made up."""

    exhibitions: tuple[Exhibition, ...] = ()
    note: str = ""
    sample: bool = False


class OfferedSlot(Value, frozen=True):
    """A time slot of a day, and whether it can be booked: `past` once it has begun."""

    id: str
    starts_at: Moment
    ends_at: Moment
    capacity: int
    seats_left: int
    state: Literal["open", "past", "sold-out"]

    def info(self, exhibition: Exhibition) -> SlotInfo:
        """The slot as a cart remembers it."""
        e = exhibition
        return SlotInfo(self.id, e.id, e.title, e.venue, e.city, self.starts_at, self.ends_at, e.time_zone)


class SlotList(Value, frozen=True):
    """The time slots of an exhibition on a day, first to last. `closed`: it is not open on that day."""

    exhibition_id: str
    day: date = msgspec.field(name="date")
    closed: bool = False
    slots: tuple[OfferedSlot, ...] = ()


class CartAnswer(Value, frozen=True):
    """The cart as it is now, what its lines cost, and a cursor at or after the change. `line_id` says what was added,
    `order_id` what was ordered or paid."""

    cart: Cart
    prices: tuple[Priced, ...]
    cursor: str
    line_id: str | None = None
    order_id: str | None = None


def read_exhibitions(body: bytes) -> ExhibitionList:
    """A server's catalogue. Raises `ServerTrouble`."""
    found = read(body, ExhibitionList)
    replace = msgspec.structs.replace
    found = replace(found, exhibitions=tuple(replace(e, time_zone=known_zone(e.time_zone)) for e in found.exhibitions))
    try:
        for exhibition in found.exhibitions:
            if not exhibition.tickets:
                raise not_ours("The server sent an exhibition without tickets.")
            for kind in exhibition.tickets:
                checked_price(kind.price, field="ticket")
            if len({kind.price.currency for kind in exhibition.tickets}) > 1:
                raise not_ours("The server sent an exhibition with prices in several currencies.")
    except Refused as refused:
        raise not_ours(f"The server sent an exhibition that can't be: {refused.detail}") from refused
    return found


def read_cart_answer(body: bytes) -> CartAnswer:
    """The answer to a call about the cart. Raises `ServerTrouble`."""
    answer = read(body, CartAnswer)
    answer = msgspec.structs.replace(answer, cart=checked_cart(answer.cart))
    if [price.line_id for price in answer.prices] != [line.id for line in answer.cart.lines]:
        raise not_ours("The server sent prices of something else than what is in the cart.")
    if any(not 0 <= price.discount <= price.amount for price in answer.prices):
        raise not_ours("The server sent a discount that can't be.")
    return answer


def read_cart(body: bytes | Raw) -> Cart:
    """The cart in a body. Raises `ServerTrouble`."""
    return checked_cart(read(body, Cart))


def read_count(body: bytes | Raw) -> SlotCount:
    """The count of a slot's seats in a body. Raises `ServerTrouble`."""
    return read(body, SlotCount)


def checked_cart(cart: Cart) -> Cart:
    """The cart, if it is one whose sums can be made and shown; its times are in zones that there are. Raises
    `ServerTrouble`."""
    try:
        for line in cart.lines:
            _check(line)
        for order in cart.orders:
            checked_price(Money(0, order.currency), field="order")
            if not order.lines:
                raise not_ours("The server sent an order of nothing.")
            for ordered in order.lines:
                _check(ordered)
    except Refused as refused:
        raise not_ours(f"The server sent a cart that can't be: {refused.detail}") from refused
    orders = tuple(msgspec.structs.replace(order, lines=_in_known_zones(order.lines)) for order in cart.orders)
    return msgspec.structs.replace(cart, lines=_in_known_zones(cart.lines), orders=orders)


def known_zone(name: str) -> str:
    """The time zone of a venue; UTC for one that there is not, or not here, where a newer one may be missing."""
    return name if len(name) <= MAX_ZONE and _is_zone(name) else "UTC"


@lru_cache(maxsize=256)
def _is_zone(name: str) -> bool:
    if _ZONE.fullmatch(name) is None:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # KeyError: there is no such zone
        return False
    return True


def _in_known_zones(lines: tuple[Booked, ...]) -> tuple[Booked, ...]:
    replace = msgspec.structs.replace
    return tuple(replace(n, slot=replace(n.slot, time_zone=known_zone(n.slot.time_zone))) for n in lines)


def _check(line: Line | OrderLine) -> None:
    if not line.tickets or any(ticket.count < 1 for ticket in line.tickets):
        raise not_ours("The server sent a booking without tickets.")
    for ticket in line.tickets:
        checked_price(ticket.price, field="ticket")


def failure_kind(error: RoadcrewError) -> FailureKind:
    """Which of C8's kinds it is that seats could not be added; `refused` for what the rules say no to, which is none of
    them. What no Roadcrew server has said is the connection's fault."""
    match error:
        case SessionNotReady():
            given_up = error.__cause__
            return "auth" if isinstance(given_up, NotSignedIn) and given_up.certain else "connection"
        case RoadcrewError(certain=False):
            return "connection"
        case NotSignedIn():
            return "auth"
        case RoadcrewError(status=410) | RoadcrewError(code="seats-gone" | "unknown-slot"):
            return "seats-gone"
        case Rejected() | NotFound() | Forbidden():
            return "refused"
        case _:
            return "connection"
