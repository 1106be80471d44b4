"""The list of somebody's trips has every trip that they are in, and keeps nothing that is over."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.test_keeping import LONG, Calendar
from tests.support.people import Person, connected, crew
from tests.support.serving import Running, served

from roadcrew_server.routes.trips import my_trips_index


async def listed(running: Running, person: Person) -> tuple[str, ...]:
    """What the store has of somebody's trips, dead or alive."""
    return await running.server.store.index_list(my_trips_index(person.id), 100)


async def mine(person: Person) -> list[str]:
    return [t["id"] for t in (await person.get("/api/social-cart/trips")).json()["trips"]]


# R: T6 F2
@pytest.mark.parametrize("how", ["leave", "remove-member", "delete"])
async def test_a_trip_that_is_no_longer_theirs_leaves_the_list(http: httpx.AsyncClient, running: Running, how: str):
    made, (ana, ben) = await crew(http, 2)
    trip_id = made["trip"]["id"]
    assert await listed(running, ben) == (trip_id,)
    who = ben if how == "leave" else ana
    await who.do(f"/{how}", {"tripId": trip_id} | ({"memberId": ben.id} if how == "remove-member" else {}))
    assert await listed(running, ben) == ()
    assert await listed(running, ana) == (() if how == "delete" else (trip_id,))


async def test_a_repeated_leaving_does_not_take_a_trip_from_who_came_back(http: httpx.AsyncClient, running: Running):
    made, (ana, ben) = await crew(http, 2)
    trip_id, key = made["trip"]["id"], str(uuid.uuid4())
    await ben.do("/leave", {"tripId": trip_id}, key=key)
    await ben.do("/join", {"invite": made["invite"]["code"]})
    assert (await ben.post("/leave", {"tripId": trip_id}, key=key)).status_code == 200
    assert await mine(ben) == [trip_id] == await mine(ana)


async def test_somebody_who_comes_back_while_they_leave_keeps_the_trip_in_their_list(
    http: httpx.AsyncClient, running: Running, monkeypatch: pytest.MonkeyPatch
):
    made, (_, ben) = await crew(http, 2)
    remove = running.server.store.index_remove

    async def slow(*args: Any) -> None:
        monkeypatch.undo()
        await ben.do("/join", {"invite": made["invite"]["code"]})
        await remove(*args)

    monkeypatch.setattr(running.server.store, "index_remove", slow)
    await ben.do("/leave", {"tripId": made["trip"]["id"]})
    assert await mine(ben) == [made["trip"]["id"]]


async def test_dead_entries_go_when_the_list_is_read_but_not_while_their_event_may_be_on_its_way(tmp_path: Path):
    calendar = Calendar(tmp_path)
    async with served(tmp_path, store=calendar.store, **LONG) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        index, nowhere = my_trips_index(ben.id), str(uuid.uuid4())
        other = (await ana.create())["trip"]["id"]
        for dead in (nowhere, other):
            await running.server.store.index_add(index, dead, running.server.store.now())
        assert await mine(ben) == [made["trip"]["id"]]
        assert set(await listed(running, ben)) == {made["trip"]["id"], nowhere, other}
        calendar.later(timedelta(seconds=90) / timedelta(days=1))
        assert await mine(ben) == [made["trip"]["id"]]
        assert await listed(running, ben) == (made["trip"]["id"],)
