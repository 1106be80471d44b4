"""The service: who may come in, one connection a job, one thread that reads and writes, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

import apsw
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import MultipleValuesError
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from roadcrew_price_monitor import protocol
from roadcrew_price_monitor.memory import Memory
from roadcrew_price_monitor.refused import BadFeed
from roadcrew_price_monitor.session import AHEAD, SILENCE, Closing, Fault, Session, hello

MOST_CONNECTIONS = 64
"""At once, each with `AHEAD` bytes of a feed at most."""

TIDY_EVERY = 600.0
"""Seconds between two times of forgetting what is old."""

TIDY_AGAIN = 1.0
"""Seconds until the next when there was more."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.websocket")
_quiet.setLevel(logging.WARNING)  # below that, the library tells every header, and with it the key


class Service:
    """Serves on a socket from `start` to `stop`. `key` is what `Authorization: Bearer` has to say."""

    def __init__(self, memory: Memory, key: str, *, between: float = protocol.LEAST_BETWEEN) -> None:
        self._memory = memory
        self._key = key.encode()
        self._between = between
        self._worker = ThreadPoolExecutor(1, "feeds")
        self._connections = 0
        self._jobs: dict[str, ServerConnection] = {}
        self._server: Server | None = None
        self._tidying: asyncio.Task[None] | None = None
        self.broken = asyncio.Event()
        """The memory can't be used any more: a full disk, mostly. Whoever runs the service ends it."""

    async def start(self, host: str, port: int) -> int:
        """Listen; the port. Raises `OSError`."""
        self._server = await serve(
            self._serve,
            host,
            port,
            process_request=self._look,
            server_header=None,
            compression=None,
            max_size=protocol.MOST_CHUNK,
            max_queue=4,
            write_limit=AHEAD,
            open_timeout=10,
            close_timeout=2,
            ping_interval=20,
            ping_timeout=SILENCE,
            logger=_quiet,
        )
        self._tidying = asyncio.create_task(self._tidy())
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def stop(self) -> None:
        """Every connection is told to come again, and what is in memory is kept."""
        if self._server is not None:
            self._server.close(code=1012, reason="the service stops")
            await self._server.wait_closed()
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
        await self._work(self._memory.close)
        self._worker.shutdown()

    def _look(self, connection: ServerConnection, request: Request) -> Response | None:
        """Who may come in."""
        if request.path == "/healthz":
            return connection.respond(HTTPStatus.OK, "ok\n")
        if request.path != protocol.PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, f"Imports are at {protocol.PATH}.\n")
        try:
            said = request.headers.get("Authorization", "").encode(errors="replace")
        except MultipleValuesError:
            said = b""
        if not hmac.compare_digest(said, b"Bearer " + self._key):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "The key is missing or another one.\n")
        if self._connections >= MOST_CONNECTIONS:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many imports at once.\n")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        self._connections += 1
        job = "-"
        try:
            begun = await hello(connection)
            job = begun.job
            if begun.version != protocol.VERSION:
                said = f"This service speaks version {protocol.VERSION} of the protocol."
                await self._fail(connection, protocol.Failed("version", said))
                return
            await self._replace(job, connection)
            _log.info("import begins job=%s format=%s bytes=%d", job, begun.format, begun.bytes)
            await Session(connection, begun, self._memory, self._work, self._between).run()
            _log.info("import over job=%s", job)
        except Fault as error:
            _log.warning("import ended job=%s by=server: %s", job, error)
            await self._fail(connection, protocol.Failed("protocol", str(error)))
        except BadFeed as error:
            _log.info("import ended job=%s by=feed: %s", job, error)
            await self._fail(connection, protocol.Failed("bad-feed", str(error)))
        except Closing as error:
            _log.info("import broken off job=%s: %s", job, error.reason)
            await connection.close(error.code, error.reason)
        except ConnectionClosed:
            _log.info("import broken off job=%s: the connection closed", job)
        except apsw.Error:
            await connection.close(1011, "the service can't remember")
        finally:
            self._connections -= 1
            if self._jobs.get(job) is connection:
                del self._jobs[job]

    async def _replace(self, job: str, connection: ServerConnection) -> None:
        """The newest connection of a job is the one: the other end of an older one may be long gone."""
        before = self._jobs.get(job)
        self._jobs[job] = connection
        if before is not None:
            await before.close(protocol.REPLACED, "the job goes on elsewhere")

    async def _fail(self, connection: ServerConnection, failed: protocol.Failed) -> None:
        try:
            async with asyncio.timeout(SILENCE):
                await connection.send(protocol.written(failed))
        except (TimeoutError, ConnectionClosed):
            return

    async def _work(self, job: Callable[[], _T]) -> _T:
        """In the worker's thread. What could not be kept must not be built upon, by this job nor others: after an error
        of the memory, nothing is kept any more."""

        def kept() -> _T:
            try:
                return job()
            except apsw.Error as error:
                _log.error("the memory can't be used: %s: %s", type(error).__name__, error)
                self._memory.abandon()
                raise

        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, kept)
        except apsw.Error:
            self.broken.set()
            raise

    async def _tidy(self) -> None:
        with contextlib.suppress(apsw.Error):
            while True:
                more = await self._work(self._memory.tidy)
                await asyncio.sleep(TIDY_AGAIN if more else TIDY_EVERY)
