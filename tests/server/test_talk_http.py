"""`/api/feeds` from outside: what is said of trips, places, posts and blogs, and what becomes of it."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.conftest import Guest
from tests.support.people import Person, connected, crew
from tests.support.serving import Running, served
from tests.support.talking import SKY, Talker, refused
from tests.support.talks import House, long_feed

from roadcrew_domain.places import Entity, hotel_place


@dataclass
class Scene:
    """A trip of three, and somebody who is not in it."""

    trip: Entity
    code: str
    ana: Talker
    ben: Talker
    dev: Talker
    eve: Talker


@pytest.fixture
async def s(http: httpx.AsyncClient, guest: Guest) -> Scene:
    made, (ana, ben, dev) = await crew(http, 3)
    trip = Entity("trip", made["trip"]["id"])
    eve = await guest("Eve")
    return Scene(trip, made["invite"]["code"], *(Talker(who, trip) for who in (ana, ben, dev, eve)))


def words(items: list[dict[str, str]]) -> list[str]:
    return [item["text"] for item in items]


# R: F1 F2
async def test_a_comment_is_written_edited_and_removed_and_its_trace_stays(s: Scene):
    said = await s.ben.says("Shall we meet at nine?")
    assert (said["no"], said["by"], said["name"]) == (1, s.ben.who.id, "Person 1")
    assert await s.ana.reads() == [said]
    edited = (await s.ben.does("PATCH", f"/comments/{said['id']}", {"text": "At ten?"}))["item"]
    assert (edited["text"], edited["at"]) == ("At ten?", said["at"])
    assert "editedAt" in edited
    assert await s.ana.reads() == [edited]
    gone = (await s.ben.does("DELETE", f"/comments/{said['id']}"))["item"]
    assert (gone["text"], gone["removed"]["name"], gone["no"]) == ("", "Person 1", 1)
    assert await s.ana.reads() == [gone]
    for method, rest, body in (
        ("PATCH", "", {"text": "No"}),
        ("POST", "/reactions", {"reaction": "heart"}),
        ("DELETE", "/reactions/heart", None),
    ):
        refused(await s.ben.tell(method, f"/comments/{said['id']}{rest}", body), 410, "item-removed")
    refused(await s.ana.tell("POST", "/comments", {"text": "Yes", "replyTo": said["id"]}), 410, "item-removed")
    assert (await s.ana.does("DELETE", f"/comments/{said['id']}"))["item"] == gone


# R: F2
async def test_only_who_wrote_it_changes_a_comment_and_the_organiser_removes_any(s: Scene):
    said = await s.ben.says("Hello")
    for who in (s.ana, s.dev):
        refused(await who.tell("PATCH", f"/comments/{said['id']}", {"text": "Bye"}), 403, "not-yours")
    refused(await s.dev.tell("DELETE", f"/comments/{said['id']}"), 403, "not-yours")
    gone = (await s.ana.does("DELETE", f"/comments/{said['id']}"))["item"]
    assert gone["removed"]["by"] == s.ana.who.id


# R: F2
async def test_a_reply_says_to_what_and_a_comment_whom_it_mentions(s: Scene):
    said = await s.ben.says("Who drives?")
    reply = await s.ana.says("@person 1 or @Person 2, not @Person 9 and not a@Person 1", replyTo=said["id"])
    assert reply["replyTo"] == {"id": said["id"], "no": 1, "by": s.ben.who.id, "name": "Person 1"}
    assert reply["mentions"] == [s.ben.who.id, s.dev.who.id]
    edited = (await s.ana.does("PATCH", f"/comments/{reply['id']}", {"text": "@Person 2"}))["item"]
    assert edited["mentions"] == [s.dev.who.id]
    refused(await s.ana.tell("POST", "/comments", {"text": "x", "replyTo": str(uuid.uuid4())}), 404, "unknown-item")


# R: F2
async def test_reactions_are_counted_by_person_and_taken_back(s: Scene):
    said = await s.ben.says("Pizza?")
    path = f"/comments/{said['id']}/reactions"
    for who in (s.ana, s.dev, s.dev):
        await who.does("POST", path, {"reaction": "heart"})
    item = (await s.ben.does("POST", path, {"reaction": "thumbs-up"}))["item"]
    assert item["reactions"] == [
        {"reaction": "heart", "by": [s.ana.who.id, s.dev.who.id]},
        {"reaction": "thumbs-up", "by": [s.ben.who.id]},
    ]
    item = (await s.ana.does("DELETE", f"{path}/heart"))["item"]
    assert item["reactions"][0]["by"] == [s.dev.who.id]
    refused(await s.ana.tell("POST", path, {"reaction": "rocket"}), 422, "bad-reaction")
    refused(await s.ana.tell("DELETE", f"{path}/rocket"), 422, "bad-reaction")


# R: F2
async def test_everybody_gives_one_rating_and_one_like_and_may_think_again(s: Scene):
    for who, stars in ((s.ana, 5), (s.ben, 2), (s.dev, 4)):
        await who.does("POST", "/rating", {"stars": stars})
    given = await s.ben.does("POST", "/rating", {"stars": 3})
    assert given["rating"] == {"count": 3, "total": 12, "spread": [0, 0, 1, 1, 1], "mine": 3}
    taken = await s.dev.does("DELETE", "/rating")
    assert taken["rating"] == {"count": 2, "total": 8, "spread": [0, 0, 1, 0, 1], "mine": None}
    for stars in (0, 6, -1, 10**30):
        refused(await s.ana.tell("POST", "/rating", {"stars": stars}), 422, "bad-stars")
    for _ in range(2):
        assert (await s.ana.does("POST", "/like"))["likes"] == {"count": 1, "mine": True}
    assert (await s.ben.does("DELETE", "/like"))["likes"] == {"count": 1, "mine": False}
    assert (await s.ana.does("DELETE", "/like"))["likes"] == {"count": 0, "mine": False}


# R: F2
async def test_what_is_saved_is_on_ones_own_list_and_names_nobody_to_others(s: Scene):
    ana, ben = s.ana.about(SKY), s.ben.about(SKY)
    mine = (await ana.does("POST", "/save"))["saves"]
    his = (await ben.does("POST", "/save"))["saves"]
    elsewhere = (await s.ana.does("POST", "/save"))["saves"]
    assert (mine["count"], his["count"], elsewhere["count"]) == (1, 2, 1)
    assert len({mine["me"], his["me"], elsewhere["me"]}) == 3
    things = [(one["type"], one["id"], one["name"]) for one in await saved(s.ana.who)]
    assert things[0] == ("trip", s.trip.id, "Lisbon in May")
    assert things[1:] == [("location", SKY.id, "Big Sky: A Planetarium in the Old Cannery")]
    told = str(await s.eve.about(SKY).hears("saves"))
    for person in (s.ana.who, s.ben.who):
        assert person.id not in told
    await ana.does("DELETE", "/save")
    assert [one["type"] for one in await saved(s.ana.who)] == ["trip"]
    assert [one["type"] for one in await saved(s.ben.who)] == ["location"]


async def saved(who: Person, **params: object) -> list[dict[str, object]]:
    """A person's list, read to its end."""
    things, after = [], None
    while True:
        answer = (await who.get("/api/feeds/saved", **params, **({"after": after} if after else {}))).json()
        things += answer["saved"]
        after = answer["next"]
        if after is None:
            return things


