"""A program of somebody's who books, run after run on one folder, for test_booking_flow.py and its like."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TypeVar

from tests.api_client.booking_desk import Desk, Fault, Wire
from tests.support.jumping import LoopClock, jumping

import roadcrew_client as rc
from roadcrew_client._disk_thread import DiskThread
from roadcrew_client.pending_booking import PendingBooking, PendingBookings
from roadcrew_client.settings import ClientSettings

T = TypeVar("T")

SERVER = "http://book.example.org"
TWO = {"adult": 2}


class InlineDisk(DiskThread):
    """The disk without its thread, whose time no clock of a test moves."""

    def put(self, job: Callable[[], object]) -> None:
        with suppress(OSError):
            job()

    async def ask(self, job: Callable[[], T], within: float) -> T | None:
        await asyncio.sleep(0)
        try:
            done = job()
        except OSError:
            done = None
        await asyncio.sleep(0)
        return done


class Program:
    """One run of a program of Ana's, or of whoever's token it has."""

    def __init__(self, folder: Path, desk: Desk, token: str | None = "ana", fault: Fault = lambda path: None) -> None:
        self.wire = Wire(desk, fault)
        settings = ClientSettings(retry_initial=0.5)
        self.client = rc.Client(SERVER, token=token, settings=settings, clock=LoopClock(), random=Random(1))
        self.client._connection._transport = self.wire  # type: ignore[assignment]
        self.pendings = PendingBookings(folder)
        self.pendings._disk = InlineDisk("")
        self.told: list[rc.BookingStep] = []
        self.flow = rc.BookingFlow(self.client, self.pendings, self.told.append)

    @property
    def words(self) -> list[str]:
        """What a person reads, each once."""
        words = [step.words for step in self.told]
        return [said for n, said in enumerate(words) if n == 0 or words[n - 1] != said]

    async def waits(self) -> PendingBooking | None:
        """What the disk has."""
        fresh = PendingBookings(self.pendings.folder)
        fresh._disk = InlineDisk("")
        return await fresh.load(SERVER)

    def sign_in(self, user: str) -> None:
        """As if by `login`."""
        self.client._session.adopt(rc.Session(user, rc.User(user, user.title())))


def adds(*faults: object) -> Fault:
    """These go wrong with adds, one after the other; the rest goes well."""
    left = list(faults)
    return lambda path: left.pop(0) if path.endswith("add") and left else None


def played(main: Callable[[], Awaitable[T]]) -> T:
    """The result, by a clock that jumps."""
    return jumping(main)[0]
