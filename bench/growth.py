"""Does applying an event, or opening a trip, cost more the longer its history is?

    python bench/growth.py [--json FILE] [--quick]

The state has the same size at every history: people change votes that they have cast already. Each
promise stands beside a control that does grow, so that the measurement is seen to be able to tell:
applying beside copying what is changed into a new dict, opening from snapshot and tail beside
replaying the whole log. Times are medians, runs of all histories interleaved.

Bytes: `python` is what tracemalloc sees. The persistent maps live on their library's own heap, which it
does not see, so `resident` is how much a fresh process grows for each of many states that it keeps.

What it is not for: the server's throughput, and a disk's speed.
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from roadcrew_domain.crew import Invite, MemberJoined
from roadcrew_domain.events import Event, Fact, decode_event, encode_event, event
from roadcrew_domain.hotels import HotelShortlisted, HotelVoteCast, HotelVotingOpened
from roadcrew_domain.money import Money
from roadcrew_domain.polls import Option, PollOpened, VoteCast
from roadcrew_domain.trip import Bounds, Trip, TripCreated, evolve, fold
from roadcrew_domain.views import decode_trip, encode_trip

try:
    from roadcrew_server.stores.base import NOTHING_YET, Commit
    from roadcrew_server.stores.sqlite import SqliteStore
except ImportError:  # the domain can be measured without the server's packages
    SqliteStore = None  # type: ignore[assignment, misc]

TOPIC = "trip:growth"
START = datetime(2026, 5, 1, tzinfo=UTC)
POLLS, OPTIONS, HOTELS = 5, 4, 20
TAIL = 100
"""Events after the snapshot: what compaction leaves at least, and a server reads on opening."""

KEPT_STATES = 20_000

HISTORIES = (100, 10_000, 100_000)
QUICK = (100, 1_000, 10_000)
CREWS = (10, 100, 500)


def log(members: int) -> Iterator[Event]:
    """An endless log: first a whole trip, every vote cast, then votes that change for ever."""
    for seq, (by, fact) in enumerate(_facts(members)):
        yield event(TOPIC, seq, START + timedelta(milliseconds=seq), by, f"c{seq}", fact)


def _facts(members: int) -> Iterator[tuple[str, Fact]]:
    yield "m0", TripCreated("Growth", "m0", 4, 10, Bounds(), 10**8, Invite("K7QM-2D4F", None, None))
    for m in range(1, members):
        yield f"m{m}", MemberJoined(f"m{m}", f"Member {m}")
    for p in range(POLLS):
        yield (
            "m0",
            PollOpened(f"p{p}", f"Poll {p}", "single", tuple(Option(f"p{p}.{o}", f"o{o}") for o in range(OPTIONS))),
        )
    for h in range(HOTELS):
        yield "m0", HotelShortlisted(f"h{h}", f"Hotel {h}", "Lisbon", 3, Money(100 + h, "EUR"))
    yield "m0", HotelVotingOpened("cheapest")
    turn = 0
    while True:
        for m in range(members):
            for p in range(POLLS):
                yield f"m{m}", VoteCast(f"p{p}", ((f"p{p}.{(m + turn) % OPTIONS}", "yes"),))
            yield f"m{m}", HotelVoteCast(f"h{(m + turn) % HOTELS}")
        turn += 1


def settled(members: int) -> int:
    """After how many events a trip has its full size."""
    return 1 + (members - 1) + POLLS + HOTELS + 1 + members * (POLLS + 1)


def at_history(members: int, history: int, following: int) -> tuple[Trip, list[Event]]:
    """The state after all is set up and `history` further events, and the events that follow."""
    events = log(members)
    trip = fold(None, islice(events, settled(members) + history))
    assert trip is not None
    return trip, list(islice(events, following))


def apply_copying(ballots: Mapping[str, Any], e: Event) -> dict[str, Any]:
    """The control for a state of plain dicts: a new one is a copy of the old one."""
    return {**ballots, e.by or "": e.data}


def interleaved(work: Mapping[Any, Callable[[], object]], runs: int) -> dict[Any, list[int]]:
    """Nanoseconds of each piece of work, taken in turns, so that a slow moment of the machine hits all alike."""
    times: dict[Any, list[int]] = {name: [] for name in work}
    gc.collect()
    gc.disable()
    try:
        for _ in range(runs):
            for name, do in work.items():
                before = time.perf_counter_ns()
                do()
                times[name].append(time.perf_counter_ns() - before)
    finally:
        gc.enable()
    return times


def batch(apply: Callable[[Any, Event], object], state: object, events: list[Event]) -> Callable[[], None]:
    """Apply each event to the same state, so that the state stays what it is."""

    def run() -> None:
        for e in events:
            apply(state, e)

    return run


def bytes_per_event(trip: Trip, events: list[Event]) -> tuple[float, int]:
    """Bytes that stay allocated per event while old states are kept too, and the peak of one event."""
    states: list[Trip | None] = [None] * len(events)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for n, e in enumerate(events):
            trip = states[n] = evolve(trip, e)
        kept = (tracemalloc.get_traced_memory()[0] - before) / len(events)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        evolve(trip, events[0])
        return kept, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def resident_per_event(case: tuple[int, int]) -> float | None:
    """Bytes by which this process grows for each state it keeps; for a fresh process. None where it can't be read."""
    history, members = case
    trip, events = at_history(members, history, KEPT_STATES)
    states: list[Trip] = [trip] * KEPT_STATES
    gc.collect()
    before = _resident()
    for n, e in enumerate(events):
        trip = states[n] = evolve(trip, e)
    after = _resident()
    return None if before is None or after is None else (after - before) / len(states)