# R: F2
async def test_a_long_list_of_what_is_saved_is_read_in_parts_and_without_what_is_closed_by_now(s: Scene):
    trips = [(await s.ben.who.create(f"Trip {n}"))["trip"]["id"] for n in range(3)]
    for trip in trips:
        await s.ben.about(Entity("trip", trip)).does("POST", "/save")
    await s.ben.does("POST", "/save")
    assert [one["name"] for one in await saved(s.ben.who, limit=2)] == ["Lisbon in May", "Trip 2", "Trip 1", "Trip 0"]
    await s.ana.who.do("/remove-member", {"tripId": s.trip.id, "memberId": s.ben.who.id})
    await s.ben.who.do("/delete", {"tripId": trips[1]})
    assert [one["name"] for one in await saved(s.ben.who, limit=1)] == ["Trip 2", "Trip 0"]


# R: F1 F6
async def test_places_are_everybodys_who_is_signed_in_and_hotels_are_there_once_they_were_shortlisted(s: Scene):
    eve = s.eve.about(SKY)
    await s.ana.about(SKY).says("Worth the way")
    said = await eve.says("Indeed, @Person 0")
    assert said["mentions"] == [s.ana.who.id]
    assert words(await s.ben.about(SKY).reads()) == ["Worth the way", "Indeed, @Person 0"]
    price = {"amount": 8400, "currency": "EUR"}
    hotel = {"name": "Casa  Azul", "city": "Lisbon", "stars": 4, "pricePerNight": price}
    place = Entity("location", hotel_place("casa azul", "LISBON"))
    refused(await s.eve.about(place).tell("GET"), 404, "unknown-entity")
    refused(await s.eve.about(place).tell("POST", "/comments", {"text": "x"}), 404, "unknown-entity")
    await s.ben.who.do("/hotels/shortlist", {"tripId": s.trip.id, **hotel})
    await s.eve.about(place).says("Quiet rooms")
    summary = await s.ana.about(place).does("GET")
    assert (summary["name"], summary["tripId"], summary["comments"]) == ("Casa Azul", None, {"count": 1})


