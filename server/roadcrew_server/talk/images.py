"""The images of feeds: made anew, kept by the hash of their bytes, and forgotten when no item names them any more.

Not for where bytes are (blobs.py), for how an image is made (darkroom.py), nor for what a feed says (its log).

Each blob has an index of the items that name it. An item is entered before the blob is written, and that before the
item's event. Who takes out the last one deletes the blob, and then looks once more: whoever was entered meanwhile
writes the blob after that, or finds it written back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from roadcrew_domain.feed_state import Item, Picture
from roadcrew_server.stores.base import Store
from roadcrew_server.talk.blobs import Blobs
from roadcrew_server.talk.darkroom import Darkroom
from roadcrew_server.topic import KeyReused

RECORD = "image"


class Images:
    """The images of one store. Every method may raise `StoreUnavailable`."""

    def __init__(self, store: Store, blobs: Blobs, darkroom: Darkroom) -> None:
        self.blobs = blobs
        self.darkroom = darkroom
        self._store = store

    async def take(self, item: str, data: bytes, media: str) -> Picture:
        """Make an image anew and keep it for an item that is yet to be written (`named`); `let_go` if it never is.
        Doing it again does no harm. Raises `Problem`, as the darkroom does, and `KeyReused` if the item has another
        image."""
        made = await self.darkroom.make(data, media)
        full, thumb = (hashlib.sha256(blob).hexdigest() for blob in (made.full, made.thumb))
        picture = Picture(full, thumb, made.width, made.height, len(made.full), made.media)
        is_new = await self._store.create(RECORD, item, msgspec.json.encode(picture))
        if not is_new and await self._of(item) != picture:
            raise KeyReused
        for name, blob in ((full, made.full), (thumb, made.thumb)):
            await self._store.index_add(_named_by(name), item, self._store.now())
            await self.blobs.put(name, blob)
        return picture

    async def let_go(self, item: str) -> None:
        """The item names its image no longer. Idempotent."""
        picture = await self._of(item)
        if picture is None:
            return
        for name in (picture.full, picture.thumb):
            await self._store.index_remove(_named_by(name), item)
            if not await self._is_named(name):
                await self._drop(name)
        await self._store.delete(RECORD, item)

    async def gone(self, feed: str, items: Sequence[Item]) -> None:
        """These items are removed, or forgotten with the feed that they were in. Idempotent. What was removed names no
        image any more, but may not have let go of its own; of all else without one, the store is not asked."""
        for item in items:
            if item.picture is not None or item.removed is not None:
                await self.let_go(named(feed, item.by, item.id))

    async def _of(self, item: str) -> Picture | None:
        stored = await self._store.get(RECORD, item)
        return None if stored is None else msgspec.json.decode(stored.value, type=Picture)

    async def _drop(self, name: str) -> None:
        kept = await self.blobs.get(name)
        await self.blobs.drop(name)
        if kept is not None and await self._is_named(name):
            await self.blobs.put(name, kept)

    async def _is_named(self, name: str) -> bool:
        return bool(await self._store.index_list(_named_by(name), 1))


def named(feed: str, by: str, item: str) -> str:
    """What an item is called here: its id alone somebody else may have chosen too."""
    return f"{feed}/{by}/{item}"


def _named_by(name: str) -> str:
    """The index of the items that name a blob."""
    return f"blob:{name}"
