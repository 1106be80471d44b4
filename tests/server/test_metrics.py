"""Each figure of `/metrics` moves when what it counts happens, by as much as happened, and names nobody."""

import asyncio
import re
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.people import Person, connected, crew, eventually
from tests.support.serving import Running, served

from roadcrew_server.app import ENDPOINTS
from roadcrew_server.first_use import WITHIN, FirstUses
from roadcrew_server.stores.base import Hint, StoreBusy, StoreUnavailable
from roadcrew_server.stores.sqlite import SqliteStore

Figures = dict[tuple[str, ...], float]


async def figures(http: httpx.AsyncClient) -> Figures:
    """All samples by their names and labels' values."""
    text = (await http.get("/metrics")).text
    return {(s.name, *s.labels.values()): s.value for f in text_string_to_metric_families(text) for s in f.samples}


class Since:
    """What was counted since this was made."""

    def __init__(self, http: httpx.AsyncClient, before: Figures) -> None:
        self._http = http
        self._before = before

    @classmethod
    async def now(cls, http: httpx.AsyncClient) -> "Since":
        return cls(http, await figures(http))

    async def moved(self, *names: str) -> float:
        return (await figures(self._http)).get(names, 0) - self._before.get(names, 0)


# R: C10
async def test_requests_are_counted_by_route_and_status_and_nothing_from_outside_is_a_label(
    http: httpx.AsyncClient, running: Running
):
    made, people = await crew(http, 2)
    trip = made["trip"]["id"]
    since = await Since.now(http)
    await people[1].post("/update", {"tripId": trip, "name": ""})
    await http.get(f"/j/{made['invite']['code']}")
    for n in range(3):
        await http.get(f"/secret-{n}")
        await http.request("PROPFIND", "/healthz")
        await http.put("/healthz")
        await http.get(f"/j/secret-{n}", headers={"Accept": "application/json"})
    assert await since.moved("roadcrew_requests_total", "POST", "/api/social-cart/update", "422") == 1
    assert await since.moved("roadcrew_requests_total", "GET", "/j/{code}", "200") == 1
    assert await since.moved("roadcrew_requests_total", "GET", "other", "404") == 3
    assert await since.moved("roadcrew_requests_total", "other", "other", "405") == 6
    text = (await http.get("/metrics")).text
    for secret in (trip, people[0].id, made["invite"]["code"], "Person", "secret", "PROPFIND", "PUT"):
        assert secret not in text
    routes = {s.labels["route"] for f in text_string_to_metric_families(text) for s in f.samples if "route" in s.labels}
    assert routes <= {e.path for e in ENDPOINTS} | {"other"}


# R: C10
async def test_streams_events_and_commands_are_counted(http: httpx.AsyncClient, running: Running):
    since = await Since.now(http)
    made, people = await crew(http, 2)
    async with people[0].stream(made["trip"]["id"]) as stream:
        await stream.next("reset")
        await stream.next("presence")
        await people[1].post("/update", {"tripId": made["trip"]["id"], "name": ""})
        assert await since.moved("roadcrew_streams") == 1
        assert await since.moved("roadcrew_frames_sent_total") == 2
    assert await since.moved("roadcrew_streams_opened_total") == 1
    assert await since.moved("roadcrew_events_total", "MemberJoined") == 1
    assert await since.moved("roadcrew_commands_total") == 2
    assert await since.moved("roadcrew_refusals_total") == 1
    assert await since.moved("roadcrew_topics") == 1
    assert await since.moved("roadcrew_problems_total", "text-missing") == 1
    assert await since.moved("roadcrew_append_seconds_count") == 2
    assert 0 < await since.moved("roadcrew_append_seconds_sum") < 5
    assert await since.moved("roadcrew_request_seconds_count") > 5
    await eventually(lambda: not len(running.server.streams), "the end of the stream")
    assert await since.moved("roadcrew_streams") == 0


# R: C10 T10
async def test_a_reader_whose_place_is_lost_is_told_apart_from_a_new_one(http: httpx.AsyncClient, running: Running):
    ana = await Person.guest(http, "Ana")
    one, other = (await ana.create())["trip"]["id"], (await ana.create())["trip"]["id"]
    since = await Since.now(http)
    cursor = (await ana.poll(one)).json()["cursor"]
    assert (await ana.poll(one, cursor=cursor)).status_code in (200, 204)
    assert await since.moved("roadcrew_resets_total", "new") == 1
    assert await since.moved("roadcrew_resets_total", "lost") == 0
    topic = running.server.hub.topics[f"trip:{one}"]
    topic.epoch = f"{topic.epoch}x"  # as if it had been restored from a backup
    assert (await ana.poll(one, other, cursor=cursor)).json()["resets"]
    assert await since.moved("roadcrew_resets_total", "new") == 2
    assert await since.moved("roadcrew_resets_total", "lost") == 1


