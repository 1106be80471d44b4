"""Old comments are in pages: read from there, changed there by several processes at once, and never lost."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from tests.conftest import Count, Figure
from tests.support.people import eventually
from tests.support.redis_stores import at
from tests.support.talks import House, houses, long_feed, named_pages, pages_of, trip_entity
from tests.support.valkey import ValkeyProcess

from roadcrew_domain.feed_state import (
    ClosePage,
    EditItem,
    GiveReaction,
    Reacted,
    RemoveItem,
    TakeReaction,
    WriteItem,
)
from roadcrew_domain.places import Entity
from roadcrew_domain.refusals import Refused
from roadcrew_server.stores.base import Store, StoreUnavailable, StoreUncertain
from roadcrew_server.stores.redis import RedisStore
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.topic import Topic

PAGE = 100


@pytest.fixture(params=["sqlite", "valkey"])
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[House]]:
    """Two processes over one store."""
    if request.param == "sqlite":
        store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
        stores: list[Store] = [store, store]
    else:
        valkey: ValkeyProcess = request.getfixturevalue("valkey")
        stores = [RedisStore(at(valkey.port)), RedisStore(at(valkey.port))]
    async with houses(*stores) as made:
        yield made


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """One process."""
    async with houses(SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")) as (one,):
        yield one


async def written(house: House, count: int) -> Topic:
    """A trip's comments, so many, none of them in a page yet."""
    topic = await house.feed("ana", await trip_entity(house, "ana", "ben", "eve"))
    for n in range(1, count + 1, 50):
        await house.writes(topic, "ana", [f"Comment {no}" for no in range(n, min(n + 50, count + 1))])
    return topic


async def with_pages(house: House, count: int) -> Topic:
    """The same, and all that is old is in pages."""
    topic = await written(house, count)
    await house.talk.upkeep.close(topic)
    return topic


# R: F5
async def test_what_is_old_goes_into_pages_and_is_read_from_there_by_any_process(two: list[House]) -> None:
    topic = await with_pages(two[0], 350)
    assert (topic.state.count, len(topic.state.items), len(topic.state.pages)) == (350, 150, 2)
    other = await two[1].hub.topic(topic.name)
    for house, copy in zip(two, (topic, other), strict=True):
        assert [item.text for item in await house.everything(copy)] == [f"Comment {no}" for no in range(1, 351)]
        for before, limit in ((None, 100), (202, 5), (201, 100), (150, 100), (101, 3), (2, 9), (1, 5), (10**9, 2)):
            newest = 350 if before is None else min(before - 1, 350)
            wanted = list(range(max(1, newest - limit + 1), newest + 1))
            assert [item.no for item in await house.talk.older.items(copy, before, limit)] == wanted
    assert await pages_of(two[0].hub.store, topic.name) == named_pages(topic)


# R: F2
async def test_an_old_comment_is_edited_removed_and_reacted_to_where_it_is(two: list[House]) -> None:
    topic = await with_pages(two[0], 250)
    old = (await two[0].everything(topic))[4:8]
    other = await two[1].hub.topic(topic.name)
    _, edited = await two[1].changes(other, "ana", EditItem(old[0].id, "Said better"), old[0].no)
    _, reacted = await two[0].changes(topic, "ben", GiveReaction(old[1].id, "heart"), old[1].no)
    await two[0].changes(topic, "eve", GiveReaction(old[2].id, "heart"), old[2].no)
    _, unreacted = await two[0].changes(topic, "eve", TakeReaction(old[2].id, "heart"), old[2].no)
    _, gone = await two[1].changes(other, "ben", RemoveItem(old[3].id, "Ben", chair=True), old[3].no)
    assert (edited.text, edited.edited_at is not None) == ("Said better", True)
    assert reacted.reactions == (Reacted("heart", ("ben",)),)
    assert unreacted == old[2]
    assert gone.removed is not None
    assert (gone.text, gone.removed.name) == ("", "Ben")
    for house in two:
        copy = await house.hub.topic(topic.name)
        await house.hub.refresh(copy)
        assert (await house.everything(copy))[4:8] == [edited, reacted, unreacted, gone]
    await two[0].hub.refresh(topic)
    assert await pages_of(two[0].hub.store, topic.name) == named_pages(topic)


# R: F2
async def test_what_is_refused_of_an_old_comment_is_refused_as_for_a_new_one_and_leaves_nothing_behind(
    house: House,
) -> None:
    topic = await with_pages(house, 250)
    old, gone, *_ = await house.everything(topic)
    await house.changes(topic, "ana", RemoveItem(gone.id, "Ana"), gone.no)
    before = await pages_of(house.hub.store, topic.name)
    for by, act, no, code in (
        ("ben", EditItem(old.id, "Mine now"), 1, "not-yours"),
        ("ben", RemoveItem(old.id, "Ben"), 1, "not-yours"),
        ("ana", EditItem(gone.id, "Back again"), 2, "item-removed"),
        ("ana", EditItem(old.id, "x" * 5000), 1, "text-too-long"),
        ("ana", EditItem(old.id, "Elsewhere"), 150, "unknown-item"),
        ("ana", EditItem(old.id, "Nowhere"), 10**12, "unknown-item"),
        ("ana", EditItem(old.id, "Nowhere"), -5, "unknown-item"),
    ):
        with pytest.raises(Refused) as refused:
            await house.changes(topic, by, act, no)
        assert refused.value.code == code
    assert await pages_of(house.hub.store, topic.name) == before


