"""The imports of a trip: which there are, how one goes, its hotels as a table, and the rows that were refused. What its
keys do is imports_actions.py's.

Everybody of the trip sees the same import; what the table shows is asked of the server in pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer
from textual.worker import Worker

from roadcrew_domain.jobs_state import ImportedHotel, ImportJob, RefusedRow
from roadcrew_domain.trip import Trip
from roadcrew_tui import render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens import imports_draw as draw
from roadcrew_tui.screens import imports_model as model
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.imports_actions import Sent, Upload, stop_upload
from roadcrew_tui.screens.trip import TONES
from roadcrew_tui.screens.trip_model import status_words
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Row, RowList, note

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.trip import TripScreen
    from roadcrew_tui.snapshot import News, RunSnapshot, Snapshot

PLACE = "imports"
"""What the link knows this screen by."""
TICK = 1.0
"""Seconds between two looks at speed and countdowns, while there are any."""
LOOKED = 3
"""So many of these pass before a list that grows is asked for again."""
EDGE = 20
"""Rows from the end of what is here at which more is asked for."""


class ImportsScreen(CommandScreen):
    """Above the screen of a trip, which goes on to be told what happens there."""

    CSS_PATH = "imports.tcss"
    MODULES = ("imports", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("imports", "everywhere")]

    def __init__(self, trip_screen: TripScreen) -> None:
        super().__init__()
        self.trip_screen = trip_screen
        self.snapshot = trip_screen.snapshot
        self.job_id: str | None = None
        """The import that is looked at."""
        self.run: RunSnapshot | None = None
        self.upload: Upload | None = None
        self.wanted = model.Wanted()
        self.shows_refused = False
        self._pace = model.Pace()
        self._hotels: model.Window[ImportedHotel] = model.Window()
        self._refused: model.Window[RefusedRow] = model.Window()
        self._seen = 0
        """Rows, good or refused, that there were when the list was asked for last."""
        self._looking: Worker[None] | None = None
        self._trouble = ""
        self._ticks: Timer | None = None
        self._ticked = 0

    # --- what is known ---------------------------------------------------------------------------

    @property
    def places(self) -> tuple[Place, ...]:
        """The imports."""
        return ("imports",)

    @property
    def trip(self) -> Trip | None:
        """The trip as it is drawn."""
        return self.snapshot.trip

    @property
    def me(self) -> str:
        """My id."""
        return self.trip_screen.me

    @property
    def job(self) -> ImportJob | None:
        """The import that is looked at, as far as it is known."""
        state = self.run.state if self.run is not None else None
        return state if isinstance(state, ImportJob) else None

    @property
    def hotel(self) -> ImportedHotel | None:
        """The hotel under the cursor, while it is in the table."""
        rows = self.query("#imported")
        if self.shows_refused or not rows or not rows.first().has_focus:
            return None
        at = rows.first(RowList).cursor
        return next((h for h in self._hotels.rows if str(h.line) == at), None)

    @property
    def fresh(self) -> int:
        """Rows that have come since the list was asked for."""
        job = self.job
        if job is None:
            return 0
        return max(0, (job.counts.refused if self.shows_refused else job.counts.good) - self._seen)

    @property
    def may_cancel(self) -> bool:
        """Whether there is something to cancel."""
        return self.upload is not None or model.may_cancel(self.job, self.trip, self.me)

    def rows(self, name: str) -> RowList:
        """One of the lists."""
        return self.query_one(f"#{name}", RowList)

    @property
    def in_list(self) -> bool:
        """Whether the person is among the hotels or the refused rows."""
        return self._list.has_focus

    @property
    def _list(self) -> RowList:
        return self.rows("refused" if self.shows_refused else "imported")

    # --- layout ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Title, imports, how the one goes, its hotels or its refused rows, a sentence, keys."""
        yield TitleLine(id="title")
        yield RowList(id="jobs", keeps_sign=True)
        yield Lines(id="job-live")
        yield RowList(id="imported", keeps_sign=True)
        yield RowList(id="refused", keeps_sign=True)
        yield Lines(id="imports-note")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """At the newest import."""
        self._ticks = self.set_interval(TICK, self._tick, pause=True)
        for name in ("imported", "refused"):
            self.watch(self.rows(name), "scroll_y", self._need_more, init=False)
        self.redraw()
        self.rows("jobs").focus()

    def on_unmount(self) -> None:
        """Nobody looks at any import here."""
        self.crew_app.link.runs.look(PLACE, None)

    async def go_back(self) -> None:
        """From a list to the imports, and then to the trip."""
        if self.focused is not None and self.focused.id in ("imported", "refused"):
            self.set_focus(self.rows("jobs"))
        elif self.upload is None or await stop_upload(self, self.upload):
            self.leave()

    # --- what comes in ---------------------------------------------------------------------------

    def feed(self, snapshot: Snapshot, _: News) -> None:
        """A new state of the trip."""
        if snapshot.trip_id == self.snapshot.trip_id:
            self.snapshot = snapshot
            if self.is_mounted:
                self.redraw()

    def show_run(self, run: RunSnapshot) -> None:
        """A new state of the import that is looked at."""
        if run.name != f"job:{self.job_id}" or not self.is_mounted:
            return
        before, self.run = self.job, run
        job = self.job
        if job is not None:
            self._pace = self._pace.after(job, run.now())
            if before is None or (before.status != job.status and not self.in_list):
                self.look_again()
        if before is None or job is None or before.status != job.status:
            self.redraw()
        else:
            self._draw_live()
            self._list.refresh()  # its heading counts
            self.show_keys()

    def _tick(self) -> None:
        """Seconds are counted; a list that grows is asked for again, unless somebody is in it."""
        self._ticked += 1
        if self._falls_behind and self._ticked % LOOKED == 0:
            self.look_again()
        self._draw_live()

    @property
    def _falls_behind(self) -> bool:
        return self.fresh > 0 and not self.in_list and not self._trouble

    @on(Sent)
    def _sent(self, event: Sent) -> None:
        event.stop()
        event.upload.sent = event.done
        self._draw_live()

    def show(self, job_id: str) -> None:
        """Look at this import from now on."""
        if job_id == self.job_id:
            return
        self.job_id, self.run, self._pace = job_id, None, model.Pace()
        self.crew_app.link.runs.look(PLACE, f"job:{job_id}")
        self.wanted = model.Wanted()
        self.forget_list()
        self.rows("jobs").move_to(job_id)
        self.redraw()

    # --- its list, page by page ------------------------------------------------------------------

    def want(self, wanted: model.Wanted) -> None:
        """Other hotels, or in another order."""
        self.wanted = wanted
        self.forget_list()
        self.look_again()

    def turn(self, *, refused: bool) -> None:
        """To the refused rows, or to the hotels."""
        had_focus = self._list.has_focus
        self.shows_refused = refused
        self.forget_list()
        self.look_again()
        if had_focus:
            self.set_focus(self._list)

    def forget_list(self) -> None:
        """What is listed is about to be something else."""
        self._hotels, self._refused, self._seen, self._trouble = model.Window(), model.Window(), 0, ""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self.redraw()

    def look_again(self) -> None:
        """The list from its beginning, unless that is being asked for."""
        if self._looking is None or self._looking.is_finished:
            self._ask_for(0, anew=True)

    def _need_more(self, *_: object) -> None:
        """A page below or above, when the cursor or the scroll comes near an edge of what is here."""
        rows, window = self._list, self._refused if self.shows_refused else self._hotels
        ids = rows.ids
        if not ids or (self._looking is not None and not self._looking.is_finished):
            return
        at, top = ids.index(rows.cursor) if rows.cursor in ids else 0, rows.scroll_offset.y
        bottom = max(at, top + rows.size.height)
        if window.below is not None and bottom > len(ids) - EDGE:
            self._ask_for(window.below)
        elif window.above is not None and min(at, top) < EDGE:
            self._ask_for(window.above)

    def _ask_for(self, number: int, *, anew: bool = False) -> None:
        if self.job_id is not None:
            self._looking = self.run_worker(self._ask(self.job_id, number, anew=anew), group="listing")

    async def _ask(self, job_id: str, number: int, *, anew: bool) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - not before the first paint

        job, refused = self.job, self.shows_refused
        had = 0 if job is None else job.counts.refused if refused else job.counts.good
        try:
            if refused:
                await self._ask_refused(job_id, number, anew=anew)
            else:
                await self._ask_hotels(job_id, number, anew=anew)
        except RoadcrewError as error:
            self._trouble = error.detail
        else:
            self._trouble = ""
            self._seen = had if anew else self._seen
        self.redraw()

    async def _ask_hotels(self, job_id: str, number: int, *, anew: bool) -> None:
        w, before = self.wanted, model.Window[ImportedHotel]() if anew else self._hotels
        after: Any = before.starts[number]

        async def ask(client: Client) -> Any:
            return await client.imported_hotels(
                job_id,
                sort=w.order.sort,
                descending=w.order.descending,
                city=w.city or None,
                q=w.q or None,
                min_stars=w.min_stars or None,
                max_price=w.max_price.amount if w.max_price is not None else None,
                limit=model.PAGE,
                after=after,
            )

        found = await self.crew_app.link.call(ask)
        self._hotels = before.put(number, found.hotels, found.total, found.next)
        self._show(self.rows("imported"), before.first, self._hotels.first, [len(p) for p in before.pages], anew=anew)

    async def _ask_refused(self, job_id: str, number: int, *, anew: bool) -> None:
        before = model.Window[RefusedRow]() if anew else self._refused
        after: Any = before.starts[number]
        found = await self.crew_app.link.call(lambda client: client.refused_rows(job_id, after=after, limit=model.PAGE))
        self._refused = before.put(number, found.rows, found.total, found.next)
        self._show(self.rows("refused"), before.first, self._refused.first, [len(p) for p in before.pages], anew=anew)

    def _show(self, rows: RowList, first: int, now: int, pages: Sequence[int], *, anew: bool) -> None:
        """Draw what is here now; what is seen stays where it is, though rows have come or gone above it."""
        top = rows.scroll_offset.y
        self._draw_list()
        rows.settle()
        if not anew and now != first:
            above = -pages[0] if now > first else len((self._refused if self.shows_refused else self._hotels).pages[0])
            rows.scroll_to(y=max(0, top + above), animate=False, immediate=True)

    # --- drawing ---------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draw everything."""
        self._draw_title()
        trip = self.trip
        found = model.import_rows(trip, self.me, self.snapshot.now()) if trip is not None else []
        jobs = self.rows("jobs")
        jobs.show([Row(r.id, draw.job(r)) for r in found], heading=render.heading("Imports"))
        if self.job_id is None and found:
            self.show(found[0].id)
            return
        if self.job_id in jobs.ids and not jobs.has_focus:
            jobs.move_to(self.job_id)
        self._draw_live()
        self._draw_list()
        words = self.query_one("#imports-note", Lines)
        words.show(draw.words(self._note(bool(found))))
        words.display = bool(self._note(bool(found)))
        self.show_keys()

    def _draw_title(self) -> None:
        mark, words, tone = status_words(self.snapshot.status, 0)
        right = render.ours(f"{getattr(sign(), mark)} {words}", TONES[tone])
        name = render.said(self.trip.name, render.MUTED) if self.trip is not None else render.BLANK
        self.query_one("#title", TitleLine).show_ends(render.heading("Imports of hotels", name), right)

    def _draw_live(self) -> None:
        line, job = self.query_one("#job-live", Lines), self.job
        counting = self._falls_behind or (job is not None and job.status == "processing")
        if self._ticks is not None:
            (self._ticks.resume if counting else self._ticks.pause)()
        line.display = True
        if self.upload is not None:
            line.show(self.upload.drawn)
        elif job is not None and self.run is not None:
            line.show(draw.live(model.live(job, self._pace, self.run.now())))
        elif self.run is not None and self.run.gone is not None:
            line.show(draw.words("This import is kept no longer."))
        elif self.job_id is not None:
            line.show(draw.words("Looking…"))
        else:
            line.display = False

    def _draw_list(self) -> None:
        hotels, refused = self.rows("imported"), self.rows("refused")
        job = self.job
        hotels.display = job is not None and not self.shows_refused
        refused.display = job is not None and self.shows_refused
        if job is None:
            return
        if self.shows_refused:
            rows = [Row(str(r.line), draw.refused(r)) for r in self._refused.rows]
            refused.show(
                rows or self._nothing("No row was refused."),
                heading=self._refused_heading,
            )
            return
        known, widths = model.listed(self.trip), draw.Widths.of(self._hotels.rows)
        found = [
            Row(str(h.line), draw.hotel(h, widths, "on the list" if model.known_as(h) in known else ""))
            for h in self._hotels.rows
        ]
        nothing = "No hotel is like that." if self.wanted.filtered else "No hotel has come yet."
        hotels.show(
            found or self._nothing(nothing),
            heading=lambda width: draw.hotels_heading(self.wanted, self._hotels.total, self.fresh)(width),
        )

    def _refused_heading(self, width: int) -> Content:
        job = self.job
        total, why = (job.counts.refused, model.reasons(job)) if job is not None else (0, "")
        return draw.refused_heading(total, why)(width)

    def _nothing(self, words: str) -> list[Row]:
        waits = self._looking is not None and not self._looking.is_finished
        return [note(render.ours("Looking…" if waits else self._trouble or words, render.MUTED))]

    def _note(self, any_imports: bool) -> str:
        if not any_imports and self.upload is None:
            return "Hotels with their prices, from a CSV or JSON file, for the whole crew. Press n to choose one."
        return self._trouble

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter goes from an import to its list."""
        return [("open", "enter", "its hotels")] if self.rows("jobs").has_focus and self.job is not None else []

    # --- what the person does --------------------------------------------------------------------

    @on(RowList.Moved, "#jobs")
    def _another(self, event: RowList.Moved) -> None:
        event.stop()
        self.show(event.row)

    @on(RowList.Chosen, "#jobs")
    def _opened(self, event: RowList.Chosen) -> None:
        event.stop()
        self.show(event.row)
        if self._list.display:
            self.set_focus(self._list)

    @on(RowList.Moved, "#imported")
    @on(RowList.Moved, "#refused")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._need_more()
        self.show_keys()

    @on(RowList.Chosen, "#imported")
    @on(RowList.Chosen, "#refused")
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        if self.hotel is not None:
            await self.action_command("import.shortlist")

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        self.show_keys()
