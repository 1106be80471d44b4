"""A long text of a person's, read as Markdown and drawn line by line. It scrolls; what becomes of a link that is
clicked is for the screen.

Reading and laying out are done on a thread: of 20,000 hostile characters they take a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import takewhile
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from roadcrew_tui import render
from roadcrew_tui.markdown import ASIDE, Block, Page, Words, plain, read
from roadcrew_tui.symbols import sign

WIDEST = 96
"""Cells of a line; longer ones are hard to read."""
LEAST_CELL = 6
"""Cells of a table's column."""
GAP = 2


def lines(page: Page, width: int) -> list[Content]:
    """A page in lines of at most `width` cells, with its links listed below."""
    found: list[Content] = []
    before = ""
    for block in page.blocks:
        if found and not block.close:
            shared = takewhile(lambda pair: pair[0] == pair[1], zip(before, block.rest, strict=False))
            found.append(render.ours("".join(each for each, _ in shared).rstrip(), ASIDE))
        before = block.rest
        found += (render.cut(line, width) for line in _drawn(block, width))
    if page.links:
        found += [render.BLANK, render.heading("Links")]
        for number, address in enumerate(page.links, 1):
            mark = f"[{number}] "
            rows = render.piece(address, ASIDE).wrap(max(1, width - len(mark)))
            found += (
                render.pressable(render.join(mark if n == 0 else " " * len(mark), row), link=number)
                for n, row in enumerate(rows)
            )
    return found


def _drawn(block: Block, width: int) -> Iterator[Content]:
    room = max(LEAST_CELL, width - len(block.first))
    rows: Iterable[Content]
    if block.kind == "code":
        rows = [row for line in block.words for row in render.piece(line.text, line.look).wrap(room)]
    elif block.kind == "rule":
        rows = [render.ours(sign().rule * min(room, 30), "$ink-faint")]
    elif block.kind == "table":
        rows = _table(block.cells, room)
    else:
        rows = _content(block.words).wrap(room)
    for n, row in enumerate(rows):
        yield render.join(render.ours(block.first if n == 0 else block.rest, ASIDE), row)


def _content(words: Words) -> Content:
    return render.join(
        *(
            render.pressable(render.piece(p.text, p.look), link=p.link) if p.link else render.piece(p.text, p.look)
            for p in words
        )
    )


def _table(cells: Sequence[Sequence[Words]], width: int) -> Iterator[Content]:
    """Each column as wide as it wants, or a fair share; a cell that is longer has more lines."""
    drawn = [[_content(cell) for cell in row] for row in cells]
    columns = max(map(len, drawn), default=0)
    wants = [max((row[n].cell_length for row in drawn if n < len(row)), default=0) for n in range(columns)]
    widths = _shared(wants, max(columns * LEAST_CELL, width - GAP * (columns - 1)))
    for number, row in enumerate(drawn):
        wrapped = [cell.wrap(max(1, room)) for cell, room in zip(row, widths, strict=False)]
        for n in range(max(map(len, wrapped), default=0)):
            parts = [
                render.pad(cell[n] if n < len(cell) else render.BLANK, room)
                for cell, room in zip(wrapped, widths, strict=False)
            ]
            yield render.join(*(part for each in parts for part in (each, " " * GAP))).rstrip()
        if number == 0:
            yield render.ours(sign().rule * min(width, sum(widths) + GAP * (columns - 1)), "$ink-faint")


def _shared(wants: Sequence[int], width: int) -> list[int]:
    """Widths that need no more than `width` together; those that want little have what they want."""
    shares: dict[int, int] = {}
    left = width
    for place, n in enumerate(sorted(range(len(wants)), key=lambda n: wants[n])):
        shares[n] = max(1, min(wants[n], left // (len(wants) - place)))
        left -= shares[n]
    return [shares[n] for n in range(len(wants))]


@lru_cache(maxsize=4)
def _read(text: str, formatted: bool) -> Page:
    return read(text) if formatted else plain(text)


class Reader(ScrollView, can_focus=True):
    """Shows one text at a time."""

    DEFAULT_CSS = """
    Reader { height: 1fr; background: transparent; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go(-1)", "Up", show=False),
        Binding("down", "go(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("home", "edge(0)", "To the top", show=False),
        Binding("end", "edge(1)", "To the end", show=False),
        Binding("enter", "choose", "What can be done", show=False),
    ]

    class Opened(Message):
        """A link was clicked."""

        def __init__(self, address: str) -> None:
            super().__init__()
            self.address = address

    class Chosen(Message):
        """Enter: the person wants to do something about the text."""

    class LaidOut(Message):
        """Which links there are is known now."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text, self._formatted = "", True
        self._page = Page((), ())
        self._lines: list[Content] = []
        self._shown: tuple[str, bool, int, str] | None = None
        self._to_end = False
        """Whether the person wanted to the end before anything was laid out."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The links of what is shown."""
        return self._page.links

    def show(self, text: str, *, formatted: bool = True) -> None:
        """Show this text, as Markdown if it is `formatted`; the place where one reads stays as it is."""
        self._text, self._formatted = text, formatted
        self._lay_out()

    def on_resize(self) -> None:
        """Lines are as long as there is room."""
        self._lay_out()

    def _lay_out(self) -> None:
        # Also while there is no bar: with one, the same lines must fit.
        bar = 0 if self.show_vertical_scrollbar else self.styles.scrollbar_size_vertical
        width = min(WIDEST, self.scrollable_content_region.width - bar)
        wanted = (self._text, self._formatted, width, sign().quote)
        if width > 0 and wanted != self._shown:
            # Made when its turn comes: one that another takes the place of before that was never begun.
            self.run_worker(partial(self._lay_out_for, wanted), group="layout", exclusive=True)  # type: ignore[arg-type]

    async def _lay_out_for(self, wanted: tuple[str, bool, int, str]) -> None:
        text, formatted, width, _ = wanted

        def work() -> tuple[Page, list[Content]]:
            page = _read(text, formatted)
            return page, lines(page, width)

        self._page, self._lines = await asyncio.to_thread(work)
        self._shown = wanted
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()
        if self._to_end:
            self.call_after_refresh(self.action_edge, 1)
        self.post_message(self.LaidOut())

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        style = self.visual_style
        at = y + self.scroll_offset.y
        if width <= 0 or not 0 <= at < len(self._lines):
            return Strip.blank(max(0, width), style.rich_style)
        strips = Visual.to_strips(self, render.cut(self._lines[at], width), width, 1, style)
        return strips[0].extend_cell_length(width, style.rich_style).crop(0, width)

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        self.refresh()
        super().notify_style_update()

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where one reads."""
        return self.content_region.offset

    # --- keys and mouse --------------------------------------------------------------------------

    def action_go(self, step: int) -> None:
        """A line further."""
        self.scroll_relative(y=step, animate=False, immediate=True)

    def action_page(self, step: int) -> None:
        """A screen further, but for a line that is known already."""
        self.action_go(step * max(1, self.scrollable_content_region.height - 1))

    def action_edge(self, end: int) -> None:
        """To the first or to the last line."""
        self._to_end = bool(end) and self._shown is None
        self.scroll_to(y=len(self._lines) if end else 0, animate=False, immediate=True)

    def action_choose(self) -> None:
        """Ask what can be done."""
        self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        """On a link?"""
        link = event.style.meta.get("link")
        if isinstance(link, int) and 0 < link <= len(self.addresses):
            event.stop()
            self.post_message(self.Opened(self.addresses[link - 1]))
