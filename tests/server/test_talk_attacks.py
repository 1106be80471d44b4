"""What is sent to talk by accident or on purpose: twice, at once, too long, of the wrong kind, in another's name."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Count
from tests.server.conftest import Guest
from tests.server.test_access import PICTURE
from tests.support.hubs import two_servers
from tests.support.people import Person, connected, crew, eventually
from tests.support.serving import Running
from tests.support.talking import SKY, Talker, refused
from tests.support.talks import House, long_feed

from roadcrew_domain.feed_state import REACTIONS
from roadcrew_domain.ids import command_id
from roadcrew_domain.places import Entity
from roadcrew_server.routes.talk_common import OF


@pytest.fixture
async def two(http: httpx.AsyncClient, running: Running) -> tuple[Talker, Talker]:
    """An organiser and a member of one trip."""
    made, people = await crew(http, 2)
    ana, ben = (Talker(who, Entity("trip", made["trip"]["id"])) for who in people)
    return ana, ben


async def log_of(talker: Talker, channel: str = "comments") -> int:
    """The number of a channel's newest event."""
    number: int = (await talker.hears(channel))[0]["seq"]
    return number


# --- twice -----------------------------------------------------------------------------------------


def everything(said: str) -> Iterator[tuple[str, str, Any, str]]:
    """Every change there is, one after the other, and its channel; of what was said, but for the first."""
    yield "POST", "/comments", {"text": "Hello"}, "comments"
    yield "POST", "/posts", {"text": "Landed"}, "posts"
    yield "POST", "/blogs", {"text": "*x*", "title": "Day one"}, "blogs"
    yield "POST", f"/comments/{said}/reactions", {"reaction": "heart"}, "comments"
    yield "DELETE", f"/comments/{said}/reactions/heart", None, "comments"
    yield "PATCH", f"/comments/{said}", {"text": "Bye"}, "comments"
    yield "DELETE", f"/comments/{said}", None, "comments"
    yield "POST", f"/comments/{said}/restore", {}, "comments"
    for word, channel, body in (("rating", "rating", {"stars": 3}), ("like", "likes", {}), ("save", "saves", {})):
        yield "POST", f"/{word}", body, channel
        yield "DELETE", f"/{word}", None, channel


# R: C5 F2
@pytest.mark.parametrize("uuid_key", [True, False])
async def test_every_change_can_be_sent_twice_and_happens_once(two: tuple[Talker, Talker], uuid_key: bool):
    ana, _ = two
    said = (await ana.says("Hm"))["id"]
    for method, rest, body, channel in everything(said):
        key = str(uuid.uuid4()) if uuid_key else f"{method} 1"
        await ana.tell("GET", f"/{channel}")  # opened
        before = await log_of(ana, channel)
        first = await ana.tell(method, rest, body, key=key)
        again = await asyncio.gather(*(ana.tell(method, rest, body, key=key) for _ in range(3)))
        assert {(a.status_code, a.text) for a in again} == {(first.status_code, first.text)}, (method, rest)
        assert first.is_success, first.text
        assert await log_of(ana, channel) == before + 1, (method, rest)


# R: C5 F2
async def test_a_key_that_did_something_else_before_does_nothing(two: tuple[Talker, Talker]):
    ana, _ = two
    one, other = [(await ana.says(text))["id"] for text in ("One", "Two")]
    for method, rest, body, changed in (
        ("DELETE", "/comments/{}", None, {}),
        ("POST", "/comments/{}/reactions", {"reaction": "heart"}, {"reaction": "eyes"}),
        ("PATCH", "/comments/{}", {"text": "x"}, {"text": "y"}),
    ):
        key = str(uuid.uuid4())
        item = (await ana.says("Three"))["id"] if method == "DELETE" else one
        await ana.does(method, rest.format(item), body, key=key)
        refused(await ana.tell(method, rest.format(other), body, key=key), 422, "idempotency-key-reused")
        if changed:
            refused(await ana.tell(method, rest.format(item), changed, key=key), 422, "idempotency-key-reused")
    key = str(uuid.uuid4())
    await ana.does("POST", "/like", key=key)
    refused(await ana.tell("DELETE", "/like", key=key), 422, "idempotency-key-reused")
    assert [item["text"] for item in await ana.reads()][:2] == ["x", "Two"]


