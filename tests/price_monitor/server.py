"""The server's end of the protocol, for tests: sends a feed as it must, and hears what is said of it."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from roadcrew_domain.jobs_state import Checkpoint, FeedFormat, ImportedHotel, RefusedRow
from roadcrew_price_monitor import protocol

KEY = "a-key-for-tests-only"


def dial(port: int, key: str = KEY, path: str = protocol.PATH) -> connect:
    """A connection with that key."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return connect(
        f"ws://127.0.0.1:{port}{path}", additional_headers=headers, max_size=protocol.MOST_ANSWER, proxy=None
    )


class Importer:
    """What a server keeps of one import, over as many connections as it takes."""

    def __init__(self, feed: bytes, kind: FeedFormat = "csv", job: str = "job", currency: str | None = None) -> None:
        self.feed = feed
        self.kind = kind
        self.job = job
        self.currency = currency
        self.checkpoint = Checkpoint()
        self.hotels: list[ImportedHotel] = []
        self.refused: list[RefusedRow] = []
        self.messages = 0
        self.begun_at: list[int] = []

    def hello(self, **other: Any) -> protocol.Hello:
        """How it begins."""
        said: dict[str, Any] = {"version": 1, "job": self.job, "format": self.kind, "bytes": len(self.feed)}
        return protocol.Hello(**{**said, "currency": self.currency, "checkpoint": self.checkpoint, **other})

    async def go(self, wire: ClientConnection, *, rows: int | None = None) -> protocol.FromService | None:
        """On one connection to its end, or until so many rows are kept; the last message, if it is an end."""
        await say(wire, self.hello())
        ready = await hear(wire)
        if not isinstance(ready, protocol.Ready):
            return ready
        self.begun_at.append(ready.offset)
        sent, ended = ready.offset, False
        while True:
            while not ended and sent < min(len(self.feed), self.checkpoint.offset + ready.ahead):
                piece = self.feed[sent : min(sent + protocol.CHUNK, self.checkpoint.offset + ready.ahead)]
                await wire.send(piece)
                sent += len(piece)
            if sent == len(self.feed) and not ended:
                await say(wire, protocol.End())
                ended = True
            said = await hear(wire)
            if not isinstance(said, protocol.Rows):
                return said
            self.messages += 1
            self.hotels += said.hotels
            self.refused += said.refused
            self.checkpoint = said.checkpoint
            assert said.rows == len(self.hotels) + len(self.refused)
            assert len(said.hotels) + len(said.refused) <= protocol.MOST_ROWS
            if rows is not None and said.rows >= rows:
                return None
            await say(wire, protocol.Ack(said.checkpoint))


async def say(wire: ClientConnection, message: protocol.FromServer) -> None:
    """Say that."""
    await wire.send(protocol.written(message))


async def hear(wire: ClientConnection) -> protocol.FromService:
    """What is said next."""
    message = await wire.recv()
    assert isinstance(message, str)
    return protocol.from_service(message)


async def rest(wire: ClientConnection) -> list[protocol.FromService]:
    """All that is said until the connection closes."""
    said = []
    try:
        while True:
            said.append(await hear(wire))
    except ConnectionClosed:
        return said


class Process:
    """`python -P -m roadcrew_price_monitor` as a process of its own."""

    def __init__(self, data: Path, *, key: str | None = KEY, arguments: tuple[str, ...] = ()) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "PRICE_MONITOR_API_KEY"}
        if key is not None:
            environment["PRICE_MONITOR_API_KEY"] = key
        self.log = data.with_suffix(".log")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "roadcrew_price_monitor", "--port", "0", "--data", str(data), *arguments],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 30)[0], "it is not ready"
        self.ready = self.process.stdout.readline()
        self.port = int(self.ready.rsplit(":", 1)[-1])

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.over()

    def stop(self) -> int:
        """By SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.over()

    def over(self) -> int:
        """Its exit status, once it has ended."""
        status = self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return status

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.kill()
