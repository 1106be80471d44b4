"""What is on a screen as an SVG, as Textual's own screenshots are, but with each sign in its place wherever the picture
is looked at, and nothing that a viewer would fetch from elsewhere. Not for what is on the screen.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterable, Iterator
from operator import itemgetter

from rich.cells import split_graphemes
from rich.console import Console
from rich.segment import Segment, Segments

FETCHED = re.compile(r"\s*@font-face \{.*?\}", re.S)
"""A font that Rich has viewers load from the web. Where it is not installed, another of fixed width does as well."""


def svg(lines: Iterable[Iterable[Segment]], columns: int, rows: int, title: str) -> str:
    """A picture of lines of styled text, in a frame that has a title."""
    console = Console(
        width=columns,
        height=rows,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
        _environ={},
    )
    parts = (part for line in lines for part in (*itertools.chain.from_iterable(map(_placed, line)), Segment.line()))
    console.print(Segments(parts), end="")
    styles, end, rest = console.export_svg(title=title).partition("</style>")
    return f"{FETCHED.sub('', styles)}{end}{rest}"


def _placed(segment: Segment) -> Iterator[Segment]:
    """Parts of a text that each have a place of their own. Rich gives a text as much room as it has characters, too
    little for wide signs; and some programs that show pictures leave out the spaces at a text's beginning.
    """
    text, style = segment.text, segment.style
    signs = text.lstrip(" ")
    if blank := text[: len(text) - len(signs)]:
        yield Segment(blank, style)
    if signs.isascii():
        yield Segment(signs, style)
        return
    graphemes = [(signs[start:end], width) for start, end, width in split_graphemes(signs)[0]]
    narrow = ((-1 if len(sign) == width == 1 else number) for number, (sign, width) in enumerate(graphemes))
    for _, run in itertools.groupby(zip(graphemes, narrow, strict=True), key=itemgetter(1)):
        yield Segment("".join(sign for (sign, _), _ in run), style)
