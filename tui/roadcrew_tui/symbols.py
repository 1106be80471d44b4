"""The signs that the screens use, as Unicode or as plain ASCII. Never the only carrier of a meaning: words or
position say the same."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Symbols:
    """One sign for each meaning."""

    cursor: str = "›"
    here: str = "●"
    away: str = "○"
    half: str = "◐"
    waiting: str = "◌"
    yes: str = "✓"
    maybe: str = "~"
    no: str = "✗"
    open: str = "?"
    nothing: str = "·"
    dot: str = "·"
    badge: str = "•"
    star: str = "★"
    no_star: str = "☆"
    like: str = "♥"
    saved: str = "⚑"
    talk: str = "❝"
    quote: str = "│"
    vote: str = "●"
    full: str = "●"
    empty: str = "○"
    less: str = "−"
    bar: str = "━"
    bar_rest: str = "─"
    ellipsis: str = "…"
    rule: str = "─"
    levels: str = "▁▂▃▄▅▆▇█"
    ends: str = "▁▂▃▄▅▆▇ "


UNICODE = Symbols()
ASCII = Symbols(
    cursor=">",
    here="*",
    away="o",
    half="%",
    waiting="o",
    yes="v",
    maybe="~",
    no="x",
    nothing=".",
    dot="-",
    badge="*",
    no_star=".",
    like="<3",
    saved="#",
    talk='"',
    quote="|",
    star="*",
    vote="*",
    full="#",
    empty=".",
    less="-",
    bar="#",
    bar_rest=".",
    ellipsis="..",
    rule="-",
    levels="_.-=+*#@",
    ends=" " * 8,
)

_in_use = [UNICODE]


def use(name: str) -> None:
    """Draw with `unicode` or `ascii` signs from now on."""
    _in_use[0] = ASCII if name == "ascii" else UNICODE


def sign() -> Symbols:
    """The signs in use."""
    return _in_use[0]
