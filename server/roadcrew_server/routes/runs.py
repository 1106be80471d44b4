"""What the routes of quote runs and of imports share: finding one for who asks, and saying how it is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from roadcrew_domain.events import Event
from roadcrew_server.endpoints import Call
from roadcrew_server.numbered import Label
from roadcrew_server.topic import Topic, TopicMissing
from roadcrew_server.topics import trip_topic


async def require_member(call: Call, trip_id: str) -> Topic:
    """The trip, for whom it is open, also by what only other processes have heard of. Raises `Problem`, and
    `TopicMissing` where there is none."""
    hub = call.server.hub
    await hub.refresh(await hub.topic(trip_topic(trip_id)))
    topic, closed = await hub.look(trip_topic(trip_id), call.user_id)
    if closed is not None:
        raise topic.kind.problem(closed)
    return topic


async def found(call: Call, name: str, kept: timedelta, *, changes: bool = False) -> Topic:
    """The topic, for whom it is open; for who `changes` something, also by what only other processes have heard of its
    trip. One that is no longer in the store, and would not be `kept` so long, has expired: its id tells its age. Raises
    `Problem`."""
    hub = call.server.hub
    try:
        if changes and (guard := await hub.guard(await hub.topic(name))) is not None:
            await hub.refresh(guard)
        topic, closed = await hub.look(name, call.user_id)
    except TopicMissing as missing:
        if missing.kind is not None and _is_older(name.partition(":")[2], kept, call.server.store.now()):
            raise missing.kind.problem("ended") from None
        raise
    if closed is not None:
        raise topic.kind.problem(closed)
    return topic


async def leads(call: Call, trip_id: str | None) -> bool:
    """Whether who asks is the organiser of that trip, which `found` has looked at for who changes something."""
    if trip_id is None:
        return False
    topic = await call.server.hub.topic(trip_topic(trip_id))
    return bool(topic.state.organiser == call.user_id)


def labelled(labels: Mapping[str, str]) -> Label:
    """What events are called on a stream, by their type; one of a later version is a `change`."""
    known = {"RunnerStarted": "runner", "EndTold": "told", **labels}

    def label(event: Event) -> str:
        return known.get(event.type, "change")

    return label


def _is_older(run_id: str, kept: timedelta, now: datetime) -> bool:
    """Whether an id says that it was made so long ago; ids of version 7 do."""
    try:
        parsed = uuid.UUID(run_id)
        return parsed.version == 7 and datetime.fromtimestamp((parsed.int >> 80) / 1000, UTC) + kept < now
    except (ValueError, OverflowError, OSError):  # no such time
        return False
