"""What the tab of bookings says, without a screen: days, times, sums, countdowns, and sentences about a cart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.tui.bookings import exhibition
from tests.tui.scenes import lisbon

from roadcrew_client import BookFigures, OfferedSlot, SlotList
from roadcrew_client.errors import Rejected
from roadcrew_domain.cart_state import Attempt, Cart, EndedLine, Line, Order, OrderLine, Refund, Ticket
from roadcrew_domain.money import Money
from roadcrew_domain.seats_views import SlotCount
from roadcrew_domain.trip import Trip
from roadcrew_tui import booking_news as news
from roadcrew_tui.screens import book_cart_model as cart_model
from roadcrew_tui.screens import book_model as model
from roadcrew_tui.screens.inspector_model import facts
from roadcrew_tui.screens.refusals import booking_sentence
from roadcrew_tui.snapshot import BookSnapshot, Inspection

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)
DAY = date(2030, 5, 21)


def show(**more: Any) -> Any:
    return exhibition(**{"starts_on": date(2030, 4, 1), "ends_on": date(2030, 8, 1), **more})


def trip(**more: Any) -> Trip:
    scene = lisbon()
    return msgspec.structs.replace(scene.world.trips[scene.trip_id], **more)


def offered(left: int, starts: datetime = NOW + timedelta(days=1), name: str = "s") -> OfferedSlot:
    return OfferedSlot(name, starts, starts + timedelta(hours=1), 40, left, "open")


def line(name: str = "line", left: timedelta = timedelta(minutes=10), limit: timedelta = timedelta(hours=2)) -> Line:
    slot = offered(9).info(show())
    tickets = (Ticket("adult", "Adult", 2, Money(1205, "EUR")),)
    return Line(name, slot, tickets, "t", "held", NOW + left, NOW + limit, NOW)


def order(state: Any, **more: Any) -> Order:
    bought = OrderLine("line", offered(9).info(show()), line().tickets, "t", 2410, 10, 241, 1, NOW)
    fields: dict[str, Any] = {"currency": "EUR", "total": 2169, "provider": "far", "pays_later": False}
    fields |= {"placed_at": NOW, "changed_at": NOW, "pay_by": NOW + timedelta(minutes=15)}
    return Order("00000000-0000-7000-8000-00000000abcd", (bought,), state=state, **{**fields, **more})


def told(before: Cart, after: Cart) -> list[str]:
    return [words for words, _ in news.told(before, after)]


# R: C1
def test_one_begins_on_the_first_open_day_of_the_trip_and_without_one_on_the_next_open_day():
    dated = trip(starts_on=DAY, ends_on=DAY + timedelta(days=3))
    assert model.first_day(show(closed_on=(DAY,)), dated, NOW) == DAY + timedelta(days=1)
    assert model.first_day(show(), trip(), NOW) == NOW.date()
    assert model.first_day(show(starts_on=DAY), trip(), NOW) == DAY
    assert model.first_day(show(weekdays=(DAY.weekday(),)), trip(), NOW) == date(2030, 5, 7)
    assert model.first_day(show(ends_on=date(2030, 4, 2)), dated, NOW) is None


# R: C1
def test_a_day_whose_times_have_all_begun_at_the_venue_is_over():
    tokyo = show(time_zone="Asia/Tokyo", times=("09:30", "20:00"))
    assert model.bookable(tokyo, NOW) == (date(2030, 5, 2), date(2030, 8, 1))  # it is 21:00 there
    assert model.bookable(show(times=("09:30", "13:30")), NOW) == (NOW.date(), date(2030, 8, 1))


@pytest.mark.parametrize("ends", [date.max, date(2030, 8, 1)])
def test_the_ends_of_the_calendar_are_no_trouble(ends: date):
    eternal = show(starts_on=date.min, ends_on=ends, time_zone="No/Where")
    assert model.first_day(eternal, trip(starts_on=date.max, ends_on=date.min), NOW) == NOW.date()
    assert model.bookable(eternal, datetime.max.replace(tzinfo=UTC)) in (None, (date.max, date.max))


# R: C2
@pytest.mark.parametrize(
    ("left", "starts", "words", "state"),
    [
        (40, timedelta(hours=1), "40 left", "open"),
        (2, timedelta(hours=1), "2 left", "few"),
        (0, timedelta(hours=1), "none", "none"),
        (9, timedelta(minutes=-10), "begun", "ended"),
        (9, timedelta(hours=-2), "ended", "ended"),
    ],
)
def test_what_is_left_of_a_time_is_said_in_words(left: int, starts: timedelta, words: str, state: str):
    slots = SlotList("tiles", NOW.date(), slots=(offered(left, NOW + starts),))
    row = model.slot_rows(slots, {}, "Europe/Lisbon", NOW)[0]
    assert (row.words, row.state, row.time) == (words, state, f"{NOW + starts + timedelta(hours=1):%H:%M}")


# R: C2
def test_what_came_live_counts_more_than_what_was_looked_up():
    slots = SlotList("tiles", NOW.date(), slots=(offered(40),))
    live = {"s": SlotCount("s", 40, 40, NOW, NOW)}
    assert model.slot_rows(slots, live, "Europe/Lisbon", NOW)[0].words == "none"
    assert model.sold_out(slots, live)
    assert not model.sold_out(slots, {})


# R: C12 C13
def test_a_sum_is_rounded_as_a_line_is_and_a_locked_discount_is_only_promised():
    e, counts = show(), {"adult": 1, "child": 1}
    got = model.total(e, counts, trip(required_members=4, discount_percent=7))
    assert (got.amount, got.percent, got.discount, got.seats) == (1800, 7, 126, 2)
    locked = model.total(e, counts, trip(required_members=6, discount_percent=7))
    assert (locked.percent, locked.discount, locked.missing, locked.promised) == (0, 0, 2, 7)


# R: C2
@pytest.mark.parametrize(
    ("by", "left", "after"), [(1, 5, 3), (9, 5, 4), (99, None, 19), (-1, 5, 1), (-9, 5, 0), (1, 0, 0)]
)
def test_tickets_stay_within_what_is_left_and_what_one_booking_may_have(by: int, left: int | None, after: int):
    assert model.stepped({"adult": 2, "child": 1}, "adult", by, left)["adult"] == after


# R: C2
@pytest.mark.parametrize(
    ("left", "words", "state"),
    [
        (timedelta(minutes=12, seconds=41), "held for 12:41", "held"),
        (timedelta(hours=1, seconds=5), "held for 1:00:05", "held"),
        (timedelta(seconds=120), "ends in 2:00", "last"),
        (timedelta(seconds=1), "ends in 0:01", "last"),
        (timedelta(0), "over: free again", "over"),
    ],
)
def test_a_hold_changes_its_word_before_it_ends(left: timedelta, words: str, state: str):
    row = cart_model.cart_rows(Cart("ana", (line(left=left),)), trip(), NOW)[0]
    assert (row.ends, row.state) == (words, state)


# R: C12
def test_a_line_shows_the_discount_of_its_trip_and_the_total_is_the_sum_of_lines():
    here = trip(required_members=2, discount_percent=10)
    mine = msgspec.structs.replace(line(), trip_id=here.id)
    rows = cart_model.cart_rows(Cart("ana", (mine, line("other"))), here, NOW)
    assert [(r.total.amount, r.percent, r.discount.amount) for r in rows] == [(2169, 10, 241), (2410, 0, 0)]
    assert cart_model.total(rows) == Money(4579, "EUR")


# R: C1
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (order("awaiting"), "pay within 15:00"),
        (order("awaiting", attempts=(Attempt("a", "", NOW, "declined"),)), "declined: 15:00 left"),
        (order("awaiting", pays_later=True), "pay at the venue"),
        (order("paying"), "payment under way"),
        (order("paid"), "paid"),
        (order("lapsed"), "not paid in time"),
        (order("cancelled", refunds=(Refund(None, "p"),)), "cancelled, refund due"),
        (order("cancelled", refunds=(Refund(None, "p", "done"),)), "cancelled, paid back"),
        (order("cancelled", refunds=(Refund(None, "p", "done"),), pays_later=True), "cancelled, the venue pays back"),
    ],
)
def test_how_it_stands_with_an_order_is_said_in_words(given: Order, words: str):
    assert cart_model.order_words(given, NOW)[0] == words


def test_an_order_that_came_to_nothing_goes_out_of_sight_after_a_while():
    old = order("lapsed", changed_at=NOW - timedelta(days=3))
    cart = Cart("ana", orders=(old, order("paid", changed_at=NOW - timedelta(days=30)), order("rejected")))
    assert [row.words for row in cart_model.order_rows(cart, NOW)] == ["paid"]


def test_what_needs_its_person_is_a_hold_that_ends_soon_and_an_order_that_waits():
    cart = Cart("ana", (line("soon", timedelta(minutes=4)), line("later")), (order("awaiting"), order("paid")))
    book = BookSnapshot(cart, ahead=NOW - datetime.now(UTC))
    assert [(need.target, need.words) for need in cart_model.needs(book)] == [
        ("book:soon", "Your seats for {what}"),
        (f"book:{order('paid').id}", "Pay for {what}"),
    ]


# R: C2
def test_a_hold_is_warned_of_once_it_has_two_minutes_left_and_not_when_it_is_over():
    cart = Cart("ana", (line("far"), line("near", timedelta(minutes=2)), line("past", timedelta(0))))
    assert [held.id for held in news.ending(cart, NOW)] == ["near"]
    assert news.next_warning(cart, NOW) == 8 * 60
    assert news.warning(cart.lines[1], NOW) == (
        "Your seats for Tiles and the sea are yours for 2 min more. Press x in Book to keep them longer."
    )
    assert "are yours for 16 s more" in news.warning(cart.lines[1], cart.lines[1].until - timedelta(seconds=16))
    last = line(left=timedelta(minutes=1), limit=timedelta(minutes=1))
    assert news.warning(last, NOW).endswith("Check out with p in Book.")


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_a_cart_at_the_ends_of_the_calendar_is_drawn_as_any_other(moment: datetime):
    slot = msgspec.structs.replace(line().slot, starts_at=moment, ends_at=moment)
    cart = Cart("ana", (msgspec.structs.replace(line(), slot=slot, until=moment, limit=moment),), (order("awaiting"),))
    ends = {"pay_by": moment, "changed_at": moment}
    cart = msgspec.structs.replace(cart, orders=(msgspec.structs.replace(cart.orders[0], **ends),))
    assert len(cart_model.cart_rows(cart, trip(), NOW)) == 1
    assert len(cart_model.order_rows(cart, NOW)) == 1
    assert news.ending(cart, NOW) == []
    assert (news.next_warning(cart, NOW) is None) == (moment < NOW)
    assert len(cart_model.needs(BookSnapshot(cart))) == (moment > NOW)


# R: C1 C2
def test_what_happened_to_a_cart_is_told_in_sentences():
    assert told(Cart("a", (line(),)), Cart("a", ended=(EndedLine("line", "expired"),))) == [
        "The time for your seats at Tiles and the sea ran out. They are free again."
    ]
    assert told(Cart("a", (line(),)), Cart("a", ended=(EndedLine("line", "removed"),))) == []
    waits = order("awaiting")
    assert told(Cart("a", orders=(waits,)), Cart("a", orders=(order("paid"),))) == ["Order 0000ABCD is paid: €21.69."]
    assert told(Cart("a", orders=(waits,)), Cart("a", orders=(order("lapsed"),))) == [
        "Order 0000ABCD was not paid in time. Its seats are free again."
    ]
    declined = order("awaiting", attempts=(Attempt("x", "", NOW, "declined", "No."),))
    assert told(Cart("a", orders=(waits,)), Cart("a", orders=(declined,))) == ["No. Press p in Book to try again."]
    assert told(Cart("a", orders=(declined,)), Cart("a", orders=(declined,))) == []
    back = order("cancelled", refunds=(Refund(None, "p", "done"),))
    assert told(Cart("a", orders=(order("cancelled"),)), Cart("a", orders=(back,))) == [
        "€21.69 of order 0000ABCD went back to you."
    ]
    there = msgspec.structs.replace(back, pays_later=True)
    assert told(Cart("a", orders=(order("cancelled"),)), Cart("a", orders=(there,))) == [
        "Order 0000ABCD was €21.69. The venue pays it back."
    ]
    assert told(Cart("a", orders=(waits,)), Cart("b", orders=(order("paid"),))) == []


# R: C8
@pytest.mark.parametrize(
    ("code", "facts_of_it", "words"),
    [
        ("seats-gone", {"left": 2}, "Only 2 seats are left of that time. Take fewer, or choose another one."),
        ("seats-gone", {"left": 1}, "Only 1 seat is left of that time. Take fewer, or choose another one."),
        ("seats-gone", {"left": 0}, "Nothing is left of that time any more. Choose another one."),
        ("seats-gone", {"left": 10**30}, "What a server said."),
        ("seats-gone", {}, "What a server said."),
        ("too-many-seats", {"limit": 10}, "One person can have 10 seats of a time. Take fewer."),
        ("too-many-seats", {"limit": 40, "unpaid": 38}, "One person can have 40 seats that are not paid for, and you"),
        ("too-many-seats", {"limit": 40, "unpaid": "\x1b"}, "One person can have 40 seats of a time. Take fewer."),
        ("hold-limit", {}, "These seats can't be held any longer. Check out with p before they go."),
        ("of-tomorrow", {}, "What a server said."),
    ],
)
def test_a_refusal_says_what_happened_and_what_to_do(code: str, facts_of_it: dict[str, object], words: str):
    assert booking_sentence(Rejected(code, "What a server said.\x1b[31m", facts=facts_of_it)).startswith(words)


# R: C10
def test_what_became_of_bookings_is_among_the_figures_of_the_link():
    seen = Inspection("http://127.0.0.1:8787", signed_in=True)
    assert "bookings" not in [fact.label for fact in facts(seen)]
    figures = BookFigures(4, 3, {"seats-gone": 1}, 2, 1)
    words = [f"{fact.label}: {fact.words}" for fact in facts(replace(seen, book=figures))]
    assert "bookings: 3 of 4 (75 %) came into the cart" in words
    assert ": the others: 1 because the seats were gone" in words
    assert "orders: 2 placed, 1 of them paid at once" in words
