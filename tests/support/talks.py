"""Processes that keep feeds, without HTTP: two over one store are what two servers are to each other. And feeds that
are long from the start."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from tests.support.hubs import trip_of
from tests.support.serving import settings_for

from roadcrew_domain import feed
from roadcrew_domain.events import encode_event, event
from roadcrew_domain.feed_state import Feed, FeedAct, Item, ItemAct, ItemWritten, WriteItem
from roadcrew_domain.marks_state import MarkAct
from roadcrew_domain.places import Entity
from roadcrew_server import catalogue
from roadcrew_server.hub import Hub
from roadcrew_server.stores.base import Snapshot, Store, StoredEvent, TopicFacts
from roadcrew_server.talk.older import RECORD
from roadcrew_server.talk.talk import Talk
from roadcrew_server.topic import Done, Topic
from roadcrew_server.topics import TripKind


@dataclass
class House:
    """A process, as far as it keeps trips and feeds."""

    hub: Hub
    talk: Talk

    @classmethod
    def over(cls, store: Store, **settings: Any) -> "House":
        hub = Hub(store, (TripKind(),), settings_for(Path("unused"), **settings))
        house = cls(hub, Talk(hub, catalogue.named("sample")))
        hub.on_due = house.talk.upkeep.attend
        return house

    async def feed(self, user: str, entity: Entity, channel: str = "comments") -> Topic:
        """A channel, opened by looking."""
        return await self.talk.found(user, entity, channel)

    async def does(self, name: str, by: str | None, act: FeedAct | MarkAct, **key: Any) -> Done:
        """One act, under an id of its own (or the `key`)."""
        command = feed.FeedCommand(key.get("key") or self.hub.new_id(), by, act)
        return await self.hub.execute(name, command, **key)

    async def writes(self, topic: Topic, by: str, texts: Sequence[str]) -> list[Item]:
        """Comments, all at once and in this order; the items. Pages are not closed by that."""
        done = await asyncio.gather(*(self.does(topic.name, by, WriteItem(by, text)) for text in texts))
        items = {item.text: item for one in done for item in one.state.items}
        return [items[text] for text in texts]

    async def changes(
        self, topic: Topic, by: str, act: ItemAct, no: int | None = None, **key: Any
    ) -> tuple[Done, Item]:
        """Change an item wherever it is kept."""
        command = key.get("key") or self.hub.new_id()

        async def run(act: ItemAct) -> Done:
            return await self.hub.execute(topic.name, feed.FeedCommand(command, by, act), **key)

        return await self.talk.change(topic, by, act, no, run)

    async def everything(self, topic: Topic) -> list[Item]:
        """All items there are, from the first, as a terminal reads them that scrolls up."""
        items: list[Item] = []
        while not items or items[0].no > 1:
            part = await self.talk.older.items(topic, items[0].no if items else None, topic.state.page_size)
            items[:0] = part
        return items


@asynccontextmanager
async def houses(*stores: Store, **settings: Any) -> AsyncIterator[list[House]]:
    """A process over each of these stores; one that stands there twice is opened once."""
    async with AsyncExitStack() as stack:
        for store in dict.fromkeys(stores):
            stack.push_async_callback(store.close)
            await store.open()
        made = [House.over(store, **settings) for store in stores]
        for house in made:
            await house.hub.start()
            stack.push_async_callback(house.hub.stop)
        yield made


async def trip_entity(house: House, *members: str) -> Entity:
    """A trip with these members."""
    topic, _, _ = await trip_of(house.hub, members)
    return Entity("trip", topic.partition(":")[2])


async def pages_of(store: Store, name: str) -> list[str]:
    """The keys of all pages of a feed that the store holds, whether its log names them or not."""
    keys: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await store.walk_records(cursor)
        keys += [r.key for r in page.items if r.kind == RECORD and r.key.startswith(f"{name}/")]
        cursor = page.next
    return sorted(keys)


def named_pages(topic: Topic) -> list[str]:
    """Those that its log names."""
    return sorted(f"{topic.name}/{number}.{tag}" for number, tag in enumerate(topic.state.pages))


async def long_feed(house: House, name: str, trip_id: str | None, count: int, *, text: str = "Comment") -> None:
    """Put a feed of comments into the store as if so many had been written, without writing one after the other."""
    store, now, ids = house.hub.store, house.hub.store.now(), [house.hub.new_id() for _ in range(count)]
    items = [Item(id_, no, "ana", "Ana", now, f"{text} {no}") for no, id_ in enumerate(ids, 1)]
    state = Feed("comments", trip_id, now, now, count, tuple(items))
    size = state.page_size
    many = max(0, count // size - 1)
    pages = await asyncio.gather(
        *(house.talk.older.write(name, n, items[n * size : (n + 1) * size]) for n in range(many))
    )
    state = msgspec.structs.replace(state, items=state.items[many * size :], pages=tuple(pages))
    kept = items[-100:]
    snapshot = Snapshot(count, ids[-1], feed.encode_state(state))  # number 0 opened it
    facts = TopicFacts(name, "epoch", count, count - len(kept) + 1, now + timedelta(400), None, snapshot)
    written = (event(name, i.no, now, i.by, i.id, ItemWritten(i.name, i.text)) for i in kept)
    await store.restore_topic(facts)
    await store.restore_log(facts, [StoredEvent(e.seq, e.command, encode_event(e)) for e in written], [])
