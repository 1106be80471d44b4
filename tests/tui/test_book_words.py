"""What sub-commands about booking print for people: lines with nothing in them that a terminal obeys."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from roadcrew_domain.bookings import Booking
from roadcrew_domain.cart import Cart, Line, Order, OrderLine, Ticket
from roadcrew_domain.exhibitions import Exhibition, SlotInfo, TicketKind
from roadcrew_domain.money import Money
from roadcrew_domain.prices import prices
from roadcrew_tui.commands.book_words import told

HOSTILE = "Tiles\r\n\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202e\x9b31m\u2028[@click=quit]x\x00"
STARTS = datetime(2027, 7, 6, 9, 0, tzinfo=UTC)
PRICE = Money(1400, "EUR")


def results(text: str) -> dict[str, Any]:
    """One of each kind, in which everything is called so."""
    slot = SlotInfo(text, text, text, text, text, STARTS, STARTS + timedelta(minutes=90), text)
    tickets = (Ticket(text, text, 2, PRICE),)
    line = Line(text, slot, tickets, None, "held", STARTS, STARTS, STARTS)
    ordered = OrderLine(text, slot, tickets, None, 2800, 10, 280, None, STARTS)
    given: dict[str, Any] = {"state": "paid", "placed_at": STARTS, "changed_at": STARTS, "pay_by": STARTS}
    order = Order(
        id=text, lines=(ordered,), currency="EUR", total=2520, provider=text, pays_later=False, payment=text, **given
    )
    waiting = msgspec.structs.replace(order, state="awaiting", payment="")
    cart = Cart("ana", (line,), (order, waiting))
    days = date(2027, 7, 1), date(2027, 8, 1), (1, 3), (), ("09:00",)
    exhibition = Exhibition(text, text, text, text, text, *days, 90, text, 40, (TicketKind(text, text, PRICE),))
    offered = {"id": text, "capacity": 40, "seatsLeft": 7, "state": "open"}
    times = {"startsAt": "2027-07-06T09:00:00Z", "endsAt": "2027-07-06T10:30:00Z"}
    whole = {"cart": cart, "prices": prices(cart), "cursor": ""}
    shapes = {
        "exhibitions": {"exhibitions": [exhibition], "note": text, "sample": True},
        "slots": {"slots": [{**offered, **times}], "date": "2027-07-06", "timeZone": text},
        "crew": {"bookings": [Booking(text, "ben", slot, 2, STARTS)], "members": [{"id": "ben", "name": text}]},
        "cart": whole,
        "order": {**whole, "orderId": text},
        "orders": {"orders": [order]},
        "pending": {"pending": {"slot": slot}},
    }
    return {name: msgspec.to_builtins(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("kind", results("x"))
def test_whatever_a_server_calls_its_things_is_harmless_text_on_as_many_lines(kind: str) -> None:
    rows, usual = told(results(HOSTILE)[kind]), told(results("Tiles")[kind])
    assert len(rows) == len(usual) > 0
    assert "Tiles" in "".join(rows)
    assert not [c for row in rows for c in row if not c.isprintable()]


def test_what_is_not_there_is_said() -> None:
    empty = Cart("ana")
    assert told({"exhibitions": [], "note": "", "sample": False}) == ["Nothing can be booked."]
    assert told({"slots": [], "date": "2027-07-06", "timeZone": "UTC"}) == ["It is closed on Tue 6 Jul 2027."]
    assert told({"bookings": [], "members": []}) == ["Nothing yet."]
    assert told(msgspec.to_builtins({"cart": empty, "prices": ()})) == ["Your cart is empty."]
    assert told({"orders": []}) == ["No orders."]
    assert told({"pending": None}) == ["No booking waits."]


def test_paid_is_said_of_what_was_noted_and_of_nothing_else() -> None:
    assert told({"tripId": "t", "bookingId": "b"}) == ["Noted as paid."]
    with pytest.raises(ValueError, match="no words for a result of tripId"):
        told({"tripId": "t"})


def test_slots_are_told_under_their_day_by_the_clock_of_the_venue_with_what_is_left() -> None:
    slot = {"id": "s", "capacity": 40, "seatsLeft": 7, "state": "open"}
    slot |= {"startsAt": "2027-07-06T09:00:00Z", "endsAt": "2027-07-06T10:30:00Z"}
    slots = [slot, {**slot, "state": "past"}, {**slot, "state": "sold-out", "seatsLeft": 0}]
    assert told({"slots": slots, "date": "2027-07-06", "timeZone": "Asia/Tokyo"}) == [
        "Tue 6 Jul 2027",
        "18:00 to 19:30  7 of 40 left  s",
        "18:00 to 19:30  past  s",
        "18:00 to 19:30  sold out  s",
    ]


def test_an_exhibition_is_told_with_its_days_as_they_are_said_elsewhere() -> None:
    (_, _, _, days) = told(results("tiles")["exhibitions"])
    assert days == "  Tue Thu at 09:00, Thu 1 Jul 2027 to Sun 1 Aug 2027: tiles €14"
