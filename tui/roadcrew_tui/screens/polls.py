"""The polls of a trip: the list, and the sheet of the one under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from roadcrew_domain.polls import Answer, Poll
from roadcrew_domain.trip import Trip
from roadcrew_tui import commands, render
from roadcrew_tui.screens import polls_model as model
from roadcrew_tui.screens.pane import Pane
from roadcrew_tui.screens.polls_model import KIND_WORDS, OptionRow, PollRow, Sheet
from roadcrew_tui.snapshot import Snapshot
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.rows import Row, RowList, note

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

COLUMN = 6
"""Cells for a person's name above their answers."""


class PollsPane(Pane):
    """Left the polls, right the options of one."""

    _last: tuple[Snapshot, Trip, str, datetime] | None = None

    def compose(self) -> ComposeResult:
        """The list, the sheet, and in a wide terminal what was decided."""
        yield RowList(id="polls", keeps_sign=True)
        with Vertical(id="sheet"):
            yield Lines(id="question")
            yield RowList(id="options")
            yield Lines(id="verdict")
        yield Lines(id="decided")

    def start(self) -> None:
        """In the list, on what waits for me."""
        self.query_one("#polls", RowList).focus()

    async def back(self) -> bool:
        """From the options to the list."""
        if self.query_one("#options", RowList).has_focus:
            self.query_one("#polls", RowList).focus()
            return True
        return False

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter goes from the list to the options, and votes there."""
        if self.query_one("#options", RowList).has_focus:
            return [("vote", "space", "vote")]
        return [("open", "enter", "vote")] if self.poll_id else []

    @property
    def poll_id(self) -> str | None:
        """The poll that is shown."""
        return self.query_one("#polls", RowList).cursor

    @property
    def option_id(self) -> str | None:
        """The option under the cursor."""
        return self.query_one("#options", RowList).cursor

    def select(self, poll_id: str) -> None:
        """Show a poll and go to its options."""
        self.query_one("#polls", RowList).move_to(poll_id)
        self._redraw_sheet()
        self.query_one("#options", RowList).focus()

    def draw(self, snapshot: Snapshot, trip: Trip, me: str, now: datetime) -> None:
        """Draw list and sheet."""
        self._last = (snapshot, trip, me, now)
        listed = model.rows(trip, me, now)
        rows = [Row(p.id, _poll(p)) for p in listed]
        empty = note(render.ours("No polls yet. Press n to ask.", render.MUTED))
        self.query_one("#polls", RowList).show(rows or [empty], heading=render.heading("Polls"))
        self._redraw_sheet()

    def _redraw_sheet(self) -> None:
        if self._last is None:
            return
        snapshot, trip, me, now = self._last
        poll = trip.polls.get(self.poll_id or "")
        self.query_one("#sheet").display = poll is not None
        if poll is not None:
            self._draw_sheet(model.sheet(trip, poll, me, now, snapshot.sending))
        past = [model.sheet(trip, p, me, now, ()) for p in trip.polls.values() if p.closed]
        self.query_one("#decided", Lines).show(_decided(past))

    def _draw_sheet(self, sheet: Sheet) -> None:
        matrix = sheet.kind == "yes-maybe-no"
        self.query_one("#question", Lines).show(_question(sheet))
        options = self.query_one("#options", RowList)
        heading = _names(sheet, options.size.width - 2) if matrix else render.ours(KIND_WORDS[sheet.kind], render.MUTED)
        draw = _matrix_row if matrix else _bar_row
        options.show([Row(o.id, draw(sheet, o)) for o in sheet.options], heading=heading)
        self.query_one("#verdict", Lines).show(_verdict(sheet))

    @on(RowList.Moved, "#polls")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._redraw_sheet()
        cast("TripScreen", self.screen).show_keys()

    @on(RowList.Chosen, "#polls")
    def _opened(self, event: RowList.Chosen) -> None:
        event.stop()
        self._redraw_sheet()
        self.query_one("#options", RowList).focus()

    @on(RowList.Chosen, "#options")
    async def _voted(self, event: RowList.Chosen) -> None:
        event.stop()
        screen = cast("TripScreen", self.screen)
        if commands.find("poll.vote").available(screen):
            await screen.action_command("poll.vote")

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        cast("TripScreen", self.screen).show_keys()

    def on_resize(self) -> None:
        """Names above the matrix depend on the room."""
        self.call_after_refresh(self._redraw_sheet)

    def chosen_poll(self, trip: Trip) -> Poll | None:
        """The poll that is shown, as it is now."""
        return trip.polls.get(self.poll_id or "")


def _poll(p: PollRow) -> Callable[[int], Content]:
    s = sign()
    mark = {"mine": (s.badge, render.WARN), "open": (" ", ""), "closed": (s.yes, render.GOOD)}[p.state]

    def draw(width: int) -> Content:
        style = render.MUTED if p.state == "closed" else ""
        lines = render.said(p.question, style).wrap(max(8, width - 2))
        first, rest = lines[0], lines[1:]
        if len(rest) > 1:
            rest = [render.cut(render.join(rest[0], " ", *rest[1:]), width - 2)]
        words = render.ours(p.note, render.WARN if p.state == "mine" else render.MUTED)
        head = render.join(render.ours(*mark), " ", render.cut(first, width - 2))
        return render.stack([head, *(render.join("  ", r) for r in rest), render.join("  ", words)])

    return draw


def _question(sheet: Sheet) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        question = render.said(sheet.question, "bold")
        closes = render.ours(sheet.closes, render.MUTED)
        if question.cell_length + closes.cell_length + 3 <= width:
            return render.join(question, "   ", closes)
        lines = question.wrap(max(10, width))
        return render.stack([*lines[:3], closes])

    return draw


def _columns(sheet: Sheet, width: int) -> int:
    """How many people's answers have room beside the option's text."""
    return max(1, min(len(sheet.people), (width - 16 - 8) // COLUMN))


def _text_width(sheet: Sheet, width: int) -> int:
    longest = max(render.said(o.text).cell_length for o in sheet.options) + 2
    return max(10, min(30, longest, width - _columns(sheet, width) * COLUMN - 8))


def _names(sheet: Sheet, width: int) -> Content:
    shown = sheet.people[: _columns(sheet, width)]
    names = [render.pad(render.said(p.name, render.MUTED), COLUMN - 1) for p in shown]
    more = len(sheet.people) - len(shown)
    tail = render.ours(f"+{more}" if more else "", render.MUTED)
    cells = [part for name in names for part in (name, " ")]
    return render.join(" " * _text_width(sheet, width), *cells, tail)


def _answer(answer: Answer | None, *, you: bool, open_: bool) -> Content:
    s = sign()
    if answer == "yes":
        return render.ours(s.yes, render.GOOD)
    if answer == "maybe":
        return render.ours(s.maybe, render.WARN)
    if answer == "no":
        return render.ours(s.no, render.BAD)
    return render.ours(s.open if you and open_ else s.nothing, render.WARN if you and open_ else render.MUTED)


def _count(o: OptionRow) -> Content:
    words = f"{o.yes}" + (f" +{o.maybe}{sign().maybe}" if o.maybe else "")
    return render.ours(words, "bold" if o.leads or o.won else "")


def _matrix_row(sheet: Sheet, o: OptionRow) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        text = render.pad(render.said(o.text, "bold" if o.won else ""), _text_width(sheet, width) - 1)
        cells: list[Content | str] = [text, " "]
        for p in sheet.people[: _columns(sheet, width)]:
            cells += [render.pad(_answer(o.answers.get(p.id), you=p.you, open_=sheet.open), COLUMN - 1), " "]
        row = render.join(*cells, render.pad(_count(o), 7))
        room = width - row.cell_length
        if width >= 52 and room >= 8:
            row = render.join(row, render.bar(o.share, min(20, room)))
        return render.cut(row, width)

    return draw


def _bar_row(sheet: Sheet, o: OptionRow) -> Callable[[int], Content]:
    s = sign()

    def draw(width: int) -> Content:
        mark = render.ours(s.here if o.mine else s.away, render.ACCENT if o.mine else render.MUTED)
        tail = "your vote" if o.mine else ""
        wide = width >= 60
        room = max(8, min(30, width - 2 - 14 - (12 if wide else 0) - 6))
        text = render.pad(render.said(o.text, "bold" if o.won else ""), room)
        row = render.join(mark, " ", text, " ", render.bar(o.share, 10), " ", render.pad(_count(o), 3))
        return render.cut(render.join(row, " ", render.ours(tail, render.MUTED)) if wide else row, width)

    return draw


def _verdict(sheet: Sheet) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        rows: list[Content | str] = [""]
        parts: list[Content | str] = []
        if sheet.sending:
            rows.append(render.ours("sending", render.WARN))
        if sheet.open:
            if sheet.waiting_for_me or sheet.waiting:
                names: list[Content | str] = [render.ours("you")] if sheet.waiting_for_me else []
                for name in sheet.waiting[:3]:
                    names += [", " if names else "", render.said(name)]
                more = len(sheet.waiting) - 3
                parts += ["Waiting for ", *names, f" and {more} more. " if more > 0 else ". "]
            else:
                parts.append("All have voted. ")
        if sheet.verdict:
            parts.append(render.template(sheet.verdict, what=sheet.what, who=sheet.who))
        text = render.join(*parts)
        return render.stack([*rows, *text.wrap(max(20, width))])

    return draw


def _decided(past: list[Sheet]) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        rows: list[Content | str] = [render.heading("Decided")]
        for sheet in past[-8:][::-1]:
            rows += [render.cut(render.said(sheet.question, render.MUTED), width)]
            won = [o.text for o in sheet.options if o.won]
            outcome = (
                render.said(won[0]) if won else render.ours("a tie" if sheet.tie else "nobody voted", render.MUTED)
            )
            rows += [render.cut(render.join("  ", outcome), width)]
        if not past:
            rows.append(render.ours("Nothing yet.", render.MUTED))
        return render.stack(rows)

    return draw
