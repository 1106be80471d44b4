"""A text in the editor that a person named: `$VISUAL`, else `$EDITOR`. Not for leaving the screen meanwhile: that is
the app's.

The text goes through a file in a new folder that nobody else can look into. What comes back is not trusted more than
what is pasted.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from roadcrew_tui.host import must_lend

BYTES_OF_ONE = 4
"""At most, of a character in UTF-8."""


class EditorFailed(Exception):
    """What came of it can't be used; a sentence says why, and where the text is if it is not what it was."""


def is_named(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is one to be started, as far as its name says."""
    return bool(environ.get("VISUAL") or environ.get("EDITOR"))


def chosen(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The command of the editor; nothing where none is named. Raises `EditorFailed`."""
    line = environ.get("VISUAL") or environ.get("EDITOR") or ""
    try:
        return shlex.split(line, posix=os.name != "nt")
    except ValueError as error:
        raise EditorFailed("The name of your editor can't be read. Look at VISUAL and EDITOR.") from error


def edit_file(file: Path) -> None:
    """Have a file of this person's edited, and wait until that is done. Raises `EditorFailed`."""
    must_lend("editor")
    command = chosen()
    if not command:
        raise EditorFailed(f"No editor is named. Set VISUAL or EDITOR, or open {file} in yours.")
    try:
        # What this person named in their own environment.
        status = subprocess.run([*command, str(file)], check=False).returncode  # noqa: S603
    except OSError as error:
        raise EditorFailed(f"The editor can't be used: {error.strerror}.") from error
    if status:
        raise EditorFailed(f"The editor ended with status {status}.")


def edit(text: str, command: list[str], *, longest: int) -> str:
    """Have the text edited, and wait until that is done. Returns what it is then, at most `longest` characters. Raises
    `EditorFailed`."""
    must_lend("editor")
    try:
        folder = Path(tempfile.mkdtemp(prefix="roadcrew-"))
    except OSError as error:
        raise EditorFailed(f"There is no room for the text: {error.strerror}.") from error
    file, keeps = folder / "text.md", False
    try:
        file.write_text(text, "utf-8", newline="\n")
        # What this person named in their own environment.
        status = subprocess.run([*command, str(file)], check=False).returncode  # noqa: S603
        if status:
            raise EditorFailed(f"The editor ended with status {status}. Your text is as it was.")
        with file.open("rb") as written:
            found = written.read(BYTES_OF_ONE * longest + 1)
        try:
            return _checked(found, longest)
        except EditorFailed as problem:
            keeps = True
            raise EditorFailed(f"{problem} It is kept in {file}.") from problem
    except OSError as error:
        raise EditorFailed(f"The editor can't be used: {error.strerror}. Your text is as it was.") from error
    finally:
        if not keeps:
            shutil.rmtree(folder, ignore_errors=True)


def _checked(found: bytes, longest: int) -> str:
    from roadcrew_tui import plain  # noqa: PLC0415 - whether there is an editor is asked before anything is drawn

    try:
        text = plain.pasted(found.decode("utf-8-sig")).rstrip("\n")
    except UnicodeDecodeError as error:
        raise EditorFailed("What the editor wrote is no text in UTF-8.") from error
    if len(text) > longest:
        raise EditorFailed(f"What the editor wrote is longer than {longest:,} characters.")
    return text
