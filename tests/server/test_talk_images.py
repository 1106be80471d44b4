"""Images over HTTP: shown, read by who may read the feed, removed; and what is refused on the way."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Figure
from tests.server.test_backup import back_up
from tests.server.test_moving import bring, quiet
from tests.support import images
from tests.support.booking import Clock, timed_store
from tests.support.buckets import bucket
from tests.support.people import Person, connected, crew, eventually
from tests.support.serving import Running, ServerProcess, served
from tests.support.valkey import ValkeyProcess

from roadcrew_domain import feed_decide
from roadcrew_server.moving.export import export
from roadcrew_server.routes import talk_images
from roadcrew_server.stores.sqlite import SqliteStore


@pytest.fixture
async def three(http: httpx.AsyncClient) -> tuple[str, list[Person]]:
    """A trip of three, the first of whom is its organiser; and the path of its images."""
    made, people = await crew(http, 3)
    return path_of(made), people


def path_of(made: Any) -> str:
    return f"/api/feeds/trip/{made['trip']['id']}/images"


async def show(who: Person, path: str, data: bytes, *, media: str = "image/png", **more: Any) -> httpx.Response:
    key = more.pop("key", str(uuid.uuid4()))
    headers = {"Content-Type": media}
    return await who.request("POST", path, content=data, key=key, headers=headers, params=more)


async def shown(who: Person, path: str, data: bytes, **more: Any) -> Any:
    answer = await show(who, path, data, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def kept(running: Running) -> list[str]:
    store = running.server.store
    records = [r.kind for r in (await store.walk_records()).items if r.kind in ("blob", "image")]
    return records + [i.index for i in (await store.walk_indexes()).items if i.index.startswith("blob:")]


# R: F1 F2
async def test_an_image_is_read_by_the_crew_in_two_sizes_and_by_nobody_else(
    three: tuple[str, list[Person]], running: Running, ben: Person
):
    path, (ana, eve, _) = three
    sent = images.told("JPEG")
    made = await shown(ana, path, sent, media="image/jpeg", caption="The harbour [b]at night[/b]")
    item = made["item"]
    assert (item["text"], item["by"], item["no"]) == ("The harbour [b]at night[/b]", ana.id, 1)
    assert {k: item["picture"][k] for k in ("width", "height", "media")} == {
        "width": 48,
        "height": 64,
        "media": "image/jpeg",
    }
    for size in ("full", "thumb"):
        answer = await eve.get(f"{path}/{item['id']}/{size}")
        assert answer.status_code == 200
        assert images.SECRET not in answer.content
        assert images.opened(answer.content).size == (48, 64)
        headers = answer.headers
        assert headers["content-type"] == "image/jpeg"
        assert headers["content-security-policy"] == "sandbox"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "private, max-age=31536000, immutable"
        assert headers["etag"] == f'"{item["picture"][size]}"'
        again = await eve.request("GET", f"{path}/{item['id']}/{size}", headers={"If-None-Match": headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await ben.get(f"{path}/{item['id']}/{size}")).status_code == 403
        assert (await Person(ben.http).get(f"{path}/{item['id']}/{size}")).status_code == 401
    assert (await show(ben, path, sent, media="image/jpeg")).status_code == 403
    assert (await ana.get(path)).json()["items"] == [item]


# R: F2
async def test_an_image_that_is_sent_again_under_its_key_is_shown_once(
    three: tuple[str, list[Person]], running: Running
):
    path, (ana, *_) = three
    first = await shown(ana, path, images.png(), key="again", caption="One")
    assert await shown(ana, path, images.png(), key="again", caption="One") == first
    for data, caption in ((images.png(), "Two"), (images.png(width=10), "One")):
        answer = await show(ana, path, data, key="again", caption=caption)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert (await ana.get(path)).json()["count"] == 1
    assert (await ana.get(f"{path}/{first['item']['id']}/full")).status_code == 200


# R: F2
async def test_a_removed_image_leaves_a_trace_and_where_it_is_not_kept_no_byte(
    three: tuple[str, list[Person]], running: Running, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(feed_decide, "MOST_BINNED", 0)
    path, (ana, eve, mia) = three
    mine, same = await shown(eve, path, images.png(), caption="Mine"), await shown(mia, path, images.png())
    refused = await mia.request("DELETE", f"{path}/{mine['item']['id']}")
    assert (refused.status_code, refused.json()["code"]) == (403, "not-yours")
    for by, item in ((ana, mine["item"]), (mia, same["item"])):
        assert (await mia.get(f"{path}/{same['item']['id']}/full")).status_code == 200  # until the last is removed
        await by.request("DELETE", f"{path}/{item['id']}")
        answer = await by.request("DELETE", f"{path}/{item['id']}")
        assert answer.status_code == 200
        gone = answer.json()["item"]
        assert (gone["removed"]["by"], gone["text"], gone.get("picture")) == (by.id, "", None)
        read = await mia.get(f"{path}/{item['id']}/full")
        assert (read.status_code, read.json()["code"]) == (410, "item-removed")
    assert await kept(running) == []


# R: F2
async def test_what_is_no_image_leaves_nothing_behind(three: tuple[str, list[Person]], running: Running):
    path, (ana, *_) = three
    for data, media, status, code in (
        (images.bomb(30_000), "image/png", 422, "bad-image"),
        (images.png(), "image/jpeg", 422, "bad-image"),
        (images.animated("PNG", 40), "image/png", 422, "bad-image"),
        (images.png()[:80], "image/png", 422, "bad-image"),
        (images.png(), "image/gif", 415, None),
        (images.png(), "", 415, None),
        (b"x" * 2_000_000, "image/png", 422, "bad-image"),
    ):
        answer = await show(ana, path, data, media=media)
        assert (answer.status_code, answer.json()["code"]) == (status, code or answer.json()["code"]), answer.text
        assert answer.json()["detail"].endswith(".")
    for caption, code in (("\x1b]0;mine\x07", "unsafe-text"), ("x" * 301, "text-too-long")):
        answer = await show(ana, path, images.png(), caption=caption)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await kept(running) == []
    assert (await ana.get(f"{path}/{uuid.uuid4()}/full")).status_code == 404


# R: F2
async def test_an_image_that_is_too_large_is_refused_whether_it_says_so_or_not(tmp_path: Path):
    async with served(tmp_path, max_image_bytes=50_000) as running, connected(running.url) as http:
        made, (ana,) = await crew(http, 1)

        async def unsaid() -> AsyncIterator[bytes]:
            for _ in range(10):
                yield bytes(20_000)

        headers = {**ana.auth, "Content-Type": "image/png"}
        for content in (bytes(50_001), unsaid()):
            answer = await http.post(path_of(made), content=content, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (413, "image-too-large")
            assert answer.json()["limit"] == 50_000
        assert await kept(running) == []


# R: F2
async def test_one_person_sends_few_images_at_once_and_so_many_in_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with served(tmp_path, images_per_user="3/hour") as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        path, go = path_of(made), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield images.png()[:50]
            await go.wait()
            yield images.png()[50:]

        headers = {**ana.auth, "Content-Type": "image/png"}
        two = [asyncio.create_task(http.post(path, content=slow(), headers=headers)) for _ in range(2)]
        await eventually(lambda: running.server.uploads.now == 2)
        third = await show(ana, path, images.png())
        assert (third.status_code, third.json()["code"]) == (429, "too-many-requests")
        assert (await show(ben, path, images.png())).status_code == 201
        monkeypatch.setattr(talk_images, "FROM_THERE", 2)
        assert (await show(ben, path, images.png())).status_code == 429  # from the same address
        go.set()
        assert [answer.status_code for answer in await asyncio.gather(*two)] == [201, 201]
        assert running.server.uploads.now == 0
        fourth = await show(ana, path, images.png())
        assert (fourth.status_code, fourth.json()["code"]) == (429, "too-many-requests")
        assert int(fourth.headers["retry-after"]) > 60


# R: F2
async def test_who_leaves_while_their_image_comes_shows_none(three: tuple[str, list[Person]], running: Running):
    path, (ana, eve, _) = three
    go = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield images.png()[:50]
        await go.wait()
        yield images.png()[50:]

    headers = {**eve.auth, "Content-Type": "image/png"}
    sending = asyncio.create_task(eve.http.post(path, content=slow(), headers=headers))
    await eventually(lambda: running.server.uploads.now == 1)
    await ana.do("/remove-member", {"tripId": path.split("/")[4], "memberId": eve.id})
    go.set()
    assert (await sending).status_code == 403
    assert await kept(running) == []


# R: F2 F5
async def test_the_images_of_a_trip_that_has_ended_are_forgotten(tmp_path: Path):
    clock = Clock()
    store = timed_store(tmp_path, clock)
    async with served(tmp_path, store=store) as running, connected(running.url) as http:
        made, (ana,) = await crew(http, 1)
        item = await shown(ana, path_of(made), images.png())
        topic = f"feed:trip:{made['trip']['id']}:images"
        await ana.do("/delete", {"tripId": made["trip"]["id"]})
        clock.later(days=31)
        await running.server.talk.upkeep.attend(topic)
        assert await kept(running) == []
        assert item["item"]["no"] == 1


# R: F2
async def test_two_processes_show_the_same_images_from_a_bucket(
    tmp_path: Path, valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch, figure: Figure
):
    with bucket(tmp_path / "s3", monkeypatch) as there:
        places = [tmp_path / name for name in ("one", "two")]
        for place in places:
            place.mkdir()
        one, two = (ServerProcess(place, store=valkey.url, blobs=there.url) for place in places)
        try:
            await asyncio.gather(asyncio.to_thread(one.start), asyncio.to_thread(two.start))
            async with connected(one.url) as http, connected(two.url) as other:
                made, (ana,) = await crew(http, 1)
                path, far = path_of(made), Person(other, ana.token, ana.id, ana.name)
                async with far.stream(f"feed:trip:{made['trip']['id']}:images") as stream:
                    await stream.next("reset")
                    began = time.perf_counter()
                    item = (await shown(ana, path, images.png()))["item"]
                    event = await stream.until(lambda frame: frame.kind == "event", seconds=3)
                    figure("seconds from sending an image to its event at another process", time.perf_counter() - began)
                    assert event.data["data"]["picture"] == item["picture"]
                assert (await far.get(f"{path}/{item['id']}/full")).status_code == 200
                assert there.names() == {item["picture"]["full"], item["picture"]["thumb"]}
                assert (await far.request("DELETE", f"{path}/{item['id']}")).status_code == 200
                async with asyncio.timeout(3):
                    while (await ana.get(f"{path}/{item['id']}/full")).status_code != 410:
                        pass  # each asks anew: the other process has a moment to hear of it
                assert there.names() == {item["picture"]["full"], item["picture"]["thumb"]}  # it may come back
        finally:
            await asyncio.gather(asyncio.to_thread(one.end), asyncio.to_thread(two.end))


# R: F2
@pytest.mark.parametrize("way", ["export", "backup"])
async def test_images_in_the_store_go_along_with_it(tmp_path: Path, way: str):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    async with served(old) as running, connected(running.url) as http:
        made, (ana,) = await crew(http, 1)
        item = (await shown(ana, path_of(made), images.encoded(images.noise(700, 700)), caption="Noise"))["item"]
        before = (await ana.get(f"{path_of(made)}/{item['id']}/full")).content
    assert len(before) > 300_000  # more than a piece
    if way == "export":
        source, target = SqliteStore(old / "store.sqlite"), SqliteStore(new / "store.sqlite")
        await source.open()
        await export(source, old / "all.export", quiet)
        await source.close()
        await target.open()
        await bring(target, old / "all.export")
        await target.close()
    else:
        await asyncio.to_thread(back_up, old / "store.sqlite", new / "store.sqlite")
    async with served(new) as running, connected(running.url) as http:
        moved = Person(http, ana.token, ana.id, ana.name)
        assert (await moved.get(f"{path_of(made)}/{item['id']}/full")).content == before
        assert (await moved.request("DELETE", f"{path_of(made)}/{item['id']}")).status_code == 200
        back = await moved.request("POST", f"{path_of(made)}/{item['id']}/restore", {})
        assert back.json()["item"] == item
        assert (await moved.get(f"{path_of(made)}/{item['id']}/full")).content == before
