"""Who does not look: what a real terminal is sent when they are mentioned, and what listening asks of a server."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from tests.conftest import Figure
from tests.faults import Answer, FaultProxy, Faults
from tests.support.people import eventually
from tests.support.serving import served
from tests.support.terminal import Terminal, roadcrew

from roadcrew_client import Client, ClientSettings, Event
from roadcrew_domain.places import Entity

AWAY, BACK = "\x1b[O", "\x1b[I"
"""What a terminal says of its focus."""


class Recorded(Terminal):
    """Keeps all that the program writes."""

    written = b""

    def record(self) -> None:
        """From now on."""
        feed = self._emulator.feed

        def keep(data: bytes) -> bytes:
            self.written += data
            return feed(data)

        self._emulator.feed = keep  # type: ignore[method-assign]


# R: F2
async def test_a_mention_reaches_the_desktop_of_who_looks_away_and_not_of_who_looks(tmp_path: Path):
    home = tmp_path / "ben"
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text('notices = "desktop"\n')
    notice = b"\x1b]777;notify;Roadcrew;Ana mentioned you in Lisbon in May\x07"
    async with served(tmp_path) as running, Client(running.url) as ana:
        await ana.guest("Ana")
        made = await ana.create_trip("Lisbon in May")
        assert made.invite is not None
        thing = Entity("trip", made.trip.id)
        environment = {"ROADCREW_HOME": str(home), "TERM": "foot"}
        with Recorded(roadcrew("join", f"{running.url}/j/{made.invite.code}"), environment=environment) as ben:
            ben.record()
            await asyncio.to_thread(ben.wait_for, "Your name")
            await asyncio.to_thread(ben.settle)
            await asyncio.to_thread(ben.enter, *"Ben", "enter")
            await asyncio.to_thread(ben.wait_for, "1 Overview")
            await ana.comment(thing, "@Ben looks")
            await asyncio.to_thread(ben.settle)
            drawn = len(running.server.hub.topics[thing.topic("posts")].followers)
            ben.press(AWAY)
            posts = running.server.hub.topics[thing.topic("posts")]
            await eventually(lambda: len(posts.followers) == drawn + 1, "that it listens")
            await ana.comment(thing, "@Ben gone")
            await asyncio.to_thread(ben.wait_for, lambda _: notice in ben.written)
            assert ben.written.count(b"777") == 1
            assert b"gone" not in ben.written
            ben.press(BACK)
            await eventually(lambda: len(posts.followers) == drawn, "that it listens no more")


# R: S3 S9
async def test_who_listens_for_mentions_asks_for_one_stream_or_polls_no_more_often_than_is_said(
    tmp_path: Path, figure: Figure
):
    every = 0.3
    quick = replace(ClientSettings(), poll_fast=0.1, poll_slow=0.1, backoff_base=0.05)
    async with served(tmp_path) as running, Client(running.url) as ana:
        await ana.guest("Ana")
        made = await ana.create_trip("Lisbon in May")
        assert made.invite is not None
        thing = Entity("trip", made.trip.id)
        for faults, kinds in ((Faults(), {"stream"}), (Faults(answer=Answer(status=403, kind="stream")), {"poll"})):
            async with FaultProxy(running.url, faults) as proxy, Client(proxy.url, settings=quick) as again:
                await again.guest("Ben")
                await again.join(made.invite.code)
                heard = asyncio.create_task(_first_event(again, thing.topic("comments"), every))
                await asyncio.sleep(4 * every)
                await ana.comment(thing, "hello")
                await asyncio.wait_for(heard, 5)
                asked = [h for h in proxy.requests() if h.kind in ("poll", "stream")]
                assert kinds <= {h.kind for h in asked}
                polls = [h.at for h in asked if h.kind == "poll"]
                assert len(asked) - len(polls) == (1 if "stream" in kinds else quick.strikes)
                gaps = [round(later - at, 2) for at, later in pairwise(polls)]
                assert all(gap > every - 0.05 for gap in gaps[1:])
                figure(f"seconds between polls, where {kinds} and {every} s", gaps)


async def _first_event(client: Client, topic: str, every: float) -> Event:
    async with aclosing(client.events(topic, poll_every=every)) as told:
        async for item in told:
            if isinstance(item, Event) and item.type == "ItemWritten":
                return item
    raise AssertionError("it ended")
