"""What is kept for how long: nothing ends before what needs it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.people import Person, connected
from tests.support.serving import Running, served

from roadcrew_server.stores.clock import StoreClock
from roadcrew_server.stores.sqlite import SqliteStore

LONG = {"session_days": 3650.0, "session_cache": 0}


class Calendar:
    """A store in a folder, and its time, which stands still until it is moved."""

    def __init__(self, place: Path) -> None:
        self.passed = 0.0
        clock = StoreClock(lambda: datetime(2026, 5, 20, tzinfo=UTC), lambda: self.passed)
        self.store = SqliteStore(place / "store.sqlite", clock=clock, synchronous="NORMAL")

    def later(self, days: float) -> None:
        self.passed += timedelta(days=days).total_seconds()


async def settled(running: Running) -> None:
    """What follows a change in the background is done: months pass in an instant here."""
    tasks = (t for t in running.server.hub._tasks if "keep_records" in repr(t.get_coro()))
    await asyncio.gather(*tasks)


# R: T2 T7
@pytest.mark.parametrize("trip_days", [300.0, 3650.0])
async def test_an_invite_leads_to_its_trip_as_long_as_that_lives(tmp_path: Path, trip_days: float):
    calendar = Calendar(tmp_path)
    async with (
        served(tmp_path, store=calendar.store, trip_days=trip_days, **LONG) as running,
        connected(running.url) as http,
    ):
        ana = await Person.guest(http, "Ana")
        made = await ana.create()
        await settled(running)
        for n in range(4):
            calendar.later(200)
            await ana.do("/update", {"tripId": made["trip"]["id"], "name": f"Name {n}"})
            await settled(running)
        assert (await http.get(f"/j/{made['invite']['code']}")).status_code == 200
        ben = await Person.guest(http, "Ben")
        await ben.do("/join", {"invite": made["invite"]["code"]})


async def test_an_invite_that_was_renewed_long_ago_says_that_it_has_ended(tmp_path: Path):
    calendar = Calendar(tmp_path)
    async with served(tmp_path, store=calendar.store, trip_days=300, **LONG) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        made = await ana.create()
        await ana.do("/invite", {"tripId": made["trip"]["id"]})
        await settled(running)
        for n in range(4):
            calendar.later(200)
            await ana.do("/update", {"tripId": made["trip"]["id"], "name": f"Name {n}"})
            await settled(running)
        ben = await Person.guest(http, "Ben")
        answer = await ben.post("/join", {"invite": made["invite"]["code"]})
        assert (answer.status_code, answer.json()["code"]) == (410, "invite-ended")


# R: C9
async def test_a_guest_who_keeps_coming_is_not_forgotten(tmp_path: Path):
    calendar = Calendar(tmp_path)
    async with served(tmp_path, store=calendar.store, session_cache=0) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        for _ in range(8):
            calendar.later(80)
            renewed = await ana.post("/api/session/renew")
            assert renewed.status_code == 200
            ana = Person.of(http, renewed.json())
        assert (await ana.get("/api/session")).json()["user"]["name"] == "Ana"


# R: C9
async def test_a_guest_is_not_forgotten_while_their_session_lasts(tmp_path: Path):
    calendar = Calendar(tmp_path)
    async with served(tmp_path, store=calendar.store, **LONG) as running, connected(running.url) as http:
        ana, ben = await Person.guest(http, "Ana"), await Person.guest(http, "Ben")
        for _ in range(3):
            calendar.later(300)
            assert (await ana.get("/api/session")).status_code == 200
        assert (await ben.get("/api/session")).status_code == 200
