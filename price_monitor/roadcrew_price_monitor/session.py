"""One import on one connection: takes the feed as it comes, has it read a step at a time, says what was found.

Whatever the server does, this holds no more of a feed than `AHEAD` and no more rows than two messages of them, and
every wait has an end. Reading and the disk are for the worker's thread, so that the loop hears everybody meanwhile.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from roadcrew_domain.jobs_state import Checkpoint, ImportedHotel, RefusedRow
from roadcrew_price_monitor import protocol
from roadcrew_price_monitor.memory import Memory
from roadcrew_price_monitor.parser import BadCheckpoint, Found, Parser
from roadcrew_price_monitor.protocol import Hello
from roadcrew_price_monitor.reading import STEP
from roadcrew_price_monitor.refused import BadFeed

AHEAD = 1024 * 1024
"""Bytes that a server may send beyond the newest checkpoint; far more than the longest row."""

HELLO_WITHIN = 10.0
"""Seconds from a connection to its first message."""

SILENCE = 60.0
"""Seconds that a server may leave us waiting for more of the feed, for an `Ack`, or to take what we say."""

FEW, PATIENT = 1_000, 10
"""So few rows wait for so many times the least time between two `Rows`. With many imports at once each gets its turn
less often; told every time, a large feed would come to more pages than a server keeps."""

_JOB = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_T = TypeVar("_T")


class Wire(Protocol):
    """What is needed of a WebSocket. Both raise `ConnectionClosed`."""

    async def recv(self) -> str | bytes: ...

    async def send(self, message: str) -> None: ...


class Work(Protocol):
    """Does something in the worker's thread."""

    def __call__(self, job: Callable[[], _T], /) -> Awaitable[_T]: ...


