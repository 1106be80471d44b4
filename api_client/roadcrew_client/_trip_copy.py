"""The copy on disk of one trip that is followed: begun with, kept while it is followed, taken away when it is over.

For who looks, and in whose name, is the session's; what a copy is, and when one is believed, the folder's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from roadcrew_client.context import Context
from roadcrew_client.copies import Copy


class TripCopy:
    """Belongs to one event loop. `now` gives the trip as it is confirmed; None while nothing is."""

    def __init__(self, context: Context, trip_id: str, now: Callable[[], Copy | None]) -> None:
        self._context = context
        self._trip_id = trip_id
        self._now = now
        self._keeps = True
        self._changed = asyncio.Event()

    async def load(self) -> Copy | None:
        """The copy of the last time, if it is there, and ours."""
        copies, session = self._context.copies, self._context.session
        who = session.user
        if copies is None or who is None:
            return None
        copy = await copies.load(self._context.server, who.id, self._trip_id)
        return copy if session.user is not None and session.user.id == who.id else None

    def changed(self) -> None:
        """Something was confirmed; or somebody is known to come back who was not."""
        self._changed.set()

    def told_anew(self) -> None:
        """The server has told the whole state to who we are now."""
        self._keeps = True
        self._changed.set()

    def disown(self) -> None:
        """What is here was told to somebody else."""
        self._keeps = False

    def forget(self) -> None:
        """No copy of this trip shall stay."""
        self._keeps = False
        copies, user = self._context.copies, self._context.session.user
        if copies is not None and user is not None:
            copies.forget(self._context.server, user.id, self._trip_id)

    async def run(self) -> None:
        """Keep what changes, now and then, until cancelled."""
        while self._context.copies is not None:
            await self._changed.wait()
            self.keep_rest()
            await self._context.clock.sleep(self._context.settings.copy_every)

    def keep_rest(self) -> None:
        """Keep what has changed since the last time."""
        copies, session = self._context.copies, self._context.session
        user = session.user if session.token is not None else None
        if not self._changed.is_set() or copies is None or not self._keeps or user is None:
            return
        self._changed.clear()
        copy = self._now()
        if copy is not None and user.id in copy.trip.members:
            copies.keep(self._context.server, user.id, copy)
