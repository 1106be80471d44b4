"""A wire between a store's client and its server: it carries bytes, and breaks where a test wants it to.

What it is not for: HTTP; that has `tests.faults`.
"""

import asyncio
import contextlib
import ssl
from types import TracebackType
from typing import Self


class Wire:
    """Listens on a port of 127.0.0.1 and connects each client to `port` there. With `tls`, clients speak that.

    `swallow` is part of a request: the next answer after one that holds it is thrown away, and the connection with it.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._to = port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.connections = 0
        self.swallow: bytes | None = None
        self.swallowed = asyncio.Event()

    def cut(self) -> None:
        """Reset all that is connected."""
        for writer in tuple(self._open):
            writer.transport.abort()

    async def refuse(self) -> None:
        """Nobody listens any more; what is connected is cut."""
        assert self._server is not None
        self._server.close()
        self.cut()

    async def listen(self) -> None:
        """On the same port again."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        marked = asyncio.Event()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there, out = await asyncio.open_connection("127.0.0.1", self._to)
            self._open |= {writer, out}
            try:
                ways = self._requests(reader, out, marked), self._answers(there, writer, marked)
                await asyncio.wait(map(asyncio.ensure_future, ways), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in (writer, out):
                    self._open.discard(end)
                    end.transport.abort()
        self._tasks.discard(task)

    async def _requests(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter, marked: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.swallow is not None and self.swallow in data:
                    self.swallow = None
                    marked.set()
                out.write(data)
                await out.drain()

    async def _answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, marked: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await there.read(65536):
                if marked.is_set():
                    self.swallowed.set()
                    return
                writer.write(data)
                await writer.drain()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.refuse()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=5)
