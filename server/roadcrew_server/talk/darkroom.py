"""Where images are made anew: each in a process of its own (image_child.py), which is killed when it takes too long.

Not for keeping them (images.py). The bounds of that process are its own to set; here are the clock, the queue, and the
check of what comes out.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from roadcrew_domain.values import Value
from roadcrew_server.problems import Problem

log = logging.getLogger(__name__)

CHILD = Path(__file__).with_name("image_child.py")
MEDIA = ("image/png", "image/jpeg", "image/webp")
"""What people may send."""
AT_ONCE = 2
"""Images that are made at the same time; each takes up to a GiB for a moment, and a processor."""
WAITING = 8
"""Images that wait for their turn; more are sent away."""
SECONDS = 20.0
"""After which a process is killed."""
MOST_BYTES = 24 * 1024 * 1024
"""Of what comes out of it."""
SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_PASSED = ("PATH", "HOME", "SYSTEMROOT", "PYTHONPATH", "PYTHONHOME", "PYTHONPYCACHEPREFIX", "LD_LIBRARY_PATH")
"""Of our environment, which has passwords in it, the process gets what Python itself needs."""

Pixels = Annotated[int, msgspec.Meta(ge=1, le=16_384)]
Length = Annotated[int, msgspec.Meta(ge=1, le=MOST_BYTES)]


class _Said(Value, frozen=True):
    """The first line of what the process says."""

    refused: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    width: Pixels = 1
    height: Pixels = 1
    media: Literal["image/png", "image/jpeg"] = "image/png"
    full: Length = 1
    thumb: Length = 1


class Made(Value, frozen=True):
    """An image made anew."""

    width: int
    height: int
    media: Literal["image/png", "image/jpeg"]
    full: bytes
    thumb: bytes


class Darkroom:
    """Makes images of at most so many pixels anew, few at a time."""

    def __init__(self, max_pixels: int, *, seconds: float = SECONDS, child: Path = CHILD) -> None:
        self._max_pixels = max_pixels
        self._seconds = seconds
        self._child = child
        self._room = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    async def make(self, data: bytes, media: str) -> Made:
        """The image upright and without anything but its pixels, and a thumbnail. Raises `Problem`: 422 `bad-image`
        with a sentence, or 503 when too many wait."""
        if self._inside >= AT_ONCE + WAITING:
            raise Problem(503, "unavailable", "Too many images come in just now. Try again shortly.", retry_after=5)
        self._inside += 1
        try:
            async with self._room:
                return _checked(await self._developed(data, media))
        finally:
            self._inside -= 1

    async def _developed(self, data: bytes, media: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(self._child), media, str(self._max_pixels)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={name: os.environ[name] for name in _PASSED if name in os.environ},
        )
        feeding = asyncio.create_task(_feed(process, data))
        try:
            async with asyncio.timeout(self._seconds):
                out = await _all_of(process)
        except TimeoutError:
            log.warning("an image took longer than %s s, and its process was killed", self._seconds)
            raise bad_image("The image takes too long to read.") from None
        finally:
            feeding.cancel()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return out


async def _feed(process: Process, data: bytes) -> None:
    """Give the process its image. One that has ended takes no more."""
    assert process.stdin is not None  # noqa: S101 - it was asked for
    with suppress(ConnectionError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _all_of(process: Process) -> bytes:
    """What it says until it ends, which is nothing if it is too much."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    out = bytearray()
    while chunk := await process.stdout.read(256 * 1024):
        out += chunk
        if len(out) > MOST_BYTES:
            return b""
    return bytes(out)


def _checked(out: bytes) -> Made:
    """What the process made, which may no longer be ours: an image that a reader has a hole for runs there."""
    line, _, rest = out.partition(b"\n")
    try:
        said = msgspec.json.decode(line, type=_Said)
    except ValueError:  # it was killed, for one
        raise bad_image("The image can't be read: it takes too much, or is broken.") from None
    if said.refused is not None:
        raise bad_image(said.refused)
    full, thumb = rest[: said.full], rest[said.full :]
    if len(thumb) != said.thumb or not all(part.startswith(SIGNATURES[said.media]) for part in (full, thumb)):
        raise bad_image("The image can't be read: it is broken.")
    return Made(said.width, said.height, said.media, full, thumb)


def bad_image(sentence: str) -> Problem:
    """422: why it is not taken."""
    return Problem(422, "bad-image", sentence)
