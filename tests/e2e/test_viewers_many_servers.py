"""Who looks at something and who writes there, over several server processes: who is killed, leaves, vanishes."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from tests.conftest import Figure
from tests.support.people import eventually
from tests.support.serving import ServerProcess

from roadcrew_client import Client
from roadcrew_client.frames import Here, LastSeen
from roadcrew_client.live_talk import LiveTalk
from roadcrew_domain.places import Entity

AT_ONCE, VANISHED = 1.0, 45.0
"""Seconds (F3)."""
VIEWER = """
import asyncio, sys
from roadcrew_client import Client

async def main():
    url, code, topic = sys.argv[1:]
    async with Client(url) as client:
        await client.guest("Carla")
        await client.join(code)
        async with client.follow_talk(topic):
            await asyncio.sleep(300)

asyncio.run(main())
"""


@dataclass
class Viewer:
    """Somebody at one server who looks at a trip's talk."""

    client: Client
    live: LiveTalk
    topic: str

    @property
    def present(self) -> dict[str, Here]:
        """Who is here, by name."""
        seen = self.live.present.get(self.topic)
        return {str(here.name): here for here in seen.present} if seen is not None else {}

    @property
    def seen(self) -> list[LastSeen]:
        seen = self.live.present.get(self.topic)
        return list(seen.seen) if seen is not None else []


@asynccontextmanager
async def viewer(url: str, client: Client, topic: str) -> AsyncIterator[Viewer]:
    async with client.follow_talk(topic) as live:
        yield Viewer(client, live, topic)


async def within(condition: Callable[[], object], what: str, seconds: float = AT_ONCE) -> float:
    """Milliseconds until it holds."""
    began = time.perf_counter()
    await eventually(condition, what, seconds)
    return round((time.perf_counter() - began) * 1000)


# R: F3
@pytest.mark.usefixtures("timed")
async def test_who_is_killed_or_leaves_is_gone_at_once_on_another_process_and_who_writes_is_told_there(
    three_servers: Sequence[ServerProcess], figure: Figure
):
    one, two, three = three_servers
    async with Client(one.url) as ana, Client(two.url) as ben:
        await ana.guest("Ana")
        await ben.guest("Ben")
        made = await ana.create_trip("Lisbon in May")
        assert made.invite is not None
        await ben.join(made.invite.code)
        thing = Entity("trip", made.trip.id)
        topic = thing.topic("presence")
        arguments = ("-c", VIEWER, three.url, made.invite.code, topic)
        async with viewer(one.url, ana, topic) as first:
            async with viewer(two.url, ben, topic) as second, viewer(three.url, ben, topic) as again:
                carla = await asyncio.create_subprocess_exec(sys.executable, *arguments)
                try:
                    await eventually(
                        lambda: {*first.present} == {*second.present} == {"Ana", "Ben", "Carla"}, "all", 20
                    )
                finally:
                    carla.kill()
                figure(
                    "ms until a killed viewer was gone elsewhere",
                    await within(lambda: "Carla" not in first.present, "gone"),
                )
                await carla.wait()
                await within(lambda: [s.name for s in first.seen] == ["Carla"], "that she was seen")
                await ben.typing(thing, True)
                figure("ms until it was told who writes", await within(lambda: first.present["Ben"].typing, "writes"))
                await ben.typing(thing, False)
                await within(lambda: not first.present["Ben"].typing, "that he has ended", 3.0)
                assert again.present.keys() == {"Ana", "Ben"}
            figure("ms until who left was gone elsewhere", await within(lambda: {*first.present} == {"Ana"}, "gone"))


# R: F3
@pytest.mark.only_full  # in virtual time in tests/server/test_talk_presence.py
@pytest.mark.timeout(180)
async def test_who_vanishes_with_their_server_is_gone_within_45_s(
    three_servers: Sequence[ServerProcess], figure: Figure
):
    one, two, _ = three_servers
    async with Client(one.url) as ana, Client(two.url) as ben:
        await ana.guest("Ana")
        await ben.guest("Ben")
        made = await ana.create_trip("Lisbon in May")
        assert made.invite is not None
        await ben.join(made.invite.code)
        topic = Entity("trip", made.trip.id).topic("presence")
        async with viewer(one.url, ana, topic) as first:
            async with viewer(two.url, ben, topic):
                await eventually(lambda: {*first.present} == {"Ana", "Ben"}, "both", 20)
                two.kill()
                began = time.perf_counter()
            try:
                await eventually(lambda: {*first.present} == {"Ana"}, "that he is gone", VANISHED + 0.5)
                figure("s until who vanished with their server was gone", round(time.perf_counter() - began, 1))
            finally:
                two.start()
