"""The shared store when things go wrong between it and its Redis: links that break, answers that are lost, refusals."""

import asyncio
import random
import re
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.server.store_contract import append, bodies, born, commit
from tests.support.people import eventually
from tests.support.redis_stores import at, opened
from tests.support.valkey import Cluster, ValkeyProcess
from tests.support.wire import Wire

from roadcrew_server.stores.base import (
    Appended,
    Commit,
    Hint,
    HintStream,
    Known,
    StoreBusy,
    Stored,
    StoreStarting,
    StoreUnavailable,
    StoreUncertain,
)
from roadcrew_server.stores.redis import RedisStore

LOOP = uvloop.new_event_loop

TLS = Path(__file__).with_name("tls")


async def heard(stream: HintStream, wanted: Hint) -> list[Hint]:
    """All hints up to this one, which comes within the test's time."""
    found: list[Hint] = []
    while not found or found[-1] != wanted:
        found.append(await asyncio.wait_for(anext(stream), 10))
    return found


class TestAnswersThatAreLost:
    # R: T9 S7
    async def test_an_append_whose_answer_is_lost_is_uncertain_and_known_when_sent_again(self, wire: Wire) -> None:
        async with opened(at(wire.port)) as store:
            topic = await born(store)
            sent = commit(store, "c1")
            wire.swallow = b"c1"
            with pytest.raises(StoreUncertain):
                await append(store, "trip:1", topic.epoch, 0, sent)
            assert wire.swallowed.is_set()
            assert await append(store, "trip:1", topic.epoch, 0, sent) == Known({"ana:c1": b"outcome of c1"})
            assert await bodies(store) == [b"e0", b"c1"]

    # R: T9
    async def test_nothing_sends_an_append_twice_by_itself(self, wire: Wire) -> None:
        async with opened(at(wire.port)) as store:
            topic = await born(store)
            wire.swallow = b"unrecorded"
            with pytest.raises(StoreUncertain):
                await append(store, "trip:1", topic.epoch, 0, Commit("c1", (b"unrecorded",)))
            assert await bodies(store) == [b"e0", b"unrecorded"]

    # R: T2
    async def test_whether_a_record_was_created_is_uncertain_when_the_answer_is_lost(self, wire: Wire) -> None:
        async with opened(at(wire.port)) as store:
            await store.create("name", "ben", b"1")
            await store.replace("name", "ben", b"1", b"2")  # both scripts are known there now
            wire.swallow = b"new"
            with pytest.raises(StoreUncertain):
                await store.create("name", "ana", b"new")
            assert await store.get("name", "ana") == Stored(b"new")
            wire.swallow = b"newer"
            with pytest.raises(StoreUncertain):
                await store.replace("name", "ana", b"new", b"newer")
            assert await store.get("name", "ana") == Stored(b"newer")

    # R: S1
    async def test_what_is_safe_to_repeat_is_repeated(self, wire: Wire) -> None:
        async with opened(at(wire.port)) as store:
            topic = await born(store, events=3)
            wire.swallow = b"log:trip:1"
            loaded = await store.load("trip:1")
            assert loaded is not None
            assert (loaded.epoch, loaded.head) == (topic.epoch, 2)
            assert wire.swallowed.is_set()
            wire.swallowed.clear()
            wire.swallow = b"name"
            await store.put("name", "ana", b"one")
            assert wire.swallowed.is_set()

    # R: T9
    async def test_a_connection_that_died_while_nobody_used_it_is_no_uncertainty(self, wire: Wire) -> None:
        async with opened(at(wire.port)) as store:
            topic = await born(store)
            before = wire.connections
            wire.cut()
            await eventually(lambda: wire.connections > before, "a new connection for hints")
            assert await append(store, "trip:1", topic.epoch, 0, commit(store, "c1")) == Appended(topic.epoch, 1)

    # R: T9
    async def test_without_a_store_nothing_was_written_and_that_is_said(self, wire: Wire) -> None:
        async with opened(at(wire.port)) as store:
            topic = await born(store)
            sent = commit(store, "c1")
            hints = store.listen()
            await wire.refuse()
            assert await anext(hints) == Hint("lost")
            for _ in range(3):
                with pytest.raises(StoreUnavailable, match=re.escape(f"127.0.0.1:{wire.port}")):
                    await append(store, "trip:1", topic.epoch, 0, sent)
            await wire.listen()
            assert await append(store, "trip:1", topic.epoch, 0, sent) == Appended(topic.epoch, 1)

    # R: T9
    async def test_a_store_that_stands_still_is_waited_for_so_long_and_no_longer(self, valkey: ValkeyProcess) -> None:
        async with opened(valkey.url, timeout=0.3, connections=2) as store:
            topic = await born(store)
            sent = commit(store, "c1")
            valkey.pause()
            began = time.monotonic()
            try:
                answers = await asyncio.gather(
                    append(store, "trip:1", topic.epoch, 0, sent),
                    *(store.load("trip:1") for _ in range(3)),
                    return_exceptions=True,
                )
            finally:
                valkey.resume()
            assert time.monotonic() - began < 3
            assert {type(answer) for answer in answers} <= {StoreUncertain, StoreUnavailable, StoreBusy}
            assert isinstance(answers[0], StoreUncertain)
            await append(store, "trip:1", topic.epoch, 0, sent)
            assert await bodies(store) == [b"e0", b"c1"]


