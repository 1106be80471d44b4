"""`python -P -m roadcrew_server`: one server process, from a command line to a clean end."""

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
from collections.abc import Callable, Iterator, Sequence

import uvicorn

from roadcrew_server.app import Server, make_app
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import StoreError
from roadcrew_server.stores.sqlite import SqliteStore

USER_TIMEOUT_MS = 30_000
"""TCP_USER_TIMEOUT: how long sent bytes may stay unacknowledged before a vanished peer is given up."""
BACKLOG = 2048


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
        settings.store_path()
    except ValueError as error:
        parser.error(str(error))
    return settings, end_with_stdin


def listen(settings: Settings) -> socket.socket:
    """The listening socket. What is set here, accepted connections inherit. Raises `OSError`."""
    info = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.socket(info[0], info[1], info[2])  # without the protocol, asyncio leaves Nagle's algorithm on
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or each answer takes 40 ms
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        sock.bind(info[4])
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


class HttpServer(uvicorn.Server):
    """uvicorn, but signals are ours (we drain the streams first), and being ready can be waited for."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()


async def serve(settings: Settings, *, end_with_stdin: bool) -> int:
    """Serve until told to stop; the exit status."""
    server = Server(SqliteStore(settings.store_path()), settings)
    try:
        sock = listen(settings)
    except OSError as error:
        print(f"roadcrew: can't listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return 1
    server.port = sock.getsockname()[1]
    for warning in (await server.start()).warnings:
        print(f"roadcrew: {warning}", file=sys.stderr)
    config = uvicorn.Config(
        make_app(server),
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    http = HttpServer(config)
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
