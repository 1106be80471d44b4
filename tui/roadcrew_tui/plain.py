"""People's words as plain text, harmless wherever they go: a toast, a title, a file, a line in a shell.

Without Textual, so that sub-commands start without it. What is drawn with colours is made in `render.py`, of this.
"""

from __future__ import annotations

from functools import lru_cache

from roadcrew_domain.text import cleaned, is_forbidden
from roadcrew_tui.symbols import sign

LONGEST_SAID = 400
"""Characters of a person's text that are looked at; no field is longer, and no row shows as much."""
NAMELESS = "(nameless)"
"""What stands where nothing is left of a name."""


def safe(text: object) -> str:
    """A person's text, or a server's sentence, as harmless plain text on one line."""
    given = str(text)[:LONGEST_SAID]
    if given.isascii() and given.isprintable() and given == given.strip():
        return given
    return _cleaned(given)


@lru_cache(maxsize=4096)
def _cleaned(given: str) -> str:
    """Each character is looked at, and the same few names are drawn again and again."""
    return cleaned(given)


def pasted(text: str) -> str:
    """What came from a clipboard, to be edited: as it is, but for what a terminal obeys. Terminals end a line of it
    with a carriage return, as the enter key does."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(c for c in lines if not is_forbidden(c))


def sentence(words: str, /, *, longest: int = 48, **people: object) -> str:
    """`sentence("{who} voted in {what}", who=…, what=…)`: our words around what people said, for a toast or a title of
    a window; each name cut to `longest` cells."""
    parts: list[str] = []
    rest = words
    while rest:
        before, opened, rest = rest.partition("{")
        parts.append(before)
        if opened:
            field, _, rest = rest.partition("}")
            parts.append(fitted(safe(people[field]) or NAMELESS, longest))
    return "".join(parts)


def fitted(text: str, width: int) -> str:
    """A text in at most `width` cells, ending in an ellipsis when something was left out."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - few sentences need to know

    if (text.isascii() and len(text) <= width) or cell_len(text) <= width:
        return text
    mark = sign().ellipsis
    if width <= len(mark):
        return set_cell_size(text, max(width, 0))
    return set_cell_size(text, width - len(mark)).rstrip() + mark
