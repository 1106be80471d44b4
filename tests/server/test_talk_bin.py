"""What was removed can be brought back for thirty days, by whom it is theirs to, and nobody else reads a word of it;
then nothing of it is kept, in whichever store."""

import asyncio
import uuid
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.conftest import Guest
from tests.server.test_keeping import LONG
from tests.support import images
from tests.support.booking import Clock, timed_store
from tests.support.people import Person, connected, crew
from tests.support.redis_stores import at
from tests.support.serving import Running, served
from tests.support.talking import SKY, Talker, refused
from tests.support.talks import House, houses, named_pages, pages_of, trip_entity
from tests.support.valkey import ValkeyProcess

from roadcrew_domain.feed_state import (
    BRING_BACK,
    LET_GO,
    EditItem,
    GiveReaction,
    Item,
    RemoveItem,
    RestoreItem,
    WriteItem,
)
from roadcrew_domain.places import Entity
from roadcrew_domain.refusals import Refused
from roadcrew_server.stores.base import Store, StoreUnavailable
from roadcrew_server.stores.redis import RedisStore
from roadcrew_server.talk.bin import RECORD
from roadcrew_server.talk.older import RECORD as PAGES
from roadcrew_server.topic import Topic

DAY = timedelta(days=1)
SECRET = "Secret words"


@dataclass
class Days:
    """The time of a store of either kind."""

    clock: Clock

    def later(self, by: timedelta) -> None:
        self.clock.later(seconds=by.total_seconds())


@pytest.fixture(params=["sqlite", "valkey"])
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[list[House], Days]]:
    """Two processes over one store, and its time."""
    clock = Clock()
    stores: list[Store]
    if request.param == "sqlite":
        stores = [timed_store(tmp_path, clock)] * 2
    else:
        valkey: ValkeyProcess = request.getfixturevalue("valkey")
        shift = {"shift_ms": lambda: int(clock.passed * 1000), "monotonic": lambda: clock.passed}
        stores = [RedisStore(at(valkey.port), **shift), RedisStore(at(valkey.port), **shift)]  # type: ignore[arg-type]
    async with houses(*stores, timer_interval=3600.0) as made:
        yield made, Days(clock)


async def everything_in(store: Store) -> str:
    """All that a store holds, as text: records, snapshots and logs."""
    found: list[bytes] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await store.walk_records(cursor)
        found += [
            zlib.decompress(record.stored.value) if record.kind == PAGES else record.stored.value
            for record in page.items
        ]
        cursor = page.next
    cursor = ""
    while cursor is not None:
        names = await store.walk_topics(cursor)
        for name in names.items:
            loaded, log = await store.load(name), await store.read(name, -1, 1000)
            assert loaded is not None
            assert log is not None
            found += [loaded.snapshot.body if loaded.snapshot is not None else b""]
            found += [event.body for event in (*loaded.events, *log.events)]
        cursor = names.next
    return b"\n".join(found).decode(errors="replace")


async def records_of(store: Store) -> int:
    """How many removed items a small store keeps."""
    return sum(record.kind == RECORD for record in (await store.walk_records()).items)


async def talk(house: House, *, old: bool) -> tuple[Topic, Item]:
    """Comments of a trip of Ana, Ben and Eve, and one of Ben's, perhaps in a page."""
    topic = await house.feed("ana", await trip_entity(house, "ana", "ben", "eve"))
    (item,) = await house.writes(topic, "ben", [SECRET])
    if old:
        await house.writes(topic, "eve", [f"Comment {no}" for no in range(230)])
        await house.talk.upkeep.close(topic)
    await house.changes(topic, "ben", EditItem(item.id, f"{SECRET}, said better"), item.no)
    _, item = await house.changes(topic, "eve", GiveReaction(item.id, "heart"), item.no)
    return topic, item


@pytest.mark.parametrize("old", [False, True], ids=["among the newest", "in a page"])
async def test_what_was_removed_at_one_process_is_brought_back_at_another_as_it_was(
    two: tuple[list[House], Days], old: bool
) -> None:
    (one, other), days = two
    topic, item = await talk(one, old=old)
    far = await other.hub.topic(topic.name)
    _, trace = await one.changes(topic, "ana", RemoveItem(item.id, "Ana", chair=True), item.no)
    assert trace.removed is not None
    assert trace.removed.kept
    assert (await one.everything(topic))[0].text == ""
    days.later(BRING_BACK - DAY)
    for by, chair in (("ben", False), ("eve", False)):
        with pytest.raises(Refused, match="organiser"):
            await other.changes(far, by, RestoreItem(item.id, chair=chair), item.no)
    _, back = await other.changes(far, "ana", RestoreItem(item.id, chair=True), item.no)
    assert back == item
    await one.hub.refresh(topic)
    assert (await one.everything(topic))[0] == item
    assert await records_of(one.hub.store) == 0
    assert await pages_of(one.hub.store, topic.name) == named_pages(topic)
    _, again = await other.changes(far, "ana", RestoreItem(item.id, chair=True), item.no)
    assert again == item


