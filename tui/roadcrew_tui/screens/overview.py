"""The overview of a trip: four questions answered at a glance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from roadcrew_domain.trip import Trip
from roadcrew_tui import commands, render, when
from roadcrew_tui.happenings import Happening
from roadcrew_tui.screens.overview_model import CrewRow, Decision, Need, Overview, overview
from roadcrew_tui.screens.pane import Pane
from roadcrew_tui.snapshot import Snapshot
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.rows import Row, RowList, note

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

MOST_HAPPENINGS = 12
GAP = 2
"""Cells between two columns."""


class OverviewPane(Pane):
    """Needs and plan, crew and discount, and what is new."""

    model: Overview | None = None

    def compose(self) -> ComposeResult:
        """Three columns; in a narrow terminal the third one goes under the first."""
        with Vertical(id="ov-first"):
            yield RowList(id="needs")
            yield RowList(id="plan")
        with Vertical(id="ov-crew"):
            yield RowList(id="crew")
            yield Lines(id="discount")
        yield RowList(id="lately")

    def start(self) -> None:
        """What needs me comes first; else the plan."""
        self.query_one("#needs" if self.query_one("#needs", RowList).ids else "#plan", RowList).focus()

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter opens what the cursor is on; in the crew it does something about somebody, in what is new it leads to
        all that happened."""
        if self.screen.focused is self.query_one("#lately"):
            return [("open", "enter", "history")]
        if self.screen.focused is not self.query_one("#crew"):
            return [("open", "enter", "open")]
        screen = cast("TripScreen", self.screen)
        if self.member == screen.me:
            return [("member", "enter", "rename, leave")]
        leads = screen.trip is not None and screen.trip.organiser == screen.me
        return [("member", "enter", "hand over, remove")] if leads and self.member else []

    @property
    def member(self) -> str | None:
        """The crew member under the cursor, while the crew has the focus."""
        crew = self.query_one("#crew", RowList)
        return crew.cursor if self.screen.focused is crew else None

    def draw(self, snapshot: Snapshot, trip: Trip, me: str, now: datetime) -> None:
        """Draw all four answers."""
        screen = cast("TripScreen", self.screen)
        m = overview(
            trip,
            me,
            snapshot.present,
            now,
            seen=screen.seen,
            left=screen.left,
            declined=screen.declined,
            urgent=(*screen.urgent, *screen.talk.needs),
            booked=screen.booked,
            said=screen.talk.lately,
        )
        self.model = m
        room = _room_of_needs(m.needs)
        needs = [Row(n.target, _need(n, room)) for n in m.needs]
        nothing = note(render.ours("Nothing. You are done here.", render.MUTED))
        self.query_one("#needs", RowList).show(needs or [nothing], heading=render.heading("Needs you"))
        self.query_one("#plan", RowList).show(
            [Row(f"{n}:{d.target}", _decision(d)) for n, d in enumerate(m.plan)], heading=render.heading("The plan")
        )
        count = render.ours(f"{m.have} of {m.need}" if m.have < m.need else f"{m.have}", render.MUTED)
        names = max(render.said(c.name).cell_length for c in m.crew)
        beside = max(len(_about(c)) for c in m.crew)
        self.query_one("#crew", RowList).show(
            [Row(c.id, _person(c, names, beside)) for c in m.crew], heading=render.heading("Crew", count)
        )
        self.query_one("#discount", Lines).show(_discount(m))
        away = screen.away
        nothing_new = note(render.ours("Nothing new from the others.", render.MUTED))
        self.query_one("#lately", RowList).show(
            [Row(_id(h), _new(h, now)) for h in m.lately[:MOST_HAPPENINGS]] or [nothing_new],
            heading=render.heading("Since you left" if away else "Lately", render.ours(away, render.MUTED)),
        )

    @on(RowList.Chosen, "#needs")
    @on(RowList.Chosen, "#plan")
    def _open(self, event: RowList.Chosen) -> None:
        event.stop()
        target = event.row.split(":", 1)[1] if event.rows.id == "plan" else event.row
        screen = cast("TripScreen", self.screen)
        if target.startswith("poll:"):
            screen.show_tab("polls", target.removeprefix("poll:"))
        elif target.startswith("dates:"):
            from roadcrew_tui.screens.poll_actions import offer_dates  # noqa: PLC0415 - seldom

            work = screen.crew_app.guarded(offer_dates(screen, target.removeprefix("dates:")))
            screen.run_worker(work, group="commands")
        elif target.startswith("talk:"):
            screen.show_tab("talk", target.removeprefix("talk:"))
        elif target == "hotels":
            screen.show_tab("hotels")
        elif target.startswith("book"):
            screen.show_tab("book", target.partition(":")[2] or None)
        else:
            screen.start(commands.find("trip.invite" if target == "invite" else "trip.edit"))

    @on(RowList.Chosen, "#lately")
    def _all_that_happened(self, event: RowList.Chosen) -> None:
        event.stop()
        screen = cast("TripScreen", self.screen)
        if event.row.startswith("talk:"):
            screen.show_tab("talk")
        else:
            screen.start(commands.find("trip.history"))

    @on(RowList.Moved, "#crew")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        cast("TripScreen", self.screen).show_keys()

    @on(RowList.Chosen, "#crew")
    def _member(self, event: RowList.Chosen) -> None:
        event.stop()
        cast("TripScreen", self.screen).start(commands.find("crew.member"))


