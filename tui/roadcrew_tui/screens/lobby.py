"""My trips. Painted at once from what this terminal remembers, then from the server; which is asked again by itself
while somebody looks at this: often as long as it can't be reached, now and then as long as all is well."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer

from roadcrew_tui import render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens import lobby_model
from roadcrew_tui.screens.base import STAYS, CommandScreen, bindings
from roadcrew_tui.screens.lobby_model import TripRow, rows, rows_remembered, wait_before
from roadcrew_tui.screens.trip_model import outbox_words
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Row, RowList

ASKED_AGAIN = "It is asked again by itself, and at once when you press a key."


class LobbyScreen(CommandScreen):
    """Trips of one person at one server."""

    CSS_PATH = "lobby.tcss"
    MODULES = ("lobby", "history", "saved", "muted", "account", "waiting", "inspector", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [STAYS, *bindings(*MODULES)]

    def __init__(self) -> None:
        super().__init__()
        self.chance: Callable[[], float] = random.random
        self._tries = 0
        self._again: Timer | None = None
        self._missed = False
        """Whether a look was due while nobody was here."""

    @property
    def places(self) -> tuple[Place, ...]:
        """The lobby."""
        return ("lobby",)

    def compose(self) -> ComposeResult:
        """As few widgets as can be: this is the first paint."""
        yield TitleLine(id="title")
        yield RowList(id="trips", keeps_sign=True)
        yield Lines(id="lobby-note")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Paint what is known."""
        self.redraw()
        self.query_one("#trips", RowList).focus()
        self.set_interval(lobby_model.LOOKS_EVERY, self._look_now_and_then)

    def on_screen_resume(self) -> None:
        """Back from a trip: things have changed."""
        self.crew_app.window_title()
        if self.crew_app.user is not None:
            self.run_worker(self.crew_app.guarded(self.crew_app.list_trips()), group="lobby", exclusive=True)
        self._wait_to_look()

    # --- looking again by itself -----------------------------------------------------------------

    def _wait_to_look(self) -> None:
        """As long as there is a reason, and each time longer."""
        app = self.crew_app
        if not app.passing:
            self._tries = 0
            self._stop_waiting()
        elif self._again is None and not app.looking and app.screen is self:
            self._again = self.set_timer(wait_before(self._tries, self.chance()), self._look)
            self._tries += 1

    def _stop_waiting(self) -> None:
        waited, self._again = self._again, None
        if waited is not None:
            waited.stop()

    def _look(self) -> None:
        """A terminal that nobody looks at asks nothing, nor one where something else is done meanwhile."""
        self._stop_waiting()
        if self.app.screen is self and self.crew_app.looked_at:
            self.crew_app.run_worker(self._look_again(), group="look-again")

    def _look_now_and_then(self) -> None:
        """Others may have brought a trip back. Under another screen nothing is missed: what is below asks when it is
        seen again."""
        app = self.crew_app
        if app.screen is not self or app.user is None or app.trouble:
            return
        self._missed = not app.looked_at
        self._look()

    async def _look_again(self) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - not before the first paint

        with suppress(RoadcrewError):  # nobody has asked for it; what there is to say stands in the note
            await self.crew_app.look_again()

    def somebody_is_here(self) -> None:
        """Whoever presses a key, or is back, need not wait."""
        if self.crew_app.passing and not self.crew_app.looking:
            self._tries = 0
            self._look()
        elif self._missed:
            self._look_now_and_then()

    # --- drawing ---------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draw everything."""
        self.show_trips()

    def show_trips(self) -> None:
        """Draw the trips, who I am, and how it stands with the server."""
        app = self.crew_app
        today = datetime.now().astimezone().date()
        known = app.trips is not None
        listed = rows(app.trips, today) if app.trips is not None else rows_remembered(self._remembered(), today)
        self.query_one("#title", TitleLine).show_ends(render.heading("Roadcrew"), self._link_words(known))
        self.query_one("#trips", RowList).show(
            [Row(t.id, _drawn(t)) for t in listed], heading=render.heading("My trips")
        )
        self.query_one("#lobby-note", Lines).show(lambda _: self._note(known, bool(listed)))
        self.show_keys()
        self._wait_to_look()

    def _remembered(self) -> list[dict[str, object]]:
        app = self.crew_app
        return app.memory.trips(app.server) if app.server else []

    def _link_words(self, known: bool) -> Content:
        app, tally = self.crew_app, self.crew_app.tally
        waits = "" if tally is None else outbox_words(tally.waiting, tally.needing)
        host = render.said((app.server or "").removeprefix("https://").removeprefix("http://"), render.MUTED, width=30)
        if app.trouble:
            state = "not let in yet" if app.not_yet else "offline"
            return render.join(render.ours(f"{sign().away} {state}{waits}", render.WARN), " · ", host)
        if app.signed_out:
            return render.join(render.ours(f"{sign().away} signed out{waits}", render.BAD), " · ", host)
        if not known:
            return render.join(render.ours(f"{sign().waiting} connecting", render.MUTED), " · ", host)
        if app.user is None:
            return render.join(host, " · not signed in")
        who = render.said(app.user.name, width=render.MOST_NAME)
        return render.join(host, render.ours(waits, render.WARN), " · you are ", who)

    def _note(self, known: bool, any_trips: bool) -> Content:
        app, trouble = self.crew_app, self.crew_app.trouble
        if app.step:
            return render.said(app.step, render.MUTED)
        if trouble and app.not_yet:
            return render.said(f"{trouble} Press r to retry.", render.WARN)
        if app.signed_out and not trouble:
            return render.ours("You are signed out. Press S to sign in again.", render.WARN)
        if trouble:
            last = " These are the trips of last time." if any_trips else ""
            lines = [render.said(trouble + last, render.MUTED if any_trips else render.WARN)]
            if app.passing:
                lines.append(
                    render.ours("It is asked again by itself, and at once when you press a key.", render.MUTED)
                )
            return render.stack(lines)
        if not known and any_trips:
            return render.ours("As of last time; asking the server…", render.MUTED)
        if known and not any_trips:
            return render.stack(
                [
                    render.ours("No trips yet."),
                    render.ours("Press n to plan one, or j to join with a link that somebody sent you.", render.MUTED),
                ]
            )
        return render.BLANK

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter opens a trip, if there is one."""
        return [("open", "enter", "open")] if self.query_one("#trips", RowList).ids else []

    @on(RowList.Chosen, "#trips")
    def _chosen(self, event: RowList.Chosen) -> None:
        if self.crew_app.user is not None:
            self.crew_app.open_trip(event.row)
        elif self.crew_app.signed_out:
            self.crew_app.ask_to_sign_in(then=event.row)
        else:
            self.crew_app.say("One moment: the server has not answered yet.")


def _drawn(trip: TripRow) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        needs = render.ours(f"{sign().badge} {trip.needs}", render.WARN) if trip.needs else render.BLANK
        wide = width >= 70
        name = width - (54 if wide else 42)
        cells: list[Content | str] = [render.pad(render.said(trip.name), max(12, min(name, 44))), "  "]
        cells += [render.pad(render.ours(trip.dates, render.MUTED), 19), "  "]
        if wide:
            cells += [render.pad(render.ours(trip.crew, render.MUTED), 10), "  "]
        return render.cut(render.join(*cells, needs), width)

    return draw
