"""A booking that was chosen and is not in the cart yet, on disk: it outlives signing in, and the program.

One for each person at a server, and one that nobody has signed in for; one folder serves all programs of who uses this
computer. Not for booking it: that is `BookingFlow`.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from roadcrew_client._disk_thread import DiskThread
from roadcrew_client._private_files import Strange, contents, name, put_aside, write
from roadcrew_client.errors import RoadcrewError
from roadcrew_domain.cart_state import MAX_SEATS
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.ids import is_id
from roadcrew_domain.values import Moment, Value

WITHIN = 3.0
"""Seconds for which the disk is waited for."""
CLOSES_WITHIN = 1.0
MAX_FILE = 64 * 1024
VERSION = 1
SUFFIX = ".booking"
LONG_OVER = timedelta(days=1)
"""No clock of a terminal that books is further off than this."""
NO_FILE_OF_OURS = {errno.ELOOP, errno.ENXIO} | ({errno.EACCES} if os.name == "posix" else set())
"""A link, a socket, what we may not read; on Windows the last also means that another program has it open."""

logger = logging.getLogger(__name__)


class PendingBooking(Value, frozen=True):
    """So many tickets of each kind for a slot. `id` is the idempotency key of the add, whatever happens in between;
    `person` is who it is for, None while nobody was signed in."""

    id: str
    server: str
    slot: SlotInfo
    tickets: Mapping[str, int]
    trip_id: str | None
    made_at: Moment
    person: str | None = None

    def is_same_choice(self, slot: SlotInfo, tickets: Mapping[str, int], trip_id: str | None) -> bool:
        """Whether that is what was chosen here."""
        return (self.slot.slot_id, dict(self.tickets), self.trip_id) == (slot.slot_id, dict(tickets), trip_id)


class _Kept(msgspec.Struct, frozen=True):
    v: int
    booking: PendingBooking


class PendingBookings:
    """Those in `folder`. What the disk won't keep is held in memory. Used from one event loop."""

    def __init__(self, folder: Path, *, within: float = WITHIN) -> None:
        """`within`: seconds for which the disk is waited for."""
        self.folder = folder
        self._within = within
        self._memory: dict[tuple[str, str | None], PendingBooking] = {}
        self._disk = DiskThread("roadcrew-bookings")

    async def load(self, server: str, person: str | None = None) -> PendingBooking | None:
        """What was chosen last at this server by this person, or by nobody who was signed in; by whomever, where
        `person` is None. Raises `RoadcrewError` (`disk-silent`) when the disk does not say."""
        held = _newest([b for (where, _), b in self._memory.items() if where == server], person)
        if held is not None:
            return held
        found = await self._disk.ask(lambda: [booking for _, booking in self._all(server)], self._within)
        if found is None:
            raise RoadcrewError("disk-silent", "Your disk does not say now whether a booking waits. Try again.")
        return _newest(found, person)

    async def keep(self, pending: PendingBooking) -> bool:
        """Keep this, instead of what waited for its person before, and for nobody. False if the disk would not: then it
        ends with this program."""
        server, person = pending.server, pending.person
        self._memory.pop((server, None), None)
        self._memory[server, person] = pending
        data = msgspec.json.encode(_Kept(VERSION, pending))

        def job() -> bool:
            write(self._path(server, person), data, lasting=True)
            if person is not None:
                self._path(server, None).unlink(missing_ok=True)
            return True

        kept = await self._disk.ask(job, self._within) or False
        self._disk.put(lambda: self._tidy(server, pending.made_at))
        if not kept:
            logger.warning("a booking that waits could not be kept on disk")
        return kept

    async def remove(self, pending: PendingBooking) -> None:
        """It waits no more; another one that took its place stays."""
        for place, held in tuple(self._memory.items()):
            if held.id == pending.id:
                del self._memory[place]

        def job() -> None:
            for path, kept in self._all(pending.server):
                if kept.id == pending.id:
                    path.unlink(missing_ok=True)

        await self._disk.ask(job, self._within)

    async def close(self) -> None:
        """Finish what is begun, if the disk lets us."""
        if self._disk.started:
            await self._disk.ask(lambda: None, CLOSES_WITHIN)
            self._disk.end()

    # --- on the disk's thread ---------------------------------------------------------------------

    def _path(self, server: str, person: str | None) -> Path:
        whose = "" if person is None else f"-{name(person)}"
        return self.folder / f"{name(server)}{whose}{SUFFIX}"

    def _all(self, server: str) -> list[tuple[Path, PendingBooking]]:
        """Raises `OSError` for what can't be read for now."""
        try:
            names = sorted(os.listdir(self.folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        paths = [self.folder / n for n in names if n.startswith(name(server)) and n.endswith(SUFFIX)]
        return [(path, booking) for path in paths if (booking := self._read(path, server)) is not None]

    def _read(self, path: Path, server: str) -> PendingBooking | None:
        try:
            return _checked(msgspec.json.decode(contents(path, MAX_FILE), type=_Kept), server)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in NO_FILE_OF_OURS:
                raise
            self._refuse(path, error)
        except (msgspec.MsgspecError, RecursionError, ValueError, Strange) as error:
            self._refuse(path, error)
        return None

    def _refuse(self, path: Path, error: Exception) -> None:
        logger.warning("a booking that waited can't be read, and was put aside: %s", error)
        put_aside(path)

    def _tidy(self, server: str, now: datetime) -> None:
        """Whoever chose these and never came back can't book them any more."""
        for path, booking in self._all(server):
            if booking.slot.ends_at + LONG_OVER < now:
                path.unlink(missing_ok=True)


def _newest(bookings: Collection[PendingBooking], person: str | None) -> PendingBooking | None:
    taken_over = {booking.id for booking in bookings if booking.person is not None}
    whole = [b for b in bookings if b.person is not None or b.id not in taken_over]
    theirs = whole if person is None else [b for b in whole if b.person in (None, person)]
    return max(theirs, key=lambda booking: booking.made_at, default=None)


def _checked(kept: _Kept, server: str) -> PendingBooking:
    booking = kept.booking
    counts = list(booking.tickets.values())
    if kept.v != VERSION or booking.server != server or not is_id(booking.id):
        raise Strange("not what was looked for")
    if not counts or min(counts) < 1 or sum(counts) > MAX_SEATS:
        raise Strange("no tickets that can be")
    return booking
