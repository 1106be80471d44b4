"""The imports of a trip: which there are, how one goes, its hotels as a table, and the rows that were refused. What its
keys do is imports_actions.py's.

Everybody of the trip sees the same import; what the table shows is asked of the server in pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer

from roadcrew_domain.jobs_state import ImportedHotel, ImportJob
from roadcrew_domain.trip import Trip
from roadcrew_tui import render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens import imports_draw as draw
from roadcrew_tui.screens import imports_model as model
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.imports_actions import Sent, Upload, stop_upload
from roadcrew_tui.screens.imports_listing import Listing
from roadcrew_tui.screens.trip import TONES
from roadcrew_tui.screens.trip_model import status_words
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Row, RowList, note

if TYPE_CHECKING:
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

    def __init__(self, trip_screen: TripScreen, *, goes_to: str | None = None) -> None:
        """`goes_to`: the import that is looked at first; else the newest one."""
        super().__init__()
        self._goes_to = goes_to
        self.trip_screen = trip_screen
        self.snapshot = trip_screen.snapshot
        self.job_id: str | None = None
        """The import that is looked at."""
        self.run: RunSnapshot | None = None
        self.upload: Upload | None = None
        self.listing = Listing(self, self._show_rows)
        self._pace = model.Pace()
        self._arriving = ""
        """An import that was begun here, until it is among those of the trip."""
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
        if self.listing.refused or not rows or not rows.first().has_focus:
            return None
        at = rows.first(RowList).cursor
        return next((h for h in self.listing.hotels.rows if str(h.line) == at), None)

    @property
    def fresh(self) -> int:
        """Rows that have come since the list was asked for."""
        return self.listing.fresh(self.job)

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
        return self.rows("refused" if self.listing.refused else "imported")

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
        return self.fresh > 0 and not self.in_list and not self.listing.trouble

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
        self.listing.wanted = model.Wanted()
        self.listing.forget()
        self._arriving = job_id
        self.redraw()

    # --- its list, page by page ------------------------------------------------------------------

    def want(self, wanted: model.Wanted) -> None:
        """Other hotels, or in another order."""
        self.listing.wanted = wanted
        self._anew()

    def turn(self, *, refused: bool) -> None:
        """To the refused rows, or to the hotels."""
        had_focus = self.in_list
        self.listing.refused = refused
        self._anew()
        if had_focus:
            self.set_focus(self._list)

    def _anew(self) -> None:
        self.listing.forget()
        self.look_again()
        self.redraw()

    def look_again(self) -> None:
        """The list from its beginning."""
        if self.job is not None:
            self.listing.begin(self.job)

    def _need_more(self, *_: object) -> None:
        """When the cursor or the scroll comes near an edge of what is here."""
        rows, ids = self._list, self._list.ids
        if not ids or self.job is None:
            return
        at, top = ids.index(rows.cursor) if rows.cursor in ids else 0, rows.scroll_offset.y
        if max(at, top + rows.size.height) > len(ids) - EDGE:
            self.listing.below(self.job)
        if min(at, top) < EDGE:
            self.listing.above(self.job)

    def _show_rows(self, above: int) -> None:
        """What has come; what is seen stays where it is, though rows have come or gone above it."""
        rows = self._list
        top = rows.scroll_offset.y
        self.redraw()
        rows.settle()
        if above:
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
            self.show(self._goes_to if self._goes_to in jobs.ids else found[0].id)
            return
        if self._arriving in jobs.ids:
            jobs.settle()
            jobs.move_to(self._arriving)
            self._arriving = ""
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
        hotels.display = job is not None and not self.listing.refused
        refused.display = job is not None and self.listing.refused
        if job is None:
            return
        if self.listing.refused:
            rows = [Row(str(r.line), draw.refused(r)) for r in self.listing.bad_rows.rows]
            refused.show(rows or self._nothing("No row was refused."), heading=self._refused_heading)
            return
        kept, wanted = self.listing.hotels, self.listing.wanted
        known, widths = model.listed(self.trip), draw.Widths.of(kept.rows)
        found = [
            Row(str(h.line), draw.hotel(h, widths, "on the list" if model.known_as(h) in known else ""))
            for h in kept.rows
        ]
        hotels.show(
            found or self._nothing("No hotel is like that." if wanted.filtered else "No hotel has come yet."),
            heading=lambda width: draw.hotels_heading(wanted, kept.total, self.fresh)(width),
        )

    def _refused_heading(self, width: int) -> Content:
        job = self.job
        total, why = (job.counts.refused, model.reasons(job)) if job is not None else (0, "")
        return draw.refused_heading(total, why)(width)

    def _nothing(self, words: str) -> list[Row]:
        said = "Looking…" if self.listing.waits else self.listing.trouble or words
        return [note(render.said(said, render.MUTED))]

    def _note(self, any_imports: bool) -> str:
        if not any_imports and self.upload is None:
            words = "Hotels with their prices, from a CSV or JSON file, for the whole crew."
            return f"{words} Press n to choose one." if self.crew_app.host.lends("files") else words
        return self.listing.trouble

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter goes from an import to its list."""
        return [("open", "enter", "its hotels")] if self.rows("jobs").has_focus and self.job is not None else []

    # --- what the person does --------------------------------------------------------------------

    @on(RowList.Moved, "#jobs")
    def _another(self, event: RowList.Moved) -> None:
        event.stop()
        self._arriving = ""
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
