"""Servers without a door, and buyers in them: several in this process over one file, or processes over one Valkey.

Time in them is the real one plus whatever they were told to be ahead. As a program
(`python -m tests.support.shops PORT CATALOGUE KIND`) it is one of those processes; it does what each line on its
standard input says, and answers with a line.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import uvloop
from tests.support import hubs
from tests.support.buying import Buyer, Inside
from tests.support.recount import Raw
from tests.support.serving import settings_for
from tests.support.valkey import ValkeyProcess

from roadcrew_server import catalogue
from roadcrew_server.app import Server
from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.base import NOTHING_YET, AppendResult, Commit, Conflict, Store
from roadcrew_server.stores.clock import StoreClock
from roadcrew_server.stores.redis import RedisStore

SERVERS = 3
AT_REST = 10.0
"""Seconds in which what is due must have been announced."""
SETTINGS: dict[str, Any] = {"payments": "simulated", "snapshot_every": 10**6, "timer_interval": 0.02, "timer_look": 0.2}


class Hearing(hubs.OpenedOnce):
    """For several servers in this process."""


class Deaf(hubs.OpenedOnce, hubs.Deaf):
    """And what one of them does, the others hear nothing of."""


class Uncompared(hubs.LastWriterWins, hubs.OpenedOnce, hubs.Deaf):
    """The control: nor do they look whether there was anything."""


class _DeafOfValkey(RedisStore):
    """Hints of the log are lost, as they may be."""

    def listen(self) -> Any:
        hints = super().listen()
        push = hints.push
        hints.push = lambda hint: None if hint.kind == "log" else push(hint)  # type: ignore[method-assign]
        return hints


class _UncomparedOfValkey(_DeafOfValkey):
    """The control: whatever is the last event, it is taken for the expected one."""

    async def append(
        self,
        topic: str,
        epoch: str | None,
        expected_last: int,
        commits: Sequence[Commit],
        *,
        expected_command: str = "",
        keep_until: datetime,
        due: datetime | None,
    ) -> AppendResult:
        while True:
            stored, head = await self._link.send("HMGET", self._keys.log(topic)[0], "epoch", "head")
            there, last = (None, NOTHING_YET) if head is None else (stored.decode(), int(head))
            result = await super().append(topic, there, last, commits, keep_until=keep_until, due=due)
            if not isinstance(result, Conflict):
                return result


KINDS: dict[str, type[RedisStore]] = {
    "hearing": RedisStore,
    "deaf": _DeafOfValkey,
    "uncompared": _UncomparedOfValkey,
}
"""What a process may have for a store."""


class Shops(Protocol):
    """Several servers."""

    async def go(self, buyers: Sequence[Buyer], *, blindly: bool = False) -> list[Buyer]:
        """Each of them has a go, all at once; as they are afterwards. `blindly`: whatever breaks meanwhile. Who goes
        alone goes to another server each time."""

    async def later(self, by: timedelta) -> None:
        """So much later, when all that was due then has been announced."""

    def raw(self, topics: Collection[str]) -> Raw:
        """What is in the store of these topics, and of payments."""

    async def conflicts(self) -> int:
        """How often one of them found that another was faster."""


async def _at_rest(store: Store) -> None:
    deadline = time.monotonic() + AT_REST
    while (due := await store.due_next()) is not None and due <= store.now():
        assert time.monotonic() < deadline, "what is due was never announced"
        await asyncio.sleep(0.01)


async def _all_go(servers: Sequence[Server], buyers: Sequence[Buyer], chance: random.Random, *, blindly: bool) -> None:
    shops = [Inside(server) for server in servers]
    await asyncio.gather(
        *(b.go(shops[n % len(shops)], random.Random(chance.random())) for n, b in enumerate(buyers)),
        return_exceptions=blindly,
    )


class _Here:
    """Servers in this process over one file."""

    def __init__(
        self, store: hubs.OpenedOnce, clock: "Ahead", servers: Sequence[Server], chance: random.Random
    ) -> None:
        self._store = store
        self._clock = clock
        self._servers = list(servers)
        self._chance = chance

    async def go(self, buyers: Sequence[Buyer], *, blindly: bool = False) -> list[Buyer]:
        self._servers.append(self._servers.pop(0))
        mixed = self._chance.sample(buyers, len(buyers))
        await _all_go(self._servers, mixed, self._chance, blindly=blindly)
        return list(buyers)

    async def later(self, by: timedelta) -> None:
        self._clock.ahead += by.total_seconds()
        await _at_rest(self._store)

    def raw(self, topics: Collection[str]) -> Raw:
        return Raw.of_sqlite(self._store.path, topics)

    async def conflicts(self) -> int:
        return sum(server.hub.counters.conflicts for server in self._servers)


class Ahead(StoreClock):
    """An embedded store's clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0
        super().__init__(monotonic=lambda: time.monotonic() + self.ahead)


