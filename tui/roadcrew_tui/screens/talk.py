"""The tab of talk: what is said and given of the trip. How that is shown is talk_view.py's, as anywhere else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult

from roadcrew_domain.places import Entity
from roadcrew_domain.trip import Trip
from roadcrew_tui.screens.pane import Pane
from roadcrew_tui.screens.talk_parts import parts_of
from roadcrew_tui.screens.talk_view import TalkView
from roadcrew_tui.snapshot import Snapshot, TalkNews

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen


class TalkPane(Pane):
    """Of the trip whose screen it is in."""

    def compose(self) -> ComposeResult:
        """All of it is the view."""
        yield TalkView(Entity("trip", cast("TripScreen", self.screen).trip_id))

    @property
    def view(self) -> TalkView:
        """What is said."""
        return self.query_one(TalkView)

    def draw(self, snapshot: Snapshot, trip: Trip, me: str, now: datetime) -> None:
        """Draw what is said; the trip knows what its people are called."""
        if self.is_mounted:
            names = {member.id: member.name for member in trip.members.values()}
            self.view.draw(names, chair=trip.organiser == me)

    def show_talk(self, news: TalkNews) -> None:
        """Something that is said is new."""
        self.view.take(news)

    def start(self) -> None:
        """In the part of last time."""
        self.view.go(self.view.part_of.channel)

    def select(self, thing: str) -> None:
        """Open a part, and there an item: `posts`, or `posts/` and its id. An id alone is that of a comment."""
        parts = [part.channel for part in parts_of(self.view.entity)]
        part, _, item = thing.partition("/")
        if part in parts:
            self.view.go(part, item)
        else:
            self.view.go(parts[0], thing)

    def on_hide(self) -> None:
        """Nobody looks at it."""
        self.view.close()

    async def back(self) -> bool:
        """One step back within the part."""
        part = self.view.part
        return part is not None and await part.back()

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does there."""
        part = self.view.part if self.is_mounted else None
        return part.hints() if part is not None else []
