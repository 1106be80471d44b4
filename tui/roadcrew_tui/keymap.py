"""Other keys for actions, as `[keymap]` in the settings file has them: which of them can be used, and binding them.

Textual's own keymap is not in use: it would take a key away from every other action that has it too, and most keys mean
something else in each tab. Not for what a key does.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import get_args

from textual.binding import Binding
from textual.keys import Keys, _character_to_key

from roadcrew_tui import commands
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens.tabs import TITLES
from roadcrew_tui.setting import Trouble, meant, told

FIXED = frozenset((
    "enter", "tab", "shift+tab", "escape", "up", "down", "left", "right", "pageup", "pagedown", "home", "end",
    "ctrl+c", "ctrl+p", "ctrl+q", "ctrl+z",
))  # fmt: skip
"""Keys that always mean the same, to move about, to open, to leave."""
SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+j": "enter", "ctrl+h": "backspace", "ctrl+[": "escape"}
"""What terminals send for these."""
NAMES = "Settings > Keys lists them, and roadcrew config keys."
_MODIFIERS = frozenset(("ctrl", "alt", "shift", "super", "hyper", "meta"))
_NAMED = frozenset(
    {key.value for key in Keys if key.value.isalnum()}
    | {_character_to_key(character) for character in string.punctuation}
)
_CONTEXTS: tuple[frozenset[str], ...] = (
    *(frozenset(("trip", tab)) for tab in TITLES),
    *(frozenset((place,)) for place in get_args(Place) if place not in ("trip", *TITLES)),
)
"""Places that one is in at once."""


def defaults() -> dict[str, str]:
    """The keys of every action of a screen, and of every tab, by id."""
    tabs = {f"tab.{tab}": str(number) for number, tab in enumerate(TITLES, 1)}
    return {c.id: c.keys for c in commands.everything() if c.places} | tabs


def titles() -> dict[str, str]:
    """What they are called on the screen, by id."""
    tabs = {f"tab.{tab}": f"Tab {title}" for tab, title in TITLES.items()}
    return {c.id: c.title for c in commands.everything()} | tabs


def usable(given: Mapping[str, object], lines: Mapping[str, int]) -> tuple[dict[str, str], list[Trouble]]:
    """What of a keymap can be used, and what is wrong with the rest; `lines` say in which line each id stands.

    Of two actions that would have one key in one place, the one that stands lower in the file keeps its own.
    """
    troubles: list[Trouble] = []
    found: dict[str, str] = {}
    known = defaults()
    for action in sorted(given, key=lambda action: lines.get(action, 0)):
        try:
            found[action] = _keys_of(action, given[action], known)
        except _Wrong as wrong:
            troubles.append(Trouble(wrong.words, wrong.mend, lines.get(action)))
    while clash := next(_clashes(found, known), None):
        action, other, key = clash
        mine, theirs = (f"{named} ({titles()[named]})" for named in (action, other))
        words = f"{key} can't be the key of {mine}: it is the one of {theirs}, which is in the same place."
        mend = f"Take another key, or give {other} another one{'' if other in found else ' too'}."
        troubles.append(Trouble(words, mend, lines.get(action)))
        del found[action]
    return found, troubles


class _Wrong(Exception):
    def __init__(self, words: str, mend: str) -> None:
        super().__init__(words)
        self.words, self.mend = words, mend


def _keys_of(action: str, keys: object, known: Mapping[str, str]) -> str:
    """The keys as they are bound. Raises `_Wrong`."""
    if action not in known:
        raise _Wrong(f"There is no action called {action}.", meant(action, list(known)) or NAMES)
    if not isinstance(keys, str) or not keys.strip():
        raise _Wrong(f"The key of {action} can't be {told(keys)}.", 'Write text in quotes, such as "P" or "ctrl+n,f5".')
    own = known[action].split(",")
    names = [_named(key.strip(), action, own) for key in keys.split(",")]
    return ",".join(dict.fromkeys([*names, *(key for key in own if key in FIXED)]))


def _named(key: str, action: str, own: list[str]) -> str:
    """A key as it is called. Raises `_Wrong`."""
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    name = _character_to_key(last) if len(last) == 1 else last
    whole = "+".join((*modifiers, name))
    if whole in own:
        return whole
    if whole in FIXED or whole in SAME:
        same = f", and is {SAME[whole]} to most terminals" if whole in SAME else ""
        raise _Wrong(f"{whole} can't be the key of {action}: it always means the same{same}.", "Take another key.")
    right = _right(modifiers, last, name)
    if right == whole:
        return whole
    mend = f'Write "{right}".' if right else meant(last, sorted(_NAMED)) or 'Write one such as "P", "ctrl+n" or "f5".'
    raise _Wrong(f"There is no key called {told(key)}, which {action} is to have.", mend)


def _right(modifiers: list[str], last: str, name: str) -> str | None:
    """How a key is to be written; None where none can be meant."""
    if not _MODIFIERS.issuperset(modifiers):
        lower = [modifier.lower() for modifier in modifiers]
        return _right(lower, last, name) if _MODIFIERS.issuperset(lower) else None
    if len(last) == 1 and last.isalpha() and modifiers:
        return last.upper() if modifiers == ["shift"] else "+".join((*modifiers, last.lower()))
    if len(last) == 1 or name in _NAMED or _is_sign(name):
        return "+".join((*modifiers, name))
    return "+".join((*modifiers, name.lower())) if name.lower() in _NAMED else None


def _is_sign(name: str) -> bool:
    """Whether it is Unicode's name of a sign, as keys are called by. Pictures, which have names there too, are none,
    but for those that keyboards have, such as the degree sign."""
    try:
        sign = unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return _character_to_key(sign) == name and (sign < "\u0100" or unicodedata.category(sign) != "So")


def _clashes(keymap: Mapping[str, str], known: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Actions of the keymap, from the last one, with another of the same place, and the key that both would have."""
    keys = {action: set((keymap.get(action) or known[action]).split(",")) - {""} for action in known}
    for action in reversed(list(keymap)):
        for other in known:
            shared = keys[action] & keys[other]
            before = set(known[action].split(",")) & set(known[other].split(","))
            if other != action and shared - before and any(_together(action, other)):
                yield action, other, min(shared - before)


def _together(one: str, other: str) -> Iterator[bool]:
    places = _places()
    return (bool(here & places[one]) and bool(here & places[other]) for here in _CONTEXTS)


@lru_cache(maxsize=1)
def _places() -> dict[str, frozenset[str]]:
    tabs = {f"tab.{tab}": frozenset(("trip",)) for tab in TITLES}
    return {c.id: frozenset(map(str, c.places)) for c in commands.everything()} | tabs


def mapped(
    bindings: Mapping[str, list[Binding]], keymap: Mapping[str, str], modules: tuple[str, ...]
) -> dict[str, list[Binding]]:
    """Bindings by key, with the keys of a keymap. What has no key of its own is bound too, if it is of the modules."""
    found = {key: kept for key, here in bindings.items() if (kept := [b for b in here if b.id not in keymap])}
    moved = {b.id: b for here in bindings.values() for b in here if b.id in keymap}
    for module in modules:
        for c in commands.of(module):
            if c.id in keymap and not c.keys:
                moved[c.id] = Binding("", f"command('{c.id}')", c.title, show=False, id=c.id)
    for action, binding in moved.items():
        for key in keymap[action or ""].split(","):
            found.setdefault(key, []).append(binding.with_key(key))
    return found
