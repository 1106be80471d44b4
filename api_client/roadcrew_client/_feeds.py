"""A file on its way to the server, a feed of hotels or an image: read piece by piece in a thread, and again from its
start when it is sent again.

Not for what is in it: that is for the server.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import BinaryIO

from roadcrew_client.errors import Rejected

PIECE = 256 * 1024
"""Bytes that are held at once."""


class Feed:
    """A file as it was when it was first looked at, or bytes. One that is written to meanwhile is not sent: half of it
    would be of before, half of after."""

    def __init__(self, source: Path | bytes, size: int, written: int, kind: str) -> None:
        self.size = size
        self._kind = kind
        self._source = source
        self._written = written

    @classmethod
    async def of(cls, source: Path | bytes, kind: str = "feed") -> Feed:
        """`kind` begins the codes of what is raised: `Rejected` (`feed-unreadable`, `feed-empty`)."""
        try:
            signs = (len(source), 0) if isinstance(source, bytes) else await asyncio.to_thread(_look, source)
        except OSError as error:
            raise _unreadable(error, kind) from error
        feed = cls(source, *signs, kind)
        if not feed.size:
            raise Rejected(f"{kind}-empty", "That file is empty.")
        return feed

    async def pieces(self, sent: Callable[[int], None]) -> AsyncGenerator[bytes, None]:
        """All of it, from its start. `sent` is told how much of it the network has taken. Raises `Rejected`
        (`feed-changed`, `feed-unreadable`)."""
        sent(0)
        if isinstance(self._source, bytes):
            for start in range(0, self.size, PIECE):
                yield self._source[start : start + PIECE]
                sent(min(start + PIECE, self.size))
            return
        try:
            file = await asyncio.to_thread(_open, self._source)
        except OSError as error:
            raise _unreadable(error, self._kind) from error
        try:
            done = 0
            while done < self.size:
                piece = await asyncio.to_thread(self._next, file, done)
                yield piece
                done += len(piece)
                sent(done)
        finally:
            # Not waited for: a disk that hangs in a read would hold up the closing, and with it who gives up.
            asyncio.get_running_loop().run_in_executor(None, file.close)

    def _next(self, file: BinaryIO, done: int) -> bytes:
        try:
            piece = file.read(min(PIECE, self.size - done))
        except OSError as error:
            raise _unreadable(error, self._kind) from error
        if not piece or _signs(os.fstat(file.fileno())) != (self.size, self._written):
            sentence = "That file was changed while it was sent. Send it again when it is ready."
            raise Rejected(f"{self._kind}-changed", sentence)
        return piece


def _look(path: Path) -> tuple[int, int]:
    with _open(path) as file:
        return _signs(os.fstat(file.fileno()))


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _signs(found: os.stat_result) -> tuple[int, int]:
    """What is another when a file was written to."""
    return found.st_size, found.st_mtime_ns


def _unreadable(error: OSError, kind: str) -> Rejected:
    return Rejected(f"{kind}-unreadable", f"That file can't be read: {error.strerror}.")
