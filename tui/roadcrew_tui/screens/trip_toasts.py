"""Toasts of what others do in the trip that is open, several things in one. What deserves none, and what happened
before it was opened, is for the overview alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from roadcrew_tui import plain
from roadcrew_tui.happenings import by_others
from roadcrew_tui.snapshot import News, Snapshot

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

GATHERED = 1.5
"""Seconds in which what others did is gathered into one toast."""
UNTOLD = ("MemberRenamed",)


class TripToasts:
    """Of one screen."""

    def __init__(self, screen: TripScreen) -> None:
        self._screen = screen
        self._opened_at = datetime.now(UTC)
        self._waiting: list[int] = []

    def begin(self) -> None:
        """The trip is opened now."""
        self._opened_at = datetime.now(UTC)

    def take(self, snapshot: Snapshot, news: News) -> None:
        """Something has happened; by the server's clock after this was opened, if a toast is to say so."""
        me, opened = self._screen.me, self._opened_at + snapshot.ahead
        fresh = [e.seq for e in news.events if e.by != me and e.type not in UNTOLD and e.at >= opened]
        if fresh and not self._waiting:
            self._screen.set_timer(GATHERED, self._tell)
        self._waiting += fresh

    def _tell(self) -> None:
        """One toast for all that others did in the last moments."""
        seqs, self._waiting = self._waiting, []
        trip = self._screen.trip
        if trip is None or not seqs or not self._screen.is_current:
            return
        found = [h for h in by_others(trip.recent, self._screen.me, min(seqs) - 1) if h.seq in seqs]
        if found:
            words = plain.sentence(found[0].words, **found[0].people)
            more = len(found) - 1
            self._screen.crew_app.say(f"{words}, and {more} more" if more else words, seconds=4)
