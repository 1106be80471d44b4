"""One log, one cursor, on every process: who is moved goes on where they were, or is told once that they can not."""

import secrets
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.conftest import Count, Figure
from tests.support.cluster import RoundRobin, doors
from tests.support.people import Person, connected, eventually
from tests.support.serving import ServerProcess, served
from tests.support.valkey import ValkeyProcess

from roadcrew_client import Change, Client, ClientSettings
from roadcrew_domain import ids
from roadcrew_domain.trip import EditTrip
from roadcrew_domain.views import encode_trip
from roadcrew_server.settings import Settings
from roadcrew_server.stores._redis_keys import Keys
from roadcrew_server.stores.base import KEPT_EVENTS

SERVERS = 3


# --- moving ----------------------------------------------------------------------------------------

HASTY = ClientSettings(backoff_base=0.01, backoff_cap=0.05, outage_spread=0.0, poll_fast=0.01, poll_slow=0.05)


# R: S1 S4 T10
@pytest.mark.timeout(600)
async def test_who_is_moved_to_another_process_at_every_event_reads_every_event_once(
    three_servers: Sequence[ServerProcess], count: Count, figure: Figure
):
    events = count(reduced=60, full=1000)
    settings = replace(HASTY, strikes=events, short_close=0.0)
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(RoundRobin(s.url for s in three_servers))
        writers = [await stack.enter_async_context(Client(s.url)) for s in three_servers]
        await writers[0].guest("Ana")
        created = await writers[0].create_trip("Lisbon")
        trip_id = created.trip.id
        for writer in writers[1:]:
            await writer.guest("Another")
            await writer.join(created.invite.code)
        ben = await stack.enter_async_context(Client(proxy.url, settings=settings))
        await ben.guest("Ben")
        await ben.join(created.invite.code)
        seen: list[int] = []
        resets = 0

        def heard(change: Change) -> None:
            nonlocal resets
            seen.extend(e.seq for e in change.events)
            resets += change.kind == "reset"

        live = await stack.enter_async_context(ben.follow(trip_id))
        live.listen(heard)
        await eventually(lambda: live.confirmed is not None, "the first state")
        first, before = live.confirmed.recent[-1].seq, resets  # type: ignore[union-attr]
        proxy.connections.clear()
        for turn in range(events):
            await writers[turn % SERVERS].do(trip_id, EditTrip(name=f"Name {turn}"))
            await eventually(partial(has_read, seen, first + turn + 1), "the event", 10, every=0.002)
            proxy.drop()
        truth = await writers[0].trip(trip_id)
        assert seen == list(range(first + 1, first + events + 1))
        assert resets == before
        await eventually(lambda: live.confirmed and encode_trip(live.confirmed) == encode_trip(truth), "the same state")
        figure("events, with a move after each, read once", events)
        figure("connections by process", list(proxy.connections.values()))


def has_read(seen: Sequence[int], seq: int) -> bool:
    return bool(seen) and seen[-1] >= seq


# R: S1 S4
async def test_a_process_that_never_saw_the_topic_honours_a_cursor(three_servers: Sequence[ServerProcess]):
    async with doors([s.url for s in three_servers]) as (_, (one, two, three)):
        ana = await Person.guest(one, "Ana")
        trip_id = (made := await ana.create())["trip"]["id"]
        for n in range(3):
            await ana.do("/update", {"tripId": trip_id, "name": f"Name {n}"})
        async with Person(two, ana.token).stream(trip_id, last_event_id=made["cursor"]) as stream:
            events = [await stream.next("event", "reset") for _ in range(3)]
        assert [(e.kind, e.data["data"].get("name")) for e in events] == [("event", f"Name {n}") for n in range(3)]
        batch = (await Person(three, ana.token).poll(trip_id, cursor=made["cursor"])).json()
        assert (batch["resets"], batch["events"]) == ([], [e.data for e in events])


