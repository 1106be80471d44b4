"""What is done for feeds when nobody waits for it: the oldest items of a long one go into a page, and a feed whose trip
has ended is forgotten with all that belongs to it, and so is what was removed too long ago to be brought back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from roadcrew_domain import feed
from roadcrew_domain.feed_state import LET_GO, Binned, ClosePage, Feed, Item, KeepFeed
from roadcrew_domain.places import parse_topic
from roadcrew_domain.refusals import Refused
from roadcrew_server.stores.base import StoreError
from roadcrew_server.talk.bin import Bin
from roadcrew_server.talk.entities import Entities
from roadcrew_server.talk.kinds import is_long
from roadcrew_server.talk.older import Older
from roadcrew_server.topic import Topic, TopicMissing
from roadcrew_server.topics import trip_topic

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub

log = logging.getLogger(__name__)

TRIES = 20
"""Times that a page is closed again because its items have changed meanwhile; the next write tries again."""


class Upkeep:
    """Of the feeds of one server."""

    def __init__(self, hub: Hub, entities: Entities, older: Older, kept: Bin) -> None:
        self.on_gone: Callable[[str, Sequence[Item]], Awaitable[None]] = _nothing_more
        self._hub = hub
        self._entities = entities
        self._older = older
        self._bin = kept
        self._closing: set[str] = set()

    def wrote(self, topic: Topic) -> None:
        """Something was written there: its oldest items go into a page, if they are enough. Nobody waits for that."""
        if is_long(topic.state) and topic.name not in self._closing:
            self._closing.add(topic.name)
            self._hub.spawn(self._close_quietly(topic))

    async def _close_quietly(self, topic: Topic) -> None:
        try:
            await self.close(topic)
        except StoreError as error:
            log.warning("a page of %r was not closed: %s", topic.name, error)
        except Exception:
            log.exception("a page of %r was not closed", topic.name)
        finally:
            self._closing.discard(topic.name)

    async def close(self, topic: Topic) -> None:
        """Close pages until what is left is less than two. Raises `StoreUnavailable`."""
        failed = 0
        while is_long(state := topic.state) and failed < TRIES:
            oldest, index = state.items[: state.page_size], len(state.pages)
            tag = await self._older.write(topic.name, index, oldest)
            closing = feed.FeedCommand(self._hub.new_id(), None, ClosePage(tag, oldest))
            try:
                await self._hub.execute(topic.name, closing, ahead=True)
            except Refused:  # one of them has changed, or another process has closed it
                failed += 1
                await self._older.drop(topic.name, index, tag)
                await self._hub.refresh(topic)

    async def attend(self, name: str) -> None:
        """A feed is due: it is too long, or what it is about is looked for, and it goes where that has ended. Of other
        topics it does nothing. Raises `TopicMissing` and `StoreError`."""
        if parse_topic(name) is None:
            return
        topic = await self._hub.topic(name)
        await self.close(topic)
        if feed.next_due(topic.state) > self._hub.store.now():
            return
        if await self._has_ended(topic.state.trip_id):
            await self._forget(topic)
        else:
            await self._keep(topic, await self._empty(topic))

    async def _has_ended(self, trip_id: str | None) -> bool:
        """Hotels and exhibitions never do: what was said of one that is offered no more is there when it comes back."""
        if trip_id is None:
            return False
        try:
            trip = await self._hub.topic(trip_topic(trip_id))
        except TopicMissing:
            return True
        await self._hub.refresh(trip)
        # One that was deleted may come back; its log goes when it can't any more.
        return trip.state is None or trip.state.over(self._hub.store.now()) not in (None, "deleted")

    async def _empty(self, topic: Topic) -> Sequence[Binned]:
        """Of what was removed too long ago to be brought back nothing is kept from here on, in the log neither: what
        that is. If it fails, it is due again."""
        await self._hub.refresh(topic)
        state, late = topic.state, self._hub.store.now() - LET_GO
        if not isinstance(state, Feed):
            return ()
        gone = [binned for binned in state.binned if binned.at <= late]
        if not gone:
            return ()
        await self._bin.empty(topic, gone)
        for binned in gone:
            item = await self._older.item(topic, binned.id, binned.no)
            if item is not None and item.removed is not None:
                await self.on_gone(topic.name, [item])
        await self._keep(topic)  # there is something after what was said, so the log can be cut there
        await self._hub.trim(topic)
        return gone

    async def _keep(self, topic: Topic, gone: Sequence[Binned] = ()) -> None:
        keep = KeepFeed(tuple(binned.no for binned in gone))
        await self._hub.execute(topic.name, feed.FeedCommand(self._hub.new_id(), None, keep))

    async def _forget(self, topic: Topic) -> None:
        """What belongs to it goes first: if that fails, it is due again."""
        state = topic.state
        if isinstance(state, Feed):
            for index, tag in enumerate(state.pages):
                await self._let_go(topic.name, state, await self._older.read(topic.name, index, tag) or ())
                await self._older.drop(topic.name, index, tag)
            await self._let_go(topic.name, state, state.items)
            await self._bin.empty(topic, state.binned)
        await self._hub.forget(topic)

    async def _let_go(self, name: str, state: Feed, items: Sequence[Item]) -> None:
        if state.channel in ("posts", "blogs"):
            for item in items:
                await self._entities.forget_entry(item.id)
        await self.on_gone(name, items)


async def _nothing_more(_: str, __: Sequence[Item]) -> None:
    """Items that go take nothing else with them."""