# R: F2 T8
async def test_the_id_of_somebody_elses_comment_or_post_is_not_theirs_to_use(two: tuple[Talker, Talker], guest: Guest):
    ana, ben = two
    eve = await guest("Eve")
    hers = Talker(eve, Entity("trip", (await eve.create())["trip"]["id"]))
    for channel, more in (("comments", {}), ("posts", {}), ("blogs", {"title": "x"})):
        key = str(uuid.uuid4())
        await ana.does("POST", f"/{channel}", {"text": "Mine", **more}, key=key)
        refused(await ben.tell("POST", f"/{channel}", {"text": "Mine", **more}, key=key), 409, "id-taken")
        answer = await hers.tell("POST", f"/{channel}", {"text": "Hers", **more}, key=key)
        if channel == "comments":  # of another feed: nothing to do with that one
            assert answer.status_code == 201
            continue
        refused(answer, 409, "id-taken")
        assert await hers.reads(channel) == []
        thing = Entity("post" if channel == "posts" else "blog", key)
        refused(await Talker(eve, thing).tell("GET", "/comments"), 403, "not-a-member")
    assert [item["text"] for item in await ana.reads()] == ["Mine"]


# R: C5 F6
async def test_a_key_of_a_persons_own_is_good_in_two_trips(two: tuple[Talker, Talker]):
    ana, _ = two
    other = ana.about(Entity("trip", (await ana.who.create())["trip"]["id"]))
    posts = [(await talker.does("POST", "/posts", {"text": "x"}, key="1"))["item"]["id"] for talker in (ana, other)]
    assert len(set(posts)) == 2


# R: C5 F2
async def test_a_comment_that_is_repeated_late_is_answered_as_it_is_by_now(
    two: tuple[Talker, Talker], running: Running
):
    ana, ben = two
    keys = [str(uuid.uuid4()) for _ in range(2)]
    await ana.does("POST", "/comments", {"text": "First"}, key=keys[0])
    reply = {"text": "Second", "replyTo": keys[0], "replyNo": 1}
    await ben.does("POST", "/comments", reply, key=keys[1])
    for n in range(199):
        await ana.says(f"Comment {n}")
    topic = await running.server.hub.topic(ana.thing.topic("comments"))
    async with asyncio.timeout(5):
        while not topic.state.pages:  # noqa: ASYNC110 - nobody is told when a page is closed
            await asyncio.sleep(0.01)
    await ana.does("DELETE", f"/comments/{keys[0]}", no=1)
    head = await log_of(ana)
    again = await ana.does("POST", "/comments", {"text": "First"}, key=keys[0])
    assert (again["item"]["no"], again["item"]["text"], again["seq"]) == (1, "", 1)
    again = await ben.does("POST", "/comments", reply, key=keys[1])
    assert (again["item"]["no"], again["item"]["text"], again["seq"]) == (2, "Second", 2)
    assert await log_of(ana) == head


# --- of the wrong kind, or too much ----------------------------------------------------------------


