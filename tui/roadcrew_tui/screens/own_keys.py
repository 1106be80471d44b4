"""Keys of one's own for actions: a list of all actions, and a question for a key. Which keys may be taken, keymap.py
says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from roadcrew_tui import commands, render
from roadcrew_tui.commands.base import GROUPS, Place, shown_key
from roadcrew_tui.keymap import defaults, usable
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.screens.tabs import TITLES
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Draw, Row, RowList

KEYS = 12
"""Cells of the keys."""


class OwnKeysScreen(CommandScreen):
    """Enter asks for another key of the action under the cursor."""

    CSS_PATH = "preferences.tcss"
    MODULES = ("preferences", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("preferences", "everywhere")]
    back_words = "settings"

    @property
    def places(self) -> tuple[Place, ...]:
        """The settings."""
        return ("settings",)

    @property
    def here(self) -> str:
        """The action that is under the cursor."""
        rows = self.query("#own-keys")
        return (rows.first(RowList).cursor if rows else None) or "app.actions"

    @property
    def is_changed(self) -> bool:
        """Whether that has another key than it comes with."""
        return self.here in self.crew_app.settings.keymap

    def compose(self) -> ComposeResult:
        """Title, list, keys."""
        yield TitleLine(id="title")
        yield RowList(id="own-keys", keeps_sign=True)
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """The first action has the cursor."""
        self.query_one("#own-keys", RowList).focus()
        self.redraw()

    def redraw(self) -> None:
        """Draw everything."""
        words = render.ours("arrows, enter, tab and esc stay as they are", render.MUTED)
        self.query_one("#title", TitleLine).show_ends(render.heading("Your keys"), words)
        rows = self.query_one("#own-keys", RowList)
        rows.show(list(self._rows()))
        rows.settle()  # headings stay where they are
        self.show_keys()

    def _rows(self) -> Iterator[Row]:
        keymap = self.crew_app.settings.keymap
        lends = self.crew_app.host.lends
        known = defaults()
        for group in GROUPS:
            mine = [c for c in commands.everything() if c.group == group and c.places and lends(*c.needs)]
            titles = {c.id: c.title for c in mine}
            if group == "This trip":
                titles = {f"tab.{tab}": f"Tab {title}" for tab, title in TITLES.items()} | titles
            if titles:
                yield Row(None, lambda width, words=group: render.cut(render.heading(words), width))  # type: ignore[misc]
            for action, title in titles.items():
                yield Row(action, _drawn(keymap.get(action, known[action]), title, action, own=action in keymap))

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does."""
        return [("choose", "enter", "another key")]

    @on(RowList.Moved, "#own-keys")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.show_keys()

    @on(RowList.Chosen, "#own-keys")
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.app.push_screen(TakeKey(event.row), lambda key: self._take(event.row, key))

    def _take(self, action: str, key: str | None) -> None:
        if key is None:
            return
        keymap = self.crew_app.settings.keymap
        found, troubles = usable({**keymap, action: key}, {action: 1})
        if action in found and len(found) == len({*keymap, action}):
            self.crew_app.set_now(keymap=found)
        else:
            self.crew_app.say(troubles[0].sentence, "warning", seconds=10)

    def reset(self) -> None:
        """The action under the cursor has the key that it comes with, unless another has that by now."""
        rest = {action: keys for action, keys in self.crew_app.settings.keymap.items() if action != self.here}
        found, troubles = usable(rest, {})
        if troubles:
            self.crew_app.say(troubles[0].sentence, "warning", seconds=10)
        else:
            self.crew_app.set_now(keymap=found)


class TakeKey(Dialog[str]):
    """Dismissed with the key that was pressed, or None after esc."""

    CSS_PATH = "preferences.tcss"

    def __init__(self, action: str) -> None:
        super().__init__()
        self._action = action

    def compose(self) -> ComposeResult:
        """A sentence."""
        with Vertical(id="take-key"):
            yield Lines(id="take-key-words")

    def on_mount(self) -> None:
        """Say whose key it is to be."""
        name = TITLES.get(self._action.removeprefix("tab.")) or commands.find(self._action).title
        ask = render.ours("Press the key that it is to have.")
        rows = (render.heading(name), render.BLANK, ask, render.ours("esc leaves it as it is.", render.MUTED))
        self.query_one("#take-key-words", Lines).show(lambda _: render.stack(rows))

    def on_key(self, event: events.Key) -> None:
        """Whatever it is."""
        event.stop()
        event.prevent_default()
        self.dismiss(None if event.key == "escape" else event.key)


def _drawn(keys: str, title: str, action: str, *, own: bool) -> Draw:
    names = " ".join(shown_key(key) for key in keys.split(",")) or ""
    key = render.pad(render.ours(names, render.ACCENT if own else "bold"), KEYS)
    return lambda width: render.ends(render.join(key, title), render.ours(action, render.MUTED), width)
