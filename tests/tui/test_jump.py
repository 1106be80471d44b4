"""Jumping: a label on all that can be clicked, and what typing it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.tui.conftest import SIZES, Stage, staged
from tests.tui.reaching import click, keys
from tests.tui.talk_stage import at_the_talk, chatter, line, stream, talked

from roadcrew_tui.screens import jump_model as model
from roadcrew_tui.screens.jump import Jump
from roadcrew_tui.screens.jump_model import DIGITS, LETTERS, Spot
from roadcrew_tui.screens.trip import TripScreen

pytestmark = pytest.mark.usefixtures("each_frame")


@pytest.mark.parametrize("signs", [LETTERS, DIGITS])
@pytest.mark.parametrize("count", [0, 1, 10, 11, 26, 27, 100])
def test_no_label_begins_with_another(signs: str, count: int):
    found = model.labels(count, signs)
    assert len(found) == len(set(found)) == count
    assert not [(a, b) for a in found for b in found if a != b and b.startswith(a)]


async def opened(s: Stage, key: str = "ctrl+o") -> Jump:
    await s.press(key)
    await s.until(lambda: isinstance(s.app.screen, Jump), "the labels")
    await s.settle()
    assert isinstance(s.app.screen, Jump)
    return s.app.screen


def label_at(s: Stage, words: str, *, row: int | None = None) -> str:
    """The label that stands before or on some words of the screen below."""
    below = s.app.screen_stack[-2]
    jump = s.app.screen
    assert isinstance(jump, Jump)
    lines = ["".join(segment.text for segment in strip) for strip in below._compositor.render_strips()]
    y = next(n for n, text in enumerate(lines) if words in text) if row is None else row % len(lines)
    x = lines[y].index(words)
    near = [(abs(spot.x - x), label) for spot, label in zip(jump._spots, jump._labels, strict=True) if spot.y == y]
    return min(near)[1]


@pytest.mark.parametrize("size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.only_full)])
async def test_a_tab_a_row_and_an_action_are_jumped_to(tmp_path: Path, size: tuple[int, int]):
    async with staged(tmp_path, size=size) as s:
        await opened(s)
        await s.type(label_at(s, "Hotels", row=1))
        await s.until(lambda: s.trip.tab == "hotels", "the tab")
        await opened(s)
        await s.type(label_at(s, "Alfama"))
        await s.until(lambda: s.rows("hotels").cursor == s.scene.alfama, "the row")
        assert s.app.focused is s.rows("hotels")
        await opened(s)
        await s.type(label_at(s, "? help", row=-1))
        await s.sees("MOVING ABOUT")


async def test_labels_are_seen_where_they_lead_to(tmp_path: Path):
    async with staged(tmp_path) as s:
        jump = await opened(s)
        lines = s.text.split("\n")
        for spot, label in zip(jump._spots, jump._labels, strict=True):
            x, words = model.placed(spot, label)
            assert lines[spot.y][x : x + len(words)] == words, (label, lines[spot.y])


@pytest.mark.parametrize(("tab", "marks"), [("hotels", 1), ("", 2)])
@pytest.mark.parametrize("size", SIZES)
async def test_labels_stand_in_brackets_in_place_of_keys_and_cover_no_word(
    tmp_path: Path, tab: str, marks: int, size: tuple[int, int]
):
    async with staged(tmp_path, tab=tab, size=size) as s:
        before = s.text.split("\n")
        jump = await opened(s)
        assert {len(label) for label in jump._labels} == {marks}
        after = s.text.split("\n")
        for word in ("help", "actions", *(("vote", "drop") if tab else ("open", "invite"))):
            assert f" {word} " in before[-1]
            assert after[-1].index(word) == before[-1].index(word)
        assert len(re.findall(r"\[\w{1,2}\]", after[-1])) == sum(spot.key > 0 for spot in jump._spots)
        assert all(f"{n} {words}" in after[1] for n, words in ((1, "Overview"), (2, "Polls"), (3, "Hotels")))


@pytest.mark.parametrize(
    ("spot", "label", "there"),
    [
        (Spot(1, 0, list, key=5), "w", (1, "[w]  ")),
        (Spot(1, 0, list, key=5), "aw", (1, "[aw] ")),
        (Spot(9, 0, list, key=1), "e", (8, "[e]")),
        (Spot(9, 0, list, key=1), "ae", (7, "[ae]")),
        (Spot(1, 0, list, key=1), "ae", (0, "ae")),
        (Spot(2, 0, list, ahead=True), "ae", (0, "ae")),
        (Spot(0, 4, list), "ae", (0, "ae")),
    ],
)
def test_a_label_ends_before_the_words_that_it_leads_to(spot: Spot, label: str, there: tuple[int, str]):
    assert model.placed(spot, label) == there


@pytest.mark.parametrize("turn", ["f3", "ф", *(pytest.param(t, marks=pytest.mark.only_full) for t in ("tab", "click"))])
async def test_digits_do_where_a_keyboard_sends_no_latin_letters(tmp_path: Path, turn: str):
    async with staged(tmp_path) as s:
        await opened(s, "f3")
        await (click(s, "f3 digits", row=0) if turn == "click" else s.press(turn))
        label = label_at(s, "Polls", row=1)
        assert label.isdecimal()
        await keys(s, *label)
        await s.until(lambda: s.trip.tab == "polls", "the tab")


@pytest.mark.parametrize("key", ["escape", "ctrl+o"])
async def test_it_is_left_and_nothing_has_changed(tmp_path: Path, key: str):
    async with staged(tmp_path) as s:
        before = s.app.focused
        await opened(s)
        await s.press(key)
        await s.until(lambda: isinstance(s.app.screen, TripScreen), "the trip")
        assert s.app.focused is before


async def test_labels_that_would_stand_elsewhere_on_a_terminal_of_another_size_go(tmp_path: Path):
    async with staged(tmp_path) as s:
        await opened(s)
        await s.resize(120, 36)
        await s.until(lambda: isinstance(s.app.screen, TripScreen), "the trip")


async def test_what_begins_no_label_begins_anew(tmp_path: Path):
    async with staged(tmp_path, size=(120, 36)) as s:
        jump = await opened(s)
        assert {len(label) for label in jump._labels} == {2}
        first = jump._labels[-1][0]
        await s.type(first + "m")
        assert s.app.screen is jump
        await s.type(label_at(s, "Polls", row=1))
        await s.until(lambda: s.trip.tab == "polls", "the tab")


async def test_one_jumps_out_of_a_line_to_write_in_and_back(tmp_path: Path):
    scene = talked()
    chatter(scene, 3)
    async with at_the_talk(tmp_path, scene) as s:
        line(s).focus()
        await s.settle()
        for widget, key in ((stream(s), "f3"), (line(s), "ctrl+o")):
            jump = await opened(s, key)
            spot = next(n for n, spot in enumerate(jump._spots) if widget.region.contains(spot.x, spot.y))
            await s.type(jump._labels[spot])
            await s.until(lambda widget=widget: s.app.focused is widget, "the focus there")  # type: ignore[misc]
        assert line(s).text == ""
