"""Everything that is written can be read: a contrast of at least 4.5 (WCAG AA), also on highlighted rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from tests.tui.conftest import Stage, staged
from tests.tui.measured import LIVE, OFFLINE, POLLING
from tests.tui.talk_stage import at_the_talk, conversation, had_read, says, talked
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from roadcrew_client import SyncFigures
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.settings_model import MORE_LOOKS
from roadcrew_tui.themes import look

READABLE = 4.5
INKS = ("foreground", "ink-muted", "ink-heading", "ink-accent", "ink-good", "ink-warn", "ink-bad")
GROUNDS = ("background", "surface", "panel", "row-cursor")
DRAWING = re.compile(r"^[\s━─█▀▄▌▊▎▋]*$")
"""Bars, scroll bars and edges; what they say is also said in words."""


@pytest.mark.parametrize("theme", ["dark", "light", *MORE_LOOKS])
def test_every_ink_is_readable_on_every_ground(theme: str):
    colours = {**look(theme).to_color_system().generate(), **look(theme).variables}
    for ink in INKS:
        for ground in GROUNDS:
            contrast = _contrast(colours[ink], colours[ground])
            assert contrast >= READABLE, f"{ink} on {ground}: {contrast:.2f}"


def test_all_looks_of_textual_that_have_colours_can_be_chosen():
    assert set(MORE_LOOKS) == {name for name, theme in BUILTIN_THEMES.items() if not theme.ansi}
    assert list(MORE_LOOKS) == sorted(MORE_LOOKS)


def _contrast(ink: str, ground: str) -> float:
    return _ratio(Color.parse(ink), Color.parse(ground))


def _ratio(a: Color, b: Color) -> float:
    lighter, darker = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(c: Color) -> float:
    parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c.r / 255, c.g / 255, c.b / 255)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_the_measure_itself_is_right():
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def faint(s: Stage) -> Iterator[str]:
    """Words on the screen that can't be read well."""
    for strip in s.app.screen._compositor.render_strips():
        for segment in strip:
            style = segment.style
            if style is None or DRAWING.match(segment.text) or style.color is None or style.bgcolor is None:
                continue
            if style.color.triplet is None or style.bgcolor.triplet is None:
                continue
            ratio = _ratio(Color(*style.color.triplet), Color(*style.bgcolor.triplet))
            if ratio < READABLE or style.dim:
                yield f"{segment.text!r}: {ratio:.2f}"


@pytest.mark.parametrize(
    "theme",
    [
        "dark",
        "light",
        "solarized-dark",
        *(pytest.param(n, marks=pytest.mark.only_full) for n in MORE_LOOKS if n != "solarized-dark"),
    ],
)
async def test_every_word_of_every_tab_is_readable_as_it_is_drawn(tmp_path: Path, theme: str):
    async with staged(tmp_path, size=(120, 36)) as s:
        s.app.wear(theme)
        seen = 0
        for keys in ((), ("2",), ("enter", "y"), ("3",), ("down",)):
            await s.press(*keys)
            await s.settle()
            assert list(faint(s)) == []
            seen += len(s.text.split())
        assert seen > 200


# R: C10, T12
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("figures", [LIVE, POLLING, OFFLINE], ids=lambda figures: figures.state)
async def test_every_word_about_the_connection_is_readable(tmp_path: Path, theme: str, figures: SyncFigures):
    async with staged(tmp_path, size=(120, 36)) as s:
        s.app.theme = theme
        s.world.figures = figures
        await s.press("I")
        await s.sees("HOW IT WENT")
        assert list(faint(s)) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_every_word_of_talk_is_readable(tmp_path: Path, theme: str):
    scene = talked()
    conversation(scene, ["One", "Two\nlines", f"@{scene.ana.name} three", "Four"])
    had_read(tmp_path, scene, 2)
    async with at_the_talk(tmp_path, scene, size=(120, 36)) as s:
        s.app.theme = theme
        for keys in ((), ("end",), ("c",), ("@",), ("escape", "up")):
            await s.press(*keys)
            assert list(faint(s)) == []


async def test_talk_takes_the_terminals_own_colours(tmp_path: Path):
    scene = talked()
    says(scene, scene.ben, "One")
    async with at_the_talk(tmp_path, scene) as s:
        s.app.theme = "terminal"
        await s.press("c", "a", "escape")
        strips = s.app.screen._compositor.render_strips()
        for segment in (segment for strip in strips for segment in strip if segment.style and segment.text.strip()):
            colours = (segment.style.color, segment.style.bgcolor)  # type: ignore[union-attr]
            assert all(colour is None or colour.is_default for colour in colours), segment
        row = next(strip for strip in strips if "One" in strip.text)
        assert any(segment.style and segment.style.reverse for segment in row), "the cursor's row is reversed"


async def test_the_terminals_own_colours_are_none_where_nobody_wants_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NO_COLOR", "1")
    styles: list[Style | None] = []
    async with staged(tmp_path) as s:
        for theme in ("terminal", "dark", "terminal"):
            s.app.wear(theme)
            await s.settle()
            styles = [x.style for strip in s.app.screen._compositor.render_strips() for x in strip if x.text.strip()]
            assert len(styles) > 10
            for style in styles:
                assert style is not None
                assert style.color is None or style.color.is_default or style.color != style.bgcolor
        assert all(style.color is None or style.color.is_default for style in styles if style)


async def test_the_terminals_own_colours_are_left_alone(tmp_path: Path):
    async with staged(tmp_path) as s:
        s.app.theme = "terminal"
        await s.settle()
        assert "When do we fly?" in s.text
        for strip in s.app.screen._compositor.render_strips():
            for segment in strip:
                if segment.style is not None and segment.text.strip():
                    for colour in (segment.style.color, segment.style.bgcolor):
                        assert colour is None or colour.is_default, segment
        row = next(strip for strip in s.app.screen._compositor.render_strips() if "When do we fly?" in strip.text)
        assert any(seg.style and seg.style.reverse for seg in row), "the cursor's row is reversed"


def behind(s: Stage) -> list[Segment]:
    """What is drawn in the first line, where no dialog of ours begins."""
    return [segment for segment in s.app.screen._compositor.render_strips()[0] if segment.text.strip()]


@pytest.mark.parametrize("keys", [("question_mark",), ("slash",), ("ctrl+p",), ("i",), ("comma", "enter")], ids=str)
async def test_in_the_terminals_own_colours_what_is_behind_a_dialog_stays_to_be_seen(
    tmp_path: Path, keys: tuple[str, ...]
):
    async with staged(tmp_path, size=(120, 36)) as s:
        s.app.wear("terminal")
        await s.press(*keys[:-1])
        await s.settle()
        title = s.text.split("\n")[0].split()[0]
        await s.press(keys[-1])
        await s.settle()
        assert s.app.screen.is_modal
        assert title in s.text.split("\n")[0]
        if isinstance(s.app.screen, Dialog):
            assert all(one.style.dim for one in behind(s) if one.style) == s.app.screen.DIMS
