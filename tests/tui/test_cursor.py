"""The terminal's own cursor, which screen magnifiers, input methods and tapes follow, is where the person is."""

from __future__ import annotations

from pathlib import Path

from tests.tui.conftest import Stage, staged
from textual.geometry import Offset

from roadcrew_domain.hotels import ShortlistHotel
from roadcrew_domain.money import Money
from roadcrew_tui import render
from roadcrew_tui.widgets.rows import Row, RowList


def line(stage: Stage) -> str:
    """The line with the terminal's cursor."""
    return stage.text.split("\n")[stage.app.cursor_position.y].rstrip()


async def test_the_terminals_cursor_stands_on_the_row_that_the_keys_move_to(tmp_path: Path) -> None:
    async with staged(tmp_path, tab="hotels") as stage:
        assert "Casa Azul" in line(stage)
        await stage.press("down")
        assert "Alfama" in line(stage)
        await stage.press("up")
        assert "Casa Azul" in line(stage)


async def test_the_terminals_cursor_goes_along_when_its_row_is_moved_by_what_is_above(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        rows = stage.app.focused
        assert isinstance(rows, RowList)
        before = stage.app.cursor_position
        assert "›" in line(stage)
        rows.styles.margin = (3, 0, 0, 0)
        await stage.settle()
        assert stage.app.cursor_position == Offset(before.x, before.y + 3)
        assert "›" in line(stage)


async def test_the_terminals_cursor_stays_on_a_row_in_a_list_that_scrolls(tmp_path: Path) -> None:
    async with staged(tmp_path, tab="hotels") as stage:
        for n in range(40):
            stage.world.do(stage.scene.trip_id, stage.scene.ben.id, ShortlistHotel(f"H{n:02}", "x", 3, Money(1, "EUR")))
        await stage.sees("H00")
        await stage.press("end")
        assert "H39" in line(stage)
        rows = stage.rows("hotels")
        rows.scroll_to(y=0, animate=False, immediate=True)
        await stage.settle()
        assert stage.app.cursor_position.y == rows.content_region.bottom - 1


async def test_a_list_that_has_no_room_may_become_shorter_and_its_cursor_be_put_somewhere(tmp_path: Path) -> None:
    async with staged(tmp_path, tab="hotels") as stage:
        rows = stage.rows("hotels")
        rows.show([Row(str(n), lambda _: render.ours("x")) for n in range(5)])
        await stage.settle()
        rows.display = False
        await stage.settle()
        rows.show([Row("9", lambda _: render.ours("x"))])
        rows.move_to("9")
        assert rows.cursor == "9"


async def test_the_terminals_cursor_is_in_the_field_of_a_form_and_comes_back_from_it(tmp_path: Path) -> None:
    async with staged(tmp_path, in_trip=False) as stage:
        assert "Lisbon" in line(stage)
        await stage.press("n")
        await stage.type("Porto")
        assert line(stage).endswith("Porto")
        await stage.press("escape")
        assert "Lisbon" in line(stage)