def odd(said: str) -> Iterator[tuple[str, str, Any, int, str]]:
    """Method, path after the trip's, body, status, code."""
    one = f"/comments/{said}"
    for text, code in (
        ("", "text-missing"),
        (" \u200b\n ", "text-missing"),
        ("x" * 2_001, "text-too-long"),
        ("x" * 60_000, "text-too-long"),
        ("\x1b[31mred", "unsafe-text"),
        ("a\x00b", "unsafe-text"),
        ("\u202egnp.exe", "unsafe-text"),
        ("a\x9b31m", "unsafe-text"),
        ("\U000e0041", "unsafe-text"),
        (7, "invalid"),
        (None, "invalid"),
        (["x"], "invalid"),
    ):
        yield "POST", "/comments", {"text": text}, 422, code
        yield "POST", "/posts", {"text": text}, 422, code
        yield "PATCH", one, {"text": text}, 422, code
    for title, code in (
        ("", "text-missing"),
        ("x" * 121, "text-too-long"),
        ("\x1b]0;x\x07", "unsafe-text"),
        (7, "invalid"),
    ):
        yield "POST", "/blogs", {"text": "x", "title": title}, 422, code
    yield "POST", "/blogs", {"text": "x" * 20_001, "title": "x"}, 422, "text-too-long"
    yield "POST", "/blogs", {"text": "x"}, 422, "invalid"
    yield "POST", "/blogs", {"text": "x" * 300_000, "title": "x"}, 413, "body-too-large"
    yield "POST", "/comments", {"text": "x" * 1_000_000}, 413, "body-too-large"
    yield "PATCH", one, {"text": "x", "title": "y"}, 422, "bad-title"
    yield "PATCH", one, {"text": "x", "by": said}, 422, "invalid"
    yield "POST", "/comments", {"text": "x", "mentions": [said]}, 422, "invalid"
    yield "POST", "/comments", {"text": "x", "picture": {}}, 422, "invalid"
    yield "POST", "/comments", {"text": "x", "replyTo": ""}, 422, "invalid"
    yield "POST", "/comments", {"text": "x", "replyTo": "\x00"}, 404, "unknown-item"
    for no in (0, -1, 1.5, "1", 2**53, 10**100, True, [1]):
        yield "PATCH", one, {"text": "x", "no": no}, 422, "invalid"
        yield "POST", f"{one}/reactions", {"reaction": "heart", "no": no}, 422, "invalid"
        yield "POST", "/comments", {"text": "x", "replyTo": said, "replyNo": no}, 422, "invalid"
    for reaction in ("", "HEART", "❤", "heart\x00", "x" * 64):
        yield "POST", f"{one}/reactions", {"reaction": reaction}, 422, "bad-reaction"
    for wrong in (None, 1, "x" * 65):
        yield "POST", f"{one}/reactions", {"reaction": wrong}, 422, "invalid"
    some: tuple[Any, ...] = (None, "5", 4.5, True, [5], {}, "five")
    for stars in some:
        yield "POST", "/rating", {"stars": stars}, 422, "invalid"
    yield "POST", "/rating", {}, 422, "invalid"
    yield "POST", "/like", {"count": 100}, 422, "invalid"
    yield "POST", "/save", {"who": said}, 422, "invalid"
    for item in ("x", str(uuid.uuid4()), "%2e%2e%2e", "%00", "x" * 500):
        yield "PATCH", f"/comments/{item}", {"text": "x"}, 404, "unknown-item"
        yield "POST", f"/comments/{item}/reactions", {"reaction": "heart"}, 404, "unknown-item"
    for channel in ("rating", "likes", "presence", "typing", "x", "%00", "Comments"):
        yield "PATCH", f"/{channel}/{said}", {"text": "x"}, 422, "no-such-channel"
        yield "DELETE", f"/{channel}/{said}", None, 422, "no-such-channel"
    for channel in ("images", "posts", "blogs"):
        yield "PATCH", f"/{channel}/{said}", {"text": "x"}, 404, "unknown-item"


# R: T8 F2
async def test_each_gets_a_problem_and_nothing_is_said(two: tuple[Talker, Talker]):
    ana, ben = two
    said = (await ana.says("Hello"))["id"]
    before, wrong = await log_of(ana), []
    for method, rest, body, status, code in odd(said):
        sent = None if body is None else json.dumps(body).encode()
        answer = await ana.who.request(method, ana.path + rest, content=sent)
        if (answer.status_code, answer.json()["code"]) != (status, code) or len(answer.content) > 2_000:
            wrong.append((method, rest, str(body)[:60], status, code, answer.text[:150]))
    assert wrong == []
    assert await log_of(ana) == before
    assert (await ben.does("GET"))["rating"]["count"] == 0


# R: T8 F1
async def test_what_can_not_be_talked_about_is_unknown_however_it_is_spelt(two: tuple[Talker, Talker]):
    ana, _ = two
    for path in (
        "trip/x",
        f"trip/{uuid.uuid4()}",
        f"location/{ana.thing.id}",
        "location/hotel.0123456789abcdef",
        "location/hotel.0123456789ABCDEF",
        "location/exhibition.nothing",
        "location/exhibition.%2e%2e",
        "trip/%00",
        "trip/a:b:comments",
        f"post/{ana.thing.id}",
        f"blog/{uuid.uuid4()}",
        "cart/x",
        "%ff/%fe",
        f"trip/{'x' * 5_000}",
    ):
        for rest in ("", "/comments"):
            refused(await ana.who.get(f"/api/feeds/{path}{rest}"), 404, "unknown-entity")
        refused(await ana.who.post(f"/api/feeds/{path}/comments", {"text": "x"}), 404, "unknown-entity")


