"""How fast is a feed of hotels read, and with how much memory, beside those who read the same file for nothing?

    uv run python bench/import.py [--rows 1000000] [--rounds 3] [--json FILE]

Each reader is a process of its own, on the same CSV file; of several rounds, interleaved, the median. `csv` is the
standard library's reader counting rows, as text; polars reads the whole file into columns with types. Neither checks a
row, knows a duplicate or keeps a price, which is most of what the price monitor does: `parser` is that in a process
without a socket, its memory on a disk as in service; `service` is the whole over its WebSocket, where the protocol
allows 10 messages of 4,000 rows a second and no more, and with the server's end at work beside it.

Memory is the most that a process has had (`ru_maxrss`), with a bare Python beside it. What it is not for: what the
server makes of the rows.
"""

import asyncio
import importlib
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from report import arguments, table, write  # noqa: E402 - after the path is set

READERS = ("nothing", "csv", "polars", "parser", "service")
MODULES = {
    "polars": ("polars",),
    "parser": ("roadcrew_price_monitor.parser",),
    "service": ("roadcrew_price_monitor.service",),
}
"""What a reader needs is loaded before its time begins."""

PIECE = 64 * 1024
KEY = "a-key-for-the-bench-only"


def feed(file: Path, rows: int) -> None:
    """A feed with 1 % bad rows and 1 % duplicates."""
    from tests.price_monitor.feeding import generated  # noqa: PLC0415 - only who writes it needs it

    with file.open("w", encoding="utf-8", newline="") as out:
        for n, line in enumerate(generated(rows, bad=100)):
            out.write(line.replace(f"Hotel {n},City {n % 700}", "Hotel 1,City 1") if n % 100 == 50 else line)


def with_nothing(_: Path) -> int:
    """What Python itself takes."""
    return 0


def with_csv(file: Path) -> int:
    """The standard library."""
    import csv  # noqa: PLC0415 - each process loads its own reader alone

    with file.open(encoding="utf-8", newline="") as text:
        return sum(1 for _ in csv.reader(text)) - 1


def with_polars(file: Path) -> int:
    """Its eager reader, types and all."""
    import polars  # noqa: PLC0415 - as above

    return polars.read_csv(file).height


def with_parser(file: Path) -> int:
    """The price monitor without its socket: parsed, checked, duplicates found, prices kept, committed as it goes."""
    from roadcrew_domain.jobs_state import Checkpoint  # noqa: PLC0415 - as above
    from roadcrew_price_monitor.memory import Memory  # noqa: PLC0415 - as above
    from roadcrew_price_monitor.parser import Parser  # noqa: PLC0415 - as above
    from roadcrew_price_monitor.protocol import MOST_ROWS  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory() as folder, file.open("rb") as data:
        memory = Memory(Path(folder) / "memory.db", time.time)
        parser = Parser("bench", "csv", None, Checkpoint(), memory)
        kept = 0
        while piece := data.read(PIECE):
            parser.take(piece)
            _all(parser)
            if parser.rows - kept >= MOST_ROWS:
                memory.commit()
                kept = parser.rows
        parser.end()
        _all(parser)
        memory.close()
        return parser.rows


def _all(parser: Any) -> None:
    while parser.step() is not None:
        pass


def with_service(file: Path) -> int:
    """All of it, over a WebSocket from another process."""
    from roadcrew_price_monitor.memory import Memory  # noqa: PLC0415 - as above
    from roadcrew_price_monitor.service import Service  # noqa: PLC0415 - as above

    async def serve() -> int:
        with tempfile.TemporaryDirectory() as folder:
            service = Service(Memory(Path(folder) / "memory.db", time.time), KEY)
            port = await service.start("127.0.0.1", 0)
            asking = await asyncio.create_subprocess_exec(
                *(sys.executable, __file__, "ask", str(port), str(file)), stdout=asyncio.subprocess.PIPE
            )
            out, _ = await asking.communicate()
            await service.stop()
            return int(out)

    return asyncio.run(serve())


def ask(port: str, file: str) -> None:
    """The server's end: sends the feed, and keeps the rows."""
    from tests.price_monitor.server import Importer, dial  # noqa: PLC0415 - as above

    importer = Importer(Path(file).read_bytes(), job="bench")

    async def go() -> None:
        async with dial(int(port), KEY) as wire:
            end: Any = await importer.go(wire)
            print(end.rows)

    asyncio.run(go())


def measure(reader: str, file: Path) -> None:
    """In a process of its own: rows, seconds and memory as JSON."""
    for module in MODULES.get(reader, ()):
        importlib.import_module(module)
    began, used = time.perf_counter(), time.process_time()
    rows = {
        "nothing": with_nothing,
        "csv": with_csv,
        "polars": with_polars,
        "parser": with_parser,
        "service": with_service,
    }[reader](file)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mib = most / (2**20 if sys.platform == "darwin" else 1024)
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu": cpu, "mib": mib}))


async def measured(reader: str, file: Path) -> dict[str, float]:
    """What a process of that reader says of itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "measure", reader, str(file)), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    found: dict[str, float] = json.loads(out)
    return found


def main() -> None:
    """Measure, and say."""
    given = arguments(__doc__.partition("\n")[0], rows=1_000_000, rounds=3)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hotels.csv"
        feed(file, given.rows)
        size = file.stat().st_size
        runs: dict[str, list[dict[str, float]]] = {reader: [] for reader in READERS}
        for _ in range(given.rounds):
            for reader in READERS:
                runs[reader].append(asyncio.run(measured(reader, file)))
    figures: dict[str, Any] = {"rows": given.rows, "bytes": size, "cpus": os.cpu_count(), "readers": {}}
    for reader, found in runs.items():
        if reader != "nothing" and any(run["rows"] != given.rows for run in found):
            raise SystemExit(f"{reader} has not read {given.rows} rows: {found}")
        seconds = statistics.median(run["seconds"] for run in found)
        rate = 0 if reader == "nothing" else round(given.rows / seconds)
        cpu = statistics.median(run["cpu"] for run in found) / given.rows * 1e6
        most = max(run["mib"] for run in found)
        figures["readers"][reader] = {"rate": rate, "seconds": seconds, "cpu_us": cpu, "mib": most}
    print(f"{given.rows} rows, {size / 1e6:.0f} MB")
    said = [
        (reader, of["rate"], f"{of['rate'] * size / given.rows / 1e6:.1f}", f"{of['cpu_us']:.1f}", round(of["mib"]))
        for reader, of in figures["readers"].items()
    ]
    table(("reader", "rows/s", "MB/s", "CPU µs a row", "peak MiB"), said)
    write(given.json, "import", figures)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure", reader, file]:
            measure(reader, Path(file))
        case ["ask", port, file]:
            ask(port, file)
        case _:
            main()
