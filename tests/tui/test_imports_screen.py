"""The screen of imports: what a person sees, and what their keys do."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import SIZES, Stage, staged
from tests.tui.importing import SIZE, hotel
from tests.tui.scenes import NASTY, Scene, lisbon

from roadcrew_client.errors import Rejected
from roadcrew_domain.jobs_state import ImportedHotel, RefusedRow
from roadcrew_domain.money import Money
from roadcrew_tui.screens.imports import LOOKED, ImportsScreen


def offering() -> Scene:
    scene = lisbon()
    scene.world.features = ("overview", "polls", "hotels", "quotes", "imports")
    return scene


def half_way(scene: Scene, *rows: ImportedHotel | RefusedRow, who: Any = None, name: str = "algarve.csv") -> str:
    """An import that is half read."""
    desk = scene.world.imports
    job = desk.begin(scene.world, scene.trip_id, who or scene.ben, name)
    desk.connect(scene.world, job)
    if rows:
        desk.come(scene.world, job, *rows, bytes=SIZE // 2)
    return job


@contextlib.asynccontextmanager
async def at_imports(path: Path, scene: Scene, **more: Any) -> AsyncIterator[Stage]:
    async with staged(path, scene, **more) as s:
        s.app.push_screen(ImportsScreen(s.trip))
        await s.until(lambda: isinstance(s.app.screen, ImportsScreen) and s.app.screen.is_mounted, "the imports")
        await s.settle()
        yield s


def screen(s: Stage) -> ImportsScreen:
    assert isinstance(s.app.screen, ImportsScreen)
    return s.app.screen


async def seen(s: Stage, words: str) -> None:
    """Wait for words while something is on its way."""
    for _ in range(1000):
        if words in s.text:
            return
        await s.pilot.pause(0.01)
    raise AssertionError(f"never seen: {words}\n{s.text}")


def toasts(s: Stage) -> list[str]:
    return [n.message for n in s.app._notifications]


# R: J1
@pytest.mark.parametrize("size", SIZES)
async def test_a_trip_without_imports_says_what_an_import_is_and_how_to_begin_one(
    tmp_path: Path, size: tuple[int, int]
):
    async with at_imports(tmp_path, offering(), size=size) as s:
        assert "from a CSV or JSON file, for the whole crew. Press n" in " ".join(s.text.split())
        assert "import a file" in s.text


# R: J1 J3 J6
@pytest.mark.parametrize("size", SIZES)
async def test_an_import_of_somebody_else_is_seen_as_it_goes(tmp_path: Path, size: tuple[int, int]):
    scene = offering()
    was = hotel(3, "Casa Verde", city="Faro", was=Money(9200, "EUR"), price_per_night=Money(8400, "EUR"))
    bad = RefusedRow(2, "bad-price", "The price -4 is none.")
    async with at_imports(tmp_path, scene, size=size) as s:
        focus = s.app.focused
        job = half_way(scene, was, bad)
        for words in (
            "algarve.csv",
            "Ben",
            "under way",
            "50 %",
            "1 hotel, 1 row refused",
            "Casa Verde",
            "€84",
            "was €92",
        ):
            await s.sees(words)
        assert s.app.focused is focus
        scene.world.imports.finish(scene.world, job)
        await s.sees("Done in")
        assert "100 %" in s.text
        assert s.app.focused is focus


async def test_from_the_tab_of_quotes_one_comes_to_the_import_under_the_cursor(tmp_path: Path):
    scene = offering()
    older = half_way(scene, hotel(2), name="older.csv")
    half_way(scene, hotel(3), name="newer.csv")
    async with staged(tmp_path, scene, tab="quotes") as s:
        await s.press("down", "enter")
        await s.until(lambda: isinstance(s.app.screen, ImportsScreen), "the imports")
        assert screen(s).job_id == s.rows("jobs").cursor == older
        await s.press("escape")
        assert "[4 Quotes" in s.text


# R: J4
async def test_a_service_that_went_away_is_said_with_the_time_of_the_next_try(tmp_path: Path):
    scene = offering()
    job = half_way(scene, hotel(2))
    async with at_imports(tmp_path, scene) as s:
        await s.sees("50 %")
        scene.world.imports.away(scene.world, job, 30.0)
        await s.until(lambda: "The service went away, trying again in" in s.text or "trying again" in s.text, "away")
        scene.world.imports.connect(scene.world, job)
        await s.sees("Reading.")


# R: J1 J3
async def test_a_file_is_found_while_its_name_is_typed_and_sent_with_a_currency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "porto.csv").write_text("name,city,stars,price\n" * 100)
    monkeypatch.chdir(tmp_path)
    scene = offering()
    half_way(scene, hotel(2), name="older.csv")
    async with at_imports(tmp_path / "home", scene) as s:
        await s.press("n")
        await s.sees("feeds/")
        await s.type("fe")
        await s.press("down", "enter")
        await s.sees("porto.csv")
        assert "2.2 kB" in s.text
        await s.press("down", "enter")
        await s.type("gbp")
        scene.world.imports.sending.clear()
        s._send("enter")
        await seen(s, "Sending porto.csv: 1.1 kB of 2.2 kB.")
        scene.world.imports.sending.set()
        await s.until(lambda: scene.world.imports.uploads, "the upload")
        assert scene.world.imports.uploads == [("porto.csv", "csv", "GBP", 2200)]
        await s.sees("Waiting for its turn.")
        await s.sees("No hotel has come yet.")
        jobs = s.rows("jobs")
        assert jobs.ids[0] == jobs.cursor == screen(s).job_id


async def test_what_is_no_feed_is_said_below_the_path_and_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    scene = offering()
    async with at_imports(tmp_path / "home", scene) as s:
        await s.press("n")
        await s.type("empty.csv")
        await s.press("ctrl+s")
        await s.sees("That file is empty.")
        await s.press("tab", "tab")
        await s.type("XYZ")
        await s.press("ctrl+s")
        await s.sees("A currency has three letters")
        assert not scene.world.imports.uploads


# R: J3
async def test_a_server_that_refuses_a_feed_is_heard_and_the_screen_is_ready_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x")
    scene = offering()
    scene.world.imports.trouble.append(Rejected("feed-too-large", "A feed has at most 10 bytes.", status=413))
    async with at_imports(tmp_path / "home", scene) as s:
        await s.press("n")
        await s.type("a.csv")
        await s.press("ctrl+s")
        await s.until(lambda: "A feed has at most 10 bytes." in toasts(s), "the reason")
        assert screen(s).upload is None


async def test_who_leaves_while_a_file_is_sent_is_asked_and_can_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x" * 100)
    scene = offering()
    async with at_imports(tmp_path / "home", scene) as s:
        scene.world.imports.sending.clear()
        await s.press("n")
        await s.type("a.csv")
        s._send("ctrl+s")
        await seen(s, "Sending a.csv")
        s._send("escape")
        await seen(s, "still being sent")
        s._send("down")
        s._send("enter")
        await seen(s, "[1 Overview]")
        scene.world.imports.sending.set()
        assert not scene.world.imports.uploads


# R: J1
async def test_an_import_is_cancelled_only_after_asking(tmp_path: Path):
    scene = offering()
    job = half_way(scene, hotel(2))
    async with at_imports(tmp_path, scene) as s:
        await s.press("x", "enter")
        assert scene.world.imports.jobs[job].status == "processing"
        await s.press("x", "down", "enter")
        await s.sees("Cancelled after")
        assert scene.world.imports.jobs[job].status == "cancelled"
        assert "x cancel" not in s.text


async def test_who_neither_began_an_import_nor_organises_is_offered_no_cancel(tmp_path: Path):
    scene = offering()
    half_way(scene, hotel(2))
    async with at_imports(tmp_path, scene, me=scene.carla) as s:
        await s.sees("Reading.")
        assert "x cancel" not in s.text
        await s.press("x")
        assert screen(s) is s.app.screen


# R: J6
async def test_one_key_puts_an_imported_hotel_on_the_shortlist(tmp_path: Path):
    scene = offering()
    half_way(scene, hotel(2, "Casa Verde"), hotel(4, "Casa Roja", price_per_night=Money(100, "EUR")))
    async with at_imports(tmp_path, scene) as s:
        await s.sees("Casa Roja")
        await s.press("enter", "space")
        await s.until(lambda: "Casa Roja" in {h.name for h in scene.world.trips[scene.trip_id].hotels.values()}, "it")
        await s.sees("on the list")
        await s.press("s")
        assert "Casa Roja is on the shortlist already." in toasts(s)
        await s.press("down", "s")
        await s.until(lambda: len(scene.world.trips[scene.trip_id].hotels) == 4, "both")


# R: J6
async def test_hotels_are_sorted_and_filtered_by_the_server(tmp_path: Path):
    scene = offering()
    half_way(scene, *(hotel(n) for n in range(1, 9)))
    async with at_imports(tmp_path, scene) as s:
        await s.sees("cheapest first, 8")
        await s.press("o")
        await s.sees("dearest first, 8")
        assert scene.world.imports.asked[-1]["descending"] is True
        await s.press("slash")
        await s.type("hotel")
        await s.press("enter")
        await s.type("porto")
        await s.press("enter", "right", "right", "right", "enter")
        await s.type("60")
        await s.press("enter")
        await s.sees("with hotel, in porto, 3 stars or more, at most €60")
        asked = scene.world.imports.asked[-1]
        assert (asked["q"], asked["city"], asked["min_stars"], asked["max_price"]) == ("hotel", "porto", 3, 6000)


# R: J6
async def test_a_long_list_comes_page_by_page_while_one_goes_down_and_up_again(tmp_path: Path):
    scene = offering()
    half_way(scene, *(hotel(n, price_per_night=Money(n, "EUR")) for n in range(1, 1001)))
    async with at_imports(tmp_path, scene) as s:
        await s.sees("cheapest first, 1,000")
        await s.press("enter")
        rows = s.rows("imported")
        for _ in range(13):
            await s.press("end")
            assert len(rows.ids) <= 300
        assert rows.cursor == "1000"
        assert "Hotel 1000" in s.text
        for _ in range(13):
            await s.press("home")
        assert rows.cursor == "1"
        assert "Hotel 1 " in s.text
        assert rows.ids == [str(n) for n in range(1, len(rows.ids) + 1)]


async def test_rows_that_come_while_one_is_in_the_list_wait_to_be_asked_for(tmp_path: Path):
    scene = offering()
    job = half_way(scene, hotel(1, price_per_night=Money(900, "EUR")))
    async with at_imports(tmp_path, scene) as s:
        await s.sees("Hotel 1")
        await s.press("enter")
        scene.world.imports.come(scene.world, job, hotel(2, price_per_night=Money(100, "EUR")), bytes=10)
        await s.sees("1 more have come")
        assert "Hotel 2" not in s.text
        await s.press("u")
        await s.sees("Hotel 2")
        assert s.rows("imported").cursor == "1"


async def test_a_list_that_grows_is_asked_for_now_and_then_not_with_each_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("roadcrew_tui.screens.imports.TICK", 3600.0)
    scene = offering()
    job = half_way(scene, hotel(1))
    async with at_imports(tmp_path, scene) as s:
        await s.sees("Hotel 1")
        asked = len(scene.world.imports.asked)
        for line in range(2, 30):
            scene.world.imports.come(scene.world, job, hotel(line), bytes=10)
        await s.sees("29 hotels")
        assert len(scene.world.imports.asked) == asked
        for _ in range(LOOKED):
            screen(s)._tick()
        await s.sees("Hotel 9 ")
        assert len(scene.world.imports.asked) == asked + 1


# R: J3
async def test_refused_rows_are_read_by_line_and_reason(tmp_path: Path):
    scene = offering()
    bad = [RefusedRow(n, "bad-price" if n % 2 else "duplicate", f"Row {n} is bad.") for n in range(5, 205)]
    half_way(scene, hotel(2), *bad)
    async with at_imports(tmp_path, scene) as s:
        await s.press("r")
        await s.sees("line 5     Row 5 is bad.")
        assert "200: 100 bad price, 100 duplicate" in s.text
        await s.press("enter")
        for _ in range(4):
            await s.press("end")
        await s.sees("Row 204 is bad.")
        await s.press("r")
        await s.sees("Hotel 2")


async def test_an_import_that_is_kept_no_longer_says_so(tmp_path: Path):
    scene = offering()
    job = half_way(scene, hotel(2))
    scene.world.imports.finish(scene.world, job)
    scene.world.imports.forget(scene.world, job)
    async with at_imports(tmp_path, scene) as s:
        await s.sees("This import is kept no longer.")


# R: J3
async def test_hostile_names_are_data(tmp_path: Path):
    scene = offering()
    rows = [hotel(n, text, city=text) for n, text in enumerate(NASTY.values(), 1)]
    bad = [RefusedRow(50 + n, text, text) for n, text in enumerate(NASTY.values())]
    half_way(scene, *rows, *bad, name="[@click=app.quit]x[/].csv")
    async with at_imports(tmp_path, scene) as s:
        await s.sees("[@click=app.quit]x[/].csv")
        await s.sees("[bold red]loud[/bold red]")
        assert all(line.isprintable() for line in s.text.split("\n"))
        await s.press("r")
        await s.sees("line 50")
        assert all(line.isprintable() for line in s.text.split("\n"))
