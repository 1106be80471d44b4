"""Orders over HTTP: placed, paid, lapsed, cancelled; one end each, and money for nothing goes back."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.booking import (
    NEXT,
    SMALL,
    Shop,
    add,
    books,
    cancel,
    check_out,
    load,
    money,
    order_of,
    pay,
    refused,
    shop,
    states,
)
from tests.support.people import Person, crew, eventually

from roadcrew_server.booking import ordering
from roadcrew_server.stores.base import StoreUnavailable


@pytest.fixture
async def open_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    """A server where one can book, whose simulated bank takes a moment."""
    monkeypatch.setenv("ROADCREW_PAYMENT_SIMULATED_SECONDS", "0.05")
    async with shop(tmp_path) as opened:
        yield opened


async def ordered(person: Person, provider: str = "simulated") -> str:
    """The id of a new order of seats in `SLOT`."""
    await add(person)
    return str((await check_out(person, provider))["id"])


# R: C1 C2
async def test_seats_that_are_ordered_are_pinned_until_the_order_is_paid_or_over(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    line = (await add(ana))["lineId"]
    order = await check_out(ana)
    assert await states(open_shop) == ["pinned"]
    refused(await ana.post("/api/cart/remove", {"lineId": line}), 404, "unknown-line")
    await open_shop.later(minutes=14)
    assert await states(open_shop) == ["pinned"]
    assert (await pay(ana, order["id"]))["state"] == "paid"
    await open_shop.later(hours=3)
    assert (await states(open_shop), await money(open_shop)) == (["sold"], 2800)


# R: C1
async def test_some_lines_can_be_ordered_and_the_others_stay(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    first, second = (await add(ana))["lineId"], (await add(ana, NEXT))["lineId"]
    order = await check_out(ana, lineIds=[second, second])
    assert [line["id"] for line in order["lines"]] == [second]
    assert [line["id"] for line in (await load(ana))["cart"]["lines"]] == [first]
    refused(await ana.post("/api/cart/checkout", {"lineIds": [first, str(uuid.uuid4())]}), 404, "unknown-line")
    refused(await ana.post("/api/cart/checkout", {"provider": "barter"}), 422, "unknown-provider")
    refused(await (await open_shop.guest("Ben")).post("/api/cart/checkout", {}), 409, "cart-empty")
    assert [line["id"] for line in (await load(ana))["cart"]["lines"]] == [first]


# R: C1 C2
async def test_an_order_that_is_not_paid_runs_out_and_its_seats_are_free_at_once(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    await open_shop.later(minutes=15)
    assert (await open_shop.cart(ana)).orders[0].state == "lapsed"
    assert (await open_shop.left(), await states(open_shop)) == (40, [])
    refused(await ana.post("/api/cart/pay", {"orderId": order}), 410, "order-lapsed")
    refused(await ana.post("/api/cart/cancel", {"orderId": order}), 410, "order-lapsed")
    assert (await money(open_shop), (await open_shop.cart(ana)).orders[0].settled) == (0, True)


# R: C1 C2
async def test_nobody_pays_after_the_time_also_before_that_is_announced(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    open_shop.clock.later(minutes=15)
    problem = refused(await ana.post("/api/cart/pay", {"orderId": order}), 410, "order-lapsed")
    assert problem["payBy"].startswith("2034-06-01T09:15:00")
    assert await books(open_shop, "simulated") == []


# R: C1
async def test_a_payment_that_is_refused_can_be_tried_again(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    tried = await pay(ana, order, "refuse")
    assert (tried["state"], [a["state"] for a in tried["attempts"]]) == ("awaiting", ["declined"])
    assert tried["attempts"][0]["detail"] == "The simulated card was declined. Nothing was charged."
    assert (await states(open_shop), await money(open_shop)) == (["pinned"], 0)
    assert [a["state"] for a in (await pay(ana, order))["attempts"]] == ["declined", "succeeded"]
    refused(await ana.post("/api/cart/pay", {"orderId": order}), 409, "order-paid")
    assert (await states(open_shop), await money(open_shop)) == (["sold"], 2800)


# R: C1
async def test_a_payment_that_takes_a_while_is_paid_when_the_provider_says_so(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    assert (await pay(ana, order, "slow"))["state"] == "paying"
    for path in ("pay", "cancel"):
        refused(await ana.post(f"/api/cart/{path}", {"orderId": order}), 409, "payment-under-way")
    topic = await open_shop.server.hub.topic(f"cart:{ana.id}")
    paid = ("paid", True)
    await eventually(lambda: (topic.state.orders[0].state, topic.state.orders[0].settled) == paid, "the webhook")
    assert (await states(open_shop), await money(open_shop)) == (["sold"], 2800)


# R: C1
async def test_a_payment_whose_answer_was_lost_is_asked_for_and_charged_once(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    assert (await pay(ana, order, "lost"))["state"] == "paying"
    assert await states(open_shop) == ["pinned"]
    await open_shop.later(seconds=9)
    assert (await open_shop.cart(ana)).orders[0].state == "paying"
    await open_shop.later(seconds=1)
    assert (await open_shop.cart(ana)).orders[0].state == "paid"
    assert (await states(open_shop), await money(open_shop)) == (["sold"], 2800)


# R: C1
async def test_a_payment_that_is_told_of_three_times_is_one(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    assert (await pay(ana, order, "twice"))["state"] == "paid"
    provider: Any = open_shop.server.payments.providers["simulated"].inner
    await eventually(lambda: not provider._under_way, "both webhooks")
    now = (await open_shop.cart(ana)).orders[0]
    assert (now.state, now.refunds, await money(open_shop)) == ("paid", (), 2800)


# R: C1 C2
async def test_an_order_whose_payment_is_not_known_does_not_lapse_before_the_provider_was_asked(
    open_shop: Shop,
) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    await pay(ana, order, "lost")
    open_shop.clock.later(minutes=30)
    assert (await load(ana))["cart"]["orders"][0]["state"] == "paid"
    assert (await states(open_shop), await money(open_shop)) == (["sold"], 2800)


# R: C1 C2
async def test_an_order_that_is_cancelled_before_it_is_paid_frees_its_seats(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    for _ in range(2):
        now = await cancel(ana, order)
        assert (now["state"], now["refunds"]) == ("cancelled", [])
    assert (await open_shop.left(), await money(open_shop)) == (40, 0)
    refused(await ana.post("/api/cart/pay", {"orderId": order}), 410, "order-cancelled")


# R: C1 C2
async def test_an_order_that_is_cancelled_after_it_was_paid_is_paid_back_once(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    await pay(ana, order)
    for _ in range(2):
        now = await cancel(ana, order)
        assert (now["state"], [refund["state"] for refund in now["refunds"]]) == ("cancelled", ["done"])
    assert (await open_shop.left(), await money(open_shop)) == (40, 0)
    assert len([entry for entry in await books(open_shop, "simulated") if entry.refund]) == 1


# R: C1
async def test_nothing_is_cancelled_once_it_has_begun(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    await pay(ana, order)
    await open_shop.later(days=7)
    refused(await ana.post("/api/cart/cancel", {"orderId": order}), 410, "slot-past")
    assert await money(open_shop) == 2800


# R: C1 C13
@pytest.mark.parametrize("provider", ["simulated", "venue"])
async def test_what_costs_nothing_is_paid_by_ordering_it(open_shop: Shop, provider: str) -> None:
    ana = await open_shop.guest("Ana")
    await add(ana, infant=2)
    order = await check_out(ana, provider)
    assert (order["state"], order["total"]) == ("paid", 0)
    assert (await states(open_shop), await books(open_shop, provider)) == (["sold"], [])
    assert (await cancel(ana, order["id"]))["refunds"] == []
    assert await open_shop.left() == 40


# R: C2
async def test_an_order_that_could_not_have_all_its_seats_is_rejected_and_the_rest_is_in_the_cart_again(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, (ben, ana) = await crew(open_shop.http, 2)
    trip = made["trip"]["id"]
    lost, kept = (await add(ana, SMALL, adult=10, trip=trip))["lineId"], (await add(ana, trip=trip))["lineId"]
    body, key = {"provider": "venue"}, str(uuid.uuid4())

    async def dies(*_: object, **__: object) -> None:
        raise StoreUnavailable("the process dies after the order was written down")

    with monkeypatch.context() as patch:
        patch.setattr(ordering, "advance", dies)
        assert (await ana.post("/api/cart/checkout", body, key=key)).status_code == 503
    open_shop.clock.later(minutes=15)
    await add(ben, SMALL, adult=10)
    problem = refused(await ana.post("/api/cart/checkout", body, key=key), 409, "seats-gone")
    assert problem["detail"] == "Seats are no longer available. Please select different tickets."
    assert problem["left"] == 2
    now = (await load(ana))["cart"]
    assert [(line["id"], line["state"]) for line in now["lines"]] == [(kept, "held")]
    assert [(order["state"], order["lost"]) for order in now["orders"]] == [("rejected", [lost])]
    assert (await states(open_shop), await open_shop.left(SMALL)) == (["held"], 2)
    order = await check_out(ana, "venue")
    assert ([line["id"] for line in order["lines"]], order["state"]) == ([kept], "awaiting")
    (booking,) = (await ana.trip(trip)).json()["trip"]["bookings"]
    answer = await ben.post("/api/cart/paid", {"tripId": trip, "bookingId": booking["id"]})
    assert answer.status_code == 204, answer.text
    assert (order_of(await load(ana), order["id"])["state"], await states(open_shop)) == ("paid", ["sold"])


# R: C1
async def test_what_cannot_be_paid_is_refused(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    refused(await ana.post("/api/cart/pay", {"orderId": str(uuid.uuid4())}), 404, "unknown-order")
    refused(await ana.post("/api/cart/cancel", {"orderId": str(uuid.uuid4())}), 404, "unknown-order")
    refused(await ana.post("/api/cart/pay", {"orderId": order, "method": "shells"}), 422, "unknown-method")
    assert order_of(await load(ana), order)["attempts"] == []


# R: C1
async def test_many_tries_to_pay_at_once_are_one_payment(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana)
    body = {"orderId": order, "method": "accept"}
    answers = await asyncio.gather(*(ana.post("/api/cart/pay", body) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (order_of(await load(ana), order)["state"], await money(open_shop)) == ("paid", 2800)
    assert len(await books(open_shop, "simulated")) == 1
