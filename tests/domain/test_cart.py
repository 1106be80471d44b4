"""A person's cart: lines that are added and end, orders that are placed, paid, lapse, are cancelled and refunded."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from tests.domain.booking_play import (
    DAY,
    HELD,
    HOUR,
    LONGEST,
    MINUTE,
    OPENS,
    SECOND,
    START,
    CartPlay,
    slot_info,
    tickets,
)

from roadcrew_domain import cart
from roadcrew_domain.cart import (
    KEPT,
    MAX_LINES,
    MAX_ORDERS,
    MAX_SEATS,
    TAKEN_UP,
    CartBounds,
    Ticket,
    TripDiscount,
    decode_cart,
    encode_cart,
    is_past,
    may_cancel,
    may_pay,
    next_due,
    unfinished,
)
from roadcrew_domain.cart_acts import (
    CancelOrder,
    CartAct,
    CartTick,
    ConfirmAdd,
    ConfirmOrder,
    DeclinePayment,
    FailAdd,
    LapseOrder,
    LineHeld,
    MarkPaid,
    NoteDiscount,
    NoteExtension,
    NoteRefund,
    OpenCart,
    RejectOrder,
    RemoveLine,
    SettleOrder,
    StartAdd,
    StartPayment,
)
from roadcrew_domain.cart_state import AN_HOUR, ENDED_KEPT, MAX_ATTEMPTS, ORDERS_AN_HOUR, OrderState
from roadcrew_domain.events import decode_event, encode_event, event
from roadcrew_domain.money import Money
from roadcrew_domain.refusals import Kind, Refused
from roadcrew_domain.seats import HoldBounds


@pytest.fixture
def play() -> CartPlay:
    return CartPlay()


# --- lines ---------------------------------------------------------------------------------------


# R: C1 C2
def test_a_line_is_begun_before_its_seats_are_asked_for_and_held_when_they_were_had(play: CartPlay):
    line = play.new_id()
    assert play.do(play.adding(2), line) == ["CartOpened", "AddStarted"]
    added = play.state.lines[0]
    assert (added.id, added.state, added.seats, added.until, added.limit) == (
        line,
        "adding",
        2,
        START + HELD,
        START + LONGEST,
    )
    assert play.do(ConfirmAdd(line)) == ["LineHeld"]
    assert play.state.lines[0].state == "held"
    assert play.state.user == "ana"


# R: C2
def test_each_step_of_an_add_taken_again_changes_nothing(play: CartPlay):
    line = play.add()
    assert play.do(play.adding(), line) == []
    assert play.do(ConfirmAdd(line)) == []
    assert play.do(FailAdd(line, "seats-gone")) == []
    assert [n.state for n in play.state.lines] == ["held"]


# R: C2 C8
def test_an_add_that_failed_is_remembered_with_its_reason_and_stays_failed(play: CartPlay):
    line = play.new_id()
    play.do(play.adding(), line)
    assert play.fail(line) == ["AddFailed"]
    assert play.fail(line) == []
    assert play.do(play.adding(), line) == []
    assert (play.state.lines, play.state.ended_as(line)) == ((), "seats-gone")
    assert play.refusal(ConfirmAdd(line)) == ("unknown-line", "missing")


# R: C2
def test_a_line_that_was_ordered_is_not_begun_again_by_who_was_paused(play: CartPlay):
    line = play.add()
    order = play.place()
    for _ in range(2):
        assert play.do(play.adding(), line) == []
        assert play.do(ConfirmAdd(line)) == []
        assert play.state.lines == ()
        play.do(ConfirmOrder(order))


# R: C2
def test_a_line_runs_out_and_that_is_said(play: CartPlay):
    line = play.add()
    play.now += HELD - SECOND
    assert play.tick() == []
    play.now += SECOND
    assert play.refusal(play.placing(line)) == ("hold-expired", "gone")
    assert play.tick() == ["LineRemoved"]
    assert play.refusal(RemoveLine(line)) == ("hold-expired", "gone")
    assert play.refusal(play.placing(line)) == ("hold-expired", "gone")


# R: C2
def test_a_line_whose_seats_are_still_asked_for_does_not_run_out_but_is_taken_up_by_whoever_comes_next(play: CartPlay):
    play.do(play.adding())
    assert next_due(play.state) == START + TAKEN_UP
    play.now += HELD
    assert play.tick() == []


# R: C1 C2
def test_an_extension_is_noted_once_however_often_it_is_told_and_in_whatever_order(play: CartPlay):
    line = play.add()
    second, first = (NoteExtension(line, START + n * MINUTE, n) for n in (20, 19))
    assert play.do(second) == ["LineExtended"]
    assert play.do(second) == play.do(first) == []
    assert (play.state.lines[0].until, play.state.lines[0].extensions) == (START + 20 * MINUTE, 20)


# R: C1
def test_a_line_is_removed_once(play: CartPlay):
    line = play.add()
    assert play.do(RemoveLine(line)) == ["LineRemoved"]
    assert play.refusal(RemoveLine(line)) == ("unknown-line", "missing")
    assert play.do(play.adding(), line) == []


def test_the_last_fifty_lines_that_ended_are_remembered(play: CartPlay):
    for n in range(60):
        play.do(play.adding(), f"line{n}")
        play.fail(f"line{n}", f"code{n}")
    assert len(play.state.ended) == ENDED_KEPT
    assert (play.state.ended_as("line9"), play.state.ended_as("line10")) == (None, "code10")


# R: C1 C13
@pytest.mark.parametrize(
    ("given", "code", "kind"),
    [
        ((), "bad-tickets", "invalid"),
        (tickets(0), "bad-tickets", "invalid"),
        (tickets(-1), "bad-tickets", "invalid"),
        (tickets(MAX_SEATS + 1), "bad-tickets", "invalid"),
        (tickets(10**30), "bad-tickets", "invalid"),
        ((*tickets(1), Ticket("child", "Child", 0, Money(1, "EUR"))), "bad-tickets", "invalid"),
        (tickets(1) * 2, "bad-tickets", "invalid"),
        (tickets(1, price=-1), "bad-price", "invalid"),
        (tickets(1, price=10**30), "bad-price", "invalid"),
        (tickets(1, currency="eur"), "bad-price", "invalid"),
        ((*tickets(1), Ticket("child", "Child", 1, Money(1, "JPY"))), "currency-mix", "conflict"),
        (tickets(11), "too-many-seats", "conflict"),
    ],
)
def test_tickets_that_can_not_be_added(play: CartPlay, given: tuple[Ticket, ...], code: str, kind: Kind):
    assert play.refusal(StartAdd(slot_info(), given, None, CartBounds())) == (code, kind)
    assert play.folded is None


# R: C2
def test_nothing_is_added_for_a_slot_that_has_begun(play: CartPlay):
    play.now = OPENS
    assert play.refusal(play.adding()) == ("slot-past", "gone")


# R: C1
def test_a_slot_can_be_booked_from_so_many_days_before_it_on(play: CartPlay):
    bounds = CartBounds(book_ahead_days=19)
    act = StartAdd(slot_info(), tickets(1), None, bounds)
    play.now = OPENS - 19 * DAY - SECOND
    assert play.refusal(act) == ("slot-too-far", "conflict")
    play.now += SECOND
    assert play.do(act) == ["CartOpened", "AddStarted"]


# R: C2
def test_a_hold_ends_when_its_slot_begins_however_long_holds_are(play: CartPlay):
    play.now = OPENS - MINUTE
    play.add()
    assert (play.state.lines[0].until, play.state.lines[0].limit) == (OPENS, OPENS)


# R: C2
def test_no_limit_is_before_the_first_end(play: CartPlay):
    play.do(StartAdd(slot_info(), tickets(), None, CartBounds(hold=HoldBounds(hold_for=900, longest=60))))
    assert play.state.lines[0].limit == play.state.lines[0].until


# R: C2
def test_one_person_has_ten_seats_of_a_slot_ordered_or_not(play: CartPlay):
    play.add(4)
    order = play.place()
    play.add(4)
    assert play.refusal(play.adding(3)) == ("too-many-seats", "conflict")
    play.add(2)
    play.add(10, slot=slot_info("another"))
    play.do(RejectOrder(order, ()))
    assert play.refusal(play.adding(1)) == ("too-many-seats", "conflict")


# R: C2
@pytest.mark.parametrize("over", ["expired", "cancelled", "paid", "removed"])
def test_seats_that_are_given_back_do_not_count_any_more(play: CartPlay, over: str):
    line = play.add(10)
    match over:
        case "expired":
            play.now += HELD
        case "removed":
            play.do(RemoveLine(line))
        case _:
            order = play.place()
            play.do(ConfirmOrder(order))
            if over == "paid":
                play.do(MarkPaid(order, None, "p1"))
                assert play.refusal(play.adding(1)) == ("too-many-seats", "conflict")
            play.do(CancelOrder(order))
    assert play.do(play.adding(10)) == ["AddStarted"]


# R: C2
@pytest.mark.parametrize("price", [1250, 0])
@pytest.mark.parametrize("pays_later", [False, True])
def test_one_person_has_forty_seats_that_nobody_has_paid_for_whatever_slots_they_are_of(
    play: CartPlay, price: int, pays_later: bool
):
    order = play.place(play.add(10, slot=slot_info("a"), price=price), pays_later=pays_later)
    play.do(ConfirmOrder(order))
    for slot in ("b", "c", "d"):
        play.add(9, slot=slot_info(slot), price=price)
    assert play.refusal(play.adding(4, slot=slot_info("e"))) == ("too-many-seats", "conflict")
    play.add(3, slot=slot_info("e"), price=price)
    with pytest.raises(Refused) as refused:
        play.add(1, slot=slot_info("f"))
    assert refused.value.facts == {"limit": 40, "unpaid": 40}
    if price:
        play.do(MarkPaid(order, None, "p1"))
        play.add(10, slot=slot_info("f"))
        assert play.refusal(play.adding(1, slot=slot_info("g"))) == ("too-many-seats", "conflict")


# R: C2
def test_seats_of_slots_that_have_begun_are_not_among_those_that_nobody_has_paid_for(play: CartPlay):
    for n in range(4):
        play.do(ConfirmOrder(play.place(play.add(10, slot=slot_info(f"slot{n}"), price=0))))
    assert play.refusal(play.adding(slot=slot_info("later", OPENS + DAY))) == ("too-many-seats", "conflict")
    play.now = OPENS
    play.add(slot=slot_info("later", OPENS + DAY))


def test_a_cart_has_room_for_twenty_lines_also_while_some_are_being_ordered(play: CartPlay):
    slots = [slot_info(f"slot{n}") for n in range(MAX_LINES + 1)]
    for slot in slots[:15]:
        play.add(slot=slot)
    order = play.place()
    for slot in slots[15:20]:
        play.add(slot=slot)
    assert play.refusal(play.adding(slot=slots[20])) == ("cart-full", "full")
    play.do(RejectOrder(order, ()))
    assert len(play.state.lines) == MAX_LINES
    assert play.refusal(play.adding(slot=slots[20])) == ("cart-full", "full")
    play.now += HELD
    assert play.do(play.adding(slot=slots[20])) == ["AddStarted"]


# R: C13
def test_a_cart_has_one_currency(play: CartPlay):
    play.add()
    assert play.refusal(play.adding(slot=slot_info("tokyo"), currency="JPY")) == ("currency-mix", "conflict")


# R: C13
def test_an_order_has_one_currency_also_when_another_came_back_into_the_cart(play: CartPlay):
    euros = play.add()
    first = play.place()
    yen = play.add(slot=slot_info("tokyo"), currency="JPY")
    play.do(RejectOrder(first, ()))
    play.settle(first)
    assert play.refusal(play.placing()) == ("currency-mix", "conflict")
    assert play.refusal(play.placing(euros, yen)) == ("currency-mix", "conflict")
    for line, currency in ((yen, "JPY"), (euros, "EUR")):
        assert play.order(play.place(line)).currency == currency


def test_only_what_changes_something_opens_a_cart(play: CartPlay):
    assert play.tick() == []
    assert play.do(FailAdd("nowhere", "seats-gone")) == []
    assert play.do(OpenCart()) == ["CartOpened"]
    assert play.do(OpenCart()) == []


# R: C12
def test_a_trips_discount_is_noted_when_it_is_another_and_newer(play: CartPlay):
    play.do(OpenCart())
    assert play.do(NoteDiscount(TripDiscount("t", 0, 3))) == ["DiscountNoted"]
    assert play.do(NoteDiscount(TripDiscount("t", 0, 4))) == []
    assert play.do(NoteDiscount(TripDiscount("t", 10, 5))) == ["DiscountNoted"]
    assert play.do(NoteDiscount(TripDiscount("t", 0, 5))) == []
    assert play.state.discount("t") == TripDiscount("t", 10, 5)
    assert play.state.discount("other") is play.state.discount(None) is None


def test_discounts_of_trips_that_no_line_is_for_are_forgotten(play: CartPlay):
    play.do(OpenCart())
    for n in range(50):
        play.do(NoteDiscount(TripDiscount(f"t{n}", 10, 1)))
    assert [d.trip_id for d in play.state.discounts] == ["t49"]


# --- ordering ------------------------------------------------------------------------------------


# R: C1 C12 C13
def test_an_order_takes_the_lines_with_it_and_copies_the_discount_and_where_it_was_read(play: CartPlay):
    line = play.new_id()
    play.do(StartAdd(slot_info(), tickets(3, 333), "trip", CartBounds()), line)
    play.do(ConfirmAdd(line))
    other = play.add(1, price=1000)
    order = play.new_id()
    assert play.do(play.placing(discounts=(TripDiscount("trip", 10, 17),)), order) == ["OrderPlaced"]
    placed = play.order(order)
    assert [(n.id, n.amount, n.discount_percent, n.discount, n.trip_seq) for n in placed.lines] == [
        (line, 999, 10, 100, 17),
        (other, 1000, 0, 0, None),
    ]
    assert (placed.total, placed.currency, placed.state) == (1899, "EUR", "placing")
    assert placed.pay_by == START + 15 * MINUTE
    assert play.state.lines == ()
    assert placed.number == order[-8:].upper()


# R: C1
def test_the_same_order_again_is_the_same_order(play: CartPlay):
    play.add()
    order = play.place()
    play.add(slot=slot_info("other"))
    assert play.do(play.placing(), order) == []
    assert len(play.state.orders) == 1


# R: C1
def test_an_order_can_be_of_some_lines_and_names_each_once(play: CartPlay):
    first, second = play.add(1), play.add(2)
    order = play.place(second, second)
    assert [line.id for line in play.order(order).lines] == [second]
    assert [line.id for line in play.state.lines] == [first]


# R: C1
def test_what_is_paid_later_may_be_paid_until_the_first_slot_begins(play: CartPlay):
    play.add(slot=slot_info("late", OPENS + DAY))
    play.add(slot=slot_info("early", OPENS))
    assert play.order(play.place(pays_later=True)).pay_by == OPENS


# R: C1
def test_nobody_pays_for_a_slot_that_has_begun(play: CartPlay):
    play.now = OPENS - MINUTE
    play.add()
    assert play.order(play.place()).pay_by == OPENS


# R: C1
def test_what_can_not_be_ordered(play: CartPlay):
    assert play.refusal(play.placing()) == ("cart-empty", "conflict")
    assert play.refusal(play.placing("nowhere")) == ("unknown-line", "missing")
    line = play.new_id()
    play.do(play.adding(), line)
    assert play.refusal(play.placing()) == ("order-too-early", "conflict")
    assert play.refusal(play.placing(line)) == ("order-too-early", "conflict")
    play.do(ConfirmAdd(line))
    play.now += HELD
    assert play.refusal(play.placing()) == ("hold-expired", "gone")
    other = play.add()
    assert play.refusal(play.placing(line, other)) == ("hold-expired", "gone")
    order = play.place()
    assert [n.id for n in play.order(order).lines] == [other]
    assert play.refusal(play.placing(other)) == ("unknown-line", "missing")
    assert play.refusal(RemoveLine(other)) == ("unknown-line", "missing")


# R: C1 C2
def test_an_order_whose_seats_were_gone_gives_the_other_lines_back_for_five_minutes(play: CartPlay):
    kept, lost = play.add(1), play.add(2)
    play.do(NoteExtension(kept, START + 20 * MINUTE, 1))
    play.now += 14 * MINUTE
    order = play.rejected(lost)
    assert (play.order(order).state, play.order(order).lost) == ("rejected", (lost,))
    assert [(n.id, n.state, n.until, n.limit) for n in play.state.lines] == [
        (kept, "held", play.now + 5 * MINUTE, START + LONGEST)
    ]
    assert play.state.ended_as(lost) == "seats-gone"
    assert play.do(RejectOrder(order, ())) == play.do(ConfirmOrder(order)) == []


# R: C2
def test_seats_that_an_order_is_giving_back_still_are_not_ordered_again_yet(play: CartPlay):
    """The slot would say that they belong to the other order, and they would be lost."""
    line = play.add()
    order = play.rejected()
    assert play.refusal(play.placing()) == ("order-too-early", "conflict")
    assert play.refusal(play.placing(line)) == ("order-too-early", "conflict")
    play.settle(order)
    assert play.order(play.place(line)).state == "placing"


# R: C2
def test_seats_that_come_back_are_held_no_longer_than_they_ever_could_be(play: CartPlay):
    line = play.add()
    play.do(NoteExtension(line, START + LONGEST, 8))
    play.now = START + LONGEST - MINUTE
    play.rejected()
    assert play.state.lines[0].until == START + LONGEST


# R: C13
def test_an_order_of_nothing_to_pay_is_paid_when_its_seats_are_pinned(play: CartPlay):
    order = play.ordered(price=0)
    assert play.order(order).state == "paid"
    assert play.refusal(StartPayment(order, "card")) == ("order-paid", "conflict")
    assert play.do(CancelOrder(order)) == ["OrderCancelled"]
    assert play.order(order).refunds == ()


# R: C1
def test_a_hundred_orders_are_remembered_and_those_without_seats_and_payments_make_room(play: CartPlay):
    for n in range(MAX_ORDERS):
        play.add(1, slot=slot_info(f"slot{n}"))
        play.do(ConfirmOrder(order := play.place()))
        if n != 2:
            play.do(MarkPaid(order, None, f"p{n}"))
        play.now += AN_HOUR / ORDERS_AN_HOUR
    play.add()
    assert play.refusal(play.placing()) == ("too-many-orders", "full")
    third = play.state.orders[2].id
    play.do(CancelOrder(third))
    assert play.refusal(play.placing()) == ("too-many-orders", "full")
    play.settle(third)
    assert is_past(play.order(third), play.now)
    play.place()
    assert len(play.state.orders) == MAX_ORDERS
    assert play.state.order(third) is None


# R: C2
@pytest.mark.parametrize("others", [0, MAX_ORDERS - ORDERS_AN_HOUR, MAX_ORDERS - 5])
def test_an_hour_has_room_for_so_many_orders_of_one_person_whatever_became_of_them(play: CartPlay, others: int):
    for _ in range(others):
        play.do(CancelOrder(play.paid()))
        play.now += AN_HOUR / 2
    play.now += AN_HOUR
    for _ in range(min(ORDERS_AN_HOUR, MAX_ORDERS - others)):
        order = play.ordered()
        play.do(CancelOrder(order))
        play.settle(order)
        play.now += SECOND
    play.add()
    assert play.refusal(play.placing()) == ("too-many-orders", "full")
    play.now += AN_HOUR
    play.add()
    play.place()


# R: C1 C2
def test_an_order_that_was_to_be_paid_at_the_venue_is_remembered_for_money_that_may_still_come(play: CartPlay):
    order = play.ordered(pays_later=True)
    play.do(CancelOrder(order))
    play.settle(order)
    assert not is_past(play.order(order), OPENS + 2 * HOUR)
    assert is_past(play.order(order), OPENS + 31 * DAY)
    free = play.ordered(price=0, pays_later=True)
    play.do(CancelOrder(free))
    play.settle(free)
    assert is_past(play.order(free), OPENS + 2 * HOUR)


# --- paying --------------------------------------------------------------------------------------


# R: C1
def test_a_payment_is_written_down_before_the_provider_is_asked(play: CartPlay):
    order, attempt = play.paying()
    paying = play.order(order)
    assert (paying.state, paying.open_attempt and paying.open_attempt.id) == ("paying", attempt)
    assert unfinished(paying)
    assert play.do(StartPayment(order, "card"), attempt) == []


# R: C1
def test_one_payment_at_a_time(play: CartPlay):
    order, _ = play.paying()
    assert play.refusal(StartPayment(order, "card")) == ("payment-under-way", "conflict")
    assert play.refusal(CancelOrder(order)) == ("payment-under-way", "conflict")


# R: C1
def test_a_declined_payment_can_be_tried_again_until_the_order_lapses(play: CartPlay):
    order, attempt = play.paying()
    no = DeclinePayment(order, attempt, "no-funds", "The bank said no.")
    assert (play.do(no), play.do(no)) == (["PaymentDeclined"], [])
    assert (play.order(order).state, play.order(order).attempts[0].detail) == ("awaiting", "The bank said no.")
    play.do(StartPayment(order, "card"))
    assert play.order(order).state == "paying"


# R: C1
def test_an_unknown_payment_keeps_an_order_from_lapsing_until_it_is_known(play: CartPlay):
    order, attempt = play.paying()
    play.now = play.order(order).pay_by + DAY
    assert play.tick() == []
    play.do(DeclinePayment(order, attempt, "never-made", ""))
    assert play.refusal(StartPayment(order, "card")) == ("order-lapsed", "gone")
    assert play.tick() == ["Lapsed"]


# R: C1
def test_an_order_that_is_not_paid_in_time_lapses(play: CartPlay):
    order = play.ordered()
    assert next_due(play.state) == START + TAKEN_UP
    play.settle(order)
    assert next_due(play.state) == START + 15 * MINUTE
    play.now += 15 * MINUTE
    assert play.tick() == ["Lapsed"]
    assert play.tick() == []
    assert play.refusal(StartPayment(order, "card")) == ("order-lapsed", "gone")
    assert play.refusal(CancelOrder(order)) == ("order-lapsed", "gone")


# R: C1 C2
def test_an_order_that_is_paid_at_the_venue_does_not_lapse_before_the_venue_was_asked(play: CartPlay):
    order = play.ordered(pays_later=True)
    assert play.do(LapseOrder(order)) == []
    play.now = OPENS
    assert play.tick() == []
    assert play.do(LapseOrder(order)) == ["Lapsed"]
    assert play.do(LapseOrder(order)) == []


# R: C1
def test_a_hundred_ways_to_be_paid_cost_money_once(play: CartPlay):
    order, attempt = play.paying()
    assert play.do(MarkPaid(order, attempt, "p1")) == ["Paid"]
    for _ in range(100):
        assert play.do(MarkPaid(order, attempt, "p1")) == []
    assert play.do(DeclinePayment(order, attempt, "no-funds", "")) == []
    assert (play.order(order).state, play.order(order).payment, play.order(order).refunds) == ("paid", "p1", ())
    assert play.refusal(StartPayment(order, "card")) == ("order-paid", "conflict")


def lapsed(play: CartPlay) -> tuple[str, str]:
    """An order whose payment was declined and that lapsed then."""
    order, attempt = play.paying()
    play.do(DeclinePayment(order, attempt, "no-funds", ""))
    play.now = play.order(order).pay_by
    play.tick()
    return order, attempt


def cancelled(play: CartPlay) -> tuple[str, str]:
    """An order whose payment was declined and that was cancelled then."""
    order, attempt = play.paying()
    play.do(DeclinePayment(order, attempt, "no-funds", ""))
    play.do(CancelOrder(order))
    return order, attempt


# R: C1
@pytest.mark.parametrize("payment", ["p1", ""])
@pytest.mark.parametrize("ended", [lapsed, cancelled])
def test_money_that_comes_for_an_order_that_is_over_goes_back_once_whatever_its_number(
    play: CartPlay, ended: Callable[[CartPlay], tuple[str, str]], payment: str
):
    order, attempt = ended(play)
    state = play.order(order).state
    assert play.do(MarkPaid(order, attempt, payment)) == ["RefundOwed"]
    assert play.do(MarkPaid(order, attempt, payment)) == []
    assert play.order(order).state == state
    back = NoteRefund(order, payment, "r1")
    assert unfinished(play.order(order))
    assert (play.do(back), play.do(back)) == (["Refunded"], [])
    assert play.do(MarkPaid(order, attempt, payment)) == []
    assert [(r.payment, r.state, r.reference) for r in play.order(order).refunds] == [(payment, "done", "r1")]


# R: C1
def test_two_payments_of_one_order_are_one_payment_and_one_refund(play: CartPlay):
    order, first = play.paying()
    play.do(DeclinePayment(order, first, "timeout", ""))
    second = play.new_id()
    play.do(StartPayment(order, "card"), second)
    assert play.do(MarkPaid(order, first, "p1")) == ["Paid"]
    assert unfinished(play.order(order))
    assert play.do(MarkPaid(order, second, "p2")) == ["RefundOwed"]
    assert play.order(order).payment == "p1"


# R: C1
def test_a_refund_names_the_attempt_that_its_payment_was(play: CartPlay):
    """The provider is asked with both, and would not know a payment of another attempt."""
    order, first = play.paying()
    play.do(DeclinePayment(order, first, "timeout", ""))
    second = play.new_id()
    play.do(StartPayment(order, "card"), second)
    play.do(MarkPaid(order, second, "p2"))
    play.do(MarkPaid(order, first, "p1"))
    play.do(CancelOrder(order))
    assert {(r.attempt_id, r.payment) for r in play.order(order).refunds} == {(first, "p1"), (second, "p2")}


# R: C1
def test_who_cancels_what_is_paid_gets_the_money_back_once(play: CartPlay):
    order = play.paid()
    assert play.do(CancelOrder(order)) == ["OrderCancelled", "RefundOwed"]
    assert play.do(CancelOrder(order)) == []
    assert len(play.order(order).refunds) == 1


# R: C1
def test_what_is_paid_at_the_venue_is_paid_by_its_word_alone(play: CartPlay):
    order = play.ordered(pays_later=True)
    assert play.refusal(StartPayment(order, "card")) == ("pays-later", "conflict")
    assert play.do(MarkPaid(order, None, "venue-1")) == ["Paid"]
    assert play.do(CancelOrder(order)) == ["OrderCancelled", "RefundOwed"]
    assert play.order(order).refunds[0].attempt_id is None


# R: C1
def test_nothing_is_cancelled_once_it_has_begun(play: CartPlay):
    order = play.paid()
    play.now = OPENS
    assert play.refusal(CancelOrder(order)) == ("slot-past", "gone")


# R: C1
def test_an_order_is_tried_twenty_times(play: CartPlay):
    order = play.ordered()
    for n in range(MAX_ATTEMPTS):
        play.do(StartPayment(order, "card"), f"try{n}")
        play.do(DeclinePayment(order, f"try{n}", "no", ""))
    assert play.refusal(StartPayment(order, "card")) == ("too-many-payments", "full")


def in_state(play: CartPlay, state: OrderState) -> str:
    """An order that is in that state."""
    match state:
        case "placing":
            play.add()
            return play.place()
        case "awaiting":
            return play.ordered()
        case "paying":
            return play.paying()[0]
        case "paid":
            return play.paid()
        case "lapsed":
            return lapsed(play)[0]
        case "cancelled":
            return cancelled(play)[0]
        case _:
            play.add()
            return play.rejected()


TOO_EARLY, UNDER_WAY = ("order-too-early", "conflict"), ("payment-under-way", "conflict")
ACTS = ("confirm", "reject", "pay", "paid", "cancel")
TABLE: dict[OrderState, tuple[object, ...]] = {
    "placing": (["OrderConfirmed"], ["OrderRejected"], TOO_EARLY, TOO_EARLY, TOO_EARLY),
    "awaiting": ([], [], ["PaymentStarted"], ["Paid"], ["OrderCancelled"]),
    "paying": ([], [], UNDER_WAY, ["Paid"], UNDER_WAY),
    "paid": ([], [], ("order-paid", "conflict"), ["RefundOwed"], ["OrderCancelled", "RefundOwed"]),
    "lapsed": ([], [], ("order-lapsed", "gone"), ["RefundOwed"], ("order-lapsed", "gone")),
    "cancelled": ([], [], ("order-cancelled", "gone"), ["RefundOwed"], []),
    "rejected": ([], [], ("order-rejected", "gone"), ["RefundOwed"], ("order-rejected", "gone")),
}
"""What each act does to an order in each state: what happens, or how it is refused."""


# R: C1
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", TABLE)
def test_what_each_act_does_to_an_order(play: CartPlay, state: OrderState, act: str):
    order = in_state(play, state)
    acts: dict[str, CartAct] = {
        "confirm": ConfirmOrder(order),
        "reject": RejectOrder(order, ()),
        "pay": StartPayment(order, "card"),
        "paid": MarkPaid(order, None, "another"),
        "cancel": CancelOrder(order),
    }
    said = TABLE[state][ACTS.index(act)]
    assert (play.refusal if isinstance(said, tuple) else play.do)(acts[act]) == said


# R: C1
@pytest.mark.parametrize("state", TABLE)
def test_what_is_said_to_be_possible_with_an_order_is(play: CartPlay, state: OrderState):
    order = play.order(in_state(play, state))
    assert may_pay(order, play.now) == (TABLE[state][ACTS.index("pay")] == ["PaymentStarted"])
    assert may_cancel(order, play.now) == (state in ("awaiting", "paid"))
    assert not may_pay(order, order.pay_by)
    assert not may_cancel(order, OPENS)


# R: C1
def test_an_order_that_is_paid_at_the_venue_or_was_tried_too_often_is_not_said_to_be_payable(play: CartPlay):
    later, tried = play.ordered(pays_later=True), play.ordered()
    for n in range(MAX_ATTEMPTS):
        assert may_pay(play.order(tried), play.now)
        play.do(StartPayment(tried, "card"), f"try{n}")
        play.do(DeclinePayment(tried, f"try{n}", "no", ""))
    assert [may_pay(play.order(order), play.now) for order in (later, tried)] == [False, False]
    assert [may_cancel(play.order(order), play.now) for order in (later, tried)] == [True, True]


@pytest.mark.parametrize(
    "act",
    [
        ConfirmOrder("x"),
        RejectOrder("x", ()),
        StartPayment("x", "card"),
        DeclinePayment("x", "a", "no", ""),
        MarkPaid("x", None, "p"),
        CancelOrder("x"),
        NoteRefund("x", "p", "r"),
        SettleOrder("x", "paid"),
    ],
)
def test_an_order_that_is_not_there_is_said_to_be_none(play: CartPlay, act: CartAct):
    play.do(OpenCart())
    assert play.refusal(act) == ("unknown-order", "missing")


@pytest.mark.parametrize("act", [ConfirmAdd("x"), RemoveLine("x"), NoteExtension("x", START + DAY, 1)])
def test_a_line_that_is_not_there_is_said_to_be_none(play: CartPlay, act: CartAct):
    play.do(OpenCart())
    assert play.refusal(act) == ("unknown-line", "missing")


# R: C1
def test_only_the_state_that_stands_is_settled_and_every_new_one_must_be(play: CartPlay):
    order = play.ordered()
    assert (play.settle(order), play.settle(order)) == (["OrderSettled"], [])
    play.do(MarkPaid(order, None, "p1"))
    assert not play.order(order).settled
    assert play.do(SettleOrder(order, "awaiting")) == []
    play.do(CancelOrder(order))
    assert play.do(SettleOrder(order, "paid")) == []
    assert unfinished(play.order(order))


# R: C1
def test_an_order_is_forgotten_when_nothing_is_left_to_do_for_it_and_its_day_is_long_past(play: CartPlay):
    order = play.paid()
    end = OPENS + 2 * HOUR
    assert not is_past(play.order(order), end + KEPT + SECOND)
    play.settle(order)
    assert not is_past(play.order(order), end + KEPT)
    assert is_past(play.order(order), end + KEPT + SECOND)


# R: C1
def test_an_order_that_money_was_tried_for_is_kept_for_money_that_comes_late(play: CartPlay):
    order, _ = lapsed(play)
    play.settle(order)
    assert not is_past(play.order(order), play.now)
    assert is_past(play.order(order), OPENS + 2 * HOUR + KEPT + SECOND)


def test_an_order_whose_seats_are_being_pinned_is_not_forgotten_however_old(play: CartPlay):
    play.add()
    assert not is_past(play.order(play.place()), OPENS + KEPT + DAY)


# --- as JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", TABLE)
def test_a_cart_reads_back_as_it_was_written_and_its_log_folds_to_it(play: CartPlay, state: OrderState):
    in_state(play, state)
    play.do(NoteDiscount(TripDiscount("t", 10, 5)))
    play.do(play.adding(1, slot=slot_info("other")))
    play.fail(play.state.lines[-1].id)
    play.add(1, slot=slot_info("third"))
    assert decode_cart(encode_cart(play.state)) == play.state
    folded = None
    for e in play.events:
        folded = cart.evolve(folded, decode_event(encode_event(e)))
    assert folded == play.state


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"user": 1}', b'{"user": "a", "x":' + b"[" * 100_000])
def test_bytes_that_are_no_cart_are_a_value_error(body: bytes):
    with pytest.raises(ValueError):
        decode_cart(body)


def test_a_cart_that_a_newer_version_wrote_is_not_guessed_at(play: CartPlay):
    play.do(OpenCart())
    with pytest.raises(ValueError, match="version 2"):
        decode_cart(encode_cart(play.state).replace(b'"v":1', b'"v":2'))


def test_a_cart_without_what_came_later_still_reads():
    assert decode_cart(b'{"user": "ana"}') == cart.Cart("ana")


def test_an_event_that_can_not_follow_is_a_value_error(play: CartPlay):
    play.add()
    opened, held = play.events[0], event("cart:ana", 9, START, None, "c", LineHeld("nobody"))
    for bad in (opened, held):
        with pytest.raises(ValueError):
            cart.evolve(play.state, bad)
    with pytest.raises(ValueError):
        cart.evolve(None, held)
    for order in ("OrderConfirmed", "Lapsed", "Paid"):
        e = decode_event(
            msgspec.json.encode(
                {
                    "topic": "cart:ana",
                    "seq": 1,
                    "type": order,
                    "at": "2026-05-01T12:00:00Z",
                    "by": None,
                    "command": "c",
                    "data": {"orderId": "nowhere", "attemptId": None, "payment": ""},
                }
            )
        )
        with pytest.raises(ValueError):
            cart.evolve(play.state, e)


# R: C2
def test_the_timer_is_due_when_it_or_whoever_takes_up_what_was_begun_first_has_something_to_do(play: CartPlay):
    assert next_due(cart.Cart("ana")) is None
    play.add()
    due = next_due(play.state)
    assert due == START + HELD
    command = cart.CartCommand("c", None, CartTick())
    assert cart.decide(play.state, command, due - timedelta(microseconds=1)) == ()
    assert cart.decide(play.state, command, due)
    order = play.place()
    assert next_due(play.state) == START + TAKEN_UP
    play.do(ConfirmOrder(order))
    play.settle(order)
    assert next_due(play.state) == play.order(order).pay_by
    late: datetime = play.order(order).pay_by
    assert cart.decide(play.state, command, late - timedelta(microseconds=1)) == ()
    assert cart.decide(play.state, command, late)
