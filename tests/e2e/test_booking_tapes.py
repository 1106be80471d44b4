"""Booking as tapes play it through the true command, at a real server behind a proxy: the messages of C7 on a slow
network, and each failure of C8. What needs no fault is played with the other stories; being killed is here too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from tests.conftest import Figure
from tests.e2e.test_pilot import TAPES, options
from tests.faults import FaultProxy, Faults
from tests.support.commands import NO_KEYRING, sign_up
from tests.support.people import Person, connected, eventually
from tests.support.serving import Running, served
from tests.support.terminal import Terminal, roadcrew

from roadcrew_client.credentials import Credentials

SLOW = 0.25
"""Seconds that each way takes, so that each message can be read."""
WITHIN = 100.0
in_each_way = pytest.mark.parametrize("way", ["headless", pytest.param("pty", marks=pytest.mark.only_full)])


@asynccontextmanager
async def at_a_server(tmp_path: Path, latency: float = 0.0) -> AsyncIterator[tuple[Running, FaultProxy]]:
    """With the sample catalogue; the proxy is what the tapes know."""
    (tmp_path / "server").mkdir()
    async with (
        served(tmp_path / "server", catalog="sample", payments="simulated,venue") as running,
        FaultProxy(running.url, Faults(latency=latency)) as proxy,
    ):
        yield running, proxy


@asynccontextmanager
async def playing(folder: Path, story: str, server: str, way: str) -> AsyncIterator[asyncio.Task[Any]]:
    """The story's tape; the task ends with its report, which must be that it passed."""
    tape = str(TAPES / story / "ana.tape")
    command = roadcrew("pilot", tape, "--server", server, "--report", "json", "--limit", str(WITHIN), *options(way))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
    )

    async def play() -> Any:
        out, err = await process.communicate()
        assert out, err.decode()
        report = json.loads(out)
        failures = [tape["failure"] for tape in report["tapes"] if tape.get("failure")]
        assert not failures, "\n".join(f"{f['file']}:{f['line']} {f['why']}\n{f['screen']}" for f in failures)
        return report

    task = asyncio.create_task(play())
    try:
        yield task
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait({task})


def has_come_to(folder: Path, file: str) -> bool:
    """Whether the tape has made that picture."""
    return (folder / "pilot-out" / file).exists()


def kept_for_a_calendar(folder: Path) -> list[Any]:
    """The entries of the receipt that was kept there."""
    (file,) = folder.glob("roadcrew-*.ics")
    return list(Calendar.from_ical(file.read_bytes()).walk("VEVENT"))


def seats(running: Running) -> list[tuple[int, str]]:
    """Of each hold of each slot: how many, and how it stands with them."""
    slots = [topic.state for name, topic in running.server.hub.topics.items() if name.startswith("slot:")]
    return [(hold.seats, hold.state) for slot in slots for hold in slot.holds.values()]


# R: C1, C2, C7
@in_each_way
async def test_the_critical_path_is_told_step_by_step_and_ends_with_a_receipt(
    way: str, tmp_path: Path, figure: Figure
) -> None:
    async with (
        at_a_server(tmp_path, SLOW) as (running, proxy),
        playing(tmp_path, "booked_and_paid", proxy.url, way) as tape,
    ):
        report = await tape
        assert seats(running) == [(2, "sold")]
    figure("seconds", report["tapes"][0]["seconds"])
    (entry,) = kept_for_a_calendar(tmp_path)
    assert (str(entry["summary"]), str(entry["status"])) == ("Paper Rain", "CONFIRMED")


