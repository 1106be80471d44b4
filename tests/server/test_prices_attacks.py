"""What somebody can do with quote runs and imports who means harm: read, take up room, or keep others waiting."""

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.hubs import two_servers
from tests.support.monitors import FEED, Scripted, monitor, over, sent
from tests.support.monitors import hotel as imported
from tests.support.people import Person, connected, crew, eventually
from tests.support.pricing import Played, a_vehicle, providers, ready
from tests.support.serving import Running, served

from roadcrew_price_monitor import protocol
from roadcrew_server.jobs.pages import MOST_ASKED, Pages, Question
from roadcrew_server.problems import Problem
from roadcrew_server.quotes.answers import said
from roadcrew_server.quotes.base import Secrets
from roadcrew_server.stores.sqlite import SqliteStore

AWAY: dict[str, Any] = {"monitor_price_app_host": "127.0.0.1:9", "price_monitor_api_key": "nobody-asks-for-it"}
CSV = {"Content-Type": "text/csv"}


async def feeds_of(running: Running) -> list[str]:
    """The records of feeds that the store keeps."""
    return [r.key for r in (await running.server.store.walk_records()).items if r.kind == "feed"]


async def at_once(link: Scripted) -> None:
    """An import without a row."""
    await link.greet()
    size = len(await link.whole())
    await link.rows([], rows=0, at=size)
    await link.say(protocol.Done(0))


# --- what is left in the store -----------------------------------------------------------------------


async def test_another_feed_under_the_key_of_an_import_that_is_over_is_not_kept(tmp_path: Path):
    async with (
        monitor(at_once) as service,
        served(tmp_path, **service.settings) as running,
        connected(running.url) as http,
    ):
        ana = await Person.guest(http, "Ana")
        trip, key = (await ana.create())["trip"]["id"], str(uuid.uuid4())
        job = (await sent(ana, trip, key=key))["jobId"]
        await over(running.server, job)
        await eventually(lambda: not len(running.server.runners))
        assert await feeds_of(running) == []
        params = {"tripId": trip, "name": "May"}
        answer = await ana.request("POST", "/api/jobs", params=params, content=FEED * 2, headers=CSV, key=key)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
        assert await feeds_of(running) == []


async def test_who_is_removed_while_they_upload_imports_nothing(tmp_path: Path):
    async with served(tmp_path, **AWAY) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        trip, begun, go_on = made["trip"]["id"], asyncio.Event(), asyncio.Event()

        async def chunks() -> Any:
            yield FEED
            begun.set()
            await go_on.wait()
            yield FEED

        upload = asyncio.create_task(
            ben.request("POST", "/api/jobs", params={"tripId": trip, "name": "May"}, content=chunks(), headers=CSV)
        )
        await begun.wait()
        await ana.do("/remove-member", {"tripId": trip, "memberId": ben.id})
        go_on.set()
        answer = await upload
        assert (answer.status_code, answer.json()["code"]) == (403, "not-a-member")
        assert await feeds_of(running) == []


# --- who may ---------------------------------------------------------------------------------------


async def test_who_was_removed_votes_and_cancels_no_more_where_only_another_process_has_heard_of_it(tmp_path: Path):
    async with (
        two_servers(tmp_path, asked=providers(Played(), ready())) as (one, two),
        connected(one.url) as first,
        connected(two.url) as second,
    ):
        made, (ana, ben) = await crew(first, 2)
        trip = made["trip"]["id"]
        run = (await ben.do("/api/quotes", a_vehicle(tripId=trip)))["runId"]
        topic = await one.server.hub.topic(f"quote:{run}")
        await eventually(lambda: topic.state.answers["p1"].state == "priced")
        there = Person(second, ben.token, ben.id)
        assert (await there.get(f"/api/quotes/{run}")).status_code == 200
        await ana.do("/remove-member", {"tripId": trip, "memberId": ben.id})
        vote = await there.post(f"/api/quotes/{run}/vote", {"choice": {"provider": "p1"}})
        assert (vote.status_code, vote.json()["code"]) == (403, "not-a-member")
        cancel = await there.request("DELETE", f"/api/quotes/{run}")
        assert (cancel.status_code, cancel.json()["code"]) == (403, "not-a-member")


async def test_a_run_repeats_a_run_and_not_just_any_text(tmp_path: Path):
    async with served(tmp_path, asked=providers(ready())) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        answer = await ana.post("/api/quotes", a_vehicle(againOf="\x1b[2J"))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_another_guest_a_second_asks_for_no_more_prices_than_their_address_may(tmp_path: Path):
    more: dict[str, Any] = {"quotes_per_address": "3/hour"}
    async with served(tmp_path, asked=providers(ready()), **more) as running, connected(running.url) as http:
        answers = [await (await Person.guest(http, f"G{n}")).post("/api/quotes", a_vehicle()) for n in range(4)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 429]


async def test_feeds_take_no_more_room_than_their_address_may_have_also_where_nothing_says_their_size(tmp_path: Path):
    mib = b"x" * 1024**2
    more: dict[str, Any] = {"feed_mib_per_address": "6/day", "max_feed": 3 * len(mib), **AWAY}

    async def unsaid() -> Any:
        yield FEED

    async with served(tmp_path, **more) as running, connected(running.url) as http:
        status = []
        for feed in (mib + b"x", b"x", unsaid(), b"x"):
            somebody = await Person.guest(http, "G")
            params = {"tripId": (await somebody.create())["trip"]["id"], "name": "May"}
            status.append(await somebody.request("POST", "/api/jobs", params=params, content=feed, headers=CSV))
        assert [answer.status_code for answer in status] == [202, 202, 202, 429]


async def test_who_asks_for_hotels_without_waiting_keeps_only_themselves_waiting(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    await store.open()
    pages = Pages(store)
    await pages.write("p", (imported(2),), store.now() + timedelta(hours=1))
    asked = [asyncio.create_task(pages.hotels(("p",) * 50, Question(), by="eve")) for _ in range(30)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Problem) and one.status == 429 for one in found) == 30 - MOST_ASKED
    assert (await pages.hotels(("p",), Question(), by="eve")).total == 1  # and later again
    await store.close()


# --- what is told ----------------------------------------------------------------------------------


async def test_what_hotels_cost_before_is_told_from_the_imports_of_the_same_trip_only(tmp_path: Path):
    async with (
        monitor(at_once) as service,
        served(tmp_path, **service.settings) as running,
        connected(running.url) as http,
    ):
        ana = await Person.guest(http, "Ana")
        trips = [(await ana.create())["trip"]["id"] for _ in range(2)]
        for trip in (trips[0], trips[1], trips[0]):
            await over(running.server, (await sent(ana, trip))["jobId"])
    first, other, again = (link.hello.history for link in service.links)
    assert first == again != other
    assert not {first, other} & set(trips)


def test_a_key_that_hides_behind_what_nobody_sees_is_taken_out_of_what_a_provider_says():
    secrets = Secrets({"KEY": "sk-live-0123456789"})
    secrets.filled("env:KEY")
    for text in ("sk-live-01\u200b23456789", "sk-live-\x010123456789", "\x01" * 955 + "sk-live-0123456789"):
        assert "sk-live" not in said(text, secrets.clean)
