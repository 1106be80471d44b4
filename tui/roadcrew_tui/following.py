"""The trip that is followed: what the client says of it becomes snapshots and news. Lives on the client's thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from roadcrew_tui.messages import TripChanged
from roadcrew_tui.snapshot import News, Refusal, Sending, Snapshot, Status

if TYPE_CHECKING:
    from roadcrew_client import Change, Client, LiveTrip, SyncFigures
    from roadcrew_domain.trip import TripAct

Signal = Literal["key_pressed", "hidden", "shown", "suspended", "resumed"]


class Following:
    """One trip at a time."""

    def __init__(self, say: Callable[[TripChanged], None]) -> None:
        self._say = say
        self._live: LiveTrip | None = None
        self._unlisten: Callable[[], None] | None = None
        self._away: Signal | None = None

    @property
    def follows(self) -> bool:
        """Whether a trip is followed."""
        return self._live is not None

    async def begin(self, client: Client, trip_id: str, where: str) -> None:
        """Follow a trip; `TripChanged` comes from now on. What was followed before is left."""
        await self.end()
        live = client.follow(trip_id, where=where)
        self._live = live
        if self._away is not None:
            getattr(live, self._away)()
        self._unlisten = live.listen(lambda change: self._changed(live, change))
        await live.start()
        self._say(TripChanged(_snapshot(live), News("status")))

    async def end(self) -> None:
        """Leave the trip that is followed."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        if self._live is not None:
            live, self._live = self._live, None
            await live.stop()

    def _changed(self, live: LiveTrip, change: Change) -> None:
        refusal = change.refusal
        news = News(
            change.kind,
            tuple(change.events),
            Refusal(refusal.code, refusal.detail, MappingProxyType(dict(refusal.facts))) if refusal else None,
            change.pending.act if change.pending else None,
            change.reason,
        )
        self._say(TripChanged(_snapshot(live), news))

    def act(self, act: TripAct) -> Snapshot:
        """Do something to the trip. Returns it with that painted. Raises `Refused` when it is malformed."""
        if self._live is None:
            raise LookupError("no trip is followed")
        self._live.act(act)
        return _snapshot(self._live)

    def look(self, where: str) -> None:
        """Tell which tab is seen."""
        if self._live is not None:
            self._live.look(where)

    def signal(self, what: Signal) -> None:
        """Tell what the policy of syncing wants to know. Who is away is so in the next trip too."""
        self._away = what if what in ("hidden", "suspended") else None
        if self._live is not None:
            getattr(self._live, what)()

    def figures(self) -> SyncFigures | None:
        """How following goes; None while no trip is followed."""
        return None if self._live is None else self._live.figures()


def _snapshot(live: LiveTrip) -> Snapshot:
    status = live.status
    # While the link is live, what is on its way is marked where it stands; only what is held back is counted.
    held = sum(p.state == "waiting" for p in live.pending) if status.state == "live" else status.waiting
    return Snapshot(
        trip_id=live.trip_id,
        trip=live.trip,
        confirmed=live.confirmed,
        sending=tuple(Sending(p.id, p.act, p.state == "waiting") for p in live.pending),
        present=MappingProxyType(dict(live.present)),
        status=Status(status.state, status.interval, held),
        ahead=live.server_now() - datetime.now(UTC),
    )
