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
from roadcrew_tui.host import refusal
from roadcrew_tui.messages import NotKept
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.widgets.buttons import Buttons
from roadcrew_tui.widgets.lines import Lines, Part, PartsLine

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp

KEYS = (("copy", "c", "copy"), ("keep", "s", "save for a calendar"), ("close", "esc", "close"))


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
            yield Buttons(id="receipt-keys")

    def on_mount(self) -> None:
        """The scroll takes the keys."""
        self.query_one("#receipt-text", Lines).show(self._draw)
        keys = [(i, k, w) for i, k, w in KEYS if i != "keep" or cast("RoadcrewApp", self.app).host.lends("files")]
        self.query_one("#receipt-keys", Buttons).show([Part(i, render.key_hint(k, w)) for i, k, w in keys])
        self.query_one("#receipt", VerticalScroll).focus()

    def on_parts_line_clicked(self, event: PartsLine.Clicked) -> None:
        """The keys by mouse, and by tab and arrows."""
        event.stop()
        match event.part:
            case "copy":
                self.action_copy()
            case "keep":
                self.action_keep()
            case _:
                self.dismiss()

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
        if not app.host.lends("files"):
            app.say(refusal("files"), "warning")
            return
        name = "".join(c for c in self._order.number if c.isascii() and c.isalnum())
        file = Path.cwd() / f"roadcrew-{name}.ics"

        def write() -> None:
            file.write_bytes(receipts.as_calendar(self._order, self._way))
            app.call_from_thread(app.say, f"Kept in {file}. Open it with your calendar.")

        app.keeper.do(file, write, lambda error: app.post_message(NotKept(f"It can't be kept: {error.strerror}.")))
