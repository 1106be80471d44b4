"""What is done for a cart when it is due or looked at: what others left undone, each for itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.booking import NEXT, SLOT, Shop, add, check_out, shop

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
