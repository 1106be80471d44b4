"""Real servers for tests: one in the test's own event loop, and one as a process of its own.

`served` is quick to start and can be looked into (`running.server.hub`); `ServerProcess` can be killed.
"""

import asyncio
import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp

from roadcrew_server import catalogue
from roadcrew_server.app import Server, make_app
from roadcrew_server.http import HttpServer, listen
from roadcrew_server.quotes import registry
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Store
from roadcrew_server.stores.sqlite import SqliteStore

UNLIMITED: dict[str, Any] = {
    "requests_per_user": "1000000/minute",
    "signins_per_address": "1000000/minute",
    "logins_per_name": "1000000/minute",
    "invites_per_address": "1000000/minute",
    "lookups_per_address": "1000000/minute",
    "quotes_per_user": "1000000/minute",
    "quotes_per_address": "1000000/minute",
    "jobs_per_user": "1000000/minute",
    "feed_mib_per_address": "1000000/minute",
    "talk_per_user": "1000000/minute",
    "images_per_user": "1000000/minute",
    "images_per_address": "1000000/minute",
    "book_ahead_days": 3650,
}
"""What most tests want of limits, and dates that stay good: a test of a limit sets its own."""

READY_SECONDS = 30.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Running:
    """A server in this event loop, and where it is."""

    server: Server
    http: HttpServer
    url: str


class QuickServer(HttpServer):
    """It hears at once that it should end, where uvicorn looks ten times a second."""

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        super().__init__(app, **options)
        self.stop = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for `stop`."""
        await self.on_tick(0)
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What uvicorn does, without its naps."""
        for listening in self.servers:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=self.config.timeout_graceful_shutdown)
        await self.lifespan.shutdown()


def settings_for(store: Path, **settings: Any) -> Settings:
    """Settings of a server on a free port, without limits on rates unless they are given."""
    return Settings(**{"port": 0, "store": f"sqlite:///{store}", "drain_window": 1, **UNLIMITED, **settings})


@contextlib.asynccontextmanager
async def served(
    place: Path, *, store: Store | None = None, asked: Any = None, **settings: Any
) -> AsyncIterator[Running]:
    """A server in this event loop, on a free port, with its store in the folder `place` (or a given one); `asked`
    (`Providers`) are who is asked for prices, if not those that the setting `quotes` names."""
    file = place / "store.sqlite"
    chosen = settings_for(file, **settings)
    kept = store or SqliteStore(file, synchronous="NORMAL")  # nobody cuts the power in here
    server = Server(
        kept, chosen, catalogue=catalogue.named(chosen.catalog), quotes=asked or registry.named(chosen.quotes)
    )
    sock = listen(chosen)
    server.port = sock.getsockname()[1]
    http = QuickServer(make_app(server), timeout_graceful_shutdown=2, trusted_proxies=chosen.trusted_proxies)
    serving = asyncio.create_task(http.serve(sockets=[sock]))
    ready = asyncio.create_task(http.ready.wait())
    try:
        await asyncio.wait({serving, ready}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            raise RuntimeError("the server did not start")
        yield Running(server, http, server.address)
    finally:
        ready.cancel()
        if http.started:
            await server.streams.drain()
        http.should_exit = True
        http.stop.set()
        await serving


class ServerProcess:
    """`python -P -m roadcrew_server` on a free port; the port stays the same over restarts.

    Use as a context manager. Settings are given as `heartbeat=1`, and reach it as `ROADCREW_HEARTBEAT`.
    `store` is the address of another store than a file in `place`; `program` is what Python runs in place of the
    server's module. Its methods block, so an async test calls them by `asyncio.to_thread`.
    """

    def __init__(self, place: Path, *, store: str | None = None, program: Sequence[str] = (), **settings: Any) -> None:
        self.store = place / "store.sqlite"
        self.store_url = store or f"sqlite:///{self.store}"
        self._program = tuple(program) or ("-P", "-m", "roadcrew_server")
        self.log = place / "server.log"
        self.port = 0
        self.ready_line = ""
        self.process: subprocess.Popen[bytes] | None = None
        given = {**UNLIMITED, **settings}
        self._settings = {f"ROADCREW_{name.upper()}": str(value) for name, value in given.items()}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running().pid

    def start(self) -> Self:
        """Start it, and wait until it says that it is ready."""
        command = [sys.executable, *self._program, "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--store", self.store_url, "--end-with-stdin"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ROADCREW_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=clean | self._settings
            )
        self.ready_line = self._line(READY_SECONDS)
        if "ready on" not in self.ready_line:
            self.kill()
            raise RuntimeError(f"the server did not start: {self.log.read_text()}")
        self.port = int(self.ready_line.split()[4].rpartition(":")[2])
        return self

    def _line(self, seconds: float) -> str:
        process = self._running()
        assert process.stdout is not None
        line, deadline = b"", time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n") and selector.select(max(0, deadline - time.monotonic())):
                byte = os.read(process.stdout.fileno(), 1)
                if not byte:
                    break
                line += byte
        return line.decode()

    def kill(self) -> None:
        """`kill -9`: no chance to say goodbye."""
        process = self._running()
        process.kill()
        self._wait(STOP_SECONDS)

    def pause(self) -> None:
        """SIGSTOP: it stands still, and its connections stay open."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._running().send_signal(signal.SIGCONT)

    def terminate(self, seconds: float = STOP_SECONDS) -> int:
        """SIGTERM; its exit status."""
        self._running().send_signal(signal.SIGTERM)
        return self._wait(seconds)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """End its standard input, on which it ends; its exit status."""
        process = self._running()
        if process.stdin is not None:
            process.stdin.close()
        return self._wait(seconds)

    def restart(self) -> Self:
        """Start it again on the same port, killing it first if it runs."""
        if self.process is not None:
            self.kill()
        return self.start()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self.process is None:
            raise RuntimeError("the server is not running")
        return self.process

    def _wait(self, seconds: float) -> int:
        process = self._running()
        try:
            return process.wait(seconds)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self.process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop it if it runs, whatever it takes."""
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()


@contextlib.contextmanager
def server_process(place: Path, **settings: Any) -> Iterator[ServerProcess]:
    """A `ServerProcess` that has been started, and is ended whatever happens."""
    with ServerProcess(place, **settings) as process:
        yield process
