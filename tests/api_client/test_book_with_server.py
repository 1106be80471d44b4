"""Booking by the client against the real server: from the catalogue to a paid order, seen by everybody who looks; and a
program that is killed with `kill -9` in the middle of it."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.api_client.scripted import until
from tests.conftest import Count, Figure
from tests.support.serving import Running, served

import roadcrew_client as rc
from roadcrew_client.pending_booking import PendingBookings
from roadcrew_client.settings import ClientSettings
from roadcrew_domain.exhibitions import SlotInfo

ROOT = Path(__file__).parents[2]
QUICK = ClientSettings(backoff_base=0.05, backoff_cap=0.5, retry_initial=0.05, look_throttle=0.05)
WAIT = 10.0


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with served(tmp_path, catalog="sample", payments="simulated,venue") as running:
        yield running


@contextlib.asynccontextmanager
async def guest(url: str, name: str) -> AsyncIterator[rc.Client]:
    """Somebody without an account."""
    async with rc.Client(url, settings=QUICK) as client:
        await client.guest(name)
        yield client


async def a_slot(client: rc.Client, number: int = 0) -> SlotInfo:
    """One of the first exhibition, on an open day a month ahead."""
    exhibition = (await client.exhibitions()).exhibitions[0]
    first = datetime.now(UTC).date() + timedelta(days=30)
    day = next(d for d in (first + timedelta(days=n) for n in range(30)) if exhibition.open_on(d))
    return (await client.slots(exhibition.id, day)).slots[number].info(exhibition)


# R: C1 C7 C11 C13
async def test_from_the_catalogue_to_a_paid_order_which_everybody_who_looks_sees(running: Running, tmp_path: Path):
    async with guest(running.url, "Ana") as ana, guest(running.url, "Ben") as ben:
        info = await ana.server_info()
        assert "book" in info.features
        simulated = next(way for way in info.payments if way.simulated)
        assert (await ana.exhibitions()).sample
        slot, other = await a_slot(ana), await a_slot(ana, 1)
        async with (
            rc.Client(running.url, token=ana.token, settings=QUICK) as device,
            ana.follow_book() as here,
            device.follow_book() as there,
            ben.follow_book() as bens,
        ):
            for book in (here, there, bens):
                book.watch([slot.slot_id, other.slot_id])
            await until(lambda: all(len(book.slots) == 2 for book in (here, there, bens)), WAIT)
            before = bens.slots[slot.slot_id].left
            flow = rc.BookingFlow(ana, PendingBookings(tmp_path / "data"))
            added = await flow.book(slot, {"adult": 2, "child": 1})
            assert isinstance(added, rc.Added)
            assert here.cart == added.answer.cart
            assert added.answer.prices[0].amount == added.answer.cart.lines[0].amount > 0
            line = added.pending.id
            await until(lambda: there.cart == here.cart and bens.slots[slot.slot_id].left == before - 3, WAIT)
            assert bens.cart is not None
            assert bens.cart.lines == ()
            extended = await ana.extend_hold(line)
            assert extended.cart.lines[0].extensions == 1
            await ana.add_to_cart(other.slot_id, {"adult": 1})
            order = await ana.checkout([line], simulated.id)
            assert order.order_id is not None
            paid = await ana.pay(order.order_id, "accept")
            found = paid.cart.order(order.order_id)
            assert found is not None
            assert found.state == "paid"
            await ana.remove_from_cart(paid.cart.lines[0].id)
            loaded = await ana.load_cart()
            assert loaded is not None
            await until(lambda: here.cart == there.cart == loaded.cart, WAIT)
            await until(lambda: bens.slots[other.slot_id].left == bens.slots[other.slot_id].capacity, WAIT)
            assert bens.slots[slot.slot_id].left == before - 3
            assert (ana.figures.book.orders_placed, ana.figures.book.orders_paid) == (1, 1)
        await flow._pendings.close()


# R: C3 C9
async def test_a_guest_books_becomes_an_account_and_has_the_cart_still(running: Running, tmp_path: Path):
    async with guest(running.url, "Ana") as ana:
        slot = await a_slot(ana)
        flow = rc.BookingFlow(ana, PendingBookings(tmp_path / "data"))
        assert isinstance(await flow.book(slot, {"adult": 2}), rc.Added)
        await ana.upgrade("ana", "correct horse battery")
        await flow._pendings.close()
    async with rc.Client(running.url, settings=QUICK) as later:
        await later.login("ana", "correct horse battery")
        loaded = await later.load_cart()
        assert loaded is not None
        assert [line.seats for line in loaded.cart.lines] == [2]


# R: C8
async def test_refusals_of_the_server_are_of_the_kind_that_they_should_be(running: Running, tmp_path: Path):
    async with guest(running.url, "Ana") as ana:
        slot, other = await a_slot(ana), await a_slot(ana, 1)
        pendings = PendingBookings(tmp_path / "data")
        flow = rc.BookingFlow(ana, pendings)
        for n in range(4):
            async with guest(running.url, f"Guest {n}") as stranger:
                await stranger.add_to_cart(slot.slot_id, {"adult": 10})
        gone = await flow.book(slot, {"adult": 1})
        assert isinstance(gone, rc.SeatsGone)
        assert gone.error is not None
        assert (gone.error.code, gone.error.facts["left"]) == ("seats-gone", 0)
        for tickets, trip, code in (
            ({"adult": 11}, None, "too-many-seats"),
            ({}, None, "bad-tickets"),
            ({"adult": 1}, "01a20373-275b-720f-8f1b-7b52675eca73", "not-a-member"),
        ):
            refused = await flow.book(other, tickets, trip)
            assert isinstance(refused, rc.NotAccepted)
            assert refused.error.code == code
        assert await flow.waiting() is None
        await pendings.close()


# R: C1 C7 G3
async def test_the_readmes_script_books_as_it_stands(running: Running, tmp_path: Path):
    async with guest(running.url, "Ben") as ben:
        slot = await a_slot(ben)
        scripts = re.findall(r"```python\n(.*?)```", (ROOT / "api_client" / "README.md").read_text(), re.DOTALL)
        (script,) = [found for found in scripts if "BookingFlow" in found]
        environ = {**os.environ, "ROADCREW_SERVER": running.url, "DAY": slot.starts_at.date().isoformat()}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", script, cwd=tmp_path, env=environ, stdout=pipe, stderr=pipe
        )
        said, errors = await process.communicate()
        assert errors == b""
        assert said.decode().splitlines() == [
            "Preparing your booking…",
            "Establishing secure connection…",
            "Adding booking to cart…",
            "Booking added to cart successfully!",
            "Added Booking added to cart successfully!",
        ]
        async with ben.follow_book() as book:
            book.watch([slot.slot_id])
            await until(lambda: book.slots, WAIT)
            assert book.slots[slot.slot_id].taken == 2


PROGRAM = """
import asyncio, sys
from pathlib import Path
import msgspec
import roadcrew_client as rc
from roadcrew_domain.exhibitions import SlotInfo