# R: C10 T4
async def test_conflicts_and_reloads_are_counted(http: httpx.AsyncClient, running: Running):
    made, (ana, ben) = await crew(http, 2)
    trip = made["trip"]["id"]
    topic = running.server.hub.topics[f"trip:{trip}"]
    since = await Since.now(http)
    topic.epoch = f"{topic.epoch}x"
    await ana.do("/update", {"tripId": trip, "name": "Porto"}, key=str(uuid.uuid4()))
    assert await since.moved("roadcrew_conflicts_total") == 1
    assert await since.moved("roadcrew_reloads_total") == 1
    assert ben.id in (await ana.trip(trip)).text


# R: C10
async def test_snapshots_are_counted(tmp_path: Path):
    async with served(tmp_path, snapshot_every=3) as running, connected(running.url) as http:
        since = await Since.now(http)
        ana = await Person.guest(http, "Ana")
        trip = (await ana.create())["trip"]["id"]
        for name in ("Porto", "Faro", "Evora"):
            await ana.do("/update", {"tripId": trip, "name": name})
        await eventually(lambda: running.server.hub.counters.snapshots, "a snapshot")
        assert await since.moved("roadcrew_snapshots_total") == 1


# R: C10 T9
async def test_what_the_store_fails_and_hints_that_are_lost_are_counted(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with served(tmp_path, store=store) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        trip = (await ana.create())["trip"]["id"]
        since = await Since.now(http)
        append = store.append

        async def failing(*_: Any, **__: Any) -> Any:
            raise StoreBusy("full")

        store.append = failing  # type: ignore[method-assign]
        assert (await ana.post("/update", {"tripId": trip, "name": "Porto"})).status_code == 503
        store.append = append  # type: ignore[method-assign]
        assert await since.moved("roadcrew_store_errors_total", "StoreBusy") == 1
        assert await since.moved("roadcrew_problems_total", "unavailable") == 1
        assert await since.moved("roadcrew_append_seconds_count") == 0
        await running.server.hub._take_hint(Hint("lost"))
        assert await since.moved("roadcrew_hints_lost_total") == 1
        await store.close()
        with pytest.raises(StoreUnavailable):
            await running.server.store.ping()
        assert await since.moved("roadcrew_store_errors_total", "StoreUnavailable") >= 1


# R: C10
async def test_a_process_that_stood_still_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roadcrew_server.hub.STALL", 0.1)
    async with served(tmp_path) as running, connected(running.url) as http:
        before = (await Since.now(http)), running.server.hub.counters.stalls
        time.sleep(0.2)  # noqa: ASYNC251 - nothing runs meanwhile, as when a process is stopped
        await eventually(lambda: running.server.hub.counters.stalls > before[1], "the stall")
        assert await before[0].moved("roadcrew_stalls_total") >= 1


# R: C10 C4
async def test_how_long_a_session_took_to_be_good_and_how_often_it_was_tried(tmp_path: Path):
    async with served(tmp_path, session_delay=0.3) as running, connected(running.url) as http:
        since = await Since.now(http)
        ana = await Person.guest(http, "Ana")
        tries = 0
        while (await ana.get("/api/session")).status_code == 401:
            tries += 1
            await asyncio.sleep(0.05)
        for _ in range(3):
            assert (await ana.get("/api/session")).status_code == 200
        assert await since.moved("roadcrew_sessions_issued_total", "new") == 1
        assert await since.moved("roadcrew_session_establishment_seconds_count") == 1
        assert 0.3 <= await since.moved("roadcrew_session_establishment_seconds_sum") < 5
        assert await since.moved("roadcrew_sessions_not_ready_total") == tries > 0
        assert await since.moved("roadcrew_problems_total", "session-not-ready") == tries
        again = Person.of(http, (await ana.post("/api/session/renew")).json())
        assert (await again.get("/api/session")).status_code == 200
        assert await since.moved("roadcrew_sessions_issued_total", "renewed") == 1
        assert await since.moved("roadcrew_session_establishment_seconds_count") == 1


# R: C10 C4
async def test_the_first_use_of_a_session_is_counted_by_one_process_of_several(running: Running):
    store, seen = running.server.store, list[float]()
    processes = [FirstUses(store, seen.append) for _ in range(3)]
    now = store.now()
    for process in (*processes, *processes):
        process.used("hash", now - timedelta(seconds=2))
        process.used("old", now - WITHIN - timedelta(seconds=1))
        process.used("from a clock ahead", now + timedelta(seconds=5))
    for process in processes:
        await process.stop()
    assert len(seen) == 1
    assert 2 <= seen[0] < 3


# R: C10
async def test_the_operating_guide_explains_every_figure_and_no_other(http: httpx.AsyncClient, running: Running):
    ana = await Person.guest(http, "Ana")
    await ana.create()
    text = (await http.get("/metrics")).text
    named = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(text)
        if family.name.startswith("roadcrew_")
    } - {"roadcrew_session_establishment_seconds_created"}
    guide = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")
    about = guide.partition("\n## Watching it\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"roadcrew_[a-z_]+", about)) == {n for n in named if not n.endswith("_created")}
