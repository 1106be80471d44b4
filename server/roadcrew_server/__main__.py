"""`python -P -m roadcrew_server`: one server process, from a command line to a clean end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from roadcrew_server.app import Server, make_app
from roadcrew_server.http import HttpServer, listen
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import StoreError
from roadcrew_server.stores.sqlite import SqliteStore, path_of


def arguments(argv: Sequence[str]) -> tuple[Settings, bool]:
    """The settings, and whether to end with standard input. Exits with status 2 for a wrong one."""
    parser = argparse.ArgumentParser(
        prog="roadcrew serve",
        description="Serve trips to your crew. Everything else is set by ROADCREW_… variables; see docs/operating.md.",
        epilog="examples:\n  roadcrew serve\n  roadcrew serve --host 0.0.0.0 --public-url https://trips.example.org\n"
        "  roadcrew serve --port 0 --store sqlite:///trips.db",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="the address to listen on (default 127.0.0.1: this computer only)")
    parser.add_argument("--port", type=int, help="the port to listen on; 0 takes a free one (default 8787)")
    parser.add_argument("--public-url", help="how people reach this server; invite links begin with it")
    parser.add_argument("--store", help="where trips are kept: sqlite:///FILE (default: the platform's data folder)")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input ends (for programs)")
    given = {k: v for k, v in vars(parser.parse_args(argv)).items() if v is not None}
    end_with_stdin = bool(given.pop("end_with_stdin"))
    try:
        settings = Settings(**given)
        path_of(settings.store)
    except ValidationError as error:
        parser.error("; ".join(map(_sentence, error.errors(include_url=False, include_input=False))))
    except ValueError as error:
        parser.error(str(error))
    return settings, end_with_stdin


def _sentence(error: ErrorDetails) -> str:
    """What is wrong with a setting: ours are sentences already."""
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"


async def serve(settings: Settings, *, end_with_stdin: bool) -> int:
    """Serve until told to stop; the exit status."""
    server = Server(SqliteStore(path_of(settings.store)), settings)
    try:
        sock = listen(settings)
    except OSError as error:
        print(f"roadcrew: can't listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return 1
    server.port = sock.getsockname()[1]
    for warning in (await server.start()).warnings:
        print(f"roadcrew: {warning}", file=sys.stderr)
    http = HttpServer(make_app(server), trusted_proxies=settings.trusted_proxies)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop.set)
    if end_with_stdin:
        _end_with_stdin(loop, stop)
    serving = asyncio.create_task(http.serve(sockets=[sock]))
    starting = asyncio.create_task(http.ready.wait())
    await asyncio.wait({serving, starting}, return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    if not serving.done():
        print(f"Roadcrew server ready on {server.address} (store: {settings.store})", flush=True)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await server.streams.drain()
        http.should_exit = True
    await serving
    return 0 if http.started else 1


def _end_with_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def read() -> None:  # in a thread, since not everything that standard input can be is good for the loop
        with contextlib.suppress(OSError):
            while os.read(sys.stdin.fileno(), 1024):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, name="roadcrew-stdin", daemon=True).start()


def main(argv: Sequence[str] | None = None) -> int:
    """The command; the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings, end_with_stdin = arguments(sys.argv[1:] if argv is None else argv)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(serve(settings, end_with_stdin=end_with_stdin))
    except StoreError as error:
        print(f"roadcrew: {error}", file=sys.stderr)
        return 1


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main())
