"""The form that asks which file to import: a path, with what it could mean below it, and a currency."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from roadcrew_tui import feed_files, money, render
from roadcrew_tui.feed_files import Entry, Feed, NotAFeed
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values
from roadcrew_tui.screens.inspector_model import size
from roadcrew_tui.widgets.rows import Row, RowList, note

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.app import RoadcrewApp

SILENT = "That folder does not answer."


class FileForm(Form):
    """`chosen` is the file, and the currency of rows that name none, once the form is dismissed with True."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "to_files", "To the files", show=False)]

    def __init__(self, app: RoadcrewApp, currency: str) -> None:
        self.chosen: tuple[Feed, str | None] | None = None
        self._crew_app = app
        self._here = Path.cwd()
        fields = [
            Field("path", "File", "CSV or JSON, with name, city, stars, price, and perhaps currency."),
            Field("currency", "Currency of rows that name none", "", currency, optional=True),
        ]
        super().__init__("Import hotels", fields, self._choose, button="import")

    def on_mount(self) -> None:
        """The files stand below the path."""
        super().on_mount()
        self.query_one("#form").mount(RowList(id="files"), after="#note-path")
        self.call_after_refresh(self._look_for, "")

    @property
    def _files(self) -> RowList:
        return self.query_one("#files", RowList)

    # --- what could be meant ---------------------------------------------------------------------

    @on(Input.Changed, "#field-path")
    def _path_typed(self, event: Input.Changed) -> None:
        self._look_for(event.value)

    def _look_for(self, typed: str) -> None:
        # Not yet a coroutine: the next letter may cancel this before it has begun.
        self.run_worker(partial(self._look, typed), group="files", exclusive=True)  # type: ignore[arg-type]

    async def _look(self, typed: str) -> None:
        found: list[Entry] = []
        nothing = "No CSV or JSON file is called so."
        try:
            found = await self._crew_app.link.aside(lambda: feed_files.entries(typed, self._here))
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
        self.set_focus(path if folder else self.query_one("#field-currency", Input))
        if folder:
            path.selection = path.selection.cursor(len(typed))

    # --- what was meant --------------------------------------------------------------------------

    async def _choose(self, values: Values) -> None:
        currency = values["currency"].strip().upper() or None
        if currency is not None and not money.is_known(currency):
            raise FormProblem("currency", "A currency has three letters, such as EUR.")
        try:
            feed = await self._crew_app.link.aside(lambda: feed_files.feed(values["path"], self._here))
        except NotAFeed as problem:
            raise FormProblem("path", str(problem)) from problem
        except TimeoutError as problem:
            raise FormProblem("path", SILENT, retry=True) from problem
        most = await self._crew_app.link.call(_most)
        if most is not None and feed.size > most:
            raise FormProblem("path", f"It has {size(feed.size)}; this server takes at most {size(most)}.")
        self.chosen = feed, currency


async def _most(client: Client) -> int | None:
    """Bytes that the server takes, where it says so."""
    imports = (await client.server_info()).imports
    return None if imports is None else imports.max_bytes


def _drawn(entry: Entry) -> Callable[[int], Content]:
    much = render.ours("folder" if entry.size is None else size(entry.size), render.MUTED)
    return lambda width: render.ends(render.said(entry.name), much, width)
