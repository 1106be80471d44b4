"""`python -P -m roadcrew_server`: from a command line to a clean end; one process, or a supervisor of several."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from roadcrew_server import catalogue
from roadcrew_server.app import Server, make_app
from roadcrew_server.catalogue import BadCatalogue, Catalogue
from roadcrew_server.http import HttpServer, listen
from roadcrew_server.payments.registry import CantPay
from roadcrew_server.quotes import registry as quotes
from roadcrew_server.quotes.registry import BadQuotes, Providers
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import StoreError
from roadcrew_server.stores.opening import check_url, make_store, shown
from roadcrew_server.workers import Supervisor

STORE_HELP = "where trips are kept: sqlite:///FILE (default: in the platform's data folder), or a Redis or Valkey"

CATALOG_HELP = (
    "the exhibitions that can be booked, .toml or .csv, or `sample` for a made-up one (default: none); "
    "`roadcrew admin catalog FILE` checks one"
)

QUOTES_HELP = "who is asked for prices, .toml, or `sample` for providers that make theirs up (default: nobody)"

MONITOR_HELP = (
    "the service that reads feeds of hotels (`roadcrew price-monitor`), whose key is in PRICE_MONITOR_API_KEY "
    "(default: none, and nothing can be imported)"
)

TELLING = ("roadcrew_server.jobs", "roadcrew_server.routes.jobs")
"""Loggers that say what goes well, too: how an import goes at a service elsewhere is looked for in the log."""


@dataclass(frozen=True, slots=True)
class Part:
    """What this process is to do: `worker` is its number if a supervisor started it, `fd` the socket to serve on."""

    end_with_stdin: bool = False
    worker: int | None = None
    fd: int | None = None


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="roadcrew serve",
        description="Serve trips to your crew. Everything else is set by ROADCREW_… variables; see docs/operating.md.",
        epilog="examples:\n  roadcrew serve\n  roadcrew serve --host 0.0.0.0 --public-url https://trips.example.org\n"
        "  roadcrew serve --port 0 --store sqlite:///trips.db --catalog sample --quotes sample\n"
        "  roadcrew serve --workers 4 --store redis://127.0.0.1:6379/0   (a password: in ROADCREW_STORE, not here)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="the address to listen on (default 127.0.0.1: this computer only)")
    parser.add_argument("--port", type=int, help="the port to listen on; 0 takes a free one (default 8787)")
    parser.add_argument("--public-url", help="how people reach this server; invite links begin with it")
    parser.add_argument("--store", help=STORE_HELP)
    parser.add_argument("--catalog", metavar="FILE", help=CATALOG_HELP)
    parser.add_argument("--quotes", metavar="FILE", help=QUOTES_HELP)
    parser.add_argument("--price-monitor", metavar="HOST:PORT", dest="MONITOR_PRICE_APP_HOST", help=MONITOR_HELP)
    parser.add_argument("--workers", type=int, help="how many processes serve (default 1; more need a Redis or Valkey)")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input ends (for programs)")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--socket", type=int, help=argparse.SUPPRESS)
    return parser


def arguments(argv: Sequence[str]) -> tuple[Settings, Part]:
    """The settings, and what this process is to do. Exits with status 2 for a wrong one."""
    parser = make_parser()
    given = {k: v for k, v in vars(parser.parse_args(argv)).items() if v is not None}
    part = Part(given.pop("end_with_stdin"), given.pop("worker", None), given.pop("socket", None))
    try:
        settings = Settings(**given)
        check_url(settings.store)
    except ValidationError as error:
        parser.error("; ".join(map(_sentence, error.errors(include_url=False, include_input=False))))
    except ValueError as error:
        parser.error(str(error))
    return settings, part


def _sentence(error: ErrorDetails) -> str:
    """What is wrong with a setting: ours are sentences already."""
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"


async def serve(settings: Settings, part: Part, offered: Catalogue | None, asked: Providers | None) -> int:
    """Serve until told to stop; the exit status."""
    server = Server(make_store(settings), settings, worker=part.worker, catalogue=offered, quotes=asked)
    sock = _listening(settings, part)
    if sock is None:
        return 1
    server.port = sock.getsockname()[1]
    for warning in (await server.start()).warnings:
        if part.worker in (None, 1):
            print(f"roadcrew: {warning}", file=sys.stderr)
    http = HttpServer(make_app(server), trusted_proxies=settings.trusted_proxies)
    stop = _told_to_stop(part)
    serving = asyncio.create_task(http.serve(sockets=[sock]))
    starting = asyncio.create_task(http.ready.wait())
    await asyncio.wait({serving, starting}, return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    if not serving.done():
        print(_ready_line(settings, server.port), flush=True)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        http.stop_listening(sock)  # who comes now finds another process, or is refused at once and not put off
        await server.streams.drain()
        http.should_exit = True
    await serving
    return 0 if http.started else 1


async def supervise(settings: Settings, argv: Sequence[str], part: Part) -> int:
    """Have several processes serve until told to stop; the exit status."""
    sock = _listening(settings, part)
    if sock is None:
        return 1
    with sock:
        ready = _ready_line(settings, sock.getsockname()[1])
        stop = _told_to_stop(part)
        supervisor = Supervisor(settings.workers, argv, sock, stop, drain_window=settings.drain_window)
        return await supervisor.run(ready)


def _listening(settings: Settings, part: Part) -> socket.socket | None:
    """The socket to serve on: the supervisor's, or a new one. None, and a sentence, if there can be none."""
    if part.fd is not None:
        return socket.socket(fileno=part.fd)
    try:
        return listen(settings)
    except OSError as error:
        print(f"roadcrew: can't listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return None


def _ready_line(settings: Settings, port: int) -> str:
    workers = f", {settings.workers} workers" if settings.workers > 1 else ""
    return f"Roadcrew server ready on {settings.address(port)} (store: {shown(settings.store)}{workers})"


def _told_to_stop(part: Part) -> asyncio.Event:
    """Set by SIGTERM, SIGINT and, if that was asked for, the end of standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop.set)
    if part.end_with_stdin:
        _end_with_stdin(loop, stop)
    return stop


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
    given = sys.argv[1:] if argv is None else argv
    settings, part = arguments(given)
    who = "" if part.worker is None else f"worker {part.worker} "
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {who}%(levelname)s %(name)s: %(message)s")
    for name in TELLING:
        logging.getLogger(name).setLevel(logging.INFO)
    leads = settings.workers > 1 and part.worker is None
    try:
        offered = catalogue.named(settings.catalog)
        asked = quotes.named(settings.quotes)
    except (BadCatalogue, BadQuotes) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(supervise(settings, given, part) if leads else serve(settings, part, offered, asked))
    except (StoreError, CantPay) as error:
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
