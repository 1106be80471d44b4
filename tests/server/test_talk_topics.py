"""Feeds as topics: born by looking, read by whom they are for, followed by plain numbers, and kept as long as what they
are about."""

import asyncio
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.server.conftest import Guest
from tests.server.test_backup import back_up
from tests.server.test_keeping import LONG, Calendar
from tests.server.test_moving import bring, quiet
from tests.support.hubs import two_servers
from tests.support.people import JSON, Person, connected, crew, eventually
from tests.support.serving import Running, served
from tests.support.talks import House, long_feed, named_pages, pages_of

from roadcrew_domain.places import CHANNELS, Entity, hotel_place
from roadcrew_domain.refusals import Refused
from roadcrew_server.moving.export import export
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.talk.entities import ENTRY, Entry
from roadcrew_server.topic import Topic

HALL = "/api/feeds/location/exhibition.big-sky"


def sync_path(entity: str, channel: str) -> str:
    return f"/api/subscribe/{entity.replace(':', '/')}/{channel}"


async def polled(person: Person, entity: str, channel: str, **params: Any) -> Any:
    return await person.request("GET", sync_path(entity, channel), params=params, headers=JSON)


def grown(topic: Topic, head: int) -> bool:
    return topic.head > head


def forgotten(topic: Topic) -> bool:
    return topic.state is None


def shortlisting(trip: str, name: str, city: str = "Lisbon") -> dict[str, Any]:
    return {
        "tripId": trip,
        "name": name,
        "city": city,
        "stars": 4,
        "pricePerNight": {"amount": 8400, "currency": "EUR"},
    }


# R: F1
async def test_every_channel_of_a_trip_opens_when_a_member_looks_and_for_nobody_else(
    running: Running, http, guest: Guest
) -> None:
    made, (ana, ben) = await crew(http, 2)
    trip, eve = made["trip"]["id"], await guest("Eve")
    for channel in sorted(CHANNELS):
        refused = await polled(eve, f"trip:{trip}", channel)
        assert (refused.status_code, refused.json()["code"]) == (403, "not-a-member")
        topic = f"feed:trip:{trip}:{channel}"
        assert await running.server.store.load(topic) is None
        for person in (ana, ben):
            (opened,) = (await polled(person, f"trip:{trip}", channel)).json()["events"]
            assert (opened["type"], opened["seq"], opened["by"]) == ("FeedOpened", 0, None)
            assert opened["data"] == {"channel": channel, "tripId": trip}
        assert (await polled(eve, f"trip:{trip}", channel)).status_code == 403
        assert (await eve.poll(topic)).status_code == 403
    assert (await eve.poll(f"trip:{trip}")).status_code == 403


# R: F1
@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("trip:01890a5d-ac96-774b-bcce-b302099a8057:comments", "unknown-entity"),
        ("post:01890a5d-ac96-774b-bcce-b302099a8057:comments", "unknown-entity"),
        ("location:exhibition.nowhere:comments", "unknown-entity"),
        ("location:hotel.0123456789abcdef:comments", "unknown-entity"),
        ("location:hotel.0123456789abcdef:posts", "unknown-entity"),
        ("location:elsewhere:likes", "unknown-entity"),
        ("trip:not-an-id:comments", "unknown-entity"),
        ("moon:1:comments", "unknown-entity"),
        ("trip:01890a5d-ac96-774b-bcce-b302099a8057:letters", "unknown-topic"),
        ("comments", "unknown-entity"),
    ],
)
async def test_what_there_is_not_can_not_be_looked_at(ana: Person, topic: str, code: str) -> None:
    answer = await ana.poll(f"feed:{topic}")
    assert (answer.status_code, answer.json()["code"]) == (404, code)


# R: F6
async def test_an_exhibition_is_talked_about_by_everybody_who_is_signed_in(running: Running, guest: Guest) -> None:
    ana, eve = await guest("Ana"), await guest("Eve")
    await ana.do(f"{HALL}/comments", {"text": "Worth it"})
    for person in (ana, eve):
        events = (await polled(person, "location:exhibition.big-sky", "comments")).json()["events"]
        assert [e["type"] for e in events] == ["FeedOpened", "ItemWritten"]


