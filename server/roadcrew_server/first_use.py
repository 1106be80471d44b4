"""When a session was first good for something: how long that took after it was issued (C10).

Whichever process it is first used at counts it, once over all of them: the store says which one that is.
What it is not for: deciding whether a session is good (sessions.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from roadcrew_server.stores.base import Store, StoreError

log = logging.getLogger(__name__)

WITHIN = timedelta(minutes=10)
"""A session that is first used later than this was put aside, not waited for."""
REMEMBERED = 50_000
"""Sessions of which this process knows that it need not ask again."""
ASKING = 100
"""Questions to the store at once; a session that comes when so many are open is not counted."""


class FirstUses:
    """Tells `established` the seconds from a session's issue to its first use."""

    def __init__(self, store: Store, established: Callable[[float], None]) -> None:
        self._store = store
        self._established = established
        self._known: OrderedDict[str, None] = OrderedDict()
        self._asking: set[asyncio.Task[None]] = set()

    def used(self, token_hash: str, issued_at: datetime) -> None:
        """A session of that age was honoured. Nobody waits for what comes of it."""
        now = self._store.now()
        if not timedelta() <= now - issued_at <= WITHIN or token_hash in self._known or len(self._asking) >= ASKING:
            return
        self._known[token_hash] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        task = asyncio.create_task(self._count(token_hash, (now - issued_at).total_seconds(), issued_at + 2 * WITHIN))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _count(self, token_hash: str, seconds: float, until: datetime) -> None:
        try:
            first = await self._store.create("first-use", token_hash, b"", until)
        except StoreError as error:
            log.warning("a session's first use was not counted: %s", error)
            return
        if first:
            self._established(seconds)

    async def stop(self) -> None:
        """Count what is under way."""
        await asyncio.gather(*self._asking, return_exceptions=True)
