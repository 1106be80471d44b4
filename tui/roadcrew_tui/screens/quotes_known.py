"""The runs that the tab of quotes knows of: as they were seen last, and those that others are compared with, which are
asked for when they are wanted.

Nothing here draws; `told` is called when there is something new that nobody has shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from roadcrew_domain.quotes_state import QuoteRun
from roadcrew_tui.snapshot import RunSnapshot

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

MOST = 12
"""Runs that are kept here."""


class Known:
    """Of one person, for one screen."""

    def __init__(self, screen: Callable[[], TripScreen], told: Callable[[], None]) -> None:
        self._screen = screen
        self._told = told
        self._seen: dict[str, RunSnapshot] = {}
        self._before: dict[str, QuoteRun | None] = {}
        """Runs that others are compared with; None: it is asked for, or can't be had."""
        self._lost: set[str] = set()
        """Of these, those that are no longer kept."""

    def forget(self) -> None:
        """Somebody else may not see them."""
        self._seen.clear()
        self._before.clear()
        self._lost.clear()

    def take(self, seen: RunSnapshot) -> None:
        """A run as it is now. What is not said again of one that was known stays."""
        before = self._seen.pop(seen.name, None)
        known = before.state if before is not None else None
        if isinstance(known, QuoteRun) and _is_older(seen.state, known):
            seen = replace(seen, state=known)
        self._seen[seen.name] = seen
        for name in list(self._seen)[:-MOST]:
            del self._seen[name]

    def take_answer(self, run: QuoteRun) -> None:
        """A run as a call has answered."""
        seen = self.seen(run.id)
        if seen is not None:
            self.take(replace(seen, state=run))

    def seen(self, run_id: str | None) -> RunSnapshot | None:
        """How a run was seen last, and how it is with the link."""
        return self._seen.get(f"quote:{run_id}")

    def run(self, run_id: str | None) -> QuoteRun | None:
        """A run, as far as it is known."""
        seen = self.seen(run_id)
        return seen.state if seen is not None and isinstance(seen.state, QuoteRun) else None

    # --- the run before --------------------------------------------------------------------------

    def before(self, run: QuoteRun) -> QuoteRun | None:
        """The run that this one repeats; asked for once, where it has not been looked at."""
        name = run.again_of
        if name is None or self.run(name) is not None:
            return self.run(name)
        if name not in self._before:
            self._before[name] = None
            self._screen().run_worker(self._load(name), group="quotes")
        return self._before[name]

    def has_lost_before(self, run: QuoteRun) -> bool:
        """Whether the run that this one repeats is no longer kept."""
        return run.again_of in self._lost

    async def _load(self, run_id: str) -> None:
        from roadcrew_client.errors import RoadcrewError, Unreachable  # noqa: PLC0415 - it is there when this runs

        try:
            answer = await self._screen().crew_app.link.call(lambda client: client.quote_run(run_id))
        except Unreachable:
            self._before.pop(run_id, None)  # asked again when it is drawn again
            return
        except (RoadcrewError, LookupError):
            self._lost.add(run_id)
        else:
            self._before[run_id] = answer.run
        self._told()


def _is_older(run: object, known: QuoteRun) -> bool:
    """Whether a run is not known any more, or is as it was before a vote that has been answered."""
    return not isinstance(run, QuoteRun) or run.votes < known.votes
