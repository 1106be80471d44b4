"""How the widgets of our screens hear of their size. Not for where they stand: that is Textual's."""

from __future__ import annotations

from textual._compositor import Compositor, ReflowResult
from textual.geometry import Size
from textual.widget import Widget


class TellingCompositor(Compositor):
    """Textual 8.2.8 tells a new widget neither of its size nor that it is shown, if somebody asked where anything is
    between its mounting and the next layout: by then it is no news to the map (Textualize/textual#5024). Here a widget
    is new to a layout until a layout has told of it."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[Widget] = set()

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """As Textual has it, and those among the shown that no layout has told of."""
        found = super().reflow(parent, size)
        before, self._told = self._told, set(self._full_map)
        return found._replace(shown=found.shown | (self._told - before))