def _room_of_needs(needs: tuple[Need, ...]) -> Callable[[int], int]:
    """How many cells of a width are for what is needed, where a note stands beside it."""
    noted = [n for n in needs if n.note]
    longest = max((render.template(n.words, what=n.what).cell_length for n in noted), default=0)
    widest = max((len(n.note) for n in noted), default=0)
    return lambda width: max(10, min(longest, width - GAP - widest))


def _need(need: Need, room: Callable[[int], int]) -> Callable[[int], Content]:
    """In two columns with the others; what is not cut is the note, and what asks a question."""

    def draw(width: int) -> Content:
        what = render.template(need.words, what=need.what)
        if not need.note:
            return render.stack(render.wrapped(what, width, 2))
        first, *rest = render.wrapped(what, room(width), 2)
        row = render.join(render.pad(first, room(width)), " " * GAP, render.ours(need.note, render.WARN))
        return render.stack([render.cut(row, width), *rest])

    return draw


def _decision(d: Decision) -> Callable[[int], Content]:
    s = sign()
    mark = {"decided": (s.yes, render.GOOD), "open": (s.open, render.WARN), "nothing": (s.nothing, render.MUTED)}

    def draw(width: int) -> Content:
        style = "" if d.state == "decided" else render.MUTED
        words = render.template(d.words, style, what=d.what) if d.what else render.ours(d.words, style)
        start = render.join(render.ours(*mark[d.state]), " ", render.pad(render.ours(d.label), 7))
        return render.cut(render.join(start, words), width)

    return draw


def _person(c: CrewRow, longest: int, widest: int) -> Callable[[int], Content]:
    """One name under another, whatever stands beside it: `longest` name, `widest` of what stands there."""
    s = sign()

    def draw(width: int) -> Content:
        dot = render.ours(s.here, render.GOOD) if c.here else render.ours(s.away, render.MUTED)
        name = render.pad(render.said(c.name), max(6, min(longest, width - 2 - GAP - widest, 18)))
        return render.cut(render.join(dot, " ", name, " " * GAP, render.ours(_about(c), render.MUTED)), width)

    return draw


def _about(c: CrewRow) -> str:
    words = ["you"] if c.you else []
    words += ["organiser"] if c.organiser else []
    words += [c.note] if c.note and c.note != "organiser" else []
    return ", ".join(words)


def _discount(m: Overview) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        dots = render.meter(m.have, m.need)
        if m.unlocked:
            first = render.join(dots, " ", render.ours("unlocked", render.GOOD))
        else:
            first = render.join(dots, f" {m.need - m.have} more for")
        rows: list[Content | str] = [render.heading("Group discount"), first, f"{m.percent} % off bookings"]
        if m.ends:
            rows += ["", render.ours(f"This trip goes {m.ends}", render.WARN)]
            rows += [render.ours("unless somebody changes it.", render.WARN)]
        return render.stack(render.cut(r if isinstance(r, Content) else render.ours(r), width) for r in rows)

    return draw


def _id(h: Happening) -> str:
    """Of what is said there is no number, but no two at the same time."""
    return str(h.seq) if h.seq >= 0 else f"talk:{h.at.isoformat()}:{h.words}"


def _new(h: Happening, now: datetime) -> Callable[[int], Content]:
    time = render.pad(render.ours(when.short_ago(h.at, now), render.MUTED), 6, right=True)
    row = render.join(time, "  ", render.template(h.words, **h.people))
    return lambda width: render.cut(row, width)
