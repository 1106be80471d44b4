"""A form that begins with the path of a file, and shows below it what could be meant. What the file is for, and whether
it can be used, is for whoever makes one of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from roadcrew_tui import feed_files, render
from roadcrew_tui.feed_files import Entry
from roadcrew_tui.host import must_lend
from roadcrew_tui.screens.form import Field, Form, Send
from roadcrew_tui.screens.inspector_model import size
from roadcrew_tui.widgets.rows import Row, RowList, note

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp

SILENT = "That folder does not answer."


class PathForm(Form):
    """Its first field is `path`; with a file chosen from the list, one goes on to the second."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "to_files", "To the files", show=False)]

    def __init__(
        self,
        app: RoadcrewApp,
        title: str,
        fields: Sequence[Field],
        send: Send,
        *,
        button: str,
        suffixes: Collection[str],
        kinds: str,
    ) -> None:
        """`suffixes` of files that are offered, `kinds` what those are called. Raises `Refused` for visitors."""
        must_lend("files")
        self.here = Path.cwd()
        self.crew_app = app
        self._suffixes = suffixes
        self._kinds = kinds
        self._next = f"#field-{fields[1].id}"
        super().__init__(title, fields, send, button=button)

    def on_mount(self) -> None:
        """The files stand below the path."""
        super().on_mount()
        self.query_one("#form").mount(RowList(id="files"), after="#note-path")
        self.call_after_refresh(self._look_for, "")

    @property
    def _files(self) -> RowList:
        return self.query_one("#files", RowList)

    @on(Input.Changed, "#field-path")
    def _path_typed(self, event: Input.Changed) -> None:
        self._look_for(event.value)

    def _look_for(self, typed: str) -> None:
        # Not yet a coroutine: the next letter may cancel this before it has begun.
        self.run_worker(partial(self._look, typed), group="files", exclusive=True)  # type: ignore[arg-type]

    async def _look(self, typed: str) -> None:
        found: list[Entry] = []
        nothing = f"No {self._kinds} file is called so."
        try:
            found = await self.crew_app.link.aside(lambda: feed_files.entries(typed, self.here, self._suffixes))
        except TimeoutError:
            nothing = SILENT
        except (OSError, ValueError):
            nothing = "There is no such folder."
        rows = [Row(e.typed, _drawn(e)) for e in found] or [note(render.ours(nothing, render.MUTED))]
        self._files.show(rows)

    def action_to_files(self) -> None:
        """From the path into what it could mean."""
        if self._files.ids:
            self.set_focus(self._files)

    async def action_enter(self) -> None:
        """On a file or a folder: that one."""
        if self.focused is self._files:
            self._take(self._files.cursor)
        else:
            await super().action_enter()

    @on(RowList.Chosen, "#files")
    def _file_chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self._take(event.row)

    def _take(self, typed: str | None) -> None:
        if typed is None:
            return
        path = self.query_one("#field-path", Input)
        path.value, path.cursor_position = typed, len(typed)
        folder = typed.endswith(("/", "\\"))
        self.set_focus(path if folder else self.query_one(self._next, Input))
        if folder:
            path.selection = path.selection.cursor(len(typed))


def _drawn(entry: Entry) -> Callable[[int], Content]:
    much = render.ours("folder" if entry.size is None else size(entry.size), render.MUTED)
    return lambda width: render.ends(render.said(entry.name), much, width)