@pytest.mark.parametrize("old", [False, True], ids=["among the newest", "in a page"])
async def test_after_thirty_days_it_is_refused_and_nothing_of_it_is_kept_anywhere(
    two: tuple[list[House], Days], old: bool
) -> None:
    (one, other), days = two
    topic, item = await talk(one, old=old)
    await one.changes(topic, "ben", RemoveItem(item.id, "Ben"), item.no)
    days.later(2 * DAY)
    await one.hub.store.ping()
    (kept,) = await one.writes(topic, "eve", ["Stays"])
    await one.changes(topic, "eve", RemoveItem(kept.id, "Eve"))
    assert SECRET in await everything_in(one.hub.store)
    days.later(BRING_BACK - 2 * DAY)
    for house in (one, other):
        await house.hub.store.ping()
        far = await house.hub.topic(topic.name)
        with pytest.raises(Refused, match="any more"):
            await house.changes(far, "ben", RestoreItem(item.id), item.no)
    days.later(LET_GO - BRING_BACK)
    await other.hub.store.ping()
    await other.talk.upkeep.attend(topic.name)
    assert SECRET not in await everything_in(other.hub.store)
    await one.hub.refresh(topic)
    assert [binned.id for binned in topic.state.binned] == [kept.id]
    assert (await one.everything(topic))[0].removed is not None
    await one.changes(topic, "eve", RestoreItem(kept.id))
    assert (await one.everything(topic))[-1].text == "Stays"
    assert await pages_of(one.hub.store, topic.name) == named_pages(topic)


async def test_of_many_who_remove_change_and_bring_back_at_once_the_last_words_are_kept_and_no_others(
    two: tuple[list[House], Days],
) -> None:
    (one, other), _ = two
    topic, item = await talk(one, old=False)
    far = await other.hub.topic(topic.name)

    async def tries(n: int) -> None:
        house, copy = ((one, topic), (other, far))[n % 2]
        acts = (RemoveItem(item.id, "Ben"), EditItem(item.id, f"{SECRET} {n}"), RestoreItem(item.id))
        try:
            await house.changes(copy, "ben", acts[n % 3], item.no)
        except Refused as refused:
            assert refused.code in ("item-removed", "not-kept")  # noqa: PT017 - most go well

    for _ in range(4):
        await asyncio.gather(*(tries(n) for n in range(12)))
    await one.hub.refresh(topic)
    if topic.state.items[0].removed is None:
        await one.changes(topic, "ben", RemoveItem(item.id, "Ben"), item.no)
    assert await records_of(one.hub.store) == len(topic.state.binned) == 1
    edits = [e for e in (await one.hub.after(topic, -1, 1000)) or [] if e.event.type == "ItemEdited"]
    _, back = await one.changes(topic, "ben", RestoreItem(item.id), item.no)
    assert back.text == edits[-1].event.data.text  # type: ignore[attr-defined]
    assert await records_of(one.hub.store) == 0


async def test_what_can_not_be_kept_is_not_removed(
    two: tuple[list[House], Days], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, _), _ = two
    topic, item = await talk(one, old=False)

    async def away(*_: object) -> None:
        raise StoreUnavailable("it is away")

    with monkeypatch.context() as patched:
        patched.setattr(one.hub.store, "put", away)
        with pytest.raises(StoreUnavailable):
            await one.changes(topic, "ben", RemoveItem(item.id, "Ben"))
    assert topic.state.items[0] == item
    for by in ("eve", "ben"):
        with pytest.raises(Refused):
            await one.changes(topic, by, RemoveItem("nothing" if by == "ben" else item.id, by))
    assert await records_of(one.hub.store) == 0


async def test_what_is_due_is_due_again_until_all_of_it_is_gone(
    two: tuple[list[House], Days], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, _), days = two
    topic, item = await talk(one, old=False)
    await one.changes(topic, "ben", RemoveItem(item.id, "Ben"))
    days.later(LET_GO)
    await one.hub.store.ping()

    async def stale(*_: object) -> bool:
        return False

    with monkeypatch.context() as patched:
        patched.setattr(one.hub.store, "compact", stale)  # as if there were a snapshot of this very event
        with pytest.raises(StoreUnavailable):
            await one.talk.upkeep.attend(topic.name)
    assert topic.state.binned
    await one.talk.upkeep.attend(topic.name)
    assert not topic.state.binned
    assert SECRET not in await everything_in(one.hub.store)


