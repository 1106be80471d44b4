"""The tab of quotes: the trip's runs, and the one under the cursor as it goes on. What its keys do is
quotes_actions.py's.

A run goes on at the server whether anybody looks or not; it is followed here while the tab is open.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer

from roadcrew_domain.quotes_state import Choice, QuoteRun
from roadcrew_domain.runs import RunNote
from roadcrew_domain.trip import Trip
from roadcrew_tui import commands, render
from roadcrew_tui.screens import quotes_draw
from roadcrew_tui.screens import quotes_model as model
from roadcrew_tui.screens.pane import Pane
from roadcrew_tui.screens.quotes_known import Known
from roadcrew_tui.screens.quotes_rows import PriceRow
from roadcrew_tui.snapshot import RunSnapshot, Snapshot
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.rows import Row, RowList, note

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

TICK = 1.0
"""Seconds between two looks at how long a run lasts, while somebody looks at it."""
NEW, NOTHING_ASKED = "new", "Nobody has asked for prices yet. Enter asks, and so does n."
"""The only row of an empty list."""
NOTHING_IMPORTED = "No hotels were imported yet. Enter chooses a file, and so does f."
"""The same at a server that asks nobody for prices."""
PLACE = "quotes"
"""What the link knows this tab by."""


class QuotesPane(Pane):
    """Runs at the left; progress, prices and providers of one at the right."""

    _last: tuple[Snapshot, Trip, str, datetime] | None = None
    _sheet: model.Sheet | None = None
    _sheet_of = ""
    _chose = False
    """Whether this person has been among the prices of the run that is shown."""
    _due = False
    _wanted = ""
    """A run that this person has started, until it is among the trip's."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._known = Known(lambda: self.crew_screen, self.redraw)
        self._looked_at: str | None = None
        self._sending: dict[str, Choice | None] = {}
        """Votes of mine that are on their way, by run."""
        self._ticks: Timer | None = None

    def compose(self) -> ComposeResult:
        """List at the left; the sheet of a run at the right."""
        yield RowList(id="runs", keeps_sign=True)
        with Vertical(id="qu-sheet"):
            yield Lines(id="qu-head")
            yield RowList(id="prices", keeps_sign=True)
            yield Lines(id="qu-price")
            yield RowList(id="providers", keeps_sign=True)

    def on_mount(self) -> None:
        """Seconds are counted while a run is under way."""
        self._ticks = self.set_interval(TICK, self._tick, pause=True)

    def on_hide(self) -> None:
        """Nobody looks at any run here."""
        self._look(None)

    def on_unmount(self) -> None:
        """Nor then."""
        self.on_hide()

    # --- where the person is ---------------------------------------------------------------------

    @property
    def crew_screen(self) -> TripScreen:
        """The screen, as what it is."""
        return cast("TripScreen", self.screen)

    def rows(self, name: str) -> RowList:
        """One of the lists."""
        return self.query_one(f"#{name}", RowList)

    def start(self) -> None:
        """In the list of runs."""
        self.rows("runs").focus()

    async def back(self) -> bool:
        """From prices and providers to the list."""
        if self.at in ("prices", "providers"):
            self.go("runs")
            return True
        return False

    def go(self, name: str) -> None:
        """Put the focus there, at once: keys that were typed in a hurry follow."""
        self.screen.set_focus(self.rows(name))

    @property
    def at(self) -> str:
        """The id of what has the focus here, also while a dialog is above; empty where nothing has."""
        focused = self.screen.focused
        return focused.id or "" if focused is not None and self in focused.ancestors else ""

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does."""
        if self.at == "runs":
            return [("open", "enter", "look" if self.note is not None else "ask" if self._asks else "a file")]
        return []

    def select(self, thing: str) -> None:
        """Show a run."""
        self.rows("runs").move_to(thing)
        self.redraw()

    def show_new(self, run_id: str) -> None:
        """A run that this person has started: with the cursor on it, as soon as the trip knows of it."""
        self._wanted = run_id
        self.redraw()

    # --- what is chosen --------------------------------------------------------------------------

    @property
    def note(self) -> RunNote | None:
        """The run or import under the cursor, as the trip knows it."""
        return None if self._last is None else self._last[1].runs.get(self.rows("runs").cursor or "")

    @property
    def run(self) -> QuoteRun | None:
        """The quote run under the cursor, if it is known."""
        return self._known.run(self.rows("runs").cursor)

    @property
    def choice(self) -> Choice | None:
        """The price under the cursor, while the person is among the prices."""
        row = self._price_row
        return row.choice if row is not None and self.at == "prices" else None

    @property
    def _price_row(self) -> PriceRow | None:
        prices = () if self._sheet is None else self._sheet.prices
        return next((row for row in prices if row.id == self.rows("prices").cursor), None)

    @property
    def _first_price(self) -> str:
        """Where one begins: at the price that I want, or else at the lowest."""
        prices = () if self._sheet is None else self._sheet.prices
        return next((row.id for row in prices if row.mine), prices[0].id if prices else "")

    @property
    def my_vote(self) -> Choice | None:
        """What I have voted for, also while that is on its way."""
        run, me = self.run, self.crew_screen.me
        if run is None:
            return None
        return self._sending[run.id] if run.id in self._sending else run.ballots.get(me)

    @property
    def _asks(self) -> bool:
        """Whether this server asks anybody for prices; it may only import hotels."""
        return "quotes" in self.crew_screen.crew_app.served

    @property
    def may_ask_again(self) -> bool:
        """Whether the run under the cursor is over, and known."""
        return self._asks and self.run is not None and self.run.status != "processing"

    @property
    def may_cancel(self) -> bool:
        """Whether it goes on, and is this person's to stop."""
        run, trip, me = self.run, self.crew_screen.trip, self.crew_screen.me
        return run is not None and run.status == "processing" and trip is not None and me in (run.by, trip.organiser)

    # --- what comes in ---------------------------------------------------------------------------

    def show_run(self, seen: RunSnapshot) -> None:
        """Something about a run is new. It is drawn with the next frame, so that a burst of answers is drawn once."""
        if not seen.name.startswith("quote:"):
            return
        self._known.take(seen)
        if not self._due:
            self._due = True
            self.call_later(self._draw_due)

    def _draw_due(self) -> None:
        self._due = False
        self.redraw()
        self.crew_screen.show_keys()

    def show_sending(self, run_id: str, choice: Choice | None) -> None:
        """A vote of mine is on its way."""
        self._sending[run_id] = choice
        self.redraw()

    def show_sent(self, run_id: str, run: QuoteRun | None) -> None:
        """It has been answered, with the run as it is since; None: it was refused."""
        self._sending.pop(run_id, None)
        if run is not None:
            self._known.take_answer(run)
        self.redraw()

    # --- drawing ---------------------------------------------------------------------------------

    def draw(self, snapshot: Snapshot, trip: Trip, me: str, now: datetime) -> None:
        """Draw all of it."""
        if self._last is not None and self._last[2] != me:
            self._known.forget()
        self._last = (snapshot, trip, me, now)
        self.redraw()

    def on_resize(self) -> None:
        """More stands in a wide terminal. Its lists learn their own widths after this."""
        self.redraw()
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Draw what is known once more."""
        if self._last is None or not self.is_mounted:
            return
        _, trip, _, now = self._last
        listed = model.run_rows(trip, now)
        nothing = NOTHING_ASKED if self._asks else NOTHING_IMPORTED
        empty = Row(NEW, lambda width: render.stack(render.wrapped(render.ours(nothing), width, 3)))
        self.set_class(not listed, "-empty")
        runs = self.rows("runs")
        runs.show([Row(row.id, quotes_draw.run(row)) for row in listed] or [empty], heading=render.heading("Requests"))
        if self._wanted in runs.ids:
            runs.settle()
            runs.move_to(self._wanted)
            self._wanted = ""
        self._follow()
        self._draw_sheet()

    def _follow(self) -> None:
        """Look at the run under the cursor, while the tab is open."""
        chosen = self.note
        seen = chosen is not None and chosen.kind != "import" and self.crew_screen.tab == "quotes"
        name = f"quote:{chosen.id}" if chosen is not None and seen else None
        self._look(name)

    def _look(self, name: str | None) -> None:
        if name != self._looked_at:
            self._looked_at = name
            self.crew_screen.crew_app.link.runs.look(PLACE, name)

    def _draw_sheet(self) -> None:
        chosen, run = self.note, self.run
        self.query_one("#qu-sheet").display = chosen is not None
        going = run is not None and run.status == "processing"
        if self._ticks is not None:
            (self._ticks.resume if going else self._ticks.pause)()
        if chosen is None or run is None:
            self._sheet = None
            self._draw_nothing(chosen)
            return
        self._sheet = sheet = self._draw_head(run)
        self._draw_prices(sheet)
        longest = quotes_draw.longest(sheet.providers)
        providers = self.rows("providers")
        providers.display = True
        providers.show(
            [Row(row.id, quotes_draw.provider(row, longest)) for row in sheet.providers],
            heading=render.heading("Who was asked"),
        )

    def _draw_head(self, run: QuoteRun) -> model.Sheet:
        """By the server's clock."""
        trip, me = self.crew_screen.trip, self.crew_screen.me
        names = {} if trip is None else {member.id: member.name for member in trip.members.values()}
        sending = (self._sending[run.id],) if run.id in self._sending else None
        seen = self._known.seen(run.id) or RunSnapshot(f"quote:{run.id}", run)
        sheet = model.sheet(run, names, me, seen.now(), before=self._known.before(run), sending=sending)
        remarks = model.more_remarks(seen, lost=self._known.has_lost_before(run))
        self.query_one("#qu-head", Lines).show(quotes_draw.head(sheet, remarks))
        return sheet

    def _draw_prices(self, sheet: model.Sheet) -> None:
        prices = self.rows("prices")
        widths = quotes_draw.Widths.of(sheet.prices)
        rows = [Row(row.id, quotes_draw.price(row, widths)) for row in sheet.prices]
        prices.display = True
        prices.can_focus = bool(rows)
        none = note(render.ours("None yet." if sheet.share < 1 else "None.", render.MUTED))
        prices.show(rows or [none], heading=quotes_draw.prices_heading(sheet))
        if not rows and prices.has_focus:
            self.go("runs")
        if sheet.id != self._sheet_of:
            # Another run: where the cursor stood in the one before says nothing about this one.
            self._sheet_of, self._chose = sheet.id, False
        self._begin_at_first()
        self.call_after_refresh(self._begin_at_first)
        self._draw_price()

    def _begin_at_first(self) -> None:
        """Until the person has chosen. Once more when the list has its size: what it scrolls to needs that."""
        if not self._chose:
            prices = self.rows("prices")
            prices.scroll_to(y=0, animate=False, immediate=True)
            prices.move_to(self._first_price)

    def _draw_price(self) -> None:
        prices = () if self._sheet is None else self._sheet.prices
        self.query_one("#qu-price", Lines).show(quotes_draw.chosen(self._price_row, prices))

    def _draw_nothing(self, chosen: RunNote | None) -> None:
        for name in ("prices", "providers"):
            self.rows(name).display = False
        self.query_one("#qu-price", Lines).show(lambda _: render.BLANK)
        if chosen is not None:
            seen = self._known.seen(chosen.id)
            self.query_one("#qu-head", Lines).show(quotes_draw.unseen(model.unseen(chosen, seen), chosen))

    def _tick(self) -> None:
        run = self.run
        if run is not None and self.display and self.crew_screen.crew_app.looked_at and self.screen.is_current:
            self._draw_head(run)

    # --- what the person does --------------------------------------------------------------------

    @on(RowList.Moved, "#runs")
    def _another_run(self, event: RowList.Moved) -> None:
        event.stop()
        self._follow()
        self._draw_sheet()
        self.crew_screen.show_keys()

    @on(RowList.Moved, "#prices")
    @on(RowList.Moved, "#providers")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._chose = True
        self._draw_price()
        self.crew_screen.show_keys()

    @on(RowList.Chosen, "#runs")
    def _opened(self, event: RowList.Chosen) -> None:
        event.stop()
        prices = () if self._sheet is None else self._sheet.prices
        if event.row == NEW:
            self._do("quote.new" if self._asks else "import.show")
        elif self.note is not None and self.note.kind == "import":
            self._do("import.show")
        elif prices:
            self.go("prices")
        elif self._sheet is not None:
            self.go("providers")

    @on(RowList.Chosen, "#prices")
    def _voted(self, event: RowList.Chosen) -> None:
        event.stop()
        self._do("quote.vote")

    def _do(self, name: str) -> None:
        if commands.find(name).available(self.crew_screen):
            self.crew_screen.start(commands.find(name))

    def on_descendant_focus(self) -> None:
        """Other keys matter now; and who is among the prices is not taken elsewhere there."""
        self._chose |= self.at == "prices"
        self.crew_screen.show_keys()
