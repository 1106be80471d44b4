"""A stream of frames, read by httpx-sse from bytes that are bounded first. Not for when to open one, nor for what a
frame does to a copy.

httpx-sse keeps the last `id` over frames, as the standard says, and dispatches a frame at every empty line once it
has seen an id, also after a bare comment; a frame without data is therefore passed over. What is cut off before its
empty line is never dispatched. Comments are not told to us, nor a `retry:` before the next frame, which may not come
for hours; so proof of life, and what the server wishes, are taken from the bytes.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import httpx
import httpx_sse

from roadcrew_client.errors import not_ours
from roadcrew_client.frames import Bye, Frame, Gone, Presence, RawBye, RawReset, read_reset
from roadcrew_client.models import read
from roadcrew_client.transport import OpenStream
from roadcrew_domain.events import BadEvent, decode_event

MAX_SPREAD = 300.0
"""Seconds; a `retry:` that asks for more is cut to this."""

_ENDS = (b"\n\n", b"\r\r", b"\n\r\n")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_RETRY = re.compile(rb"retry: ?(\d{1,12})")
_START = 64
"""Bytes of a line that are enough to know whether it is a `retry:`."""


class Wishes:
    """Tells what the lines of `retry:` say, in seconds, as they come. One in a named frame (a `bye`) is meant for that
    frame alone."""

    def __init__(self, wished: Callable[[float], None]) -> None:
        self._wished = wished
        self._rest = b""
        self._named = False

    def hear(self, chunk: bytes) -> None:
        """The next bytes."""
        data = self._rest + chunk
        half = b"\r" if data.endswith(b"\r") else b""
        *lines, rest = _LINE_END.split(data.removesuffix(half))
        self._rest = rest[:_START] + half
        for line in lines:
            if not line:
                self._named = False
            elif line.startswith(b"event:"):
                self._named = True
            elif not self._named and (found := _RETRY.fullmatch(line)):
                self._wished(min(int(found[1]) / 1000, MAX_SPREAD))


class BoundedBytes:
    """Hands bytes on, counts what has come since the last complete frame, and tells once when one is complete."""

    def __init__(
        self, chunks: AsyncIterator[bytes], most: int, proven: Callable[[], None], wishes: Wishes, *, by_line: bool
    ) -> None:
        self._by_line = by_line
        self._wishes = wishes
        self._chunks = chunks
        self._most = most
        self._proven: Callable[[], None] | None = proven
        self._since = 0
        self._tail = b""

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        async for chunk in self._chunks:
            self._count(chunk)
            self._wishes.hear(chunk)
            yield chunk

    def _count(self, chunk: bytes) -> None:
        seen = self._tail + chunk
        end = max(seen.rfind(e) + len(e) if e in seen else -1 for e in _ENDS)
        self._tail = seen[-2:]
        if end < 0:
            self._since += len(chunk)
        else:
            self._since = len(seen) - end
        if self._proven is not None and (end >= 0 or (self._by_line and (b"\n" in chunk or b"\r" in chunk))):
            told, self._proven = self._proven, None
            told()
        if self._since > self._most:
            raise not_ours(f"The server sent a frame of more than {self._most} bytes.", code="frame-too-large")


async def frames(
    opened: OpenStream,
    *,
    most: int,
    proven: Callable[[], None],
    wished: Callable[[float], None],
    anew: bool = True,
) -> AsyncGenerator[tuple[Frame, str | None], None]:
    """The frames of an open stream, each with the cursor after it (None: none yet).

    `proven` is called once, when the first frame is complete; for a stream that goes on from a cursor (not `anew`),
    when the first line is, since there may be nothing to tell yet. `wished` is called with the seconds over which the
    server wants its clients to come back, each time that it says so. `most` bounds a frame (bytes). Ends when the
    server ends; raises `Unreachable` when it is cut and `ServerTrouble` for nonsense.
    """
    kind = opened.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/event-stream":
        raise not_ours(f"The server answered {kind[:80] or 'nothing'} instead of a stream.", code="not-a-stream")
    bounded = BoundedBytes(opened.chunks, most, proven, Wishes(wished), by_line=not anew)
    # The standard says UTF-8, whatever charset a header claims.
    utf8 = httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, content=bounded)
    async with aclosing(httpx_sse.EventSource(utf8).aiter_sse()) as events:
        async for sse in events:
            frame = frame_of(sse)
            if frame is not None:
                yield frame, sse.id or None


def frame_of(sse: httpx_sse.ServerSentEvent) -> Frame | None:
    """What a frame says; None for one without data, or of a name that a newer server uses. Raises `ServerTrouble`."""
    wait = None if sse.retry is None or sse.retry < 0 else min(sse.retry, int(MAX_SPREAD * 1000)) / 1000
    if not sse.data:
        return Bye(wait=wait) if sse.event == "bye" else None
    match sse.event:
        case "" | "message":
            try:
                return decode_event(sse.data)
            except BadEvent as error:
                raise not_ours(f"The server sent an event that can't be read: {str(error)[:200]}") from error
        case "reset":
            return read_reset(read(sse.data, RawReset))
        case "presence":
            return read(sse.data, Presence)
        case "gone":
            return read(sse.data, Gone)
        case "bye":
            return Bye(read(sse.data, RawBye).reason, wait)
        case _:
            return None