# --- over HTTP -----------------------------------------------------------------------------------


@dataclass
class Scene:
    """The organiser of a trip, two members of it, and somebody who is not in it."""

    ana: Talker
    ben: Talker
    dev: Talker
    eve: Talker


@pytest.fixture
async def s(http: httpx.AsyncClient, guest: Guest) -> Scene:
    made, people = await crew(http, 3)
    trip = Entity("trip", made["trip"]["id"])
    return Scene(*(Talker(who, trip) for who in (*people, await guest("Eve"))))


async def may_bring_back(who: Talker, channel: str = "comments", **params: Any) -> list[str]:
    answer = await who.does("GET", f"/{channel}/removed", **params)
    return [one["item"]["text"] for one in answer["removed"]]


# R: F2
async def test_each_is_shown_what_is_theirs_to_bring_back_and_others_that_there_is_nothing(s: Scene):
    mine, theirs, posted = [await s.ben.says(f"{SECRET} {n}", c) for n, c in enumerate(["comments"] * 2 + ["posts"])]
    await s.ben.does("DELETE", f"/comments/{mine['id']}")
    await s.ana.does("DELETE", f"/comments/{theirs['id']}")
    await s.ana.does("DELETE", f"/posts/{posted['id']}")
    assert await may_bring_back(s.ben) == [f"{SECRET} 0"]
    assert await may_bring_back(s.ana) == [f"{SECRET} 1"]
    assert await may_bring_back(s.ana, "posts") == [f"{SECRET} 2"]
    assert await may_bring_back(s.dev) == await may_bring_back(s.ben, "posts") == []
    refused(await s.eve.tell("GET", "/comments/removed"), 403, "not-a-member")
    for who, item in ((s.ana, mine), (s.dev, mine), (s.ben, theirs), (s.dev, theirs)):
        refused(await who.tell("POST", f"/comments/{item['id']}/restore", {}), 403, "not-yours")
    refused(await s.eve.tell("POST", f"/comments/{mine['id']}/restore", {}), 403, "not-a-member")
    back = (await s.ben.does("POST", f"/comments/{mine['id']}/restore", {}))["item"]
    assert back == mine
    assert (await s.ana.does("POST", f"/comments/{theirs['id']}/restore", {"no": 2}))["item"] == theirs
    assert await s.dev.reads() == [mine, theirs]
    async with s.dev.who.following(f"/api/subscribe/trip/{s.dev.thing.id}/comments") as stream:
        told = await stream.until(lambda frame: frame.kind == "restored")
        assert told.data["data"] == {"id": mine["id"], "no": 1, "text": f"{SECRET} 0"}
    assert await may_bring_back(s.ben) == await may_bring_back(s.ana) == []


# R: F2
async def test_nobody_else_is_told_a_word_of_it_by_any_way(s: Scene):
    said = await s.ben.says(SECRET)
    picture = (await _shows(s.ben, SECRET))["item"]
    await s.ben.does("DELETE", f"/comments/{said['id']}")
    await s.ana.does("DELETE", f"/images/{picture['id']}")
    for who in (s.ana, s.dev):
        told = [str(await who.hears(channel)) for channel in ("comments", "images")]
        told += [str(await who.does("GET", rest)) for rest in ("", "/comments", "/images", "/comments/removed")]
        assert not [one for one in told if SECRET in one]
    for who in (s.ana, s.ben, s.dev):
        for size in ("full", "thumb"):
            refused(await who.tell("GET", f"/images/{picture['id']}/{size}"), 410, "item-removed")
    assert await may_bring_back(s.ana, "images") == [SECRET]
    assert await may_bring_back(s.ben, "images") == []


# R: F2
async def test_who_leaves_the_trip_or_is_no_organiser_any_more_brings_nothing_back(s: Scene):
    said, other = await s.ben.says(SECRET), await s.dev.says("Dev's")
    await s.ben.does("DELETE", f"/comments/{said['id']}")
    await s.ana.does("DELETE", f"/comments/{other['id']}")
    trip = s.ana.thing.id
    await s.ana.who.do("/organiser", {"tripId": trip, "memberId": s.dev.who.id})
    await s.ben.who.do("/leave", {"tripId": trip})
    refused(await s.ben.tell("GET", "/comments/removed"), 403, "not-a-member")
    refused(await s.ben.tell("POST", f"/comments/{said['id']}/restore", {}), 403, "not-a-member")
    assert await may_bring_back(s.ana) == []
    refused(await s.ana.tell("POST", f"/comments/{other['id']}/restore", {}), 403, "not-yours")
    assert await may_bring_back(s.dev) == ["Dev's"]


