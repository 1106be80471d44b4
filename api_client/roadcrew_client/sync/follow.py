"""Events as an async iterator, for scripts: the same engine, with a bounded queue between it and the loop body."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from roadcrew_client.context import Context
from roadcrew_client.errors import NotSignedIn
from roadcrew_client.frames import Item
from roadcrew_client.sync.engine import Engine
from roadcrew_client.sync.sides import Taken
from roadcrew_client.sync.source import SyncSource


class _Queued:
    """A reader that hands frames on; when nobody takes them, reading waits."""

    def __init__(self, size: int) -> None:
        self.items: asyncio.Queue[Item] = asyncio.Queue(size)
        self.changed = asyncio.Event()

    async def take(self, frame: Item, cursor: str | None) -> Taken:
        await self.items.put(frame)
        return "applied"

    def moved(self) -> None:
        self.changed.set()


async def follow_topics(context: Context, topics: tuple[str, ...]) -> AsyncGenerator[Item, None]:
    """What happens in `topics`. Ends when all are gone; raises `NotSignedIn`, or why they can't be followed."""
    queue = _Queued(context.settings.max_events_queued)
    source = SyncSource(context, topics)
    engine = Engine(source, queue, topics, settings=context.settings, clock=context.clock, chance=context.chance)
    running = asyncio.create_task(engine.run())
    try:
        while True:
            item = await _next(queue, engine, running)
            if item is None:
                break
            yield item
    finally:
        running.cancel()
        await asyncio.wait([running])
    if engine.state.mode == "signed-out":
        raise engine.error or NotSignedIn("not-signed-in", "Sign in first.")
    if engine.error is not None:
        raise engine.error


async def _next(queue: _Queued, engine: Engine, running: asyncio.Task[None]) -> Item | None:
    """The next item; None when there will be none."""
    while queue.items.empty():
        if engine.state.mode in ("gone", "signed-out") or running.done():
            return None
        queue.changed.clear()
        got = asyncio.ensure_future(queue.items.get())
        moved = asyncio.ensure_future(queue.changed.wait())
        try:
            await asyncio.wait({got, moved, running}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            moved.cancel()
            if not got.done():
                got.cancel()
        if got.done() and not got.cancelled():
            return got.result()
    return queue.items.get_nowait()