# R: F2
async def test_of_many_who_change_one_page_at_once_at_two_processes_none_is_lost(
    two: list[House], count: Count
) -> None:
    topic = await with_pages(two[0], 200)
    other = await two[1].hub.topic(topic.name)
    people = [f"person {n}" for n in range(count(reduced=12, full=60))]
    items = await two[0].everything(topic)
    chance = random.Random(8)

    async def react(n: int, person: str) -> None:
        item = items[chance.randrange(3)]
        await two[n % 2].changes((topic, other)[n % 2], person, GiveReaction(item.id, "eyes"), item.no)

    await asyncio.gather(*(react(n, person) for n, person in enumerate(people)))
    await two[0].hub.refresh(topic)
    given = [r.by for item in (await two[0].everything(topic))[:3] for r in item.reactions]
    assert sorted(person for by in given for person in by) == sorted(people)
    assert await pages_of(two[0].hub.store, topic.name) == named_pages(topic)


async def test_two_processes_that_close_a_page_at_once_close_it_once(two: list[House]) -> None:
    topic = await written(two[0], 200)
    other = await two[1].hub.topic(topic.name)
    await two[1].hub.refresh(other)
    await asyncio.gather(two[0].talk.upkeep.close(topic), two[1].talk.upkeep.close(other))
    await two[0].hub.refresh(topic)
    assert (len(topic.state.pages), len(topic.state.items)) == (1, 100)
    assert await pages_of(two[0].hub.store, topic.name) == named_pages(topic)
    assert [item.no for item in await two[0].everything(topic)] == list(range(1, 201))


async def test_a_page_whose_items_change_while_it_is_written_is_written_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await written(house, 200)
    first = topic.state.items[0]
    write = house.talk.older.write

    async def slow(*given: object) -> str:
        tag = await write(*given)  # type: ignore[arg-type]
        monkeypatch.setattr(house.talk.older, "write", write)
        await house.changes(topic, "ana", EditItem(first.id, "Said better"), first.no)
        return tag

    monkeypatch.setattr(house.talk.older, "write", slow)
    await house.talk.upkeep.close(topic)
    assert (await house.everything(topic))[0].text == "Said better"
    assert await pages_of(house.hub.store, topic.name) == named_pages(topic)


async def test_a_page_that_nobody_closed_is_due_and_closed_by_another_process(two: list[House]) -> None:
    topic = await written(two[0], 199)
    await two[0].writes(topic, "ana", ["The one too many"])  # and here the process would have died
    await eventually(lambda: topic.state.pages, "a page")
    assert len(topic.state.items) == 100


async def test_a_page_that_could_not_be_written_is_closed_at_the_next_write(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.talk.upkeep, "attend", lambda _: asyncio.sleep(0))
    topic = await written(house, 200)

    async def fails(*_: object) -> str:
        raise StoreUnavailable("it is away")

    with monkeypatch.context() as away:
        away.setattr(house.talk.older, "write", fails)
        house.talk.upkeep.wrote(topic)
        await eventually(lambda: not house.talk.upkeep._closing)
    assert not topic.state.pages
    await house.writes(topic, "ana", ["One more"])
    house.talk.upkeep.wrote(topic)
    await eventually(lambda: topic.state.pages, "a page")


