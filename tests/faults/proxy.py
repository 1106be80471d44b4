"""The proxy itself: it listens, it knows its connections and its plan, and it writes down what happened."""

import asyncio
import contextlib
import itertools
import socket
from collections import deque
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from tests.faults.connection import Connection
from tests.faults.plan import Faults, How, Kind

LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
MAX_CONNECTIONS = 4000
MAX_STORY = 500_000


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened: `request` (one came), `cut` (a connection was cut by plan), `answered` (by the proxy
    itself). `at`: of the event loop's clock; `kind`: of the request that was under way, None before the first."""

    at: float
    what: Literal["request", "cut", "answered"]
    kind: Kind | None
    connection: int


def on_this_computer(host: str | None) -> str:
    """The address of a host that is this computer. Raises `ValueError` for any other: a fault-making proxy in front of
    somebody else's server, or open to a network, would be a nuisance or a hole."""
    if host not in LOOPBACK:
        raise ValueError(f"{host!r} is not this computer; only 127.0.0.1, ::1 and localhost are used")
    return LOOPBACK[host]


class FaultProxy:
    """Passes connections on to the server at the address `to`, with faults. Use with `async with`.

    The same `seed` makes the same choices for each connection, by its number.
    """

    def __init__(
        self, to: str, faults: Faults | None = None, *, host: str = "127.0.0.1", port: int = 0, seed: int = 0
    ) -> None:
        parts = urlsplit(to)
        if parts.scheme != "http" or parts.path.strip("/") or parts.query:
            raise ValueError(f"{to!r} is not http://HOST:PORT")
        self.target = on_this_computer(parts.hostname), parts.port or 80
        self.faults = faults or Faults()
        self.seed = seed
        self.story: deque[Happening] = deque(maxlen=MAX_STORY)
        self._place = on_this_computer(host), port
        self._reserved: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._numbers = itertools.count(1)
        self._open: dict[Connection, asyncio.Task[None]] = {}

    @property
    def url(self) -> str:
        """Where it listens; the port stays the same while nobody does."""
        host, port = self._place
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def open(self) -> int:
        """Connections at this moment."""
        return len(self._open)

    # --- the plan ---------------------------------------------------------------------------------

    async def change(self, **fields: Any) -> None:
        """Change some of the faults, by their names; the others stay."""
        await self.be(replace(self.faults, **fields))

    async def be(self, faults: Faults) -> None:
        """Have these faults from now on, and no others."""
        self.faults = faults
        if faults.refuse:
            await self._stop_listening()
            self.drop("rst")
        elif self._server is None:
            await self._listen()
        for connection in tuple(self._open):
            await connection.faults_changed()

    def drop(self, how: How = "rst") -> None:
        """End all that is open now."""
        for connection in tuple(self._open):
            connection.end(how)

    # --- what happened ----------------------------------------------------------------------------

    def note(self, what: Literal["request", "cut", "answered"], connection: Connection) -> None:
        """Write it down."""
        at = asyncio.get_running_loop().time()
        self.story.append(Happening(at, what, connection.kind, connection.number))

    def requests(self, *kinds: Kind, since: float = 0.0) -> list[Happening]:
        """The requests of these kinds (any, if none is named), oldest first."""
        return [h for h in self.story if h.what == "request" and h.at >= since and (not kinds or h.kind in kinds)]

    @property
    def cuts(self) -> int:
        """Connections that were cut."""
        return sum(h.what == "cut" for h in self.story)

    @property
    def switches(self) -> int:
        """How often a request to follow something used another transport than the one before it."""
        kinds = [h.kind for h in self.requests("stream", "poll")]
        return sum(a != b for a, b in itertools.pairwise(kinds))

    # --- listening --------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._place[1]:
            self._bound(shared=False).close()  # raises if somebody else is there: with them it is not to be shared
        self._reserved = self._bound()
        self._place = self._place[0], self._reserved.getsockname()[1]
        await self.be(self.faults)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_listening()
        if self._reserved is not None:
            self._reserved.close()
        self.drop("rst")
        tasks = list(self._open.values())
        await asyncio.gather(*tasks, return_exceptions=True)

    def _bound(self, *, shared: bool = True) -> socket.socket:
        """A socket at our address. Two may be bound to it if it is `shared`, so that one that does not listen keeps the
        port for us while connections to it are refused."""
        sock = socket.socket(socket.AF_INET6 if ":" in self._place[0] else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared and hasattr(socket, "SO_REUSEPORT"):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(self._place)
        except OSError:
            sock.close()
            raise
        return sock

    async def _listen(self) -> None:
        if not hasattr(socket, "SO_REUSEPORT") and self._reserved is not None:
            self._reserved.close()
        self._server = await asyncio.start_server(self._connected, sock=self._bound(), backlog=2048)

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self.faults.refuse or len(self._open) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        connection = Connection(self, next(self._numbers), reader, writer)
        self._open[connection] = task
        try:
            with contextlib.suppress(asyncio.CancelledError):  # asyncio's server does not expect its handlers to say so
                await connection.run()
        finally:
            del self._open[connection]
