"""What has happened in a trip: newest first, a day at a time, since when and by whom one likes. What comes while it is
read waits to be called; a hotel that was dropped is brought back where it says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from roadcrew_domain.dropped import RestoreHotel
from roadcrew_domain.history import tell
from roadcrew_domain.trip import Recent, Trip
from roadcrew_tui import plain, render, when
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens import history_model as model
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.history_model import ALL, Since
from roadcrew_tui.snapshot import News, Snapshot
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Draw, Row, RowList, note

if TYPE_CHECKING:
    from roadcrew_client import Client, History
    from roadcrew_tui.screens.trip import TripScreen

OLDER = "older"
"""The row below those that are here, when there may be more."""


class Log(RowList):
    """What has happened keeps its order by itself, and what is new comes when somebody goes up from the first row."""

    class Called(Message):
        """What is new is to be shown."""

    def _in_frozen_order(self, before: list[str]) -> tuple[Row, ...]:
        return self._latest

    def action_move(self, step: int) -> None:
        """As in every list; above the first row is what is new."""
        if step < 0 and self.cursor in self.ids[:1]:
            self.action_newest()
        super().action_move(step)

    def action_newest(self) -> None:
        """Call what is new."""
        self.post_message(self.Called())


class HistoryScreen(CommandScreen):
    """Above the trip that it is about, and as that is drawn."""

    CSS_PATH = "history.tcss"
    MODULES = ("history", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("history", "everywhere")]

    def __init__(self, below: TripScreen) -> None:
        super().__init__()
        self.below = below
        self.since: Since = ALL
        self.by: str | None = None
        self._known: dict[int, Recent] = {}
        self._top: int | None = None
        """The newest one that is shown; None: whatever comes."""
        self._more: bool | None = None
        """Whether the server has older ones than those that are known; None: it has not been asked."""
        self._lines: dict[str, model.Line] = {}
        self._loading = False

    @property
    def places(self) -> tuple[Place, ...]:
        """What has happened in a trip."""
        return ("history",)

    @property
    def trip(self) -> Trip | None:
        """The trip as it is drawn."""
        return self.below.trip

    @property
    def trip_id(self) -> str:
        """The id of the trip."""
        return self.below.trip_id

    @property
    def me(self) -> str:
        """My id."""
        return self.below.me

    @property
    def known(self) -> model.Known:
        """What is known to have happened."""
        return self._known

    @property
    def dropped(self) -> str | None:
        """The hotel under the cursor that can be brought back."""
        return self._line.dropped if self._line is not None else None

    @property
    def _line(self) -> model.Line | None:
        """What is under the cursor."""
        rows = self.query("#history")
        return self._lines.get(rows.first(RowList).cursor or "") if rows else None

    def compose(self) -> ComposeResult:
        """Title, list, a sentence, keys."""
        yield TitleLine(id="title")
        yield Log(id="history", keeps_sign=True)
        yield Lines(id="history-note")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """What the trip itself tells, at once; then what the server has."""
        self.query_one("#history", Log).focus()
        self._take()
        self.load()

    def feed(self, snapshot: Snapshot, news: News) -> None:
        """Something is new. After a reset, numbers may be those of other events."""
        if snapshot.trip_id != self.trip_id or not self.is_mounted or news.kind in ("presence", "status"):
            return
        if news.kind == "reset":
            self._known, self._more, self._top = {}, None, None
            self.load()
        self._take()

    def _take(self) -> None:
        trip = self.below.snapshot.confirmed
        if trip is None:
            return
        self._known = model.merged(self._known, trip.recent)
        newest = self._known.get(max(self._known, default=-1))
        if newest is not None and (self._top is None or newest.by == self.me):
            self._top = newest.seq  # what this person does is seen at once
        self.redraw()

    # --- older ones ------------------------------------------------------------------------------

    def load(self) -> None:
        """Ask for what is needed and not known."""
        self.run_worker(self.crew_app.guarded(self._load()), group="history", exclusive=True)

    async def _load(self, pages: int = 1) -> None:
        """Ask for `pages` at least; for more, where it is said since when."""
        self._loading = True
        try:
            for n in range(model.MOST_PAGES):
                wanted = n < pages or self.since.kind != "all"
                if not (wanted and self._has_older):
                    break
                await self._load_page()
        finally:
            self._loading = False
            if self.is_mounted:
                self.redraw()

    async def _load_page(self) -> None:
        row = model.unbroken(self._known)
        before = row[-1].seq if row and self._more is not None else None

        async def ask(client: Client) -> History:
            return await client.history(self.trip_id, before=before, limit=model.PAGE)

        found = await self.crew_app.link.call(ask)
        trip = self.trip
        if trip is not None:
            self._known = model.merged(self._known, tell(trip, found.events))
            self._more = found.more
            self.redraw()

    # --- drawing ---------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draw everything."""
        trip = self.trip
        if trip is None or not self.is_mounted:
            return
        now = self.below.snapshot.now()
        recents = model.fitting(self._known, self.since, self.by, self._top)
        days = model.by_day(recents, trip, self.me, now)
        self._lines = {str(line.seq): line for day in days for line in day.lines}
        rows: list[Row] = []
        for day in days:
            rows.append(Row(None, _titled(day.title, first=not rows)))
            rows += [Row(str(line.seq), _drawn(line)) for line in day.lines]
        if not rows:
            rows.append(note(render.ours("Looking…" if self._loading else "Nothing so far.", render.MUTED)))
        if self._has_older:
            rows.append(Row(OLDER, lambda width: render.cut(render.ours("Show older ones", render.ACCENT), width)))
        self.query_one("#title", TitleLine).show_ends(
            render.join(render.heading("What happened"), "  ", self._filter(trip)),
            render.said(trip.name, render.MUTED, width=render.MOST_NAME),
        )
        self.query_one("#history", Log).show(rows)
        words = render.ours(self._note(), render.MUTED)
        self.query_one("#history-note", Lines).show(lambda width: render.cut(words, width))
        self.show_keys()

    @property
    def _has_older(self) -> bool:
        """Whether there may be older ones that are wanted: the server has some, or there is a gap."""
        whole = self._more is False and len(model.unbroken(self._known)) == len(self._known)
        return not whole and not model.reaches_back(self._known, self.since)

    def _filter(self, trip: Trip) -> Content:
        """Since when and by whom, in words."""
        today = when.day_of(self.below.snapshot.now())
        parts = [render.ours(words, render.ACCENT)] if (words := self.since.words(today)) else []
        if self.by is not None:
            name = dict(model.people(trip, self._known)).get(self.by, "somebody")
            parts.append(render.template("by {who}", render.ACCENT, who=name))
        return render.join(*(piece for n, part in enumerate(parts) for piece in (", " * bool(n), part)))

    @property
    def fresh(self) -> int:
        """How many have come that are not shown yet."""
        top = -1 if self._top is None else self._top
        return sum(r.seq > top for r in model.fitting(self._known, self.since, self.by))

    def _note(self) -> str:
        if self.fresh:
            return f"{self.fresh} more meanwhile. Go up from the first line to see what."
        if not self._has_older and self.since.kind == "all" and self._known and 0 not in self._known:
            return "What was before that is not kept any more."
        return ""

    def hints(self) -> list[tuple[str, str, str]]:
        """What is new; and what enter does."""
        found = [("newest", "up", f"{self.fresh} new")] if self.fresh else []
        rows = self.query("#history")
        if self.dropped is not None:
            found.append(("open", "enter", "bring back"))
        elif rows and rows.first(RowList).cursor == OLDER:
            found.append(("open", "enter", "show older ones"))
        return found

    # --- what can be done ------------------------------------------------------------------------

    @on(Log.Called)
    def _called(self, event: Log.Called) -> None:
        event.stop()
        if not self.fresh:
            return
        self._top = max(self._known)
        self.redraw()
        log = self.query_one("#history", Log)
        log.move_to(log.ids[0])

    @on(RowList.Moved, "#history")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.show_keys()

    @on(RowList.Chosen, "#history")
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        if event.row == OLDER:
            self.load()
        elif self.dropped is not None:
            self.run_worker(self.crew_app.guarded(self.restore()), group="commands")
        elif self._line is not None and self._line.others:
            who, *more = self._line.others
            words = "Only {who} or {other} can bring it back." if more else "Only {who} can bring it back."
            self.crew_app.say(plain.sentence(words, who=who, other=(*more, "")[0]))

    async def restore(self) -> None:
        """Bring the hotel under the cursor back."""
        hotel, trip = self.dropped, self.trip
        gone = trip.dropped.get(hotel) if hotel is not None and trip is not None else None
        if gone is None:  # or back by now: the line under the cursor was drawn before
            return
        await self.below.act(RestoreHotel(gone.hotel.id))
        self.redraw()
        words = "{what} is on the list again. Votes for it begin anew."
        self.crew_app.say(plain.sentence(words, what=gone.hotel.name))

    def show(self, *, since: Since | None = None, by: str | None = None) -> None:
        """Show what happened since then, or what this person did; "" is everybody."""
        self.since = since or self.since
        self.by = self.by if by is None else by or None
        self._top = max(self._known, default=None)
        self.redraw()
        log = self.query_one("#history", Log)
        if log.ids:
            log.move_to(log.ids[0])
        if since is not None:
            self.run_worker(self.crew_app.guarded(self._load(0)), group="history", exclusive=True)


def _titled(words: str, *, first: bool) -> Draw:
    title = render.heading(words)
    return lambda width: render.cut(title, width) if first else render.stack(["", render.cut(title, width)])


def _drawn(line: model.Line) -> Callable[[int], Content]:
    happening = line.happening
    note = render.ours("can be brought back", render.ACCENT) if line.dropped is not None else render.BLANK
    time = render.pad(render.ours(line.time, render.MUTED), when.time_width())
    words = render.template(happening.words, **happening.people)

    def draw(width: int) -> Content:
        row = render.join(time, "  ", words)
        return render.ends(row, note, width) if note else render.cut(row, width)

    return draw
