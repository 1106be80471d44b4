"""Talk, as routes use it: find a feed for who asks, read its items, change one wherever it is kept.

What is allowed is the domain's to say. Not for what a request looks like.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import msgspec

from roadcrew_domain import feed
from roadcrew_domain.events import event
from roadcrew_domain.feed_state import Item, ItemAct, OldItem, RestoreItem
from roadcrew_domain.places import Entity
from roadcrew_domain.refusals import Refused
from roadcrew_server.catalogue import Catalogue
from roadcrew_server.talk.bin import Bin
from roadcrew_server.talk.entities import Entities
from roadcrew_server.talk.kinds import feed_kinds
from roadcrew_server.talk.marks import Saved
from roadcrew_server.talk.older import Older, OldPage
from roadcrew_server.talk.unopened import Unopened
from roadcrew_server.talk.upkeep import Upkeep
from roadcrew_server.topic import Done, Topic

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub

TRIES = 40
"""Times that a change is tried again because other processes have changed the same page."""

Run = Callable[[ItemAct], Awaitable[Done]]
"""Executes an act on the feed for who asks, under their command and key, however often it is called."""


class Talk:
    """Of one server. Every method may raise `StoreUnavailable`."""

    def __init__(self, hub: Hub, catalogue: Catalogue | None) -> None:
        self.entities = Entities(hub, catalogue)
        self.older = Older(hub)
        self.bin = Bin(hub)
        self.unopened = Unopened(hub)
        self.saved = Saved(hub)
        self.upkeep = Upkeep(hub, self.entities, self.older, self.bin)
        self._hub = hub
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        hub.serve(*feed_kinds(self.entities))

    async def found(self, user: str, entity: Entity, channel: str, *, changes: bool = False) -> Topic:
        """A channel, for whom it is open, opened if nobody has looked at it yet; for who `changes` something, also by
        what only other processes have heard of its trip. Raises `Problem` and `TopicMissing`."""
        topic, closed = await self._hub.look(entity.topic(channel), user)
        if closed is None and changes and (guard := await self._hub.guard(topic)) is not None:
            await self._hub.refresh(guard)
            closed = guard.closed_to(user, self._hub.store.now())
        if closed is not None:
            raise topic.kind.problem(closed)
        return topic

    async def change(self, topic: Topic, by: str, act: ItemAct, no: int | None, run: Run) -> tuple[Done, Item]:
        """Change an item, wherever it is kept: what was done, and the item as it is now. `no`: its number, if they
        have it. Raises `Refused` (`page-turned` when other processes were faster too often)."""
        if feed.found(topic.state, act.id, no) is not None:
            return await self._change(topic, by, act, no, run)
        turn = self._turns.setdefault(topic.name, asyncio.Lock())
        async with turn:  # who changes old items here waits for each other, and does not begin again for each
            return await self._change(topic, by, act, no, run)

    async def _change(self, topic: Topic, by: str, act: ItemAct, no: int | None, run: Run) -> tuple[Done, Item]:
        for _ in range(TRIES):
            if isinstance(act, RestoreItem) or feed.found(topic.state, act.id, no) is None:
                await self._hub.refresh(topic)
            new = feed.found(topic.state, act.id, no)
            page = None if new is not None else await self.older.find(topic, act.id, no)
            there = new if page is None else page.item
            if there is None:
                raise Refused("unknown-item", "missing", "There is no such item among the newest. Say its number.")
            ready = await self.bin.prepared(topic, by, act, there)
            try:
                done = await (run(ready) if page is None else self._in_page(topic, by, ready, page, run))
            except Refused as refused:
                await self.bin.settle(topic, ready, topic.state)
                if refused.code != "page-turned" and not (new is not None and refused.code == "unknown-item"):
                    raise
                await self._hub.refresh(topic)  # it went into a page, or that was turned
                continue
            await self.bin.settle(topic, ready, done.state)
            item = feed.found(done.state, act.id, no) or await self.older.item(topic, act.id, no)
            if item is not None:
                return done, item
        raise Refused("page-turned", "conflict", "Others are changing this at the same time. Try again.")

    async def _in_page(self, topic: Topic, by: str, act: ItemAct, page: OldPage, run: Run) -> Done:
        """The page is written as it will be, before the log says that it is so; the one that is not named then goes."""
        name, index, after = topic.name, page.number, page.tag
        changed = self._changed(topic, by, act, page.item)
        if changed != page.item:
            items = [changed if item.no == changed.no else item for item in page.items]
            after = await self.older.write(name, index, items)
        try:
            done = await run(msgspec.structs.replace(act, old=OldItem(page.item, index, page.tag, after)))
        except Refused:
            if after != page.tag:
                await self.older.drop(name, index, after)
            raise
        if after != page.tag:
            ours = done.state.pages[index] == after  # else it was done before, and is only answered again
            await self.older.drop(name, index, page.tag if ours else after)
        return done

    def _changed(self, topic: Topic, by: str, act: ItemAct, item: Item) -> Item:
        """The item as it will be. What is refused changes nothing here: the log says so to them, unless it has
        accepted this very command before."""
        try:
            fact = feed.judged(topic.state.channel, item, by, act)
        except Refused:
            return item
        if fact is None:
            return item
        return feed.changed(item, event(topic.name, topic.head + 1, self._hub.store.now(), by, "", fact))
