"""Whether this terminal draws images as pixels, by sixel or kitty's protocol, and what it is sent for one.

textual-image finds out when it is imported, by asking; so `ask` imports it before the app begins, which afterwards
reads all that the terminal says. How it is put on the screen is for widgets/picture.py, and so are half-blocks, which
need none of this.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.segment import Segment

    from roadcrew_tui.pictures import Pixels

Kind = Literal["sixel", "kitty"]

_VARIABLES = ("KITTY_WINDOW_ID", "GHOSTTY_RESOURCES_DIR", "WEZTERM_PANE", "KONSOLE_VERSION", "ITERM_SESSION_ID")
_TERMS = ("xterm-kitty", "xterm-ghostty", "wezterm", "foot", "mlterm", "contour")
_BETWEEN = ("TMUX", "STY")
"""Of programs that stand between the app and the terminal, and pass on no images."""

_found: list[Kind] = []
_one_at_a_time = threading.Lock()
"""textual-image sends kitty's messages by a function of its module, which is another one for a moment."""


def is_worth_asking(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a terminal that may draw images: to ask another would make it start later, for nothing."""
    if any(environment.get(name) for name in _BETWEEN):
        return False
    known = any(environment.get(name) for name in _VARIABLES)
    return known or environment.get("TERM", "").startswith(_TERMS)


def ask() -> None:
    """Ask the terminal, if it is one that may. Takes a moment, and reads what it answers."""
    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    if not is_worth_asking() or not all(stream is not None and stream.isatty() for stream in streams):
        return
    if find_spec("textual_image") is None:
        return
    from textual_image import renderable  # noqa: PLC0415 - it asks when it is imported
    from textual_image import widget as widgets  # noqa: F401, PLC0415 - and for the size of cells

    if renderable.Image is renderable.SixelImage:
        _found[:] = ["sixel"]
    elif renderable.Image is renderable.TGPImage:
        _found[:] = ["kitty"]


def kind() -> Kind | None:
    """How images are drawn; None: as half-blocks."""
    return _found[0] if _found else None


@dataclass(frozen=True, eq=False)
class Encoded:
    """An image as a terminal is told of it, `size` in cells. `before` is sent once before it is drawn, `after` when it
    is not any more; then either `sixels` are drawn, or `rows` of text, which kitty shows it in the place of."""

    size: tuple[int, int]
    sixels: str = ""
    rows: tuple[Segment, ...] = ()
    before: str = ""
    after: str = ""


def encoded(pixels: Pixels, room: tuple[int, int]) -> Encoded | None:
    """An image, from its pixels alone, as large as it can be in so many cells; None where the terminal draws none. It
    takes some tenths of a second, and is for another thread than the screen's."""
    match kind():
        case "sixel":
            return _sixels(pixels.image, _cells(pixels, room))
        case "kitty":
            return _for_kitty(pixels.image, _cells(pixels, room))
    return None


def _cells(pixels: Pixels, room: tuple[int, int]) -> tuple[int, int]:
    from textual_image._terminal import get_cell_size  # noqa: PLC0415 - it has asked already

    cell, (width, height) = get_cell_size(), pixels.size
    scale = min(room[0] * cell.width / width, room[1] * cell.height / height)
    across, down = round(width * scale / cell.width), round(height * scale / cell.height)
    return max(1, min(across, room[0])), max(1, min(down, room[1]))


def _sixels(image: Image, size: tuple[int, int]) -> Encoded:
    from rich.console import Console  # noqa: PLC0415 - when somebody looks at an image
    from textual_image.renderable.sixel import Image as Renderable  # noqa: PLC0415 - likewise

    segments = Console().render(Renderable(image, *size))
    return Encoded(size, sixels=next(segment.text for segment in segments if segment.text.startswith("\x1bP")))


def _for_kitty(image: Image, size: tuple[int, int]) -> Encoded:
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.segment import Segment  # noqa: PLC0415 - as above
    from textual_image.renderable import tgp  # noqa: PLC0415 - as above

    sent: list[str] = []

    def send(*, payload: str | None = None, **keys: int | str | None) -> None:
        said = ",".join(f"{key}={value}" for key, value in keys.items() if value is not None)
        sent.append(f"\x1b_G{said}{f';{payload}' if payload else ''}\x1b\\")

    most = len(tgp._NUMBER_TO_DIACRITIC)
    renderable = tgp.Image(image, min(size[0], most), min(size[1], most))
    with _one_at_a_time:
        before, tgp._send_tgp_message = tgp._send_tgp_message, send
        try:
            rows = tuple(Segment(row.text.rstrip("\n"), row.style) for row in Console().render(renderable))
        finally:
            tgp._send_tgp_message = before
    return Encoded(
        (min(size[0], most), min(size[1], most)),
        rows=rows,
        before="".join(sent),
        after=f"\x1b_Ga=d,d=I,i={renderable.terminal_image_id},q=2\x1b\\",
    )