# R: F2
async def test_what_strangers_said_of_a_place_is_removed_by_themselves_or_a_moderator(s: Scene, running: Running):
    said = [await s.eve.about(SKY).says(text) for text in ("One", "Two")]
    path = f"/comments/{said[0]['id']}"
    refused(await s.ana.about(SKY).tell("DELETE", path), 403, "not-yours")
    running.server.settings = running.server.settings.model_copy(update={"moderators": s.ana.who.id})
    await s.ana.about(SKY).does("DELETE", path)
    await s.eve.about(SKY).does("DELETE", f"/comments/{said[1]['id']}")
    assert [item["removed"]["name"] for item in await s.ben.about(SKY).reads()] == ["Person 0", "Eve"]


# R: F1 F6
async def test_a_post_and_a_blog_can_be_talked_about_by_the_trips_members(s: Scene):
    post = await s.ben.says("Landed", "posts")
    blog = await s.ben.says("    code\n\n*Day one*", "blogs", title="Day one")
    assert (blog["title"], blog["text"]) == ("Day one", "    code\n\n*Day one*")
    for thing, other, name in (
        (Entity("post", post["id"]), Entity("blog", post["id"]), None),
        (Entity("blog", blog["id"]), Entity("post", blog["id"]), "Day one"),
    ):
        await s.ana.about(thing).says("Good")
        await s.dev.about(thing).does("POST", "/like")
        summary = await s.ben.about(thing).does("GET")
        assert (summary["name"], summary["tripId"], summary["comments"]) == (name, s.trip.id, {"count": 1})
        assert summary["likes"] == {"count": 1, "mine": False}
        for method, rest in (("GET", ""), ("GET", "/comments"), ("POST", "/like")):
            refused(await s.eve.about(thing).tell(method, rest, {} if method == "POST" else None), 403, "not-a-member")
        refused(await s.ana.about(other).tell("GET"), 404, "unknown-entity")
    refused(await s.ana.tell("POST", "/comments", {"text": "x", "title": "y"}), 422, "invalid")
    refused(await s.ana.about(SKY).tell("POST", "/posts", {"text": "x"}), 422, "no-such-channel")


# R: F2
async def test_numbers_of_several_things_are_read_at_once_and_open_nothing(s: Scene, running: Running):
    await s.ben.says("Hello")
    await s.ben.does("POST", "/rating", {"stars": 4})
    other = (await s.eve.who.create("Elsewhere"))["trip"]["id"]
    topics = set((await running.server.store.walk_topics()).items)
    asked = [f"location:{SKY.id}", f"trip:{s.trip.id}", f"trip:{other}", "location:exhibition.none", "x", "trip:x", ""]
    for _ in range(2):
        answer = await s.ana.who.get("/api/feeds/summaries", of=asked)
        found = answer.json()["summaries"]
        assert [one["id"] for one in found] == [SKY.id, s.trip.id]
        assert found[1]["rating"] == {"count": 1, "total": 4, "spread": [0, 0, 0, 1, 0], "mine": None}
        assert found[1]["comments"] == {"count": 1}
    assert set((await running.server.store.walk_topics()).items) == topics
    await s.eve.about(SKY).does("POST", "/like")
    found = (await s.ana.who.get("/api/feeds/summaries", of=asked)).json()["summaries"]
    assert found[0]["likes"] == {"count": 1, "mine": False}
    for wrong in ([], [f"trip:{uuid.uuid4()}" for _ in range(51)]):
        refused(await s.ana.who.get("/api/feeds/summaries", of=wrong), 422, "invalid")