# R: F2
async def test_what_fits_is_taken_whatever_its_script_and_is_tidy_when_it_comes_back(two: tuple[Talker, Talker]):
    ana, _ = two
    emoji = "🏖" * 20_000
    blog = await ana.says(emoji, "blogs", title="日" * 120)  # escaped, it is 240,000 bytes long
    assert (len(blog["text"]), blog["title"]) == (20_000, "日" * 120)
    stacked = await ana.says("a" + "\u0301" * 15_000)
    assert len(stacked["text"]) <= 5
    lines = await ana.says("one\r\ntwo\u2028three\n\n\n\n\nfour [bold]x[/] [@click=app.quit]")
    assert lines["text"] == "one\ntwo\nthree\n\nfour [bold]x[/] [@click=app.quit]"


# --- by those who may not --------------------------------------------------------------------------


# R: T8 F1
async def test_who_was_removed_says_nothing_more_where_only_another_process_has_heard_of_it(tmp_path: Path):
    async with two_servers(tmp_path) as (one, two), connected(one.url) as first, connected(two.url) as second:
        made, (ana, ben) = await crew(first, 2)
        trip = Entity("trip", made["trip"]["id"])
        there = Talker(Person(second, ben.token, ben.id), trip)
        said = await there.says("Hello")
        await there.does("POST", "/like")
        await ana.do("/remove-member", {"tripId": trip.id, "memberId": ben.id})
        assert ben.id in two.server.hub.topics[f"trip:{trip.id}"].state.members
        for method, rest, body in (
            ("POST", "/comments", {"text": "Ha"}),
            ("POST", "/posts", {"text": "Ha"}),
            ("PATCH", f"/comments/{said['id']}", {"text": "Ha"}),
            ("DELETE", f"/comments/{said['id']}", None),
            ("POST", f"/comments/{said['id']}/reactions", {"reaction": "heart"}),
            ("POST", "/rating", {"stars": 1}),
            ("DELETE", "/like", None),
            ("POST", "/save", {}),
        ):
            refused(await there.tell(method, rest, body), 403, "not-a-member")
        refused(await Talker(ben, trip).tell("GET"), 403, "not-a-member")


# R: F2 T9
async def test_an_old_comment_that_two_processes_change_at_once_has_all_of_it(tmp_path: Path, count: Count):
    async with two_servers(tmp_path) as (one, two), connected(one.url) as first, connected(two.url) as second:
        made, people = await crew(first, 8)
        trip = Entity("trip", made["trip"]["id"])
        await long_feed(House(one.server.hub, one.server.talk), trip.topic("comments"), trip.id, 350)
        talkers = [Talker(Person((first, second)[n % 2], who.token, who.id), trip) for n, who in enumerate(people)]
        items = await talkers[0].reads(before=6, limit=5)
        for reaction in REACTIONS[: count(reduced=2, full=8)]:
            answers = await asyncio.gather(
                *(
                    talker.tell("POST", f"/comments/{item['id']}/reactions", {"reaction": reaction, "no": item["no"]})
                    for item in items[:3]
                    for talker in talkers
                )
            )
            busy = [a for a in answers if a.status_code != 200]
            assert all(a.json()["code"] == "page-turned" for a in busy), busy[0].text
            for item in items[:3]:  # who was told that others were faster asks again
                for talker in talkers:
                    body = {"reaction": reaction, "no": item["no"]}
                    await talker.does("POST", f"/comments/{item['id']}/reactions", body)
            for talker in talkers[:2]:
                await talker.says("Something new")  # by which both have read on
                found = (await talker.reads(before=4, limit=3))[0]["reactions"]
                assert sorted(next(r["by"] for r in found if r["reaction"] == reaction)) == sorted(p.id for p in people)


# R: F2
async def test_what_went_into_a_page_of_which_this_process_has_not_heard_is_replied_to(tmp_path: Path):
    async with two_servers(tmp_path) as (one, two), connected(one.url) as first, connected(two.url) as second:
        made, (ana, ben) = await crew(first, 2)
        here = Talker(ana, Entity("trip", made["trip"]["id"]))
        there = Talker(Person(second, ben.token, ben.id), here.thing)
        name = here.thing.topic("comments")
        await long_feed(House(one.server.hub, one.server.talk), name, here.thing.id, 299)
        (item,) = await there.reads(before=151, limit=1)
        await here.says("The last that goes into no page")
        topic = await one.server.hub.topic(name)
        await eventually(lambda: len(topic.state.pages) == 2, "the page")
        assert len(two.server.hub.topics[name].state.pages) == 1
        assert (await there.says("That", replyTo=item["id"], replyNo=150))["replyTo"]["no"] == 150


