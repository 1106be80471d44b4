"""One connection through the proxy: two directions, and what the plan says about each byte of them."""

import asyncio
import contextlib
import html
import os
import random
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING, Literal

from tests.faults.framing import End, Framer, Head, NotHttp
from tests.faults.outlet import Outlet
from tests.faults.plan import Answer, Cut, How, Kind

if TYPE_CHECKING:
    from tests.faults.proxy import FaultProxy

READ = 64 * 1024
MAX_HELD = 1024 * 1024
"""Bytes of a stream that are held back; after that, reading waits, and the server notices."""
LAST_BYTES = 5.0
"""Seconds that the last bytes before an orderly end may take."""
SILENT_FOR = 3600.0
"""Seconds after which a connection that went silent is let go."""

Way = Literal["answers", "requests"]


class Cutting(Exception):
    """This connection ends now."""


def kind_of(head: Head) -> Kind:
    """What a request is for."""
    if "text/event-stream" in head.headers.get("accept", ""):
        return "stream"
    return "poll" if head.method == "GET" and head.path.endswith("/api/sync") else "call"


def answer_bytes(answer: Answer) -> bytes:
    """What a host in front of a server says: a page, and perhaps when to come back."""
    now = datetime.now(UTC) + timedelta(seconds=answer.skew)
    reason = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else "Fault"
    page = f"<html><title>{answer.status} {html.escape(reason)}</title></html>\n".encode()
    lines = [f"HTTP/1.1 {answer.status} {reason}", f"Date: {format_datetime(now, usegmt=True)}"]
    if answer.retry_after is not None:
        until = format_datetime(now + timedelta(seconds=answer.retry_after), usegmt=True)
        lines.append(f"Retry-After: {until if answer.as_date else ceil(answer.retry_after)}")
    lines += ["Content-Type: text/html", f"Content-Length: {len(page)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + page


class Connection:
    """`run` is its life; `end` may be called from outside."""

    def __init__(
        self, proxy: "FaultProxy", number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        self.kind: Kind | None = None
        self._proxy = proxy
        self._chance = random.Random(f"{proxy.seed}/{number}")
        self._client = reader, writer
        self._sides = [writer]
        self._work: list[asyncio.Task[None]] = []
        self._outlets: dict[Way, Outlet] = {"answers": self._outlet(writer)}
        self._cut: Cut | None = None
        self._left = 0
        self._methods: deque[str] = deque()
        self._held = bytearray()
        self._holding = False
        self._room = asyncio.Event()
        self._silent = False
        self._over = asyncio.Event()
        self._how: How = "fin"
        self._clock: asyncio.TimerHandle | None = None

    def _outlet(self, writer: asyncio.StreamWriter) -> Outlet:
        writer.transport.set_write_buffer_limits(0)  # what was drained has left
        return Outlet(writer, lambda: self._proxy.faults, self._chance)

    async def run(self) -> None:
        """Pass bytes on until either side ends it, or the plan does."""
        try:
            if self._proxy.faults.silent:
                self._start(self._listen_only)
            else:
                self._start(self._requests)
            await self._over.wait()
        finally:
            for task in self._work:
                task.cancel()
            results = await asyncio.gather(*self._work, return_exceptions=True)
            await self._close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work.append(asyncio.create_task(self._until_over(work)))

    async def _until_over(self, work: Callable[[], Awaitable[None]]) -> None:
        """When this has ended, so has the connection. It may be cancelled before it has begun."""
        try:
            await work()
        except Cutting:
            pass
        except OSError:
            self._how = "rst"  # one side was reset or can't be reached; the other learns it in the same way
        finally:
            self._over.set()

    async def _listen_only(self) -> None:
        while await self._client[0].read(READ):
            pass

    async def _unless_silent(self) -> None:
        """Once it went silent, neither side is told anything, not even that the other has gone."""
        if self._silent:
            await asyncio.sleep(SILENT_FOR)
            raise Cutting

    def end(self, how: How) -> None:
        """End it now, with what is under way."""
        self._how = how
        self._over.set()

    async def faults_changed(self) -> None:
        """Look at the plan again."""
        if self._proxy.faults.silent:
            self._silent = True
        if self._holding and self._proxy.faults.hold is None:
            try:
                await self._release()
            except (OSError, Cutting):
                self._over.set()

    # --- requests ---------------------------------------------------------------------------------

    async def _requests(self) -> None:
        reader = self._client[0]
        framer: Framer | None = Framer()
        answering: Answer | None = None
        while data := await reader.read(READ):
            await self._unless_silent()
            if framer is None:
                await self._pass("requests", data)
                continue
            try:
                for piece in framer.feed(data):
                    if isinstance(piece, Head):
                        answering = self._noted(piece)
                    if isinstance(piece, End):
                        if answering is not None:
                            await self._answer(answering)
                    elif answering is None:
                        await self._pass("requests", piece.raw if isinstance(piece, Head) else piece)
            except NotHttp as error:
                framer = None
                await self._pass("requests", error.rest)
        await self._unless_silent()

    def _noted(self, head: Head) -> Answer | None:
        """Write down that it was asked. Returns how we answer it ourselves, if we do."""
        self.kind = kind_of(head)
        self._methods.append(head.method)
        self._proxy.note("request", self)
        answer = self._proxy.faults.answer
        return answer if answer is not None and answer.kind in (None, self.kind) else None

    async def _answer(self, answer: Answer) -> None:
        self._proxy.note("answered", self)
        await self._pass("answers", answer_bytes(answer))
        await self._outlets["answers"].flush()
        raise Cutting

    # --- answers ----------------------------------------------------------------------------------

    async def _answers(self, reader: asyncio.StreamReader) -> None:
        framer: Framer | None = Framer(self._methods)
        while data := await reader.read(READ):
            await self._unless_silent()
            if framer is None:
                await self._pass("answers", data)
                continue
            try:
                for piece in framer.feed(data):
                    if isinstance(piece, Head):
                        await self._head(piece)
                    elif isinstance(piece, End):
                        await self._release()
                        self._holding = False
                    else:
                        await self._body(piece)
            except NotHttp as error:
                framer = None
                await self._pass("answers", error.rest)
        await self._unless_silent()
        await self._release()
        await self._outlets["answers"].flush()

    async def _head(self, head: Head) -> None:
        faults = self._proxy.faults
        if head.headers.get("content-type", "").startswith("text/event-stream"):
            if faults.stream_life is not None:
                loop = asyncio.get_running_loop()
                self._clock = loop.call_later(faults.stream_life, self._too_old, faults.cut_streams_by)
            if faults.hold is not None:
                self._holding = True
                if faults.hold.headers:
                    self._held += head.raw
                    return
        await self._pass("answers", head.raw)

    def _too_old(self, how: How) -> None:
        self._proxy.note("cut", self)
        self.end(how)

    async def _body(self, data: bytes) -> None:
        if not self._holding:
            await self._pass("answers", data)
            return
        hold = self._proxy.faults.hold
        self._held += data
        if hold is None or (hold.until is not None and len(self._held) >= hold.until):
            await self._release()
        while len(self._held) > MAX_HELD:
            self._room.clear()
            await self._room.wait()

    async def _release(self) -> None:
        held = bytes(self._held)
        self._held.clear()
        self._room.set()
        if held:
            await self._pass("answers", held)

    # --- every byte -------------------------------------------------------------------------------

    async def _pass(self, way: Way, data: bytes) -> None:
        cut = self._proxy.faults.cut
        outlet = self._outlets.get(way) or await self._to_server()
        if cut is not self._cut:
            self._cut = cut
            if cut is not None:
                self._left = self._chance.randint(cut.least, cut.most)
        if cut is not None and cut.side in (way, "either"):
            if len(data) >= self._left:
                await outlet.put(data[: self._left])
                await outlet.flush()
                self._proxy.note("cut", self)
                self._how = cut.how
                raise Cutting
            self._left -= len(data)
        await outlet.put(data)

    async def _to_server(self) -> Outlet:
        """Connect when there is something to say: what the proxy answers itself needs no server."""
        reader, writer = await asyncio.open_connection(*self._proxy.target)
        self._sides.append(writer)
        self._outlets["requests"] = self._outlet(writer)
        self._start(partial(self._answers, reader))
        return self._outlets["requests"]

    async def _close(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        for outlet in self._outlets.values():
            outlet.stop()
        how = self._chance.choice(("rst", "fin")) if self._how == "either" else self._how
        for writer in self._sides:
            if how == "rst":
                with contextlib.suppress(OSError):
                    linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            else:
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(LAST_BYTES):
                        await writer.drain()
            writer.transport.abort()
