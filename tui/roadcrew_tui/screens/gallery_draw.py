"""How images look in a gallery: a small picture of half-blocks, and beside it whose it is and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from textual.content import Content

from roadcrew_tui import render
from roadcrew_tui.pictures import Pixels
from roadcrew_tui.progress import bar
from roadcrew_tui.screens import talk_draw
from roadcrew_tui.screens.inspector_model import size
from roadcrew_tui.screens.talk_model import Said
from roadcrew_tui.symbols import ASCII, sign
from roadcrew_tui.uploads import Upload
from roadcrew_tui.widgets.stream import Draw, Entry

WIDE = 90
"""Columns from which on pictures are larger."""
SMALL, LARGE = (28, 8), (40, 12)
"""Cells of a picture, across and down."""
GAP = 2
LEAST_WORDS = 24
"""Columns of words; where there are fewer beside a picture, they stand under it."""

Thumb = Pixels | str | None
"""A picture, why there is none, or None while it comes."""


def entry(said: Said, thumb: Thumb, now: datetime, ask: Callable[[], None]) -> Entry:
    """An image of the feed. `ask` is called for its picture once that is in sight."""
    told = talk_draw.entry(said, now)
    return Entry(told.id, _image(said, thumb, told.draw, ask), (told.stamp, _stamp(thumb)))


def waiting(upload: Upload, name: str) -> Entry:
    """One that is on its way there."""
    stamp = (upload.state, upload.trouble, upload.done, _stamp(upload.pixels))
    return Entry(upload.id, _upload(upload, name), stamp)


def _stamp(thumb: Thumb) -> object:
    return id(thumb) if isinstance(thumb, Pixels) else thumb


def _image(said: Said, thumb: Thumb, told: Draw, ask: Callable[[], None]) -> Draw:
    picture = said.item.picture
    if picture is None or said.muted:
        return told
    note = _note(f"{picture.width} × {picture.height}, {size(picture.bytes)}")

    def words(width: int) -> list[Content]:
        return [*(line for line in told(width) if line.plain.strip()), note]

    def draw(width: int) -> list[Content]:
        ask()
        return _beside(thumb, words, width)

    return draw


def _upload(upload: Upload, name: str) -> Draw:
    def draw(width: int) -> Sequence[Content]:
        who = render.join(render.said(name, "bold", width=render.MOST_NAME), talk_draw.you(name))

        def words(width: int) -> list[Content]:
            said = render.said(upload.caption).wrap(width) if upload.caption else []
            return [who, *said, *_standing(upload, width)]

        return _beside(upload.pixels, words, width)

    return draw


def _standing(upload: Upload, width: int) -> list[Content]:
    """How far it is, or why it is not."""
    name = render.said(upload.file.name, render.MUTED, width=max(8, width))
    match upload.state:
        case "failed":
            why = render.said(f"Not shown: {upload.trouble}", render.BAD).wrap(width)
            return [name, *why, _note("Enter tries again, x gives up.")]
        case "sent":
            return [name, render.ours(f"{sign().waiting} sent", render.WARN)]
    if upload.share < 1:
        return [name, render.ours(bar(upload.share), render.WARN), _note(f"of {size(upload.file.size)}")]
    return [name, render.ours(f"{sign().waiting} the server makes it anew", render.WARN)]


def _note(words: str) -> Content:
    return render.ours(words, render.MUTED)


def _beside(thumb: Thumb, words: Draw, width: int) -> list[Content]:
    """A picture at the left and words beside it, or under it where there is no room."""
    box = LARGE if width >= WIDE else SMALL
    shown = _drawn(thumb, box)
    if not shown:
        return [*words(width), render.BLANK]
    room = width - box[0] - GAP
    if room < LEAST_WORDS:
        return [*shown, *words(width), render.BLANK]
    beside = list(words(room))
    rows = max(len(shown), len(beside))
    blank = render.ours(" " * box[0])
    left = [*shown, *[blank] * (rows - len(shown))]
    right = [*beside, *[render.BLANK] * (rows - len(beside))]
    return [*(render.join(a, " " * GAP, b) for a, b in zip(left, right, strict=True)), render.BLANK]


def _drawn(thumb: Thumb, box: tuple[int, int]) -> list[Content]:
    """The picture in its box; nothing where nothing can be drawn."""
    across, down = box
    if sign() is ASCII or thumb == "":
        return []
    if not isinstance(thumb, Pixels):
        words = render.said(thumb, render.MUTED) if thumb else render.ours("…", "$ink-faint")
        lines = render.wrapped(words, across, down)
        return [render.pad(line, across) for line in lines] + [render.ours(" " * across)] * (down - len(lines))
    return [render.pad(row, across) for row in render.half_blocks(thumb.boxed(across, down))]
