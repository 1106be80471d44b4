"""`/api/cart`: seats in a cart, orders and their payment. What is allowed, the domain's rules say."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field

from roadcrew_domain.cart import MAX_LINES, Cart
from roadcrew_domain.events import encode_cursor
from roadcrew_domain.ids import is_id
from roadcrew_domain.prices import Priced, prices
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Value
from roadcrew_server.booking.book import Asked
from roadcrew_server.endpoints import Access, Body, Call, Endpoint, Handler
from roadcrew_server.routes.exhibitions import catalogue_of
from roadcrew_server.routes.trip_shapes import Id
from roadcrew_server.topic import Topic
from roadcrew_server.topics import TripKind, trip_topic

MAX_KINDS = 50
"""Kinds of tickets in one add; a slot has far fewer."""

Kind = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=0, le=100_000)]
Provider = Annotated[str, Field(min_length=1, max_length=32)]


class AddBody(Body):
    slot_id: Id
    tickets: dict[Kind, Count] = Field(max_length=MAX_KINDS)
    trip_id: Id | None = None


class LineBody(Body):
    line_id: Id


class CheckoutBody(Body):
    """No lines: all that are held. No provider: the server's first."""

    line_ids: list[Id] = Field([], max_length=MAX_LINES)
    provider: Provider | None = None


class OrderBody(Body):
    order_id: Id


class PayBody(OrderBody):
    """`method` is one of the provider's; empty is its first."""

    method: str = Field("", max_length=64)


class PaidBody(Body):
    trip_id: Id
    booking_id: Id


class CartAnswer(Value, frozen=True):
    """The cart as it is now, what its lines cost, and a cursor at or after the change."""

    cart: Cart
    prices: tuple[Priced, ...]
    cursor: str


class LineAnswer(CartAnswer, frozen=True):
    line_id: str


class OrderAnswer(CartAnswer, frozen=True):
    """What became of the order, its `state` in the cart says."""

    order_id: str


def _asked(call: Call) -> Asked:
    command, key = call.command()
    return Asked(call.user_id, command, key, call.body_hash)


def _answer(topic: Topic, **more: str) -> dict[str, object]:
    state: Cart = topic.state
    cursor = encode_cursor({topic.name: topic.position})
    return {"cart": msgspec.Raw(topic.encoded()), "prices": prices(state), "cursor": cursor, **more}


async def load(call: Call) -> dict[str, object]:
    """My cart. Without a cursor, as long as there never was one."""
    topic = await call.server.booking.load(call.user_id)
    return {"cart": Cart(call.user_id), "prices": (), "cursor": ""} if topic is None else _answer(topic)


async def add(call: Call) -> dict[str, object]:
    """Seats into my cart; they are held from now on."""
    b: AddBody = call.body
    catalogue = catalogue_of(call)
    if b.trip_id is not None and not is_id(b.trip_id):
        raise TripKind.problem("unknown")
    asked = _asked(call)
    topic = await call.server.booking.add(asked, catalogue.slot(b.slot_id), b.tickets, b.trip_id)
    return _answer(topic, lineId=asked.command)


async def remove(call: Call) -> dict[str, object]:
    """Out of my cart."""
    return _answer(await call.server.booking.remove(_asked(call), call.body.line_id))


async def extend(call: Call) -> dict[str, object]:
    """Held for longer."""
    return _answer(await call.server.booking.extend(_asked(call), call.body.line_id))


async def checkout(call: Call) -> dict[str, object]:
    """An order of what is held."""
    b: CheckoutBody = call.body
    asked = _asked(call)
    topic = await call.server.booking.check_out(asked, tuple(b.line_ids), b.provider)
    return _answer(topic, orderId=asked.command)


async def pay(call: Call) -> dict[str, object]:
    """Try to pay an order."""
    b: PayBody = call.body
    return _answer(await call.server.booking.pay(_asked(call), b.order_id, b.method), orderId=b.order_id)


async def cancel(call: Call) -> dict[str, object]:
    """Give an order up."""
    return _answer(await call.server.booking.cancel(_asked(call), call.body.order_id), orderId=call.body.order_id)


async def paid(call: Call) -> None:
    """An organiser says that what a member booked was paid at the venue."""
    b: PaidBody = call.body
    topic, closed = await call.server.hub.look(trip_topic(b.trip_id), call.user_id)
    if closed is not None:
        raise topic.kind.problem(closed)
    if topic.state.organiser != call.user_id:
        raise Refused("not-organiser", "forbidden", "Only the organiser can do that.", organiser=topic.state.organiser)
    booking = topic.state.bookings.get(b.booking_id)
    if booking is None:
        raise Refused("unknown-order", "missing", "There is no such booking in this trip.")
    await call.server.booking.paid_at_venue(_asked(call), booking.member_id, booking.id)


def _post(
    path: str, handler: Handler, summary: str, body: type[Body], access: Access = "signed-in", **more: object
) -> Endpoint:
    more.setdefault("answer", OrderAnswer)
    return Endpoint(
        "POST",
        f"/api/cart{path}",
        handler,
        access,
        summary,
        body=body,
        takes_key=True,
        tag="cart",
        **more,  # type: ignore[arg-type]
    )


ENDPOINTS = (
    Endpoint("GET", "/api/cart/load", load, "signed-in", "My cart and my orders", answer=CartAnswer, tag="cart"),
    _post("/add", add, "Hold seats", AddBody, answer=LineAnswer),
    _post("/remove", remove, "Give seats back", LineBody, answer=CartAnswer),
    _post("/extend", extend, "Hold seats for longer", LineBody, answer=CartAnswer),
    _post("/checkout", checkout, "Order what is held", CheckoutBody),
    _post("/pay", pay, "Try to pay an order", PayBody),
    _post("/cancel", cancel, "Give an order up", OrderBody),
    _post("/paid", paid, "Say that a booking was paid at the venue", PaidBody, "organiser", answer=None, status=204),
)