def _resident() -> int | None:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else None


def measure_applying(cases: list[tuple[int, int]], runs: int) -> list[dict[str, Any]]:
    """One row for each (history, members)."""
    following = 120
    states = {case: at_history(case[1], case[0], following) for case in cases}
    work: dict[Any, Callable[[], object]] = {}
    for case, (trip, events) in states.items():
        votes = [e for e in events if isinstance(e.data, VoteCast)]
        work["evolve", case] = batch(evolve, trip, votes)
        work["control", case] = batch(apply_copying, dict(trip.polls["p0"].ballots.items()), votes)
    times = interleaved(work, runs)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as fresh:
        resident = dict(zip(cases, fresh.map(resident_per_event, cases, chunksize=1), strict=True))
    rows = []
    for (history, members), (trip, events) in states.items():
        case = (history, members)
        voted = sum(isinstance(e.data, VoteCast) for e in events)
        kept, peak = bytes_per_event(trip, events)
        rows.append(
            {
                "history": history,
                "members": members,
                "apply_ns": statistics.median(times["evolve", case]) / voted,
                "python_bytes": kept,
                "python_peak": peak,
                "resident_bytes": resident[case],
                "copying_control_ns": statistics.median(times["control", case]) / voted,
                "state_bytes": len(encode_trip(trip)),
            }
        )
    return rows


