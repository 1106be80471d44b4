"""The polls of a trip: the list, and the sheet of the one under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
from roadcrew_tui.screens.polls_model import KIND_WORDS, OptionRow, Person, PollRow, Sheet
from roadcrew_tui.snapshot import Snapshot
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.rows import Row, RowList, note

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

COLUMN = 6
"""Cells for a person's name above their answers."""
COUNT = 7
"""Cells for how many said yes and maybe."""
TEXT = 14
"""Cells that an option's text has before anybody's answers are left out for it."""
ROOMY = 56
"""Cells from which on an option's text has a third."""
MOST_DECIDED = 8
"""Decisions beside the polls of a wide terminal."""
MOST_LINES = 6
"""Lines that an option's text may take."""


class PollsPane(Pane):
    """Left the polls, right the options of one."""

    _last: tuple[Snapshot, Trip, str, datetime] | None = None
    _sheet_of: str | None = None
    _begun = False

    def compose(self) -> ComposeResult:
        """The list, the sheet, and in a wide terminal what was decided."""
        yield RowList(id="polls", keeps_sign=True)
        with Vertical(id="sheet"):
            yield Lines(id="question")
            yield RowList(id="options")
            yield Lines(id="verdict")
        yield Lines(id="decided")

    def start(self) -> None:
        """In the list, the first time on what waits for me."""
        polls = self.query_one("#polls", RowList)
        if not self._begun and self._last is not None:
            self._begun = True
            _, trip, me, now = self._last
            polls.move_to(next((p.id for p in model.rows(trip, me, now) if p.state == "mine"), ""))
            self._redraw_sheet()
        polls.focus()

    async def back(self) -> bool:
        """From the options to the list."""
        if self.in_options:
            self.query_one("#polls", RowList).focus()
            return True
        return False

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter goes from the list to the options. There, space votes; yes, maybe and no are actions of their own."""
        poll = self._poll
        if poll is None:
            return []
        takes_votes = self._last is not None and poll.takes_votes(self._last[3])
        if not self.in_options:
            return [("open", "enter", "vote" if takes_votes else "look")]
        return [("vote", "space", "vote")] if takes_votes and poll.kind != "yes-maybe-no" else []

    @property
    def in_options(self) -> bool:
        """Whether the focus is in the options, also while a dialog is above."""
        return self.screen.focused is self.query_one("#options")

    @property
    def _poll(self) -> Poll | None:
        return self._last[1].polls.get(self.poll_id or "") if self._last is not None else None

    @property
    def poll_id(self) -> str | None:
        """The poll that is shown."""
        return self.query_one("#polls", RowList).cursor

    @property
    def option_id(self) -> str | None:
        """The option under the cursor."""
        return self.query_one("#options", RowList).cursor

    def select(self, thing: str) -> None:
        """Show a poll and go to its options; to one of them, if it is that."""
        polls = self.query_one("#polls", RowList)
        polls.move_to(thing if thing in polls.ids else thing.rpartition(".")[0])
        self.enter()
        self.query_one("#options", RowList).move_to(thing)

    def enter(self) -> None:
        """Go to the options of the poll under the cursor."""
        self._redraw_sheet()
        self.screen.set_focus(self.query_one("#options"))  # at once: keys that were typed in a hurry follow

    def show_new(self, poll_id: str) -> None:
        """A poll that this person has opened: in its place in the list, with the cursor on it."""
        cast("TripScreen", self.screen).redraw()
        polls = self.query_one("#polls", RowList)
        polls.settle()
        polls.move_to(poll_id)
        self._redraw_sheet()
        polls.focus()

    def draw(self, snapshot: Snapshot, trip: Trip, me: str, now: datetime) -> None:
        """Draw list and sheet."""
        self._last = (snapshot, trip, me, now)
        listed = model.rows(trip, me, now)
        rows = [Row(p.id, _poll(p)) for p in listed]
        empty = note(render.ours("No polls yet. Press n to ask the crew something.", render.MUTED))
        self.set_class(not rows, "-empty")
        self.query_one("#polls", RowList).show(rows or [empty], heading=render.heading("Polls"))
        self._redraw_sheet()

    def _redraw_sheet(self) -> None:
        if self._last is None:
            return
        snapshot, trip, me, now = self._last
        poll = self._poll
        self.query_one("#sheet").display = poll is not None
        if poll is not None:
            self._draw_sheet(model.sheet(trip, poll, me, now, snapshot.sending))
        past = [model.sheet(trip, p, me, now, ()) for p in model.ended(trip)[:MOST_DECIDED]]
        self.query_one("#decided", Lines).show(_decided(past))

    def _draw_sheet(self, sheet: Sheet) -> None:
        matrix = sheet.kind == "yes-maybe-no"
        self.query_one("#question", Lines).show(_question(sheet))
        options = self.query_one("#options", RowList)
        widths = Widths(max(render.said(o.text).cell_length for o in sheet.options), len(sheet.people))
        names = (lambda width: _names(sheet, widths, width)) if matrix else None
        draw = _matrix_row if matrix else _bar_row
        options.show(
            [Row(o.id, draw(sheet, widths, o)) for o in sheet.options],
            heading=names or render.ours(KIND_WORDS[sheet.kind], render.MUTED),
        )
        if sheet.id != self._sheet_of:
            # Another poll: where the cursor stood in the one before says nothing about this one.
            self._sheet_of = sheet.id
            mine = [o.id for o in sheet.options if o.mine is not None and not matrix]
            options.move_to(mine[0] if mine else sheet.options[0].id)
        self.query_one("#verdict", Lines).show(_verdict(sheet))

    @on(RowList.Moved, "#polls")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._redraw_sheet()
        cast("TripScreen", self.screen).show_keys()

    @on(RowList.Chosen, "#polls")
    def _opened(self, event: RowList.Chosen) -> None:
        event.stop()
        self.enter()

    @on(RowList.Chosen, "#options")
    async def _voted(self, event: RowList.Chosen) -> None:
        event.stop()
        screen = cast("TripScreen", self.screen)
        if commands.find("poll.vote").available(screen):
            await screen.action_command("poll.vote")

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        cast("TripScreen", self.screen).show_keys()

    def chosen_poll(self, trip: Trip) -> Poll | None:
        """The poll that is shown, as it is now."""
        return trip.polls.get(self.poll_id or "")


def _poll(p: PollRow) -> Callable[[int], Content]:
    s = sign()
    mark = {"mine": (s.badge, render.WARN), "open": (" ", ""), "closed": (s.yes, render.GOOD)}[p.state]

    def draw(width: int) -> Content:
        style = render.MUTED if p.state == "closed" else ""
        first, *rest = render.wrapped(render.said(p.question, style), max(8, width - 2), 2)
        words = render.ours(p.note, render.WARN if p.state == "mine" else render.MUTED)
        head = render.join(render.ours(*mark), " ", first)
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


@dataclass(frozen=True)
class Widths:
    """How the matrix of a sheet shares out a width: `longest` is what its longest option wants."""

    longest: int
    people: int

    def columns(self, width: int) -> int:
        """How many people's answers have room beside the option's text."""
        text = min(self.longest, max(TEXT, width // 3) if width >= ROOMY else TEXT)
        return max(1, min(self.people, (width - text - 2 - COUNT - 1) // COLUMN))

    def text(self, width: int) -> int:
        """Cells for an option's text."""
        return max(10, min(self.longest + 2, width - self.columns(width) * COLUMN - COUNT - 1))


