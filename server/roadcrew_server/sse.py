"""The bytes of a stream: our own small ASGI response over a reader.

On this work a framework's generator cost five to six times the CPU of raw sends (DESIGN 5).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from starlette.types import Message, Receive, Scope, Send

from roadcrew_server.http import DIRECT, Direct, chunk
from roadcrew_server.reader import Frame, Reader, left_to_tasks
from roadcrew_server.sessions import Session
from roadcrew_server.stores.base import StoreError
from roadcrew_server.topic import Topic

if TYPE_CHECKING:
    from roadcrew_server.streams import Streams

log = logging.getLogger(__name__)

FRAMES = 500
"""Frames in one send."""

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def encode(frame: Frame) -> bytes:
    """A frame as lines. JSON has no line breaks, so one `data:` line is enough."""
    name = b"" if frame.kind is None else b"event: " + frame.kind.encode() + b"\n"
    cursor = b"id: " + frame.cursor.encode() + b"\n" if frame.cursor else b""
    return cursor + name + b"data: " + frame.data + b"\n\n"


def wants_stream(accept: str, *, unsaid: bool = False) -> bool:
    """True if `text/event-stream` is asked for and is not less wanted than JSON. `unsaid`: what is given to who asks
    for neither."""
    weights = {"text/event-stream": 0.0, "application/json": 0.0}
    for part in accept.lower().split(","):
        kind, *parameters = (p.strip() for p in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if kind in weights:
            weights[kind] = max(weights[kind], weight)
    stream, json = weights.values()
    return stream >= json if stream > 0 else unsaid and not json


class EventStream:
    """One open stream. `close` ends it with a `bye`, from any task."""

    def __init__(self, streams: Streams, reader: Reader, session: Session, where: str) -> None:
        self.reader = reader
        self.token_hash = session.token_hash
        self._session_ends = session.expires_at
        self.where = where
        self.name = session.user.name
        self.connection = secrets.token_hex(8)
        self.topics = [t.name for t in reader.topics]
        self._streams = streams
        self._bye: tuple[str, int] | None = None
        self._beats = self._beats_told = 0
        self._idle = self._gone = False
        self._direct: Direct | None = None

    def close(self, reason: str, retry_ms: int = 0) -> None:
        """Say `bye` and end; the client comes back after `retry_ms`."""
        self._bye = self._bye or (reason, retry_ms)
        self.reader.changed.set()

    def beat(self) -> None:
        """A heartbeat is due."""
        self._beats += 1
        self.reader.changed.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send frames until either side ends it."""
        self._direct = scope.pop("extensions", {}).get(DIRECT, {}).get("writer")
        self.reader.pass_on, self.reader.failed = self._pass_on, self._failed
        watching = None if self._direct is not None else asyncio.create_task(self._until_gone(receive))
        if self._direct is not None:
            self._direct.watch(self._left)
        try:
            with self.reader:
                await self._streams.arrived(self)
                await self._write(send)
        except (TimeoutError, OSError, StoreError):
            pass  # they come back with their cursor
        except Exception:
            log.exception("a stream failed")
        finally:
            if self._direct is not None:
                self._direct.watch(None)
            if watching is not None:
                watching.cancel()
            self._direct, self.reader.pass_on = None, left_to_tasks
            await self._streams.departed(self)

    def _pass_on(self, topic: Topic) -> bool:
        """Write news at once, while `_write` has nothing to do; False leaves them to it."""
        if not self._idle or self._direct is None or (news := self.reader.news(topic)) is None:
            return False
        if not news.frames:
            return True
        news.wire = news.wire or chunk(b"".join(map(encode, news.frames)))
        if not self._direct.write(news.wire):
            return False
        self.reader.heard(topic, news)
        self._streams.sent(len(news.frames))
        return True

    def _failed(self) -> None:
        """It would stay open and hear nothing more. Who reads comes back, to a reader that is told."""
        self.close("failed", self._streams.spread_ms())

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._left()

    def _left(self) -> None:
        self._gone = True
        self.reader.changed.set()

    async def _write(self, send: Send) -> None:
        settings = self._streams.settings
        life = (self._session_ends - self.reader.now()).total_seconds()
        ends = time.monotonic() + min(life, settings.stream_life or life)
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        # No blank line yet: some readers take a block without data for an event. It ends with the first frame.
        await self._send(send, b": roadcrew\nretry: %d\n" % self._streams.retry_ms())
        while await self._tell(send, ends):
            self._idle = True
            await self._wait(ends)
            self._idle = False
            if self._gone:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait(self, ends: float) -> None:
        """Wait for something to tell, or the end. While that is far off, the heartbeat of all is enough of a clock."""
        left = ends - time.monotonic()
        if left > 2 * self._streams.settings.heartbeat:
            await self.reader.changed.wait()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0, left)):
                await self.reader.changed.wait()

    async def _tell(self, send: Send, ends: float) -> bool:
        """Send what is new; False once nothing more will be. A stream that waits afterwards holds nothing of it."""
        frames = await self.reader.take(FRAMES)
        body = b"".join(map(encode, frames))
        if self._beats_told != self._beats:
            # How many are here changes while a stream is open; what it was told at its start would be too little.
            self._beats_told, body = self._beats, body + b": heartbeat\nretry: %d\n" % self._streams.retry_ms()
        if body:
            await self._send(send, body)
            self._streams.sent(len(frames))
        if len(self.reader.topics) < len(self.topics):
            await self._leave_closed()
        if not self.reader.topics:
            return False
        if self._bye is None and time.monotonic() >= ends:
            self.close("age")
        if self._bye is not None:
            reason, retry = self._bye
            data = msgspec.json.encode({"reason": reason})
            await self._send(send, b"event: bye\nretry: %d\ndata: %b\n\n" % (retry, data))
            return False
        return True

    async def _leave_closed(self) -> None:
        """Be no longer present where this person may no longer read."""
        open_still = {t.name for t in self.reader.topics}
        for topic in [name for name in self.topics if name not in open_still]:
            self.topics.remove(topic)
            await self._streams.left(self, topic)

    async def _send(self, send: Send, body: bytes) -> None:
        """A reader that takes nothing for `send_timeout` is cut off; it reads on with its cursor later."""
        message: Message = {"type": "http.response.body", "body": body, "more_body": True}
        async with asyncio.timeout(self._streams.settings.send_timeout):
            await send(message)


def encode_batch(reader: Reader, frames: Sequence[Frame], *, more: bool) -> bytes:
    """The same frames as one JSON answer to a poll."""
    sides: dict[str | None, list[bytes]] = {"reset": [], None: [], "gone": [], "presence": []}
    for frame in frames:
        sides[frame.kind].append(frame.data)
    names = (("resets", "reset"), ("events", None), ("gone", "gone"), ("presence", "presence"))
    parts = [b'"%b":[%b]' % (name.encode(), b",".join(sides[kind])) for name, kind in names]
    tail = {"presenceTag": reader.presence_tag(), "more": more, "cursor": reader.cursor}
    return b"{" + b",".join(parts) + b"," + msgspec.json.encode(tail)[1:]
