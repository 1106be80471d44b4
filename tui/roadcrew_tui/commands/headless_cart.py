"""The cart and orders without a screen, as the sub-commands run them: people's words to lines and orders, answers to
the shapes of HTTP. Getting something into the cart is headless_book.py's, what people read of it book_words.py's.

Raises the client's `RoadcrewError` and the domain's `Refused`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from roadcrew_client.errors import NotSignedIn, Unreachable
from roadcrew_domain.bookings import Booking
from roadcrew_domain.cart import Cart, Line, Order, may_pay
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import booking_order
from roadcrew_tui import receipts
from roadcrew_tui.commands.base import Args, trip_of
from roadcrew_tui.commands.book_words import order_row, slot_row
from roadcrew_tui.commands.headless import find, member_id, shape
from roadcrew_tui.host import must_lend

if TYPE_CHECKING:
    from roadcrew_client import CartAnswer, Client, PaymentWay

T = TypeVar("T")


def answer_shape(answer: CartAnswer) -> Any:
    """`{cart, prices, cursor}`, with the `lineId` or the `orderId` that the call was about."""
    return {name: value for name, value in shape(answer).items() if value is not None}


async def cart(client: Client) -> Any:
    """`cart show`."""
    return answer_shape(await _loaded(client))


async def orders(client: Client) -> Any:
    """`cart orders`."""
    return {"orders": shape((await _loaded(client)).cart.orders)}


async def extend(client: Client, args: Args) -> Any:
    """`cart extend`."""
    line = _line((await _loaded(client)).cart, args.get("line"))
    return answer_shape(await client.extend_hold(line.id))


async def remove(client: Client, args: Args) -> Any:
    """`cart remove`."""
    line = _line((await _loaded(client)).cart, args.get("line"))
    return answer_shape(await client.remove_from_cart(line.id))


async def checkout(client: Client, args: Args) -> Any:
    """`cart checkout`: an order of the whole cart, or of some of its lines."""
    said, provider = args.get("line") or (), args.get("pay")
    if provider:
        ways = (await client.server_info()).payments
        provider = find(str(provider), ways, lambda w: w.label, lambda w: w.id, "provider").id
    held = (await _loaded(client)).cart if said else None
    lines = [] if held is None else [_line(held, one).id for one in said]
    return answer_shape(await client.checkout(lines, provider))


async def pay(client: Client, args: Args) -> Any:
    """`cart pay`: an order; what came of it, its state says."""
    cart, now = (await _loaded(client)).cart, client.server_now()

    def fits(order: Order) -> bool:
        return order.state == "paying" or may_pay(order, now)

    order = _order(cart, args.get("order"), fits, "No order waits to be paid here.")
    method = str(args.get("method") or "")
    way = await _way(client, order)
    if method and way is not None:
        method = find(method, way.methods, lambda m: m.label, lambda m: m.id, "method").id
    return answer_shape(await client.pay(order.id, method))


def not_paid(result: Any) -> Exception | None:
    """What is said of an order that was to be paid and is not: declined, or not known yet."""
    order = next((o for o in result["cart"]["orders"] if o["id"] == result["orderId"]), None)
    if order is None or order["state"] == "paid":
        return None
    if order["state"] == "paying":
        words = "It is not known yet whether it was paid. Look again later: roadcrew cart orders"
        return Unreachable("payment-under-way", words)
    why = [receipts.safe(a["detail"]) for a in order["attempts"] if a["state"] == "declined" and a["detail"]]
    return Refused("not-paid", "conflict", why[-1] if why else "It was not paid.")


async def cancel(client: Client, args: Args) -> Any:
    """`cart cancel`."""
    order = _order((await _loaded(client)).cart, args.get("order"), lambda o: o.has_seats)
    return answer_shape(await client.cancel_order(order.id))


async def receipt(client: Client, args: Args) -> Any:
    """`cart receipt`: `{order, text}`, and with `--ics` the `file` that the calendar's entries are in now. Raises
    `ValueError` for a file that can't be written."""
    cart = (await _loaded(client)).cart
    order = _order(cart, args.get("order"), lambda o: o.has_seats)
    way = await _way(client, order)
    label = "" if way is None else way.label
    found = {"order": shape(order), "text": receipts.as_text(cart.user, order, label)}
    if args.get("ics"):
        found["file"] = await asyncio.to_thread(_write, str(args["ics"]), receipts.as_calendar(order, label))
    return found