def _names(sheet: Sheet, widths: Widths, width: int) -> Content:
    shown = sheet.people[: widths.columns(width)]
    names = [render.pad(render.said(p.name, render.MUTED), COLUMN - 1) for p in shown]
    more = len(sheet.people) - len(shown)
    tail = render.ours(f"+{more}" if more else "", render.MUTED)
    cells = [part for name in names for part in (name, " ")]
    return render.join(" " * widths.text(width), *cells, tail)


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


def _wrapped(o: OptionRow, width: int) -> list[Content]:
    """An option's text in as many lines as it needs, up to a few."""
    return render.wrapped(render.said(o.text, "bold" if o.won else ""), width, MOST_LINES)


def _matrix_row(sheet: Sheet, widths: Widths, o: OptionRow) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        lines = _wrapped(o, widths.text(width) - 2)
        cells: list[Content | str] = [render.pad(lines[0], widths.text(width) - 2), "  "]
        for p in sheet.people[: widths.columns(width)]:
            cells += [render.pad(_answer(o.answers.get(p.id), you=p.you, open_=sheet.open), COLUMN - 1), " "]
        row = render.join(*cells, render.pad(_count(o), COUNT))
        room = width - row.cell_length
        if width >= 52 and room >= 8:
            row = render.join(row, render.bar(o.share, min(20, room)))
        return render.stack([render.cut(row, width), *lines[1:]])

    return draw


def _bar_row(_: Sheet, widths: Widths, o: OptionRow) -> Callable[[int], Content]:
    s = sign()

    def draw(width: int) -> Content:
        mark = render.ours(s.here if o.mine else s.away, render.ACCENT if o.mine else render.MUTED)
        tail = "your vote" if o.mine else ""
        wide = width >= 60
        room = max(8, min(widths.longest, width - 2 - 2 - 10 - 1 - 3 - (10 if wide else 0)))
        lines = _wrapped(o, room)
        row = render.join(
            mark, " ", render.pad(lines[0], room), "  ", render.bar(o.share, 10), " ", render.pad(_count(o), 3)
        )
        row = render.cut(render.join(row, " ", render.ours(tail, render.MUTED)) if wide else row, width)
        return render.stack([row, *(render.join("  ", line) for line in lines[1:])])

    return draw


def _verdict(sheet: Sheet) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        rows: list[Content | str] = [""]
        parts: list[Content | str] = []
        if sheet.under_way:
            words = "waits for the network" if sheet.under_way == "waits" else sheet.under_way
            rows.append(render.ours(words, render.WARN))
        if sheet.open:
            parts += _waiting(sheet)
        if sheet.verdict:
            parts.append(render.template(sheet.verdict, what=sheet.what, who=sheet.who))
        text = render.join(*parts)
        return render.stack([*rows, *text.wrap(max(20, width))])

    return draw


def _waiting(sheet: Sheet) -> list[Content | str]:
    """`Waiting for you and Dev.` `Waiting for Dev, and for Ben to answer the rest.` `All have voted.`"""
    if not sheet.waiting and not sheet.partial:
        return ["All have answered. " if sheet.kind == "yes-maybe-no" else "All have voted. "]
    parts: list[Content | str] = ["Waiting for "]
    if sheet.waiting:
        parts += [_names_said(sheet.waiting), ", and for " if sheet.partial else ""]
    if sheet.partial:
        parts += [_names_said(sheet.partial), " to answer the rest"]
    return [*parts, ". "]


def _names_said(people: tuple[Person, ...]) -> Content:
    shown = [render.ours("you") if p.you else render.said(p.name, width=render.MOST_NAME) for p in people[:4]]
    more = len(people) - len(shown)
    if more:
        shown.append(render.ours(f"{more} more"))
    parts: list[Content | str] = [shown[0]]
    for n, name in enumerate(shown[1:], 2):
        parts += [" and " if n == len(shown) else ", ", name]
    return render.join(*parts)


def _decided(past: list[Sheet]) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        rows: list[Content | str] = [render.heading("Decided")]
        for sheet in past:
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
