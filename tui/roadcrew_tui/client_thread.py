"""The thread that all of `roadcrew_client` lives on, and its event loop. What is done there is link.py's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from roadcrew_tui.daemons import Daemons

T = TypeVar("T")


class ClientThread:
    """One thread with an event loop of its own."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        """None until it has been started."""

    def start(self) -> asyncio.AbstractEventLoop:
        """Start the thread, unless it has been started. Cheap; the client's imports happen over there."""
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            self.loop.set_default_executor(Daemons())
            threading.Thread(target=_run, args=(self.loop,), name="roadcrew-client", daemon=True).start()
        return self.loop

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine over there and wait for it here. Raises what it raises."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.start()))

    def soon(self, call: Callable[[], object]) -> None:
        """Call this over there, if anybody is there."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(call)

    def stop(self) -> None:
        """End the loop, whatever still runs on it."""
        if self.loop is not None:
            self.soon(self.loop.stop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
