"""Feeds in the store: whole or not at all, the same one for the same key, and gone when nobody needs them."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from roadcrew_domain.refusals import Refused
from roadcrew_server.jobs.feeds import KEPT, PIECE, RECORD, FeedGone, Feeds
from roadcrew_server.problems import Problem
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.topic import KeyReused

JOB = "0190c2f4-7c10-7000-8000-0000000000aa"
BODY = random.Random(7).randbytes(3 * PIECE + 4321)


async def in_chunks(body: bytes, size: int = 64_000, *, broken: BaseException | None = None) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        await asyncio.sleep(0)
        yield body[at : at + size]
    if broken is not None:
        raise broken


async def whole(feeds: Feeds, offset: int = 0) -> bytes:
    return b"".join([piece async for piece in feeds.read(JOB, offset)])


async def records(store: SqliteStore) -> list[str]:
    return [record.key for record in (await store.walk_records()).items if record.kind == RECORD]


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    await store.open()
    yield store
    await store.close()


# R: J1
@pytest.mark.parametrize("size", [1, 777, PIECE, PIECE + 1, len(BODY)])
async def test_a_feed_is_read_as_it_was_sent_from_any_byte_on(store: SqliteStore, size: int):
    feeds = Feeds(store, len(BODY))
    body = BODY if size > 1 else BODY[:3000]
    feed = await feeds.keep(JOB, "ana", in_chunks(body, size))
    assert (feed.size, feed.by) == (len(body), "ana")
    for offset in (0, 1, PIECE - 1, PIECE, PIECE + 1, len(body) - 1, len(body)):
        assert await whole(feeds, offset) == body[offset:]


async def test_a_feed_that_broke_off_is_found_by_nobody_and_leaves_no_piece(store: SqliteStore):
    feeds = Feeds(store, len(BODY))
    for error in (ConnectionError("gone"), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            await feeds.keep(JOB, "ana", in_chunks(BODY, broken=error))
        assert await feeds.find(JOB) is None
        assert await records(store) == []
    with pytest.raises(FeedGone):
        await whole(feeds)


async def test_a_feed_that_is_too_large_is_refused_before_all_of_it_has_come(store: SqliteStore):
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 64_000
            yield bytes(64_000)

    with pytest.raises(Problem) as refused:
        await Feeds(store, 2 * PIECE).keep(JOB, "ana", endless())
    assert (refused.value.status, refused.value.code) == (413, "feed-too-large")
    assert taken < 2 * PIECE + 2 * 64_000
    assert await records(store) == []


async def test_an_empty_feed_is_refused(store: SqliteStore):
    with pytest.raises(Refused) as refused:
        await Feeds(store, 100).keep(JOB, "ana", in_chunks(b""))
    assert refused.value.code == "bad-feed"


async def test_the_same_feed_again_is_the_one_that_is_there_and_another_is_refused(store: SqliteStore):
    feeds = Feeds(store, len(BODY))
    first = await feeds.keep(JOB, "ana", in_chunks(BODY))
    kept = await records(store)
    assert await feeds.keep(JOB, "ana", in_chunks(BODY, 999)) == first
    for other in (BODY[:-1], BODY[::-1]):
        with pytest.raises(KeyReused):
            await feeds.keep(JOB, "ana", in_chunks(other))
    with pytest.raises(Refused) as refused:
        await feeds.keep(JOB, "ben", in_chunks(BODY))
    assert refused.value.code == "id-taken"
    assert await records(store) == kept
    assert await whole(feeds) == BODY


async def test_of_two_feeds_with_one_key_at_the_same_time_one_wins_and_none_is_mixed(store: SqliteStore):
    feeds = Feeds(store, len(BODY))
    other = BODY[::-1]
    answers = await asyncio.gather(
        *(feeds.keep(JOB, "ana", in_chunks(body)) for body in (BODY, other, BODY)), return_exceptions=True
    )
    kept = await whole(feeds)
    assert kept in (BODY, other)
    won = sum(not isinstance(answer, BaseException) for answer in answers)
    assert won == (2 if kept == BODY else 1)
    assert sum(isinstance(answer, KeyReused) for answer in answers) == 3 - won
    assert len(await records(store)) == 1 + 4


async def test_a_feed_is_dropped_with_all_its_pieces_and_expires_by_itself(store: SqliteStore):
    feeds = Feeds(store, len(BODY))
    began = store.now()
    await feeds.keep(JOB, "ana", in_chunks(BODY))
    ends = [record.stored.expires_at for record in (await store.walk_records()).items]
    assert all(end is not None and end - began - KEPT < KEPT / 10 for end in ends)
    for _ in range(2):
        await feeds.drop(JOB)
        assert await records(store) == []


async def test_a_piece_that_is_missing_is_said_to_be(store: SqliteStore):
    feeds = Feeds(store, len(BODY))
    feed = await feeds.keep(JOB, "ana", in_chunks(BODY))
    await store.delete(RECORD, f"{feed.upload}/1")
    with pytest.raises(FeedGone):
        await whole(feeds)
    assert await whole(feeds, 2 * PIECE) == BODY[2 * PIECE :]