class TestHints:
    # R: T10
    async def test_after_a_cut_everybody_is_told_to_read_again_and_hears_again(
        self, valkey: ValkeyProcess, wire: Wire
    ) -> None:
        async with opened(at(wire.port)) as store, opened(valkey.url) as other:
            hints = store.listen()
            topic = await born(other)
            [hint] = await heard(hints, await one_of(other, topic.epoch, "e0"))
            assert hint.events
            for _ in range(2):
                await wire.refuse()
                assert await anext(hints) == Hint("lost")
                await append(other, "trip:1", topic.epoch, 0, Commit("missed", ()))
                await wire.listen()
                assert await anext(hints) == Hint("lost")  # listening again, and whatever came meanwhile was missed
                await other.revoke("session", "token")
                await heard(hints, Hint("revoked", "token"))

    # R: T10
    async def test_taking_hints_up_again_is_tried_at_random_times_ever_less_often(self, valkey: ValkeyProcess) -> None:
        waits: list[tuple[float, float]] = []

        class Chance(random.Random):
            def uniform(self, a: float, b: float) -> float:
                waits.append((a, b))
                return 0.001

        async with Wire(valkey.port) as wire:
            store = RedisStore(at(wire.port), chance=Chance())
            await store.open()
            await wire.refuse()
            await eventually(lambda: len(waits) > 8, "the attempts")
            await wire.listen()
            await store.ping()
            await store.close()
        assert {low for low, _ in waits} == {0}
        assert [high for _, high in waits[:8]] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]

    # R: T10 S9
    async def test_every_process_hears_each_event_once(self, valkey: ValkeyProcess) -> None:
        async with opened(valkey.url) as one, opened(valkey.url) as two:
            streams = one.listen(), two.listen()
            topic = await born(one)
            for number in range(20):
                await append((one, two)[number % 2], "trip:1", topic.epoch, number, commit(one, f"c{number}"))
            await one.presence_set("trip:1", "ana/1", b"Ana", timedelta(seconds=60))
            await two.revoke("session", "end")
            for stream in streams:
                hints = await heard(stream, Hint("revoked", "end"))
                events = [event.seq for hint in hints for event in hint.events]
                assert events == list(range(21))
                assert [hint.kind for hint in hints] == ["log"] * 21 + ["presence", "revoked"]

    # R: S9
    async def test_events_that_are_too_long_to_publish_are_hinted_without_them(self, valkey: ValkeyProcess) -> None:
        async with opened(valkey.url) as one, opened(valkey.url) as two:
            hints = two.listen()
            topic = await born(one)
            await append(one, "trip:1", topic.epoch, 0, Commit("long", (b"x" * 70_000,)))
            assert (await asyncio.wait_for(anext(hints), 5)).events
            assert await asyncio.wait_for(anext(hints), 5) == Hint("log", "trip:1", topic.epoch, before="birth")

    # R: S10
    async def test_what_others_publish_on_the_channel_is_passed_over(
        self, valkey: ValkeyProcess, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with opened(valkey.url) as store:
            hints = store.listen()
            for word in (
                "nonsense",
                "9:abc",
                "-1:x",
                "3:abc",
                "1:t3:log1:x1:y1:z1:a1:b",
                "1:t4:huh!1:x",
                "1:t7:revoked1:\\xff",
            ):
                assert valkey.say("PUBLISH", "roadcrew:hints", f'"{word}"') == b":1\r\n"
            async with opened(valkey.url) as other:
                await other.revoke("session", "token")
            assert await heard(hints, Hint("revoked", "token")) == [Hint("revoked", "token")]
        assert sum("none of ours" in record.message for record in caplog.records) == 7

    # R: G4
    async def test_another_database_of_the_same_server_hears_nothing(self, valkey: ValkeyProcess) -> None:
        async with opened(valkey.url) as one, opened(f"{valkey.url.removesuffix('/0')}/1") as other:
            hints = other.listen()
            await one.revoke("session", "theirs")
            await other.revoke("session", "ours")
            assert await asyncio.wait_for(anext(hints), 5) == Hint("revoked", "ours")


async def one_of(store: RedisStore, epoch: str, body: str) -> Hint:
    """The hint of a birth by one event."""
    loaded = await store.load("trip:1")
    assert loaded is not None
    return Hint("log", "trip:1", epoch, loaded.events)


class TestRestart:
    # R: T9 S1
    async def test_what_was_acknowledged_outlives_a_kill_of_the_store(self, tmp_path: Path, count: Any) -> None:
        with ValkeyProcess(tmp_path) as process:
            async with opened(process.url) as store:
                topic = await born(store)
                head = 0
                for _ in range(count(reduced=2, full=20)):
                    for _ in range(50):
                        assert isinstance(
                            await append(store, "trip:1", topic.epoch, head, commit(store, f"c{head}")), Appended
                        )
                        head += 1
                    await asyncio.to_thread(process.restart)
                    assert len(await bodies(store)) == head + 1  # without a restart of ours


class TestCluster:
    # R: G4 T10
    async def test_what_one_process_appends_on_any_node_another_hears(self, tmp_path: Path) -> None:
        with Cluster(tmp_path) as cluster:
            async with opened(cluster.url) as one, opened(cluster.url) as two:
                hints = two.listen()
                topics = [f"trip:{number}" for number in range(20)]
                await asyncio.gather(*(born(one, topic) for topic in topics))
                found = {(await asyncio.wait_for(anext(hints), 5)).topic for _ in topics}
                assert found == set(topics)
                spread = [b"keys=" in node.say("INFO", "keyspace") for node in cluster.nodes]
                assert spread == [True] * 3
                node = cluster.nodes[1]
                node.kill()
                failed = await asyncio.gather(*map(partial(_appended, one), topics), return_exceptions=True)
                assert {type(answer) for answer in failed} <= {
                    Appended,
                    StoreUncertain,
                    StoreUnavailable,
                    StoreStarting,
                }
                node.start()

                async def again(topic: str) -> bool:
                    return isinstance(await _appended(one, topic), Appended)

                for topic in topics:
                    await _until(partial(again, topic))


async def _appended(store: RedisStore, topic: str) -> object:
    loaded = await store.load(topic)
    assert loaded is not None
    return await append(store, topic, loaded.epoch, loaded.head, Commit("more", (b"more",)))


async def _until(good: Any) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if await good():
                return
        except (StoreUnavailable, StoreUncertain):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.05)
