"""Three server processes over one Valkey: for everybody outside they are one server."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from tests.conftest import Count, Figure
from tests.support.cluster import RoundRobin, doors
from tests.support.members import crowd_of, is_live
from tests.support.people import Person, connected, eventually
from tests.support.serving import ServerProcess, served
from tests.support.uncompared import Uncompared
from tests.support.valkey import ValkeyProcess

from roadcrew_client import Change, Client, ClientSettings, LiveTrip
from roadcrew_domain.trip import EditTrip
from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.redis import RedisStore

VOTERS, JOINERS = 100, 200
SERVERS = 3


# --- many at once ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What became of so many votes and so many joins in the same instant."""

    refused: int
    votes: int
    joined: int
    doubled: int


async def people_of(front: httpx.AsyncClient, count: int) -> list[Person]:
    at_once = asyncio.Semaphore(30)

    async def guest(n: int) -> Person:
        async with at_once:
            return await Person.guest(front, f"Person {n}")

    return list(await asyncio.gather(*map(guest, range(count))))


@dataclass(frozen=True)
class Scene:
    """A trip with an open poll. A hundred are members and vote, two hundred have the invite and join."""

    ana: Person
    voters: Sequence[Person]
    joiners: Sequence[Person]
    trip_id: str
    invite: str
    poll: str
    options: Sequence[str]

    @classmethod
    async def of(cls, people: Sequence[Person]) -> Self:
        """A new one."""
        ana, voters, joiners = people[0], people[1 : VOTERS + 1], people[VOTERS + 1 :]
        made = await ana.create()
        trip_id, invite = made["trip"]["id"], made["invite"]["code"]
        await asyncio.gather(*(p.do("/join", {"invite": invite}) for p in voters))
        question = {"tripId": trip_id, "question": "When?", "kind": "single", "options": ["May", "June"]}
        poll = (await ana.do("/polls", question))["trip"]["polls"][0]
        return cls(ana, voters, joiners, trip_id, invite, poll["id"], [o["id"] for o in poll["options"]])

    async def happen(self) -> int:
        """All vote and join at once; how many were refused."""
        votes = [
            p.post("/polls/vote", {"tripId": self.trip_id, "pollId": self.poll, "optionIds": [self.options[n % 2]]})
            for n, p in enumerate(self.voters)
        ]
        answers = await asyncio.gather(*votes, *(p.post("/join", {"invite": self.invite}) for p in self.joiners))
        return sum(not a.is_success for a in answers)

    def outcome(self, refused: int, trip: Any) -> Outcome:
        """What a trip says of it."""
        wanted = [{p.id for p in self.voters[n::2]} for n in range(2)]
        votes = [set(o["votes"]) for o in trip["polls"][0]["options"]]
        members = Counter(m["id"] for m in trip["members"])
        return Outcome(
            refused=refused,
            votes=sum(len(w & v) for w, v in zip(wanted, votes, strict=True)),
            joined=sum(p.id in members for p in self.joiners),
            doubled=sum(n - 1 for n in members.values()) + len(votes[0] & votes[1]),
        )


async def all_at_once(people: Sequence[Person], each: Sequence[httpx.AsyncClient]) -> Outcome:
    """Fails unless all servers agree, by the byte, and have told everybody each vote and each join once."""
    scene = await Scene.of(people)
    anas = [Person(http, scene.ana.token) for http in each]
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(a.stream(scene.trip_id)) for a in anas]
        for stream in streams:
            await stream.next("reset")
        refused = await scene.happen()
        trip = json.loads(await agreed(anas, scene.trip_id))["trip"]
        await eventually(lambda: len({len(s.events()) for s in streams}) == 1, "the same events everywhere", 10)
    logs = [s.events() for s in streams]
    assert all(log == logs[0] for log in logs)
    did = Counter((e["type"], e["by"]) for e in logs[0] if e["type"] in ("VoteCast", "MemberJoined"))
    assert did == Counter(
        [*(("VoteCast", p.id) for p in scene.voters), *(("MemberJoined", p.id) for p in scene.joiners)]
    )
    return scene.outcome(refused, trip)


async def agreed(anas: Sequence[Person], trip_id: str) -> bytes:
    """The trip, once all servers say the same of it."""
    async with asyncio.timeout(10):
        while True:
            answers = {(await a.trip(trip_id)).content for a in anas}
            if len(answers) == 1:
                return answers.pop()
            await asyncio.sleep(0.02)


# R: T9 T10
@pytest.mark.timeout(600)
async def test_a_hundred_votes_and_two_hundred_joins_at_once_on_three_processes_are_all_there_once(
    three_servers: Sequence[ServerProcess], count: Count, figure: Figure
):
    rounds = count(reduced=1, full=50)
    async with doors([s.url for s in three_servers]) as (front, each):
        people = await people_of(front, 1 + VOTERS + JOINERS)
        began = time.perf_counter()
        for _ in range(rounds):
            assert await all_at_once(people, each) == Outcome(0, VOTERS, JOINERS, 0)
        figure("rounds of 100 votes and 200 joins at once on 3 processes, 0 lost, 0 doubled", rounds)
        figure("seconds a round", f"{(time.perf_counter() - began) / rounds:.1f}")


