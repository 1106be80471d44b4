"""A bad network: a TCP proxy that cuts connections after a random number of bytes from the server.

A stand-in for networks, named for what it is; both ends are real. It notes which transport each request to
`/api/sync` used, so that a test can count the switches.
"""

import asyncio
import contextlib
import random
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Passes bytes to and from `host:port`. While `cutting`, each connection dies after `least` to `most` bytes of
    answers, wherever in a header, a frame or a character that falls."""

    def __init__(self, host: str, port: int, seed: int, *, least: int = 1, most: int = 20_000) -> None:
        self.cutting = True
        self.cuts = 0
        self.transports: list[str] = []
        self._target = (host, port)
        self._random = random.Random(seed)
        self._range = (least, most)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def switches(self) -> int:
        """How often a request to `/api/sync` used another transport than the one before it."""
        return sum(a != b for a, b in zip(self.transports, self.transports[1:], strict=False))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        budget = self._random.randint(*self._range)
        try:
            requests = asyncio.create_task(self._requests(reader, up_writer))
            answers = asyncio.create_task(self._answers(up_reader, writer, budget))
            done, rest = await asyncio.wait({requests, answers}, return_when=asyncio.FIRST_COMPLETED)
            for pending in rest:
                pending.cancel()
            await asyncio.gather(*done, *rest, return_exceptions=True)
        except asyncio.CancelledError:  # the test is over; asyncio's server does not expect its handlers to say so
            return
        finally:
            writer.transport.abort()
            up_writer.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if b"/api/sync?" in data:
                self.transports.append("stream" if b"text/event-stream" in data else "poll")
            writer.write(data)
            await writer.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: int) -> None:
        while data := await reader.read(65536):
            if self.cutting and len(data) >= budget:
                self.cuts += 1
                writer.write(data[:budget])
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
                return
            if self.cutting:
                budget -= len(data)
            writer.write(data)
            await writer.drain()