# R: F6
async def test_a_hotel_is_a_place_from_when_a_member_shortlists_it_and_the_same_for_all_trips(
    running: Running, http, guest: Guest
) -> None:
    made, (ana, _) = await crew(http, 2)
    eve = await guest("Eve")
    place = f"location:{hotel_place('Casa Azul', 'Lisbon')}"
    assert (await polled(eve, place, "comments")).status_code == 404
    refused = await eve.post("/hotels/shortlist", shortlisting(made["trip"]["id"], "Casa Azul"))
    assert (refused.status_code, (await polled(eve, place, "comments")).status_code) == (403, 404)
    await ana.do("/hotels/shortlist", shortlisting(made["trip"]["id"], " Casa  Azul "))
    assert (await polled(eve, place, "comments")).status_code == 200
    other = await eve.create()
    await eve.do("/hotels/shortlist", shortlisting(other["trip"]["id"], "CASA AZUL", "lisbon"))
    found = await running.server.talk.entities.find(Entity("location", place.partition(":")[2]))
    assert found is not None
    assert (found.name, found.trip_id) == ("Casa Azul", None)


# R: F6
async def test_a_post_can_be_talked_about_by_who_may_read_it(running: Running, http, guest: Guest) -> None:
    made, (ana, ben) = await crew(http, 2)
    eve, trip = await guest("Eve"), made["trip"]["id"]
    post = (await ana.do(f"/api/feeds/trip/{trip}/posts", {"text": "We have landed"}))["item"]["id"]
    (opened,) = (await polled(ben, f"post:{post}", "comments")).json()["events"]
    assert opened["data"] == {"channel": "comments", "tripId": trip}
    assert (await polled(eve, f"post:{post}", "comments")).json()["code"] == "not-a-member"
    assert (await polled(ben, f"blog:{post}", "comments")).json()["code"] == "unknown-entity"


# R: F4
async def test_a_channel_is_followed_by_numbers_and_names_as_a_stream_and_in_batches(running: Running, http) -> None:
    made, (ana, ben) = await crew(http, 2)
    trip = f"trip:{made['trip']['id']}"
    of = f"/api/feeds/trip/{made['trip']['id']}"
    async with ben.following(sync_path(trip, "comments")) as stream:
        item = (await ana.do(f"{of}/comments", {"text": "Hello"}))["item"]["id"]
        path = f"{of}/comments/{item}"
        await ana.request("PATCH", path, {"text": "Hello all"})
        await ana.do(f"{path}/reactions", {"reaction": "heart"})
        await ana.request("DELETE", f"{path}/reactions/heart")
        await ana.request("DELETE", path)
        await stream.until(lambda f: f.kind == "removed")
        named = ["opened", "written", "edited", "reaction", "reaction", "removed"]
        assert [(f.kind, f.id) for f in stream.frames] == [(kind, str(n)) for n, kind in enumerate(named)]
    async with ben.following(sync_path(trip, "comments"), last_event_id="3") as stream:
        assert [(await stream.next()).id for _ in range(2)] == ["4", "5"]
    batch = (await polled(ben, trip, "comments", after=4)).json()
    assert [e["seq"] for e in batch["events"]] == [5]
    assert (batch["seq"], batch["more"]) == (5, False)
    assert (await polled(ben, trip, "comments", after=5)).status_code == 204
    await ana.do(f"{of}/rating", {"stars": 4})
    await ana.request("DELETE", f"{of}/rating")
    async with ben.following(sync_path(trip, "rating")) as stream:
        assert [(await stream.next()).kind for _ in range(3)] == ["opened", "given", "taken"]


