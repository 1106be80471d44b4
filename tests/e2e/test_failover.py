"""What changing over to a replica can lose, and what keeps it from happening: the operating guide says both.

A replica of a Redis or Valkey hears of a change after it was acknowledged. So this is the one fault in which an
acknowledged change may be gone. Everybody must agree on that then, and go on.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.people import Person, connected, crew, eventually
from tests.support.serving import served
from tests.support.valkey import ValkeyProcess
from tests.support.wire import Wire

from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.redis import RedisStore


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[ValkeyProcess]:
    """What the servers write to."""
    with ValkeyProcess(tmp_path / "primary", repl_diskless_sync_delay="0") as running:
        yield running


@pytest.fixture
def replica(tmp_path: Path, primary: ValkeyProcess) -> Iterator[ValkeyProcess]:
    """A replica of it that has caught up."""
    with ValkeyProcess(tmp_path / "replica") as running:
        assert running.say("REPLICAOF", "127.0.0.1", str(primary.port)) == b"+OK\r\n"
        yield running


def hears(replica: ValkeyProcess) -> bool:
    """True if the replica is connected and has all."""
    return b"master_link_status:up" in replica.say("INFO", "replication")


def store_at(place: ValkeyProcess | Wire) -> RedisStore:
    return RedisStore(address_of(f"redis://127.0.0.1:{place.port}"))


@asynccontextmanager
async def changed_over(wire: Wire, to: ValkeyProcess) -> AsyncIterator[None]:
    """The address of a wire that leads nowhere any more leads there."""
    moved = Wire(to.port)
    moved.port = wire.port
    async with moved:
        yield


async def seen_by(person: Person, trip: str, destination: str) -> None:
    """Wait until their server knows of it, whose hints may not have come again yet."""
    async with asyncio.timeout(10):
        while (await person.trip(trip)).json()["trip"]["destination"] != destination:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


# R: T9 T10
async def test_a_change_that_the_replica_never_heard_of_is_lost_and_everybody_is_told_the_same_once(
    tmp_path: Path, primary: ValkeyProcess, replica: ValkeyProcess
):
    await eventually(lambda: hears(replica), "the replica", 10)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with served(tmp_path / "one", store=store_at(primary)) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        trip = made["trip"]["id"]
        await eventually(lambda: b"\r\nslave0:" in primary.say("INFO", "replication"), "the replica")
        assert primary.say("WAIT", "1", "5000") == b":1\r\n"
        replica.pause()
        primary.say("CLIENT", "KILL", "TYPE", "replica")  # the network between them is gone
        assert (await ana.post("/update", {"tripId": trip, "name": "Porto"})).status_code == 200
        after = (await ben.poll(trip)).json()["cursor"]
        primary.kill()
    replica.resume()
    await eventually(lambda: replica.say("REPLICAOF", "NO", "ONE") == b"+OK\r\n", "the change over", 10)
    async with served(tmp_path / "two", store=store_at(replica)) as running, connected(running.url) as http:
        ana.http = ben.http = http
        assert (await ana.trip(trip)).json()["trip"]["name"] == "Lisbon in May"
        batch = (await ben.poll(trip, cursor=after)).json()
        assert [reset["state"]["name"] for reset in batch["resets"]] == ["Lisbon in May"]
        again = await ben.poll(trip, cursor=batch["cursor"], tag=batch["presenceTag"])
        assert again.status_code == 204 or again.json()["resets"] == []
        assert running.server.hub.counters.lost_resets == 1
        await ana.do("/update", {"tripId": trip, "name": "Faro"})
        assert (await ben.trip(trip)).json()["trip"]["name"] == "Faro"


# R: T9 T10
async def test_a_server_that_holds_what_was_lost_comes_to_agree_with_one_that_wrote_in_its_place(
    tmp_path: Path, primary: ValkeyProcess, replica: ValkeyProcess
):
    await eventually(lambda: hears(replica), "the replica", 10)
    async with (
        Wire(primary.port) as first,
        Wire(primary.port) as second,
        served(tmp_path, store=store_at(first)) as one,
        served(tmp_path, store=store_at(second)) as two,
        connected(one.url) as here,
        connected(two.url) as there,
    ):
        made, (ana, ben) = await crew(here, 2)
        trip, ben = made["trip"]["id"], Person(there, ben.token)
        async with ana.stream(trip) as stream:
            await stream.next("reset")
            assert primary.say("WAIT", "1", "5000") == b":1\r\n"
            replica.pause()
            primary.say("CLIENT", "KILL", "TYPE", "replica")
            await ana.do("/update", {"tripId": trip, "name": "Porto"})
            await eventually(lambda: len(stream.events()) == 1, "Porto")
            await first.refuse()
            await second.refuse()
            primary.kill()
            replica.resume()
            await eventually(lambda: replica.say("REPLICAOF", "NO", "ONE") == b"+OK\r\n", "the change over", 10)
            async with changed_over(second, replica):
                await ben.do("/update", {"tripId": trip, "name": "Faro"})
                copies = [running.server.hub.topics[f"trip:{trip}"] for running in (one, two)]
                assert [(copy.head, copy.state.name) for copy in copies] == [(2, "Porto"), (2, "Faro")]
                async with changed_over(first, replica):
                    assert (await stream.next("reset", seconds=20)).data["state"]["name"] == "Faro"
                    assert (await ana.trip(trip)).json()["trip"]["name"] == "Faro"
                    await ana.do("/update", {"tripId": trip, "destination": "Algarve"})
                    await seen_by(ben, trip, "Algarve")
                    assert copies[0].position == copies[1].position
                    assert copies[0].encoded() == copies[1].encoded()
                    assert [event["seq"] for event in stream.events()] == [2, 3]


# R: T9
async def test_a_primary_that_asks_for_a_replica_takes_no_change_that_only_it_would_have(
    tmp_path: Path, primary: ValkeyProcess, replica: ValkeyProcess
):
    await eventually(lambda: hears(replica), "the replica", 10)
    async with served(tmp_path, store=store_at(primary)) as running, connected(running.url) as http:
        made, (ana, _) = await crew(http, 2)
        primary.say("CONFIG", "SET", "min-replicas-to-write", "1")
        change = {"tripId": made["trip"]["id"], "name": "Porto"}
        replica.pause()
        primary.say("CLIENT", "KILL", "TYPE", "replica")
        refused = await ana.post("/update", change)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        replica.resume()
        primary.say("CONFIG", "SET", "min-replicas-to-write", "0")
        assert (await ana.trip(made["trip"]["id"])).json()["trip"]["name"] == "Lisbon in May"
        assert (await ana.post("/update", change)).status_code == 200
