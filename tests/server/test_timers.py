"""Deadlines are the server's: they hold on time, are announced once, and nothing ends without a warning."""

import asyncio
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.server.test_keeping import Calendar
from tests.support.people import Person, connected, crew, eventually
from tests.support.serving import Running, served

from roadcrew_server.hub import Hub
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import StoreUnavailable
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.topics import TripKind

QUICK: dict[str, Any] = {"timer_interval": 0.05}


def soon(running: Running, seconds: float) -> str:
    return (running.server.store.now() + timedelta(seconds=seconds)).isoformat()


async def poll_until(running: Running, ana: Person, trip_id: str, seconds: float) -> str:
    poll = str(uuid.uuid4())
    body = {"tripId": trip_id, "question": "When?", "kind": "single", "options": ["May", "June"]}
    await ana.do("/polls", {**body, "closesAt": soon(running, seconds)}, key=poll)
    return poll


# R: T4
async def test_a_poll_closes_by_itself_at_its_deadline_and_that_is_announced_once(tmp_path: Path):
    async with served(tmp_path, **QUICK) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        poll = await poll_until(running, ana, trip_id, 0.4)
        await ben.do("/polls/vote", {"tripId": trip_id, "pollId": poll, "optionIds": [f"{poll}.1"]})
        async with ben.stream(trip_id) as stream:
            closed = await stream.until(lambda f: f.kind == "event" and f.data["type"] == "PollClosed")
            assert closed.data["by"] is None
            assert closed.data["data"]["reason"] == "deadline"
            assert closed.data["data"]["outcome"]["winners"] == [f"{poll}.1"]
            await asyncio.sleep(0.3)
            assert [e["type"] for e in stream.events()] == ["PollClosed"]
        seen = (await ana.trip(trip_id)).json()["trip"]["polls"][0]
        assert seen["closed"]
        assert datetime.fromisoformat(seen["closedAt"]) == datetime.fromisoformat(seen["closesAt"])


# R: T4
async def test_a_vote_after_the_deadline_is_refused_also_before_anybody_has_announced_it(tmp_path: Path):
    async with served(tmp_path, timer_interval=60) as running, connected(running.url) as http:
        made, (ana, _) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        poll = await poll_until(running, ana, trip_id, 0.2)
        await asyncio.sleep(0.25)
        assert not (await ana.trip(trip_id)).json()["trip"]["polls"][0]["closed"]
        answer = await ana.post("/polls/vote", {"tripId": trip_id, "pollId": poll, "optionIds": [f"{poll}.0"]})
        assert (answer.status_code, answer.json()["code"]) == (409, "poll-closed")
        assert "closedAt" in answer.json()


# R: T4
async def test_the_deadline_of_a_topic_that_nobody_has_loaded_fires_all_the_same(tmp_path: Path):
    async with served(tmp_path, **QUICK) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        trip_id = (await ana.create())["trip"]["id"]
        await poll_until(running, ana, trip_id, 0.6)
        token = ana.token
    async with served(tmp_path, **QUICK) as running, connected(running.url) as http:
        assert running.server.hub.topics == {}
        await eventually(lambda: running.server.hub.counters.by_type.get("PollClosed") == 1, "the deadline")
        assert (await Person(http, token).trip(trip_id)).json()["trip"]["polls"][0]["closed"]


# R: T7
async def test_the_end_of_a_trip_is_announced_before_it_comes_and_then_it_is_over(tmp_path: Path):
    days = 2 / 86400
    async with served(tmp_path, trip_days=days, **QUICK) as running, connected(running.url) as http:
        made, (ana, _) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        async with ana.stream(trip_id) as stream:
            said = await stream.until(lambda f: f.kind == "event" and f.data["type"] == "TripEndAnnounced")
            ends_at = datetime.fromisoformat(said.data["data"]["endsAt"])
            assert ends_at - datetime.fromisoformat(said.data["at"]) > timedelta(seconds=0.3)
            ended = await stream.until(lambda f: f.kind == "event" and f.data["type"] == "TripEnded")
            assert ended.data["data"] == {"reason": "expired"}
            assert datetime.fromisoformat(ended.data["at"]) >= ends_at
            assert (await stream.next("gone")).data["reason"] == "ended"
            types = [e["type"] for e in stream.events()]
            assert (types.count("TripEndAnnounced"), types.count("TripEnded")) == (1, 1)
        assert (await ana.trip(trip_id)).status_code == 410
        assert (await ana.post("/update", {"tripId": trip_id, "name": "x"})).status_code == 410
        assert (await ana.get("/api/social-cart/trips")).json()["trips"] == []
        assert (await http.get(f"/j/{made['invite']['code']}")).status_code == 410


