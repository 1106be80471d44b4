"""A cart, in one place to import from: its state (cart_state.py), what can be done to it (cart_decide.py, with the
rules of lines and orders), what that changes (cart_evolve.py) and its JSON. Pure.
"""

import msgspec

from roadcrew_domain.cart_acts import CartCommand
from roadcrew_domain.cart_decide import decide, next_due
from roadcrew_domain.cart_evolve import evolve
from roadcrew_domain.cart_lines import stands
from roadcrew_domain.cart_orders import is_past, last_date, may_cancel, may_pay, unfinished, unpaid_in_time
from roadcrew_domain.cart_state import (
    KEPT,
    MAX_LINES,
    MAX_ORDERS,
    MAX_SEATS,
    SNAPSHOT_VERSION,
    TAKEN_UP,
    Attempt,
    Cart,
    CartBounds,
    EndedLine,
    Line,
    Order,
    OrderLine,
    Refund,
    Ticket,
    TripDiscount,
)
from roadcrew_domain.values import read

__all__ = [
    "KEPT",
    "MAX_LINES",
    "MAX_ORDERS",
    "MAX_SEATS",
    "TAKEN_UP",
    "Attempt",
    "Cart",
    "CartBounds",
    "CartCommand",
    "EndedLine",
    "Line",
    "Order",
    "OrderLine",
    "Refund",
    "Ticket",
    "TripDiscount",
    "decide",
    "decode_cart",
    "encode_cart",
    "evolve",
    "is_past",
    "last_date",
    "may_cancel",
    "may_pay",
    "next_due",
    "stands",
    "unfinished",
    "unpaid_in_time",
]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Cart)


def encode_cart(cart: Cart) -> bytes:
    """The cart's JSON: in answers, in resets and in the store."""
    return _encoder.encode(cart)


def decode_cart(body: bytes | str | msgspec.Raw) -> Cart:
    """A cart from its JSON. Raises `ValueError`, also for a version that is newer than ours."""
    cart = read(_decoder, body)
    if cart.v > SNAPSHOT_VERSION:
        raise ValueError(f"a cart of version {cart.v}; this version reads up to {SNAPSHOT_VERSION}")
    return cart
