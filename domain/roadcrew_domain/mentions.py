"""Whom a text names with `@name`. Pure. Not for how that is drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from roadcrew_domain.feed_state import MAX_MENTIONS


def mentioned(text: str, people: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of those whom the text names, in its order, each once. `people`: names by id.

    Case is no matter; of several names that fit, the longest is meant, and everybody who has it. An `@` within a word,
    as in a mail address, names nobody, and no name ends within a word.
    """
    named: dict[str, list[str]] = {}
    for person, name in people.items():
        named.setdefault(name.casefold(), []).append(person)
    lengths = sorted({len(name) for name in named if name}, reverse=True)
    initials = {name[:1] for name in named}
    folded = text.casefold()
    found: dict[str, None] = {}
    at = folded.find("@")
    while at >= 0 and len(found) < MAX_MENTIONS:
        start = at + 1
        if folded[start : start + 1] in initials and not (at and _in_word(folded[at - 1])):
            for length in lengths:
                end = start + length
                whole = end >= len(folded) or not _in_word(folded[end])
                if whole and (ids := named.get(folded[start:end])) is not None:
                    found.update(dict.fromkeys(ids))
                    start = end
                    break
        at = folded.find("@", start)
    return tuple(found)[:MAX_MENTIONS]


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character) in ("Mn", "Mc")
