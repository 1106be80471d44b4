"""What simulated members say, rate, like and show. Where a server has no talk, nothing.

Not for when: crowd.py says who does which of these, and after how many seconds.
"""

from __future__ import annotations

import asyncio
import math
import random
import struct
import zlib

from roadcrew_client import Client
from roadcrew_domain.places import Entity, hotel_place
from roadcrew_domain.trip import Trip
from roadcrew_tui.errands import Errand

WRITES_FOR = 1.2
"""Seconds for which others see that somebody writes."""
WIDTH, HEIGHT = 320, 180
"""Pixels of the picture that is shown."""
_DUSK, _GLOW, _SUN, _RIVER, _HILL = (58, 52, 96), (240, 150, 92), (255, 226, 150), (88, 74, 104), (30, 28, 44)


def says(text: str, *, reply: bool = False) -> Errand:
    """Write a comment on the trip; `{organiser}` is who planned it, `reply` answers whoever spoke last."""

    async def say(client: Client, trip: Trip, chance: random.Random) -> None:
        talk = _trip(trip)
        await client.typing(talk)
        await asyncio.sleep(WRITES_FOR)
        newest = (await client.talk_items(talk, "comments", limit=1)).items if reply else ()
        to = next((item for item in newest if item.removed is None), None)
        words = text.format(organiser=trip.members[trip.organiser].name)
        await client.comment(talk, words, *(() if to is None else (to.id, to.no)))

    return say


async def likes(client: Client, trip: Trip, chance: random.Random) -> None:
    """Like the trip, and what was said last."""
    talk = _trip(trip)
    await client.like(talk)
    for item in (await client.talk_items(talk, "comments", limit=1)).items:
        await client.react(talk, "comments", item.id, "heart", item.no)


def rates(stars: int, text: str | None = None) -> Errand:
    """Rate the first hotel of the shortlist, and say why."""

    async def rate(client: Client, trip: Trip, chance: random.Random) -> None:
        for hotel in sorted(trip.hotels.values(), key=lambda h: (h.added_at, h.id))[:1]:
            place = Entity("location", hotel_place(hotel.name, hotel.city))
            await client.rate(place, stars)
            if text is not None:
                await client.comment(place, text)

    return rate


async def shows(client: Client, trip: Trip, chance: random.Random) -> None:
    """Show a picture."""
    await client.upload_image(_trip(trip), picture(), "image/png", "The river from Graça, as I remember it")


async def posts(client: Client, trip: Trip, chance: random.Random) -> None:
    """Tell what is new."""
    await client.post(_trip(trip), "Flights are 12 € cheaper on Thursday, says the airline's page.")


def picture() -> bytes:
    """A sunset over a river, painted here: a PNG."""
    rows = b"".join(b"\0" + bytes(value for x in range(WIDTH) for value in _pixel(x, y)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def _pixel(x: int, y: int) -> tuple[int, ...]:
    horizon = 0.62 * HEIGHT
    if y > 0.86 * HEIGHT + 9 * math.sin(x / 37) + 4 * math.sin(x / 11):
        return _HILL
    if y > horizon:
        return _SUN if abs(x - 0.62 * WIDTH) < 14 + 6 * math.sin(y) and y % 4 < 2 else _RIVER
    if math.hypot(x - 0.62 * WIDTH, y - 0.5 * HEIGHT) < 24:
        return _SUN
    share = y / horizon
    return tuple(round(dark + share * (bright - dark)) for dark, bright in zip(_DUSK, _GLOW, strict=True))


def _trip(trip: Trip) -> Entity:
    return Entity("trip", trip.id)