# R: C2, C5, C8
@in_each_way
async def test_a_network_that_is_lost_while_seats_are_added_keeps_the_booking_and_retry_holds_them_once(
    way: str,
    tmp_path: Path,
) -> None:
    async with at_a_server(tmp_path) as (running, proxy):
        booking, lost = running.server.booking, asyncio.Event()
        add: Any = booking.add

        async def unheard(*asked: Any) -> Any:
            done = await add(*asked)
            if not lost.is_set():
                lost.set()
                await proxy.change(refuse=True)
            return done

        booking.add = unheard  # type: ignore[method-assign, assignment]
        async with playing(tmp_path, "booking_connection", proxy.url, way) as tape:
            await eventually(lambda: has_come_to(tmp_path, "lost.txt") or tape.done(), "it", WITHIN, every=0.05)
            await proxy.be(Faults())
            await tape
        assert seats(running) == [(2, "held")]


# R: C3, C8
@in_each_way
async def test_whose_session_ends_while_seats_are_added_signs_in_and_the_booking_goes_on_by_itself(
    way: str,
    tmp_path: Path,
) -> None:
    async with at_a_server(tmp_path) as (running, proxy):
        await asyncio.to_thread(sign_up, running.url, "ana")
        sessions, booking, ended = running.server.sessions, running.server.booking, asyncio.Event()
        session, load = sessions.session, booking.load
        known: list[Any] = []

        async def asked(token: str) -> Any:
            known[:] = [await session(token)]
            return known[0]

        async def loaded(user: str) -> Any:
            done = await load(user)
            if has_come_to(tmp_path, "chosen.txt") and not ended.is_set():
                ended.set()
                await sessions.sign_out(known[0])
            return done

        sessions.session, booking.load = asked, loaded  # type: ignore[method-assign]
        async with playing(tmp_path, "booking_signed_out", proxy.url, way) as tape:
            await tape
        assert ended.is_set()
        assert seats(running) == [(2, "held")]


# --- killed in the middle ------------------------------------------------------------------------


def at_home(home: Path, server: str, token: str) -> dict[str, str]:
    """The environment of somebody who is signed in there."""
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(f'server = "{server}"\n', encoding="utf-8")
    Credentials(home / "data", environ={}).save(server, token)
    return {"ROADCREW_HOME": str(home), **NO_KEYRING}


def choose(terminal: Terminal) -> None:
    """Two seats of Paper Rain; enter begins to hold them."""
    terminal.wait_for("Lisbon in May")
    terminal.enter("enter")
    terminal.wait_for("5 Book")
    terminal.enter("5")
    terminal.wait_for("Azulejo")
    terminal.enter("end", "enter", "down", "enter")
    terminal.wait_for("30 left")
    terminal.enter("enter", "+", "+")
    terminal.wait_for("Together, 2 seats")
    terminal.press("enter")


# R: C2, C3, C5, C8
@pytest.mark.parametrize("when", ["connecting", "adding", "added"])
async def test_who_is_killed_in_the_middle_of_a_booking_and_starts_again_has_it_in_the_cart_once(
    when: str, tmp_path: Path
) -> None:
    async with at_a_server(tmp_path) as (running, _), connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        await ana.create()
        assert ana.token is not None
        environment = at_home(tmp_path / "ana", running.url, ana.token)
        booking, reached, killed = running.server.booking, asyncio.Event(), asyncio.Event()
        name = "load" if when == "connecting" else "add"
        call = getattr(booking, name)

        async def held_up(*asked: Any) -> Any:
            done = await call(*asked) if when == "added" else None
            reached.set()
            await killed.wait()
            return done or await call(*asked)

        setattr(booking, name, held_up)
        with Terminal(roadcrew(), environment=environment) as terminal:
            await asyncio.to_thread(choose, terminal)
            await asyncio.wait_for(reached.wait(), 20)
            assert "Booking added" not in terminal.text
            terminal.kill()
        killed.set()
        with Terminal(roadcrew(), environment=environment) as terminal:
            await asyncio.to_thread(terminal.wait_for, "Booking added to cart successfully!", 30)
        assert seats(running) == [(2, "held")]
        cart = (await ana.get("/api/cart/load")).json()["cart"]
        assert [line["state"] for line in cart["lines"]] == ["held"]
