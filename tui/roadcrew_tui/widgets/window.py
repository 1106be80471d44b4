"""Which lines of a long list of entries are in sight: a window over entries of various heights, of which only those
near it are ever measured. Pure; drawing and keys are stream.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Measure = Callable[[int], int]
"""Lines of the entry at a place; at least 1."""


class Window:
    """It hangs on one entry, its anchor, whose first line is at a line of the screen: whatever comes before, after or
    in the place of others, that entry stays where it is."""

    def __init__(self) -> None:
        self.height = 0
        self.rows: tuple[tuple[int, int], ...] = ()
        """For each line of the screen from the top: the place of an entry, and which line of it. Fewer than there is
        room for only where there are no more."""
        self._ids: Sequence[str] = ()
        self._places: dict[str, int] = {}
        self._anchor: str | None = None
        self._at = 0
        self._stretched = False

    # --- what there is ---------------------------------------------------------------------------

    def place_of(self, entry: str | None) -> int | None:
        """The place of an entry among all."""
        return None if entry is None else self._places.get(entry)

    @property
    def first(self) -> int:
        """The place of the first entry in sight; 0 where there is none."""
        return self.rows[0][0] if self.rows else 0

    @property
    def last(self) -> int:
        """The place of the last one; -1 where there is none."""
        return self.rows[-1][0] if self.rows else -1

    def top_of(self, place: int) -> int | None:
        """At which line of the screen an entry begins, which may be above it; None while nothing of it is in sight."""
        for y, (index, line) in enumerate(self.rows):
            if index == place:
                return y - line
        return None

    def shows_end(self, measure: Measure) -> bool:
        """Whether the last line of all is in sight."""
        end = len(self._ids) - 1
        return end < 0 or (self.last == end and self.rows[-1][1] == measure(end) - 1)

    # --- what changes it -------------------------------------------------------------------------

    def hold(self, ids: Sequence[str], stands: Callable[[int], bool]) -> None:
        """There are these entries now. If the anchor is not among them, it is the next one that is, and `stands` there
        among the others for ever."""
        before, self._ids = self._ids, ids
        old = self._places
        self._places = {entry: place for place, entry in enumerate(ids)}
        self._stretched = True
        if self._anchor in self._places or self._anchor not in old:
            return
        place = old[self._anchor]
        rest = (*before[place:], *reversed(before[:place]))
        self._anchor = next((entry for entry in rest if entry in self._places and stands(self._places[entry])), None)

    def hang_on(self, place: int, at: int) -> None:
        """The entry at `place` begins at the line `at` of the screen."""
        self._anchor, self._at = self._ids[place], at

    def to_end(self, measure: Measure) -> None:
        """The last line of all is the lowest."""
        if self._ids:
            last = len(self._ids) - 1
            self.hang_on(last, self.height - measure(last))

    def by(self, lines: int) -> None:
        """Down by so many lines; up if they are fewer than 0. No more of them than a few screens."""
        self._at -= lines

    def measured_anew(self) -> None:
        """Entries may have other heights than before."""
        self._stretched = True

    def fill(self, measure: Measure, prefers: int | None, stands: Callable[[int], bool]) -> None:
        """Find out what is in sight. From then on it hangs on the entry at `prefers` if that begins in sight, or else
        on the first in sight that `stands`."""
        if not self._ids or self.height <= 0:
            self.rows = ()
            return
        place = self._places.get(self._anchor or "", 0)
        if self._stretched:  # of one that is shorter now, its end may have been above the screen
            self._at, self._stretched = max(self._at, 1 - measure(place)), False
        top, y = self._upwards(place, self._at, measure)
        end = self._downwards(top, y, measure)
        if end < self.height:
            top, y = self._upwards(top, y + self.height - end, measure)
        self.rows = self._rows_from(top, y, measure)
        self._hang(prefers, stands)

    def _upwards(self, place: int, y: int, measure: Measure) -> tuple[int, int]:
        """The entry that is at the top if the one at `place` begins at `y`, and where it begins: never below the
        top."""
        while y > 0 and place > 0:
            place -= 1
            y -= measure(place)
        return place, min(y, 0)

    def _downwards(self, place: int, y: int, measure: Measure) -> int:
        while y < self.height and place < len(self._ids):
            y += measure(place)
            place += 1
        return y

    def _rows_from(self, place: int, y: int, measure: Measure) -> tuple[tuple[int, int], ...]:
        rows: list[tuple[int, int]] = []
        while place < len(self._ids) and y < self.height:
            height = measure(place)
            rows += [(place, line) for line in range(max(0, -y), min(height, self.height - y))]
            place, y = place + 1, y + height
        return tuple(rows)

    def _hang(self, prefers: int | None, stands: Callable[[int], bool]) -> None:
        tops: dict[int, int] = {}
        for y, (place, line) in enumerate(self.rows):
            tops.setdefault(place, y - line)
        liked = prefers if prefers is not None and tops.get(prefers, -1) >= 0 else None
        place = liked if liked is not None else next((p for p in tops if stands(p)), self.first)
        self.hang_on(place, tops[place])
