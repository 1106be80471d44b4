"""Files that can be shown as images: whether one can be, and of which kind it is. Blocks, and is called off the thread
of the screen. Whether all of it is an image is for the server; how it looks, for pictures.py."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from roadcrew_domain.text import cleaned
from roadcrew_tui.feed_files import NotAFeed
from roadcrew_tui.host import must_lend

if TYPE_CHECKING:
    from roadcrew_client._talk_calls import ImageMedia

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""How they are called. Which kind one is says its beginning: telephones and browsers often get the name wrong."""
BEGINNING = 12
LONGEST_NAME = 80


@dataclass(frozen=True)
class ImageFile:
    """A file that may be shown: where it is, its name, its kind and its bytes."""

    path: Path
    name: str
    media: ImageMedia
    size: int


def image_file(typed: str, here: Path) -> ImageFile:
    """The file that was typed. Raises `NotAFeed`, as that says why."""
    must_lend("files")
    if not typed.strip():
        raise NotAFeed("Say which file, such as beach.jpg.")
    path = here / Path(typed.strip()).expanduser()
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise NotAFeed("That is a folder." if stat.S_ISDIR(found.st_mode) else "That is not a file.")
        if path.suffix.lower() not in SUFFIXES:
            raise NotAFeed("It must be a PNG, JPEG or WebP image, and be called .png, .jpg or .webp.")
        if not found.st_size:
            raise NotAFeed("That file is empty.")
        with path.open("rb") as file:
            media = _media(file.read(BEGINNING))
        if media is None:
            raise NotAFeed("There is no PNG, JPEG or WebP image in it.")
    except (OSError, ValueError) as problem:
        if isinstance(problem, NotAFeed):
            raise
        why = problem.strerror if isinstance(problem, OSError) else None
        raise NotAFeed(f"That file can't be read: {why or 'its name is none'}.") from problem
    return ImageFile(path, cleaned(path.name)[:LONGEST_NAME] or "image", media, found.st_size)


def _media(beginning: bytes) -> ImageMedia | None:
    if beginning.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if beginning.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if beginning.startswith(b"RIFF") and beginning.endswith(b"WEBP") else None
