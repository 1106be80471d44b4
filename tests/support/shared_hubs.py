"""Hubs over stores that share their data: what server processes over one Redis are to each other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.serving import settings_for

from roadcrew_domain import polls, trip
from roadcrew_domain.crew import JoinTrip
from roadcrew_domain.refusals import Refused
from roadcrew_server.hub import Hub
from roadcrew_server.stores.base import Store
from roadcrew_server.topic import Done
from roadcrew_server.topics import TripKind


@asynccontextmanager
async def hubs_over(*stores: Store, **settings: Any) -> AsyncIterator[tuple[Hub, ...]]:
    """A hub over each store, which is opened and closed."""
    async with AsyncExitStack() as stack:
        hubs = []
        for store in stores:
            stack.push_async_callback(store.close)
            await store.open()
            hub = Hub(store, (TripKind(),), settings_for(Path("unused"), **settings))
            await hub.start()
            stack.push_async_callback(hub.stop)
            hubs.append(hub)
        yield tuple(hubs)


async def vote_at_once(
    hubs: Sequence[Hub], topic: str, poll: str, options: Sequence[str], members: Sequence[str]
) -> int:
    """Everybody votes in the same instant, at the hubs in turn. How many votes were acknowledged."""
    votes = [
        hubs[n % len(hubs)].execute(
            topic,
            trip.Command(hubs[0].new_id(), m, polls.CastVote(poll, (options[n % 2],))),
            key=m,
            body="b",
        )
        for n, m in enumerate(members)
    ]
    return sum(isinstance(answer, Done) for answer in await asyncio.gather(*votes, return_exceptions=True))


async def join(hub: Hub, topic: str, name: str) -> bool:
    """False if the invite is used up."""
    try:
        await hub.execute(topic, trip.Command(hub.new_id(), name, JoinTrip("K7QM-2D4F", name)))
    except Refused as refused:
        return refused.code != "invite-used-up"
    return True


async def ballots(store: Store, topic: str, poll: str) -> int:
    """How many votes the store has, to somebody who has seen nothing yet."""
    state: trip.Trip = (await Hub(store, (TripKind(),), settings_for(Path("unused"))).topic(topic)).state
    return len(state.polls[poll].ballots)
