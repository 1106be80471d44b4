"""What the way to a server lets through: whether a stream's news arrive as they are sent, and whether polling works.

For `roadcrew doctor`. It measures and does not judge; it follows nothing, and changes nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from roadcrew_client.context import Context
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.sync.source import PATH, SyncSource
from roadcrew_client.sync.sse import frames
from roadcrew_client.transport import OpenStream

_COMMENT = re.compile(rb"[\r\n]:")


@dataclass(slots=True)
class StreamSeen:
    """A stream that was opened. Seconds since it was asked for; None: that did not come in time."""

    headers: float | None = None
    frame: float | None = None
    """The first complete frame."""
    heartbeat: float | None = None
    """The first one after that frame."""
    ended: float | None = None
    """It ended before a heartbeat, or could not be opened."""
    error: RoadcrewError | None = None
    """Why it ended; None if the server ended it in order."""


@dataclass(frozen=True, slots=True)
class PollsSeen:
    """Two polls: for the state as it is, and for what has happened since. The seconds that each took, as far as they
    got, and what went wrong."""

    took: tuple[float, ...]
    error: RoadcrewError | None = None


async def try_stream(context: Context, topic: str, *, heartbeat_within: float) -> StreamSeen:
    """Open a stream of a topic and listen: for its first frame, as long as the client gives any stream, and then for a
    heartbeat (seconds)."""
    seen, since = StreamSeen(), _stopwatch(context)
    s = context.settings
    try:
        async with asyncio.timeout(s.connect_timeout + s.prove_within) as limit:
            loop = asyncio.get_running_loop()

            def proven() -> None:
                seen.frame = since()
                limit.reschedule(loop.time() + heartbeat_within)

            async with context.session.stream(PATH, [("topic", topic)], {}) as opened:
                seen.headers = since()
                limit.reschedule(loop.time() + s.prove_within)
                heard = OpenStream(opened.headers, _until_heartbeat(opened.chunks, seen, since))
                async with aclosing(frames(heard, most=s.max_body, proven=proven, wished=lambda _: None)) as coming:
                    async for _ in coming:
                        pass  # that they can be read is all that is asked
    except TimeoutError:
        return seen
    except RoadcrewError as error:
        seen.error = error
    if seen.heartbeat is None:
        seen.ended = since()
    return seen


async def _until_heartbeat(
    chunks: AsyncIterator[bytes], seen: StreamSeen, since: Callable[[], float]
) -> AsyncGenerator[bytes, None]:
    """The bytes of a stream, up to the first comment after its first frame: that is a heartbeat."""
    tail = b"\n"
    async for chunk in chunks:
        if seen.frame is not None and _COMMENT.search(tail + chunk):
            seen.heartbeat = since()
            return
        tail = chunk[-1:]
        yield chunk


async def try_polls(context: Context, topic: str) -> PollsSeen:
    """Poll twice."""
    source, took = SyncSource(context, (topic,)), list[float]()
    try:
        since = _stopwatch(context)
        batch = await source.poll(None, None)
        took.append(since())
        since = _stopwatch(context)
        await source.poll(batch.cursor, batch.tag)
        took.append(since())
    except RoadcrewError as error:
        return PollsSeen(tuple(took), error)
    return PollsSeen(tuple(took))


def _stopwatch(context: Context) -> Callable[[], float]:
    began = context.clock.monotonic()
    return lambda: context.clock.monotonic() - began
