"""Whatever happens to three servers and their Valkey, what was acknowledged is there, and everybody sees the same.

Bounded in count and time; on this computer only. The clocks of the servers are an hour apart from each other all the
while. No server is told or started by hand but those that were killed.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import Count, Figure
from tests.support.chaos import FAULTS, Scene
from tests.support.cluster import RoundRobin, linked, started, through
from tests.support.members import is_live
from tests.support.people import Person, connected, eventually
from tests.support.valkey import ValkeyProcess

from roadcrew_client import Change, Client, ClientSettings, LiveTrip, Pending
from roadcrew_domain.trip import EditTrip
from roadcrew_domain.views import encode_trip
from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.redis import RedisStore

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

SKEWS = (0, 3600, -3600)
"""Seconds."""
WRITERS, TRIPS = 6, 2
PATIENT = ClientSettings(backoff_base=0.05, backoff_cap=0.5, outage_spread=0.0)
SKEWED = str(Path(__file__).parent.parent / "support" / "skewed_server.py")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    place = tmp_path_factory.mktemp("chaos")
    async with AsyncExitStack() as stack:
        valkey = ValkeyProcess(place / "valkey")
        await asyncio.to_thread(valkey.start)
        stack.push_async_callback(asyncio.to_thread, valkey.stop)
        links = await stack.enter_async_context(linked(valkey.url, len(SKEWS)))
        starting = started(
            place,
            [through(valkey.url, link) for link in links],
            programs=[("-P", SKEWED, str(skew)) for skew in SKEWS],
            snapshot_every=1_000_000,  # so that the store has the whole log in the end
        )
        servers = await asyncio.to_thread(starting.__enter__)
        stack.push_async_callback(asyncio.to_thread, starting.__exit__, None, None, None)
        front = await stack.enter_async_context(RoundRobin(s.url for s in servers))
        yield Scene(servers, front, links, valkey)


# --- clocks ----------------------------------------------------------------------------------------


# R: T5 T9
async def test_servers_whose_clocks_are_two_hours_apart_close_a_poll_at_the_same_time(scene: Scene):
    async with AsyncExitStack() as stack:
        each = [await stack.enter_async_context(connected(s.url)) for s in scene.servers]
        ana = await Person.guest(each[1], "Ana")
        true, ahead, behind = (Person(http, ana.token) for http in each)
        trip_id = (await ahead.create())["trip"]["id"]
        closes = datetime.now(UTC) + timedelta(seconds=1.5)
        question = {"tripId": trip_id, "question": "When?", "kind": "single", "options": ["May", "June"]}
        made = await behind.do("/polls", question | {"closesAt": closes.isoformat()})
        poll = made["trip"]["polls"][0]
        vote = {"tripId": trip_id, "pollId": poll["id"], "optionIds": [poll["options"][0]["id"]]}
        for person in (true, ahead, behind):
            assert (await person.post("/polls/vote", vote)).status_code == 200
        async with true.stream(trip_id) as stream:
            closed = await stream.until(lambda f: f.kind == "event" and f.data["type"] == "PollClosed")
        assert abs(datetime.fromisoformat(closed.data["at"]) - closes) < timedelta(seconds=1)
        for person in (true, ahead, behind):
            assert (await person.post("/polls/vote", vote)).json()["code"] == "poll-closed"


# --- a pause ---------------------------------------------------------------------------------------


# R: T3 T9 S9
async def test_a_server_that_was_stopped_for_a_while_decides_and_answers_nothing_on_old_state(scene: Scene):
    paused, other = scene.servers[0], scene.servers[1]
    async with connected(paused.url) as here, connected(other.url) as there, AsyncExitStack() as stack:
        ana, ben, carla = [await Person.guest(here, name) for name in ("Ana", "Ben", "Carla")]
        made = await ana.create()
        trip_id, invite = made["trip"]["id"], {"invite": made["invite"]["code"]}
        await ben.do("/join", invite)
        await carla.do("/join", invite)
        streams = {p.id: await stack.enter_async_context(p.stream(trip_id)) for p in (ben, carla)}
        for stream in streams.values():
            await stream.next("reset")
        paused.pause()
        try:
            began = time.monotonic()
            await Person(there, ana.token).do("/remove-member", {"tripId": trip_id, "memberId": ben.id})
            await Person(there, ana.token).do("/update", {"tripId": trip_id, "name": "Porto"})
            await Person(there, carla.token).request("DELETE", "/api/session")
            asking = [
                asyncio.create_task(ask)
                for ask in (
                    ana.trip(trip_id),
                    ben.trip(trip_id),
                    ben.post("/update", {"tripId": trip_id, "name": "Mine"}),
                    carla.trip(trip_id),
                )
            ]
            await asyncio.sleep(max(0.0, began + 2 - time.monotonic()))
        finally:
            paused.resume()
        seen, read, changed, signed_out = await asyncio.gather(*asking)
        assert seen.json()["trip"]["name"] == "Porto"
        assert read.json()["code"] == "not-a-member"
        assert changed.json()["code"] == "not-a-member"
        assert signed_out.json()["code"] == "not-signed-in"
        frames = await streams[ben.id].end()
        assert [(f.kind, f.data.get("type")) for f in frames[-2:]] == [("event", "MemberRemoved"), ("gone", None)]
        assert (await streams[carla.id].end())[-1].kind == "bye"


# --- faults under load -----------------------------------------------------------------------------


@dataclass
class Writer:
    """Somebody who changes a trip again and again and follows it, by whichever server; what they were told."""

    name: str
    client: Client
    live: LiveTrip
    pause: float
    sent: list[Pending] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.live.listen(self._heard)

    def _heard(self, change: Change) -> None:
        self.seqs += [e.seq for e in change.events]
        self.commands += [e.command for e in change.events]

    @property
    def read(self) -> int:
        """The number of the last event that they were told."""
        return self.seqs[-1] if self.seqs else 0

    @property
    def acknowledged(self) -> list[str]:
        """The ids of changes that a server has said yes to."""
        return [p.id for p in self.sent if p.done.done() and p.done.result().accepted]

    async def write(self) -> None:
        """Until cancelled."""
        while True:
            self.sent.append(self.live.act(EditTrip(name=f"{self.name}, {len(self.sent)}")))
            await asyncio.shield(self.sent[-1].done)
            await asyncio.sleep(self.pause)


def got_on(writers: Sequence[Writer], since: Sequence[int]) -> bool:
    return all(len(w.acknowledged) > n for w, n in zip(writers, since, strict=True))


def have_read(writers: Sequence[Writer], newest: Mapping[str, int]) -> bool:
    return all(w.read >= newest[w.live.trip_id] for w in writers)


def is_settled(writer: Writer) -> bool:
    return not writer.live.pending


def shows(live: LiveTrip, wanted: bytes) -> bool:
    return live.confirmed is not None and encode_trip(live.confirmed) == wanted


# R: S7 S9 T9 T10
async def test_under_every_fault_nothing_acknowledged_is_lost_and_all_converge(
    scene: Scene, count: Count, figure: Figure, full: bool
):
    chance, rounds = random.Random(5), count(reduced=1, full=10)
    pause = 0.01 if full else 0.04
    slowest: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        ana = await stack.enter_async_context(Client(scene.front.url, settings=PATIENT))
        await ana.guest("Ana")
        trips = [await ana.create_trip(f"Trip {n}") for n in range(TRIPS)]
        writers: list[Writer] = []
        for n in range(WRITERS):
            client = await stack.enter_async_context(Client(scene.front.url, settings=PATIENT))
            await client.guest(f"Writer {n}")
            await client.join(trips[n % TRIPS].invite.code)
            live = await stack.enter_async_context(client.follow(trips[n % TRIPS].trip.id))
            writers.append(Writer(f"Writer {n}", client, live, pause))
        for writer in writers:
            await eventually(partial(is_live, writer.live), "the first state")
        writing = [asyncio.create_task(w.write()) for w in writers]
        try:
            await eventually(partial(got_on, writers, [0] * WRITERS), "a beginning", 10)
            for _ in range(rounds):
                for fault in chance.sample(FAULTS, len(FAULTS)):
                    await fault(scene, chance)
                    over, since = time.monotonic(), [len(w.acknowledged) for w in writers]
                    newest = {t.trip.id: max(w.read for w in writers if w.live.trip_id == t.trip.id) for t in trips}
                    await eventually(partial(got_on, writers, since), f"progress after: {fault.__name__}", 30)
                    await eventually(partial(have_read, writers, newest), f"news after: {fault.__name__}", 30)
                    took = round(time.monotonic() - over, 1)
                    slowest[fault.__name__] = max(slowest.get(fault.__name__, 0), took)
        finally:
            for task in writing:
                task.cancel()
        for writer in writers:
            await eventually(partial(is_settled, writer), "an answer to every change", 30)
        for trip in trips:
            mine = [w for w in writers if w.live.trip_id == trip.trip.id]
            truth = encode_trip(await ana.trip(trip.trip.id))
            for writer in mine:
                await eventually(partial(shows, writer.live, truth), "the same state everywhere", 20)
            log = await whole_log(scene.valkey, trip.trip.id)
            acknowledged = [command for w in mine for command in w.acknowledged]
            assert not [c for c in acknowledged if log[c] != 1], "each once"
            assert all(log[p.id] <= 1 for w in mine for p in w.sent)
            for writer in mine:
                assert writer.seqs == list(range(writer.seqs[0], writer.seqs[-1] + 1))
                assert set(acknowledged) <= set(writer.commands)
        figure("faults", rounds * len(FAULTS))
        figure("changes acknowledged, each there once", sum(len(w.acknowledged) for w in writers))
        figure("slowest seconds until everybody got on", slowest)


class _At(msgspec.Struct):
    at: datetime


async def whole_log(valkey: ValkeyProcess, trip_id: str) -> Counter[str]:
    """How often each command is in the log of a trip, whose numbers and times are in order."""
    store = RedisStore(address_of(valkey.url))
    await store.open()
    try:
        loaded = await store.load(f"trip:{trip_id}")
    finally:
        await store.close()
    assert loaded is not None
    assert [e.seq for e in loaded.events] == list(range(loaded.head + 1))
    times = [msgspec.json.decode(e.body, type=_At).at for e in loaded.events]
    assert times == sorted(times)
    assert timedelta(0) <= datetime.now(UTC) - times[-1] < timedelta(minutes=2)
    return Counter(e.command for e in loaded.events)
