"""1, 2 and 3 server processes over one Valkey: votes a second, what each costs, and how long a change is under way.

    uv run python bench/scale_out.py [--runs 5] [--trips 300] [--quick] [--json FILE]

64 connections, spread over the processes, vote: on a trip each (nothing to agree about), and all on one trip, where the
processes decide against each other and the store refuses whoever is late. "elsewhere": from a vote at the first process
to its arrival at 60 streams of the last. Valkey has `appendfsync always`. The load generator has a core of its own; the
servers and Valkey share the others, and where that is only one, more processes can't be faster: read the CPU of a vote
there, not the votes a second. Runs are in turns; figures are medians.
"""

import gc
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from contestants import LOAD_CORE, MARKER  # noqa: E402 - after the path is set
from load import Caller, Crowd, off_core, on_core, request  # noqa: E402 - after the path is set
from report import arguments, percentile, table, write  # noqa: E402 - after the path is set
from tests.support.serving import ServerProcess  # noqa: E402 - after the path is set
from tests.support.valkey import ValkeyProcess  # noqa: E402 - after the path is set
from trips import Voter, cast_for, guests, trip_of  # noqa: E402 - after the path is set

AT_ONCE = 64
STREAMS = 60
EVENTS = 20
SECONDS, QUICK_SECONDS = 2.0, 0.5


@dataclass
class Load:
    """What was measured of one kind of load."""

    turn: Iterator[Voter]
    rates: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    store_cpu: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


class Group:
    """So many processes over a Valkey of their own, with people, trips and streams."""

    def __init__(self, place: Path, count: int, trips: int, stack: ExitStack) -> None:
        self.count = count
        with off_core(LOAD_CORE):
            self._valkey = stack.enter_context(ValkeyProcess(place / f"valkey-{count}"))
            self._servers = [self._start(place / f"server-{count}-{n}", stack) for n in range(count)]
        self._addresses = [("127.0.0.1", server.port) for server in self._servers]
        caller = Caller(self._addresses[0])
        tokens = guests(caller, AT_ONCE)
        one = trip_of(caller, tokens, "All")
        many = [trip_of(caller, [tokens[n % AT_ONCE]], f"Trip {n}")[0] for n in range(trips)]
        self.loads = {"many trips": Load(cycle(many)), "one trip": Load(cycle(one))}
        self._followed = trip_of(caller, tokens, "Followed")
        self.arrivals: list[float] = []
        caller.close()
        self._crowd = Crowd(self._addresses[-1], MARKER, Caller(self._addresses[0]))
        stack.callback(self._crowd.close)
        self._crowd.open([self._stream(voter) for voter in self._followed[:STREAMS]], b"event: reset")

    def _start(self, place: Path, stack: ExitStack) -> ServerProcess:
        place.mkdir()
        server = ServerProcess(place, store=self._valkey.url).start()
        stack.callback(server.stop)
        return server

    @staticmethod
    def _stream(voter: Voter) -> bytes:
        headers = {"Authorization": f"Bearer {voter.token}", "Accept": "text/event-stream"}
        return request("GET", f"/api/sync?topic=trip:{voter.trip}", headers)

    def vote(self, load: Load, seconds: float) -> None:
        """One run of votes."""
        pids = [*(server.pid for server in self._servers), self._valkey.pid]
        votes = cast_for(seconds, self._addresses, load.turn, AT_ONCE, pids)
        load.rates.append(votes.a_second)
        load.server_cpu.append(sum(votes.cpu[:-1]))
        load.store_cpu.append(votes.cpu[-1])
        load.waits += votes.waits

    def pass_on(self, events: int) -> None:
        """One run of votes at the first process, for which streams at the last one wait."""
        self._crowd.ready()
        for _ in range(events):
            self.arrivals += self._crowd.publish(self._followed[0].vote())

    def forget(self) -> None:
        """What was measured so far was for warming up."""
        for load in self.loads.values():
            for values in (load.rates, load.server_cpu, load.store_cpu, load.waits):
                values.clear()
        self.arrivals.clear()

    def figures(self) -> dict[str, object]:
        """What is told."""
        loads = {
            name: {
                "a_second": statistics.median(load.rates),
                "server_cpu_ms": 1000 * statistics.median(load.server_cpu),
                "store_cpu_ms": 1000 * statistics.median(load.store_cpu),
                "p50_ms": 1000 * percentile(load.waits, 0.5),
                "p99_ms": 1000 * percentile(load.waits, 0.99),
            }
            for name, load in self.loads.items()
        }
        arrival = {"p50_ms": 1000 * percentile(self.arrivals, 0.5), "p99_ms": 1000 * percentile(self.arrivals, 0.99)}
        return {"loads": loads, "elsewhere": arrival}


def main() -> None:
    """Measure, and say."""
    if quick := "--quick" in sys.argv:
        sys.argv.remove("--quick")
    said = str(__doc__).partition("\n")[0] + " --quick: a small look."
    given = arguments(said, runs=2 if quick else 5, trips=60 if quick else 300)
    seconds = QUICK_SECONDS if quick else SECONDS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        groups = [Group(Path(folder), count, given.trips, stack) for count in (1, 2, 3)]
        with on_core(LOAD_CORE):
            for n in range(given.runs + 1):
                for group in groups:
                    for load in group.loads.values():
                        group.vote(load, seconds)
                    group.pass_on(EVENTS)
                    if n == 0:
                        group.forget()
                gc.collect()
        found = {str(group.count): group.figures() for group in groups}
    tell(found)
    write(given.json, "scale_out", {"runs": given.runs, "cores": os.cpu_count(), "processes": found})


def tell(found: dict[str, Any]) -> None:
    """Print it."""
    rows = [
        (
            f"{count} x {name}",
            f"{load['a_second']:,.0f}",
            f"{load['server_cpu_ms']:.2f}",
            f"{load['store_cpu_ms']:.2f}",
            f"{load['p50_ms']:.1f}",
            f"{load['p99_ms']:.1f}",
        )
        for count, figures in found.items()
        for name, load in figures["loads"].items()
    ]
    cores = f"{os.cpu_count()} cores, {AT_ONCE} at once"
    table((cores, "votes/s", "ms CPU servers", "ms CPU Valkey", "p50 ms", "p99 ms"), rows)
    print()
    elsewhere = [(n, f"{f['elsewhere']['p50_ms']:.1f}", f"{f['elsewhere']['p99_ms']:.1f}") for n, f in found.items()]
    table(("processes: to a stream elsewhere", "p50 ms", "p99 ms"), elsewhere)


if __name__ == "__main__":
    main()
