"""The settings, each of them once. From these come the checks of their file, the screen, the table of the documentation
and what a file is written from. Not for the file: that is settings.py's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from roadcrew_tui.setting import NAME, Choice, Flag, Keys, Number, Setting, Trouble, Words, setting

Look = Literal["dark", "light", "terminal"]
SYMBOLS = ("unicode", "ascii")
LOOKS = ("dark", "light", "terminal")
MORE_LOOKS = (
    "atom-one-dark",
    "atom-one-light",
    "catppuccin-frappe",
    "catppuccin-latte",
    "catppuccin-macchiato",
    "catppuccin-mocha",
    "dracula",
    "flexoki",
    "gruvbox",
    "monokai",
    "nord",
    "rose-pine",
    "rose-pine-dawn",
    "rose-pine-moon",
    "solarized-dark",
    "solarized-light",
    "textual-dark",
    "textual-light",
    "tokyo-night",
)
"""Textual's own that have colours of theirs; asking it would take longer than the first paint may."""
NOTICES = ("bell", "desktop", "off")
CLOCKS = ("24", "12", "locale")
LONGEST_IDLE = 7 * 24 * 60
"""Minutes."""
POLLS_BETWEEN = (2, 60)
"""Seconds."""

LOOKS_OF, TIMES, AWAY, LINK, YOU, KEYS = "Looks", "Times and money", "While you look away", "Connection", "You", "Keys"


@dataclass(frozen=True)
class Settings:
    """What holds. `keymap` has only keys that can be used; `troubles` is what the file has besides."""

    theme: str = setting(
        "dark",
        Choice((*LOOKS, *MORE_LOOKS)),
        LOOKS_OF,
        "Colours",
        "Ours are dark, light and terminal, which takes the terminal's own colours; the rest are well-known ones.",
    )
    symbols: str = setting(
        "unicode",
        Choice(SYMBOLS),
        LOOKS_OF,
        "Signs",
        "Signs as they are in Unicode, or plain ones that every font has.",
    )
    animations: bool = setting(
        True, Flag(), LOOKS_OF, "Animations", "Whether anything on the screen may glide to its place."
    )
    clock: str = setting(
        "24", Choice(CLOCKS), TIMES, "Clock", "18:00, or 6:00 pm, or whichever is usual where your locale is from."
    )
    locale: str | None = setting(
        None,
        Words(re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}(\.[A-Za-z0-9-]{1,16})?(@[a-z]{1,16})?"), "en_GB"),
        TIMES,
        "Locale",
        "How money is written, on which day weeks begin, and whether it is 5 Jun or Jun 5; words stay English.",
        "your system's",
    )
    notices: str = setting(
        "bell",
        Choice(NOTICES),
        AWAY,
        "Notices",
        "What tells you meanwhile that you were mentioned, or that a poll closes.",
    )
    idle_minutes: float = setting(
        30,
        Number(0, LONGEST_IDLE, "minutes"),
        AWAY,
        "Away after",
        "Where a terminal never says whether it is looked at: without a key for so long you count as away; 0 is never.",
    )
    server: str | None = setting(
        None,
        Words(re.compile(r"https?://[^\s/?#@]+[^\s?#@]*"), "https://trips.example.org"),
        LINK,
        "Server",
        "Where the app begins: the one that you used last, unless you write another.",
        "none yet",
    )
    poll_fastest: float = setting(
        2,
        Number(*POLLS_BETWEEN, "seconds"),
        LINK,
        "Ask at most every",
        "Where streams do not get through, how often the server is asked while something happens.",
    )
    poll_slowest: float = setting(
        10,
        Number(*POLLS_BETWEEN, "seconds"),
        LINK,
        "Ask at least every",
        "And while nothing happens. Asking seldom spares a slow line; what others do then comes later.",
    )
    name: str | None = setting(
        None,
        Words(re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,80}"), "Ana"),
        YOU,
        "Your name",
        "How you are called in the next trip that you join as a guest.",
        "none yet",
    )
    keep_sign_in: bool | None = setting(
        None,
        Flag(may_ask=True),
        YOU,
        "Keep sign-ins",
        "Whether a sign-in may be kept in a file of yours where no keyring works.",
        "ask me",
    )
    keymap: Mapping[str, str] = setting({}, Keys(), KEYS, "Keys", "Keys of your own for actions, by their ids.")
    troubles: tuple[Trouble, ...] = ()

    @property
    def trouble(self) -> str | None:
        """What is wrong with the file, in a line: the first thing, and how many more there are."""
        if not self.troubles:
            return None
        first, more = self.troubles[0], len(self.troubles) - 1
        where = "Settings" if first.line is None else f"Settings, line {first.line}"
        rest = f" And {more} more: roadcrew config check" if more else ""
        return f"{where}: {first.sentence}{rest}"


TABLE: Mapping[str, Setting] = {f.name: f.metadata[NAME] for f in fields(Settings) if NAME in f.metadata}
"""All settings by name, in the order in which they are shown."""
