"""Counters of request limits in the shared store, so that a limit holds over all processes (`limits` library).

What it is not for: which limits there are (`roadcrew_server.limits`).
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from limits.aio.storage import RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from redis.exceptions import RedisError

from roadcrew_server.stores._rates import MemoryRates
from roadcrew_server.stores._redis_errors import LINK_ERRORS, is_answer, refusal, unreachable
from roadcrew_server.stores._redis_link import Link

_T = TypeVar("_T")

OWN_SHARE = 16
"""A process counts the first 16th of a limit by itself, and so asks Redis only about those who come near one. Over one
process a limit is exact; each further one lets in a 16th more at the most. Limits below 16 are all counted in Redis."""


class SharedRates(RedisStorage):
    """The library's own storage over our connections. Every failure is a `StoreError`."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._own = MemoryRates()
        super().__init__("async+redis://", implementation="redispy", key_prefix=f"{prefix}:rate")

    def configure_bridge(self) -> None:
        """Our client instead of one of its own."""
        assert isinstance(self.bridge, RedispyBridge)  # noqa: S101 - as was asked for above
        client: Any = self._link.client  # the library's own description of it fits neither kind exactly
        self.bridge.storage = client
        self.bridge.connection_getter = lambda _: client

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count."""
        return await self._said(super().incr(key, expiry, amount))

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count if there is room."""
        share = limit // OWN_SHARE
        if amount <= share and await self._own.acquire_entry(key, share, expiry, amount):
            return True
        return await self._said(super().acquire_entry(key, limit - share, expiry, amount))

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Since when, and how many, of those that Redis counts."""
        share = limit // OWN_SHARE
        start, counted = await self._said(super().get_moving_window(key, limit - share, expiry))
        return start, counted + share if counted else 0

    async def _said(self, answer: Awaitable[_T]) -> _T:
        try:
            async with self._link.place(), asyncio.timeout(self._link.options.timeout):
                return await answer
        except (*LINK_ERRORS, RedisError) as error:
            if is_answer(error):
                raise refusal(error) from error
            raise unreachable(self._link.address, error) from error
