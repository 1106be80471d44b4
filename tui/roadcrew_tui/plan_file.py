"""A plan's file: what it is called, and putting it there whole and over nothing unasked. Blocks; what is in it is
plan.py's."""

from __future__ import annotations

from pathlib import Path

from roadcrew_tui.host import must_lend
from roadcrew_tui.plan import Format
from roadcrew_tui.settings import write_atomically

ENDINGS: dict[Format, str] = {"text": ".txt", "markdown": ".md", "json": ".json", "ics": ".ics"}
_LONGEST = 40
"""Characters of a trip's name in a file's."""


def name_of(trip_name: str, fmt: Format) -> str:
    """`lisbon-in-may.md`: what nobody's folder or shell takes for anything else."""
    plain = "".join(c if c.isascii() and c.isalnum() else " " for c in trip_name[:_LONGEST].lower())
    return f"{'-'.join(plain.split()) or 'trip'}{ENDINGS[fmt]}"


def format_of(file: Path) -> Format:
    """By the file's ending; a text where that is none of ours."""
    return next((fmt for fmt, ending in ENDINGS.items() if file.suffix.lower() == ending), "text")


def file_of(typed: str | None) -> Path | None:
    """The file that was typed; None for none and for `-`."""
    if not typed or typed == "-":
        return None
    must_lend("files")
    return Path(typed).expanduser()


def put(file: Path, plan: str, *, over: bool) -> None:
    """Write it. Raises `FileExistsError` where there is a file and not `over`, and other `OSError`."""
    must_lend("files")
    if not file.parent.is_dir():
        raise NotADirectoryError(0, "there is no such folder")
    if file.exists() and not file.is_file():
        raise IsADirectoryError(0, "that is not a file")
    write_atomically(file, plan, over=over)