# R: F4
async def test_large_things_are_told_a_part_at_a_time_and_all_of_them(
    running: Running, http, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roadcrew_server.reader.MOST_BYTES", 10_000)
    made, (ana, ben) = await crew(http, 2)
    trip = f"trip:{made['trip']['id']}"
    for _ in range(20):
        await ana.do(f"/api/feeds/trip/{made['trip']['id']}/comments", {"text": "x" * 1_900})
    told, after = [], -1
    while (batch := await polled(ben, trip, "comments", after=after)).status_code == 200:
        assert len(batch.content) < 12_000
        told += [e["seq"] for e in batch.json()["events"]]
        after = batch.json()["seq"]
    assert told == list(range(21))
    topics = [f"feed:{trip}:{channel}" for channel in ("comments", "presence")]
    first = (await ben.poll(*topics)).json()
    assert ([r["topic"] for r in first["resets"]], first["presence"], first["more"]) == (topics[:1], [], True)
    rest = (await ben.poll(*topics, cursor=first["cursor"], tag=first["presenceTag"])).json()
    assert [r["topic"] for r in rest["resets"]] == [p["topic"] for p in rest["presence"]] == topics[1:]


# R: F4
@pytest.mark.parametrize(("channel", "status"), [("letters", 422), ("posts", 422), ("comments", 200)])
async def test_a_channel_that_a_place_does_not_have_is_said_not_to_be(ana: Person, channel: str, status: int) -> None:
    answer = await polled(ana, "location:exhibition.big-sky", channel)
    assert answer.status_code == status


# R: F3 F4
async def test_who_looks_is_told_by_the_presence_channel_on_both_ways(running: Running, guest: Guest) -> None:
    ana, ben = await guest("Ana"), await guest("Ben")
    place = "location:exhibition.big-sky"
    async with ana.following(sync_path(place, "presence")) as stream:
        here = await stream.next("presence")
        assert [p["id"] for p in here.data["present"]] == [ana.id]
        assert here.id == "0"
        batch = (await polled(ben, place, "presence")).json()
        assert [e["type"] for e in batch["events"]] == ["FeedOpened"]
        assert {p["id"] for p in batch["presence"]["present"]} == {ana.id, ben.id}
        await stream.until(lambda f: f.kind == "presence" and len(f.data["present"]) == 2)
        unchanged = await polled(ben, place, "presence", after=0, presenceTag=batch["presenceTag"])
        assert unchanged.status_code == 204
    async with ana.following(sync_path(place, "comments")):  # of other channels nobody is told who reads them
        assert "presence" not in (await polled(ben, place, "comments")).json()


# R: F4 T8
async def test_who_is_removed_from_the_trip_reads_nothing_more_of_it_and_can_write_nothing(tmp_path: Path) -> None:
    async with two_servers(tmp_path) as (one, two), connected(one.url) as http, connected(two.url) as elsewhere:
        made, (ana, ben) = await crew(http, 2)
        trip = made["trip"]["id"]
        there = Person(elsewhere, ben.token, ben.id)
        await there.do(f"/api/feeds/trip/{trip}/comments", {"text": "Hello"})
        async with ben.following(sync_path(f"trip:{trip}", "comments")) as stream:
            await stream.next("written")
            await ana.do("/remove-member", {"tripId": trip, "memberId": ben.id})
            await ana.do(f"/api/feeds/trip/{trip}/comments", {"text": "Not for Ben"})
            frames = await stream.end()
        assert frames[-1].kind == "gone"
        assert "Not for Ben" not in str(frames)
        answer = await there.post(f"/api/feeds/trip/{trip}/comments", {"text": "Still here?"})
        assert (answer.status_code, answer.json()["code"]) == (403, "not-a-member")


# R: F2 T8
async def test_no_log_and_no_state_says_who_saved_something(running: Running, guest: Guest) -> None:
    ana, eve = await guest("Ana"), await guest("Eve")
    topic = "feed:location:exhibition.big-sky:saves"
    await ana.do(f"{HALL}/save")
    events = (await polled(eve, "location:exhibition.big-sky", "saves")).text
    (reset,) = (await eve.poll(topic)).json()["resets"]
    assert "MarkGiven" in events
    assert ana.id not in events
    assert (reset["state"]["marks"], reset["state"]["spread"]) == ({}, [1])


# R: F5
async def test_a_long_feed_begins_with_its_newest_and_never_says_where_the_old_are_kept(
    running: Running, ana: Person
) -> None:
    house = House(running.server.hub, running.server.talk)
    await long_feed(house, "feed:location:exhibition.big-sky:comments", None, 1_000)
    (reset,) = (await ana.poll("feed:location:exhibition.big-sky:comments")).json()["resets"]
    assert (reset["state"]["count"], len(reset["state"]["items"])) == (1_000, 100)
    assert "pages" not in reset["state"]
    batch = (await polled(ana, "location:exhibition.big-sky", "comments")).json()
    assert batch["reset"]["state"] == reset["state"]
    followed = (await polled(ana, "location:exhibition.big-sky", "comments", after=reset["seq"] - 99)).json()
    assert len(followed["events"]) == 99


# R: F2 T8
@pytest.mark.parametrize("old", [False, True], ids=["among the newest", "in a page"])
async def test_words_that_were_removed_are_told_to_nobody_any_more(tmp_path: Path, old: bool) -> None:
    async with served(tmp_path, catalog="sample", snapshot_every=10**6) as running, connected(running.url) as http:
        ana, eve = await Person.guest(http, "Ana"), await Person.guest(http, "Eve")
        said = [(await ana.do(f"{HALL}/comments", {"text": f"Secret {n}"}))["item"] for n in range(3)]
        topic = running.server.hub.topics["feed:location:exhibition.big-sky:comments"]
        house = House(running.server.hub, running.server.talk)
        await ana.request("PATCH", f"{HALL}/comments/{said[1]['id']}", {"text": "Secret, said better"})
        if old:  # the first is removed before it goes into a page, the second there
            await ana.request("DELETE", f"{HALL}/comments/{said[0]['id']}")
            await house.writes(topic, ana.id, ["Hello"] * 230)
            await house.talk.upkeep.close(topic)
        for item in said[:2]:
            await ana.request("DELETE", f"{HALL}/comments/{item['id']}?no={item['no']}")
        for ring in (True, False):
            if not ring:
                topic.ring.clear()
            told = ""
            for after in range(-1, topic.head, 100):
                told += (await polled(eve, "location:exhibition.big-sky", "comments", after=after)).text
            async with eve.following(sync_path("location:exhibition.big-sky", "comments")) as stream:
                await stream.until(lambda f: f.id == str(topic.head))
                told += str([f.data for f in stream.frames])
            assert told.count("Secret 2") == 2  # by each way
            assert not [words for words in ("Secret 0", "Secret 1", "Secret, said") if words in told]
            assert "ItemEdited" in told


# R: F5
async def test_what_is_said_of_a_place_is_kept_for_years_though_nobody_looks(tmp_path: Path) -> None:
    calendar = Calendar(tmp_path)
    async with (
        served(tmp_path, store=calendar.store, catalog="sample", timer_interval=0.01, **LONG) as running,
        connected(running.url) as http,
    ):
        ana = await Person.guest(http, "Ana")
        await ana.do(f"{HALL}/comments", {"text": "Worth it"})
        topic = running.server.hub.topics["feed:location:exhibition.big-sky:comments"]
        for years in range(1, 4):
            for _ in range(12):
                head = topic.head
                calendar.later(31)
                await eventually(partial(grown, topic, head), "a look at it")
            assert topic.head == 1 + 12 * years
        (events,) = [(await polled(ana, "location:exhibition.big-sky", "comments", after=0)).json()["events"]]
        assert [e["type"] for e in events] == ["ItemWritten", *["FeedKept"] * 36]


# R: F5
@pytest.mark.parametrize(
    ("ending", "step"), [("it is deleted", 10), ("its time is over", 10), ("nobody was there to say so", 31)]
)
async def test_what_is_said_of_a_trip_is_forgotten_when_it_has_ended(tmp_path: Path, ending: str, step: int) -> None:
    calendar = Calendar(tmp_path)
    gone: list[tuple[str, int]] = []

    async def on_gone(name: str, items: Any) -> None:
        gone.append((name, len(items)))

    async with served(tmp_path, store=calendar.store, timer_interval=0.01, trip_days=60, **LONG) as running:
        running.server.talk.upkeep.on_gone = on_gone
        async with connected(running.url) as http:
            made, (ana, _) = await crew(http, 2)
            trip, store = made["trip"]["id"], running.server.store
            topic = f"feed:trip:{trip}:comments"
            await long_feed(House(running.server.hub, running.server.talk), topic, trip, 350)
            post = (await ana.do(f"/api/feeds/trip/{trip}/posts", {"text": "Landed"}))["item"]["id"]
            await ana.do(f"/api/feeds/trip/{trip}/comments", {"text": "The last one"})
            await ana.do(f"/api/feeds/trip/{trip}/like")
            assert len(await pages_of(store, topic)) == 2
            if ending == "it is deleted":
                await ana.do("/delete", {"tripId": trip})
            names = [f"feed:trip:{trip}:{channel}" for channel in ("comments", "posts", "likes")]
            for _ in range(10):
                calendar.later(step)
                await asyncio.sleep(0.03)  # for the timers, in which months pass
            for name in names:
                await eventually(partial(forgotten, running.server.hub.topics[name]), "its end")
                assert await store.load(name) is None
            assert await pages_of(store, topic) == []
            assert await store.get(ENTRY, post) is None
            assert {name for name, _ in gone} == set(names[:2])
            assert sum(items for name, items in gone if name == topic) == 351


# R: F5 G4
@pytest.mark.parametrize("way", ["export", "backup"])
async def test_all_of_a_feed_is_in_a_copy_of_the_store(tmp_path: Path, way: str) -> None:
    topic = "feed:location:exhibition.big-sky:comments"
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
    async with served(tmp_path / "old", catalog="sample") as running, connected(running.url) as http:
        made, (ana, _) = await crew(http, 2)
        house = House(running.server.hub, running.server.talk)
        await long_feed(house, topic, None, 450)
        trip = made["trip"]["id"]
        post = (await ana.do(f"/api/feeds/trip/{trip}/posts", {"text": "Landed"}))["item"]["id"]
        await ana.do(f"{HALL}/save")
        items = await house.everything(await house.hub.topic(topic))
        saved = (await ana.get("/api/feeds/saved")).json()
        if way == "backup":
            await asyncio.to_thread(back_up, tmp_path / "old" / "store.sqlite", tmp_path / "new" / "store.sqlite")
    if way == "export":
        old, new = (SqliteStore(tmp_path / folder / "store.sqlite") for folder in ("old", "new"))
        await old.open()
        await export(old, tmp_path / "all.export", quiet)
        await old.close()
        await new.open()
        await bring(new, tmp_path / "all.export")
        await new.close()
    async with served(tmp_path / "new", catalog="sample") as running, connected(running.url) as http:
        house = House(running.server.hub, running.server.talk)
        copy = await house.hub.topic(topic)
        assert await house.everything(copy) == items
        assert await pages_of(running.server.store, topic) == named_pages(copy)
        ana = Person(http, ana.token, ana.id)
        assert (await ana.get("/api/feeds/saved")).json() == saved
        assert saved["saved"]
        assert (await polled(ana, f"post:{post}", "comments")).status_code == 200


# R: F6
async def test_a_post_leaves_a_record_with_its_number_and_one_that_was_refused_leaves_none(
    running: Running, http
) -> None:
    made, (ana, ben) = await crew(http, 2)
    path, entities = f"/api/feeds/trip/{made['trip']['id']}/posts", running.server.talk.entities
    for key in (first := str(uuid.uuid4())), first, str(uuid.uuid4()):
        await ana.do(path, {"text": "Landed"}, key=key)
    assert await entities.entry(first) == Entry(made["trip"]["id"], "posts", ana.id, 1)
    assert await entities.entry(key) == Entry(made["trip"]["id"], "posts", ana.id, 2)
    refused = await ben.post(path, {"text": "Mine"}, key=first)
    assert (refused.status_code, refused.json()["code"]) == (409, "id-taken")
    assert await entities.entry(first) is not None
    empty = str(uuid.uuid4())
    assert (await ana.post(path, {"text": " "}, key=empty)).status_code == 422
    assert await entities.entry(empty) is None


async def test_a_record_of_a_post_is_of_one_trip_and_keeps_the_number_that_it_was_told(running: Running) -> None:
    entities = running.server.talk.entities
    await entities.keep_entry("p", Entry("one", "posts", "ana"))
    await entities.keep_entry("p", Entry("one", "posts", "ana", 7))
    await entities.keep_entry("p", Entry("one", "posts", "ana"))
    assert await entities.entry("p") == Entry("one", "posts", "ana", 7)
    with pytest.raises(Refused):
        await entities.keep_entry("p", Entry("two", "posts", "ana"))
    with pytest.raises(Refused):
        await entities.keep_entry("p", Entry("one", "posts", "ben"))
