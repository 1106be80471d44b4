"""Whom this person does not read, and a way to read them again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from roadcrew_tui import plain, render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.when import ago
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Draw, Row, RowList

if TYPE_CHECKING:
    from roadcrew_client.talk_models import Muted
    from roadcrew_tui.app import RoadcrewApp


class MutedScreen(CommandScreen):
    """A list; enter reads somebody again."""

    CSS_PATH = "people.tcss"
    MODULES = ("muted", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("muted", "everywhere")]

    _listed: tuple[Muted, ...] | None = None
    """Those who were muted when this was opened; who is read again stays in sight."""

    @property
    def places(self) -> tuple[Place, ...]:
        """The list of those who are not read."""
        return ("muted",)

    @property
    def person(self) -> Muted | None:
        """Who is under the cursor."""
        rows = self.query("#muted")
        here = rows.first(RowList).cursor if rows else None
        return next((person for person in self._listed or () if person.id == here), None)

    @property
    def is_muted(self) -> bool:
        """Whether they still are."""
        return self.person is not None and self.person.id in self.crew_app.muting.ids

    def compose(self) -> ComposeResult:
        """Title, list, a sentence, keys."""
        yield TitleLine(id="title")
        yield RowList(id="muted", keeps_sign=True)
        yield Lines(id="people-note")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Ask at once."""
        self.query_one("#muted", RowList).focus()
        self.redraw()
        self.look_up(self._look(), "muted")

    async def _look(self) -> None:
        await self.crew_app.muting.look()
        self._listed = self.crew_app.muting.people
        self.redraw()

    def redraw(self) -> None:
        """Draw everything."""
        now = datetime.now(UTC)
        self.query_one("#title", TitleLine).show_ends(render.heading("People whom you do not read"), render.BLANK)
        self.query_one("#muted", RowList).show([Row(p.id, self._drawn(p, now)) for p in self._listed or ()])
        note = render.ours(self._note(), render.MUTED)
        self.query_one("#people-note", Lines).show(lambda width: render.stack(note.wrap(max(1, width))))
        self.show_keys()

    def _drawn(self, person: Muted, now: datetime) -> Draw:
        muted = person.id in self.crew_app.muting.ids
        since = f"muted {ago(person.at, now)}" if person.at is not None else "muted"
        words = render.ours(since if muted else "you read them again", render.MUTED)
        name = render.said(person.name or "somebody", "" if muted else render.MUTED)
        return lambda width: render.ends(name, words, width)

    def _note(self) -> str:
        if self._listed is None:
            return self.looking
        if not self._listed:
            return "Nobody. To mute somebody, press M on what they wrote. They are not told."
        return "What they write is hidden from you, on all your terminals. They are not told."

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter reads them again."""
        return [("turn", "enter", "read again" if self.is_muted else "mute")] if self.person is not None else []

    @on(RowList.Moved, "#muted")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.show_keys()

    @on(RowList.Chosen, "#muted")
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.run_worker(self.crew_app.guarded(self.turn()), group="commands")

    async def turn(self) -> None:
        """Read who is under the cursor again, or not."""
        person = self.person
        if person is None:
            return
        if self.is_muted:
            await self.crew_app.muting.unmute(person.id)
        else:
            await self.crew_app.muting.mute(person.id, person.name)
        self.redraw()


async def turn_writer(app: RoadcrewApp, user_id: str, name: str) -> None:
    """Not read somebody any more, or again, and say so."""
    await app.muting.load()
    if user_id in app.muting.ids:
        await app.muting.unmute(user_id)
        app.say(plain.sentence("You read {who} again.", who=name))
    else:
        await app.muting.mute(user_id, name)
        app.say(plain.sentence("You do not read {who} any more. M on it again takes that back.", who=name))
