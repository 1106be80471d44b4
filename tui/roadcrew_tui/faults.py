"""What is left of a fault of ours: a file with where it happened, and a sentence for the terminal. No locals: what
people typed is among them. Not for refusals and networks, which screens say in their own words."""

import traceback
from pathlib import Path

from textual.worker import WorkerFailed

from roadcrew_tui.settings import write_atomically

FILE = "crash.log"


def keep_traceback(folder: Path, error: BaseException | None) -> str:
    """Keep where `error` came from in `folder`, readable by this person only. Returns what to say of it."""
    said = "Something went wrong in Roadcrew, and it had to stop."
    if isinstance(error, WorkerFailed):
        error = error.error  # which is where it happened; Textual does not chain the two
    lines = traceback.format_exception(error) if error is not None else ["Nothing is known of it.\n"]
    try:
        write_atomically(folder / FILE, "".join(lines))
    except OSError as trouble:
        return f"{said} Where it happened can't be kept: {trouble.strerror}."
    return f"{said} Where it happened is kept in {folder / FILE}"
