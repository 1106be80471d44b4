"""The tab of talk on a screen, over the stand-ins: a trip of which something was said."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from tests.tui.conftest import Stage, staged
from tests.tui.scenes import Scene, lisbon

from roadcrew_client.models import User
from roadcrew_domain.feed_state import Feed, GiveReaction, WriteItem
from roadcrew_domain.places import Entity
from roadcrew_tui.screens.talk_comments import CommentsPart
from roadcrew_tui.screens.talk_view import TalkView
from roadcrew_tui.widgets.composer import Composer
from roadcrew_tui.widgets.stream import Stream

FEATURES = ("overview", "polls", "hotels", "talk")


def talked(make: Callable[[], Scene] = lisbon) -> Scene:
    """A trip at a server where one can talk; nobody has."""
    scene = make()
    scene.world.features = FEATURES
    return scene


def topic(scene: Scene, channel: str = "comments") -> str:
    return Entity("trip", scene.trip_id).topic(channel)


def does(scene: Scene, who: User, act: Any, channel: str = "comments", **more: Any) -> str:
    """Somebody does something; the id of the command."""
    return scene.world.talks.do(scene.world, topic(scene, channel), who, act, **more)[0]


def says(scene: Scene, who: User, text: str, reply_to: str | None = None, **more: Any) -> str:
    """Somebody writes a comment; its id."""
    mentions = tuple(u.id for u in scene.world.users.values() if f"@{u.name}" in text)
    return does(scene, who, WriteItem(who.name, text, reply_to=reply_to, mentions=mentions), **more)


def chatter(scene: Scene, count: int, words: str = "We meet at the station, by the clock.") -> list[str]:
    """Some comments by Ben and Carla in turn, a minute apart, until now."""
    now = scene.world.now()
    return [
        says(scene, (scene.ben, scene.carla)[n % 2], f"{n + 1}. {words}", at=now - timedelta(minutes=count - n))
        for n in range(count)
    ]


def answered(scene: Scene) -> str:
    """A short talk: Ben asks, Ana answers, Carla likes that."""
    asked = says(scene, scene.ben, "@Ana shall we take the tram?")
    answer = says(scene, scene.ana, "Yes, the 28.", asked)
    does(scene, scene.carla, GiveReaction(answer, "thumbs-up"))
    return asked


def in_pages(scene: Scene, keep: int) -> None:
    """All comments but the newest `keep` are older than the feed tells."""
    talks, name = scene.world.talks, topic(scene)
    feed = talks.states[name]
    assert isinstance(feed, Feed)
    talks.old[name] = [*feed.items[:-keep]]
    talks.states[name] = msgspec.structs.replace(feed, items=feed.items[-keep:])


def view(s: Stage) -> TalkView:
    return s.app.screen.query_one(TalkView)


def part(s: Stage) -> CommentsPart:
    return s.app.screen.query_one(CommentsPart)


def stream(s: Stage) -> Stream:
    return s.app.screen.query_one(Stream)


def line(s: Stage) -> Composer:
    return s.app.screen.query_one(Composer)


@contextlib.asynccontextmanager
async def at_the_talk(path: Path, scene: Scene | None = None, **more: Any) -> AsyncIterator[Stage]:
    """The app with the tab of talk open, and the comments known."""
    scene = scene or talked()
    async with staged(path, scene, tab="talk", **more) as s:
        await s.until(lambda: part(s).stream.cursor is not None and view(s).talk is not None, "the comments")
        await s.until(lambda: topic(scene) in s.app.talk.states, "the comments")
        await s.settle()
        yield s
