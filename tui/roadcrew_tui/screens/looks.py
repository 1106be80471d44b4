"""Choosing colours: each look is worn while the cursor stands on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from roadcrew_tui import render
from roadcrew_tui.screens import preferences_model as model
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.rows import Draw, Row, RowList

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp


class Looks(Dialog[None]):
    """Enter keeps the look that is worn; esc takes it off again."""

    CSS_PATH = "preferences.tcss"
    DIMS = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "As it was", show=False)]

    def compose(self) -> ComposeResult:
        """A list at the side, so that much of the screen is seen."""
        with Vertical(id="looks"):
            yield Lines(id="looks-title")
            yield RowList(id="looks-list", keeps_sign=True)

    def on_mount(self) -> None:
        """The cursor begins on the one that is worn."""
        words = render.ours("enter keeps it, esc does not", render.MUTED)
        self.query_one("#looks-title", Lines).show(lambda _: render.stack([render.heading("Colours"), words]))
        rows = self.query_one("#looks-list", RowList)
        rows.show([Row(name, _drawn(name)) for name in model.choices("theme")])
        rows.focus()
        self.call_after_refresh(rows.move_to, self._app.settings.theme)

    @property
    def _app(self) -> RoadcrewApp:
        return cast("RoadcrewApp", self.app)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._wear(event.row)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss()
        self._app.set_now(theme=event.row)

    def action_leave(self) -> None:
        """As it was."""
        self.dismiss()
        self._wear(self._app.settings.theme)

    def _wear(self, name: str) -> None:
        self._app.wear(name)
        self._app.redraw_all()


def _drawn(name: str) -> Draw:
    words, whose = model.look_words(name)
    return lambda width: render.ends(render.ours(words), render.ours(whose, render.MUTED), width)
