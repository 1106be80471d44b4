"""One event to many streams: deliveries a second of server CPU, arrival, and memory, beside the peers.

    uv run python bench/fanout.py [--runs 15] [--quick] [--json FILE]

One topic with 50, 500 and 2,000 streams. Ours is the true server, over its store on the disk, and an event is a
vote by HTTP; what the vote itself costs is in our figures. The peers (FastAPI's own SSE, sse-starlette, nchan) pass on
the same bytes. All hold their streams at the same time and take turns; one event is published when all have the last
one. Servers share one core, the load generator has another. A rate is deliveries for each second of CPU that the server
used, so it holds also while the generator is the slower one; how busy the generator was stands beside it, since arrival
times then are its own. Memory a connection is the slope of resident memory from 500 to 2,000 streams.
Promises: 5 times FastAPI's own SSE, 1.5 times sse-starlette, at most 20 KB a connection. nchan's ratio is only told.
"""

import gc
import os
import statistics
import sys
import tempfile
import time
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
PROMISES = {"fastapi": 5.0, "sse-starlette": 1.5, "nchan": None}
MEMORY = 20 * 1024
OURS, THREE = "roadcrew", "roadcrew, 3 topics"


@dataclass
class Measured:
    """One contestant at one size: a value for each run, and every arrival in seconds."""

    per_cpu: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)


def run(contestant: Contestant, events: int, into: Measured) -> None:
    """Publish so many events, one after the other."""
    contestant.crowd.ready()
    wanted = [contestant.event() for _ in range(events)]
    cpu, own, began = cpu_seconds(contestant.pid), time.process_time(), time.perf_counter()
    arrivals = [moment for one in wanted for moment in contestant.crowd.publish(one)]
    took = time.perf_counter() - began
    into.busy.append((time.process_time() - own) / took)
    into.per_cpu.append(len(arrivals) / (cpu_seconds(contestant.pid) - cpu))
    into.per_second.append(len(arrivals) / took)
    into.arrivals += arrivals


def figures(measured: Measured) -> dict[str, float]:
    """What is told of one contestant at one size."""
    rate = statistics.median(measured.per_cpu)
    return {
        "deliveries_per_cpu_second": rate,
        "cpu_us_per_delivery": 1e6 / rate,
        "deliveries_per_second": statistics.median(measured.per_second),
        "arrival_p50_ms": 1000 * percentile(measured.arrivals, 0.5),
        "arrival_p99_ms": 1000 * percentile(measured.arrivals, 0.99),
        "generator_busy": statistics.median(measured.busy),
    }


def ratios(at: dict[str, Measured]) -> dict[str, float]:
    """Our rate over each other's: the median of the runs' ratios."""
    mine = at[OURS].per_cpu
    return {
        name: statistics.median(a / b for a, b in zip(mine, other.per_cpu, strict=True))
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
        for contestant in contestants:
            contestant.stop()
        raise
    return contestants


def measure(contestants: list[Contestant], sizes: dict[int, int], runs: int) -> dict[str, Any]:
    """Every size, with runs in turns."""
    by_size: dict[str, Any] = {}
    memory: dict[str, dict[int, int]] = {c.name: {} for c in contestants}
    for size, events in sizes.items():
        at = {c.name: Measured() for c in contestants}
        for contestant in contestants:
            contestant.grow(size)
            run(contestant, events, Measured())  # to warm up
            memory[contestant.name][size] = resident_bytes(contestant.pid)
        gc.collect()
        for _ in range(runs):
            for contestant in contestants:
                run(contestant, events, at[contestant.name])
        by_size[str(size)] = {
            "contestants": {name: figures(m) for name, m in at.items()},
            "roadcrew_over": ratios(at),
        }
        tell(size, by_size[str(size)])
    few, many = list(sizes)[-2:]
    slopes = {name: (by[many] - by[few]) / (many - few) for name, by in memory.items()}
    print()
    table(("memory a connection", "bytes"), [(name, round(slope)) for name, slope in slopes.items()])
    return {"by_size": by_size, "memory_per_connection": slopes, "resident": memory}


def tell(size: int, found: dict[str, Any]) -> None:
    """Print one size."""
    head = (f"{size} streams", "del./CPU s", "µs CPU", "del./s", "p50 ms", "p99 ms", "gen. busy", "roadcrew is")
    rows = []
    for name, f in found["contestants"].items():
        ratio = found["roadcrew_over"].get(name)
        rows.append(
            (
                name,
                round(f["deliveries_per_cpu_second"]),
                f"{f['cpu_us_per_delivery']:.1f}",
                round(f["deliveries_per_second"]),
                f"{f['arrival_p50_ms']:.1f}",
                f"{f['arrival_p99_ms']:.1f}",
                f"{f['generator_busy']:.0%}",
                "" if ratio is None else f"{ratio:.2f} times",
            )
        )
    print()
    table(head, rows)


def verdicts(result: dict[str, Any]) -> list[tuple[str, float, str, str]]:
    """Each promise, what was found, and whether it was kept."""
    rows = []
    for name, least in PROMISES.items():
        for size, found in result["by_size"].items():
            if (ratio := found["roadcrew_over"].get(name)) is not None:
                kept = "told only" if least is None else "yes" if ratio >= least else "NO"
                rows.append((f"over {name}, {size} streams", ratio, f">= {least or 0.5}", kept))
    memory = result["memory_per_connection"][OURS]
    return [*rows, ("bytes a connection", float(round(memory)), f"<= {MEMORY}", "yes" if memory <= MEMORY else "NO")]


def main() -> None:
    """Measure, and say."""
    quick = "--quick" in sys.argv
    if quick:
        sys.argv.remove("--quick")
    given = arguments(str(__doc__).partition("\n")[0] + " --quick: a small look.", runs=3 if quick else 15)
    contestants: list[Contestant] = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # nginx's worker may be somebody else
        try:
            contestants = start(Path(folder))
            with on_core(LOAD_CORE):
                result = measure(contestants, QUICK if quick else SIZES, given.runs)
        finally:
            for contestant in contestants:
                contestant.stop()
    rows = verdicts(result)
    print()
    table(("promise", "found", "wanted", "kept"), rows)
    verdict = [dict(zip(("promise", "found", "wanted", "kept"), row, strict=True)) for row in rows]
    write(given.json, "fanout", {"runs": given.runs, "cores": os.cpu_count(), **result, "promises": verdict})


if __name__ == "__main__":
    main()
