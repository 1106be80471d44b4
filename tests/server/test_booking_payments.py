"""Orders that are paid at the venue, or whose provider is not there: asked before they end, and told when they did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.support.booking import (
    SECRET,
    Clock,
    Shop,
    add,
    box_office,
    cancel,
    charges,
    check_out,
    load,
    money,
    order_of,
    pay,
    refused,
    shop,
    states,
)
from tests.support.people import Person

from roadcrew_domain.cart_acts import MarkPaid
from roadcrew_domain.events import BadEvent
from roadcrew_server.booking import paying
from roadcrew_server.payments.base import Charge, PaymentTrouble, Succeeded


@pytest.fixture
async def open_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    """A server where one can book, whose box office has a secret."""
    monkeypatch.setenv("ROADCREW_PAYMENT_VENUE_SECRET", SECRET)
    async with shop(tmp_path) as opened:
        yield opened


async def ordered(person: Person, provider: str = "simulated") -> str:
    """The id of a new order of seats in `SLOT`."""
    await add(person)
    return str((await check_out(person, provider))["id"])


# R: C1 C2
@pytest.mark.parametrize("over", ["lapsed", "cancelled"])
async def test_a_box_office_that_took_money_for_an_order_that_is_over_is_told_to_give_it_back(
    open_shop: Shop, over: str
) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana, "venue")
    (waiting,) = await charges(open_shop, "venue")
    if over == "lapsed":
        await open_shop.later(days=7)
    else:
        await cancel(ana, order)
    for _ in range(3):
        said = refused(await box_office(open_shop, waiting, f"{ana.id}_{order}"), 400, "bad-notice")
        assert "Give the money back" in said["detail"]
    now = order_of(await load(ana), order)
    assert (now["state"], now["refunds"]) == (over, [])
    assert (await money(open_shop, "venue"), await states(open_shop)) == (0, [])


# R: C1
async def test_an_order_that_is_paid_at_the_venue_waits_for_its_box_office(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana, "venue")
    assert order_of(await load(ana), order)["state"] == "awaiting"
    refused(await ana.post("/api/cart/pay", {"orderId": order}), 409, "pays-later")
    await open_shop.later(days=6)
    assert await states(open_shop) == ["pinned"]
    (charge,) = await charges(open_shop, "venue")
    for _ in range(2):
        assert (await box_office(open_shop, charge, f"{ana.id}_{order}")).status_code == 204
    assert order_of(await load(ana), order)["state"] == "paid"
    assert (await states(open_shop), await money(open_shop, "venue")) == (["sold"], 2800)


# R: C1 C2
@pytest.mark.parametrize("heard", ["on looking", "at the end"])
async def test_a_payment_at_the_venue_of_which_the_cart_never_heard_is_heard_of(open_shop: Shop, heard: str) -> None:
    ana = await open_shop.guest("Ana")
    await ordered(ana, "venue")
    (charge,) = await charges(open_shop, "venue")
    venue: Any = open_shop.server.payments.providers["venue"].inner
    await venue.mark_paid(charge, "somebody who dies now")
    if heard == "on looking":
        await load(ana)
    else:
        await open_shop.later(days=7)
    assert (await open_shop.cart(ana)).orders[0].state == "paid"
    assert (await states(open_shop), await money(open_shop, "venue")) == (["sold"], 2800)


# R: C1 C2
async def test_a_payment_at_the_venue_of_which_a_cancelled_order_never_heard_goes_back_once(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana, "venue")
    (charge,) = await charges(open_shop, "venue")
    venue: Any = open_shop.server.payments.providers["venue"].inner
    await venue.mark_paid(charge, "the box office")
    for _ in range(2):
        over = await cancel(ana, order)
        assert (over["state"], [refund["state"] for refund in over["refunds"]]) == ("cancelled", ["done"])
    assert (await states(open_shop), await money(open_shop, "venue")) == ([], 0)


# R: C1 C2
async def test_an_order_that_is_paid_at_the_venue_does_not_lapse_while_the_venue_cant_be_asked(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await open_shop.guest("Ana")
    await ordered(ana, "venue")

    async def away(charge: Charge) -> None:
        raise PaymentTrouble("nobody is there")

    with monkeypatch.context() as patch:
        patch.setattr(open_shop.server.payments.providers["venue"].inner, "give_up", away)
        await open_shop.later(days=7)
        assert (await open_shop.cart(ana)).orders[0].state == "awaiting"
    await open_shop.later(seconds=31)
    assert (await open_shop.cart(ana)).orders[0].state == "lapsed"


# R: C1 C2
async def test_an_order_whose_provider_was_taken_out_of_the_settings_waits_for_it_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paying._say_gone.cache_clear()
    clock = Clock()
    async with shop(tmp_path, clock=clock) as before:
        ana = await before.guest("Ana")
        await pay(ana, await ordered(ana), "lost")
    async with shop(tmp_path, clock=clock, payments="venue") as without:
        for _ in range(3):
            await without.later(minutes=20)
        assert ((await without.cart(ana)).orders[0].state, await states(without)) == ("paying", ["pinned"])
    assert [r.levelname for r in caplog.records if "provider simulated, which" in r.message] == ["ERROR"]
    async with shop(tmp_path, clock=clock) as again:
        await again.later(minutes=1)
        assert ((await again.cart(ana)).orders[0].state, await states(again)) == ("paid", ["sold"])


# R: C1 C2
async def test_what_was_never_paid_at_a_venue_that_is_taken_out_of_the_settings_lapses(tmp_path: Path) -> None:
    clock = Clock()
    async with shop(tmp_path, clock=clock) as before:
        ana = await before.guest("Ana")
        await ordered(ana, "venue")
    async with shop(tmp_path, clock=clock, payments="simulated") as without:
        await without.later(days=7)
        order = (await without.cart(ana)).orders[0]
        assert (order.state, order.settled, await states(without)) == ("lapsed", True, [])


# R: C2
async def test_what_a_cart_could_not_be_read_with_again_is_never_written_into_it(tmp_path: Path) -> None:
    clock, nothing = Clock(), cast("str", None)
    async with shop(tmp_path, clock=clock) as before:
        ana = await before.guest("Ana")
        order = await ordered(ana)
        with pytest.raises(BadEvent):
            await before.server.booking._desk.cart_does(ana.id, MarkPaid(order, None, nothing))
    async with shop(tmp_path, clock=clock) as after:
        assert [o.state for o in (await after.cart(ana)).orders] == ["awaiting"]


# R: C1 C2
async def test_an_order_that_a_provider_calls_paid_as_it_hears_of_it_is_paid(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(charge: Charge) -> Succeeded:
        return Succeeded("by account")

    monkeypatch.setattr(open_shop.server.payments.providers["venue"].inner, "charge", at_once)
    ana = await open_shop.guest("Ana")
    order = await ordered(ana, "venue")
    now = order_of(await load(ana), order)
    assert (now["state"], now["payment"], await states(open_shop)) == ("paid", "by account", ["sold"])


# R: C1 C2
async def test_an_order_that_nobody_paid_at_the_venue_lapses_when_its_slot_begins(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    order = await ordered(ana, "venue")
    await open_shop.later(days=7, seconds=-1)
    assert await states(open_shop) == ["pinned"]
    await open_shop.later(seconds=1)
    assert (order_of(await load(ana), order)["state"], await states(open_shop)) == ("lapsed", [])


FAR = "azulejo-light.20350712.1000"
"""A Thursday, 406 days ahead."""


# R: C1 C2
@pytest.mark.parametrize("provider", ["simulated", "venue"])
async def test_what_is_known_of_a_payment_is_kept_for_as_long_as_its_order_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setenv("ROADCREW_PAYMENT_VENUE_SECRET", SECRET)
    async with shop(tmp_path, book_ahead_days=410, session_days=1000) as opened:
        ana = await opened.guest("Ana")
        await add(ana, FAR)
        order = str((await check_out(ana, provider))["id"])
        if provider == "simulated":
            await pay(ana, order)
        await opened.later(days=401)
        if provider == "venue":
            (charge,) = await charges(opened, "venue")
            assert (await box_office(opened, charge, f"{ana.id}_{order}")).status_code == 204
        assert order_of(await load(ana), order)["state"] == "paid"
        assert [refund["state"] for refund in (await cancel(ana, order))["refunds"]] == ["done"]
