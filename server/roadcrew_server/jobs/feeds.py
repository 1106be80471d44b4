"""The feeds that people upload, kept in the store in pieces until they are imported. Not for reading what is in them.

A feed is written under a name that nobody else knows, and can be found by its job's id only once all of it is there.
What a broken upload, or one that lost against another with the same key, has written is taken away; what a killed
process has written expires.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import msgspec

from roadcrew_domain.refusals import Refused, id_taken
from roadcrew_domain.values import Value
from roadcrew_server.problems import Problem
from roadcrew_server.stores.base import Store, StoreError
from roadcrew_server.topic import KeyReused

RECORD = "feed"
PIECE = 256 * 1024
"""Bytes of one record."""
WITHIN = timedelta(hours=1)
"""An import is over after this in any case."""
KEPT = 2 * WITHIN
"""So long a feed is kept, from the beginning of its upload, which lasts a quarter of an hour at the most."""


class Feed(Value, frozen=True):
    """A feed that has come whole: who sent it, where its pieces are, its bytes, and a hash of them."""

    by: str
    upload: str
    size: int
    digest: str

    @property
    def pieces(self) -> int:
        """How many records hold it."""
        return -(-self.size // PIECE)


class FeedGone(Exception):
    """The feed, or a part of it, is no longer kept."""


class Feeds:
    """The feeds of one store. Every method may raise `StoreUnavailable`."""

    def __init__(self, store: Store, most: int, *, random: Callable[[int], bytes] = os.urandom) -> None:
        """`most`: bytes of one feed."""
        self.most = most
        self._store = store
        self._random = random

    async def find(self, job: str) -> Feed | None:
        """The feed of a job, if it has come."""
        stored = await self._store.get(RECORD, job)
        return None if stored is None else msgspec.json.decode(stored.value, type=Feed)

    async def keep(self, job: str, by: str, chunks: AsyncIterator[bytes]) -> Feed:
        """Keep what comes as the feed of this job; never more of it in memory than a piece and a chunk. If the job has
        its feed already, it must be the same one.

        Raises `Problem` (`feed-too-large`), `KeyReused`, `Refused` (`bad-feed`, `id-taken`), and what `chunks` does.
        """
        found = await self.find(job)
        if found is not None and found.by != by:
            raise id_taken()
        if found is None:
            feed = await self._written(job, by, chunks)
            if await self._store.create(RECORD, job, msgspec.json.encode(feed), self._store.now() + KEPT):
                return feed
            await self._take_away(feed.upload, feed.pieces)  # another one with this key was faster
            found = await self.find(job)
            size, digest = feed.size, feed.digest
        else:
            size, digest = await self._taken(chunks, _nowhere)
        if found is None or (found.by, found.size, found.digest) != (by, size, digest):
            raise KeyReused
        return found

    async def read(self, job: str, offset: int = 0) -> AsyncIterator[bytes]:
        """The feed's bytes from `offset` on, a piece at a time. Raises `FeedGone`."""
        feed = await self.find(job)
        if feed is None:
            raise FeedGone(job)
        while offset < feed.size:
            number, inside = divmod(offset, PIECE)
            stored = await self._store.get(RECORD, f"{feed.upload}/{number}")
            if stored is None or len(stored.value) <= inside:
                raise FeedGone(job)
            yield stored.value[inside:]
            offset += len(stored.value) - inside

    async def drop(self, job: str) -> None:
        """Nobody needs it any more. Idempotent."""
        feed = await self.find(job)
        if feed is not None:
            await self._store.delete(RECORD, job)
            await self._take_away(feed.upload, feed.pieces)

    async def _written(self, job: str, by: str, chunks: AsyncIterator[bytes]) -> Feed:
        upload, pieces, ends = f"{job}/{self._random(8).hex()}", 0, self._store.now() + KEPT

        async def put(piece: bytes) -> None:
            nonlocal pieces
            pieces += 1
            await self._store.put(RECORD, f"{upload}/{pieces - 1}", piece, ends)

        try:
            size, digest = await self._taken(chunks, put)
        except BaseException:
            await self._take_away(upload, pieces)
            raise
        return Feed(by, upload, size, digest)

    async def _taken(self, chunks: AsyncIterator[bytes], put: Callable[[bytes], Awaitable[None]]) -> tuple[int, str]:
        """How many bytes came, and their hash. Each piece goes to `put`."""
        size, digest, held = 0, hashlib.blake2b(digest_size=16), bytearray()
        async for chunk in chunks:
            size += len(chunk)
            if size > self.most:
                raise too_large(self.most)
            digest.update(chunk)
            held += chunk
            while len(held) >= PIECE:
                await put(bytes(held[:PIECE]))
                del held[:PIECE]
        if not size:
            raise Refused("bad-feed", "invalid", "The feed is empty.")
        if held:
            await put(bytes(held))
        return size, digest.hexdigest()

    async def _take_away(self, upload: str, pieces: int) -> None:
        with suppress(StoreError):  # then they expire
            for number in range(pieces):
                await self._store.delete(RECORD, f"{upload}/{number}")


async def _nowhere(_: bytes) -> None:
    """It is kept already."""


def too_large(most: int) -> Problem:
    """413: what came, or what was announced, is more than a feed may have."""
    return Problem(413, "feed-too-large", f"A feed has at most {most} bytes.", limit=most)
