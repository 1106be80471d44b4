"""`roadcrew watch --channel …` at a real server: each thing that is said or given is one line, once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.api_client.scripted import until
from tests.support.serving import Running, served

import roadcrew_client as rc
from roadcrew_client.settings import ClientSettings
from roadcrew_domain.crew import RemoveMember
from roadcrew_domain.places import Entity
from roadcrew_tui import cli
from roadcrew_tui.watch_talk import watch

QUICK = ClientSettings(backoff_base=0.05, backoff_cap=0.5, retry_initial=0.05, look_throttle=0.05, outage_spread=0.1)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with served(tmp_path) as running:
        yield running


@dataclass
class Two:
    """Ana, and Ben who watches; his network can be taken away."""

    ana: rc.Client
    ben: rc.Client
    cable: rc.Cable
    trip: Entity

    @asynccontextmanager
    async def watching(self, *channels: str, json: bool = False) -> AsyncIterator[tuple[list[str], asyncio.Task[int]]]:
        """What Ben sees, without the times; and how it ends."""
        lines: list[str] = []
        hints: list[str] = []
        say = lines.append if json else lambda line: lines.append(re.sub(r"^\d\d:\d\d:\d\d  ", "", line))
        task = asyncio.create_task(watch(self.ben, self.trip, channels, say, hints.append, json=json))
        await until(lambda: "live" in hints)
        await asyncio.sleep(0)
        try:
            yield lines, task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def two(running: Running) -> AsyncIterator[Two]:
    cable = rc.Cable()
    async with (
        rc.Client(running.url, settings=QUICK) as ana,
        rc.Client(running.url, settings=QUICK, cable=cable) as ben,
    ):
        await ana.guest("Ana")
        await ben.guest("Ben")
        made = await ana.create_trip("Lisbon")
        await ben.join(made.invite.code)
        yield Two(ana, ben, cable, Entity("trip", made.trip.id))


def item_id(answer: rc.ItemAnswer) -> str:
    assert answer.item is not None
    return answer.item.id


# R: G5 F4
async def test_what_was_said_before_comes_first_and_then_each_thing_as_it_happens(two: Two):
    for n in range(12):
        await two.ana.comment(two.trip, f"before {n}")
    async with two.watching("comments", "rating", "likes", "saves") as (lines, _):
        await until(lambda: len(lines) == 10)
        assert lines[0] == "3  Ana, now: before 2"
        first = item_id(await two.ana.comment(two.trip, "Shall we\x20 go?"))
        await two.ana.edit_item(two.trip, "comments", first, "Let us go")
        await two.ana.react(two.trip, "comments", first, "heart")
        await two.ana.remove_item(two.trip, "comments", first)
        await until(lambda: len(lines) == 14)
        assert lines[10:] == [
            "Ana: Shall we go?",
            "Ana changed 13: Let us go",
            "Ana gave heart to 13",
            "Ana removed 13",
        ]
        await two.ana.rate(two.trip, 1)
        await two.ana.like(two.trip)
        await two.ana.save(two.trip)
        await until(lambda: len(lines) == 17)
        assert sorted(lines[14:]) == ["Ana gave 1 star", "Ana likes it", "It was saved"]


# R: G5
async def test_with_json_each_event_is_a_line_as_the_stream_has_it(two: Two):
    await two.ana.comment(two.trip, "before")
    async with two.watching("comments", "presence", json=True) as (lines, _):
        said = item_id(await two.ana.comment(two.trip, "now\u200f"))
        await until(lambda: any('"ItemWritten"' in line for line in lines))
        told = [json.loads(line) for line in lines]
        (event,) = [line for line in told if line.get("type") == "ItemWritten"]
        assert (event["command"], event["data"]["text"]) == (said, "now")
        assert {who["name"] for line in told if "present" in line for who in line["present"]} == {"Ben"}


# R: S2 G5
async def test_after_a_cut_what_was_missed_is_told_once(two: Two):
    async with two.watching("comments") as (lines, _):
        await two.ana.comment(two.trip, "one")
        await until(lambda: lines == ["Ana: one"])
        two.cable.unplug()
        await two.ana.comment(two.trip, "two")
        await two.ana.comment(two.trip, "three")
        two.cable.plug()
        await until(lambda: lines == ["Ana: one", "Ana: two", "Ana: three"], 10)


# R: G5
async def test_it_ends_when_one_may_not_read_it_any_more(two: Two):
    assert two.ben.user is not None
    async with two.watching("comments", "likes") as (lines, ended):
        await two.ana.do(two.trip.id, RemoveMember(two.ben.user.id))
        async with asyncio.timeout(5):
            assert await ended == 0
        assert lines[-1] == "You are no longer in that trip."


@pytest.mark.parametrize("words", [("--hotel", "Ritz"), ("--exhibition", "monet")])
def test_of_a_place_it_wants_to_know_what_is_watched(words: Sequence[str], capsys: pytest.CaptureFixture[str]):
    assert cli.main(["watch", *words]) == 2
    assert "Say what of it is watched" in capsys.readouterr().err
