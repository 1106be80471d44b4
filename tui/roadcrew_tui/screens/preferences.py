"""The settings, where they can be changed while the app runs: it has at once what is chosen. Not for what a setting
does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from roadcrew_tui import render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens import preferences_model as model
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values
from roadcrew_tui.setting import Keys
from roadcrew_tui.settings_model import TABLE
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Draw, Row, RowList

if TYPE_CHECKING:
    from roadcrew_tui.setting import Setting

TITLES = 21
"""Cells of a setting's name."""


class PreferencesScreen(CommandScreen):
    """Enter changes what is under the cursor, left and right go through its choices."""

    CSS_PATH = "preferences.tcss"
    MODULES = ("preferences", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Choice before", show=False),
        Binding("right", "step(1)", "Next choice", show=False),
        *bindings("preferences", "everywhere"),
    ]

    @property
    def places(self) -> tuple[Place, ...]:
        """The settings."""
        return ("settings",)

    @property
    def here(self) -> str:
        """The setting that is under the cursor."""
        rows = self.query("#settings")
        return (rows.first(RowList).cursor if rows else None) or next(iter(TABLE))

    @property
    def is_changed(self) -> bool:
        """Whether that is another than the default."""
        return not model.is_default(self.crew_app.settings, self.here)

    def compose(self) -> ComposeResult:
        """The list, and beside or below it what is said of the one under the cursor."""
        yield TitleLine(id="title")
        with Container(id="settings-parts"):
            yield RowList(id="settings", keeps_sign=True)
            yield Lines(id="setting")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """The first setting has the cursor."""
        self.query_one("#settings", RowList).focus()
        self.redraw()

    def redraw(self) -> None:
        """Draw everything."""
        app, file = self.crew_app, render.BLANK
        if app.host.lends("files"):
            file = render.said(str(app.folders.settings_file), render.MUTED)
        self.query_one("#title", TitleLine).show_ends(render.heading("Settings"), file)
        rows = self.query_one("#settings", RowList)
        rows.show(list(self._rows()))
        rows.settle()  # headings stay where they are
        self.query_one("#setting", Lines).show(lambda width: render.stack(self._said(width)))
        self.show_keys()

    def _rows(self) -> Iterator[Row]:
        group = ""
        for one in model.shown(self.crew_app.settings, self.crew_app.host):
            if one.setting.group != group:
                group = one.setting.group
                yield Row(None, lambda width, words=group: render.cut(render.heading(words), width))  # type: ignore[misc]
            yield Row(one.name, _drawn(one))

    def _said(self, width: int) -> Iterator[Content | str]:
        """What the one under the cursor does, how it is written in the file, and what it may be."""
        setting, width = TABLE[self.here], max(1, width)
        yield render.heading(setting.title)
        yield from render.ours(setting.help).wrap(width)
        yield ""
        yield from render.ours(self._file_words(setting), render.MUTED).wrap(width)
        for trouble in self.crew_app.settings.troubles[:1]:
            yield ""
            words = self.crew_app.settings.trouble or trouble.sentence
            yield from render.said(words, render.WARN).wrap(width)

    def _file_words(self, setting: Setting) -> str:
        default = model.words(self.here, setting.default)
        many = len(model.choices(self.here)) > model.FEW
        may_be = f"one of {len(model.choices(self.here))}" if many else setting.kind.may_be.replace("`", "")
        return f"In the file: {self.here}, {may_be}. Unless it is set: {default}."

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter and the arrows do with it."""
        if isinstance(TABLE[self.here].kind, Keys):
            return [("choose", "enter", "your keys")]
        found = model.choices(self.here)
        few = [("choose", "enter", "next" if 0 < len(found) <= model.FEW else "choose" if found else "change")]
        return [*few, ("later", "left right", "go through them")] if found else few

    @on(RowList.Moved, "#settings")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.redraw()

    @on(RowList.Chosen, "#settings")
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.run_worker(self.crew_app.guarded(self._change(event.row)), group="commands")

    async def _change(self, name: str) -> None:
        found = model.choices(name)
        if isinstance(TABLE[name].kind, Keys):
            from roadcrew_tui.screens.own_keys import OwnKeysScreen  # noqa: PLC0415 - seldom

            await self.app.push_screen(OwnKeysScreen())
        elif not found:
            await self._type(name)
        elif len(found) <= model.FEW:
            self.action_step(1)
        else:
            from roadcrew_tui.screens.looks import Looks  # noqa: PLC0415 - seldom

            self.app.push_screen(Looks())

    async def _type(self, name: str) -> None:
        setting, value = TABLE[name], getattr(self.crew_app.settings, name)
        text = "" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)

        async def send(values: Values) -> None:
            from roadcrew_tui.screens.session import server_address  # noqa: PLC0415 - it leads to the client

            try:
                given = server_address(values[name]) if name == "server" and values[name] else values[name]
                self.crew_app.set_now(**{name: model.typed(self.crew_app.settings, name, given)})
            except model.NotSo as problem:
                raise FormProblem(name, str(problem)) from problem

        field = Field(name, setting.title, setting.help, text, optional=True)
        await self.app.push_screen_wait(Form("Settings", [field], send, button="keep"))

    def action_step(self, step: int) -> None:
        """The next choice, or the one before, at once."""
        if model.choices(self.here):
            self.crew_app.set_now(**{self.here: model.next_of(self.crew_app.settings, self.here, step)})

    def reset(self) -> None:
        """What is under the cursor is as if nobody had set it."""
        self.crew_app.set_now(**{self.here: TABLE[self.here].default})

    async def edit(self) -> None:
        """The file in this person's own editor; what is in it afterwards holds at once."""
        from roadcrew_tui.config_command import begin  # noqa: PLC0415 - seldom
        from roadcrew_tui.outside_editor import EditorFailed, edit_file  # noqa: PLC0415 - seldom

        app = self.crew_app
        file = app.folders.settings_file
        await app.settings_settled()  # what is written under an editor would be undone by it
        try:
            with app.suspend():
                begin(file)
                edit_file(file)
        except EditorFailed as problem:
            app.say(str(problem), "warning")
        except SuspendNotSupported:
            app.say("This terminal can't be left to an editor.", "warning")
        except OSError as error:
            app.say(f"The file can't be written: {error.strerror}.", "warning")
        else:
            await app.read_settings_again()


def _drawn(one: model.Shown) -> Draw:
    title = render.pad(render.ours(one.setting.title), TITLES)
    value = render.said(one.value, render.MUTED if one.is_default else render.ACCENT)
    return lambda width: render.cut(render.join(title, " ", value), width)
