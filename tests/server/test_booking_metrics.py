"""What is booked can be read off `/metrics`: how adds go, and where people drop off before they have paid."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.server.test_metrics import Since
from tests.support.booking import NEXT, SLOT, SMALL, Shop, add, cancel, check_out, pay, refused, shop


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A server where one can book."""
    async with shop(tmp_path) as opened:
        yield opened


# R: C10
async def test_adds_are_counted_by_result_and_each_once_however_often_it_is_sent(open_shop: Shop) -> None:
    ana, ben = await open_shop.guest("Ana"), await open_shop.guest("Ben")
    since, key = await Since.now(open_shop.http), str(uuid.uuid4())
    for _ in range(3):
        await add(ana, SMALL, adult=10, key=key)
    body = {"slotId": SMALL, "tickets": {"adult": 9}}
    refused(await ben.post("/api/cart/add", body), 409, "seats-gone")
    refused(await ben.post("/api/cart/add", {**body, "slotId": "none"}), 404, "unknown-slot")
    refused(await ana.post("/api/cart/add", body), 409, "too-many-seats")
    results = ("held", "seats-gone", "refused")
    assert [await since.moved("roadcrew_cart_adds_total", result) for result in results] == [1, 1, 2]


# R: C10
async def test_orders_and_payments_are_counted_by_what_became_of_them(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    since = await Since.now(open_shop.http)
    await add(ana)
    order = (await check_out(ana))["id"]
    await pay(ana, order, "refuse")
    await pay(ana, order)
    await cancel(ana, order)
    for slot in (SLOT, NEXT):
        await add(ana, slot)
        await check_out(ana)
    await open_shop.later(minutes=15)
    states = ("placed", "paid", "lapsed", "cancelled", "rejected")
    assert [await since.moved("roadcrew_orders_total", state) for state in states] == [3, 1, 2, 1, 0]
    outcomes = ("begun", "declined", "owed-back", "paid-back")
    assert [await since.moved("roadcrew_payments_total", outcome) for outcome in outcomes] == [2, 1, 1, 1]
    text = (await open_shop.http.get("/metrics")).text
    assert [secret for secret in (ana.id, order, SLOT, "Ana") if secret in text] == []
