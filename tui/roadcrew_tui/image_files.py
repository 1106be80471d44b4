"""Files that can be shown as images: whether one can be. Blocks, and is called off the screen's thread. What is in a
file is for the server; how it looks, for pictures.py."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from roadcrew_domain.text import cleaned
from roadcrew_tui.feed_files import NotAFeed

if TYPE_CHECKING:
    from roadcrew_client._talk_calls import ImageMedia

MEDIA: dict[str, ImageMedia] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
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
    if not typed.strip():
        raise NotAFeed("Say which file, such as beach.jpg.")
    path = here / Path(typed.strip()).expanduser()
    media = MEDIA.get(path.suffix.lower())
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise NotAFeed("That is a folder." if stat.S_ISDIR(found.st_mode) else "That is not a file.")
        if media is None:
            raise NotAFeed("It must be a PNG, JPEG or WebP image, and be called .png, .jpg or .webp.")
        if not found.st_size:
            raise NotAFeed("That file is empty.")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as problem:
        if isinstance(problem, NotAFeed):
            raise
        why = problem.strerror if isinstance(problem, OSError) else None
        raise NotAFeed(f"That file can't be read: {why or 'its name is none'}.") from problem
    return ImageFile(path, cleaned(path.name)[:LONGEST_NAME] or "image", media, found.st_size)
