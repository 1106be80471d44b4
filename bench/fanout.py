"""One event to many streams: deliveries a second of server CPU, arrival, and memory, beside the peers.

    uv run python bench/fanout.py [--runs 15] [--quick] [--json FILE]

One topic with 50, 500 and 2,000 streams. Ours is the true server over its store on the disk, and an event is a vote by
HTTP. The peers (FastAPI's own SSE, sse-starlette, nchan) pass on the same bytes. All hold their streams at the same
time and take turns; an event is published when all have the one before. Servers share one core, the load generator has
another. A rate is deliveries for each second of CPU that the server used, so it holds also while the generator is the
slower one; how busy that was stands beside it, since arrival times then are its own.

Two rates. "all" has everything in it, so for us also the vote: checked, decided, on the disk, answered. "fan-out" is
without what an event costs that nobody follows, taken off each contestant alike; it is measured in the same run. Memory
a connection is the slope of resident memory from 500 to 2,000 streams.
Promises: 5 times FastAPI's own SSE, 1.5 times sse-starlette, at most 20 KB a connection. nchan's ratio is only told.
"""

import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from contestants import LOAD_CORE, Contestant, Nchan, Ours, Peer  # noqa: E402 - after the path is set
from load import cpu_seconds, on_core, resident_bytes  # noqa: E402 - after the path is set
from report import arguments, percentile, table, write  # noqa: E402 - after the path is set

SIZES = {50: 60, 500: 12, 2_000: 4}
"""Streams, and the events of one run at that size."""
QUICK = {50: 20, 500: 4, 2_000: 2}
UNHEARD = 20
"""Events of one run that nobody follows."""
PROMISES = {"fastapi": 5.0, "sse-starlette": 1.5, "nchan": None}
AIM = 0.5
"""What we would like to have of nchan's rate."""
MEMORY = 20 * 1024
OURS = "roadcrew"


@dataclass
class Measured:
    """One contestant at one size: a value for each run, and every arrival in seconds. `unheard`: CPU seconds of an
    event that nobody follows."""

    events: int
    unheard: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    @property
    def all(self) -> list[float]:
        """Deliveries a second of CPU, everything included."""
        return [n / cpu for n, cpu in zip(self.deliveries, self.cpu, strict=True)]

    @property
    def fan_out(self) -> list[float]:
        """Deliveries a second of the CPU that they take by themselves."""
        alone = statistics.median(self.unheard) * self.events
        return [n / max(cpu - alone, 0.1 * cpu) for n, cpu in zip(self.deliveries, self.cpu, strict=True)]


def run(contestant: Contestant, into: Measured) -> None:
    """Publish so many events, one after the other."""
    contestant.crowd.ready()
    wanted = [contestant.event() for _ in range(into.events)]
    cpu, own, began = cpu_seconds(contestant.pid), time.process_time(), time.perf_counter()
    arrivals = [moment for one in wanted for moment in contestant.crowd.publish(one)]
    took = time.perf_counter() - began
    into.busy.append((time.process_time() - own) / took)
    into.cpu.append(cpu_seconds(contestant.pid) - cpu)
    into.deliveries.append(len(arrivals))
    into.took.append(took)
    into.arrivals += arrivals
    wanted = [contestant.event(heard=False) for _ in range(UNHEARD)]
    cpu = cpu_seconds(contestant.pid)
    for one in wanted:
        contestant.crowd.publish_unheard(one)
    into.unheard.append((cpu_seconds(contestant.pid) - cpu) / UNHEARD)


def figures(m: Measured) -> dict[str, float]:
    """What is told of one contestant at one size."""
    return {
        "deliveries_per_cpu_second": statistics.median(m.all),
        "fan_out_per_cpu_second": statistics.median(m.fan_out),
        "cpu_ms_per_unheard_event": 1e3 * statistics.median(m.unheard),
        "cpu_us_per_delivery": 1e6 / statistics.median(m.all),
        "deliveries_per_second": statistics.median(n / t for n, t in zip(m.deliveries, m.took, strict=True)),
        "arrival_p50_ms": 1000 * percentile(m.arrivals, 0.5),
        "arrival_p99_ms": 1000 * percentile(m.arrivals, 0.99),
        "generator_busy": statistics.median(m.busy),
    }


def ratios(at: dict[str, Measured], rate: Callable[[Measured], list[float]]) -> dict[str, float]:
    """Our rate over each other's: the median of the runs' ratios."""
    mine = rate(at[OURS])
    return {
        name: statistics.median(a / b for a, b in zip(mine, rate(other), strict=True))
        for name, other in at.items()
        if name != OURS
    }


