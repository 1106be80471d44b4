"""What happened is told to who is in a trip; a deleted trip comes back: whole, for its organiser, for a while."""

import asyncio
import uuid
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.test_access import MATRIX, Scene, asked, booked, scene, talked
from tests.server.test_keeping import LONG, Calendar, settled
from tests.support.hubs import trip_of, two_hubs, two_servers
from tests.support.people import JSON, Person, connected, crew, eventually
from tests.support.serving import Running, served

from roadcrew_domain import trip
from roadcrew_domain.dropped import RESTORABLE
from roadcrew_domain.refusals import Refused
from roadcrew_server.app import ENDPOINTS
from roadcrew_server.routes.past import deleted_index
from roadcrew_server.stores.clock import StoreClock
from roadcrew_server.stores.sqlite import SqliteStore

TRIPS = "/api/social-cart/trips"


async def history(person: Person, trip_id: str, **asked: Any) -> Any:
    answer = await person.get("/api/social-cart/history", tripId=trip_id, **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def deleted(person: Person) -> list[Any]:
    return list((await person.get(TRIPS, deleted="true")).json()["trips"])


async def mine(person: Person) -> list[str]:
    return [t["id"] for t in (await person.get(TRIPS)).json()["trips"]]


async def saved(person: Person) -> list[str]:
    return [t["id"] for t in (await person.get("/api/feeds/saved")).json()["saved"]]


def seqs(page: Any) -> list[int]:
    return [e["seq"] for e in page["events"]]


# R: T10
async def test_the_history_comes_in_pages_from_the_newest_to_the_first_also_to_who_joined_last(tmp_path: Path):
    async with served(tmp_path, snapshot_every=40, ring=8) as running, connected(running.url) as http:
        made, (ana,) = await crew(http, 1)
        trip_id = made["trip"]["id"]
        for n in range(120):
            await ana.do("/update", {"tripId": trip_id, "name": f"Name {n}"})
        await eventually(lambda: running.server.hub.counters.snapshots == 3, "the snapshot")
        ben = await Person.guest(http, "Ben")
        await ben.do("/join", {"invite": made["invite"]["code"]})
        newest = await history(ben, trip_id)
        assert (seqs(newest), newest["more"]) == (list(range(22, 122)), True)
        before = await history(ben, trip_id, before=22, limit=20)
        assert (seqs(before), before["more"]) == (list(range(2, 22)), True)
        first = await history(ben, trip_id, before=2, limit=200)
        assert (seqs(first), first["more"]) == ([0, 1], False)
        assert first["events"][0]["type"] == "TripCreated"
        assert first["events"][1]["data"] == {"name": "Name 0"}
        assert (await history(ben, trip_id, before=0)) == {"events": [], "more": False}
        assert seqs(await history(ben, trip_id, before=9000, limit=1)) == [121]


# R: T10 T8
async def test_the_history_is_for_members_and_of_a_trip_that_there_is(http: httpx.AsyncClient, running: Running):
    made, (ana, ben) = await crew(http, 2)
    trip_id, ask = made["trip"]["id"], "/api/social-cart/history"
    assert (await ben.get(ask, tripId=str(uuid.uuid4()))).json()["code"] == "unknown-trip"
    assert (await ben.get(ask)).json()["code"] == "unknown-trip"
    for wrong in ({"limit": 0}, {"limit": 201}, {"limit": "x"}, {"before": -1}, {"before": "1e3"}, {"before": 2**60}):
        assert (await ben.get(ask, tripId=trip_id, **wrong)).status_code == 422, wrong
    await ana.do("/remove-member", {"tripId": trip_id, "memberId": ben.id})
    assert (await ben.get(ask, tripId=trip_id)).json()["code"] == "not-a-member"
    await ana.do("/delete", {"tripId": trip_id})
    assert (await ana.get(ask, tripId=trip_id)).json()["code"] == "trip-ended"


# R: T8
async def test_who_is_removed_while_their_history_is_read_is_told_nothing_of_it(
    http: httpx.AsyncClient, running: Running, monkeypatch: pytest.MonkeyPatch
):
    made, (ana, ben) = await crew(http, 2)
    read = running.server.store.read

    async def slow(*args: Any) -> Any:
        monkeypatch.undo()
        await ana.do("/remove-member", {"tripId": made["trip"]["id"], "memberId": ben.id})
        return await read(*args)

    monkeypatch.setattr(running.server.store, "read", slow)
    answer = await ben.get("/api/social-cart/history", tripId=made["trip"]["id"])
    assert (answer.status_code, answer.json()["code"]) == (403, "not-a-member")


# R: T6
async def test_a_deleted_trip_comes_back_for_everybody_with_all_that_was_said_and_its_invite(
    http: httpx.AsyncClient, running: Running
):
    made, (ana, ben) = await crew(http, 2)
    trip_id, talk = made["trip"]["id"], f"/api/feeds/trip/{made['trip']['id']}"
    await ben.do(f"{talk}/comments", {"text": "Hello"})
    poll = (await ana.do("/polls", {"tripId": trip_id, "question": "When?", "kind": "single", "options": ["a", "b"]}))[
        "trip"
    ]["polls"][0]
    await ben.do("/polls/vote", {"tripId": trip_id, "pollId": poll["id"], "optionIds": [poll["options"][0]["id"]]})
    before = (await ben.trip(trip_id)).json()["trip"]
    cursor = (await ben.poll(trip_id)).json()["cursor"]
    await ana.do("/delete", {"tripId": trip_id})
    (there,) = await deleted(ana)
    assert (there["id"], there["name"], there["members"]) == (trip_id, "Lisbon in May", 2)
    assert await mine(ana) == await mine(ben) == []
    assert await deleted(ben) == []
    restored = await ana.do("/restore", {"tripId": trip_id})
    for part in ("members", "polls", "invite", "organiser", "name", "ended"):
        assert restored["trip"][part] == before[part], part
    assert await mine(ana) == await mine(ben) == [trip_id]
    assert await deleted(ana) == []
    assert [i["text"] for i in (await ben.get(f"{talk}/comments")).json()["items"]] == ["Hello"]
    dev = await Person.guest(http, "Dev")
    await dev.do("/join", {"invite": made["invite"]["code"]})
    batch = (await ben.poll(trip_id, cursor=cursor)).json()  # who was away all the time
    assert [e["type"] for e in batch["events"]] == ["TripEnded", "TripRestored", "MemberJoined"]


# R: T6 T8
async def test_a_deleted_trip_can_be_read_by_nobody_in_any_way(http: httpx.AsyncClient, running: Running):
    s = await talked(await asked(await booked(await scene(http))), with_image=True)
    await s.people["organiser"].do("/delete", {"tripId": s.trip})
    paths = [("POST", "/api/social-cart/restore"), ("POST", "/api/social-cart/delete")]
    about = [e for e in ENDPOINTS if (MATRIX[e.method, e.path].but or {}).get("stranger") == 403]
    assert len(about) > 40
    told: list[tuple[object, ...]] = []
    for endpoint in about:
        row = MATRIX[endpoint.method, endpoint.path]
        if (endpoint.method, endpoint.path) in paths:
            continue
        for who in ("organiser", "opener", "member", "removed", "stranger"):
            answer = await ask(s, who, endpoint.method, endpoint.path)
            if answer.status_code not in (403, 404, 410, 422) or "Lisbon" in answer.text or "Casa Azul" in answer.text:
                told.append((endpoint.method, endpoint.path, who, answer.status_code, answer.text[:80]))
        assert row.status < 400
    assert told == []
    for who in ("organiser", "opener"):
        for path in ("/j/" + s.code, TRIPS, "/api/feeds/saved", f"/api/feeds/summaries?of=trip:{s.trip}"):
            assert "Lisbon" not in (await s.people[who].get(path)).text, path
        refused = await s.people[who].post("/join", {"invite": s.code})
        assert refused.status_code == 410
    assert [len(await deleted(s.people[who])) for who in ("organiser", "opener", "member")] == [1, 0, 0]


async def ask(s: Scene, who: str, method: str, path: str) -> httpx.Response:
    """A request of the access matrix."""
    row = MATRIX[method, path]
    return await s.people[who].request(
        method,
        row.path(s) if row.path else path,
        row.body(s) if row.body else None,
        params=row.params(s) if row.params else None,
        headers=JSON,
    )


# R: T6 T8
async def test_only_who_deleted_it_brings_a_trip_back_and_others_leave_no_trace_of_trying(
    http: httpx.AsyncClient, running: Running
):
    made, (ana, ben) = await crew(http, 2)
    trip_id, store = made["trip"]["id"], running.server.store
    assert (await ben.post("/delete", {"tripId": trip_id})).status_code == 403
    assert await deleted(ben) == []
    await ana.do("/delete", {"tripId": trip_id})
    eve = await Person.guest(http, "Eve")
    for who in (ben, eve):
        answer = await who.post("/restore", {"tripId": trip_id})
        assert (answer.status_code, answer.json()["code"]) == (410, "trip-ended")
        assert (await who.post("/delete", {"tripId": trip_id})).json()["code"] == "trip-ended"
        assert (await who.post("/delete", {"tripId": str(uuid.uuid4())})).json()["code"] == "unknown-trip"
        assert await store.index_list(deleted_index(who.id), 10) == ()
    assert (await ana.post("/restore", {"tripId": str(uuid.uuid4())})).json()["code"] == "unknown-trip"
    assert await store.index_list(f"trips:{ben.id}", 10) == ()


# R: T6 F5
@pytest.mark.parametrize("day", [29.9, 30.0, 32.0])
async def test_a_deleted_trip_is_kept_for_thirty_days_with_its_talk_and_its_invite_and_then_it_goes(
    tmp_path: Path, day: float
):
    calendar = Calendar(tmp_path)
    async with (
        served(tmp_path, store=calendar.store, timer_interval=0.01, trip_days=60, **LONG) as running,
        connected(running.url) as http,
    ):
        made, (ana, ben) = await crew(http, 2)
        trip_id, store = made["trip"]["id"], running.server.store
        talk = f"/api/feeds/trip/{trip_id}/comments"
        await ben.do(talk, {"text": "Hello"})
        await ben.do(f"/api/feeds/trip/{trip_id}/save")
        calendar.later(12)  # its talk is looked after while the trip is deleted
        await ana.do("/delete", {"tripId": trip_id})
        await settled(running)
        (there,) = await deleted(ana)
        for _ in range(4):
            calendar.later(day / 4)
            assert await saved(ben) == []
            await asyncio.sleep(0.03)  # for the timers, in which weeks pass
        if day < 30:
            assert [t["id"] for t in await deleted(ana)] == [trip_id]
            await ana.do("/restore", {"tripId": trip_id})
            assert [i["text"] for i in (await ben.get(talk)).json()["items"]] == ["Hello"]
            assert await saved(ben) == [trip_id]
            dev = await Person.guest(http, "Dev")
            await dev.do("/join", {"invite": made["invite"]["code"]})
            return
        assert await deleted(ana) == []
        assert await store.index_list(deleted_index(ana.id), 10) == ()
        refused = await ana.post("/restore", {"tripId": trip_id})
        assert refused.json()["code"] == ("trip-ended" if day < 31 else "unknown-trip")
        assert (await store.load(f"trip:{trip_id}") is None) == (day > 31)
        assert there["restorableUntil"] > there["deletedAt"]
        for _ in range(4):
            calendar.later(10)
            await asyncio.sleep(0.03)
        assert await store.load(f"trip:{trip_id}") is None
        await eventually(partial(gone, running, f"feed:trip:{trip_id}:comments"), "the end of its talk")


def gone(running: Running, name: str) -> bool:
    topic = running.server.hub.topics.get(name)
    return topic is None or topic.state is None


# R: T6 C5
async def test_restoring_twice_and_deleting_again_in_between_leaves_the_lists_true(
    http: httpx.AsyncClient, running: Running
):
    made, (ana, _) = await crew(http, 2)
    trip_id, key = made["trip"]["id"], str(uuid.uuid4())
    await ana.do("/delete", {"tripId": trip_id})
    for once_more in (key, key, None):
        await ana.do("/restore", {"tripId": trip_id}, key=once_more)
        assert (await deleted(ana), await mine(ana)) == ([], [trip_id])
    await ana.do("/delete", {"tripId": trip_id})
    again = await ana.post("/restore", {"tripId": trip_id}, key=key)
    assert again.status_code == 410  # the same command is not done a second time
    assert [t["id"] for t in await deleted(ana)] == [trip_id]
    assert await mine(ana) == []
    types = [e["type"] for e in (await ana.do("/restore", {"tripId": trip_id}))["trip"]["recent"]]
    assert (types.count("TripEnded"), types.count("TripRestored")) == (2, 2)


async def test_a_trip_that_is_deleted_again_while_it_comes_back_is_in_the_list_of_those(
    http: httpx.AsyncClient, running: Running, monkeypatch: pytest.MonkeyPatch
):
    made, (ana,) = await crew(http, 1)
    trip_id, remove = made["trip"]["id"], running.server.store.index_remove
    await ana.do("/delete", {"tripId": trip_id})

    async def slow(*args: Any) -> None:
        monkeypatch.undo()
        await ana.do("/delete", {"tripId": trip_id})
        await remove(*args)

    monkeypatch.setattr(running.server.store, "index_remove", slow)
    await ana.do("/restore", {"tripId": trip_id})
    assert [t["id"] for t in await deleted(ana)] == [trip_id]


# R: T6 T9
async def test_what_one_process_deletes_another_brings_back_before_it_has_heard_of_it(tmp_path: Path):
    async with two_servers(tmp_path) as (one, two), connected(one.url) as here, connected(two.url) as there:
        made, (ana, ben) = await crew(here, 2)
        trip_id, there_ana, there_ben = made["trip"]["id"], Person(there, ana.token), Person(there, ben.token)
        assert (await there_ben.trip(trip_id)).status_code == 200
        await ana.do("/delete", {"tripId": trip_id})
        assert [t["id"] for t in await deleted(there_ana)] == [trip_id]
        await there_ana.do("/restore", {"tripId": trip_id})
        assert await deleted(ana) == []
        assert await mine(ben) == await mine(there_ben) == [trip_id]
        assert (await ben.trip(trip_id)).status_code == 200


# R: T6 T9
@pytest.mark.parametrize("in_time", [True, False])
async def test_of_all_processes_that_bring_a_trip_back_at_its_end_one_does_or_none(tmp_path: Path, in_time: bool):
    passed = 0.0
    store = SqliteStore(tmp_path / "store.sqlite", clock=StoreClock(monotonic=lambda: passed), synchronous="NORMAL")
    async with two_hubs(store) as (one, two):
        name, _, _ = await trip_of(one, ["ana", "ben"])
        await two.topic(name)
        await one.execute(name, trip.Command(one.new_id(), "ana", trip.DeleteTrip()))
        passed += (RESTORABLE - timedelta(seconds=1 if in_time else 0)).total_seconds()
        done = await asyncio.gather(
            *(
                hub.execute(name, trip.Command(hub.new_id(), who, trip.RestoreTrip()))
                for hub in (one, two) * 5
                for who in ("ana", "ben")
            ),
            return_exceptions=True,
        )
        refused = [d.code for d in done if isinstance(d, Refused)]
        events = (await store.read(name, -1, 100)).events  # type: ignore[union-attr]
        restored = sum(b"TripRestored" in e.body for e in events)
        assert restored == (1 if in_time else 0)
        assert len(refused) == (10 if in_time else 20)
        assert set(refused) <= {"trip-ended", "not-organiser"}


# R: T5
async def test_a_hotel_that_was_taken_off_is_seen_by_everybody_and_brought_back(
    http: httpx.AsyncClient, running: Running
):
    made, (ana, ben) = await crew(http, 2)
    body = {"name": "Casa Azul", "city": "Lisbon", "stars": 4, "pricePerNight": {"amount": 8400, "currency": "EUR"}}
    on = {"tripId": made["trip"]["id"]}
    hotel = (await ben.do("/hotels/shortlist", on | body))["trip"]["hotels"][0]
    off = (await ben.do("/hotels/unshortlist", on | {"hotelId": hotel["id"]}))["trip"]
    assert (off["hotels"], off["dropped"][0]["hotel"]["name"]) == ([], "Casa Azul")
    assert (off["dropped"][0]["by"], off["dropped"][0]["name"]) == (ben.id, "Person 1")
    back = (await ana.do("/hotels/restore", on | {"hotelId": hotel["id"]}))["trip"]
    assert (back["hotels"], back["dropped"]) == ([hotel], [])
