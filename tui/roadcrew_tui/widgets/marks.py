"""The line of what was given to one thing: stars, likes, and whether this person saved it; each can be pressed.

It asks the server once for the numbers, since the word by which one's own save is known comes with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.widget import Widget

from roadcrew_domain.places import Entity
from roadcrew_tui import commands
from roadcrew_tui.screens.marks_draw import parts
from roadcrew_tui.screens.marks_model import Standing, standing
from roadcrew_tui.widgets.buttons import Buttons
from roadcrew_tui.widgets.lines import PartsLine

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_client.talk_models import TalkSummary
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.screens.talk_parts import Talk


class MarksLine(Buttons):
    """Of one thing."""

    def __init__(self, entity: Entity) -> None:
        super().__init__(id="marks", gap=3)
        self.entity = entity
        self.summary: TalkSummary | None = None
        self._talk: Talk | None = None

    @property
    def standing(self) -> Standing:
        """What it comes to, as far as that is known."""
        if self._talk is None:
            return Standing()
        return standing(self.entity, self._talk.snapshot.states, self._talk.me, self.summary)

    @property
    def crew_app(self) -> RoadcrewApp:
        """The app, as what it is."""
        return cast("RoadcrewApp", self.app)

    @property
    def is_seen(self) -> bool:
        """Whether it, and what it is in, is on the screen."""
        return all(node.display for node in self.ancestors_with_self if isinstance(node, Widget))

    def on_mount(self) -> None:
        """Ask once."""
        self.run_worker(self.crew_app.guarded(self._ask()), group="summary")

    async def _ask(self) -> None:
        async def ask(client: Client) -> TalkSummary:
            return await client.talk_summary(self.entity)

        self.summary = await self.crew_app.link.call(ask)
        self._show()

    def draw(self, talk: Talk) -> None:
        """Draw this state."""
        self._talk = talk
        self._show()

    def _show(self) -> None:
        if self._talk is not None and self.is_mounted:
            self.show(parts(self.standing))

    @on(PartsLine.Clicked)
    def _pressed(self, event: PartsLine.Clicked) -> None:
        event.stop()
        cast(Any, self.screen).start(commands.find(event.part))
