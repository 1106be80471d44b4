"""What the app's event loop never waits for: a disk, a keyring, or a trip that is as large as trips get."""

import asyncio
import itertools
import json
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Count, Figure
from tests.support import watched_app
from tests.support.keyrings import HANGING, backend
from tests.support.serving import served, server_process
from tests.support.terminal import Terminal

from roadcrew_client import Client
from roadcrew_domain.crew import JoinTrip
from roadcrew_domain.hotels import OpenHotelVoting, ShortlistHotel, VoteHotel
from roadcrew_domain.money import Money
from roadcrew_domain.polls import CastVote, OpenPoll
from roadcrew_domain.trip import Command
from roadcrew_server.hub import Hub

MOST_MS, MOST_MS_BESIDE_OTHERS = 50.0, 100.0
"""What one turn of the loop may take, and what is asked where other tests have the other processor: what those push out
of its caches is not taken off."""
DISK = 0.4
"""Seconds that each thing done to the disk takes."""


class Watched(Terminal):
    """The app in a terminal, with its event loop under watch."""

    def __init__(self, folder: Path, server: str, *arguments: str, disk: float = 0.0, environment: Any = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.out = folder.with_name(f"turns-{folder.name}.jsonl")  # not on the disk that is slow
        env = {"ROADCREW_HOME": str(folder), "ROADCREW_SERVER": server, **(environment or {})}
        command = [sys.executable, watched_app.__file__, str(self.out), str(disk), *arguments]
        super().__init__(command, columns=120, rows=36, environment=env)

    def turns(self) -> list[dict[str, Any]]:
        """What took longest, the longest first."""
        lines = self.out.read_text("utf-8").splitlines() if self.out.exists() else []
        return sorted(map(json.loads, lines), key=lambda turn: -turn["ms"])

    def worst(self) -> float:
        """Milliseconds of the longest turn of the loop. At its end, the program waits for Textual's thread that reads
        keys, and nobody for the program."""
        turns = [t for t in self.turns() if not any("disable_input" in at for at in t["where"])]
        return turns[0]["ms"] if turns else 0.0


def judge(runs: Sequence[Watched], full: bool) -> None:
    """Other work on this computer only adds: so the best of the runs is what our code takes."""
    most = MOST_MS if full else MOST_MS_BESIDE_OTHERS
    assert min(run.worst() for run in runs) <= most, [run.turns()[:3] for run in runs]


def is_enough(runs: Sequence[Watched]) -> bool:
    """One that was good, or three."""
    return len(runs) >= 3 or any(run.worst() <= MOST_MS for run in runs)


def use(t: Watched, others: Callable[[], object] = lambda: None) -> None:
    """Join, look at everything, change what can be changed while others do so, leave and come back."""
    t.wait_for("Your name")
    t.settle()
    t.enter("Ben", "enter")
    t.wait_for("● live")
    for tab in "123":
        t.enter(tab)
        others()
        t.enter("down", "end", "home")
    t.enter("space", "2", "enter", "space", "escape", "1", "ctrl+t", "ctrl+t", "i")
    t.wait_for("INVITE")
    t.enter("escape")
    t.wait_for(lambda t: "INVITE" not in t.text)
    t.enter("escape")
    t.wait_for("MY TRIPS")
    t.enter("enter")
    t.wait_for("● live")
    t.enter("escape", "q")
    assert t.wait_end() == 0


# R: S6
@pytest.mark.usefixtures("timed")
def test_neither_a_slow_disk_nor_a_keyring_that_hangs_holds_the_screen_up(tmp_path: Path, full: bool, figure: Figure):
    with server_process(tmp_path) as server:
        link = asyncio.run(a_trip(server.url))
        ring = backend(tmp_path, HANGING)
        runs: list[Watched] = []
        while not is_enough(runs):
            with Watched(tmp_path / f"ben{len(runs)}", server.url, "join", link, disk=DISK, environment=ring) as ben:
                use(ben)
            runs.append(ben)
            figure(f"longest turn of the loop, a disk of {DISK} s and a keyring that hangs, ms", ben.worst())
        judge(runs, full)


async def a_trip(url: str) -> str:
    """A trip with a poll and a vote on hotels; the link that lets others in."""
    async with Client(url) as ana:
        await ana.guest("Ana")
        made = await ana.create_trip("Lisbon in May")
        await ana.do(made.trip.id, OpenPoll("Where to?", "single", ("Porto", "Faro")))
        return f"{url}/j/{made.invite.code}"


# R: S6
@pytest.mark.usefixtures("timed")
async def test_a_trip_as_large_as_trips_get_arrives_and_the_screen_goes_on(
    tmp_path: Path, full: bool, count: Count, figure: Figure
):
    many = count(reduced=490, full=490)
    async with served(tmp_path / "server") as running:
        code, votes = await grow(running.server.hub, running.url, many)
        loop = asyncio.get_running_loop()
        runs: list[Watched] = []
        while not is_enough(runs):
            with Watched(tmp_path / f"ben{len(runs)}", running.url, "join", f"{running.url}/j/{code}") as ben:
                await asyncio.to_thread(use, ben, lambda: asyncio.run_coroutine_threadsafe(votes(), loop).result(10))
            runs.append(ben)
            figure("longest turn of the loop, the largest trip, ms", ben.worst())
        judge(runs, full)


async def grow(hub: Hub, url: str, many: int) -> tuple[str, Callable[[], Coroutine[Any, Any, None]]]:
    """As many people, polls and hotels as a trip may have. The invite's code, and what makes some of them vote."""
    async with Client(url) as ana:
        await ana.guest("Ana")
        made = await ana.create_trip("Lisbon in May")
    topic, code = f"trip:{made.trip.id}", made.invite.code
    crew = [f"member-{n}" for n in range(many)]

    async def do(who: str, act: Any) -> str:
        id = hub.new_id()  # noqa: A001
        await hub.execute(topic, Command(id, who, act))
        return id

    for n, who in enumerate(crew):
        await do(who, JoinTrip(code, f"Somebody {n}"))
    options = tuple(f"Option number {n}" for n in range(20))
    polls = [await do(crew[n], OpenPoll(f"Question {n}, is it?", "single", options)) for n in range(100)]
    for n, who in enumerate(crew):
        await do(who, CastVote(polls[n % 100], (f"{polls[n % 100]}.{n % 20}",)))
        await do(who, CastVote(polls[0], (f"{polls[0]}.{n % 20}",)))
    hotels = [await do(crew[n], ShortlistHotel(f"Hotel {n}", "Lisboa", 3, Money(9000 + n, "EUR"))) for n in range(200)]
    await do(made.trip.organiser, OpenHotelVoting("first-shortlisted"))
    for n, who in enumerate(crew):
        await do(who, VoteHotel(hotels[n % 200]))
    turn = itertools.count()

    async def votes() -> None:
        for n in itertools.islice(turn, 10):
            await do(crew[n], VoteHotel(hotels[(n + 1) % 200]))

    return code, votes