async def paid(client: Client, args: Args) -> Any:
    """`cart paid`: an organiser has seen that a booking was paid. Returns `{tripId, bookingId}`."""
    trip = await client.trip(trip_of(args))
    theirs = crew_booking(trip, str(args["booking"]), args.get("exhibition"))
    await client.mark_paid(trip.id, theirs.id)
    return {"tripId": trip.id, "bookingId": theirs.id}


def crew_booking(trip: Trip, said: str, title: object, now: datetime | None = None) -> Booking:
    """The booking with that id, or the only one of a member; of those to an exhibition, if one is named, and of those
    that have not begun `now`, if that is given. Raises `Refused`."""
    known = [b for b in booking_order(trip) if now is None or b.slot.starts_at > now]
    if exact := [b for b in known if b.id == said]:
        return exact[0]
    member = member_id(trip, said)
    theirs = [b for b in known if b.member_id == member]
    name = receipts.safe(trip.members[member].name)
    if title:
        theirs = [b for b in theirs if b.slot.title.casefold().startswith(str(title).casefold())]
    if len(theirs) == 1:
        return theirs[0]
    if not theirs:
        raise Refused("unknown-booking", "missing", f"{name} has booked nothing like that. See: roadcrew book crew")
    each = "\n".join(f"  {receipts.safe(b.id)}  {slot_row(b.slot)}" for b in theirs)
    raise Refused("ambiguous-booking", "invalid", f"{name} has several bookings; say which by its id:\n{each}")


def _write(file: str, calendar: bytes) -> str:
    must_lend("files")
    path = Path(file).expanduser()
    try:
        path.write_bytes(calendar)
    except OSError as error:
        raise ValueError(f"{path} can't be written: {error.strerror}.") from error
    return str(path)


async def _loaded(client: Client) -> CartAnswer:
    answer = await client.load_cart()
    if answer is None:
        raise NotSignedIn("not-signed-in", "Sign in first.")
    return answer


async def _way(client: Client, order: Order) -> PaymentWay | None:
    return next((w for w in (await client.server_info()).payments if w.id == order.provider), None)


def _line(cart: Cart, said: object) -> Line:
    """The line with that id, number from 1, or title; without one, the only one. Raises `Refused`."""
    if said is None:
        each = [f"{n}  {slot_row(line.slot)}" for n, line in enumerate(cart.lines, 1)]
        return _only(cart.lines, "line", "There is nothing in your cart.", each)
    number = str(said)
    if number.isdecimal() and 1 <= int(number) <= len(cart.lines):
        return cart.lines[int(number) - 1]
    return find(number, cart.lines, lambda line: line.slot.title, lambda line: line.id, "line")


def _order(
    cart: Cart, said: object, fits: Callable[[Order], bool], none: str = "You have no order that stands."
) -> Order:
    """The order with that id or number; without one, the only one that fits. Raises `Refused`."""
    if said is None:
        fitting = [o for o in reversed(cart.orders) if fits(o)]
        return _only(fitting, "order", none, map(order_row, fitting))
    return find(str(said), cart.orders, lambda o: o.number, lambda o: o.id, "order")


def _only(things: Sequence[T], what: str, none: str, rows: Iterable[str]) -> T:
    if len(things) == 1:
        return things[0]
    if not things:
        raise Refused(f"unknown-{what}", "missing", none)
    raise Refused(f"ambiguous-{what}", "invalid", "\n  ".join([f"Say which {what}:", *rows]))