# R: T7
async def test_a_change_puts_the_end_of_a_trip_off(tmp_path: Path):
    async with served(tmp_path, trip_days=1.5 / 86400, **QUICK) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        trip_id = (await ana.create())["trip"]["id"]
        for n in range(8):
            await ana.do("/update", {"tripId": trip_id, "name": f"Name {n}"})
            await asyncio.sleep(0.25)
        assert (await ana.trip(trip_id)).status_code == 200


# R: T7
async def test_a_trip_that_is_over_is_closed_also_before_anybody_has_said_so(tmp_path: Path):
    calendar = Calendar(tmp_path)
    async with (
        served(tmp_path, store=calendar.store, trip_days=30, timer_interval=60) as running,
        connected(running.url) as http,
    ):
        made, (ana, _) = await crew(http, 2)
        trip_id, hub = made["trip"]["id"], running.server.hub
        calendar.later(29)
        await hub._tick(f"trip:{trip_id}")
        assert (await ana.trip(trip_id)).status_code == 200
        async with ana.stream(trip_id) as stream:
            await stream.next("presence")
            calendar.later(7.5)
            for answer in (await ana.trip(trip_id), await ana.poll(trip_id)):
                assert (answer.status_code, answer.json()["code"]) == (410, "trip-ended")
            assert (await ana.get("/api/social-cart/trips")).json()["trips"] == []
            assert (await http.get(f"/j/{made['invite']['code']}")).status_code == 410
            await hub._tick(f"trip:{trip_id}")
            assert (await stream.next("event", "gone")).data["type"] == "TripEnded"
            assert (await stream.next("gone")).data["reason"] == "ended"


class CountingStore(SqliteStore):
    """Counts how often it is asked for deadlines; fails as often as `fails` says."""

    asked = fails = 0

    async def due_next(self) -> datetime | None:
        self.asked += 1
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("for a moment")
        return await super().due_next()

    async def due_take(self, now: datetime, limit: int, again_in: timedelta) -> tuple[str, ...]:
        self.asked += 1
        return await super().due_take(now, limit, again_in)


# R: S9
async def test_a_store_is_asked_for_deadlines_when_there_is_one_and_not_in_between(tmp_path: Path):
    store = CountingStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with served(tmp_path, store=store, timer_interval=0.01) as running, connected(running.url) as http:
        await eventually(lambda: store.asked == 1, "the look at the start")
        ana = await Person.guest(http, "Ana")
        trip_id = (await ana.create())["trip"]["id"]
        await poll_until(running, ana, trip_id, 0.3)
        store.fails = 3
        await eventually(lambda: running.server.hub.counters.by_type.get("PollClosed") == 1, "the deadline")
        await asyncio.sleep(0.1)  # ten times the interval
        assert store.asked <= 1 + 3 + 2 + 1


# R: T4 T9
async def test_the_deadline_that_a_process_set_which_is_gone_is_announced_by_another(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    quick = Settings(timer_interval=0.01, timer_look=0.05)
    async with served(tmp_path, store=store, timer_interval=60) as running, connected(running.url) as http:
        other = Hub(store, (TripKind(),), quick)
        await other.start()
        try:
            ana = await Person.guest(http, "Ana")
            await poll_until(running, ana, (await ana.create())["trip"]["id"], 0.2)
            await eventually(lambda: other.counters.by_type.get("PollClosed") == 1, "the deadline")
        finally:
            await other.stop()
