"""What was: the history of a trip, and trips that were deleted, which their organiser can bring back for a while.

Nobody may read of a deleted trip, but its organiser is told in a list that it is there.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec

from roadcrew_domain import trip
from roadcrew_domain.trip import Command, DeleteTrip, RestoreTrip, Trip
from roadcrew_server.endpoints import Call, Endpoint
from roadcrew_server.routes.trip_shapes import DeletedAnswer, DeletedSummary, LeftAnswer, TripBody, TripsAnswer
from roadcrew_server.routes.trips import MY_TRIPS, UNPROVEN, again, change, leaving, mine, my_trips_index, post, stated
from roadcrew_server.stores.base import StoreError
from roadcrew_server.topic import TopicMissing
from roadcrew_server.topics import trip_topic

PAGE = 100
MOST = 200
"""Events in one answer."""


def deleted_index(user: str) -> str:
    """The index of the trips that a person deleted."""
    return f"deleted:{user}"


async def history(call: Call) -> dict[str, object]:
    """A part of what happened in a trip, oldest first. Who may read the trip may read all that is kept of it."""
    limit, before = call.number("limit", most=MOST) or PAGE, call.number("before", least=0)
    hub = call.server.hub
    topic, closed = await hub.look(trip_topic(call.query.get("tripId", "")), call.user_id)
    if closed is not None:
        raise topic.kind.problem(closed)
    end = topic.head + 1 if before is None else min(before, topic.head + 1)
    entries, more = await hub.before(topic, end, limit)
    if (closed := topic.closed_to(call.user_id, call.server.store.now())) is not None:  # meanwhile
        raise topic.kind.problem(closed)
    return {"events": [msgspec.Raw(topic.told(entry).body) for entry in entries], "more": more}


async def trips(call: Call) -> TripsAnswer | DeletedAnswer:
    """My trips, or those that I have deleted."""
    return await _deleted(call) if call.query.get("deleted") == "true" else await mine(call)


async def _deleted(call: Call) -> DeletedAnswer:
    """The index was written before the event, so each entry is verified, and an old one that is not true goes."""
    index, store = deleted_index(call.user_id), call.server.store
    found: list[DeletedSummary] = []
    for trip_id in await store.index_list(index, MY_TRIPS):
        state = await _if_restorable(call, trip_id)
        if state is not None:
            found.append(_summary(state))
        else:
            with suppress(StoreError):
                await store.index_remove(index, trip_id, store.now() - UNPROVEN)
    return DeletedAnswer(sorted(found, key=lambda s: s.deleted_at, reverse=True))


async def _if_restorable(call: Call, trip_id: str) -> Trip | None:
    """The trip, if this person can bring it back, as the store has it: it may be there again, and changed, by another
    process of which this one has not heard."""
    try:
        topic = await call.server.hub.topic(trip_topic(trip_id))
    except TopicMissing:
        return None
    await call.server.hub.refresh(topic)
    state: Trip | None = topic.state
    return state if state is not None and state.restorable_by(call.user_id, call.server.store.now()) else None


def _summary(t: Trip) -> DeletedSummary:
    return DeletedSummary(
        id=t.id,
        name=t.name,
        destination=t.destination,
        starts_on=t.starts_on,
        ends_on=t.ends_on,
        members=len(t.members),
        deleted_at=t.changed_at,
        restorable_until=t.restorable_until or t.changed_at,
    )


async def delete(call: Call) -> Any:
    """The trip is closed to everybody. Before that is so, it is in the list of what its organiser has deleted."""
    if await _before(call, DeleteTrip()) is not None:
        await call.server.store.index_add(deleted_index(call.user_id), call.body.trip_id, call.server.store.now())
    return await _delete(call)


_delete = leaving(DeleteTrip())


async def restore(call: Call) -> tuple[int, dict[str, object]]:
    """A deleted trip is there again, for all who were in it."""
    began = call.server.store.now()
    if (deleted := await _before(call, RestoreTrip())) is not None:
        await _list_again(call, deleted)
    done = await change(call, call.body.trip_id, RestoreTrip())
    answer = stated(call, trip_topic(call.body.trip_id), done)  # which may be a second one, and the trip deleted again
    with suppress(StoreError):  # what is left there is found untrue by who reads it
        await call.server.store.index_remove(deleted_index(call.user_id), call.body.trip_id, began)
    return done.status, answer


async def _before(call: Call, act: trip.TripAct) -> Trip | None:
    """The trip as it is before this is done to it; None if it was done already. Raises `Refused` and `TopicMissing` for
    who may not do it: they leave nothing in any list."""
    name, store = trip_topic(call.body.trip_id), call.server.store
    command, key = call.command()
    if await again(call, name, key) is not None:
        return None
    topic = await call.server.hub.topic(name)
    await call.server.hub.refresh(topic)
    trip.decide(topic.state, Command(command, call.user_id, act), store.now())
    state: Trip = topic.state
    return state


async def _list_again(call: Call, deleted: Trip) -> None:
    """It is in everybody's list before it is there."""
    store = call.server.store
    await asyncio.gather(*(store.index_add(my_trips_index(m), deleted.id, store.now()) for m in deleted.members))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/social-cart/trips",
        trips,
        "signed-in",
        "My trips, or those that I deleted",
        answer=TripsAnswer,
        or_answer=DeletedAnswer,
        query={"deleted": "`true`: those that I have deleted and can bring back."},
    ),
    Endpoint(
        "GET",
        "/api/social-cart/history",
        history,
        "member",
        "What happened in a trip",
        query={
            "tripId": "The trip's id.",
            "before": "The number of an event; those before it. Not said: the newest.",
            "limit": f"1 to {MOST} events; {PAGE} if not said.",
        },
    ),
    post("/delete", delete, "Delete a trip", TripBody, "organiser", answer=LeftAnswer),
    post("/restore", restore, "Bring back a trip that was deleted", TripBody, "organiser"),
)
