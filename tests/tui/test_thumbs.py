"""Thumbnails that are waited for, apart from any screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

from tests.support import images
from tests.tui.scenes import lisbon
from tests.tui.showing import show, topic

from roadcrew_domain.feed_state import Feed, Item
from roadcrew_domain.places import Entity
from roadcrew_tui.pictures import Pixels
from roadcrew_tui.thumbs import MOST_AWAITED, Thumbs

MANY = MOST_AWAITED + 20


class Held:
    """Stands for an app whose server answers nobody until `answers` is set."""

    def __init__(self) -> None:
        self.link = self
        self.answers = asyncio.Event()
        self.running: set[asyncio.Task[None]] = set()

    def run_worker(self, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work())
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return task

    async def call(self, _: object) -> bytes:
        await self.answers.wait()
        return images.png()

    async def aside(self, do: Callable[[], Pixels]) -> Pixels:
        return do()


def gallery() -> tuple[Entity, tuple[Item, ...]]:
    scene = lisbon()
    for n in range(MANY):
        show(scene, scene.ben, f"Number {n + 1}", images.png(width=60 + n))
    feed = scene.world.talks.states[topic(scene)]
    assert isinstance(feed, Feed)
    return Entity("trip", scene.trip_id), feed.items


# R: F2
async def test_who_scrolls_past_many_pictures_while_none_comes_gets_those_that_were_in_sight_last():
    held, (thing, items) = Held(), gallery()
    found = Thumbs(cast("Any", held))
    for item in items:
        found.ask(thing, item)
        found.ask(thing, item)
    assert sum(not task.cancelling() for task in held.running) == MOST_AWAITED
    held.answers.set()
    await asyncio.wait(held.running)
    assert [isinstance(found.of(item), Pixels) for item in items] == [False] * 20 + [True] * MOST_AWAITED
    found.ask(thing, items[0])
    await asyncio.wait(held.running)
    assert isinstance(found.of(items[0]), Pixels)
