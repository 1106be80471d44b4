"""The app as a terminal without a terminal: pressed is what a keyboard sends, seen is what is painted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest
from rich.cells import cell_len
from tests.support.pictures import drawn

from roadcrew_tui import settings as prefs
from roadcrew_tui.faults import FILE
from roadcrew_tui.pilot.headless import HeadlessTerminal
from roadcrew_tui.pilot.terminal import Ended
from roadcrew_tui.settings import Folders, Settings

QUESTION = "What brings you here?"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody new."""
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path))
    monkeypatch.delenv("ROADCREW_SERVER", raising=False)
    return tmp_path


@contextlib.asynccontextmanager
async def headless(columns: int = 80, rows: int = 24) -> AsyncIterator[HeadlessTerminal]:
    async with HeadlessTerminal(columns, rows) as terminal:
        await seen(terminal, QUESTION)
        yield terminal


async def seen(terminal: HeadlessTerminal, words: str) -> None:
    end = monotonic() + 10
    while words not in terminal.screen().text:
        assert monotonic() < end, terminal.screen().text
        await terminal.changed(end - monotonic())


async def ended(terminal: HeadlessTerminal) -> None:
    """Look on until there is nothing more to see."""
    while await terminal.changed(5):
        pass


# R: G2
async def test_keys_and_pastes_reach_the_app_and_what_it_paints_is_the_screen() -> None:
    async with headless(100, 30) as terminal:
        screen = terminal.screen()
        assert len(screen.lines) == 30
        assert max(cell_len(line) for line in screen.lines) <= 100
        assert screen.lines == tuple(line.rstrip() for line in screen.lines)
        assert "Join a trip" in screen.line
        await terminal.press("down")
        assert "Plan a trip" in terminal.screen().line
        await terminal.press("enter")
        await seen(terminal, "What shall it be called?")
        for key in "Ré, 宿?":
            await terminal.press(key)
        assert terminal.screen().line.endswith("Ré, 宿?")
        await terminal.press("backspace")
        await terminal.press("ctrl+a")
        await terminal.paste("To ")
        assert terminal.screen().line.endswith("To Ré, 宿")
        await terminal.press("shift+tab")
        await terminal.press("escape")
        await seen(terminal, QUESTION)


async def test_what_lies_behind_a_form_is_seen_as_in_a_terminal() -> None:
    async with headless() as terminal:
        await terminal.press("?")
        await seen(terminal, "EVERYWHERE")
        await terminal.press("escape")
        await terminal.press("n")
        await seen(terminal, "PLAN A TRIP")
        assert "      RO▌" in terminal.screen().lines[3]


async def test_the_picture_is_the_one_that_textual_makes() -> None:
    async with headless() as terminal:
        assert drawn(terminal.svg()) == drawn(terminal._app.export_screenshot(title="Roadcrew"))
        assert "Join&#160;a&#160;trip" in terminal.svg()


async def test_the_settings_of_its_home_are_those_of_the_app(home: Path) -> None:
    folders = Folders(home / "config", home / "state", home / "data")
    prefs.save(folders, Settings(theme="light", symbols="ascii"))
    async with headless() as terminal:
        assert terminal._app.theme == "light"
        assert terminal.screen().line.startswith("    > Join")


async def test_what_the_app_copies_can_be_had() -> None:
    async with headless() as terminal:
        assert terminal.copied is None
        terminal._app.copy("https://example.org/j/K7QM-2D4F")
        assert terminal.copied == "https://example.org/j/K7QM-2D4F"


async def test_a_quiet_screen_does_not_change_and_nobody_spins() -> None:
    async with headless() as terminal:
        while await terminal.changed(0.2):
            pass
        began = monotonic()
        assert not await terminal.changed(0.1)
        assert monotonic() - began >= 0.1


async def test_after_the_end_of_the_app_its_last_screen_stays_and_every_call_says_that_it_ended() -> None:
    async with headless() as terminal:
        await terminal.press("q")
        with pytest.raises(Ended, match=r"^Roadcrew has ended\.$"):
            await ended(terminal)
        for call in (terminal.press("a"), terminal.paste("a"), terminal.changed(1)):
            with pytest.raises(Ended):
                await call
        assert QUESTION in terminal.screen().text
        assert "Join" in terminal.svg()


async def test_the_demo_is_for_a_real_terminal() -> None:
    async with headless() as terminal:
        await terminal.press("down")
        await terminal.press("down")
        await terminal.press("enter")
        with pytest.raises(Ended, match="--pty"):
            await terminal.changed(5)


async def test_a_crash_of_the_app_is_a_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with headless() as terminal:
        terminal._app.call_later(lambda: 1 / 0)
        with pytest.raises(Ended, match=r"^Something went wrong in Roadcrew, and it had to stop\.$"):
            await ended(terminal)
        assert QUESTION in terminal.screen().text
    assert "ZeroDivisionError" in (home / "state" / FILE).read_text()
    assert "Traceback" not in capsys.readouterr().err


async def test_leaving_ends_the_app() -> None:
    async with headless() as terminal:
        pass
    await asyncio.sleep(0)
    with pytest.raises(Ended):
        await terminal.press("a")
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
