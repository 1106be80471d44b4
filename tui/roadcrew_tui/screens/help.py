"""The keys of where one is, and what each action does."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from roadcrew_tui import commands, render
from roadcrew_tui.commands.base import GROUPS, Command, Place, shown_key
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.widgets.lines import KeyLine, Lines, Part, PartsLine

MOVING = (
    ("arrows", "move; enter opens or votes"),
    ("tab", "to the next part of the screen"),
    ("esc", "back, and never out of the app"),
    ("ctrl+c", "twice quits; once copies what is selected"),
)


class HelpScreen(Dialog[None]):
    """Closed by any of the keys that open or leave."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Close", show=False)]

    def __init__(self, places: tuple[Place, ...]) -> None:
        super().__init__()
        self._places = places

    def compose(self) -> ComposeResult:
        """One long text that scrolls, and under it the way out."""
        with VerticalScroll(id="help"):
            yield Lines(id="help-text")
            yield KeyLine(id="help-keys")

    def on_mount(self) -> None:
        """The scroll takes the keys."""
        self.query_one("#help-text", Lines).show(self._draw)
        self.query_one("#help-keys", KeyLine).show([Part("close", render.key_hint("esc", "close"))])
        self.query_one("#help", VerticalScroll).focus()

    def on_parts_line_clicked(self, event: PartsLine.Clicked) -> None:
        """The way out by mouse."""
        event.stop()
        self.dismiss()

    def _draw(self, width: int) -> Content:
        lends = getattr(self.app, "host").lends  # noqa: B009 - as below
        here = [c for c in commands.everything() if any(p in self._places for p in c.places) and lends(*c.needs)]
        rows: list[Content | str] = []
        for group in self._begins_with(here):
            rows += self._group(group, here, width)
        rows.append(render.heading("Moving about"))
        rows += [self._row(key, words, width) for key, words in MOVING]
        rows.append("")
        for group in GROUPS:
            if group not in self._begins_with(here):
                rows += self._group(group, here, width)
        rows += [render.ours("Keys can be changed in the settings.", render.MUTED)]
        return render.stack(rows)

    def _begins_with(self, here: list[Command]) -> list[str]:
        """The groups of the tab one is on; the overview is about the trip as a whole."""
        own = {c.group for c in here if self._places[-1] in c.places and c.group != "Everywhere"}
        own |= {"This trip"} if self._places[-1] == "overview" else set()
        return [group for group in GROUPS if group in own]

    def _group(self, group: str, here: list[Command], width: int) -> list[Content | str]:
        mine = [c for c in here if c.group == group]
        if group == "Everywhere":
            mine.sort(key=lambda c: len(c.places))  # what is in few places is not looked for among what is in all
        titles = {c.id: c.title if c.title.endswith("?") else f"{c.title}." for c in mine}
        lines = [self._row(self._key(c), f"{titles[c.id]} {c.help}", width) for c in mine]
        return [render.heading(group), *lines, ""] if mine else []

    def _key(self, command: Command) -> str:
        keymap = getattr(self.app, "settings").keymap  # noqa: B009 - ours has it; Textual's type does not
        return shown_key(keymap.get(command.id, command.keys)) or "(: only)"

    @staticmethod
    def _row(key: str, words: str, width: int) -> Content:
        lines = render.ours(words).wrap(max(20, width - 11))
        first = render.join(render.pad(render.ours(key, "bold $ink-accent"), 11), lines[0])
        return render.stack([first, *(render.join(" " * 11, line) for line in lines[1:])])
