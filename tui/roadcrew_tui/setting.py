"""What one setting is: its kind, its default and its words. From these come the checks of the file, the screen and the
table of the documentation. Not for the settings there are: settings.py lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

NAME = "setting"
"""Under this a dataclass's field has its setting."""
SHOWN = 40
"""Characters of a value that isn't understood which are told."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the settings file, and what mends it, in sentences; `line` counts from 1, None: not known.
    `words` may have in them what stands in the file."""

    words: str
    mend: str
    line: int | None = None
    unreadable: bool = False
    """Of the file, this line or all lines are lost when it is written the next time."""

    @property
    def sentence(self) -> str:
        """Both, without the line."""
        return f"{self.words} {self.mend}".strip()


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    @property
    def may_be(self) -> str:
        return ", ".join(f'`"{word}"`' for word in self.words)

    def mend(self, value: object) -> str | None:
        """What is to be written instead of `value`; None: it is right."""
        if isinstance(value, str) and value in self.words:
            return None
        near = meant(value, self.words)
        return near or f"Write {_listed(self.words)}."


@dataclass(frozen=True)
class Flag:
    """Yes or no; where it `may_ask` it is neither at first."""

    may_ask: bool = False

    @property
    def may_be(self) -> str:
        return "`true`, `false`"

    def mend(self, value: object) -> str | None:
        """What is to be written instead of `value`; None: it is right."""
        return None if isinstance(value, bool) else "Write true or false, without quotes."


@dataclass(frozen=True)
class Number:
    """From `low` to `high`, of `unit`."""

    low: float
    high: float
    unit: str

    @property
    def may_be(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def mend(self, value: object) -> str | None:
        """What is to be written instead of `value`; None: it is right."""
        right = isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high
        return None if right else f"Write a number from {self.low:g} to {self.high:g}, without quotes."


@dataclass(frozen=True)
class Words:
    """Text that `pattern` fits, such as `example`; it may be absent."""

    pattern: re.Pattern[str]
    example: str

    @property
    def may_be(self) -> str:
        return f"such as `{self.example}`"

    def mend(self, value: object) -> str | None:
        """What is to be written instead of `value`; None: it is right."""
        right = isinstance(value, str) and self.pattern.fullmatch(value) is not None
        return None if right else f'Write text in quotes, such as "{self.example}".'


@dataclass(frozen=True)
class Keys:
    """A table of keys by the ids of actions. What they may be, keymap.py knows."""

    may_be = "a table"

    def mend(self, value: object) -> str | None:
        """What is to be written instead of `value`; None: it is one."""
        return None if isinstance(value, dict) else 'Write [keymap], and below it lines such as "poll.new" = "P".'


Kind = Choice | Flag | Number | Words | Keys


@dataclass(frozen=True)
class Setting:
    """`title` is its name on the screen, in the part called `group`; `help` says in a sentence what it does.
    `nothing` are the words for a value of None."""

    kind: Kind
    group: str
    title: str
    help: str
    nothing: str = ""
    default: Any = None

    def example_of(self, name: str) -> list[str]:
        """Lines of a file that set it to its default, or to something, as comments."""
        if isinstance(self.kind, Keys):
            return [f"# [{name}]", '# "poll.new" = "P"']
        value = self.kind.example if isinstance(self.kind, Words) else True if self.default is None else self.default
        return [f"# {name} = {told(value)}"]

    def trouble(self, name: str, value: object, line: int | None) -> Trouble | None:
        """What is wrong with this value of it; None: nothing is."""
        mend = self.kind.mend(value)
        return None if mend is None else Trouble(f"{name} can't be {told(value)}.", mend, line)


def setting(default: Any, kind: Kind, group: str, title: str, help: str, nothing: str = "") -> Any:  # noqa: A002
    """A dataclass's field that is a setting."""
    metadata = {NAME: Setting(kind, group, title, help, nothing, default)}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


def meant(word: object, words: tuple[str, ...] | list[str]) -> str | None:
    """`Did you mean "dark"?`, where one of the words is near."""
    near = get_close_matches(word, words, 1) if isinstance(word, str) else []
    return f'Did you mean "{near[0]}"?' if near else None


def told(value: object) -> str:
    """A value as the file may have it, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _listed(words: tuple[str, ...]) -> str:
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