async def test_who_reads_a_page_while_it_is_turned_reads_it_as_it_is_then(
    two: list[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await with_pages(two[0], 200)
    other = await two[1].hub.topic(topic.name)
    first = (await two[0].everything(topic))[0]
    read = two[1].talk.older.read

    async def slow(*given: object) -> object:
        monkeypatch.setattr(two[1].talk.older, "read", read)
        await two[0].changes(topic, "ana", EditItem(first.id, "Said better"), first.no)
        return await read(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(two[1].talk.older, "read", slow)
    assert (await two[1].talk.older.items(other, 2, 100))[0].text == "Said better"


async def test_a_page_that_is_gone_is_said_not_to_be_there_now(house: House) -> None:
    topic = await with_pages(house, 200)
    await house.talk.older.drop(topic.name, 0, topic.state.pages[0])
    with pytest.raises(StoreUnavailable):
        await house.talk.older.items(topic, 50, 10)


async def test_a_comment_that_goes_into_a_page_just_as_it_is_changed_is_changed_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await written(house, 200)
    first = topic.state.items[0]
    execute = house.hub.execute

    async def late(name: str, command: object, **more: object) -> object:
        monkeypatch.setattr(house.hub, "execute", execute)
        await house.talk.upkeep.close(topic)
        return await execute(name, command, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(house.hub, "execute", late)
    _, item = await house.changes(topic, "ana", EditItem(first.id, "Said better"))
    assert item.text == "Said better"
    assert (await house.everything(topic))[0] == item
    assert len(topic.state.pages) == 1


# R: S7
async def test_a_change_of_an_old_comment_that_is_sent_twice_is_done_once(two: list[House]) -> None:
    topic = await with_pages(two[0], 200)
    other = await two[1].hub.topic(topic.name)
    item = (await two[0].everything(topic))[10]
    key = two[0].hub.new_id()
    first, edited = await two[0].changes(topic, "ana", EditItem(item.id, "Said better"), item.no, key=key, body="b")
    await two[0].changes(topic, "ben", RemoveItem(item.id, "Ben", chair=True), item.no)
    again, now = await two[1].changes(other, "ana", EditItem(item.id, "Said better"), item.no, key=key, body="b")
    assert again.position == first.position
    assert (edited.text, now.text) == ("Said better", "")
    await two[0].hub.refresh(topic)
    assert await pages_of(two[0].hub.store, topic.name) == named_pages(topic)


@pytest.mark.parametrize("keyed", [True, False])
async def test_a_change_of_an_old_comment_whose_answer_got_lost_loses_no_page(
    house: House, monkeypatch: pytest.MonkeyPatch, keyed: bool
) -> None:
    topic = await with_pages(house, 200)
    item = (await house.everything(topic))[10]
    append = house.hub.store.append

    async def cut(*given: Any, **more: Any) -> None:
        monkeypatch.setattr(house.hub.store, "append", append)
        await append(*given, **more)
        raise StoreUncertain("the link broke")

    monkeypatch.setattr(house.hub.store, "append", cut)
    key = {"key": house.hub.new_id()} if keyed else {}
    _, edited = await house.changes(topic, "ana", EditItem(item.id, "Said better"), item.no, **key)
    assert edited.text == "Said better"
    assert (await house.everything(topic))[10] == edited
    assert await pages_of(house.hub.store, topic.name) == named_pages(topic)


async def test_an_old_comment_is_found_without_its_number_while_it_is_not_far_off(house: House) -> None:
    topic = await with_pages(house, 600)
    items = await house.everything(topic)
    assert await house.talk.older.item(topic, items[201].id) == items[201]
    assert await house.talk.older.item(topic, items[50].id) is None
    assert await house.talk.older.item(topic, items[50].id, 51) == items[50]


async def test_a_page_that_the_server_did_not_write_is_never_closed(house: House) -> None:
    topic = await written(house, 200)
    oldest = topic.state.items[:PAGE]
    for items in (oldest[1:], topic.state.items[PAGE:], (*oldest[1:], oldest[0])):
        with pytest.raises(Refused):
            await house.does(topic.name, None, ClosePage("0" * 12, items))
    assert not topic.state.pages


# R: F5
@pytest.mark.usefixtures("timed")
async def test_a_hundred_thousand_comments_open_as_fast_as_a_hundred(tmp_path: Path, figure: Figure) -> None:
    place = Entity("location", "exhibition.azulejo-light")
    sizes = {100: place, 100_000: Entity("location", "exhibition.big-sky")}
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with houses(store) as (house,):
        for size, entity in sizes.items():
            await long_feed(house, entity.topic("comments"), None, size)

        async def seconds(entity: Entity) -> float:
            """To load it, show it, and read what was before that, at a process that knows nothing yet."""
            fresh = House.over(store)
            began = time.perf_counter()
            topic = await fresh.feed("ana", entity)
            topic.encoded()
            assert (await fresh.talk.older.items(topic, None, 50))[-1].no == topic.state.count
            return time.perf_counter() - began

        took = {size: [await seconds(entity)] for size, entity in sizes.items()}
        for _ in range(15):
            for size, entity in sizes.items():
                took[size].append(await seconds(entity))
        few, many = (median(took[size]) for size in sizes)
        figure("times as long that 100,000 comments take to open, of what 100 take", round(many / few, 2))
        assert many < 2 * few
        last = await house.feed("ana", sizes[100_000])
        assert [item.no for item in await house.talk.older.items(last, 51_234, 3)] == [51_231, 51_232, 51_233]


async def test_no_write_is_refused_for_want_of_room_while_pages_are_closed(house: House) -> None:
    topic = await house.feed("ana", await trip_entity(house, "ana"))

    async def write(n: int) -> None:
        await house.does(topic.name, "ana", WriteItem("Ana", f"Comment {n}"))
        house.talk.upkeep.wrote(topic)

    await asyncio.gather(*(write(n) for n in range(1_500)))
    await eventually(lambda: not house.talk.upkeep._closing)
    assert sorted(i.text for i in await house.everything(topic)) == sorted(f"Comment {n}" for n in range(1_500))
    assert len(topic.state.items) == 100
