"""A link on which nothing arrives any more, without a word of its end, is noticed when something else is asked."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import uvloop
from tests.faults import FaultProxy
from tests.support.cluster import linked, through
from tests.support.valkey import ValkeyProcess

from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores._redis_link import LinkOptions
from roadcrew_server.stores.base import StoreUnavailable
from roadcrew_server.stores.redis import RedisStore

TIMEOUT = 0.3


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    with ValkeyProcess(tmp_path_factory.mktemp("valkey")) as process:
        yield process


@pytest.fixture
async def link(valkey: ValkeyProcess) -> AsyncIterator[FaultProxy]:
    async with linked(valkey.url, 1) as (link,):
        yield link


@pytest.fixture
async def store(valkey: ValkeyProcess, link: FaultProxy) -> AsyncIterator[RedisStore]:
    store = RedisStore(address_of(through(valkey.url, link)), options=LinkOptions(timeout=TIMEOUT))
    await store.open()
    yield store
    await store.close()


# R: S9 T10
async def test_hints_that_silently_stopped_coming_are_noticed_when_a_command_is_not_answered(
    store: RedisStore, link: FaultProxy
):
    hints = store.listen()
    await link.change(silent=True)
    await link.change(silent=False)  # what is open stays silent, what is new is not
    with pytest.raises(StoreUnavailable):
        await store.ping()
    async with asyncio.timeout(10 * TIMEOUT):
        assert (await anext(hints)).kind == "lost"
        while (await anext(hints)).kind != "lost":
            pass
    await store.ping()
    await store.revoke("session", "a token")
    async with asyncio.timeout(10 * TIMEOUT):
        while (hint := await anext(hints)).kind != "revoked":
            pass
    assert hint.topic == "a token"


# R: S9
async def test_a_command_that_is_not_answered_costs_no_reading_again_where_hints_still_come(
    valkey: ValkeyProcess, store: RedisStore
):
    hints = store.listen()
    valkey.pause()
    with pytest.raises(StoreUnavailable):
        await store.ping()
    valkey.resume()
    await asyncio.sleep(3 * TIMEOUT)
    await store.revoke("session", "a token")
    async with asyncio.timeout(10 * TIMEOUT):
        assert (await anext(hints)).kind == "revoked"


# R: S9
def test_a_connection_that_ended_a_moment_before_it_was_used_is_a_link_that_broke(valkey: ValkeyProcess):
    async def lose_one() -> None:
        store = RedisStore(address_of(valkey.url))
        await store.open()
        link: Any = store._link
        get = link._connection
        lost: list[Any] = []

        async def lose_first() -> Any:
            connection = await get()
            if not lost:
                lost.append(connection)
                connection._writer.transport.abort()
                await asyncio.sleep(0.01)
            return connection

        link._connection = lose_first
        await store.ping()
        assert lost
        await store.close()

    uvloop.run(lose_one())  # it says so in another way than asyncio's own loop