class Closing(Exception):
    """The connection is to be closed so, without a further word."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Fault(Exception):
    """The server said what it must not. The message is a sentence."""


async def hello(wire: Wire) -> Hello:
    """The first message. Raises `Fault`, `Closing` and `ConnectionClosed`."""
    try:
        async with asyncio.timeout(HELLO_WITHIN):
            said = _said(await wire.recv())
    except TimeoutError:
        raise Closing(protocol.SILENT, "no hello") from None
    if not isinstance(said, Hello) or not _JOB.fullmatch(said.job):
        raise Fault("The first message has to be a hello, with a job of 1 to 64 letters and digits.")
    if not 0 <= said.checkpoint.offset <= said.bytes:
        raise Fault("The checkpoint is not in the feed.")
    return said


class Session:
    """From a hello to the end. `between` is the least time between two `Rows`, in seconds."""

    def __init__(self, wire: Wire, begun: Hello, memory: Memory, work: Work, between: float) -> None:
        self._wire = wire
        self._hello = begun
        self._memory = memory
        self._work = work
        self._between = between
        self._chunks: deque[bytes] = deque()
        self._got = 0
        """The byte of the feed up to which it has come."""
        self._ended = False
        self._known = begun.checkpoint
        """The newest checkpoint that the server knows, or will."""
        self._unacknowledged: deque[Checkpoint] = deque()
        self._told_at = float("-inf")
        self._hotels: list[ImportedHotel] = []
        self._refused: list[RefusedRow] = []
        self._news = asyncio.Event()
        """Set with whatever a wait may be for."""

    async def run(self) -> None:
        """Returns when the server has all of it, or wants no more. Raises `BadFeed`, `Fault`, `Closing` and
        `ConnectionClosed`."""
        begun = self._hello
        try:
            self._parser = await self._work(
                lambda: Parser(begun.job, begun.format, begun.currency, begun.checkpoint, self._memory, begun.history)
            )
        except BadCheckpoint as error:
            raise Fault(str(error)) from error
        self._got = self._parser.begins
        await self._say(protocol.Ready(self._got, AHEAD))
        tasks = {asyncio.create_task(self._listen()), asyncio.create_task(self._read())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- what the server says ---

    async def _listen(self) -> None:
        """Returns when the server cancels."""
        while True:
            message = await self._wire.recv()
            if isinstance(message, bytes):
                await self._take(message)
            else:
                match _said(message):
                    case protocol.Ack(checkpoint=checkpoint):
                        self._acknowledge(checkpoint)
                    case protocol.End():
                        if self._got != self._hello.bytes:
                            raise Fault(f"The feed ended after {self._got} bytes of {self._hello.bytes}.")
                        self._ended = True
                    case protocol.Cancel():
                        return
                    case _:
                        raise Fault("A second hello.")
            self._news.set()

    async def _take(self, chunk: bytes) -> None:
        if not chunk or self._ended:
            raise Fault("An empty piece of the feed, or one after its end.")
        self._got += len(chunk)
        if self._got > self._hello.bytes:
            raise Fault(f"More of the feed than the {self._hello.bytes} bytes of the hello.")
        if self._got > self._known.offset + AHEAD:
            raise Fault(f"More than {AHEAD} bytes beyond the newest checkpoint.")
        self._chunks.append(chunk)
        # Only where an import is read again from its beginning can so much be on its way; the socket then waits.
        await self._until(lambda: self._got - self._parser.offset <= AHEAD)

    def _acknowledge(self, checkpoint: Checkpoint) -> None:
        if checkpoint not in self._unacknowledged:
            raise Fault("An acknowledgement of nothing that was said.")
        while self._unacknowledged.popleft() != checkpoint:
            pass

    # --- what we say ---

    async def _read(self) -> None:
        """Returns when all was said and acknowledged."""
        try:
            while True:
                # The end may come while a step is under way, which then has not read to it.
                ended = self._ended
                found = await self._work(partial(self._step, ended=ended))
                self._news.set()
                if found is not None:
                    self._hotels += found.hotels
                    self._refused += found.refused
                    if self._is_full or (self._is_due and self._may_tell):
                        await self._tell()
                elif ended:
                    break
                else:
                    await self._more()
        except BadFeed:
            await self._tell()
            raise
        await self._tell()
        await self._require(lambda: not self._unacknowledged)
        await self._say(protocol.Done(self._parser.rows))

    def _step(self, *, ended: bool) -> Found | None:
        while self._chunks:
            self._parser.take(self._chunks.popleft())
        if ended:
            self._parser.end()
        return self._parser.step()

    async def _more(self) -> None:
        """Waits for more of the feed; meanwhile what was found is said when it is due."""
        if self._is_news and await self._until(lambda: self._comes, self._told_at + self._between):
            return
        if self._is_news:
            await self._tell()
        await self._require(lambda: self._comes)

    async def _tell(self) -> None:
        """Says what is found, as soon as that may be."""
        if not self._is_news:
            return
        await self._require(lambda: self._may_tell)
        await asyncio.sleep(self._told_at + self._between - _now())
        await self._work(self._memory.commit)
        checkpoint = self._parser.checkpoint
        rows = protocol.Rows(
            tuple(self._hotels), tuple(self._refused), checkpoint, self._parser.rows, checkpoint.offset
        )
        self._hotels, self._refused = [], []
        self._unacknowledged.append(checkpoint)
        self._known = checkpoint
        self._told_at = _now()
        await self._say(rows)

    async def _say(self, message: protocol.FromService) -> None:
        try:
            async with asyncio.timeout(SILENCE):
                await self._wire.send(protocol.written(message))
        except TimeoutError:
            raise Closing(protocol.SILENT, "nothing is taken") from None

    # --- waiting ---

    @property
    def _comes(self) -> bool:
        return bool(self._chunks) or self._ended

    @property
    def _is_news(self) -> bool:
        return bool(self._hotels or self._refused) or self._parser.offset > self._known.offset

    @property
    def _is_full(self) -> bool:
        return len(self._hotels) + len(self._refused) + STEP > protocol.MOST_ROWS

    @property
    def _is_due(self) -> bool:
        found = len(self._hotels) + len(self._refused)
        wait = self._between if found >= FEW else PATIENT * self._between
        return self._is_news and _now() >= self._told_at + wait

    @property
    def _may_tell(self) -> bool:
        return len(self._unacknowledged) < protocol.MOST_UNACKNOWLEDGED

    async def _until(self, ready: Callable[[], bool], deadline: float | None = None) -> bool:
        """Whether it is so before the deadline, on the loop's clock."""
        try:
            async with asyncio.timeout_at(deadline):
                while not ready():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _require(self, ready: Callable[[], bool]) -> None:
        if not await self._until(ready, _now() + SILENCE):
            raise Closing(protocol.SILENT, "the server is silent")


def _said(message: str | bytes) -> protocol.FromServer:
    if isinstance(message, bytes) or len(message) > protocol.MOST_TEXT:
        raise Fault("A message that is no text, or too long.")
    try:
        return protocol.from_server(message)
    except ValueError as error:
        raise Fault("A message that can't be read.") from error


def _now() -> float:
    return asyncio.get_running_loop().time()
