"""Our three looks: dark, light, and the terminal's own colours; and Textual's, with inks that can be read.

`ink-…` variables are for text; each has a contrast of at least 4.5 on the ground and on a highlighted row
(`tests/tui/test_contrast.py` computes it from what Textual resolves).
"""

from dataclasses import replace
from functools import lru_cache

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

_DARK = {
    "ink-muted": "#a3aab8",
    "ink-faint": "#4a5160",
    "ink-heading": "#c3b8a0",
    "ink-accent": "#8fc1e3",
    "ink-good": "#93cfa1",
    "ink-warn": "#e8c07d",
    "ink-bad": "#f2a097",
    "row-cursor": "#2a3342",
    "row-cursor-blurred": "#1f242d",
}
_LIGHT = {
    "ink-muted": "#5a6069",
    "ink-faint": "#c9c4ba",
    "ink-heading": "#6b5a32",
    "ink-accent": "#1f5f8b",
    "ink-good": "#2a6b3c",
    "ink-warn": "#7f5410",
    "ink-bad": "#a5342b",
    "row-cursor": "#e3e6e6",
    "row-cursor-blurred": "#efece6",
}
_TERMINAL = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "link-background-hover": "ansi_default",
    "screen-selection-background": "ansi_default",
    "screen-selection-foreground": "ansi_default",
    "input-selection-background": "ansi_default",
    "input-selection-foreground": "ansi_default",
    "block-cursor-background": "ansi_default",
    "block-cursor-foreground": "ansi_default",
    "block-cursor-text-style": "reverse",
    "ink-muted": "ansi_default",
    "ink-faint": "ansi_default",
    "ink-heading": "ansi_default",
    "ink-accent": "ansi_default",
    "ink-good": "ansi_default",
    "ink-warn": "ansi_default",
    "ink-bad": "ansi_default",
    "row-cursor": "ansi_default",
    "row-cursor-blurred": "ansi_default",
    "border": "ansi_default",
    "border-blurred": "ansi_default",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "scrollbar": "ansi_default",
    "scrollbar-hover": "ansi_default",
    "scrollbar-active": "ansi_default",
    "scrollbar-background": "ansi_default",
    "scrollbar-background-hover": "ansi_default",
    "scrollbar-background-active": "ansi_default",
}


def _quiet_bars(ground: str, thumb: str) -> dict[str, str]:
    return {
        "scrollbar": thumb,
        "scrollbar-hover": thumb,
        "scrollbar-active": thumb,
        "scrollbar-background": ground,
        "scrollbar-background-hover": ground,
        "scrollbar-background-active": ground,
        "scrollbar-corner-color": ground,
    }


DARK = Theme(
    name="dark",
    primary="#8fc1e3",
    secondary="#c3b8a0",
    accent="#8fc1e3",
    warning="#e8c07d",
    error="#f2a097",
    success="#93cfa1",
    foreground="#dde1e8",
    background="#151920",
    surface="#1b2029",
    panel="#222834",
    dark=True,
    variables={**_DARK, **_quiet_bars("#151920", "#3a4252"), "border": "#4f6d86", "border-blurred": "#3a4252"},
)
LIGHT = Theme(
    name="light",
    primary="#1f5f8b",
    secondary="#6b5a32",
    accent="#1f5f8b",
    warning="#7f5410",
    error="#a5342b",
    success="#2a6b3c",
    foreground="#23272d",
    background="#faf8f3",
    surface="#f3f0e9",
    panel="#ebe7de",
    dark=False,
    variables={**_LIGHT, **_quiet_bars("#faf8f3", "#c9c4ba"), "border": "#7f9fb6", "border-blurred": "#c9c4ba"},
)
TERMINAL = Theme(
    name="terminal",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_default",
    accent="ansi_blue",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables=_TERMINAL,
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT, TERMINAL)}


_INKS = {
    "ink-muted": "foreground",
    "ink-heading": "secondary",
    "ink-accent": "primary",
    "ink-good": "success",
    "ink-warn": "warning",
    "ink-bad": "error",
}
"""What each ink is made from where a look is not ours."""
_GROUNDS = ("background", "surface", "panel")
READABLE = 4.5
"""The least contrast of what is written."""
_STEPS = 25


@lru_cache(maxsize=4)
def look(name: str) -> Theme:
    """A look by its name: ours, or one of Textual's, whose inks are made readable. Raises `KeyError`."""
    return THEMES[name] if name in THEMES else _readable(BUILTIN_THEMES[name])


def _readable(theme: Theme) -> Theme:
    """With inks of its own colours, each moved towards black or white until it can be read everywhere."""
    resolved = theme.to_color_system().generate()
    colours = {name: Color.parse(resolved[name]) for name in (*_GROUNDS, "foreground", *_INKS.values())}
    ground, end = colours["background"], Color.parse("#ffffff" if theme.dark else "#000000")
    row, blurred = (ground.blend(colours["foreground"], share) for share in (0.14, 0.07))
    grounds = [*(colours[name] for name in _GROUNDS), row, blurred]

    def readable(colour: Color) -> str:
        steps = (colour.blend(end, step / _STEPS) for step in range(_STEPS + 1))
        return next(ink for ink in steps if ink == end or all(contrast(ink, on) >= READABLE for on in grounds)).hex

    muted = colours["foreground"].blend(ground, 0.3)
    inks = {name: readable(muted if name == "ink-muted" else colours[of]) for name, of in _INKS.items()}
    edge = ground.blend(colours["foreground"], 0.3).hex
    return replace(
        theme,
        foreground=readable(colours["foreground"]),
        variables={
            **theme.variables,
            **inks,
            **_quiet_bars(ground.hex, edge),
            "ink-faint": edge,
            "row-cursor": row.hex,
            "row-cursor-blurred": blurred.hex,
            "border": ground.blend(Color.parse(inks["ink-accent"]), 0.5).hex,
            "border-blurred": edge,
        },
    )


def contrast(ink: Color, ground: Color) -> float:
    """How well one is told from the other, from 1 to 21, as WCAG counts it."""
    lighter, darker = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    parts = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in colour.normalized)
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
