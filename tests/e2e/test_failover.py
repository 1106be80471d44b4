"""What changing over to a replica can lose, and what keeps it from happening: the operating guide says both.

A replica of a Redis or Valkey hears of a change after it was acknowledged. So this is the one fault in which an
acknowledged change may be gone. Everybody must agree on that then, and go on.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.people import connected, crew, eventually
from tests.support.serving import served
from tests.support.valkey import ValkeyProcess

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


def store_at(process: ValkeyProcess) -> RedisStore:
    return RedisStore(address_of(process.url))


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
