"""Quote runs on three server processes over one Valkey: whichever dies, all see the same run, once, to its end."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from tests.conftest import Count, Figure
from tests.support.cluster import RoundRobin, started
from tests.support.counting_api import CountingApi, counting_api
from tests.support.people import Frame, Person, connected, eventually
from tests.support.runs import followed, polled
from tests.support.serving import ServerProcess
from tests.support.valkey import ValkeyProcess

from roadcrew_client import Client, ClientSettings, LiveRun

VIN = "1HGCM82633A004352"
GOES_ON = 30.0
"""Seconds in which a run whose process died goes on, or is called interrupted (Q7)."""
PATIENCE = 60.0


async def ask(person: Person, trip: str | None = None) -> str:
    """A new run for a vehicle."""
    begins = date.today() + timedelta(days=30)  # noqa: DTZ011 - far enough from any midnight
    body = {"kind": "vehicle", "vin": VIN, "drivers": [{"age": 40}]}
    dates = {"from": begins.isoformat(), "to": (begins + timedelta(days=2)).isoformat()}
    answer = await person.do("/api/quotes", {**body, **dates, **({"tripId": trip} if trip else {})})
    run: str = answer["runId"]
    return run


@contextlib.asynccontextmanager
async def servers_with(
    place: Path, valkey: ValkeyProcess, seconds: dict[str, float], **settings: Any
) -> AsyncIterator[tuple[Sequence[ServerProcess], CountingApi]]:
    """Three processes that ask the providers of one API, each of which takes so many seconds."""
    async with counting_api() as api:
        file = api.providers(place, seconds)
        running = started(place, [valkey.url] * 3, quotes=file, store_prefix=place.name, heartbeat=1, **settings)
        try:
            yield await asyncio.to_thread(running.__enter__), api
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)


@dataclass
class Watcher:
    """Somebody who follows a run by its numbers through their own door, and comes back with the last one they have."""

    person: Person
    door: RoundRobin
    run: str
    frames: list[Frame] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    came_back: int = -1

    async def watch(self) -> None:
        """Until it is over."""
        while not self.is_over:
            with contextlib.suppress(httpx.HTTPError, EOFError, TimeoutError):
                self.came_back += 1
                await self._follow(f"/api/quotes/{self.run}/stream")
            await asyncio.sleep(0.1)

    async def _follow(self, path: str) -> None:
        last = self.frames[-1].id if self.frames else ""
        async with followed(self.person, path, last_event_id=last) as stream:
            while not self.is_over:
                frame = await stream.next(seconds=PATIENCE)
                if frame.id:
                    self.frames.append(frame)
                    self.times.append(time.monotonic())

    @property
    def is_over(self) -> bool:
        return bool(self.frames) and self.frames[-1].kind in ("finished", "interrupted")

    def seen(self, kind: str) -> int:
        return sum(frame.kind == kind for frame in self.frames)

    def numbers(self) -> list[int]:
        return [int(frame.id) for frame in self.frames]


@dataclass
class Crew:
    """Three members of a trip, each at a process of their own: as real clients, and as plain readers."""

    servers: Sequence[ServerProcess]
    doors: list[RoundRobin]
    people: list[Person]
    clients: list[Client]
    trip: str

    @classmethod
    async def gathered(cls, servers: Sequence[ServerProcess], stack: AsyncExitStack) -> Self:
        """At new doors."""
        doors = [await stack.enter_async_context(RoundRobin([server.url])) for server in servers]
        clients = [Client(door.url, settings=ClientSettings()) for door in doors]
        for n, client in enumerate(clients):
            stack.push_async_callback(client.close)
            await client.guest(f"Person {n}")
        made = await clients[0].create_trip("Lisbon")
        for client in clients[1:]:
            await client.join(made.invite.code)
        people = [
            await Person.guest(await stack.enter_async_context(connected(door.url)), f"Reader {n}")
            for n, door in enumerate(doors)
        ]
        for person in people:
            await person.do("/join", {"invite": made.invite.code})
        return cls(servers, doors, people, clients, made.trip.id)

    def elsewhere(self, dead: int) -> None:
        """What a load balancer does about a process that is away."""
        self.doors[dead].backends = [self.servers[(dead + 1) % len(self.servers)].url]
        self.doors[dead].drop()

    def back(self, dead: int) -> None:
        """It is there again."""
        self.doors[dead].backends = [self.servers[dead].url]


SECONDS = {"p0": 0.2, "p1": 0.4, "p2": 0.6, "p3": 5.0, "p4": 6.0, "p5": 7.0}
QUICK, SLOW = ("p0", "p1", "p2"), ("p3", "p4", "p5")


# R: Q3 Q4 Q7
@pytest.mark.timeout(900)
async def test_three_watchers_see_a_run_go_on_when_its_process_is_killed_and_who_answered_is_not_asked_again(
    shared_valkey: ValkeyProcess, tmp_path: Path, count: Count, figure: Figure
):
    rounds = count(reduced=1, full=6)
    waited: list[float] = []
    async with AsyncExitStack() as stack:
        servers, api = await stack.enter_async_context(servers_with(tmp_path, shared_valkey, SECONDS))
        crew = await Crew.gathered(servers, stack)
        for number in range(rounds):
            waited.append(await killed_half_way(crew, api, number % 3, stop=number % 2 == 1))
    figure("runs whose process was killed or stopped half-way", rounds)
    figure(
        "seconds until another process went on, median and most", f"{sorted(waited)[rounds // 2]:.1f} {max(waited):.1f}"
    )


async def killed_half_way(crew: Crew, api: CountingApi, doomed: int, *, stop: bool) -> float:
    """The process that does the run is killed, or (`stop`) stands still until the run is over. Seconds until another
    goes on."""
    api.asked.clear()
    api.answered.clear()
    server = crew.servers[doomed]
    run = await ask(crew.people[doomed], crew.trip)
    watchers = [Watcher(person, door, run) for person, door in zip(crew.people, crew.doors, strict=True)]
    lives = [client.follow_run(f"quote:{run}") for client in crew.clients]
    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        for live in lives:
            await live.start()
            stack.push_async_callback(live.stop)
        for watcher in watchers:
            group.create_task(watcher.watch())
        await eventually(lambda: all(w.seen("result") == 3 for w in watchers), "three prices everywhere", 10)
        await eventually(lambda: all(priced(live) == 3 for live in lives), "three prices on all screens", 10)
        assert dict(api.asked) == dict.fromkeys(SECONDS, 1)
        await asyncio.to_thread(server.pause if stop else server.kill)
        dead_at = time.monotonic()
        crew.elsewhere(doomed)
        await eventually(lambda: all(w.is_over for w in watchers), "the end of the run", PATIENCE, every=0.05)
        await eventually(lambda: all(status_of(live) == "finished" for live in lives), "the end on all screens", 10)
        if stop:
            server.resume()
            await asyncio.sleep(2)  # it wakes, and writes what it had to say: nothing may come of it
    agree(watchers, lives)
    again = [w.times[[f.kind for f in w.frames].index("runner", 3)] - dead_at for w in watchers]
    assert max(again) < GOES_ON
    assert {name: api.asked[name] for name in QUICK} == dict.fromkeys(QUICK, 1)
    assert {name: api.asked[name] for name in SLOW} == dict.fromkeys(SLOW, 2)
    log = (await polled(crew.people[(doomed + 1) % 3], f"/api/quotes/{run}/stream")).json()["events"]
    results = Counter(e["data"]["provider"] for e in log if e["type"] == "QuoteResult")
    assert results == dict.fromkeys(SECONDS, 1)
    assert [e["type"] for e in log].count("RunnerStarted") == 2
    if not stop:
        await asyncio.to_thread(server.start)
    crew.back(doomed)
    return max(again)


def agree(watchers: Sequence[Watcher], lives: Sequence[LiveRun]) -> None:
    """Each was told each event once, in order, whatever was cut; and all see the same."""
    for watcher in watchers:
        assert watcher.numbers() == list(range(len(watcher.frames)))
        assert [f.data for f in watcher.frames] == [f.data for f in watchers[0].frames]
    assert max(w.came_back for w in watchers) >= 1
    answers = [dict(live.state.answers.items()) for live in lives]  # type: ignore[union-attr]
    assert answers[0] == answers[1] == answers[2]


def priced(live: LiveRun) -> int:
    return 0 if live.state is None else sum(a.state == "priced" for a in live.state.answers.values())  # type: ignore[union-attr]


def status_of(live: LiveRun) -> str:
    return "" if live.state is None else live.state.status


# R: Q3
@pytest.mark.timeout(300)
async def test_a_run_of_100_events_goes_on_at_11_on_another_process_after_its_own_is_gone(
    shared_valkey: ValkeyProcess, tmp_path: Path
):
    many = {f"p{n}": 0.01 * n for n in range(32)}
    async with AsyncExitStack() as stack:
        # A topic leaves memory a second after nobody uses it: what is read then, is read from the store.
        servers, api = await stack.enter_async_context(
            servers_with(tmp_path, shared_valkey, many, idle_topic=1, ring=10, snapshot_every=20)
        )
        first, second, third = [await stack.enter_async_context(connected(s.url)) for s in servers]
        ana = await Person.guest(first, "Ana")
        run = await ask(ana)
        path = f"/api/quotes/{run}/stream"
        async with followed(ana, path) as stream:
            await stream.next("finished", seconds=30)
        for choice in ({"provider": "p0"}, {"provider": "p1"}):
            await ana.do(f"/api/quotes/{run}/vote", {"choice": choice})
        log = (await polled(ana, path)).json()["events"]
        log += (await polled(ana, path, after=log[-1]["seq"])).json()["events"]
        assert len(log) >= 100
        assert set(api.asked.values()) == {1}
        await asyncio.to_thread(servers[0].kill)
        await asyncio.sleep(1.5)
        for http in (second, third):
            elsewhere = Person(http, ana.token)
            async with followed(elsewhere, path, last_event_id="10") as stream:
                await stream.until(lambda f: f.id == str(len(log) - 1))
                assert [f.data for f in stream.frames] == log[11:]
                assert stream.frames[0].id == "11"
            batch = (await polled(elsewhere, path, after=10)).json()["events"]
            assert batch == log[11:111]


# R: Q3
@pytest.mark.timeout(300)
async def test_a_run_that_is_no_longer_kept_is_a_404_of_its_own_on_every_process(
    shared_valkey: ValkeyProcess, tmp_path: Path
):
    kept = 4.0
    async with AsyncExitStack() as stack:
        servers, _ = await stack.enter_async_context(
            servers_with(tmp_path, shared_valkey, {"p0": 0.1}, quote_hours=kept / 3600)
        )
        doors = [await stack.enter_async_context(connected(s.url)) for s in servers]
        ana = await Person.guest(doors[0], "Ana")
        began = time.monotonic()
        run = await ask(ana)
        path = f"/api/quotes/{run}/stream"
        async with followed(ana, path) as stream:
            await stream.next("finished")
            while time.monotonic() - began < kept / 2:
                for http in doors:
                    assert (await polled(Person(http, ana.token), path)).status_code == 200
            frames = await stream.end(kept + 5)
            assert [f.kind for f in frames[-2:]] == ["expired", "gone"]
        for http in doors:
            for what in (path, f"/api/quotes/{run}"):
                answer = await polled(Person(http, ana.token), what)
                assert (answer.status_code, answer.json()["code"]) == (404, "quote-run-expired")
        unknown = await polled(ana, "/api/quotes/00000000-0000-4000-8000-000000000000")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-quote-run")