# R: F2
async def test_what_one_gives_up_at_one_terminal_while_another_saves_it_is_on_the_list_if_it_is_saved(
    guest: Guest, running: Running, monkeypatch: pytest.MonkeyPatch
):
    eve = Talker(await guest("Eve"), SKY)
    store = running.server.store
    add = store.index_add

    async def while_it_is_saved(*args: Any) -> None:
        await add(*args)
        await asyncio.sleep(0.002)  # times in a store are milliseconds
        await eve.does("DELETE", "/save")

    monkeypatch.setattr(store, "index_add", while_it_is_saved)
    assert (await eve.does("POST", "/save"))["saves"]["mine"]
    listed = (await eve.who.get("/api/feeds/saved")).json()["saved"]
    assert [one["id"] for one in listed] == [SKY.id]


# R: F2
async def test_who_saves_can_not_be_told_from_what_others_see(guest: Guest, running: Running):
    ana, ben = [Talker(await guest(name), SKY) for name in ("Ana", "Ben")]
    for talker in (ana, ben):
        await talker.does("POST", "/save", key=str(uuid.uuid4()))
    first, *_ = await ben.hears("saves")
    assert first["state"]["marks"] == {}
    async with ben.who.stream(SKY.topic("saves")) as stream:
        await stream.next("reset")
        await ana.does("DELETE", "/save", key="1")
        event = (await stream.next("event")).data
    assert (event["by"], event["type"]) == (None, "MarkTaken")
    assert ana.who.id not in json.dumps(event)
    assert event["command"] != command_id("1", ana.who.id, f"{OF}/save", f"{ana.path}/save")  # which ben can try


# R: F2 T8
async def test_who_gives_a_comment_the_id_of_an_old_one_of_another_changes_nothing_of_that(
    two: tuple[Talker, Talker], running: Running
):
    ana, ben = two
    house = House(running.server.hub, running.server.talk)
    await long_feed(house, ana.thing.topic("comments"), ana.thing.id, 250)
    (old,) = await ana.reads(before=8, limit=1)
    await ben.does("POST", "/comments", {"text": "Mine"}, key=old["id"])
    path = f"/comments/{old['id']}"
    reacted = await ben.does("POST", f"{path}/reactions", {"reaction": "eyes", "no": 7})
    assert (reacted["item"]["no"], reacted["item"]["by"]) == (7, "ana")
    reply = await ben.says("That", replyTo=old["id"], replyNo=7)
    assert (reply["replyTo"]["no"], reply["replyTo"]["by"]) == (7, "ana")
    refused(await ben.tell("PATCH", path, {"text": "Ha", "no": 252}), 404, "unknown-item")
    gone = await ana.does("DELETE", path, no=7)
    refused(await ben.tell("POST", "/comments", {"text": "x", "replyTo": old["id"], "replyNo": 7}), 410, "item-removed")
    assert (gone["item"]["no"], gone["item"]["text"]) == (7, "")
    assert [item["text"] for item in await ana.reads(limit=2)] == ["Mine", "That"]


# R: F2 T8
async def test_who_shows_an_image_of_another_under_its_id_elsewhere_and_removes_it_takes_nothing_from_them(
    two: tuple[Talker, Talker], guest: Guest
):
    ana, _ = two
    eve = await guest("Eve")
    hers = Talker(eve, Entity("trip", (await eve.create())["trip"]["id"]))
    key = str(uuid.uuid4())
    await ana.does("POST", "/images", PICTURE, key=key)
    await hers.does("POST", "/images", PICTURE, key=key)
    assert (await hers.tell("GET", f"/images/{key}/thumb")).status_code == 200
    await hers.does("DELETE", f"/images/{key}")
    for size in ("full", "thumb"):
        refused(await hers.tell("GET", f"/images/{key}/{size}"), 410, "item-removed")
        assert (await ana.tell("GET", f"/images/{key}/{size}")).status_code == 200
