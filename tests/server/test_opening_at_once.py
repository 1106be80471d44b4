"""Some who look at the same moment at what nobody has opened yet."""

import asyncio
from typing import Any

import pytest
from tests.support.people import eventually
from tests.support.serving import Running

from roadcrew_domain.feed import FeedCommand
from roadcrew_domain.feed_state import OpenFeed

HALL = "feed:location:exhibition.big-sky:comments"


# R: T9 F4
async def test_all_who_open_a_topic_at_once_follow_the_one_that_is_told_of_changes(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first finds nothing and takes the empty copy away; the second has it opened; the third, who has waited for
    the same copy, reads it again, since something was heard of it meanwhile, and finds it opened."""
    hub, store = running.server.hub, running.server.store
    load, read, opened, reads = store.load, store.read, asyncio.Event(), 0
    begun = asyncio.Event()

    async def loading(name: str) -> Any:
        loaded = await load(name)
        await begun.wait()
        return loaded

    async def reading(name: str, *more: Any) -> Any:
        nonlocal reads
        reads += name == HALL
        if name == HALL and reads == 3:
            await opened.wait()
        return await read(name, *more)

    monkeypatch.setattr(store, "load", loading)
    monkeypatch.setattr(store, "read", reading)
    opening = FeedCommand(hub.new_id(), None, OpenFeed("comments"))
    first = asyncio.create_task(hub.look(HALL, "ana"))
    await eventually(lambda: HALL in hub._opening)
    second = asyncio.create_task(hub.execute(HALL, opening))
    third = asyncio.create_task(hub.look(HALL, "ben"))
    await asyncio.sleep(0)
    hub._opening[HALL][0].distrust()
    begun.set()
    await second
    opened.set()
    for topic, closed in (await first, await third):
        assert closed is None
        assert topic is hub.topics[HALL]
