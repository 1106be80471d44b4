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

INVISIBLE = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u3164\ufeff\uffa0") | {
    chr(point)
    for first, last in (
        (0x2060, 0x2065),  # word joiner, invisible operators
        (0x206A, 0x206F),  # deprecated formatting
        (0xFFF0, 0xFFFB),  # interlinear annotation
        (0x13430, 0x1343F),  # Egyptian quadrats
        (0x1BCA0, 0x1BCA3),  # shorthand
        (0x1D173, 0x1D17A),  # musical beams and slurs
        (0xE0080, 0xE0FFF),  # variation selectors 17 to 256, which can carry a hidden text
    )
    for point in range(first, last + 1)
}
"""Characters without a shape that we drop silently: two names must not look alike and differ. The list is
Unicode's Default_Ignorable_Code_Point and the invisible rest of category Cf, less what is forbidden below
and what scripts need: `JOINERS`, and the variation selectors of emoji and Mongolian."""

JOINERS = frozenset("\u200c\u200d")
"""ZWNJ and ZWJ: Persian, Indic scripts and emoji need them, one at a time, after a letter or sign of theirs."""

BLANK_LOOKING = frozenset("\u2800\U0001d159")
"""Characters that are allowed but can't make up a whole text, since nothing of them is seen."""

MAX_MARKS = 4
"""Combining marks on one base; natural scripts need at most four, stacked text ("zalgo") uses dozens."""

_MAX_RUN = 30
"""Combining characters in a row that are read at all (the limit of Unicode's stream-safe text): bringing a run into its
canonical order takes time that grows with its square."""

MAX_UNTIDY = 8
"""A text may be this many times longer before it is tidied; beyond, it is refused unread."""

_LINE_ENDS = re.compile(r"\r\n|[\r\n\u0085\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_OTHER_SPACES = re.compile(r"[^\S\n ]")
_BLANK_LINES = re.compile(r"\n{3,}")


def is_forbidden(character: str) -> bool:
    """True for control characters (newline and tab aside), lone surrogates, noncharacters, bidi controls
    and tags. Tags spell out the flags of England, Scotland and Wales, and any hidden text as well; a
    terminal that cleans before it sends leaves the black flag of these three."""
    if character in "\n\t":
        return False
    if character in BIDI_CONTROLS:
        return True
    point = ord(character)
    if 0xE0000 <= point <= 0xE007F or (point & 0xFFFE) == 0xFFFE or 0xFDD0 <= point <= 0xFDEF:
        return True
    return unicodedata.category(character) in ("Cc", "Cs")


def cleaned(text: str, *, lines: bool = False, indents: bool = False) -> str:
    """Any text made harmless and tidy; may be empty. With `lines`, newlines stay; with `indents` too, what lines begin
    with."""
    text = _LINE_ENDS.sub("\n", text)
    return _tidy("".join(c for c in text if not is_forbidden(c)), lines=lines, indents=indents)


def cut(text: str, limit: int) -> str:
    """Any text made harmless, tidy, and no longer than `limit` characters; may be empty. What a program said, which
    nobody can be asked to say again."""
    return _tidy(cleaned(text[: MAX_UNTIDY * limit])[:limit], lines=False)


def checked(text: str, *, field: str, limit: int, lines: bool = False, indents: bool = False) -> str:
    """The tidy text, or `Refused` with `unsafe-text`, `text-missing` or `text-too-long`.

    `limit` counts characters (code points) after tidying; `field` names the text in the sentence. With `indents`, what
    a line begins with stays as well, as Markdown needs it.
    """
    tidy = _checked(text, field=field, limit=limit, lines=lines, indents=indents)
    if not tidy:
        raise Refused("text-missing", "invalid", f"The {field} is empty.", field=field)
    return tidy


def checked_or_none(text: str | None, *, field: str, limit: int) -> str | None:
    """As `checked`; None, and what is empty when tidy, give None."""
    return None if text is None else _checked(text, field=field, limit=limit, lines=False) or None


def _checked(text: str, *, field: str, limit: int, lines: bool, indents: bool = False) -> str:
    if len(text) > MAX_UNTIDY * limit:
        raise _too_long(field, len(text), limit)
    text = _LINE_ENDS.sub("\n", text)
    if any(is_forbidden(c) for c in text):
        raise Refused(
            "unsafe-text",
            "invalid",
            f"The {field} contains control characters or characters that change the direction of text. Take them out.",
            field=field,
        )
    tidy = _tidy(text, lines=lines, indents=indents)
    if len(tidy) > limit:
        raise _too_long(field, len(tidy), limit)
    return tidy


def _too_long(field: str, length: int, limit: int) -> Refused:
    return Refused(
        "text-too-long",
        "invalid",
        f"The {field} has {length} characters; at most {limit} are allowed.",
        field=field,
        limit=limit,
    )


def _tidy(text: str, *, lines: bool, indents: bool = False) -> str:
    text = unicodedata.normalize("NFC", _in_short_runs("".join(c for c in text if c not in INVISIBLE)))
    text = unicodedata.normalize("NFC", _on_a_base(text))
    if lines and indents:
        text = _BLANK_LINES.sub("\n\n", "\n".join(_indented(line) for line in text.split("\n")))
        text = text.rstrip().lstrip("\n")
    elif lines:
        text = _BLANK_LINES.sub("\n\n", "\n".join(_SPACES.sub(" ", line).rstrip() for line in text.split("\n")))
        text = text.strip()
    else:
        text = " ".join(text.split())
    return "" if all(c in BLANK_LOOKING or c.isspace() for c in text) else text


def _in_short_runs(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MAX_RUN:
            kept.append(character)
    return "".join(kept)


def _indented(line: str) -> str:
    """Spaces as they are, tabs as four; any other space, as wide as it may be, as one."""
    return _OTHER_SPACES.sub(" ", line.expandtabs(4)).rstrip()


def _on_a_base(text: str) -> str:
    """Marks and joiners only where there is something to mark or to join, and no more than it can carry."""
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    before = " "
    for character in text:
        if character in JOINERS:
            if before.isascii() or before.isspace() or before in JOINERS:
                continue
        elif _is_mark(character):
            marks += 1
            if before.isspace() or marks > MAX_MARKS or (_is_selector(character) and _is_selector(before)):
                continue
        else:
            marks = 0
        kept.append(character)
        before = character
    return "".join(kept)


def _is_mark(character: str) -> bool:
    """Drawn on the character before it. Old Hangul vowels and finals are letters and stack all the same."""
    return (
        unicodedata.category(character) in ("Mn", "Me")
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7fb"
    )


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f"