async def main(server, token, folder, slot):
    async with rc.Client(server, token=token) as client:
        pendings = rc.PendingBookings(Path(folder))
        flow = rc.BookingFlow(client, pendings, lambda step: print(step.name, flush=True))
        outcome = await flow.resume()
        if outcome is None and not (await client.load_cart()).cart.lines:
            outcome = await flow.book(msgspec.json.decode(slot, type=SlotInfo), {"adult": 2})
        print("ended with", type(outcome).__name__, flush=True)
        await pendings.close()

asyncio.run(main(*sys.argv[1:]))
"""


# R: C2 C3 C5
async def test_a_program_that_is_killed_while_it_books_goes_on_when_it_is_started_again_and_books_once(
    running: Running, tmp_path: Path, count: Count, figure: Figure
):
    """Killed a little later each time after it has said a step."""
    steps, killed = ["preparing", "connecting", "adding"], 0
    async with guest(running.url, "Ana") as ana:
        slot = msgspec.json.encode(await a_slot(ana)).decode()
        assert ana.token is not None
        for n in range(count(reduced=3, full=60)):
            given = (running.url, ana.token, str(tmp_path / "data"), slot)
            process = await program(*given)
            assert process.stdout is not None
            while (said := await process.stdout.readline()) and said != steps[n % 3].encode() + b"\n":
                pass
            await asyncio.sleep(n // 3 / 1000)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            rest, _ = await process.communicate()
            killed += b"ended" not in rest
            process = await program(*given)
            rest, errors = await process.communicate()
            assert errors == b""
            # Nothing waits any more if the one before was killed when all was done.
            assert rest.split()[-1] in (b"Added", b"NoneType")
            loaded = await ana.load_cart()
            assert loaded is not None
            assert [line.seats for line in loaded.cart.lines] == [2]
            await ana.remove_from_cart(loaded.cart.lines[0].id)
        figure("times that a program was killed while it booked", killed)


async def program(*given: str) -> asyncio.subprocess.Process:
    """A program of Ana's that books, or goes on booking."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, "-P", "-c", PROGRAM, *given, stdout=pipe, stderr=pipe)
