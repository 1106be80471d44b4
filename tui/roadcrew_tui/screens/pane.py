"""What the tabs of a trip have in common."""

from __future__ import annotations

from datetime import datetime

from textual.containers import Container

from roadcrew_domain.trip import Trip
from roadcrew_tui.snapshot import RunSnapshot, Snapshot, TalkNews


class Pane(Container):
    """One tab. It is given everything that it draws, each time that something changed."""

    def draw(self, snapshot: Snapshot, trip: Trip, me: str, now: datetime) -> None:
        """Draw this state."""
        raise NotImplementedError

    def start(self) -> None:
        """The tab was opened: put the focus where work begins."""
        raise NotImplementedError

    def select(self, thing: str) -> None:
        """Go to this one of what the tab is about, if it has such."""

    def show_run(self, seen: RunSnapshot) -> None:
        """Something about a run is new, if the tab is about such."""

    def show_talk(self, news: TalkNews) -> None:
        """Something that is said is new, if the tab is about such."""

    async def back(self) -> bool:
        """`esc`: one step back within the tab; False if there is none."""
        return False

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does here, for the last line."""
        return []
