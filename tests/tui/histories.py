"""A stand-in for what a server and a client do about what has happened: the log of a trip a page at a time, undoing by
the domain's own rules, and trips that were deleted. It runs where the real ones do, on the link's own thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadcrew_client import errors
from roadcrew_client.about import about
from roadcrew_client.changes import Undone
from roadcrew_client.models import Answer, DeletedTrip, History
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import RestoreTrip, Trip
from roadcrew_domain.undoing import undo_of

if TYPE_CHECKING:
    from tests.tui.standins import World

    from roadcrew_client.models import User


class HistoryCalls:
    """The part of a client that is about what has happened."""

    world: World
    user: User | None

    async def history(self, trip_id: str, *, before: int | None = None, limit: int = 100) -> History:
        self._check()
        found = [e for e in self.world.logs[trip_id] if before is None or e.seq < before]
        kept = [e for e in found if e.seq >= self.world.forgotten]
        self.world.pages.append((before, limit))
        return History(tuple(kept[-limit:]), len(kept) > limit)

    async def undo(self, trip_id: str) -> Undone:
        assert self.user is not None
        try:
            act = undo_of(self.world.trips[trip_id], self.world.logs[trip_id], self.user.id)
        except Refused as refused:
            raise errors.Rejected(refused.code, refused.detail, facts=refused.facts) from refused
        told = about(self.world.trips[trip_id], act)
        await self.do(trip_id, act)
        return Undone(act, told, None)

    async def deleted_trips(self) -> tuple[DeletedTrip, ...]:
        self._check()
        assert self.user is not None
        gone = [t for t in self.world.trips.values() if t.restorable_by(self.user.id, self.world.now())]
        return tuple(_deleted(t) for t in gone)

    async def restore_trip(self, trip_id: str) -> Trip:
        answer = await self.do(trip_id, RestoreTrip())
        assert answer.trip is not None
        return answer.trip

    if TYPE_CHECKING:

        def _check(self) -> None: ...
        async def do(self, trip_id: str, act: Any, *, key: str | None = None) -> Answer: ...


def _deleted(trip: Any) -> DeletedTrip:
    return DeletedTrip(trip.id, trip.name, trip.changed_at, trip.restorable_until, len(trip.members))
