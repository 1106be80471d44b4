"""A stand-in for what a server and a client do about imports: jobs by the domain's own rules, and their rows. They are
followed by way of quoting.py's desk. It runs where the real ones do, on the link's own thread. Not for what is in a
feed: nobody reads it here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from roadcrew_client import errors
from roadcrew_domain import jobs, runs
from roadcrew_domain.events import event
from roadcrew_domain.jobs_state import (
    AddRows,
    CancelImport,
    Checkpoint,
    FinishImport,
    ImportedHotel,
    ImportJob,
    JobCommand,
    ReasonCount,
    RefusedRow,
    RequestImport,
    SayConnected,
    SayDisconnected,
)
from roadcrew_domain.money import Money
from roadcrew_domain.refusals import Refused
from roadcrew_domain.running import StartRunner

if TYPE_CHECKING:
    from tests.tui.scenes import Scene
    from tests.tui.standins import World

    from roadcrew_client.models import User

SIZE = 100_000
"""Bytes of a feed, unless a test says another."""


def hotel(line: int, name: str = "", **more: Any) -> ImportedHotel:
    fields: dict[str, Any] = {
        "city": ("Lisbon", "Porto")[line % 2],
        "stars": line % 6,
        "price_per_night": Money(5000 + 7 * line % 4000, "EUR"),
    }
    return ImportedHotel(line, name or f"Hotel {line}", **{**fields, **more})


@dataclass
class Imports:
    """`trouble`: what the next uploads are refused with. `asked`: what was asked of lists, so far."""

    jobs: dict[str, ImportJob] = field(default_factory=dict)
    hotels: dict[str, list[ImportedHotel]] = field(default_factory=dict)
    refused: dict[str, list[RefusedRow]] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    trouble: list[Exception] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    uploads: list[tuple[Any, ...]] = field(default_factory=list)
    sending: threading.Event = field(default_factory=threading.Event)
    """While it is not set, an upload stays half-way."""

    def __post_init__(self) -> None:
        self.sending.set()

    def forget(self, world: World, job: str) -> None:
        """Its time is over."""
        del self.jobs[job]
        world.desk.put(f"job:{job}", None)

    def begin(
        self, world: World, trip_id: str, who: User, name: str, size: int = SIZE, currency: str | None = None
    ) -> str:
        """Somebody has sent a feed."""
        job = world.new_id()
        act = RequestImport(trip_id, name, "csv", size, 3600.0, 7 * 86400.0, currency)
        self.do(world, job, act, by=who.id)
        world.do(trip_id, who.id, runs.NoteRun(job, "import", name))
        return job

    def do(self, world: World, job: str, act: Any, *, by: str | None = None) -> None:
        now = world.at or world.now()
        command = job if isinstance(act, RequestImport) else world.new_id()
        for fact in jobs.decide(self.jobs.get(job), JobCommand(command, by, act), now):
            seq = self.heads[job] = self.heads.get(job, -1) + 1
            self.jobs[job] = jobs.evolve(self.jobs.get(job), event(f"job:{job}", seq, now, by, command, fact))
        world.desk.put(f"job:{job}", self.jobs[job])

    def connect(self, world: World, job: str) -> None:
        """A process has taken it up, and the service reads."""
        self.do(world, job, StartRunner(self.jobs[job].fence + 1))
        self.do(world, job, SayConnected(self.jobs[job].fence))

    def away(self, world: World, job: str, seconds: float) -> None:
        """The service has gone."""
        self.do(world, job, SayDisconnected(self.jobs[job].fence, seconds))

    def come(self, world: World, job: str, *rows: ImportedHotel | RefusedRow, bytes: int) -> None:  # noqa: A002
        """A part of the feed was read."""
        good = [row for row in rows if isinstance(row, ImportedHotel)]
        bad = [row for row in rows if isinstance(row, RefusedRow)]
        self.hotels.setdefault(job, []).extend(good)
        self.refused.setdefault(job, []).extend(bad)
        page = f"{self.heads[job]}"
        codes = [row.code for row in bad]
        reasons = tuple(ReasonCount(code, codes.count(code)) for code in dict.fromkeys(codes))
        names = (f"g{page}" if good else None, f"b{page}" if bad else None)
        state = self.jobs[job]
        point = Checkpoint(state.checkpoint.offset + bytes, page)
        act = AddRows(state.fence, len(good), len(bad), point, point.offset, *names, reasons, tuple(bad[:20]))
        self.do(world, job, act)

    def finish(self, world: World, job: str) -> None:
        """All of it was read."""
        self.do(world, job, FinishImport(self.jobs[job].fence))
        self.over(world, job)

    def over(self, world: World, job: str) -> None:
        """The trip is told."""
        state = self.jobs[job]
        assert state.status != "processing"
        world.do(state.trip_id, None, runs.NoteRunEnd(job, state.status, state.counts.good))


class ImportCalls:
    """The part of a client that is about imports."""

    world: World
    user: User | None

    async def start_import(
        self,
        trip_id: str,
        feed: Path,
        name: str,
        format: str,  # noqa: A002 - as the real one has it
        currency: str | None = None,
        *,
        sent: Callable[[int], None] = lambda size: None,
        key: str | None = None,
    ) -> Any:
        desk = self.world.imports
        if desk.trouble:
            raise desk.trouble.pop(0)
        assert self.user is not None
        size = await asyncio.to_thread(lambda: feed.stat().st_size)
        sent(size // 2)
        await asyncio.to_thread(desk.sending.wait, 10)
        sent(size)
        desk.uploads.append((name, format, currency, size))
        return SimpleNamespace(job_id=desk.begin(self.world, trip_id, self.user, name, size, currency))

    async def cancel_import(self, job_id: str) -> None:
        desk = self.world.imports
        assert self.user is not None
        chair = self.world.trips[desk.jobs[job_id].trip_id].organiser == self.user.id
        try:
            desk.do(self.world, job_id, CancelImport(chair), by=self.user.id)
        except Refused as refused:
            raise errors.Forbidden(refused.code, refused.detail) from refused
        desk.over(self.world, job_id)

    async def imported_hotels(self, job_id: str, *, limit: int, after: str | None, **asked: Any) -> Any:
        desk = self.world.imports
        desk.asked.append({**asked, "after": after})
        keys: dict[str, Callable[[ImportedHotel], Any]] = {
            "price": lambda h: (h.price_per_night.amount, h.line),
            "name": lambda h: (h.name, h.line),
            "city": lambda h: (h.city, h.line),
            "stars": lambda h: (h.stars, h.line),
            "line": lambda h: h.line,
        }
        found = [
            h
            for h in desk.hotels.get(job_id, [])
            if (asked["q"] is None or asked["q"].casefold() in h.name.casefold())
            and (asked["city"] is None or asked["city"].casefold() == h.city.casefold())
            and h.stars >= (asked["min_stars"] or 0)
            and (asked["max_price"] is None or h.price_per_night.amount <= asked["max_price"])
        ]
        found.sort(key=keys[asked["sort"]], reverse=asked["descending"])
        begin = int(after or 0)
        more = begin + limit < len(found)
        part = tuple(found[begin : begin + limit])
        return SimpleNamespace(hotels=part, total=len(found), next=str(begin + limit) if more else None)

    async def refused_rows(self, job_id: str, *, after: int | None, limit: int) -> Any:
        rows = [row for row in self.world.imports.refused.get(job_id, []) if row.line > (after or 0)]
        part = tuple(rows[:limit])
        following = part[-1].line if len(rows) > limit else None
        return SimpleNamespace(rows=part, total=len(self.world.imports.refused.get(job_id, [])), next=following)


def importing(scene: Scene, texts: Sequence[str]) -> Scene:
    """The scene's trip has imports of such texts too: one that is over, and one whose service has gone away."""
    world, desk = scene.world, scene.world.imports
    world.features = (*world.features, "quotes", "imports")
    for n, who in enumerate((scene.ana, scene.ben)):
        job = desk.begin(world, scene.trip_id, who, texts[n % len(texts)])
        desk.connect(world, job)
        good = [
            hotel(line, text, city=texts[line % len(texts)], price_per_night=Money(7**line, "EUR"))
            for line, text in enumerate(texts, 1)
        ]
        dearer = [replace(h, line=h.line + 100, was=Money(h.price_per_night.amount * 2, "JPY")) for h in good]
        many = [hotel(line) for line in range(200, 260)]
        bad = [RefusedRow(line, text, text) for line, text in enumerate(texts, 300)]
        desk.come(world, job, *good, *dearer, *many, *bad, bytes=SIZE // 3)
        if who is scene.ana:
            desk.finish(world, job)
        else:
            desk.away(world, job, 4.0)
    return scene
