"""What our dialogs have in common. No layout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from rich.console import RenderableType
from rich.segment import Segment
from rich.style import Style
from textual.await_complete import AwaitComplete
from textual.color import Color
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen

from roadcrew_tui.screens.layout import TellingCompositor

T = TypeVar("T")
_DIM = Style(dim=True)


class Dialog(ModalScreen[T]):
    """Stands above another screen, and ends once."""

    DIMS: ClassVar[bool] = True
    """Whether what is behind steps back."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = TellingCompositor()

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """End with a result. A second key of a burst comes too late: Textual would take away what is below."""
        if self.app.screen is self:
            return super().dismiss(result)
        nothing: AwaitComplete = AwaitComplete.nothing()  # type: ignore[no-untyped-call]
        return nothing

    def render(self) -> RenderableType:
        """In the terminal's own colours there is none that could be laid over what is behind."""
        behind = super().render()
        if self.DIMS and self.app.native_ansi_color and isinstance(behind, BackgroundScreen):
            return _Dim(behind.screen, behind.color)
        return behind


class _Dim(BackgroundScreen):
    @classmethod
    def process_segments(cls, segments: Iterable[Segment], color: Color) -> Iterable[Segment]:
        """As Textual has it, and dim."""
        return Segment.apply_style(super().process_segments(segments, color), post_style=_DIM)
