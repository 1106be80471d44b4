"""Images as pixels: read from a file or from a server's answer, and made as small as some cells of a terminal.

Everything here may take a moment and is called off the screen's thread, but for `Pixels.boxed`. Pillow is imported when
somebody looks at images; without it, `READY` says so in words. Not for how pixels are drawn (render.py).
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MISSING = 'Images are drawn with packages that are not here: pip install "roadcrew[images]"'
MOST_PIXELS = 64_000_000
"""Of an image that is looked at, whoever made it."""
SMALL = (96, 80)
"""Pixels of an image that is kept to be drawn in small; one cell has two, one above the other."""
BEHIND = (34, 34, 38)
"""What is seen through an image, where it is transparent."""

Colour = tuple[int, int, int]
Rows = tuple[tuple[Colour, ...], ...]


class NoPicture(ValueError):
    """Says in a sentence why this can't be shown."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """An image in memory."""

    image: Image

    @property
    def size(self) -> tuple[int, int]:
        """Pixels across and down."""
        return self.image.size

    @cached_property
    def _boxed(self) -> dict[tuple[int, int], Rows]:
        return {}

    def boxed(self, width: int, height: int) -> Rows:
        """As large as it can be in so many cells: rows of colours, an even number of them, two for each cell."""
        if (width, height) not in self._boxed:
            self._boxed[width, height] = _rows(self.image, width, 2 * height)
        return self._boxed[width, height]


def can_draw() -> bool:
    """Whether what is needed is installed."""
    return find_spec("PIL") is not None


def opened(source: bytes | Path, most: tuple[int, int] = SMALL) -> Pixels:
    """An image, made smaller than `most` pixels. Raises `NoPicture`."""
    if not can_draw():
        raise NoPicture(MISSING)
    from PIL import Image, ImageOps  # noqa: PLC0415 - when somebody looks at images

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise NoPicture("It has too many pixels to be drawn.")
                image.draft("RGB", most)
                image.thumbnail(most, Image.Resampling.BOX)
                upright = image if isinstance(source, bytes) else ImageOps.exif_transpose(image)
                return Pixels(_flat(upright))
    except NoPicture:
        raise
    except Exception as error:  # a broken image can break Pillow anywhere
        raise NoPicture("It is broken, or no image.") from error


_FORMATS = ("PNG", "JPEG", "WEBP")


def _flat(image: Image) -> Image:
    """Colours alone, on something to be seen on."""
    from PIL import Image as Images  # noqa: PLC0415 - as above

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    return Images.alpha_composite(Images.new("RGBA", clear.size, (*BEHIND, 255)), clear).convert("RGB")


def _rows(image: Image, width: int, height: int) -> Rows:
    from PIL import Image as Images  # noqa: PLC0415 - as above

    scale = min(width / image.width, height / image.height)
    across, down = max(1, round(image.width * scale)), max(2, round(image.height * scale / 2) * 2)
    small = image.resize((min(across, width), min(down, height)), Images.Resampling.BOX).convert("RGB")
    flat = small.tobytes()
    line = 3 * small.width
    return tuple(
        tuple((flat[at], flat[at + 1], flat[at + 2]) for at in range(start, start + line, 3))
        for start in range(0, len(flat), line)
    )
