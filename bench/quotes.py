"""From a provider's answer to the price at a client, for one quote run and for 200 runs at once, over both stores.

    uv run python bench/quotes.py [--runs 3] [--at-once 200] [--quick] [--json FILE]

Each run asks 8 providers, which are an HTTP API in this process: each answers after 2 to 10 s (seeded), with a price
that is nobody else's. Each run is of a trip, and one member follows it by its stream. The clock runs from the moment
when the API gives its answer to the socket until that price has arrived on the stream: the server reads and checks the
answer, decides, appends (SQLite `synchronous=FULL`, Valkey `appendfsync always`) and writes to the stream. Beside it
the floor in the same run: the same answers to a bare client of the same API. The server (and Valkey) has one core, API
and clients another.

Then, with MONITOR on and nothing timed: commands that the server sends to Valkey for each run, from asking to the note
in its trip that it is over, beside the 200 that the source's design planned.
"""

import asyncio
import gc
import json
import os
import random
import re
import socket
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from contestants import LOAD_CORE, SERVER_CORE  # noqa: E402 - after the path is set
from load import HEAD_END, Caller, cpu_seconds, on_core, request  # noqa: E402 - after the path is set
from monitor import Monitor  # noqa: E402 - after the path is set
from report import arguments, percentile, table, write  # noqa: E402 - after the path is set
from tests.support.serving import ServerProcess  # noqa: E402 - after the path is set
from tests.support.valkey import ValkeyProcess  # noqa: E402 - after the path is set
from trips import guests, trip_of  # noqa: E402 - after the path is set

PROVIDERS = 8
SOONEST, LATEST = 2.0, 10.0
"""Seconds that a provider takes."""
PLANNED = 200
"""Commands for each run in the source's plan."""
WHOLE = 60.0
"""Seconds in which all runs must be over."""
AFTERWARDS = 2.0
"""Seconds in which what is due after a run is counted to it."""
VIN = "1HGCM82633A004352"

PROVIDER = """
[[provider]]
id = "p{n}"
name = "Provider {n}"
use = "http"
timeout = 60
tries = 1
allow_private = true
connections = 100

[provider.vehicle]
url = "http://127.0.0.1:{port}/p{n}"

[provider.vehicle.answer]
prices = "offers[*]"
total = "total"
amounts = "minor"
currency = "EUR"
"""
PRICE = re.compile(rb'"type":"QuoteResult".*?"amount":([0-9]+)')


@dataclass
class Api:
    """The providers. `answered` says when each price was given to the socket."""

    chance: random.Random
    port: int = 0
    answered: dict[int, float] = field(default_factory=dict)
    _prices: Any = field(default_factory=lambda: count(1000))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request after another."""
        try:
            while True:
                await reader.readuntil(HEAD_END)
                await asyncio.sleep(self.chance.uniform(SOONEST, LATEST))
                price = next(self._prices)
                body = b'{"offers": [{"total": %d}]}' % price
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                self.answered[price] = time.perf_counter()
                writer.write(head + body)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):  # as the bench ends
            writer.close()


@dataclass
class Case:
    """One kind of load, and what was measured of it: seconds from answer to client, CPU seconds of the server for each
    answer."""

    store: str
    at_once: int
    ask: Callable[[int], Any]
    pid: int | None
    waits: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Member:
    """Somebody with a trip."""

    token: str
    trip: str

    def asks(self) -> bytes:
        """The request for prices."""
        begins = date.today() + timedelta(days=30)  # noqa: DTZ011 - far enough from any midnight
        dates = {"from": begins.isoformat(), "to": (begins + timedelta(days=3)).isoformat()}
        body = {"kind": "vehicle", "vin": VIN, "drivers": [{"age": 40}], "tripId": self.trip, **dates}
        headers = {**self._who(), "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        return request("POST", "/api/quotes", headers, json.dumps(body).encode())

    def follows(self, run: str) -> bytes:
        """The request for its stream."""
        return request("GET", f"/api/quotes/{run}/stream", {**self._who(), "Accept": "text/event-stream"})

    def _who(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Connection": "close"}


class Server:
    """A server over one store, with members who ask for prices."""

    def __init__(self, place: Path, store: str | None, api: Api, members: int) -> None:
        place.mkdir()
        quotes = place / "quotes.toml"
        quotes.write_text("".join(PROVIDER.format(n=n, port=api.port) for n in range(PROVIDERS)), encoding="utf-8")
        with on_core(SERVER_CORE):
            self.process = ServerProcess(
                place, store=store, quotes=quotes, quotes_per_user="1000000/hour", quotes_per_address="1000000/hour"
            ).start()
        self._api = api
        caller = Caller(("127.0.0.1", self.process.port))
        self.members = [Member(token, trip_of(caller, [token], "Trip")[0].trip) for token in guests(caller, members)]
        caller.close()

    async def ask(self, at_once: int) -> list[float]:
        """So many runs at once, to their ends; seconds from each answer to its price at a client."""
        arrived: dict[int, float] = {}
        async with asyncio.timeout(WHOLE):
            await asyncio.gather(*(self._follow(member, arrived) for member in self.members[:at_once]))
        if len(arrived) != at_once * PROVIDERS:
            raise RuntimeError(f"{len(arrived)} prices of {at_once * PROVIDERS} have arrived")
        return [at - self._api.answered[price] for price, at in arrived.items()]

    async def _follow(self, member: Member, arrived: dict[int, float]) -> None:
        run = json.loads(await self._whole(member.asks()))["runId"]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.process.port)
        writer.write(member.follows(run))
        rest = b""
        while b'"type":"QuoteFinished"' not in rest:
            part = await reader.read(1 << 16)
            at = time.perf_counter()
            if not part:
                raise RuntimeError(f"the stream ended: {rest[-500:]!r}")
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                if (found := PRICE.search(line)) is not None:
                    arrived[int(found[1])] = at
                elif b'"type":"QuoteFinished"' in line:
                    rest = line
        writer.close()

    async def _whole(self, sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.process.port)
        writer.write(sent)
        head, _, body = (await reader.read()).partition(HEAD_END)
        writer.close()
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"refused: {head[:60]!r} {body[:300]!r}")
        return body


class Bare:
    """Clients of the API without a server between."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def ask(self, at_once: int) -> list[float]:
        """As many answers as so many runs have."""
        return await asyncio.gather(*(self._once(n) for n in range(at_once * PROVIDERS)))

    async def _once(self, n: int) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._api.port)
        writer.write(request("GET", f"/p{n % PROVIDERS}", {}))
        head = await reader.readuntil(b"}]}")
        at = time.perf_counter()
        writer.close()
        return at - self._api.answered[int(head.rpartition(b": ")[2][:-3])]


