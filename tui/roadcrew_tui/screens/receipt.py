"""What was ordered, with every price; to the clipboard, or into a file for a calendar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from roadcrew_domain.cart_state import Order
from roadcrew_tui import receipts, render
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.snapshot import NotKept
from roadcrew_tui.widgets.lines import KeyLine, Lines, Part

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp

KEYS = (("copy", "c", "copy"), ("keep", "s", "save for a calendar"), ("", "esc", "close"))


class ReceiptScreen(Dialog[None]):
    """One order of a user. `way` is what its provider is called."""

    CSS_PATH = "receipt.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close", show=False),
        Binding("c", "copy", "Copy", show=False),
        Binding("s", "keep", "Save", show=False),
    ]

    def __init__(self, user: str, order: Order, way: str) -> None:
        super().__init__()
        self._user = user
        self._order = order
        self._way = way

    def compose(self) -> ComposeResult:
        """One text that scrolls, and keys."""
        with VerticalScroll(id="receipt"):
            yield Lines(id="receipt-text")
            yield KeyLine(id="receipt-keys")

    def on_mount(self) -> None:
        """The scroll takes the keys."""
        self.query_one("#receipt-text", Lines).show(self._draw)
        self.query_one("#receipt-keys", KeyLine).show([Part(i, render.key_hint(k, w)) for i, k, w in KEYS])
        self.query_one("#receipt", VerticalScroll).focus()

    def _draw(self, width: int) -> Content:
        rows: list[Content | str] = [render.heading("Receipt"), ""]
        for line in receipts.as_text(self._user, self._order, self._way).split("\n"):
            rows += render.ours(line).wrap(max(1, width)) if line else [""]
        return render.stack(rows)

    def action_copy(self) -> None:
        """As text."""
        cast("RoadcrewApp", self.app).share(receipts.as_text(self._user, self._order, self._way))

    def action_keep(self) -> None:
        """Where the app was started."""
        app = cast("RoadcrewApp", self.app)
        name = "".join(c for c in self._order.number if c.isascii() and c.isalnum())
        file = Path.cwd() / f"roadcrew-{name}.ics"

        def write() -> None:
            file.write_bytes(receipts.as_calendar(self._order, self._way))
            app.call_from_thread(app.say, f"Kept in {file}. Open it with your calendar.")

        app.keeper.do(file, write, lambda error: app.post_message(NotKept(f"It can't be kept: {error.strerror}.")))
