"""The tab of talk on a screen, over the stand-ins: a trip of which something was said."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from tests.tui.conftest import Stage, folders, staged
from tests.tui.scenes import Scene, lisbon
from tests.tui.standins import SERVER

from roadcrew_client.frames import Here, LastSeen, Presence
from roadcrew_client.models import User
from roadcrew_domain.feed_state import EditItem, Feed, GiveReaction, RemoveItem, WriteItem
from roadcrew_domain.places import Entity
from roadcrew_domain.text import cleaned
from roadcrew_tui.memory import Memory
from roadcrew_tui.screens.talk_comments import CommentsPart
from roadcrew_tui.screens.talk_view import TalkView
from roadcrew_tui.settings import write_atomically
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


def conversation(scene: Scene, texts: Sequence[str]) -> None:
    """Everybody says such things; some was edited, removed, answered and reacted to. One of them writes, another one
    was here."""
    world = scene.world
    world.features = FEATURES
    crew = (scene.ben, scene.carla, scene.dev)
    began = world.now() - timedelta(days=1, hours=2)
    said = [
        says(scene, crew[n % 3], cleaned(text, lines=True)[:2_000] or "nothing", at=began + timedelta(hours=n))
        for n, text in enumerate(texts)
    ]
    does(scene, scene.ana, RemoveItem(said[0], scene.ana.name, chair=True))
    answer = says(scene, scene.ana, "Yes, at nine.", said[1])
    does(scene, scene.carla, GiveReaction(answer, "thumbs-up"))
    does(scene, scene.ana, GiveReaction(answer, "celebrate"))
    does(scene, scene.ana, EditItem(answer, "Yes, at ten."))
    says(scene, scene.ben, f"@{scene.ana.name} {cleaned(texts[-1])}"[:2_000], answer)
    here = (Here(scene.ana.id), Here(scene.ben.id, None, scene.ben.name, typing=True))
    name = topic(scene, "presence")
    world.talks.present[name] = Presence(name, here, (LastSeen(scene.dev.id, began, scene.dev.name),))


def had_read(path: Path, scene: Scene, no: int) -> None:
    """The organiser had read so far, an hour ago."""
    memory = Memory(folders(path))
    memory.keep_talked(SERVER, topic(scene), no, scene.world.now() - timedelta(hours=1))
    write_atomically(folders(path).memory_file, memory.written())


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
