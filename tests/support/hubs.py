"""Two hubs over one store, which is what two processes are to each other; and stores that are worse than real ones."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw
from tests.support.serving import Running, served, settings_for

from roadcrew_domain import polls, trip
from roadcrew_domain.crew import Invite, JoinTrip
from roadcrew_server.hub import Hub
from roadcrew_server.stores.base import AppendResult, Commit, StoreFacts
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.topics import TripKind


class LastWriterWins(SqliteStore):
    """The control: a store without the compare. It drops what others wrote and puts its own in its place."""

    turn = asyncio.Lock()

    async def append(
        self,
        topic: str,
        epoch: str | None,
        expected_last: int,
        commits: Sequence[Commit],
        *,
        expected_command: str = "",
        keep_until: datetime,
        due: datetime | None,
    ) -> AppendResult:
        async with self.turn:
            if epoch is not None:
                await self._write(lambda w: cut(w.db, topic, expected_last))
            return await super().append(topic, epoch, expected_last, commits, keep_until=keep_until, due=due)


def cut(db: apsw.Connection, topic: str, last: int) -> None:
    """Make `last` the last event."""
    db.execute("DELETE FROM events WHERE seq > ? AND topic = (SELECT id FROM topics WHERE name = ?)", (last, topic))
    db.execute("UPDATE topics SET head = ? WHERE name = ?", (last, topic))


class Muted:
    """While this lasts, a store's hints are lost."""

    def __init__(self, store: SqliteStore) -> None:
        assert store._writer is not None
        self._writer = store._writer

    def __enter__(self) -> None:
        self._publish = self._writer._publish
        self._writer._publish = lambda hints: None

    def __exit__(self, *_: object) -> None:
        self._writer._publish = self._publish


class Deaf(SqliteStore):
    """Hints of the log are lost, as they may be."""

    def listen(self) -> Any:
        hints = super().listen()
        push = hints.push
        hints.push = lambda hint: None if hint.kind == "log" else push(hint)  # type: ignore[method-assign]
        return hints


class OpenedOnce(SqliteStore):
    """For two servers in one process."""

    opened: StoreFacts | None = None

    async def open(self) -> StoreFacts:
        """Opened by the first."""
        if self.opened is None:
            self.opened = await super().open()
        return self.opened


class Shared(OpenedOnce, Deaf):
    """No hint but those of presence arrives."""

    def listen(self) -> Any:
        hints = super().listen()
        push = hints.push
        hints.push = lambda hint: None if hint.kind in ("revoked", "changed") else push(hint)
        return hints


@asynccontextmanager
async def two_servers(place: Path, **settings: Any) -> AsyncIterator[tuple[Running, Running]]:
    """Two whole servers over one store, neither of which hears what the other does."""
    store = Shared(place / "store.sqlite", synchronous="NORMAL")
    async with served(place, store=store, **settings) as one, served(place, store=store, **settings) as two:
        yield one, two


@asynccontextmanager
async def two_hubs(store: SqliteStore, **settings: Any) -> AsyncIterator[tuple[Hub, Hub]]:
    """Two hubs over one store: what two processes are to each other."""
    await store.open()
    chosen = settings_for(store.path, **settings)
    hubs = Hub(store, (TripKind(),), chosen), Hub(store, (TripKind(),), chosen)
    for hub in hubs:
        await hub.start()
    try:
        yield hubs
    finally:
        for hub in hubs:
            await hub.stop()
        await store.close()


async def trip_of(hub: Hub, members: Sequence[str], **invite: Any) -> tuple[str, str, list[str]]:
    """A trip with these members and one open poll: topic, poll, options."""
    made, poll = hub.new_id(), hub.new_id()
    topic = f"trip:{made}"
    create = trip.CreateTrip(
        "Lisbon", members[0], Invite("K7QM-2D4F", None, invite.get("max_uses")), trip.Bounds(), 10**7
    )
    await hub.execute(topic, trip.Command(made, members[0], create))
    await asyncio.gather(
        *(hub.execute(topic, trip.Command(hub.new_id(), m, JoinTrip("K7QM-2D4F", m))) for m in members[1:])
    )
    await hub.execute(topic, trip.Command(poll, members[0], polls.OpenPoll("When?", "single", ("May", "June"))))
    return topic, poll, [f"{poll}.0", f"{poll}.1"]
