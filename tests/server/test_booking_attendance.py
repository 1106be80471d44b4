"""Looking after carts takes as long as a payment provider takes, and nobody waits for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.support.booking import Shop, add, check_out, load, pay, shop
from tests.support.people import eventually

from roadcrew_server.booking.attending import AT_ONCE, MOST_WAITING, Attendance
from roadcrew_server.payments.base import Charge, Outcome, PaymentTrouble


class Silent:
    """A provider, in place of the calls of another: its charges are lost, and whoever looks waits."""

    def __init__(self, inner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = self.given_up = 0
        self.speaks = asyncio.Event()
        self._look = inner.look
        monkeypatch.setattr(inner, "look", self.look)

    async def look(self, charge: Charge) -> Outcome | None:
        """As the other, when it speaks."""
        self.asked += 1
        try:
            await self.speaks.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.asked == 1:
            raise PaymentTrouble("it has lost the thread")
        outcome: Outcome | None = await self._look(charge)
        return outcome


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A server where one can book, and that gives a provider all the time it wants."""
    async with shop(tmp_path, payment_timeout=120) as opened:
        yield opened


def silent(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Silent:
    """The provider of that shop says nothing from now on."""
    provider: Any = shop.server.payments.providers["simulated"]
    return Silent(provider.inner, monkeypatch)


# R: C6
async def test_a_cart_is_shown_while_a_provider_is_silent_and_the_provider_is_asked_once(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await open_shop.guest("Ana")
    await add(ana)
    order = (await check_out(ana))["id"]
    assert (await pay(ana, order, "lost"))["state"] == "paying"
    provider = silent(open_shop, monkeypatch)
    open_shop.clock.later(seconds=11)
    for _ in range(3):
        assert (await load(ana))["cart"]["orders"][0]["state"] == "paying"
    await open_shop.server.hub._tick(f"cart:{ana.id}")
    assert provider.asked == 1
    provider.speaks.set()
    cart = await open_shop.server.hub.topic(f"cart:{ana.id}")
    # The timer had come meanwhile, so it is gone over once more.
    await eventually(lambda: cart.state.orders[0].state == "paid")
    assert provider.asked == 2


# R: C6
async def test_a_server_that_stops_waits_for_no_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop(tmp_path, payment_timeout=120) as opened:
        ana = await opened.guest("Ana")
        await add(ana)
        await pay(ana, (await check_out(ana))["id"], "lost")
        provider = silent(opened, monkeypatch)
        opened.clock.later(seconds=11)
        await load(ana)
        assert (provider.asked, provider.given_up) == (1, 0)
    assert (provider.asked, provider.given_up) == (1, 1)


class Carts:
    """So many people, whose carts are looked after until `done`."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.begun: Counter[str] = Counter()
        self.tasks: set[asyncio.Task[None]] = set()
        self.attendance = Attendance(self.spawn, self.attend)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """As the hub does."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        return task

    async def attend(self, user: str) -> None:
        """It lasts."""
        self.begun[user] += 1
        await self.done.wait()
        if user == "0":
            raise ValueError("what nobody expects")


# R: C6
async def test_so_many_carts_are_looked_after_at_once_each_once_and_so_many_wait() -> None:
    carts = Carts()
    ticks = [asyncio.create_task(carts.attendance.due(str(n))) for n in range(MOST_WAITING + 5)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert (len(carts.tasks), len(carts.begun)) == (MOST_WAITING, AT_ONCE)
    for _ in range(3):
        await carts.attendance.due("1")
    carts.done.set()
    await asyncio.gather(*ticks, *carts.tasks)
    assert carts.begun == {str(n): 2 if n == 1 else 1 for n in range(MOST_WAITING)}
    await carts.attendance.due("0")
    assert carts.begun["0"] == 2
