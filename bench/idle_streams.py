"""What a server that does nothing holds: memory and file descriptors, with no streams, 500 and 1,000.

    uv run python bench/idle_streams.py [--streams 0 500 1000] [--quiet 3]

Crews of five, each person with one stream, over loopback; what is printed is the server process's own. The floor for
planning (docs/operating.md): a crew with a long history, and changes under way, come on top.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.people import Person, connected, crew  # noqa: E402 - after the path is set
from tests.support.serving import ServerProcess  # noqa: E402 - after the path is set

CREW = 5


async def opened(person: Person, port: int, trip: str) -> asyncio.StreamWriter:
    """A stream of that trip, whose first frame has come; what comes later nobody reads."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /api/sync?topic=trip:{trip} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
        f"Authorization: {person.auth['Authorization']}\r\n\r\n".encode()
    )
    await reader.readuntil(b"event: reset")
    return writer


def held(pid: int) -> tuple[float, int]:
    """Resident memory in MB, and open file descriptors."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return kilobytes / 1024, len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def measure(server: ServerProcess, counts: list[int], quiet: float) -> None:
    """Print a line for each number of streams, some quiet seconds after the last was opened."""
    writers: list[asyncio.StreamWriter] = []
    print("streams   MB resident   file descriptors")
    for count in counts:
        async with connected(server.url) as http:
            while len(writers) < count:
                made, people = await crew(http, CREW)
                writers += await asyncio.gather(*(opened(p, server.port, made["trip"]["id"]) for p in people))
        await asyncio.sleep(quiet)
        megabytes, files = held(server.pid)
        print(f"{len(writers):7}   {megabytes:11.1f}   {files:16}")
    for writer in writers:
        writer.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, nargs="+", default=[0, 500, 1000], help="how many, growing")
    parser.add_argument("--quiet", type=float, default=3, help="seconds before each look")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, ServerProcess(Path(place)) as server:
        asyncio.run(measure(server, given.streams, given.quiet))


if __name__ == "__main__":
    main()