async def measure(case: Case) -> None:
    """One round."""
    cpu = 0.0 if case.pid is None else cpu_seconds(case.pid)
    waits = await case.ask(case.at_once)
    case.waits += waits
    if case.pid is not None:
        case.cpu.append((cpu_seconds(case.pid) - cpu) / len(waits))


async def commands_of(server: Server, valkey: ValkeyProcess, at_once: int) -> dict[str, Any]:
    """What the server sends to Valkey for so many runs at once, each."""
    monitor = Monitor(valkey)
    try:
        await asyncio.sleep(AFTERWARDS)
        monitor.settle(valkey)
        monitor.reset()
        await server.ask(at_once)
        await asyncio.sleep(AFTERWARDS)
        await asyncio.to_thread(monitor.settle, valkey)
    finally:
        monitor.close()
    each = Counter({name: sent / at_once for name, sent in monitor.sent.items()})
    return {
        "runs": at_once,
        "each": round(sum(each.values()), 1),
        "planned": PLANNED,
        "insideScripts": round(sum(monitor.inner.values()) / at_once, 1),
        "by": {name: round(sent, 2) for name, sent in each.most_common()},
    }


def started(place: Path, stack: ExitStack, api: Api, members: int) -> tuple[dict[str, Server], ValkeyProcess]:
    """A server over each store."""
    with on_core(SERVER_CORE):
        valkey = stack.enter_context(ValkeyProcess(place / "valkey"))
    servers = {}
    for store, url in (("sqlite", None), ("valkey", valkey.url)):
        servers[store] = server = Server(place / f"{store}-server", url, api, members)
        stack.callback(server.process.stop)
    return servers, valkey


async def bench(
    api: Api, door: socket.socket, servers: dict[str, Server], valkey: ValkeyProcess, rounds: int, at_once: int
) -> tuple[list[Case], list[dict[str, Any]]]:
    """All cases in turns, then the commands."""
    listening = await asyncio.start_server(api.serve, sock=door, backlog=4096)
    found = [
        Case(store, runs, server.ask, server.process.pid) for store, server in servers.items() for runs in (1, at_once)
    ]
    found.append(Case("no server", at_once, Bare(api).ask, None))
    gc.collect()
    for server in servers.values():
        await server.ask(min(20, at_once))  # to warm up
    for _ in range(rounds):
        for case in found:
            await measure(case)
    commands = [await commands_of(servers["valkey"], valkey, runs) for runs in (1, at_once)]
    listening.close()
    return found, commands


def figures_of(case: Case) -> dict[str, float]:
    """Of all its answers together."""
    return {
        "p50_ms": 1000 * percentile(case.waits, 0.5),
        "p99_ms": 1000 * percentile(case.waits, 0.99),
        "most_ms": 1000 * max(case.waits),
        "cpu_ms": 1000 * sum(case.cpu) / len(case.cpu) if case.cpu else 0.0,
        "n": len(case.waits),
    }


def main() -> None:
    """Measure, and say."""
    if quick := "--quick" in sys.argv:
        sys.argv.remove("--quick")
    given = arguments(str(__doc__).partition("\n")[0] + " --quick: a small look.", runs=1 if quick else 3, at_once=200)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        door = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=4096))
        api = Api(random.Random(7), door.getsockname()[1])
        servers, valkey = started(Path(folder), stack, api, given.at_once)
        with on_core(LOAD_CORE), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found, commands = runner.run(bench(api, door, servers, valkey, given.runs, given.at_once))
    named = {f"{case.store}, {case.at_once} at once": figures_of(case) for case in found}
    table(
        (f"{PROVIDERS} providers each", "p50 ms", "p99 ms", "most ms", "ms CPU each", "answers"),
        [
            (name, f"{f['p50_ms']:.1f}", f"{f['p99_ms']:.1f}", f"{f['most_ms']:.1f}", f"{f['cpu_ms']:.2f}", f["n"])
            for name, f in named.items()
        ],
    )
    print()
    table(
        ("runs at once", "commands a run", "of the source's plan", "inside scripts"),
        [(c["runs"], f"{c['each']:.1f}", f"{c['each'] / PLANNED:.0%}", f"{c['insideScripts']:.1f}") for c in commands],
    )
    print("\n" + ", ".join(f"{name} {sent:g}" for name, sent in commands[-1]["by"].items()) + "\n")
    write(given.json, "quotes", {"runs": given.runs, "cores": os.cpu_count(), "cases": named, "commands": commands})


if __name__ == "__main__":
    main()
