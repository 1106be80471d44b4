"""The trips that this person deleted and may bring back, with until when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from roadcrew_tui import plain, render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens.ask import CANCEL, Answer, Ask
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.when import ago, clock, span
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Draw, Row, RowList

if TYPE_CHECKING:
    from roadcrew_client import Client, DeletedTrip


class DeletedScreen(CommandScreen):
    """A list; enter brings a trip back, after asking."""

    CSS_PATH = "history.tcss"
    MODULES = ("history", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("history", "everywhere")]

    _trips: tuple[DeletedTrip, ...] | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """The deleted trips."""
        return ("deleted",)

    @property
    def deleted(self) -> DeletedTrip | None:
        """The trip under the cursor."""
        rows = self.query("#deleted")
        here = rows.first(RowList).cursor if rows else None
        return next((trip for trip in self._trips or () if trip.id == here), None)

    def compose(self) -> ComposeResult:
        """Title, list, a sentence, keys."""
        yield TitleLine(id="title")
        yield RowList(id="deleted", keeps_sign=True)
        yield Lines(id="deleted-note")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Ask at once."""
        self.query_one("#deleted", RowList).focus()
        self.redraw()
        self.look_up(self._look(), "deleted")

    async def _look(self) -> None:
        async def ask(client: Client) -> tuple[DeletedTrip, ...]:
            return tuple(await client.deleted_trips())

        self._trips = await self.crew_app.link.call(ask)
        self.redraw()

    def redraw(self) -> None:
        """Draw everything."""
        now = datetime.now(UTC)
        self.query_one("#title", TitleLine).show_ends(render.heading("Deleted trips"), render.BLANK)
        self.query_one("#deleted", RowList).show([Row(t.id, _drawn(t, now)) for t in self._trips or ()])
        note = render.ours(self._note(), render.MUTED)
        self.query_one("#deleted-note", Lines).show(lambda width: render.stack(note.wrap(max(1, width))))
        self.show_keys()

    def _note(self) -> str:
        if self._trips is None:
            return self.looking
        if not self._trips:
            return "Nothing that can be brought back."
        return "Only you see this list. Who was in a trip is in it again once it is back, with all votes and all talk."

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter brings one back."""
        return [("open", "enter", "bring back")] if self.deleted is not None else []

    @on(RowList.Moved, "#deleted")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.show_keys()

    @on(RowList.Chosen, "#deleted")
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.run_worker(self.crew_app.guarded(self.restore()), group="commands")

    async def restore(self) -> None:
        """Bring the trip under the cursor back, after asking: others see it again as well."""
        trip = self.deleted
        if trip is None:
            return
        people = f"its {trip.members} people" if trip.members > 1 else "you alone"
        question = render.template(f"Bring {{trip}} back, for {people}?", trip=trip.name)
        answers = [Answer("restore", render.ours("Bring it back"))]
        if await self.app.push_screen_wait(Ask("Bring back", question, answers)) == CANCEL:
            return

        async def do(client: Client) -> object:
            return await client.restore_trip(trip.id)

        await self.crew_app.link.call(do)
        self.crew_app.say(plain.sentence("{trip} is back.", trip=trip.name))
        self._trips = tuple(t for t in self._trips or () if t.id != trip.id)
        self.redraw()


def _drawn(trip: DeletedTrip, now: datetime) -> Draw:
    dates = render.ours(span(trip.starts_on, trip.ends_on, now.astimezone().date()), render.MUTED)
    words = f"deleted {ago(trip.deleted_at, now)}, kept until {clock(trip.restorable_until, now)}"
    name = render.said(trip.name)
    return lambda width: render.ends(name, render.ours(words, render.MUTED), width, dates)
