"""The part of `Client` that is about what was: what happened in a trip, my last change taken back, and what was deleted
brought back. Not for following a trip: that is `LiveTrip`, whose changes an undo goes along with.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from roadcrew_client._session_calls import SessionCalls
from roadcrew_client._trip_calls import TripCalls, trip_in
from roadcrew_client.about import about
from roadcrew_client.changes import Pending, Undone
from roadcrew_client.errors import Rejected, not_ours
from roadcrew_client.models import DeletedTrip, DeletedTrips, History, HistoryAnswer, read
from roadcrew_client.routes import BASE
from roadcrew_domain.dropped import RestoreHotel
from roadcrew_domain.events import BadEvent, Event, decode_event
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import RestoreTrip, Trip, TripAct
from roadcrew_domain.undoing import undo_of

if TYPE_CHECKING:
    from roadcrew_client.live import LiveTrip

PAGE = 200
"""Events that are asked for at once when something is looked for among them."""
FURTHEST = 2_000
"""Events that are looked through for what an undo needs: as many as a server keeps."""


class PastCalls(SessionCalls, TripCalls):
    """What it needs, `Client` sets."""

    _live: set[LiveTrip]

    async def history(self, trip_id: str, *, before: int | None = None, limit: int = 100) -> History:
        """At most `limit` (1 to 200) events of a trip, oldest first: the newest, or those before number `before`."""
        params = [("tripId", trip_id), ("limit", str(limit))]
        if before is not None:
            params.append(("before", str(before)))
        answer = read((await self._calls.call("GET", f"{BASE}/history", params=params)).body, HistoryAnswer)
        try:
            return History(tuple(decode_event(event) for event in answer.events), answer.more)
        except BadEvent as error:
            raise not_ours(f"The server's answer can't be read: {str(error)[:200]}") from error

    async def undo(self, trip_id: str) -> Undone:
        """Take back what I did last in a trip. Where it is followed, that is a change like any other, painted at once
        (`Undone.pending`); else it is done when this returns. Raises `Rejected`: `nothing-to-undo`, `changed-since`,
        `cannot-undo`, or `changes-wait` while changes of mine are not sent yet."""
        live = self._followed_trip(trip_id)
        if live is not None:
            await _sent(live, self._context.settings.retry_total)
        act, trip = await self._undo_of(trip_id)
        return Undone(act, about(trip, act), await self._change(trip_id, act))

    async def restore_hotel(self, trip_id: str, hotel_id: str) -> Pending | None:
        """Put a hotel on the shortlist again that was taken off. Where the trip is followed it is painted at once, and
        what waits for the server is returned; else it is done when this returns."""
        return await self._change(trip_id, RestoreHotel(hotel_id))

    async def deleted_trips(self) -> tuple[DeletedTrip, ...]:
        """The trips that I have deleted and can bring back, the newest first."""
        reply = await self._calls.call("GET", f"{BASE}/trips", params=[("deleted", "true")])
        return read(reply.body, DeletedTrips).trips

    async def restore_trip(self, trip_id: str, *, key: str | None = None) -> Trip:
        """Bring back a trip that I have deleted, with all that it had."""
        return trip_in(await self.do(trip_id, RestoreTrip(), key=key))

    def _followed_trip(self, trip_id: str) -> LiveTrip | None:
        return next((live for live in self._live if live.trip_id == trip_id), None)

    async def _change(self, trip_id: str, act: TripAct) -> Pending | None:
        """By who follows it, if anybody does; else what is done is done at once."""
        live = self._followed_trip(trip_id)
        if live is not None:
            return live.act(act)
        await self.do(trip_id, act)
        return None

    async def _undo_of(self, trip_id: str) -> tuple[TripAct, Trip]:
        """What takes my last change back, and the trip as it is. Reads on in its history while that may help."""
        me = (self.user or await self.whoami()).id
        events: tuple[Event, ...] = ()
        trip: Trip | None = None
        while True:
            page = await self.history(trip_id, before=events[0].seq if events else None, limit=PAGE)
            trip = trip or await self.trip(trip_id)
            events = (*page.events, *events)
            try:
                return undo_of(trip, events, me), trip
            except Refused as refused:
                further = refused.facts.get("further") and page.more and page.events and len(events) < FURTHEST
                if not further:
                    raise Rejected(refused.code, refused.detail, facts=refused.facts) from refused


async def _sent(live: LiveTrip, seconds: float) -> None:
    """Wait until no change is on its way: what is last is known then. Raises `Rejected` (`changes-wait`)."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await live.at_rest()
    if live.status.waiting:
        raise Rejected("changes-wait", "Changes of yours are not sent yet. Take back the last of those that wait.")
