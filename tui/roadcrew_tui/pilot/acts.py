"""The commands of a tape that are steps: what is typed, waited for, looked at, kept. Each function takes the arguments
of its command, which the cursor has just passed.

Not for what is settled before the first step, nor for other files (`language`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PureWindowsPath
from typing import Literal

from roadcrew_tui.pilot.cursor import Cursor
from roadcrew_tui.pilot.keys import MODIFIERS, WORDS, combined
from roadcrew_tui.pilot.tape import (
    EXPECT_SECONDS,
    WAIT_SECONDS,
    Act,
    Copy,
    Expect,
    Paste,
    Press,
    Scope,
    Screenshot,
    Server,
    Sleep,
    Sync,
    Tell,
    Type,
    Wait,
)

SHORTEST_WAIT = 0.001
LONGEST_PATH = 200
SCOPES: Mapping[str, Scope] = {"Screen": "screen", "Line": "line"}
ACTIONS: Mapping[str, Literal["stop", "kill", "start"]] = {"Stop": "stop", "Kill": "kill", "Start": "start"}


@dataclass
class Defaults:
    """What holds for a step that says no time or pattern of its own."""

    pause: float = 0.0
    wait: float = WAIT_SECONDS
    expect: float = EXPECT_SECONDS
    pattern: re.Pattern[str] | None = None


def _type(cursor: Cursor, defaults: Defaults) -> Act:
    pause = cursor.at(defaults.pause)
    return Type(cursor.texts('a text to type, such as "Lisbon"'), pause)


def _key(cursor: Cursor, defaults: Defaults) -> Act:
    return _press(WORDS[cursor.taken[0].text], cursor, defaults)


def _combination(cursor: Cursor, defaults: Defaults) -> Act:
    held = [cursor.taken[0].text]
    while True:
        if not cursor.accept("+"):
            raise cursor.error(cursor.next, "+ and a key, as in Ctrl+C")
        token = cursor.take()
        if token.text not in MODIFIERS:
            break
        if token.text in held:
            raise cursor.error(token, "each of Ctrl, Alt and Shift once")
        held.append(token.text)
    name = combined(held, token.text) if token.kind != "pattern" else None
    if name is None:
        raise cursor.error(token, "a letter, the name of a key, or a character in quotes", WORDS)
    return _press(name, cursor, defaults)


def _press(key: str, cursor: Cursor, defaults: Defaults) -> Act:
    pause = cursor.at(defaults.pause)
    return Press(key, cursor.times(), pause)


def _copy(cursor: Cursor, defaults: Defaults) -> Act:
    return Copy(cursor.texts('a text for the clipboard, such as "K7QM-2D4F"'))


def _sleep(cursor: Cursor, defaults: Defaults) -> Act:
    return Sleep(cursor.seconds())


def _wait(cursor: Cursor, defaults: Defaults) -> Act:
    scope, within = _scope(cursor), cursor.at(defaults.wait, SHORTEST_WAIT)
    return Wait(cursor.pattern() if cursor.next.kind == "pattern" else defaults.pattern, scope, within)


def _look(cursor: Cursor, defaults: Defaults, *, absent: bool) -> Act:
    scope, within = _scope(cursor), cursor.at(defaults.expect)
    if cursor.next.kind != "pattern":
        raise cursor.error(cursor.next, "a pattern such as /Lisbon/")
    return Expect(cursor.pattern(), scope, within, absent)


def _scope(cursor: Cursor) -> Scope:
    return cursor.one_of(SCOPES) if cursor.accept("+") else "screen"


def _sync(cursor: Cursor, defaults: Defaults) -> Act:
    within = cursor.at(defaults.wait, SHORTEST_WAIT)
    name = cursor.text("the name of a meeting point")
    if not name.text.strip():
        raise cursor.error(name, "the name of a meeting point")
    return Sync(name.text, within)


def _screenshot(cursor: Cursor, defaults: Defaults) -> Act:
    file = cursor.text("a file for the picture, such as lobby.svg")
    # The strictest reading, so that a tape is as harmless on one system as on another.
    path = PureWindowsPath(file.text)
    if path.anchor or ".." in path.parts or path.suffix not in (".svg", ".txt") or len(file.text) > LONGEST_PATH:
        raise cursor.error(file, "a relative path without .. that ends in .svg or .txt")
    return Screenshot(file.text)


def _server(cursor: Cursor, defaults: Defaults) -> Act:
    return Server(cursor.one_of(ACTIONS))


ACTS: Mapping[str, Callable[[Cursor, Defaults], Act]] = {
    "Type": _type,
    **dict.fromkeys(WORDS, _key),
    **dict.fromkeys(MODIFIERS, _combination),
    "Copy": _copy,
    "Paste": lambda cursor, defaults: Paste(),
    "Sleep": _sleep,
    "Wait": _wait,
    "Expect": partial(_look, absent=False),
    "Reject": partial(_look, absent=True),
    "Sync": _sync,
    "Screenshot": _screenshot,
    "Server": _server,
    "Hide": lambda cursor, defaults: Tell(shown=False),
    "Show": lambda cursor, defaults: Tell(shown=True),
}
"""What takes each command's arguments, by its word."""
