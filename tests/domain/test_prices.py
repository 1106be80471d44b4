"""What seats cost: integers all the way, each line discounted by itself, half a minor unit rounded up."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.booking_play import CartPlay, slot_info

from roadcrew_domain.cart import CartBounds, Line, Ticket, TripDiscount
from roadcrew_domain.cart_acts import ConfirmAdd, NoteDiscount, StartAdd
from roadcrew_domain.cart_state import MAX_LINES, MAX_SEATS
from roadcrew_domain.money import MAX_AMOUNT, Money
from roadcrew_domain.prices import discount_on, priced, prices, total

AMOUNTS = st.integers(0, MAX_AMOUNT * MAX_SEATS)
PERCENTS = st.integers(0, 100)


# R: C12 C13
@pytest.mark.parametrize(
    ("amount", "percent", "off"),
    [
        (0, 10, 0),
        (100, 0, 0),
        (105, 10, 11),
        (104, 10, 10),
        (115, 10, 12),
        (1, 50, 1),
        (1, 49, 0),
        (333, 15, 50),
        (999, 100, 999),
        (MAX_AMOUNT, 10, MAX_AMOUNT // 10),
    ],
)
def test_half_a_minor_unit_of_discount_is_rounded_up(amount: int, percent: int, off: int):
    assert discount_on(amount, percent) == off


# R: C12 C13
@given(AMOUNTS, PERCENTS)
def test_a_discount_is_the_nearest_integer_and_never_more_than_the_price(amount: int, percent: int):
    off, exact = discount_on(amount, percent), Fraction(amount * percent, 100)
    assert type(off) is int
    assert -Fraction(1, 2) < off - exact <= Fraction(1, 2)
    assert 0 <= off <= amount


# R: C12
@given(AMOUNTS, PERCENTS, PERCENTS)
def test_a_higher_percentage_is_never_a_smaller_discount(amount: int, one: int, other: int):
    low, high = sorted((one, other))
    assert discount_on(amount, low) <= discount_on(amount, high)


TICKETS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 99_999)), min_size=1, max_size=3)
LINES = st.lists(st.tuples(TICKETS, st.sampled_from([None, "a", "b"])), min_size=1, max_size=4)


# R: C12 C13
@given(LINES, PERCENTS, PERCENTS)
def test_an_order_costs_what_the_cart_said_line_by_line_and_in_all(
    lines: list[tuple[list[tuple[int, int]], str | None]], one: int, other: int
):
    play, percents = CartPlay(), {"a": one, "b": other}
    for n, (given_tickets, trip) in enumerate(lines):
        kinds = tuple(Ticket(f"k{k}", "K", c, Money(p, "EUR")) for k, (c, p) in enumerate(given_tickets))
        line = play.new_id()
        play.do(StartAdd(slot_info(f"s{n}"), kinds, trip, CartBounds(max_seats_per_slot=20, max_unpaid=60)), line)
        play.do(ConfirmAdd(line))
    discounts = tuple(TripDiscount(trip, percent, 3) for trip, percent in percents.items())
    for discount in discounts:
        play.do(NoteDiscount(discount))
    said = prices(play.state)
    for price, (given_tickets, trip) in zip(said, lines, strict=True):
        amount = sum(count * each for count, each in given_tickets)
        percent = percents.get(trip or "", 0)
        assert (price.amount, price.discount_percent) == (amount, percent)
        assert abs(Fraction(price.total) - Fraction(amount * (100 - percent), 100)) <= Fraction(1, 2)
    order = play.new_id()
    play.do(play.placing(discounts=discounts), order)
    placed = play.order(order)
    assert [priced(line, line.discount_percent) for line in placed.lines] == list(said)
    assert placed.total == total(said) == sum(line.amount - line.discount for line in placed.lines)


# R: C12
def test_what_is_known_better_than_the_cart_knows_it_counts():
    play = CartPlay()
    line = play.new_id()
    play.do(StartAdd(slot_info(), (Ticket("adult", "Adult", 1, Money(1000, "EUR")),), "t", CartBounds()), line)
    play.do(NoteDiscount(TripDiscount("t", 10, 1)))
    assert [price.total for price in prices(play.state)] == [900]
    assert [price.total for price in prices(play.state, {"t": 15})] == [850]
    assert [price.total for price in prices(play.state, {"another": 15})] == [900]


# R: C13
def test_the_dearest_cart_is_an_integer_that_json_carries_safely():
    price = Money(MAX_AMOUNT, "EUR")
    play = CartPlay()
    play.do(StartAdd(slot_info(), (Ticket("adult", "Adult", MAX_SEATS, price),), None, CartBounds(MAX_SEATS)))
    dearest: Line = play.state.lines[0]
    assert dearest.amount * MAX_LINES < 2**53
