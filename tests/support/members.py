"""Many real clients in one process, each a guest in a trip of some of them."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random

from tests.support.people import eventually

from roadcrew_client import Client, ClientSettings, LiveTrip

CREW = 10
"""Members of a trip."""


@asynccontextmanager
async def crowd_of(size: int, url: str, ana: Client, settings: ClientSettings) -> AsyncIterator[list[LiveTrip]]:
    """So many real clients, each a guest in a trip of some of them, live."""
    room_for_sockets()
    clients = [Client(url, settings=settings, random=Random(n)) for n in range(size)]
    lives: list[LiveTrip] = []
    at_once = asyncio.Semaphore(8)
    made = [await ana.create_trip(f"Trip {n}") for n in range(0, size, CREW)]

    async def settle(number: int) -> None:
        async with at_once:
            client, trip = clients[number], made[number // CREW]
            await client.guest(f"Guest {number}")
            await client.join(trip.invite.code)
            live = client.follow(trip.trip.id)
            await live.start()
            lives.append(live)
            await eventually(partial(is_live, live), "the stream", 60)

    try:
        await asyncio.gather(*(settle(number) for number in range(size)))
        yield lives
    finally:
        await asyncio.gather(*(client.close() for client in clients))


def room_for_sockets() -> None:
    """Some shells allow a program only 1,024 open files."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(least, min(most, 8192)), most))


def is_live(live: LiveTrip) -> bool:
    return live.status.state == "live" and live.confirmed is not None
