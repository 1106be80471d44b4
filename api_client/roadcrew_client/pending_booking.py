"""A booking that was chosen and is not in the cart yet, on disk: it outlives signing in, and the program.

One for each server; one folder serves all programs of a person on this computer. Not for booking it: that is
`BookingFlow`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from roadcrew_client._disk_thread import DiskThread
from roadcrew_client._private_files import Strange, contents, name, put_aside, write
from roadcrew_domain.cart_state import MAX_SEATS
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.ids import is_id
from roadcrew_domain.values import Moment, Value

WITHIN = 3.0
"""Seconds for which the disk is waited for."""
CLOSES_WITHIN = 1.0
MAX_FILE = 64 * 1024
VERSION = 1

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
        self._memory: dict[str, PendingBooking] = {}
        self._disk = DiskThread("roadcrew-bookings")

    async def load(self, server: str) -> PendingBooking | None:
        """What waits for this server."""
        held = self._memory.get(server)
        return held or await self._disk.ask(lambda: self._read(server), self._within)

    async def keep(self, pending: PendingBooking) -> bool:
        """Keep this, instead of what waited before. False if the disk would not: then it ends with this program."""
        self._memory[pending.server] = pending
        data = msgspec.json.encode(_Kept(VERSION, pending))

        def job() -> bool:
            write(self._path(pending.server), data, lasting=True)
            return True

        kept = await self._disk.ask(job, self._within) or False
        if not kept:
            logger.warning("a booking that waits could not be kept on disk")
        return kept

    async def remove(self, pending: PendingBooking) -> None:
        """It waits no more; another one that took its place stays."""
        held = self._memory.get(pending.server)
        if held is not None and held.id == pending.id:
            del self._memory[pending.server]

        def job() -> None:
            kept = self._read(pending.server)
            if kept is not None and kept.id == pending.id:
                with suppress(FileNotFoundError):
                    self._path(pending.server).unlink()

        await self._disk.ask(job, self._within)

    async def close(self) -> None:
        """Finish what is begun, if the disk lets us."""
        if self._disk.started:
            await self._disk.ask(lambda: None, CLOSES_WITHIN)
            self._disk.end()

    # --- on the disk's thread ---------------------------------------------------------------------

    def _path(self, server: str) -> Path:
        return self.folder / f"{name(server)}.booking"

    def _read(self, server: str) -> PendingBooking | None:
        path = self._path(server)
        try:
            kept = msgspec.json.decode(contents(path, MAX_FILE), type=_Kept)
            return _checked(kept, server)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, RecursionError, ValueError, Strange) as error:
            logger.warning("a booking that waited can't be read, and was put aside: %s", error)
            put_aside(path)
            return None


def _checked(kept: _Kept, server: str) -> PendingBooking:
    booking = kept.booking
    counts = list(booking.tickets.values())
    if kept.v != VERSION or booking.server != server or not is_id(booking.id):
        raise Strange("not what was looked for")
    if not counts or min(counts) < 1 or sum(counts) > MAX_SEATS:
        raise Strange("no tickets that can be")
    return booking
