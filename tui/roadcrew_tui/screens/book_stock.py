"""What can be booked, asked for when it is wanted and kept as it was: exhibitions, and the times of a day.

Nothing here draws; `told` is called when there is something new. How many seats are left comes live, over the link.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Coroutine
from datetime import date
from typing import TYPE_CHECKING, Any

from roadcrew_domain.exhibitions import Exhibition

if TYPE_CHECKING:
    from roadcrew_client import ExhibitionList, SlotList
    from roadcrew_tui.screens.trip import TripScreen

AGAIN = 5.0
"""Seconds after which what could not be had is asked for again, if somebody looks."""


class Stock:
    """Of one server, for one screen."""

    def __init__(self, screen: TripScreen, told: Callable[[], None]) -> None:
        self._screen = screen
        self._told = told
        self._list: ExhibitionList | None = None
        self._trouble = ""
        self._days: dict[tuple[str, date], SlotList] = {}
        self._day_trouble: dict[tuple[str, date], str] = {}
        self._asked: dict[object, float] = {}

    # --- what is known ---------------------------------------------------------------------------

    @property
    def exhibitions(self) -> tuple[Exhibition, ...]:
        """All of them."""
        return () if self._list is None else self._list.exhibitions

    @property
    def note(self) -> str:
        """What the catalogue says of itself."""
        return "" if self._list is None else self._list.note

    @property
    def words(self) -> str:
        """Why there are none."""
        if self._list is not None:
            return "Nothing can be booked here just now."
        return self._trouble or "Looking up what can be booked…"

    def exhibition(self, exhibition_id: str | None) -> Exhibition | None:
        """The one with this id."""
        return next((e for e in self.exhibitions if e.id == exhibition_id), None)

    def slots(self, exhibition_id: str, day: date) -> SlotList | None:
        """The times of a day, if they have come."""
        return self._days.get((exhibition_id, day))

    def slots_words(self, exhibition: Exhibition, day: date) -> str:
        """Why there are none."""
        if not exhibition.open_on(day):
            return "Closed on this day."
        if (exhibition.id, day) in self._days:
            return "No times on this day."
        return self._day_trouble.get((exhibition.id, day)) or "Looking up the times…"

    # --- asking ----------------------------------------------------------------------------------

    def need(self) -> None:
        """Ask what there is, unless it is known."""
        if self._list is None and self._may_ask("exhibitions"):
            self._run(self._load(), "exhibitions")

    def need_slots(self, exhibition: Exhibition, day: date) -> SlotList | None:
        """The times of a day; asked for, if they are not known and there may be some."""
        key = (exhibition.id, day)
        if key not in self._days and exhibition.open_on(day) and self._may_ask(key):
            self._run(self._load_slots(*key), "slots")
        return self._days.get(key)

    def _may_ask(self, what: object) -> bool:
        now = self._screen.crew_app.clock()
        last = self._asked.get(what)
        if last is not None and now - last < AGAIN:
            return False
        self._asked[what] = now
        return True

    def _run(self, work: Coroutine[Any, Any, None], group: str) -> None:
        self._screen.run_worker(work, group=group, exclusive=True)

    async def _load(self) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - it is there when this runs

        try:
            self._list = await self._screen.crew_app.link.call(lambda client: client.exhibitions())
        except (RoadcrewError, LookupError) as error:
            self._trouble = _why(error)
        self._told()

    async def _load_slots(self, exhibition_id: str, day: date) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - likewise

        key = (exhibition_id, day)
        try:
            self._days[key] = await self._screen.crew_app.link.call(lambda client: client.slots(exhibition_id, day))
        except (RoadcrewError, LookupError) as error:
            self._day_trouble[key] = _why(error)
        except CancelledError:  # another day is looked at; this one may be again
            self._asked.pop(key, None)
            raise
        self._told()


def _why(error: Exception) -> str:
    said = getattr(error, "detail", "No server is open.")
    return f"{said} It is asked again by itself."
