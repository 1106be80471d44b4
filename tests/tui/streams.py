"""A stream alone on a screen, and long talks to fill it with."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from itertools import cycle, islice
from typing import cast

from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input

from roadcrew_tui import render
from roadcrew_tui.themes import THEMES
from roadcrew_tui.widgets.stream import Entry, Stream

SAID = "We meet at the station, by the clock, and take the tram up to the castle if the rain holds off"
ODD = ("宿の前で会いましょう", "🇵🇹 👩‍👩‍👧‍👦 👍🏽", "e\u0301" * 9, "נפגש ליד השעון", "x" * 130, "[bold]not bold[/]")


class Bare(App[None]):
    """A stream over a line to type in; it writes down what the stream says."""

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = "dark"
        self.told: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield Stream(id="stream")
        yield Input(id="under", compact=True)

    def on_stream_moved(self, event: Stream.Moved) -> None:
        self.told.append(("moved", event.entry))

    def on_stream_chosen(self, event: Stream.Chosen) -> None:
        self.told.append(("chosen", event.entry))

    def on_stream_older(self, event: Stream.Older) -> None:
        self.told.append(("older", event.entry))

    def on_stream_below(self, event: Stream.Below) -> None:
        self.told.append(("below", event.entry))


def text_of(n: int) -> str:
    """What the n-th person wrote: of one word to some lines, now and then in another script."""
    words = " ".join(islice(cycle(SAID.split()), n % 20, n % 20 + 1 + n * 7 % 40))
    return f"{words} {ODD[n % len(ODD)]}" if n % 5 == 0 else words


def entry(n: int, text: str | None = None) -> Entry:
    """A comment: who wrote it, what, and a blank line."""
    words = text_of(n) if text is None else text

    def draw(width: int) -> list[Content]:
        head = render.join(render.said(f"Person {n % 7}", "bold"), render.ours(f"  no. {n}", render.MUTED))
        return [head, *render.spoken(words).wrap(width), render.BLANK]

    return Entry(str(n), draw, words)


def entries(numbers: Iterable[int]) -> list[Entry]:
    return [entry(n) for n in numbers]


@contextlib.asynccontextmanager
async def streaming(
    shown: Iterable[int] = (), *, before: int = 0, size: tuple[int, int] = (60, 20)
) -> AsyncIterator[tuple[Bare, Stream, Pilot[None]]]:
    """A stream with these entries, at their end, with the focus."""
    app = Bare()
    async with app.run_test(size=size) as pilot:
        stream = app.query_one(Stream)
        stream.show(entries(shown), before=before)
        stream.focus()
        await pilot.pause()
        yield app, stream, pilot


def lines(app: Bare) -> list[str]:
    """What is on the screen, line by line, without the bar and the line below."""
    return [strip.text[:-1].rstrip() for strip in app.screen._compositor.render_strips()][:-1]


def frame(app: Bare) -> None:
    """Have painted what has changed of the stream, down to what a terminal is sent, without waiting for Textual's next
    turn."""
    compositor = app.screen._compositor
    compositor.update_widgets({app.query_one(Stream)})
    update = cast("CompositorUpdate | None", compositor.render_update())
    if update is not None:
        update.render_segments(app.console)
