"""A line of things to do that can be reached by tab as well as by key and by mouse: left and right go along it, enter
does what the cursor stands on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from roadcrew_tui import render
from roadcrew_tui.widgets.lines import Part, PartsLine


class Buttons(PartsLine, can_focus=True):
    """Posts `Clicked`, however one was pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "go(-1)", "Before", show=False),
        Binding("right,down", "go(1)", "Next", show=False),
        Binding("enter,space", "press", "Do it", show=False),
    ]

    _all: tuple[Part, ...] = ()
    _cursor: str | None = None

    def show(self, parts: Sequence[Part], kept: Sequence[Part] = ()) -> None:
        """The cursor stays on its part; if that is gone, it is on the first."""
        self._all = (*parts, *kept)
        if self._cursor not in [part.id for part in self._all]:
            self._cursor = self._all[0].id if self._all else None
        super().show([self._drawn(part) for part in parts], [self._drawn(part) for part in kept])

    def _drawn(self, part: Part) -> Part:
        return Part(part.id, self._lit(part.content)) if self.has_focus and part.id == self._cursor else part

    @staticmethod
    def _lit(content: Content) -> Content:
        return render.ours(content.plain, "reverse bold")

    def on_focus(self) -> None:
        """Where the cursor stands is seen."""
        self.show(self._all)

    def on_blur(self) -> None:
        """Nobody stands there."""
        self.show(self._all)

    def action_go(self, step: int) -> None:
        """Along the line, round and round."""
        ids = [part.id for part in self._all]
        if self._cursor in ids:
            self._cursor = ids[(ids.index(self._cursor) + step) % len(ids)]
            self.show(self._all)

    def action_press(self) -> None:
        """Do it."""
        if self._cursor is not None:
            self.post_message(self.Clicked(self, self._cursor))
