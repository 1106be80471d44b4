"""The way out of the proxy in one direction: bytes leave in order, late and slowly if they shall. Bounded."""

import asyncio
import random
from collections import deque
from collections.abc import Callable

from tests.faults.plan import Faults

MAX_LATE = 256 * 1024
"""Bytes that may be on their way; after that, reading waits."""
PIECES = 50
"""A second in which bytes leave slowly has so many pieces."""


class Outlet:
    """One direction of one connection. `stop` ends what is still under way."""

    def __init__(self, writer: asyncio.StreamWriter, faults: Callable[[], Faults], chance: random.Random) -> None:
        self._writer = writer
        self._faults = faults
        self._chance = chance
        self._late: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._turn = asyncio.Lock()
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._last = 0.0
        self._gone = False

    async def put(self, data: bytes) -> None:
        """Send this after all before it. Returns when there is room for more; raises `OSError` when nobody is there."""
        async with self._turn:
            faults = self._faults()
            if not self._late and not faults.delays:
                self._writer.write(data)
                await self._writer.drain()
                return
            while self._size > MAX_LATE:
                await self._wait()
            now = asyncio.get_running_loop().time()
            late = faults.latency + faults.jitter * self._chance.random()
            self._last = max(self._last, now + late)
            self._late.append((self._last, data))
            self._size += len(data)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._send())

    async def flush(self) -> None:
        """Wait until all that was put has left."""
        while self._late:
            await self._wait()
        await self._writer.drain()

    def stop(self) -> None:
        """What has not left is lost."""
        if self._task is not None:
            self._task.cancel()

    async def _wait(self) -> None:
        self._moved.clear()
        await self._moved.wait()
        if self._gone:
            raise ConnectionError("nobody is there")

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._late:
                due, data = self._late[0]
                await asyncio.sleep(max(0.0, due - loop.time()))
                while data:
                    rate = self._faults().rate
                    piece = data if rate is None else data[: max(1, rate // PIECES)]
                    data = data[len(piece) :]
                    self._writer.write(piece)
                    await self._writer.drain()
                    if rate is not None:
                        await asyncio.sleep(len(piece) / rate)
                self._size -= len(self._late.popleft()[1])
                self._moved.set()
        except OSError:
            self._gone = True
        finally:
            self._moved.set()
