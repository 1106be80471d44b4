"""The keys of a terminal: their names, as Textual has them, and the bytes that a terminal sends for them.

A key that a plain xterm can say has the bytes of a plain xterm. For the rest (`Ctrl+Shift+P`, `Alt+B`, `Ctrl+I`, which
would arrive as `ctrl+p`, as escape and `b`, as tab) they are those of an xterm that has been told to say exactly which
key it was (CSI u), as Textual asks of every terminal. So a key is the same key in every kind of terminal. Not for what
a press then does.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations

from textual.keys import KEY_NAME_REPLACEMENTS

WORDS: Mapping[str, str] = {
    word: word.lower()
    for word in (
        *("Enter", "Tab", "Escape", "Space", "Backspace", "Delete", "Insert", "Home", "End", "PageUp", "PageDown"),
        *("Up", "Down", "Left", "Right"),
    )
}
"""The keys that have a name on the keyboard, as tapes write them and as Textual does."""

MODIFIERS: Mapping[str, str] = {"Ctrl": "ctrl", "Alt": "alt", "Shift": "shift"}
"""The keys that are held down while another is pressed, likewise."""

_BITS = {"Shift": 1, "Alt": 2, "Ctrl": 4}
_PLAIN = {"Enter": "\r", "Tab": "\t", "Escape": "\x1b", "Space": " ", "Backspace": "\x7f"}
_LETTERS = {"Up": "A", "Down": "B", "Right": "C", "Left": "D", "Home": "H", "End": "F"}
_NUMBERS = {"Insert": 2, "Delete": 3, "PageUp": 5, "PageDown": 6}
_CONTROL = set(string.ascii_lowercase) - set("him") | set("\\]^_")
"""What has a control character of its own with Ctrl; that of H, I, M and [ is another key's."""


def combined(held: Collection[str], key: str) -> str | None:
    """The name of a key (one of `WORDS`, or a printable character of ASCII) pressed with some of `MODIFIERS` held down.
    None if a terminal has no such key: what Shift makes of anything but a letter depends on the keyboard."""
    modifiers = sorted(MODIFIERS[word] for word in held)
    if key in WORDS:
        return "+".join((*modifiers, WORDS[key]))
    if len(key) != 1 or not "!" <= key <= "~" or ("Shift" in held and not key.isalpha()):
        return None
    if modifiers in ([], ["shift"]):
        return key.upper() if modifiers else key
    return "+".join((*modifiers, _name(key.lower())))


def key_bytes(key: str) -> bytes:
    """What a terminal sends for a key: a name of `KEYS`, or one character. Raises `ValueError` for anything else."""
    if len(key) == 1:
        return key.encode()
    try:
        return KEYS[key]
    except KeyError:
        raise ValueError(f"no key of a terminal: {key!r}") from None


def _name(character: str) -> str:
    if character.isalnum():
        return character
    name = unicodedata.name(character).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def _bytes(held: Collection[str], key: str) -> str:
    bits = 1 + sum(_BITS[word] for word in held)
    if key in _LETTERS:
        return f"\x1b[1;{bits}{_LETTERS[key]}" if held else f"\x1b[{_LETTERS[key]}"
    if key in _NUMBERS:
        return f"\x1b[{_NUMBERS[key]};{bits}~" if held else f"\x1b[{_NUMBERS[key]}~"
    if not held:
        return _PLAIN[key]
    if key == "Tab" and set(held) == {"Shift"}:
        return "\x1b[Z"
    if key in _CONTROL and set(held) == {"Ctrl"}:
        return chr(ord(key) & 0x1F)
    return f"\x1b[{ord(_PLAIN.get(key, key))};{bits}u"


def _all() -> Iterator[tuple[str, bytes]]:
    characters = [chr(point) for point in range(ord("!"), ord("~") + 1) if not chr(point).isupper()]
    for count in range(len(_BITS) + 1):
        for held in combinations(_BITS, count):
            for key in (*WORDS, *characters):
                name = combined(held, key)
                if name is not None and len(name) > 1:
                    yield name, _bytes(held, key).encode()


KEYS: Mapping[str, bytes] = dict(_all())
"""All keys that are not just a character, by name."""
