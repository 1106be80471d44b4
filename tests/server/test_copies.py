"""A copy of a topic is what the store has, or knows that it may not be."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.hubs import Muted, cut, trip_of, two_hubs
from tests.support.people import eventually

from roadcrew_domain import polls, trip
from roadcrew_domain.events import Position
from roadcrew_server.hub import Hub
from roadcrew_server.reader import Reader
from roadcrew_server.stores.base import KEPT_EVENTS, Hint
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.topic import Topic
from roadcrew_server.topics import TripKind


class Held:
    """A reading of the store whose answer is made at once and arrives when `go` is set; the first one only."""

    def __init__(self, read: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        self.made, self.go = asyncio.Event(), asyncio.Event()
        self._read = read

    async def __call__(self, *args: Any) -> Any:
        answer = await self._read(*args)
        if not self.made.is_set():
            self.made.set()
            await self.go.wait()
        return answer


def edit(hub: Hub, name: str) -> trip.Command:
    return trip.Command(hub.new_id(), "ana", trip.EditTrip(name=name))


# R: T10
@pytest.mark.parametrize("hint", ["log", "lost"])
async def test_what_is_heard_while_a_topic_is_being_opened_is_not_forgotten(tmp_path: Path, hint: str):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, two):
        topic, _, _ = await trip_of(one, ["ana"])
        held = Held(store.load)
        store.load = held  # type: ignore[method-assign,assignment]
        opening = asyncio.create_task(two.topic(topic))
        await held.made.wait()
        if hint == "log":
            done = await one.execute(topic, edit(one, "Porto"))
        else:
            with Muted(store):
                done = await one.execute(topic, edit(one, "Porto"))
            store._hints.publish([Hint("lost")])
        await asyncio.sleep(0.02)  # for the other hub to hear it
        held.go.set()
        copy = await opening
        assert copy.position == done.position
        assert not copy.stale


# R: T10
@pytest.mark.parametrize("reading", ["load", "read"])
async def test_a_doubt_that_comes_while_the_store_is_read_stays_until_it_was_read_again(tmp_path: Path, reading: str):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, two):
        topic, _, _ = await trip_of(one, ["ana"])
        copy = await two.topic(topic)
        held = Held(getattr(store, reading))
        setattr(store, reading, held)
        asked = asyncio.create_task(two._copies.load(copy) if reading == "load" else two.refresh(copy))
        await held.made.wait()
        with Muted(store):
            done = await one.execute(topic, edit(one, "Porto"))
        await two.distrust()
        held.go.set()
        await asked
        assert copy.head == done.position.seq - 1
        assert copy.stale
        assert (await two.topic(topic)).position == done.position
        assert not copy.stale


# R: T9
async def test_time_does_not_run_backwards_in_a_log_that_was_read_from_a_snapshot_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store, snapshot_every=1) as (one, _):
        topic, poll, options = await trip_of(one, ["ana"])
        await one.execute(topic, trip.Command(one.new_id(), "ana", polls.CastVote(poll, (options[0],))))
        await eventually(lambda: one.counters.snapshots == 3, "the last snapshot")
        loaded = await store.load(topic)
        assert loaded is not None
        assert loaded.events == ()
        now = store.now
        monkeypatch.setattr(store, "now", lambda: now() - timedelta(hours=1))  # the wall clock was set back
        fresh = Hub(store, (TripKind(),), one.settings)
        await fresh.execute(topic, edit(fresh, "Porto"))
        times = [entry.event.at for entry in await fresh.after(await fresh.topic(topic), -1, KEPT_EVENTS) or ()]
        assert times == sorted(times)
        assert len(times) == 4
        await fresh.stop()


async def with_another_past(store: SqliteStore, one: Hub, two: Hub) -> Topic:
    """A trip of which `one` has a last event that the store lost, and `two` has written another in its place: what a
    failover to a replica that was behind can do."""
    topic, _, _ = await trip_of(one, ["ana"])
    await two.topic(topic)
    with Muted(store):
        lost = await one.execute(topic, edit(one, "Porto"))
        await store._write(lambda w: cut(w.db, topic, lost.position.seq - 1))
        await two.distrust()
        done = await two.execute(topic, edit(two, "Faro"))
    assert done.position.seq == lost.position.seq
    assert done.position != lost.position
    return await one.topic(topic)


async def the_truth(store: SqliteStore, hub: Hub, topic: str) -> Topic:
    """The trip as somebody has it who was not there."""
    return await Hub(store, (TripKind(),), hub.settings).topic(topic)


# R: T9 T10
@pytest.mark.parametrize("notices", ["by a change", "by a change of nothing", "by reading on", "by a hint"])
async def test_a_copy_with_another_past_than_the_store_is_loaded_again(tmp_path: Path, notices: str):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, two):
        copy = await with_another_past(store, one, two)
        assert copy.state.name == "Porto"
        match notices:
            case "by a change":
                act = trip.EditTrip(destination="Algarve")
                assert (await one.execute(copy.name, trip.Command(one.new_id(), "ana", act))).state.name == "Faro"
            case "by a change of nothing":
                assert (await one.execute(copy.name, edit(one, "Porto"))).state.name == "Porto"
            case "by reading on":
                await one.refresh(copy)
            case "by a hint":
                await two.execute(copy.name, edit(two, "Braga"))
                await eventually(lambda: copy.state.name == "Braga", "the hint")
        truth = await the_truth(store, one, copy.name)
        assert (copy.position, copy.encoded()) == (truth.position, truth.encoded())


# R: T10
async def test_who_was_told_of_what_is_lost_gets_the_state_as_it_is_and_who_was_not_reads_on(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, two):
        copy = await with_another_past(store, one, two)
        before = copy.ring[-2].event
        readers = [await Reader.open(one, "ana", [copy.name]) for _ in range(2)]
        with readers[0] as told, readers[1] as behind:
            await told.start({copy.name: copy.position})
            await behind.start({copy.name: Position.after(copy.epoch or "", before.seq, before.command)})
            assert await told.take(10) == []
            await one.refresh(copy)
            assert told.news(copy) is None
            assert [frame.kind for frame in await told.take(10)] == ["reset"]
            [event] = await behind.take(10)
            assert event.kind is None
            assert b"Faro" in event.data
            assert told.cursor == behind.cursor
            assert (await told.take(10), await behind.take(10)) == ([], [])
        assert one.counters.lost_resets == 1


# R: T9
async def test_a_snapshot_of_another_past_is_not_kept(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, two):
        copy = await with_another_past(store, one, two)
        await one._commands._compact(copy.name, copy.epoch or "", copy.head, copy.head_command, copy.encoded(), 100)
        assert one.counters.snapshots == 0
        assert (await the_truth(store, one, copy.name)).state.name == "Faro"
