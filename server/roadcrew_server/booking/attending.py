"""Who looks after which carts: each by one task of this process at a time, and not too many together.

What is done for a cart is for book.py to say. It may ask a payment provider, which may take its time; nobody's request
waits for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from roadcrew_server.booking.desk import left_if_it_fails

AT_ONCE = 64
"""Carts that are looked after at the same time."""
MOST_WAITING = 1_000
"""Carts that are looked after or wait for it. What is due in others is still due in ten seconds."""
PATIENCE = 0.25
"""Seconds for which an answer waits for it: what needs no provider is done by then."""

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Attendance:
    """Of one process. The tasks are stopped by whoever gives `spawn`."""

    def __init__(self, spawn: Spawn, attend: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        """`attend` does for a person's cart what there is to do."""
        self._spawn = spawn
        self._attend = attend
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._once_more: set[str] = set()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def due(self, user: str) -> None:
        """Something in a cart is due. If it is being looked after, that is done once more afterwards, and nobody waits
        for it here."""
        if user in self._under_way:
            self._once_more.add(user)
        elif (task := self._begun(user)) is not None:
            await asyncio.wait({task})

    async def looked(self, user: str) -> None:
        """Somebody looks at a cart. Returns when it was looked after, or after `PATIENCE`, and that goes on."""
        task = self._under_way.get(user) or self._begun(user)
        if task is not None:
            await asyncio.wait({task}, timeout=PATIENCE)

    def _begun(self, user: str) -> asyncio.Task[None] | None:
        if len(self._under_way) >= MOST_WAITING:
            return None
        task = self._under_way[user] = self._spawn(self._in_turn(user))
        return task

    async def _in_turn(self, user: str) -> None:
        try:
            async with self._room:
                await self._gone_over(user)
                while user in self._once_more:
                    self._once_more.discard(user)
                    await self._gone_over(user)
        finally:
            del self._under_way[user]

    async def _gone_over(self, user: str) -> None:
        with left_if_it_fails(f"the cart of {user}"):
            await self._attend(user)
