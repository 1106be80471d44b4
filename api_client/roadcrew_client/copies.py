"""Copies of the trips that a person follows, on disk: what is drawn before a server answers, and without one.

Each is the last state that the server has confirmed, and where in the log that was; one folder serves all servers and
people, and shows nobody what is another's. The disk is touched by one thread of its own; nothing here blocks an event
loop, and every wait has an end. A copy is a comfort: what the disk won't do is logged, and nobody is told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from roadcrew_client._disk_thread import DiskThread
from roadcrew_domain.trip import Trip

if TYPE_CHECKING:
    from roadcrew_client._copies_file import CopiesFolder
    from roadcrew_client.models import User

T = TypeVar("T")

WITHIN = 0.5
"""Seconds for which a copy is waited for; a server may well be faster than such a disk."""
CLOSES_WITHIN = 1.0
"""Seconds for what is still to be written."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A trip as the server had confirmed it as of event `seq` of the log `epoch`, at `at` by the clock here. `cursor`
    leads on from there; None: the whole state must be asked for."""

    trip: Trip
    seq: int
    epoch: str | None
    cursor: str | None
    at: datetime


class Copies:
    """Copies in `folder`. Any number of clients may share one, and any number of programs a folder: the last to write
    a trip wins. Used from one event loop."""

    def __init__(self, folder: Path, *, within: float = WITHIN) -> None:
        """`within`: seconds for which the disk is waited for."""
        self.folder = folder
        self._within = within
        self._disk: CopiesFolder | None = None
        self._newest: dict[tuple[str, str, str], Copy] = {}
        self._lock = threading.Lock()
        """For that: the thread takes out what is put in here."""
        self._thread = DiskThread("roadcrew-copies")

    # --- trips ------------------------------------------------------------------------------------

    async def load(self, server: str, person: str, trip: str) -> Copy | None:
        """The copy of a trip; None where there is none that can be believed, or the disk takes too long."""
        return await self._ask(lambda disk: disk.load(server, person, trip), self._within)

    def keep(self, server: str, person: str, copy: Copy) -> None:
        """Keep this, soon. Of each trip only the newest waits to be written."""
        key = (server, person, copy.trip.id)
        with self._lock:
            waits = key in self._newest
            self._newest[key] = copy
        if waits:
            return

        def job(disk: CopiesFolder) -> None:
            with self._lock:
                newest = self._newest.pop(key, None)
            if newest is not None:
                disk.keep(server, person, newest)

        self._put(job)

    def forget(self, server: str, person: str, trip: str) -> None:
        """A person is not in a trip any more."""
        with self._lock:
            self._newest.pop((server, person, trip), None)
        self._put(lambda disk: disk.forget(server, person, trip))

    def keep_only(self, server: str, person: str, trips: Collection[str]) -> None:
        """The server says that these are all trips of this person."""
        self._put(lambda disk: disk.keep_only(server, person, trips))

    # --- people -----------------------------------------------------------------------------------

    async def who(self, server: str, token: str) -> User | None:
        """Who has this token, as far as the server has said so to any program of this folder."""
        return await self._ask(lambda disk: disk.who(server, token), self._within)

    def keep_who(self, server: str, token: str, user: User, at: datetime) -> None:
        """The server has said who has this token. Nothing stays of who was here before, if that is somebody else."""
        self._put(lambda disk: disk.keep_who(server, token, user, at))

    def forget_person(self, server: str, person: str) -> None:
        """A person has signed out here."""
        with self._lock:
            for key in [key for key in self._newest if key[:2] == (server, person)]:
                del self._newest[key]
        self._put(lambda disk: disk.forget_person(server, person))

    def forget_others(self, server: str, person: str) -> None:
        """A person has signed in here: nothing stays of anybody else."""
        self._put(lambda disk: disk.forget_others(server, person))

    def forget_whose(self, server: str, token: str) -> None:
        """Who has this token has signed out here; who that is, only the disk may know."""
        self._put(lambda disk: disk.forget_whose(server, token))

    # --- the thread -------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Wait until all is written, or the disk has had its time."""
        if self._thread.started:
            await self._ask(lambda disk: None, CLOSES_WITHIN)

    async def close(self) -> None:
        """Finish."""
        await self.flush()
        self._thread.end()

    def _put(self, job: Callable[[CopiesFolder], object]) -> None:
        self._thread.put(lambda: job(self._opened()))

    def _opened(self) -> CopiesFolder:
        if self._disk is None:
            from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 — on this thread

            from roadcrew_client._copies_file import CopiesFolder  # noqa: PLC0415 — on this thread

            try:
                program = version("roadcrew")
            except PackageNotFoundError:
                program = ""
            self._disk = CopiesFolder(self.folder, program)
        return self._disk

    async def _ask(self, job: Callable[[CopiesFolder], T], within: float) -> T | None:
        return await self._thread.ask(lambda: job(self._opened()), within)
