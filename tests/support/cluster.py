"""Several server processes over one store, and a proxy in front that gives each connection to the next of them."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

from tests.faults import FaultProxy
from tests.support.serving import ServerProcess

LOOPBACK = "127.0.0.1"


class _Side(asyncio.Protocol):
    """One end of a connection through the proxy. What it hears, the other end says."""

    def __init__(self, other: "_Side | None" = None) -> None:
        self.other = other
        self.transport: asyncio.Transport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
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
        self._open: set[_Side] = set()
        self._connecting: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    def drop(self) -> None:
        """Cut all that is open: both sides see a reset or an end in the middle of whatever it was."""
        for side in tuple(self._open):
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
        self.drop()

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
            server = _Side(client)
            try:
                await loop.create_connection(partial(_same, server), host, port)
            except OSError:
                continue
            self.connections[backend] += 1
            client.other = server
            self._open = {side for side in self._open if not side.lost} | {server}
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
        super().__init__()
        self._proxy = proxy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast(asyncio.Transport, transport).pause_reading()
        self._proxy.accepted(self)


@dataclass(frozen=True)
class Cluster:
    """Servers, the proxy in front of them and, if that was asked for, one between each of them and the store."""

    servers: tuple[ServerProcess, ...]
    proxy: RoundRobin
    links: tuple[FaultProxy, ...]

    @property
    def url(self) -> str:
        """Where clients connect."""
        return self.proxy.url


@contextlib.asynccontextmanager
async def cluster(
    place: Path,
    store: str,
    *,
    size: int = 3,
    links: bool = False,
    programs: Sequence[Sequence[str]] = (),
    **settings: Any,
) -> AsyncIterator[Cluster]:
    """So many servers over the store at that address, each with a folder of its own in `place`.

    With `links`, a `FaultProxy` stands between each of them and the store. `programs`: for each server, what Python is
    to run in place of the server's module.
    """
    async with contextlib.AsyncExitStack() as stack:
        made: list[FaultProxy] = []
        servers: list[ServerProcess] = []
        for n in range(size):
            folder = place / f"server-{n}"
            folder.mkdir()
            address = store
            if links:
                made.append(await stack.enter_async_context(FaultProxy(_http(store), seed=n)))
                address = _through(store, made[-1])
            program = programs[n] if n < len(programs) else ()
            servers.append(ServerProcess(folder, store=address, program=program, **settings))
        for server in servers:
            stack.push_async_callback(asyncio.to_thread, server.end)
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
        proxy = await stack.enter_async_context(RoundRobin(server.url for server in servers))
        yield Cluster(tuple(servers), proxy, tuple(made))


def _http(store: str) -> str:
    """Where a store listens, as the fault proxy wants to hear it: what passes through is bytes to it."""
    host, port = _place(store)
    return f"http://{host}:{port}"


def _through(store: str, link: FaultProxy) -> str:
    """A store's address by way of a proxy."""
    return store.replace(f":{_place(store)[1]}", f":{_place(link.url)[1]}", 1)