def start(place: Path) -> list[Contestant]:
    """All contestants that can be had on this machine, with ours first."""
    ours = Ours(place / "ours")
    contestants: list[Contestant] = [ours]
    try:
        ours.grow(1)
        sample = ours.sample()
        contestants.append(Ours(place / "three", topics=3))
        contestants += [Peer("fastapi", sample), Peer("sse-starlette", sample)]
        if Nchan.there():
            contestants.append(Nchan(place / "nchan", sample))
    except BaseException:
        stop(contestants)
        raise
    return contestants


def stop(contestants: list[Contestant]) -> None:
    """End them all."""
    for contestant in contestants:
        contestant.stop()


def measure(contestants: list[Contestant], sizes: dict[int, int], runs: int) -> dict[str, Any]:
    """Every size, with runs in turns."""
    by_size: dict[str, Any] = {}
    memory: dict[str, dict[int, int]] = {c.name: {} for c in contestants}
    for size, events in sizes.items():
        at = {c.name: Measured(events) for c in contestants}
        for contestant in contestants:
            contestant.grow(size)
            run(contestant, Measured(events))  # to warm up
            memory[contestant.name][size] = resident_bytes(contestant.pid)
        gc.collect()
        for _ in range(runs):
            for contestant in contestants:
                run(contestant, at[contestant.name])
        by_size[str(size)] = {
            "contestants": {name: figures(m) for name, m in at.items()},
            "roadcrew_over": {"all": ratios(at, lambda m: m.all), "fan_out": ratios(at, lambda m: m.fan_out)},
        }
        tell(size, by_size[str(size)])
    few, many = list(sizes)[-2:]
    slopes = {name: (by[many] - by[few]) / (many - few) for name, by in memory.items()}
    print()
    table(("", "bytes a connection"), [(name, f"{slope:,.0f}") for name, slope in slopes.items()])
    return {"by_size": by_size, "memory_per_connection": slopes, "resident": memory}


def tell(size: int, found: dict[str, Any]) -> None:
    """Print one size."""
    over = found["roadcrew_over"]
    rows = [
        (
            name,
            f"{f['deliveries_per_cpu_second']:,.0f}",
            f"{f['fan_out_per_cpu_second']:,.0f}",
            f"{f['cpu_us_per_delivery']:.1f}",
            f"{f['cpu_ms_per_unheard_event']:.2f}",
            f"{f['deliveries_per_second']:,.0f}",
            f"{f['arrival_p50_ms']:.1f}",
            f"{f['arrival_p99_ms']:.1f}",
            f"{f['generator_busy']:.0%}",
            *("" if name == OURS else f"{over[rate][name]:.2f}" for rate in ("all", "fan_out")),
        )
        for name, f in found["contestants"].items()
    ]
    print()
    rates = ("all /CPU s", "fan-out /CPU s", "µs CPU each", "ms CPU unheard", "del./s", "p50 ms", "p99 ms", "gen. busy")
    table((f"{size} streams", *rates, "ours is (all)", "ours is (fan-out)"), rows)


def verdicts(result: dict[str, Any]) -> list[tuple[str, float, float | None, str, str]]:
    """Each promise, what was found with and without what the event itself costs, and whether it was kept."""
    rows: list[tuple[str, float, float | None, str, str]] = []
    for name, least in PROMISES.items():
        for size, found in result["by_size"].items():
            over = found["roadcrew_over"]
            if name in over["all"]:
                both = over["all"][name], over["fan_out"][name]
                wanted = f"aim {AIM}" if least is None else f">= {least}"
                kept = ["yes" if ratio >= (least or AIM) else "NO" for ratio in both]
                rows.append((f"times {name}, {size} streams", *both, wanted, "/".join(kept)))
    memory = float(round(result["memory_per_connection"][OURS]))
    return [*rows, ("bytes a connection", memory, None, f"<= {MEMORY}", "yes" if memory <= MEMORY else "NO")]


def main() -> None:
    """Measure, and say."""
    if quick := "--quick" in sys.argv:
        sys.argv.remove("--quick")
    given = arguments(str(__doc__).partition("\n")[0] + " --quick: a small look.", runs=3 if quick else 15)
    contestants: list[Contestant] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            contestants = start(Path(folder))
            with on_core(LOAD_CORE):
                result = measure(contestants, QUICK if quick else SIZES, given.runs)
        finally:
            stop(contestants)
    rows = verdicts(result)
    print()
    head = ("promise", "all", "fan-out", "wanted", "kept")
    table(head, [tuple("" if cell is None else cell for cell in row) for row in rows])
    said = [dict(zip(head, row, strict=True)) for row in rows]
    write(given.json, "fanout", {"runs": given.runs, "cores": os.cpu_count(), **result, "promises": said})


if __name__ == "__main__":
    main()
