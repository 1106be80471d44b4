"""How many pages are open at a time, in all and by one visitor. Who reloads a page comes while the process of before
still ends, so a place is waited for, not long."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MOST_EACH = 4
WAIT_SECONDS = 6.0
MOST_WAITING = 20


class Full(Exception):
    """There is no place; a sentence says which."""


class Room:
    """`most` places, `each` for one visitor."""

    def __init__(self, most: int, each: int = MOST_EACH, wait: float = WAIT_SECONDS) -> None:
        self.most = most
        self._each = each
        self._wait = wait
        self._taken: Counter[str] = Counter()
        self._leaving: Counter[str] = Counter()
        self._freed = asyncio.Condition()
        self._waiting = 0

    @property
    def here(self) -> frozenset[str]:
        """Who has a place."""
        return frozenset(self._taken)

    def taken(self, visitor: str) -> int:
        """How many places this visitor has."""
        return self._taken[visitor]

    def trouble(self, visitor: str) -> str | None:
        """Why there will be no place for this visitor: who is about to leave is not counted."""
        if self._taken[visitor] - self._leaving[visitor] >= self._each:
            return f"You have {self._each} pages open here already. Close one of them, then try again."
        if self._taken.total() - self._leaving.total() >= self.most:
            return "All places here are taken just now. Try again in a few minutes."
        return None

    @asynccontextmanager
    async def place(self, visitor: str) -> AsyncIterator[None]:
        """A place for as long as this lasts. Raises `Full`."""
        if (trouble := self.trouble(visitor)) or self._waiting >= MOST_WAITING:
            raise Full(trouble or "Many people come just now. Try again in a minute.")
        await self._take(visitor)
        try:
            yield
        finally:
            self._taken[visitor] -= 1
            self._leaving[visitor] = max(0, self._leaving[visitor] - 1)
            self._taken, self._leaving = +self._taken, +self._leaving
            async with self._freed:
                self._freed.notify_all()

    def leaving(self, visitor: str) -> None:
        """One page of this visitor is closed, and its process about to end."""
        self._leaving[visitor] += 1

    async def _take(self, visitor: str) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait), self._freed:
                await self._freed.wait_for(
                    lambda: self._taken[visitor] < self._each and self._taken.total() < self.most
                )
                self._taken[visitor] += 1
        except TimeoutError:
            raise Full("All places here are taken just now. Try again in a few minutes.") from None
        finally:
            self._waiting -= 1
