"""What is done for a cart when it is due or looked at: what others left undone, each for itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.booking import NEXT, SLOT, Shop, add, check_out, load, shop

from roadcrew_domain.cart_acts import NoteExtension
from roadcrew_server.booking import holding
from roadcrew_server.stores.base import StoreUnavailable
from roadcrew_server.stores.sqlite import SqliteStore


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A server where one can book."""
    async with shop(tmp_path) as opened:
        yield opened


# R: C2
async def test_an_order_that_can_not_be_brought_on_keeps_no_other_from_it(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, whole = await open_shop.guest("Ana"), SqliteStore.append
    for slot in (SLOT, NEXT):
        await add(ana, slot)
        await check_out(ana)

    async def broken(store: SqliteStore, topic: str, *given: Any, **more: Any) -> Any:
        if topic == f"slot:{SLOT}":
            raise StoreUnavailable("this slot can't be written")
        return await whole(store, topic, *given, **more)

    monkeypatch.setattr(SqliteStore, "append", broken)
    await open_shop.later(minutes=15)
    assert [order.settled for order in (await open_shop.cart(ana)).orders] == [False, True]
    assert (await open_shop.slot(NEXT)).taken == 0


# R: C2
async def test_seats_that_were_given_back_are_free_though_the_process_died_in_the_middle_of_it(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await open_shop.guest("Ana")
    body = {"lineId": (await add(ana))["lineId"]}
    with monkeypatch.context() as dead:
        dead.setattr(holding, "give_back", nothing)
        await ana.do("/api/cart/remove", body, key="one")
    assert (await open_shop.slot()).taken == 2
    await ana.do("/api/cart/remove", body, key="one")
    assert (await open_shop.slot()).taken == 0


# R: C2
@pytest.mark.parametrize("then", ["somebody looks", "its time comes"])
async def test_seats_that_were_given_back_are_free_though_who_did_that_does_not_come_again(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    ana = await open_shop.guest("Ana")
    gone = (await add(ana))["lineId"]
    await add(ana, NEXT)
    with monkeypatch.context() as dead:
        dead.setattr(holding, "give_back", nothing)
        await ana.do("/api/cart/remove", {"lineId": gone})
    if then == "somebody looks":
        await load(ana)
    else:
        await open_shop.server.hub._tick(f"cart:{ana.id}")
    assert (await open_shop.slot()).taken == 0


# R: C2
async def test_seats_of_a_line_that_ran_out_are_free_though_its_slot_had_kept_them_longer_and_the_process_died(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, hub = await open_shop.guest("Ana"), open_shop.server.hub
    line = (await add(ana))["lineId"]
    open_shop.clock.later(minutes=10)
    execute = hub.execute

    async def dies(name: str, command: Any, **more: Any) -> Any:
        if isinstance(getattr(command, "act", None), NoteExtension):
            raise StoreUnavailable("this process is dead")
        return await execute(name, command, **more)

    with monkeypatch.context() as dead:
        dead.setattr(hub, "execute", dies)
        assert (await ana.post("/api/cart/extend", {"lineId": line})).status_code == 503
    await open_shop.later(minutes=5)
    cart = await open_shop.cart(ana)
    assert (cart.lines, cart.ended_as(line)) == ((), "expired")
    assert (await open_shop.slot()).taken == 0


async def nothing(*_: object) -> None:
    """What a process does that is dead."""
