"""Whether this terminal draws images as pixels, and how: by sixel or kitty's protocol. textual-image finds out when it
is imported, by asking; so `ask` imports it before the app begins, which afterwards reads all that the terminal says.
Half-blocks, which need none of this, are widgets/picture.py's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from textual.widget import Widget

    from roadcrew_tui.pictures import Pixels

Kind = Literal["sixel", "kitty"]

_VARIABLES = ("KITTY_WINDOW_ID", "GHOSTTY_RESOURCES_DIR", "WEZTERM_PANE", "KONSOLE_VERSION", "ITERM_SESSION_ID")
_TERMS = ("xterm-kitty", "xterm-ghostty", "wezterm", "foot", "mlterm", "contour")
_BETWEEN = ("TMUX", "STY")
"""Of programs that stand between the app and the terminal, and pass on no images."""

_found: list[Kind] = []


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


def widget(pixels: Pixels, write: Callable[[str], None]) -> Widget | None:
    """An image that the terminal draws, from its pixels alone; None where it can't. `write` is the app's way to the
    terminal: what goes past it may come between two halves of something else."""
    if not _found:
        return None
    from textual_image.renderable import tgp  # noqa: PLC0415 - it has asked already
    from textual_image.widget import Image  # noqa: PLC0415 - likewise

    def send(*, payload: str | None = None, **keys: int | str | None) -> None:
        said = ",".join(f"{key}={value}" for key, value in keys.items() if value is not None)
        write(f"\x1b_G{said}{f';{payload}' if payload else ''}\x1b\\")

    tgp._send_tgp_message = send
    return Image(pixels.image)
