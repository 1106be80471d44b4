"""`python -P -m roadcrew_price_monitor`: from a command line to a clean end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_data_path

from roadcrew_price_monitor.memory import CantOpen, Memory
from roadcrew_price_monitor.service import Service

KEY = "PRICE_MONITOR_API_KEY"
LEAST_KEY = 16
"""Characters of a key."""


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="roadcrew price-monitor",
        description="The service that reads feeds of hotels for a Roadcrew server. Its key is in the environment, as "
        f"{KEY}; without one, a key is made up and shown.",
        epilog="examples:\n  roadcrew price-monitor\n  roadcrew price-monitor --host 0.0.0.0 --port 9000\n"
        "and for the server:\n  MONITOR_PRICE_APP_HOST=127.0.0.1:8790 PRICE_MONITOR_API_KEY=… roadcrew serve",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this computer only)")
    parser.add_argument("--port", type=int, default=8790, help="the port; 0 takes a free one (default 8790)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where it remembers (default: the platform's folder)")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input ends (for programs)")
    return parser


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """What was asked for. Exits with status 2 for what is wrong."""
    parser = make_parser()
    given = parser.parse_args(argv)
    if not 0 <= given.port <= 65_535:
        parser.error("a port is 0 to 65535")
    key = os.environ.get(KEY, "")
    if key and (len(key) < LEAST_KEY or not key.isascii() or not key.isprintable() or " " in key):
        parser.error(f"{KEY} has at least {LEAST_KEY} printable characters of ASCII, and no spaces")
    return given


def folder_of(given: Path | None) -> Path:
    """Where the service remembers."""
    if given is not None:
        return given
    home = os.environ.get("ROADCREW_HOME")
    base = Path(home).expanduser().absolute() / "data" if home else user_data_path("roadcrew")
    return base / "price-monitor"


async def run(given: argparse.Namespace) -> int:
    """Serve until told to stop; the exit status. Raises `CantOpen`."""
    key = os.environ.get(KEY) or secrets.token_urlsafe(32)
    service = Service(Memory(folder_of(given.data) / "memory.db", time.time), key)
    stop = _told_to_stop(end_with_stdin=given.end_with_stdin)
    try:
        port = await service.start(given.host, given.port)
    except OSError as error:
        print(f"roadcrew: can't listen on {given.host}:{given.port}: {error.strerror}", file=sys.stderr)
        await service.stop()
        return 1
    if not os.environ.get(KEY):
        print(f"Nobody has set {KEY}; until it stops, it is {key}", file=sys.stderr, flush=True)
    host = f"[{given.host}]" if ":" in given.host else given.host
    print(f"Roadcrew price monitor ready on ws://{host}:{port}", flush=True)
    waiting = {asyncio.create_task(stop.wait()), asyncio.create_task(service.broken.wait())}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await service.stop()
    return 1 if service.broken.is_set() else 0


def _told_to_stop(*, end_with_stdin: bool) -> asyncio.Event:
    """Set by SIGTERM, SIGINT and, if that was asked for, the end of standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop.set)

    def read() -> None:  # in a thread, since not everything that standard input can be is good for the loop
        with contextlib.suppress(OSError):
            while os.read(sys.stdin.fileno(), 1024):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(stop.set)

    if end_with_stdin:
        threading.Thread(target=read, name="stdin", daemon=True).start()
    return stop


def main(argv: Sequence[str] | None = None) -> int:
    """The command; the exit status."""
    given = arguments(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        return asyncio.run(run(given))
    except CantOpen as error:
        print(f"roadcrew: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