# R: F5
async def test_a_long_feed_is_read_backwards_page_by_page_and_its_old_comments_are_changed_by_number(
    s: Scene, running: Running
):
    house = House(running.server.hub, running.server.talk)
    await long_feed(house, s.trip.topic("comments"), s.trip.id, 1_234)
    newest = await s.ben.does("GET", "/comments", limit=30)
    assert (newest["items"][0]["no"], newest["items"][-1]["no"]) == (1_205, 1_234)
    assert (newest["count"], newest["more"]) == (1_234, True)
    numbers: list[int] = []
    before = 1_235
    while True:
        part = await s.ben.does("GET", "/comments", before=before)
        numbers[:0] = [item["no"] for item in part["items"]]
        before = numbers[0]
        if not part["more"]:
            break
    assert numbers == list(range(1, 1_235))
    assert await s.ben.reads(before=1) == []
    (old,) = await s.ben.reads(before=8, limit=1)
    path = f"/comments/{old['id']}"
    refused(await s.ben.tell("POST", f"{path}/reactions", {"reaction": "eyes"}), 404, "unknown-item")
    refused(await s.ben.tell("POST", f"{path}/reactions", {"reaction": "eyes", "no": 900}), 404, "unknown-item")
    await s.ben.does("POST", f"{path}/reactions", {"reaction": "eyes", "no": 7})
    reply = await s.ben.says("That", replyTo=old["id"], replyNo=7)
    assert reply["replyTo"]["no"] == 7
    refused(await s.ben.tell("DELETE", path, no=7), 403, "not-yours")
    gone = (await s.ana.does("DELETE", path, no=7))["item"]
    assert gone["removed"]["by"] == s.ana.who.id
    assert await s.dev.reads(before=8, limit=1) == [gone]
    for query in ({"before": 0}, {"before": "x"}, {"limit": 0}, {"limit": 101}, {"before": "9" * 30}):
        refused(await s.ben.tell("GET", "/comments", **query), 422, "invalid")


# R: F5
async def test_what_is_read_of_a_feed_is_not_said_to_be_newer_than_it_is(
    s: Scene, running: Running, monkeypatch: pytest.MonkeyPatch
):
    older = running.server.talk.older
    await long_feed(House(running.server.hub, running.server.talk), s.trip.topic("comments"), s.trip.id, 250)
    (first,) = await s.ben.reads(before=8, limit=1)
    read = older.read
    reactions: list[Any] = []

    async def slow(*page: Any) -> Any:
        monkeypatch.setattr(older, "read", read)
        found = await read(*page)
        reactions.append(await s.ben.does("POST", f"/comments/{first['id']}/reactions", {"reaction": "eyes", "no": 7}))
        return found

    monkeypatch.setattr(older, "read", slow)
    part = await s.ana.does("GET", "/comments", before=8, limit=1)
    assert part["items"] == [first]
    assert part["seq"] < reactions[0]["seq"]


# R: F3
async def test_who_types_is_said_to_those_who_may_read_and_nothing_of_it_is_kept(s: Scene, running: Running):
    for method in ("POST", "DELETE"):
        assert (await s.ben.tell(method, "/typing")).status_code == 204
        assert (await s.eve.about(SKY).tell(method, "/typing")).status_code == 204
        refused(await s.eve.tell(method, "/typing"), 403, "not-a-member")
    topic = await running.server.hub.topic(s.trip.topic("presence"))
    assert topic.head == 0


# R: F2
async def test_who_says_too_much_in_a_while_is_asked_to_wait(tmp_path: Path):
    async with served(tmp_path, catalog="sample", talk_per_user="2/hour") as running, connected(running.url) as http:
        eve = Talker(await Person.guest(http, "Eve"), SKY)
        await eve.says("One")
        await eve.does("POST", "/like")
        for rest, body in (("/comments", {"text": "Two"}), ("/rating", {"stars": 1}), ("/save", {})):
            answer = await eve.tell("POST", rest, body)
            refused(answer, 429, "too-many-requests")
            assert int(answer.headers["retry-after"]) >= 1
        assert words(await eve.reads()) == ["One"]
