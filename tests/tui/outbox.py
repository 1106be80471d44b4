"""Stand-in for the client's delivery, and changes that wait in it. No disk, no network."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from roadcrew_client.about import About, about
from roadcrew_client.changes import Refusal
from roadcrew_client.delivery import OutboxNews
from roadcrew_client.outbox import OutboxEntry, Tally, dependents
from roadcrew_client.routes import call_of
from roadcrew_domain import hotels, polls
from roadcrew_domain.trip import DeleteTrip, TripAct

if TYPE_CHECKING:
    from tests.tui.scenes import Scene


class StandInDelivery:
    """What waits. Nobody hears of it before `tell`."""

    def __init__(self) -> None:
        self.waiting: list[OutboxEntry] = []
        self.sent: list[str] = []
        self._told: Callable[[OutboxNews], None] | None = None

    def listen(self, callback: Callable[[OutboxNews], None]) -> Callable[[], None]:
        self._told = callback
        return lambda: None

    async def entries(self) -> list[OutboxEntry]:
        return list(self.waiting)

    async def drop(self, ids: Collection[str]) -> tuple[str, ...]:
        gone = {*ids, *dependents(self.waiting, [e.id for e in self.waiting if e.id in ids and e.refusal is None])}
        self.waiting = [e for e in self.waiting if e.id not in gone]
        self.tell()
        return tuple(gone)

    async def send(self, ids: Collection[str]) -> tuple[str, ...]:
        self.sent += ids
        self.waiting = [replace(e, state="waiting") if e.id in ids else e for e in self.waiting]
        self.tell()
        return tuple(ids)

    @property
    def tally(self) -> Tally:
        states = [e.state for e in self.waiting]
        return Tally(*(states.count(s) for s in ("waiting", "asks", "refused", "unreadable")))

    def tell(self, kind: Any = "tally", **more: Any) -> None:
        assert self._told is not None
        self._told(OutboxNews(kind, self.tally, **more))


def made(scene: Scene, n: int, act: TripAct | None, what: About | None = None, **more: Any) -> OutboxEntry:
    """Ana's `n`-th change, of some minutes ago, about what it is about unless that is said."""
    at = datetime.now(UTC) - timedelta(minutes=10 - n)
    what = what or about(scene.world.trips[scene.trip_id], act or DeleteTrip())
    call = call_of(scene.trip_id, act or DeleteTrip())
    command = f"00000000-0000-7000-9000-{n:012x}"
    return replace(
        OutboxEntry(command, "s", scene.ana.id, f"trip:{scene.trip_id}", call, what, at, act, number=n), **more
    )


def vote(scene: Scene, n: int, **more: Any) -> OutboxEntry:
    """A vote for the flight."""
    return made(scene, n, polls.CastVote(scene.flight, answers=((f"{scene.flight}.0", "yes"),)), **more)


def too_late(scene: Scene, n: int) -> OutboxEntry:
    """A vote that the server did not take."""
    facts = {"closedAt": (datetime.now(UTC) - timedelta(minutes=5)).isoformat()}
    return vote(scene, n, state="refused", refusal=Refusal("poll-closed", "That poll is closed.", facts))


def all_kinds(scene: Scene) -> list[OutboxEntry]:
    """One that waits with one that hangs on it, one that asks, two that were refused, one that can't be read."""
    trip = scene.world.trips[scene.trip_id]
    poll = made(scene, 5, polls.OpenPoll(trip.name, "single", (trip.name, "No")))
    hanging = made(
        scene, 6, polls.CastVote(poll.id, (f"{poll.id}.0",)), About(trip.name, trip.name, ((trip.name, "yes"),))
    )
    hotel = made(scene, 1, hotels.VoteHotel(scene.alfama), state="asks")
    refused = made(scene, 2, hotels.VoteHotel(scene.alfama), state="refused", refusal=Refusal("x", trip.name * 9, {}))
    return [hotel, refused, too_late(scene, 3), made(scene, 4, None, About(), state="unreadable"), poll, hanging]
