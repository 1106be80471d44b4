"""A thread that touches the disk, for an event loop that must not wait for it: one thing after the other, in the order
in which it was asked for, and every wait has an end. Not for what is done to the disk.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)


class DiskThread:
    """Started when it is first needed. A daemon: a disk that hangs does not keep the program from ending."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def started(self) -> bool:
        """Whether there was anything to do."""
        return self._thread is not None

    def put(self, job: Callable[[], object]) -> None:
        """Do this, soon."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put(job)

    async def ask(self, job: Callable[[], T], within: float) -> T | None:
        """What `job` gives; None when it fails, or the disk takes longer than so many seconds."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T | None] = loop.create_future()

        def give(result: T | None) -> None:
            if not answer.done():
                answer.set_result(result)

        def run() -> None:
            result = None
            try:
                result = job()
            finally:
                with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                    loop.call_soon_threadsafe(give, result)

        self.put(run)
        try:
            async with asyncio.timeout(within):
                return await answer
        except TimeoutError:
            logger.debug("the disk does not answer")
            return None

    def end(self) -> None:
        """Let it end once all is done."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except OSError as error:
                logger.debug("the disk would not: %s", error)
            except Exception:
                # Nothing in there should; whoever waits for an answer has a time limit, and the next job its turn.
                logger.exception("using the disk failed in a way that nobody foresaw")
