"""How this terminal is connected, in words, while one looks. Asks the link once a second while it is open; closed, it
costs nothing: the client counts anyway, and tells nobody."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content

from roadcrew_tui import render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens import inspector_model as model
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.trip_model import status_words
from roadcrew_tui.snapshot import Inspection, Status
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine

LOOK_EVERY = 1.0
"""Seconds."""
TONES = {"good": render.GOOD, "warn": render.WARN, "bad": render.BAD, "muted": render.MUTED, "": ""}
MOST_LINES = 4
"""Lines that one fact may take: a server's sentence can be long."""


class InspectorScreen(CommandScreen):
    """What is known of the link at this moment."""

    CSS_PATH = "inspector.tcss"
    MODULES = ("inspector", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*MODULES)]

    def __init__(self) -> None:
        super().__init__()
        self.inspection: Inspection | None = None
        self.copied = False

    @property
    def places(self) -> tuple[Place, ...]:
        """The connection."""
        return ("connection",)

    def compose(self) -> ComposeResult:
        """What holds now, and beside or below it what was."""
        yield TitleLine(id="title")
        with VerticalScroll(id="inspector"), Container(id="inspector-parts"):
            yield Lines(id="inspector-facts")
            yield Lines(id="inspector-past")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Look at once, and again and again. The scroll takes the keys."""
        self.query_one("#inspector", VerticalScroll).focus()
        self.redraw()
        self.look()
        self.set_interval(LOOK_EVERY, self.look)

    @work(group="inspector", exclusive=True)
    async def look(self) -> None:
        """Ask the link, and draw."""
        self.inspection = await self.crew_app.link.inspect()
        if self.is_mounted:
            self.redraw()

    def redraw(self) -> None:
        """Draw everything."""
        seen = self.inspection
        right = render.BLANK
        if seen is not None and seen.sync is not None:
            mark, words, tone = status_words(Status(seen.sync.state, seen.sync.interval, seen.sync.waiting))
            right = render.ours(f"{getattr(sign(), mark)} {words}", TONES[tone])
        self.query_one("#title", TitleLine).show_ends(render.heading("How am I connected?"), right)
        self.query_one("#inspector-facts", Lines).show(self._facts)
        self.query_one("#inspector-past", Lines).show(self._past)
        self.show_keys()

    def _facts(self, width: int) -> Content:
        if self.inspection is None:
            return render.ours("Looking…", render.MUTED)
        return render.stack(
            line for fact in model.facts(self.inspection) for line in _drawn(fact, model.LABEL, width, MOST_LINES)
        )

    def _past(self, width: int) -> Content:
        if self.inspection is None or self.inspection.sync is None:
            return render.BLANK
        rows: list[Content | str] = [render.heading("Last news")]
        events = model.events(self.inspection.sync)
        for fact in events:
            rows += _drawn(fact, model.TIME, width, 1)
        if not events:
            rows.append(render.ours("None since this trip was opened.", render.MUTED))
        rows += ["", render.heading("How it went")]
        for fact in model.moves(self.inspection.sync):
            rows += _drawn(fact, model.TIME, width, 2)
        return render.stack(rows)

    def copy_report(self) -> None:
        """To the clipboard, as text for a report."""
        if self.inspection is not None:
            self.copied = True
            self.crew_app.share(model.report(self.inspection, model.versions()))


def _drawn(fact: model.Fact, label: int, width: int, most: int) -> list[Content]:
    """The label, and beside it the words in as many lines as they need."""
    words = render.template(fact.words, TONES[fact.tone], said=fact.said)
    lines = render.wrapped(words, max(8, width - label), most)
    first = render.pad(render.ours(fact.label, render.MUTED), label)
    return [render.join(first if n == 0 else " " * label, line) for n, line in enumerate(lines)]
