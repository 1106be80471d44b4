"""Several server processes over one store, and a proxy in front that gives each connection to the next of them."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httpx
from tests.faults import FaultProxy
from tests.support.people import connected
from tests.support.serving import ServerProcess

LOOPBACK = "127.0.0.1"


class _Side(asyncio.Protocol):
    """One end of a connection through the proxy. What it hears, the other end says. `sides` are all that are open."""

    def __init__(self, sides: "set[_Side]", other: "_Side | None" = None) -> None:
        self.other = other
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self._sides = sides

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._sides.add(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self._sides.discard(self)
        if self.other is not None and self.other.transport is not None:
            if error is None:
                self.other.transport.close()
            else:
                self.other.transport.abort()

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()


class RoundRobin:
    """Passes each connection to the next of its backends; one that refuses is passed over, as nginx does.

    Use with `async with`. `backends` (addresses such as http://127.0.0.1:8787) may be changed while it runs.
    """

    def __init__(self, backends: Iterable[str] = ()) -> None:
        self.backends = list(backends)
        self.connections: Counter[str] = Counter()
        """How many each backend was given."""
        self.port = 0
        self._turn = itertools.count()
        self._server: asyncio.Server | None = None
        self.open: set[_Side] = set()
        self._connecting: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    def drop(self) -> None:
        """Cut all that is open: both sides see a reset or an end in the middle of whatever it was."""
        for side in tuple(self.open):
            if side.transport is not None:
                side.transport.abort()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accepting, LOOPBACK, self.port, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connecting):
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        while self.open:
            self.drop()
            await asyncio.sleep(0)

    def _accepting(self) -> asyncio.Protocol:
        return _Client(self)

    def accepted(self, client: "_Client") -> None:
        """A client is here: find it a backend."""
        task = asyncio.create_task(self._connect(client))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, client: "_Client") -> None:
        loop, start = asyncio.get_running_loop(), next(self._turn)
        backends = tuple(self.backends)
        for n in range(len(backends)):
            backend = backends[(start + n) % len(backends)]
            host, port = _place(backend)
            server = _Side(self.open, client)
            try:
                await loop.create_connection(partial(_same, server), host, port)
            except OSError:
                continue
            self.connections[backend] += 1
            client.other = server
            if client.lost:
                server.transport.abort()  # type: ignore[union-attr]
            elif client.transport is not None:
                client.transport.resume_reading()
            return
        if client.transport is not None:
            client.transport.abort()


def _same(side: _Side) -> _Side:
    return side


def _place(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


class _Client(_Side):
    """The end that a client has connected; what it says waits until there is a backend."""

    def __init__(self, proxy: RoundRobin) -> None:
        super().__init__(proxy.open)
        self._proxy = proxy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast(asyncio.Transport, transport).pause_reading()
        self._proxy.accepted(self)


@contextlib.contextmanager
def started(
    place: Path, stores: Sequence[str], *, programs: Sequence[Sequence[str]] = (), **settings: Any
) -> Iterator[tuple[ServerProcess, ...]]:
    """A server for each address of a store, with a folder of its own in `place`, all started at once.

    `programs`: for each server, what Python is to run in place of the server's module (nothing: that module).
    """
    servers = []
    for n, store in enumerate(stores):
        folder = place / f"server-{n}"
        folder.mkdir(parents=True)
        program = programs[n] if n < len(programs) else ()
        servers.append(ServerProcess(folder, store=store, program=program, **settings))
    try:
        with ThreadPoolExecutor(len(servers)) as pool:
            list(pool.map(ServerProcess.start, servers))
        yield tuple(servers)
    finally:
        for server in servers:
            server.end()


@contextlib.asynccontextmanager
async def linked(store: str, count: int) -> AsyncIterator[tuple[FaultProxy, ...]]:
    """So many proxies that stand between a server and the store at that address, each for one server (`through`)."""
    async with contextlib.AsyncExitStack() as stack:
        yield tuple([await stack.enter_async_context(FaultProxy(_http(store), seed=n)) for n in range(count)])


def _http(store: str) -> str:
    """Where a store listens, as the fault proxy wants to hear it: what passes through is bytes to it."""
    host, port = _place(store)
    return f"http://{host}:{port}"


def through(store: str, link: FaultProxy) -> str:
    """A store's address by way of a proxy."""
    return store.replace(f":{_place(store)[1]}", f":{_place(link.url)[1]}", 1)


@contextlib.asynccontextmanager
async def doors(urls: Sequence[str]) -> AsyncIterator[tuple[httpx.AsyncClient, list[httpx.AsyncClient]]]:
    """A client of all servers in turn, by connection, and one of each."""
    async with RoundRobin(urls) as proxy, connected(proxy.url) as front, contextlib.AsyncExitStack() as stack:
        yield front, [await stack.enter_async_context(connected(url)) for url in urls]
