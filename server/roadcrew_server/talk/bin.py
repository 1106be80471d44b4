"""What was removed and can be brought back: records of the store, each an item as it was, of which a feed's state knows
the tag. Nobody is told of one but who may bring it back, and the store forgets each by itself.

As with pages, a record is written before the log names it, under a tag that no other has; one that the log does not
name is nobody's, and is read for nobody. Not for who may do what, nor for the bytes of images (images.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from roadcrew_domain import feed
from roadcrew_domain.feed_state import BRING_BACK, Binned, Feed, Item, ItemAct, Kept, RemoveItem, RestoreItem
from roadcrew_domain.refusals import Refused
from roadcrew_server.stores.base import StoreError

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub
    from roadcrew_server.topic import Topic

RECORD = "removed"

_decoder = msgspec.json.Decoder(Item)


class Bin:
    """That of all feeds of one store. Every method may raise `StoreUnavailable`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._store = hub.store

    async def prepared(self, topic: Topic, by: str, act: ItemAct, item: Item) -> ItemAct:
        """An act on this item with what the bin has to do with it: what is to be removed is kept, what is to be brought
        back is read. Whoever has tried the act says how it ended (`settle`)."""
        match act:
            case RemoveItem():
                tag = await self._keep(topic.name, item) if _removes(topic.state, by, act, item) else ""
                return msgspec.structs.replace(act, kept=Kept(tag, item))
            case RestoreItem():
                binned = next((b for b in topic.state.binned if b.no == item.no), None)
                if binned is not None:
                    return msgspec.structs.replace(act, tag=binned.tag, item=await self._read(topic.name, binned))
        return act

    async def settle(self, topic: Topic, act: ItemAct, state: Feed) -> None:
        """An act was tried, after which the feed is as `state` says: what that does not name is kept no longer."""
        match act:
            case RemoveItem(kept=Kept(tag=tag)) | RestoreItem(tag=tag):
                if tag and all(binned.tag != tag for binned in state.binned):
                    with suppress(StoreError):  # then the store forgets it by itself
                        await self._drop(topic.name, tag)

    async def items(self, topic: Topic, binned: Iterable[Binned]) -> list[tuple[Binned, Item]]:
        """These, as they were; not those that the store has forgotten."""
        asked = list(binned)
        found = await asyncio.gather(*(self._read(topic.name, one) for one in asked))
        return [(one, item) for one, item in zip(asked, found, strict=True) if item is not None]

    async def empty(self, topic: Topic, binned: Iterable[Binned]) -> None:
        """Nobody can bring these back any more. Idempotent."""
        for one in binned:
            await self._drop(topic.name, one.tag)

    async def _keep(self, name: str, item: Item) -> str:
        tag = self._hub.new_id()
        until = self._store.now() + BRING_BACK
        await self._store.put(RECORD, _key(name, tag), msgspec.json.encode(item), until)
        return tag

    async def _read(self, name: str, binned: Binned) -> Item | None:
        stored = await self._store.get(RECORD, _key(name, binned.tag))
        return None if stored is None else _decoder.decode(stored.value)

    async def _drop(self, name: str, tag: str) -> None:
        await self._store.delete(RECORD, _key(name, tag))


def _removes(state: Feed, by: str, act: RemoveItem, item: Item) -> bool:
    """Whether anything will be removed that there is room for; if not, nothing is kept, and the log says why."""
    try:
        return feed.judged(state.channel, item, by, act) is not None and feed.has_room(state, by)
    except Refused:
        return False


def _key(name: str, tag: str) -> str:
    return f"{name}/{tag}"
