"""Announces what is due, also of topics that nobody has open. `decide` holds deadlines anyway: this only says so.

A process knows the deadlines that it has set itself, and sleeps until the first of them. For those that another process
has set, which fires them itself as long as it lives, it looks now and then: a store over a network is not asked twice a
second whether there is something to do.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Store, StoreError

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Topics taken at a time."""
AGAIN = timedelta(seconds=10)
"""When somebody else may take a topic whose taker has died."""


class Deadlines:
    """Those of one process."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        fire: Callable[[str], object],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`fire` is called with the name of each topic that is due."""
        self._store = store
        self._settings = settings
        self._fire = fire
        self._monotonic = monotonic
        self._next: datetime | None = None
        self._look_at = 0.0

    def note(self, due: datetime | None) -> None:
        """A topic is due then."""
        if due is not None and (self._next is None or due < self._next):
            self._next = due

    async def run(self) -> None:
        """Until cancelled. When the store fails it is asked again, not faster than else."""
        while True:
            await asyncio.sleep(self._settings.timer_interval)
            if self._is_time():
                try:
                    await self._take()
                except StoreError as error:
                    log.warning("deadlines not looked at: %s", error)
                    self._look_at = 0.0
                except Exception:
                    log.exception("deadlines not looked at")

    def _is_time(self) -> bool:
        due = self._next is not None and self._store.now() >= self._next
        return due or self._monotonic() >= self._look_at

    async def _take(self) -> None:
        self._next = None  # what is noted while we ask counts too
        self.note(soonest := await self._store.due_next())
        self._look_at = self._monotonic() + self._settings.timer_look
        if soonest is None or soonest > self._store.now():
            return
        for name in await self._store.due_take(self._store.now(), AT_ONCE, AGAIN):
            self._fire(name)
