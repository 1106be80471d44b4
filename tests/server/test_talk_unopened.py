"""Numbers of what nobody has talked about cost the store one question, and are never older than what was heard."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.people import eventually
from tests.support.talking import SKY
from tests.support.talks import House, houses

from roadcrew_server.stores.base import Hint, Loaded
from roadcrew_server.stores.sqlite import SqliteStore

LIKES = SKY.topic("likes")


class Counting(SqliteStore):
    """Counts how often it was asked for a topic; `slowly` keeps the answer back."""

    asked = 0
    slowly: asyncio.Event | None = None

    async def load(self, topic: str) -> Loaded | None:
        self.asked += 1
        found = await super().load(topic)
        if self.slowly is not None:
            await self.slowly.wait()
        return found


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Counting, House, House]]:
    """Two processes over one store, one of which listens."""
    store = Counting(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with houses(store, store) as (one, other):
        one.hub.on_hint, one.hub.on_missed = one.talk.unopened.hinted, one.talk.unopened.doubt
        yield store, one, other


# R: S9 F2
async def test_what_nobody_has_opened_is_asked_for_once_until_somebody_opens_it(two: tuple[Counting, House, House]):
    store, one, other = two
    for _ in range(3):
        assert await one.talk.unopened.topic(LIKES) is None
    assert store.asked == 1
    await other.feed("ana", SKY, "likes")
    await eventually(lambda: LIKES not in one.talk.unopened._missing, "the hint")
    topic = await one.talk.unopened.topic(LIKES)
    assert topic is not None
    assert topic.head == 0


# R: F2
async def test_what_is_opened_while_the_store_is_asked_is_not_remembered_as_missing(
    two: tuple[Counting, House, House],
):
    store, one, _ = two
    store.slowly = asyncio.Event()
    asking = asyncio.create_task(one.talk.unopened.topic(LIKES))
    await eventually(lambda: store.asked == 1, "the question")
    one.talk.unopened.hinted(Hint("log", LIKES))
    store.slowly.set()
    await asking
    before = store.asked
    await one.talk.unopened.topic(LIKES)
    assert store.asked == before + 1


# R: F2
async def test_nothing_is_missing_any_more_once_hints_may_have_been_lost(two: tuple[Counting, House, House]):
    store, one, _ = two
    await one.talk.unopened.topic(LIKES)
    await one.hub.distrust()
    await one.talk.unopened.topic(LIKES)
    assert store.asked == 2