# R: T9
@pytest.mark.only_full  # tests/server/test_concurrency.py has a control in an ordinary run too
async def test_the_control_without_compare_and_append_does_lose_votes(
    shared_valkey: ValkeyProcess, tmp_path: Path, figure: Figure
):
    async with AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(served(tmp_path, store=Uncompared.at(shared_valkey.url)))
            for _ in range(SERVERS)
        ]
        async with doors([r.url for r in running]) as (front, _):
            scene = await Scene.of(await people_of(front, 1 + VOTERS + JOINERS))
            refused = await scene.happen()
        truth = RedisStore(address_of(shared_valkey.url))
        async with served(tmp_path, store=truth) as fresh, connected(fresh.url) as http:
            answer = await Person(http, scene.ana.token).trip(scene.trip_id)
            outcome = scene.outcome(refused, answer.json()["trip"])
    figure("votes lost of 100, joins of 200, by the control", f"{VOTERS - outcome.votes}, {JOINERS - outcome.joined}")
    assert outcome.votes < VOTERS


# R: T2 T9
async def test_who_joined_on_one_process_is_never_told_by_another_that_they_are_no_member(
    three_servers: Sequence[ServerProcess], count: Count, figure: Figure
):
    joiners = count(reduced=20, full=300)
    async with doors([s.url for s in three_servers]) as (front, each), AsyncExitStack() as stack:
        ana = await Person.guest(front, "Ana")
        made = await ana.create()
        trip_id = made["trip"]["id"]
        for http in each:  # so that each process has its copy
            stream = await stack.enter_async_context(Person(http, ana.token).stream(trip_id))
            await stream.next("reset")
        for n in range(joiners):
            ben = await Person.guest(front, f"Ben {n}")
            await Person(each[n % 3], ben.token).do("/join", {"invite": made["invite"]["code"]})
            others = [Person(each[(n + k) % 3], ben.token) for k in (1, 2)]
            answers = await asyncio.gather(
                *(o.trip(trip_id) for o in others),
                *(o.poll(trip_id) for o in others),
                *(o.post("/update", {"tripId": trip_id, "destination": f"Place {n}"}) for o in others),
            )
            assert {a.status_code for a in answers[:4]} == {200}
            assert all(a.json().get("code") != "not-a-member" for a in answers)
    figure("asked of another process right after a join, never told to be no member", joiners * 6)


# --- leaving ---------------------------------------------------------------------------------------


class Log:
    """The numbers of all events that somebody was told from now on."""

    def __init__(self, live: LiveTrip) -> None:
        self.live = live
        self.seqs: list[int] = []
        self.resets = 0
        live.listen(self._heard)

    def _heard(self, change: Change) -> None:
        self.seqs += [e.seq for e in change.events]
        self.resets += change.kind == "reset"

    def is_at(self, head: int) -> bool:
        """Whether they have read so far."""
        return bool(self.seqs) and self.seqs[-1] == head

    @property
    def whole_and_once(self) -> bool:
        """Without a gap, without a double, and without having had to begin anew."""
        return self.resets == 0 and self.seqs == list(range(self.seqs[0], self.seqs[-1] + 1))


# R: S8 T12
@pytest.mark.timeout(300)
async def test_clients_of_a_server_that_is_told_to_end_are_back_on_the_others_and_miss_nothing(
    three_servers: Sequence[ServerProcess], count: Count, figure: Figure
):
    size = count(reduced=50, full=500)
    leaving, *staying = three_servers
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(RoundRobin([leaving.url]))
        ana = await stack.enter_async_context(Client(staying[0].url))
        await ana.guest("Ana")
        lives = await stack.enter_async_context(crowd_of(size, proxy.url, ana, ClientSettings()))
        logs = [Log(live) for live in lives]
        proxy.backends += [s.url for s in staying]
        stack.push_async_callback(asyncio.to_thread, leaving.start)
        began = time.perf_counter()
        ending = asyncio.create_task(asyncio.to_thread(leaving.terminate))
        trips = {live.trip_id for live in lives}
        for trip_id in trips:
            await ana.do(trip_id, EditTrip(name="While it ends"))
        assert await ending == 0
        took = time.perf_counter() - began
        figure(f"seconds in which a server with {size} idle streams ends", f"{took:.1f}")
        for trip_id in trips:
            await ana.do(trip_id, EditTrip(name="After it"))
        heads = {trip_id: (await ana.trip(trip_id)).recent[-1].seq for trip_id in trips}
        for log in logs:
            await eventually(partial(log.is_at, heads[log.live.trip_id]), "the last event", 30)
        figure("seconds until all were in sync again on other processes", f"{time.perf_counter() - began:.1f}")
        assert all(log.whole_and_once for log in logs)
        await eventually(lambda: all(map(is_live, lives)), "all of them live", 30)
    assert took < 5
