"""The images of feeds: made anew, kept by the hash of their bytes, and forgotten when no feed names them any more.

Not for where bytes are (blobs.py), for how an image is made (darkroom.py), nor for what a feed says (its log).

Each blob has an index of the items that name it; an item is entered before its event is written, and taken out when it
was removed. Who takes away the last one deletes the blob, and then looks once more: who entered theirs meanwhile wrote
the blob after that, so it is either found there, or is written again by them.
"""

from __future__ import annotations

import hashlib

from roadcrew_domain.feed_state import Picture
from roadcrew_server.stores.base import Store
from roadcrew_server.talk.blobs import Blobs
from roadcrew_server.talk.darkroom import Darkroom

LISTED = 500
"""Images of a feed that are forgotten at a time."""


class Images:
    """The images of one store. Every method may raise `StoreUnavailable`."""

    def __init__(self, store: Store, blobs: Blobs, darkroom: Darkroom) -> None:
        self.darkroom = darkroom
        self.blobs = blobs
        self._store = store

    async def take(self, topic: str, item: str, data: bytes, media: str) -> Picture:
        """Make an image anew and keep it for this item of this feed, whose event is yet to be written; `let_go` if it
        never is. Doing it again does no harm. Raises `Problem`, as the darkroom does."""
        made = await self.darkroom.make(data, media)
        full, thumb = (hashlib.sha256(blob).hexdigest() for blob in (made.full, made.thumb))
        picture = Picture(full, thumb, made.width, made.height, len(made.full), made.media)
        await self._store.index_add(_of_feed(topic), _entry(item, picture), self._store.now())
        for name, blob in ((full, made.full), (thumb, made.thumb)):
            await self._store.index_add(_of_blob(name), f"{topic} {item}", self._store.now())
            await self.blobs.put(name, blob)
        return picture

    async def let_go(self, topic: str, item: str, picture: Picture) -> None:
        """The item names its image no longer. Idempotent."""
        for name in {picture.full, picture.thumb}:
            await self._store.index_remove(_of_blob(name), f"{topic} {item}")
            if not await self._named(name):
                await self._drop(name)
        await self._store.index_remove(_of_feed(topic), _entry(item, picture))

    async def forget(self, topic: str) -> None:
        """The feed is no more; nor are its images, whether they were told of or not. Idempotent."""
        while entries := await self._store.index_list(_of_feed(topic), LISTED):
            for entry in entries:
                item, full, thumb = entry.split(" ")
                await self.let_go(topic, item, Picture(full, thumb, 1, 1, 1, "image/png"))

    async def _drop(self, name: str) -> None:
        kept = await self.blobs.get(name)
        await self.blobs.drop(name)
        if kept is not None and await self._named(name):
            await self.blobs.put(name, kept)

    async def _named(self, name: str) -> bool:
        return bool(await self._store.index_list(_of_blob(name), 1))


def _of_feed(topic: str) -> str:
    """The index of the images that a feed has, or had for a moment."""
    return f"images:{topic}"


def _of_blob(name: str) -> str:
    """The index of the items that name a blob."""
    return f"blob:{name}"


def _entry(item: str, picture: Picture) -> str:
    return f"{item} {picture.full} {picture.thumb}"
