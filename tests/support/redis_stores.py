"""Shared stores for tests: opened for the length of a block, by a URL or past a wire."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from roadcrew_server.stores._redis_address import Address, address_of
from roadcrew_server.stores._redis_link import LinkOptions
from roadcrew_server.stores.base import StoreFacts
from roadcrew_server.stores.redis import RedisStore


def at(port: int) -> Address:
    return Address((("127.0.0.1", port),))


@asynccontextmanager
async def opened(address: Address | str, **options: Any) -> AsyncIterator[RedisStore]:
    """A store for the length of a block; it is quick to take up its hints again."""
    place = address_of(address) if isinstance(address, str) else address
    store = RedisStore(place, options=LinkOptions(**{"timeout": 2.0, **options}), chance=random.Random(1))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def facts_of(address: str) -> StoreFacts:
    store = RedisStore(address_of(address))
    try:
        return await store.open()
    finally:
        await store.close()
