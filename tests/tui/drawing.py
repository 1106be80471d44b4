"""A screen as something to keep: a text with what stands in each cell and in which style, and a picture.

Tests compare the text: a change of it can be read in a diff, and the picture of the same screen is ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_letters, digits
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.pilot.picture import svg

MARKS = (".", *ascii_letters, *digits)
ATTRIBUTES = ("bold", "dim", "italic", "underline", "blink", "reverse", "strike")


def drawn(app: RoadcrewApp) -> str:
    """The words, then a mark for the style of each cell, then what the marks stand for."""
    words: list[str] = []
    cells: list[str] = []
    legend: dict[str, str] = {}
    for line in _lines(app):
        words.append("".join(s.text for s in line).rstrip())
        marks = (legend.setdefault(_said(s.style), MARKS[len(legend)]) * cell_len(s.text) for s in line)
        cells.append("".join(marks).rstrip(MARKS[0]))
    meanings = [f"{mark} {style}" for style, mark in legend.items()]
    return "\n".join([*words, "", *cells, "", *meanings, ""])


def picture(app: RoadcrewApp, title: str) -> str:
    """The screen as an SVG."""
    return svg(_lines(app), *app.size, title)


def _lines(app: RoadcrewApp) -> Iterator[list[Segment]]:
    update: Any = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    for line in update.strips:
        parts = (Segment(s.text, s.style and s.style.clear_meta_and_links()) for strip in line for s in strip)
        yield list(Segment.simplify(parts))


def _said(style: Style | None) -> str:
    """What is seen of a style."""
    style = style or Style.null()
    colours = [style.color.name if style.color else "default", "on", style.bgcolor.name if style.bgcolor else "default"]
    return " ".join([*colours, *(a for a in ATTRIBUTES if getattr(style, a))])