def measure_opening(histories: tuple[int, ...], members: int, runs: int) -> list[dict[str, Any]]:
    """From snapshot and tail, beside replaying everything."""
    work: dict[Any, Callable[[], object]] = {}
    for history in histories:
        events = list(islice(log(members), settled(members) + history))
        snapshot = encode_trip(_folded(events[:-TAIL]))
        bodies = [encode_event(e) for e in events]
        work["tail", history] = _opener(snapshot, bodies[-TAIL:])
        work["replay", history] = _opener(None, bodies)
        assert work["tail", history]() == work["replay", history]()
    tails = interleaved({k: v for k, v in work.items() if k[0] == "tail"}, runs)
    replays = interleaved({k: v for k, v in work.items() if k[0] == "replay"}, max(3, runs // 20))
    return [
        {
            "history": history,
            "snapshot_and_tail_ms": statistics.median(tails["tail", history]) / 1e6,
            "replay_control_ms": statistics.median(replays["replay", history]) / 1e6,
        }
        for history in histories
    ]


def _folded(events: list[Event]) -> Trip:
    trip = fold(None, events)
    assert trip is not None
    return trip


def _opener(snapshot: bytes | None, bodies: list[bytes]) -> Callable[[], Trip | None]:
    def open_trip() -> Trip | None:
        trip = None if snapshot is None else decode_trip(snapshot)
        for body in bodies:
            trip = evolve(trip, decode_event(body))
        return trip

    return open_trip


async def measure_loading(histories: tuple[int, ...], members: int, runs: int) -> list[dict[str, Any]]:
    """The embedded store's `load` and the fold of what it gives, with compaction and without."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for history in histories:
            row: dict[str, Any] = {"history": history}
            for name, compacted in (("compacted_ms", True), ("whole_log_control_ms", False)):
                store = SqliteStore(Path(folder) / f"{history}-{compacted}.db")
                await store.open()
                try:
                    await _fill(store, list(islice(log(members), settled(members) + history)), compacted=compacted)
                    times = []
                    for _ in range(runs if compacted else max(3, runs // 20)):
                        before = time.perf_counter_ns()
                        loaded = await store.load(TOPIC)
                        assert loaded is not None
                        body = None if loaded.snapshot is None else loaded.snapshot.body
                        _opener(body, [e.body for e in loaded.events])()
                        times.append(time.perf_counter_ns() - before)
                    row[name] = statistics.median(times) / 1e6
                finally:
                    await store.close()
            rows.append(row)
    return rows


async def _fill(store: Any, events: list[Event], *, compacted: bool) -> None:
    epoch: str | None = None
    last = NOTHING_YET
    for start in range(0, len(events), 1000):
        part = events[start : start + 1000]
        commits = [Commit(e.command, (encode_event(e),)) for e in part]
        done = await store.append(TOPIC, epoch, last, commits, keep_until=store.now() + timedelta(days=1), due=None)
        epoch, last = done.epoch, done.head
    if compacted:
        upto = len(events) - TAIL - 1
        snapshot = encode_trip(_folded(events[: upto + 1]))
        assert await store.compact(TOPIC, epoch, upto, events[upto].command, snapshot)


def table(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows under their names."""
    print(f"\n{title}")
    names = list(rows[0])
    cells = [[f"{row[n]:,.2f}" if isinstance(row[n], float) else f"{row[n]:,}" for n in names] for row in rows]
    widths = [max(len(n), *(len(line[i]) for line in cells)) for i, n in enumerate(names)]
    for line in [names, *cells]:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def ratio(rows: list[dict[str, Any]], name: str) -> float:
    """The last row's value over the first's; 0 where it could not be measured."""
    return 0.0 if not rows[0][name] else round(float(rows[-1][name] / rows[0][name]), 3)


def measure(*, quick: bool) -> dict[str, Any]:
    """Everything, as JSON can carry it."""
    histories = QUICK if quick else HISTORIES
    runs = 60 if quick else 300
    by_history = measure_applying([(h, 100) for h in histories], runs)
    by_crew = measure_applying([(1_000, m) for m in CREWS], runs)
    opening = measure_opening(histories, 10, runs)
    loading = None if SqliteStore is None else asyncio.run(measure_loading(histories, 10, runs))
    grown = f"{histories[-1]}_over_{histories[0]}"
    ratios = {
        f"apply_ns_{grown}_events": ratio(by_history, "apply_ns"),
        f"apply_bytes_{grown}_events": ratio(by_history, "python_bytes"),
        f"resident_bytes_{grown}_events": ratio(by_history, "resident_bytes"),
        f"resident_bytes_{CREWS[-1]}_over_{CREWS[0]}_members": ratio(by_crew, "resident_bytes"),
        f"apply_ns_{CREWS[-1]}_over_{CREWS[0]}_members": ratio(by_crew, "apply_ns"),
        f"copying_control_{CREWS[-1]}_over_{CREWS[0]}_members": ratio(by_crew, "copying_control_ns"),
        f"open_{grown}_events": ratio(opening, "snapshot_and_tail_ms"),
        f"replay_control_{grown}_events": ratio(opening, "replay_control_ms"),
    }
    if loading:
        ratios[f"store_load_{grown}_events"] = ratio(loading, "compacted_ms")
        ratios[f"store_whole_log_control_{grown}_events"] = ratio(loading, "whole_log_control_ms")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "runs": runs,
        "by_history": by_history,
        "by_crew": by_crew,
        "opening": opening,
        "loading": loading,
        "ratios": ratios,
    }


def main() -> int:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--quick", action="store_true", help="up to 10,000 events and fewer runs")
    options = parser.parse_args()
    result = measure(quick=options.quick)
    print(
        f"Python {result['python']}, {result['system']}; medians of {result['runs']} runs (controls of opening: fewer)"
    )
    table("Applying one event, a crew of 100", result["by_history"])
    table("Applying one event, by the size of the crew", result["by_crew"])
    table(f"Opening a trip of 10, snapshot and a tail of {TAIL}, beside replaying all", result["opening"])
    if result["loading"]:
        table("The embedded store: load and fold, compacted and not", result["loading"])
    print("\nHow much more the largest costs than the smallest (1 is: no more)")
    for name, value in result["ratios"].items():
        print(f"  {name}: {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
