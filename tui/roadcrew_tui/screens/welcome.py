"""The first run: one question."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from roadcrew_tui import commands, render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens.base import STAYS, CommandScreen, bindings
from roadcrew_tui.widgets.lines import KeyLine, Lines
from roadcrew_tui.widgets.rows import Row, RowList

CHOICES = (
    ("trip.join", "Join a trip", "somebody sent me a link or a code"),
    ("trip.new", "Plan a trip", "I start one and invite the others"),
    ("app.look-around", "Look around", "a sample trip, on this computer only"),
    ("you.sign-in", "Sign in", "I have an account"),
)


class WelcomeScreen(CommandScreen):
    """Nothing is known yet: no server, no name."""

    CSS_PATH = "welcome.tcss"
    MODULES = ("lobby", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [STAYS, *bindings("lobby", "everywhere")]

    @property
    def places(self) -> tuple[Place, ...]:
        """The first run."""
        return ("welcome",)

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        yield Lines(id="welcome-title")
        yield RowList(id="welcome-choices", keeps_sign=True)
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """The first answer has the cursor."""
        self.redraw()
        self.query_one("#welcome-choices", RowList).focus()

    def redraw(self) -> None:
        """Draw everything."""
        self.query_one("#welcome-title", Lines).show(
            lambda _: render.stack(
                [
                    render.heading("Roadcrew"),
                    render.ours("Plan a trip together, live.", render.MUTED),
                    "",
                    render.ours("What brings you here?"),
                ]
            )
        )
        offered = [command.id for command in self.offered()]
        rows = [Row(i, _choice(words, why)) for i, words, why in CHOICES if i in offered]
        self.query_one("#welcome-choices", RowList).show(rows)
        self.show_keys()

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter chooses."""
        return [("choose", "enter", "choose")]

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        self.start(commands.find(event.row))


def _choice(words: str, why: str) -> Callable[[int], Content]:
    return lambda width: render.join(render.pad(render.ours(words), 15), render.ours(why, render.MUTED))
