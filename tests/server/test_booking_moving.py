"""What is booked goes along: through an export into another store, and into a backup of one that is in use."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.server.test_backup import back_up
from tests.server.test_moving import bring, quiet
from tests.support.booking import (
    NEXT,
    SECRET,
    SMALL,
    Clock,
    add,
    box_office,
    charges,
    check_out,
    load,
    money,
    order_of,
    pay,
    shop,
    timed_store,
)
from tests.support.people import Person

from roadcrew_server.moving.export import export

Move = Callable[[Path, Path, Clock], Awaitable[None]]


async def by_export(old: Path, new: Path, clock: Clock) -> None:
    """Into a file and into another store."""
    file = old / "all.export"
    source, target = timed_store(old, clock), timed_store(new, clock)
    await source.open()
    await export(source, file, quiet)
    await source.close()
    await target.open()
    await bring(target, file)
    await target.close()


async def by_backup(old: Path, new: Path, clock: Clock) -> None:
    """A copy of the file."""
    await asyncio.to_thread(back_up, old / "store.sqlite", new / "store.sqlite")


# R: C1 C2 G4
@pytest.mark.parametrize("move", [by_export, by_backup])
async def test_carts_seats_and_payments_are_what_they_were_and_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: Move
) -> None:
    monkeypatch.setenv("ROADCREW_PAYMENT_VENUE_SECRET", SECRET)
    clock, old, new = Clock(), tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    async with shop(old, clock=clock) as before:
        ana = await before.guest("Ana")
        await add(ana, adult=3)
        paid = (await check_out(ana))["id"]
        await pay(ana, paid, "lost")
        await add(ana, NEXT)
        waiting = (await check_out(ana, "venue"))["id"]
        await add(ana, SMALL, adult=4)
        cart = (await load(ana))["cart"]
        (charge,) = await charges(before, "venue")
    await move(old, new, clock)
    async with shop(new, clock=clock) as after:
        ana = Person(after.http, ana.token, ana.id)
        assert (await load(ana))["cart"] == cart
        assert [await after.left(slot) for slot in (NEXT, SMALL)] == [38, 8]
        await after.later(seconds=11)
        assert (await box_office(after, charge, f"{ana.id}_{waiting}")).status_code == 204
        now = await load(ana)
        assert [order_of(now, order)["state"] for order in (paid, waiting)] == ["paid", "paid"]
        assert [await money(after, provider) for provider in ("simulated", "venue")] == [4200, 2800]
        await after.later(minutes=15)
        assert (await load(ana))["cart"]["lines"] == []
        assert [await after.left(slot) for slot in (NEXT, SMALL)] == [38, 12]
