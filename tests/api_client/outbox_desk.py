"""A program of Ana's with an outbox, and a server's side for it."""

import contextlib
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.api_client.scripted import ANA, FAST, Log, Request

import roadcrew_client as rc
from roadcrew_client.outbox import Outbox, OutboxEntry
from roadcrew_client.routes import Call, act_of, call_of
from roadcrew_domain import polls
from roadcrew_domain.trip import Command, EditTrip, TripAct

SETTINGS = replace(FAST, outbox_look=0.05, outbox_at_once=0.0)
DAY_AGO = timedelta(days=1)


class Desk:
    """A server's side: `down` gives no answer; `refuses` maps a name that a trip is given to a code."""

    def __init__(self) -> None:
        self.log = Log()
        self.keys: list[str] = []
        self.down = False
        self.refuses: dict[str, str] = {}
        self.who = ANA

    async def __call__(self, request: Request) -> None:
        if self.down:
            request.writer.transport.abort()
        elif request.path == "/api/session":
            await request.answer(200, {"user": self.who, "expiresAt": "2040-01-01T00:00:00Z"})
        elif request.method == "POST":
            await self.change(request)
        else:
            await self.log.follow(request)

    async def change(self, request: Request) -> None:
        if request.path not in {call_of("t", EditTrip()).path, call_of("t", polls.OpenPoll("", "single", ())).path}:
            return await request.answer(200, {})
        key = request.headers["idempotency-key"]
        self.keys.append(key)
        _, act = act_of(Call(request.path, request.body))
        if isinstance(act, EditTrip) and act.name in self.refuses:
            return await request.problem(409, self.refuses[act.name])
        self.log.do(Command(key, "ana", act))
        await request.answer(200, self.log.answer())


class Program:
    """A program of Ana's, in a folder: an outbox and a client, signed in without having asked."""

    def __init__(
        self, server: str, folder: Path, *, knows: bool = True, settings: rc.ClientSettings = SETTINGS
    ) -> None:
        self.outbox = Outbox(folder)
        self.client = rc.Client(server, token="token", settings=settings, outbox=self.outbox)
        if knows:
            self.client._session.user = rc.User("ana", "Ana")
        self.news: list[Any] = []
        assert self.client.delivery is not None
        self.delivery = self.client.delivery
        self.delivery.listen(self.news.append)

    async def __aenter__(self) -> "Program":
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.outbox.close()

    async def dies(self) -> None:
        """Ends as a killed program does: nothing is tidied up, and the system lets its locks go."""
        await self.client.close()
        owner = self.outbox._disk._owner
        assert owner is not None
        if owner._lock is not None:
            owner._lock.release()
            owner._lock = None
        await self.outbox._ask(self.outbox._disk.db.close, None)
        self.outbox._jobs.put(None)

    async def follow(self) -> rc.LiveTrip:
        live = self.client.follow("t")
        await live.start()
        return live

    async def makes(self, *names: str) -> list[str]:
        """Changes that are on disk when this returns; the trip is left again."""
        live = await self.follow()
        pendings = [live.act(EditTrip(name=name)) for name in names]
        for pending in pendings:
            assert pending.kept is not None
            assert await pending.kept == "disk"
        await live.stop()
        return [p.id for p in pendings]


def entry(n: int, act: TripAct | None = None, **more: Any) -> OutboxEntry:
    """A change without a client."""
    act = act or EditTrip(name=f"Name {n}")
    command = f"0000000{n}-0000-7000-8000-000000000000"
    made = OutboxEntry(command, "s", "ana", "trip:t", call_of("t", act), rc.About(), datetime.now(UTC), act)
    return replace(made, **more)


def rows(folder: Path) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "changes.sqlite")) as db:
        return db.execute("SELECT id, state FROM changes ORDER BY n").fetchall()


def meddle(folder: Path, sql: str, *values: object) -> None:
    """Somebody else writes into the file."""
    with contextlib.closing(sqlite3.connect(folder / "changes.sqlite")) as db:
        db.execute(sql, values)
        db.commit()