@asynccontextmanager
async def over_a_file(
    place: Path, catalog: Path, chance: random.Random, kind: type[hubs.OpenedOnce]
) -> AsyncIterator[Shops]:
    """Three servers in this process over one SQLite file."""
    clock = Ahead()
    store = kind(place / "store.sqlite", clock=clock, synchronous="NORMAL")
    settings = settings_for(store.path, **SETTINGS)
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(SERVERS):
            server = Server(store, settings, catalogue=catalogue.load(catalog))
            await server.start()
            stack.push_async_callback(server.stop)
            servers.append(server)
        yield _Here(store, clock, servers, chance)


class Processes:
    """Of their own, over one Valkey."""

    def __init__(self, valkey: ValkeyProcess, catalog: Path, chance: random.Random, kind: str) -> None:
        self.deaths = 0
        self._valkey = valkey
        self._command = (sys.executable, "-m", "tests.support.shops", str(valkey.port), str(catalog), kind)
        self._processes: list[asyncio.subprocess.Process] = []
        self._chance = chance
        self._ahead = timedelta(0)

    async def start(self) -> None:
        """As many as there are to be."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ROADCREW_")}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "limit": 1 << 24}
        missing = range(SERVERS - len(self._processes))
        root = Path(__file__).parents[2]
        starting = [asyncio.create_subprocess_exec(*self._command, env=clean, cwd=root, **pipes) for _ in missing]
        self._processes += await asyncio.gather(*starting)
        await self.later(timedelta(0))

    async def end(self) -> None:
        """All of them."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in self._processes:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 10)
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def go_and_die(self, buyers: Sequence[Buyer], after: float) -> list[Buyer]:
        """As `go`; one of the processes is killed after so many seconds, if it is not done by then. Its buyers know
        what they knew before, and are served by a new one from then on."""
        victim = self._chance.choice(self._processes)
        killing = asyncio.get_running_loop().call_later(after, victim.kill)
        known = {buyer.user: buyer for buyer in buyers}
        try:
            known |= {buyer.user: buyer for buyer in await self.go(buyers)}
        finally:
            killing.cancel()
        if victim in self._processes:
            return list(known.values())
        await victim.wait()
        self.deaths += 1
        await self.start()
        return list(known.values())

    async def go(self, buyers: Sequence[Buyer], *, blindly: bool = False) -> list[Buyer]:
        self._processes.append(self._processes.pop(0))
        mixed = self._chance.sample(buyers, len(buyers))
        step = len(self._processes)
        asked = [
            {"buyers": [asdict(b) for b in mixed[n::step]], "seed": self._chance.random(), "blindly": blindly}
            for n in range(step)
        ]
        answers = await asyncio.gather(*map(_asked, tuple(self._processes), asked))
        self._processes = [p for p, answer in zip(self._processes, answers, strict=True) if answer is not None]
        return [Buyer(**buyer) for answer in answers if answer is not None for buyer in answer["buyers"]]

    async def later(self, by: timedelta) -> None:
        self._ahead += by
        ahead = {"ahead": int(self._ahead.total_seconds() * 1000)}
        for said in (ahead, {"rest": True}):
            await asyncio.gather(*(_asked(process, said) for process in self._processes))

    def raw(self, topics: Collection[str]) -> Raw:
        return Raw.of_valkey(self._valkey.port, topics)

    async def conflicts(self) -> int:
        answers = await asyncio.gather(*(_asked(process, {"rest": True}) for process in self._processes))
        return sum(answer["conflicts"] for answer in answers if answer is not None)


async def _asked(process: asyncio.subprocess.Process, said: dict[str, Any]) -> dict[str, Any] | None:
    """What it answers; None if it was killed over it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(said).encode() + b"\n")
    line = await process.stdout.readline()
    if not line:
        assert await process.wait() == -signal.SIGKILL, "a process with buyers has failed"
        return None
    answer: dict[str, Any] = json.loads(line)
    return answer


@asynccontextmanager
async def over_valkey(
    valkey: ValkeyProcess, catalog: Path, chance: random.Random, kind: str
) -> AsyncIterator[Processes]:
    """Three processes over one Valkey, each with a store of this one of `KINDS`."""
    processes = Processes(valkey, catalog, chance, kind)
    try:
        await processes.start()
        yield processes
    finally:
        await processes.end()


async def _process(port: int, catalog: Path, kind: type[RedisStore]) -> None:
    """One process: until its standard input ends."""
    ahead = 0
    store = kind(address_of(f"redis://127.0.0.1:{port}/0"), shift_ms=lambda: ahead)
    server = Server(store, settings_for(Path("unused"), **SETTINGS), catalogue=catalogue.load(catalog))
    await server.start()
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            said = json.loads(line)
            buyers = [Buyer(**buyer) for buyer in said.get("buyers", ())]
            if "ahead" in said:
                ahead = said["ahead"]
                await store.ping()
            elif "rest" in said:
                await _at_rest(store)
            else:
                await _all_go([server], buyers, random.Random(said["seed"]), blindly=said["blindly"])
            answer = {"buyers": [asdict(b) for b in buyers], "conflicts": server.hub.counters.conflicts}
            print(json.dumps(answer), flush=True)
    finally:
        await server.stop()


if __name__ == "__main__":
    given_port, given_catalog, given_kind = sys.argv[1:]
    uvloop.run(_process(int(given_port), Path(given_catalog), KINDS[given_kind]))
