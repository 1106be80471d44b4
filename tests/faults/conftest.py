"""What the proxy's tests share: a stand-in for a server, and connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from tests.faults import FaultProxy

CALL = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
STREAM = b"GET /s HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Upstream:
    """A stand-in for a server: it says what the test tells it to, and keeps what it heard."""

    port: int = 0
    heard: bytearray = field(default_factory=bytearray)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    ended: int = 0
    says: Callable[[bytes], bytes] = lambda _: OK

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                self.heard += data
                writer.write(self.says(data))
        self.ended += 1
        writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    up = Upstream()
    server = await asyncio.start_server(up.connected, "127.0.0.1", 0)
    up.port = server.sockets[0].getsockname()[1]
    yield up
    server.close()
    for writer in up.writers:
        writer.transport.abort()


Connect = Callable[[FaultProxy], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    writers: list[asyncio.StreamWriter] = []

    async def to(proxy: FaultProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        writers.append(writer)
        return reader, writer

    yield to
    for writer in writers:
        writer.transport.abort()


async def soon(reading: Awaitable[bytes]) -> bytes:
    async with asyncio.timeout(5):
        return await reading