# --- positions that are no more --------------------------------------------------------------------


async def resets_once(who: Sequence[Person], trip_id: str, cursor: str) -> None:
    """On each server and both transports, this cursor gets the whole state once, and then only what is new."""
    for n, person in enumerate(who):
        async with person.stream(trip_id, last_event_id=cursor) as stream:
            assert (await stream.next("event", "reset")).kind == "reset"
            name = f"Seen by {n}"
            await who[(n + 1) % len(who)].do("/update", {"tripId": trip_id, "name": name})
            await stream.until(partial(names, name))
            assert sum(f.kind == "reset" for f in stream.frames) == 1
        first = (await person.poll(trip_id, cursor=cursor)).json()
        assert (len(first["resets"]), first["events"]) == (1, [])
        again = await person.poll(trip_id, cursor=first["cursor"], tag=first["presenceTag"])
        assert again.status_code == 204 or (again.json()["resets"], again.json()["events"]) == ([], [])


def names(name: str, frame: object) -> bool:
    data = getattr(frame, "data", None)
    return isinstance(data, dict) and data.get("type") == "TripEdited" and data["data"].get("name") == name


# R: S4
async def test_the_cursor_of_a_trip_that_expired_and_was_made_anew_gets_one_reset(
    three_servers: Sequence[ServerProcess], shared_valkey: ValkeyProcess
):
    async with doors([s.url for s in three_servers]) as (_, each):
        ana = await Person.guest(each[0], "Ana")
        who = [Person(http, ana.token) for http in each]
        key = new_id()
        made = await ana.do("/create", {"name": "Lisbon"}, key=key)
        trip_id = made["trip"]["id"]
        async with who[2].stream(trip_id) as stream:
            old = (await stream.next("reset")).id
            expire(shared_valkey, trip_id)
            again = await who[1].do("/create", {"name": "Lisbon"}, key=key)
            assert (again["trip"]["id"], again["cursor"]) == (trip_id, again["cursor"])
            assert again["cursor"] != made["cursor"]
            assert (await stream.next("reset")).data["state"]["name"] == "Lisbon"  # who was there is told
        for cursor in (old, made["cursor"]):
            await resets_once(who, trip_id, cursor)


def expire(valkey: ValkeyProcess, trip_id: str) -> None:
    """Let a trip's time be over, as far as the store is concerned."""
    topic, _ = Keys("roadcrew").log(f"trip:{trip_id}")
    assert valkey.say("HSET", topic, "until", "1") == b":0\r\n"


def new_id() -> str:
    return ids.uuid7(int(time.time() * 1000), secrets.token_bytes(10))


# R: S4
async def test_a_cursor_older_than_what_is_kept_gets_one_reset(three_servers: Sequence[ServerProcess]):
    async with doors([s.url for s in three_servers]) as (_, each):
        ana = await Person.guest(each[0], "Ana")
        who = [Person(http, ana.token) for http in each]
        made = await ana.create()
        for n in range(KEPT_EVENTS + Settings.model_fields["snapshot_every"].default + 1):
            await who[n % SERVERS].do("/update", {"tripId": made["trip"]["id"], "name": f"Name {n}"})
        await resets_once(who, made["trip"]["id"], made["cursor"])


# R: S4
async def test_a_cursor_of_another_server_gets_one_reset(three_servers: Sequence[ServerProcess], tmp_path: Path):
    key = new_id()
    async with served(tmp_path) as other, connected(other.url) as http:
        foreign = await (await Person.guest(http, "Ana")).do("/create", {"name": "Lisbon"}, key=key)
    async with doors([s.url for s in three_servers]) as (_, each):
        ana = await Person.guest(each[0], "Ana")
        made = await ana.do("/create", {"name": "Lisbon"}, key=key)
        assert made["trip"]["id"] == foreign["trip"]["id"]
        await resets_once([Person(http, ana.token) for http in each], made["trip"]["id"], foreign["cursor"])
