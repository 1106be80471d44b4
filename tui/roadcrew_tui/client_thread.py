"""The thread that all of `roadcrew_client` lives on, and its event loop. What is done there is link.py's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class ClientThread:
    """One thread with an event loop of its own."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        """None until it runs."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roadcrew-client", daemon=True)

    def start(self) -> None:
        """Start the thread. Cheap; the client's imports happen over there."""
        self._thread.start()

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        self.loop = loop
        loop.call_soon(self._ready.set)
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine over there and wait for it here. Raises what it raises."""
        if not self._ready.is_set():
            await asyncio.to_thread(self._ready.wait)
        if self.loop is None:
            raise LookupError("the link has not been started")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    def soon(self, call: Callable[[], object]) -> None:
        """Call this over there, if anybody is there."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(call)

    def stop(self) -> None:
        """End the loop, whatever still runs on it."""
        if self.loop is not None:
            self.soon(self.loop.stop)