# R: F2
async def test_of_a_place_a_moderator_brings_back_what_one_removed(tmp_path: Path):
    async with served(tmp_path, catalog="sample") as running, connected(running.url) as http:
        mod, ana = [Talker(await Person.guest(http, name), SKY) for name in ("Mod", "Ana")]
        running.server.settings = running.server.settings.model_copy(update={"moderators": mod.who.id})
        said = await ana.says(SECRET)
        await mod.does("DELETE", f"/comments/{said['id']}")
        assert await may_bring_back(ana) == []
        assert await may_bring_back(mod) == [SECRET]
        assert (await mod.does("POST", f"/comments/{said['id']}/restore", {}))["item"] == said


async def test_a_long_list_is_read_a_part_at_a_time(s: Scene):
    for n in range(5):
        said = await s.ben.says(f"{n}")
        await s.ben.does("DELETE", f"/comments/{said['id']}")
    newest = await s.ben.does("GET", "/comments/removed", limit=2)
    assert ([one["item"]["no"] for one in newest["removed"]], newest["more"]) == ([4, 5], True)
    assert await may_bring_back(s.ben, before=4, limit=3) == ["0", "1", "2"]


# R: C5
async def test_bringing_back_is_done_once_however_often_it_is_sent(s: Scene):
    said = await s.ben.says(SECRET)
    await s.ben.does("DELETE", f"/comments/{said['id']}")
    key, path = str(uuid.uuid4()), f"/comments/{said['id']}/restore"
    first = await s.ben.tell("POST", path, {}, key=key)
    await s.ana.does("DELETE", f"/comments/{said['id']}")
    again = await s.ben.tell("POST", path, {}, key=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.json()["seq"], again.json()["item"]["text"]) == (first.json()["seq"], "")
    assert await may_bring_back(s.ana) == [SECRET]


async def _shows(who: Talker, caption: str = "") -> Any:
    headers = {"Content-Type": "image/png"}
    path, params = f"{who.path}/images", {"caption": caption}
    answer = await who.who.request(
        "POST", path, content=images.png(), key=str(uuid.uuid4()), headers=headers, params=params
    )
    assert answer.is_success, answer.text
    return answer.json()


async def _blobs(running: Running) -> list[str]:
    store = running.server.store
    kept = [r.kind for r in (await store.walk_records()).items if r.kind in ("blob", "image", RECORD)]
    return kept + [i.index for i in (await store.walk_indexes()).items if i.index.startswith("blob:")]


# R: F2
async def test_an_image_is_brought_back_with_every_byte_and_after_thirty_days_there_is_none(tmp_path: Path):
    clock = Clock()
    store = timed_store(tmp_path, clock)
    async with (
        served(tmp_path, store=store, timer_interval=3600.0, **LONG) as running,
        connected(running.url) as http,
    ):
        made, (ana, ben) = await crew(http, 2)
        trip = Entity("trip", made["trip"]["id"])
        a, b = Talker(ana, trip), Talker(ben, trip)
        item = (await _shows(b, SECRET))["item"]
        full = (await a.tell("GET", f"/images/{item['id']}/full")).content
        key = str(uuid.uuid4())
        await a.does("DELETE", f"/images/{item['id']}", key=key)
        assert (await a.does("POST", f"/images/{item['id']}/restore", {}))["item"] == item
        await a.does("DELETE", f"/images/{item['id']}", key=key)  # once more, and answered as the first time
        assert (await a.tell("GET", f"/images/{item['id']}/full")).content == full
        await a.does("DELETE", f"/images/{item['id']}")
        clock.later(days=20)
        await running.server.talk.upkeep.attend(trip.topic("images"))
        assert (await a.does("POST", f"/images/{item['id']}/restore", {}))["item"] == item
        assert (await a.tell("GET", f"/images/{item['id']}/full")).content == full
        await b.does("DELETE", f"/images/{item['id']}")
        clock.later(seconds=LET_GO.total_seconds())
        await running.server.talk.upkeep.attend(trip.topic("images"))
        assert await _blobs(running) == []
        refused(await b.tell("POST", f"/images/{item['id']}/restore", {}), 410, "not-kept")
        assert SECRET not in await everything_in(store)


async def test_of_a_feed_that_is_forgotten_nothing_that_was_removed_is_kept(
    two: tuple[list[House], Days],
) -> None:
    (one, _), _ = two
    topic = await one.feed("ana", await trip_entity(one, "ana"))
    await one.does(topic.name, "ana", WriteItem("Ana", SECRET))
    await one.changes(topic, "ana", RemoveItem(topic.state.items[0].id, "Ana"))
    assert await records_of(one.hub.store) == 1
    await one.talk.upkeep._forget(topic)
    assert SECRET not in await everything_in(one.hub.store)
