"""Stand-ins for talk: what is said and given of things, and who follows it. By the domain's own rules."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec

from roadcrew_client import errors
from roadcrew_client.models import User
from roadcrew_client.talk_models import (
    Counted,
    LikesOf,
    Muted,
    RatingOf,
    RemovedItem,
    RemovedItems,
    SavedThing,
    SavedThings,
    SavesOf,
    TalkItems,
    TalkSummary,
)
from roadcrew_domain.events import Event, event
from roadcrew_domain.feed import FeedCommand, FeedState, decide, evolve
from roadcrew_domain.feed_state import (
    BRING_BACK,
    Feed,
    Item,
    Kept,
    OpenFeed,
    Picture,
    RemoveItem,
    RestoreItem,
    WriteItem,
)
from roadcrew_domain.marks_state import GiveMark, TakeMark
from roadcrew_domain.places import CHANNELS, Entity, parse_topic
from roadcrew_domain.refusals import Refused

if TYPE_CHECKING:
    from tests.tui.standins import World

PAGE_OF_SAVED = 5


def token(user: str, entity: Entity) -> str:
    """By which one's own save is known."""
    return f"of-{user}-{entity.type}-{entity.id}"


@dataclass
class Talks:
    """The truth of all feeds. `names` and `trips` are what things are called and whose they are."""

    states: dict[str, FeedState] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    present: dict[str, Any] = field(default_factory=dict)
    names: dict[Entity, str] = field(default_factory=dict)
    trips: dict[Entity, str] = field(default_factory=dict)
    saved: dict[str, list[Entity]] = field(default_factory=dict)
    muted: dict[str, tuple[Muted, ...]] = field(default_factory=dict)
    old: dict[str, list[Item]] = field(default_factory=dict)
    """Items that a feed does not hold any more."""
    lives: list[StandInTalk] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """What was asked for besides what is followed."""
    typing: list[tuple[Entity, bool]] = field(default_factory=list)
    images: dict[str, bytes] = field(default_factory=dict)
    """By item, whatever the size."""
    away: int = 0
    """So often images do not come."""
    refusing: Exception | None = None
    """What comes of sending an image, once."""
    keeps: bool = False
    """Whether what is removed can be brought back."""
    kept: dict[str, Item] = field(default_factory=dict)
    """What was removed, by tag."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def open(self, entity: Entity, now: datetime) -> None:
        """It can be talked about."""
        trip = entity.id if entity.type == "trip" else self.trips.get(entity)
        for channel in CHANNELS:
            topic = entity.topic(channel)
            if entity.has(channel) and topic not in self.states:
                self._apply(topic, None, "open", OpenFeed(channel, trip), now)  # type: ignore[arg-type]

    def do(
        self, world: World, topic: str, by: User | None, act: Any, *, command: str | None = None, at: Any = None
    ) -> tuple[str, tuple[Event, ...]]:
        """Decide and apply, and tell everybody who follows. Raises `Refused`."""
        command = command or world.new_id()
        with self.lock:
            parsed = parse_topic(topic)
            assert parsed is not None
            self.open(parsed[0], at or world.now())
            act, by_id = named(act, parsed, by)
            act = self._with_kept(topic, act)
            events = self._apply(topic, by_id, command, act, at or world.now())
            if isinstance(act, WriteItem) and parsed[1] in ("posts", "blogs"):
                written = Entity("post" if parsed[1] == "posts" else "blog", command)
                self.trips[written], self.names[written] = parsed[0].id, act.title or "A post"
        for live in list(self.lives):
            live.arrive(topic, events)
        return command, events

    def _with_kept(self, topic: str, act: Any) -> Any:
        """As the server has it that keeps what is removed."""
        state = self.states[topic]
        if not self.keeps or not isinstance(state, Feed) or not isinstance(act, RemoveItem | RestoreItem):
            return act
        item = next(item for item in state.items if item.id == act.id)
        if isinstance(act, RemoveItem):
            tag = f"tag-{len(self.kept)}"
            self.kept[tag] = item
            return msgspec.structs.replace(act, kept=Kept(tag, item))
        tag = next((binned.tag for binned in state.binned if binned.no == item.no), "")
        return msgspec.structs.replace(act, tag=tag, item=self.kept.get(tag))

    def _apply(self, topic: str, by: str | None, command: str, act: Any, now: datetime) -> tuple[Event, ...]:
        events = []
        for fact in decide(self.states.get(topic), FeedCommand(command, by, act), now):
            self.seqs[topic] = self.seqs.get(topic, -1) + 1
            events.append(event(topic, self.seqs[topic], now, by, command, fact))
            self.states[topic] = evolve(self.states.get(topic), events[-1])
        return tuple(events)

    def close_page(self, topic: str, items: int) -> None:
        """The oldest so many items are in a page from now on."""
        state = self.states[topic]
        assert isinstance(state, Feed)
        self.old[topic] = [*self.old.get(topic, ()), *state.items[:items]]
        self.states[topic] = msgspec.structs.replace(state, items=state.items[items:], pages=(*state.pages, "a-tag"))

    def summary(self, entity: Entity, me: str) -> TalkSummary:
        def of(channel: str) -> Any:
            return self.states[entity.topic(channel)]

        rating, likes, saves, mine = of("rating"), of("likes"), of("saves"), token(me, entity)
        return TalkSummary(
            entity.type,
            entity.id,
            self.names.get(entity),
            rating.trip_id,
            Counted(of("comments").count),
            Counted(of("images").count),
            RatingOf(rating.count, rating.total, rating.spread, rating.marks.get(me)),
            LikesOf(likes.count, me in likes.marks),
            SavesOf(saves.count, mine in saves.marks, mine),
        )


def named(act: Any, parsed: tuple[Entity, str], by: User | None) -> tuple[Any, str | None]:
    """The command as the server completes it, and whose it is."""
    entity, channel = parsed
    if channel == "saves" and by is not None and isinstance(act, GiveMark | TakeMark):
        return msgspec.structs.replace(act, who=token(by.id, entity)), None
    if isinstance(act, WriteItem | RemoveItem) and by is not None and not act.name:
        act = msgspec.structs.replace(act, name=by.name)
    return act, None if by is None else by.id


class StandInTalk:
    """Some topics that are followed, and what this person does there."""

    def __init__(self, client: Any, topics: tuple[str, ...]) -> None:
        self._client = client
        self.world: World = client.world
        self._loop = asyncio.get_running_loop()
        self.topics = topics
        self.status = SimpleNamespace(state="live", interval=None, waiting=0)
        self.pending: tuple[Any, ...] = ()
        self.signals: list[str] = []
        self._callback: Callable[[Any], None] | None = None

    @property
    def talks(self) -> Talks:
        return self.world.talks

    @property
    def states(self) -> Mapping[str, FeedState]:
        with self.talks.lock:
            found = {topic: self.talks.states[topic] for topic in self.topics if topic in self.talks.states}
        for saying in self.pending:
            parsed = parse_topic(saying.topic)
            assert parsed is not None
            act, by = named(saying.act, parsed, self._client.user)
            with suppress(Refused):
                for fact in decide(found.get(saying.topic), FeedCommand(saying.id, by, act), self.world.now()):
                    told = event(saying.topic, 1 << 40, self.world.now(), by, saying.id, fact)
                    found[saying.topic] = evolve(found.get(saying.topic), told)
        return found

    @property
    def present(self) -> Mapping[str, Any]:
        return {topic: who for topic, who in self.talks.present.items() if topic in self.topics}

    def server_now(self) -> datetime:
        return self.world.now()

    def listen(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        self._callback = callback
        return lambda: setattr(self, "_callback", None)

    def watch(self, topics: Collection[str]) -> None:
        self.topics = tuple(topics)
        self._look()

    def _look(self) -> None:
        for topic in self.topics:
            parsed = parse_topic(topic)
            assert parsed is not None
            with self.talks.lock:
                self.talks.open(parsed[0], self.world.now())
        self._loop.call_soon(self._tell, "status", None)

    async def start(self) -> None:
        self.talks.lives.append(self)
        self._look()

    async def stop(self) -> None:
        self.talks.lives.remove(self)

    def act(self, topic: str, act: Any, *, no: int | None = None) -> Any:
        self._require_well_formed(topic, act)
        saying = SimpleNamespace(id=self.world.new_id(), topic=topic, act=act, no=no, state="sending")
        self.pending += (saying,)
        self._tell("pending", topic, pending=saying)
        if not self.world.hold:
            self._loop.call_soon(self.send_all)
        return saying

    def _require_well_formed(self, topic: str, act: Any) -> None:
        parsed, state = parse_topic(topic), self.states.get(topic)
        if parsed is not None and state is not None:
            act, by = named(act, parsed, self._client.user)
            try:
                decide(state, FeedCommand("", by, act), self.world.now())
            except Refused as refused:
                if refused.kind == "invalid":
                    raise

    def send_all(self) -> None:
        """What was held back goes out."""
        waiting, self.pending = self.pending, ()
        for saying in waiting:
            try:
                self.talks.do(self.world, saying.topic, self._client.user, saying.act, command=saying.id)
            except Refused as refused:
                told = SimpleNamespace(code=refused.code, detail=refused.detail, facts=refused.facts)
                self._tell("refused", saying.topic, pending=saying, refusal=told)

    def arrive(self, topic: str, events: tuple[Event, ...]) -> None:
        for each in events:
            self._loop.call_soon_threadsafe(lambda e: self._tell("event", topic, events=(e,)), each)

    def tell(self, kind: str, topic: str | None = None, **more: Any) -> None:
        self._loop.call_soon_threadsafe(lambda: self._tell(kind, topic, **more))

    def _tell(self, kind: str, topic: str | None, **more: Any) -> None:
        if self._callback is not None:
            told = {"events": (), "pending": None, "refusal": None, "reason": None, **more}
            self._callback(SimpleNamespace(kind=kind, topic=topic, **told))

    def key_pressed(self) -> None:
        return

    def hidden(self) -> None:
        self.signals.append("hidden")

    def shown(self) -> None:
        self.signals.append("shown")

    def suspended(self) -> None:
        self.signals.append("suspended")

    def resumed(self) -> None:
        self.signals.append("resumed")


class TalkCalls:
    """The part of a client that is about talk."""

    world: World
    user: User | None

    @property
    def _me(self) -> str:
        if self.user is None:
            raise errors.NotSignedIn("not-signed-in", "Sign in first.")
        return self.user.id

    def follow_talk(self, *topics: str) -> StandInTalk:
        return StandInTalk(self, topics)

    async def talk_summary(self, entity: Entity) -> TalkSummary:
        talks = self.world.talks
        talks.asked.append("summary")
        with talks.lock:
            talks.open(entity, self.world.now())
            return talks.summary(entity, self._me)

    async def talk_summaries(self, entities: Collection[Entity]) -> tuple[TalkSummary, ...]:
        talks = self.world.talks
        talks.asked.append("summaries")
        known = [entity for entity in entities if entity.topic("rating") in talks.states]
        return tuple(talks.summary(entity, self._me) for entity in known)

    async def saved_things(self, after: str | None = None, limit: int = 50) -> SavedThings:
        talks = self.world.talks
        first = int(after or 0)
        mine = talks.saved.get(self._me, [])
        shown = mine[first : first + PAGE_OF_SAVED]
        more = first + PAGE_OF_SAVED < len(mine)
        things = tuple(SavedThing(e.type, e.id, talks.names.get(e), talks.trips.get(e)) for e in shown)
        return SavedThings(things, str(first + PAGE_OF_SAVED) if more else None)

    async def save(self, entity: Entity, on: bool = True, *, key: str | None = None) -> Any:
        act = GiveMark() if on else TakeMark()
        self.world.talks.do(self.world, entity.topic("saves"), self.user, act, command=key)

    async def talk_items(self, entity: Entity, channel: Any, before: int | None = None, limit: int = 100) -> TalkItems:
        self.world.talks.asked.append(f"{channel} before {before}")
        if self.world.down:
            raise errors.Unreachable("unreachable", "The server can't be reached.")
        feed = self.world.talks.states[entity.topic(channel)]
        assert isinstance(feed, Feed)
        kept = (*self.world.talks.old.get(entity.topic(channel), ()), *feed.items)
        items = [item for item in kept if before is None or item.no < before][-limit:]
        return TalkItems(tuple(items), feed.count, 0, bool(items) and items[0].no > 1)

    async def removed_items(
        self, entity: Entity, channel: Any, before: int | None = None, limit: int = 100
    ) -> RemovedItems:
        talks = self.world.talks
        talks.asked.append(f"removed {channel} before {before}")
        if self.world.down:
            raise errors.Unreachable("unreachable", "The server can't be reached.")
        feed = talks.states[entity.topic(channel)]
        assert isinstance(feed, Feed)
        found = [b for b in feed.binned if before is None or b.no < before][-limit:]
        until = BRING_BACK + self.world.now()
        return RemovedItems(
            tuple(RemovedItem(talks.kept[b.tag], b.by, b.at, until) for b in found if b.tag in talks.kept)
        )

    async def image_bytes(self, entity: Entity, item_id: str, size: str = "thumb", no: int | None = None) -> bytes:
        self.world.talks.asked.append(f"{size} {no}")
        if self.world.talks.away:
            self.world.talks.away -= 1
            raise errors.Unreachable("unreachable", "The server can't be reached.")
        if item_id not in self.world.talks.images:
            raise errors.Rejected("item-removed", "That was removed.")
        return self.world.talks.images[item_id]

    async def upload_image(
        self, entity: Entity, image: Path, media: str, caption: str = "", *, sent: Any, key: str
    ) -> None:
        talks, data = self.world.talks, await asyncio.to_thread(image.read_bytes)
        sent(len(data) // 2, len(data))
        while self.world.hold:  # noqa: ASYNC110 - which the test's own thread lets go
            await asyncio.sleep(0.005)
        sent(len(data), len(data))
        if talks.refusing is not None:
            refusing, talks.refusing = talks.refusing, None
            raise refusing
        talks.images[key] = data
        act = WriteItem("", caption, picture=Picture("f" * 64, key, 64, 48, len(data), "image/png"))
        talks.do(self.world, entity.topic("images"), self.user, act, command=key)

    async def mutes(self) -> tuple[Muted, ...]:
        self.world.talks.asked.append("mutes")
        return self.world.talks.muted.get(self._me, ())

    async def mute(self, user_id: str, name: str | None = None) -> tuple[Muted, ...]:
        kept = tuple(m for m in await self.mutes() if m.id != user_id)
        self.world.talks.muted[self._me] = (*kept, Muted(user_id, name or "", self.world.now()))
        return self.world.talks.muted[self._me]

    async def unmute(self, user_id: str) -> tuple[Muted, ...]:
        self.world.talks.muted[self._me] = tuple(m for m in await self.mutes() if m.id != user_id)
        return self.world.talks.muted[self._me]

    async def typing(self, entity: Entity, on: bool = True) -> None:
        self.world.talks.typing.append((entity, on))
