"""What our dialogs have in common. No layout."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

from roadcrew_tui.screens.layout import TellingCompositor

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """Stands above another screen, and ends once."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = TellingCompositor()

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """End with a result. A second key of a burst comes too late: Textual would take away what is below."""
        if self.app.screen is self:
            return super().dismiss(result)
        nothing: AwaitComplete = AwaitComplete.nothing()  # type: ignore[no-untyped-call]
        return nothing
