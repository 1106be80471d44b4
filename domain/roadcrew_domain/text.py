"""What a person's text may contain, and how it is made tidy.

Another person's text is data for ever: it must never move a cursor, colour a line, turn the direction of
what follows, or hide inside a name. The server refuses such text at its door (`checked`); a terminal cleans
what it is about to send or to draw (`cleaned`). Drawing itself is not for this module.
"""

import re
import unicodedata

from roadcrew_domain.refusals import Refused

BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates (Unicode TR9): they reorder what other people read."""

INVISIBLE = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2060\ufeff\u3164\uffa0")
"""Characters without a shape that we drop silently. ZWJ and ZWNJ stay: emoji and Persian need them."""

BLANK_LOOKING = frozenset("\u200c\u200d\u2800") | {chr(c) for c in range(0xFE00, 0xFE10)}
"""Characters that are allowed but can't make up a whole text, since nothing of them is seen."""

MAX_MARKS = 4
"""Combining marks in a row; natural scripts need at most four, stacked text ("zalgo") uses dozens."""

_LINE_ENDS = re.compile(r"\r\n|[\r\n\u0085\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def is_forbidden(character: str) -> bool:
    """True for control characters (newline and tab aside), lone surrogates, noncharacters, bidi controls
    and language tags."""
    if character in "\n\t":
        return False
    if character in BIDI_CONTROLS:
        return True
    point = ord(character)
    if 0xE0000 <= point <= 0xE007F or (point & 0xFFFE) == 0xFFFE or 0xFDD0 <= point <= 0xFDEF:
        return True
    return unicodedata.category(character) in ("Cc", "Cs")


def cleaned(text: str, *, lines: bool = False) -> str:
    """Any text made harmless and tidy; may be empty. With `lines`, newlines stay."""
    text = _LINE_ENDS.sub("\n", text)
    return _tidy("".join(c for c in text if not is_forbidden(c)), lines=lines)


def checked(text: str, *, field: str, limit: int, lines: bool = False) -> str:
    """The tidy text, or `Refused` with `unsafe-text`, `text-missing` or `text-too-long`.

    `limit` counts characters (code points) after tidying; `field` names the text in the sentence.
    """
    text = _LINE_ENDS.sub("\n", text[: limit * 8 + 64]) if len(text) > limit * 8 + 64 else _LINE_ENDS.sub("\n", text)
    if any(is_forbidden(c) for c in text):
        raise Refused(
            "unsafe-text",
            "invalid",
            f"The {field} contains control characters or characters that change the direction of text. Take them out.",
            field=field,
        )
    tidy = _tidy(text, lines=lines)
    if not tidy:
        raise Refused("text-missing", "invalid", f"The {field} is empty.", field=field)
    if len(tidy) > limit:
        raise Refused(
            "text-too-long",
            "invalid",
            f"The {field} has {len(tidy)} characters; at most {limit} are allowed.",
            field=field,
            limit=limit,
        )
    return tidy


def checked_or_none(text: str | None, *, field: str, limit: int) -> str | None:
    """As `checked`; None and nothing but blanks give None."""
    if text is None or not text.strip():
        return None
    return checked(text, field=field, limit=limit)


def _tidy(text: str, *, lines: bool) -> str:
    text = unicodedata.normalize("NFC", "".join(c for c in text if c not in INVISIBLE))
    if lines:
        text = _BLANK_LINES.sub("\n\n", "\n".join(_SPACES.sub(" ", line).rstrip() for line in text.split("\n")))
    else:
        text = " ".join(text.split())
    text = _limit_marks(text).strip()
    return "" if all(c in BLANK_LOOKING or c.isspace() for c in text) else text


def _limit_marks(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if run <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
