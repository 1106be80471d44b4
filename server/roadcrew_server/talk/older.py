"""The older items of a feed, in pages: records of the store, of which the feed's state knows only the tags.

A page is never written over. One that changes is written anew under another tag, and counts once the feed's log says
so; whoever was slower begins again with the page as it is then. Not for when pages are closed: that is upkeep.py's.
"""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from roadcrew_domain import feed
from roadcrew_domain.feed_state import Feed, Item
from roadcrew_server.stores.base import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub
    from roadcrew_server.topic import Topic

log = logging.getLogger(__name__)

RECORD = "page"
LEVEL = 1
"""Of compression, as for the rows of imports."""
TRIES = 5
"""Times that a page is looked for, which others turn meanwhile."""
NEAR = 3
"""The newest pages in which an item is looked for whose number was not said: it may have gone there just now."""

Items = tuple[Item, ...]

_decoder = msgspec.json.Decoder(Items)


class OldPage(NamedTuple):
    """A page as it was read, the first being 0, and one of its items."""

    number: int
    tag: str
    items: Items
    item: Item


class Older:
    """The pages of all feeds of one store. Every method may raise `StoreUnavailable`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._store = hub.store

    async def items(self, topic: Topic, before: int | None, limit: int) -> Items:
        """At most `limit` items in the order of their numbers: the newest, or those just before number `before`."""
        for _ in range(TRIES):
            state: Feed = topic.state
            last = state.count if before is None else min(before - 1, state.count)
            first = max(1, last - limit + 1)
            if first > last:
                return ()
            size = state.page_size
            indexes = range((first - 1) // size, min((last - 1) // size + 1, len(state.pages)))
            pages = [await self.read(topic.name, index, state.pages[index]) for index in indexes]
            if all(page is not None for page in pages):
                known = [item for page in pages if page is not None for item in page]
                return tuple(item for item in (*known, *state.items) if first <= item.no <= last)
            await self._hub.refresh(topic)
        raise StoreUnavailable(f"a page of {topic.name!r} is missing")

    async def find(self, topic: Topic, item_id: str, no: int | None) -> OldPage | None:
        """The page that an item is in, which is not in the state. `no`: its number, without which only the newest
        pages are looked through. None if it is not there."""
        for _ in range(TRIES):
            state: Feed = topic.state
            if no is not None:
                indexes: Sequence[int] = [(no - 1) // state.page_size] if 0 < no <= state.count else []
            else:
                indexes = range(len(state.pages) - 1, max(-1, len(state.pages) - 1 - NEAR), -1)
            missing = False
            for index in indexes:
                if index >= len(state.pages):
                    continue
                items = await self.read(topic.name, index, state.pages[index])
                missing = missing or items is None
                for item in items or ():
                    if item.id == item_id:
                        return OldPage(index, state.pages[index], items or (), item)
            if not missing:
                return None
            await self._hub.refresh(topic)
        raise StoreUnavailable(f"a page of {topic.name!r} is missing")

    async def item(self, topic: Topic, item_id: str, no: int | None = None) -> Item | None:
        """An item, wherever it is kept; None if it is nowhere (or so old that its number must be said)."""
        item = feed.found(topic.state, item_id, no)
        if item is None and (page := await self.find(topic, item_id, no)) is not None:
            return page.item
        return item or feed.found(topic.state, item_id, no)  # it came while pages were read

    async def read(self, name: str, index: int, tag: str) -> Items | None:
        """A page; None if it is not kept under this tag any more."""
        stored = await self._store.get(RECORD, _key(name, index, tag))
        return None if stored is None else _decoder.decode(zlib.decompress(stored.value))

    async def write(self, name: str, index: int, items: Sequence[Item]) -> str:
        """Keep these items, whether the log will name them or not; the tag. No two writings have the same one, so who
        drops what they wrote drops nobody else's."""
        body = zlib.compress(msgspec.json.encode(items), LEVEL)
        tag = hashlib.blake2b(body, digest_size=6, key=self._hub.new_id().encode()).hexdigest()
        await self._store.put(RECORD, _key(name, index, tag), body)
        return tag

    async def drop(self, name: str, index: int, tag: str) -> None:
        """A page that the log does not name. What can't be deleted now stays, and nobody reads it."""
        with suppress(StoreError):
            await self._store.delete(RECORD, _key(name, index, tag))


def _key(name: str, index: int, tag: str) -> str:
    return f"{name}/{index}.{tag}"
