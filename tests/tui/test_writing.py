"""Writing something longer: in the app, in one's own editor, and what is kept while one writes."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tui.conftest import Stage, leaving, staged
from textual.widgets import Input

from roadcrew_domain.refusals import Refused
from roadcrew_tui import outside_editor
from roadcrew_tui.drafts import MOST, About, Drafts
from roadcrew_tui.keeping import Keeper
from roadcrew_tui.outside_editor import EditorFailed, edit
from roadcrew_tui.screens.writing import Sheet, Writing
from roadcrew_tui.widgets.pad import Pad

ABOUT = About("https://trips.example", "ana", "feed:trip:1:blogs")
BLOG = Sheet("Write a blog", "publish", 20_000, 120)


def editor(tmp_path: Path, does: str) -> list[str]:
    """A program that does something to the file that it is given."""
    script = tmp_path / "editor.py"
    script.write_text(f"import sys, os, pathlib\nfile = pathlib.Path(sys.argv[1])\n{does}\n")
    return [sys.executable, str(script)]


@pytest.fixture
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


# --- one's own editor ------------------------------------------------------------------------------


# R: F6
def test_what_the_editor_wrote_is_the_text_and_its_file_is_gone(tmp_path: Path, tmp: Path) -> None:
    command = editor(tmp_path, "file.write_text(file.read_text() + ' and tarts\\n')")
    assert edit("Trams", command, longest=100) == "Trams and tarts"
    assert list(tmp.iterdir()) == []


# R: F6
@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
def test_nobody_else_can_look_into_the_file(tmp_path: Path, tmp: Path) -> None:
    edit(
        "secret",
        editor(tmp_path, f"open({str(tmp_path / 'mode')!r}, 'w').write(oct(file.parent.stat().st_mode))"),
        longest=9,
    )
    assert stat.S_IMODE(int((tmp_path / "mode").read_text(), 8)) == 0o700


# R: F6
def test_what_a_terminal_would_obey_is_taken_out_of_what_the_editor_wrote(tmp_path: Path, tmp: Path) -> None:
    command = editor(tmp_path, r"file.write_bytes('a\x1b[31mb\u202ec\r\n\td\x00'.encode())")
    assert edit("", command, longest=100) == "a[31mbc\n d"


# R: F6
@pytest.mark.parametrize("does", ["file.write_text('other'); sys.exit(3)", "os.kill(os.getpid(), 9)"])
def test_when_the_editor_fails_the_text_is_as_it_was(tmp_path: Path, tmp: Path, does: str) -> None:
    with pytest.raises(EditorFailed, match="Your text is as it was"):
        edit("mine", editor(tmp_path, does), longest=100)
    assert list(tmp.iterdir()) == []


def test_an_editor_that_is_not_there_is_told_of(tmp: Path) -> None:
    with pytest.raises(EditorFailed, match="can't be used"):
        edit("mine", ["/nowhere/editor"], longest=100)
    assert list(tmp.iterdir()) == []


# R: F6
@pytest.mark.parametrize(
    ("does", "why"), [("file.write_text('x' * 101)", "longer than 100"), ("file.write_bytes(b'\\xff')", "no text")]
)
def test_what_can_not_be_used_of_an_editor_is_kept_where_it_says(
    tmp_path: Path, tmp: Path, does: str, why: str
) -> None:
    with pytest.raises(EditorFailed, match=why) as told:
        edit("mine", editor(tmp_path, does), longest=100)
    (folder,) = tmp.iterdir()
    assert str(folder / "text.md") in str(told.value)
    assert (folder / "text.md").exists()


def test_the_editor_is_the_one_that_was_named() -> None:
    assert outside_editor.chosen({"EDITOR": "vi", "VISUAL": "code --wait"}) == ["code", "--wait"]
    assert outside_editor.chosen({"EDITOR": "vi"}) == ["vi"]
    assert outside_editor.chosen({}) == []
    with pytest.raises(EditorFailed):
        outside_editor.chosen({"EDITOR": "vi 'x"})


# --- drafts ----------------------------------------------------------------------------------------


def test_a_draft_is_read_by_who_wrote_it_about_the_same_thing(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "drafts", keeper := Keeper())
    drafts.keep(ABOUT, "Day one", "Trams", "")
    assert keeper.settle(10)
    found = drafts.find(ABOUT)
    assert found is not None
    assert (found.title, found.text) == ("Day one", "Trams")
    assert drafts.find(About(ABOUT.server, "ben", ABOUT.topic)) is None
    drafts.drop(ABOUT)
    assert keeper.settle(10)
    assert drafts.find(ABOUT) is None


@pytest.mark.parametrize("kept", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"title":1}'])
def test_a_damaged_draft_is_none(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / ABOUT.name).write_bytes(kept)
    assert Drafts(tmp_path, Keeper()).find(ABOUT) is None


def test_only_the_newest_drafts_are_kept(tmp_path: Path) -> None:
    keeper = Keeper()
    for n in range(MOST + 5):
        (tmp_path / f"{n}.json").write_text("{}")
        os.utime(tmp_path / f"{n}.json", (n, n))
    Drafts(tmp_path, keeper).keep(ABOUT, "", "new", "")
    assert keeper.settle(10)
    assert len(list(tmp_path.iterdir())) == MOST
    assert not (tmp_path / "0.json").exists()


# --- the sheet -------------------------------------------------------------------------------------


async def writing(s: Stage, sheet: Sheet = BLOG, refuses: str = "") -> list[tuple[str, str]]:
    """Open it; what is sent goes into the list."""
    sent: list[tuple[str, str]] = []

    async def send(title: str, text: str) -> None:
        if refuses:
            raise Refused("text-missing", "invalid", refuses)
        sent.append((title, text))

    s.app.push_screen(Writing(sheet, ABOUT, send))
    await s.until(lambda: isinstance(s.app.screen, Writing) and s.app.focused is not None)
    return sent


# R: F6
async def test_a_blog_is_written_looked_at_and_sent(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        sent = await writing(s)
        await s.type("Day one")
        await s.press("enter")
        await s.type("# Trams")
        await s.press("enter", "enter")
        await s.type("- one")
        await s.sees("14 of 20,000")
        await s.press("ctrl+r")
        await s.sees("• one")
        await s.press("escape", "ctrl+s")
        assert sent == [("Day one", "# Trams\n\n- one")]
        assert not isinstance(s.app.screen, Writing)


# R: F6
async def test_what_was_typed_is_there_again_after_leaving_or_a_crash(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        await writing(s)
        await s.type("Day one")
        await s.press("enter")
        await s.type("Trams")
        await s.press("escape")
        await s.sees("Kept as a draft")
        assert s.app.keeper.settle(10)
    async with staged(tmp_path) as s:
        sent = await writing(s)
        await s.sees("Your draft")
        assert s.app.screen.query_one("#title-field", Input).value == "Day one"
        assert s.app.screen.query_one(Pad).text == "Trams"
        await s.press("ctrl+s")
        assert sent == [("Day one", "Trams")]
        await writing(s)
        assert s.app.screen.query_one(Pad).text == ""


async def test_a_draft_is_kept_while_one_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadcrew_tui.screens.writing.KEPT_AFTER", 0.01)
    async with staged(tmp_path) as s:
        await writing(s)
        await s.type("Day one")
        await s.until(lambda: s.app.drafts.find(ABOUT) is not None)


async def test_what_a_server_refuses_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        await writing(s, refuses="The text is empty.")
        await s.type("Day one")
        await s.press("ctrl+s")
        await s.sees("The text is empty.")
        assert s.app.screen.query_one("#title-field", Input).value == "Day one"


async def test_everything_can_be_reached_by_tab_arrows_and_enter(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        sent = await writing(s)
        await s.type("Day one")
        await s.press("tab")
        await s.type("Trams")
        await s.press("tab", "right", "enter")
        await s.sees("ctrl+r write")
        await s.press("escape", "tab", "left", "enter")
        assert sent == [("Day one", "Trams")]


async def test_throwing_it_away_asks_and_leaves_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        await writing(s)
        await s.type("Day one")
        await s.press("tab", "tab", "left", "enter")
        await s.sees("Throw away what you have typed")
        await s.press("down", "enter")
        assert not isinstance(s.app.screen, Writing)
        assert s.app.keeper.settle(10)
        assert s.app.drafts.find(ABOUT) is None


async def test_what_is_pasted_is_no_more_than_there_is_room_for(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        await writing(s, Sheet("Write", "send", 100))
        await s.paste("x\x1b[31m" * 100_000)
        await s.sees("There was no room for all of it.")
        assert len(s.app.screen.query_one(Pad).text) == 200
        assert "\x1b" not in s.app.screen.query_one(Pad).text


# R: F6
async def test_the_text_goes_to_the_editor_and_comes_back(
    tmp_path: Path, tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = editor(tmp_path, "file.write_text(file.read_text().upper())")
    monkeypatch.setattr(outside_editor, "chosen", lambda: command)

    @contextlib.contextmanager
    def aside() -> Iterator[None]:
        yield

    async with staged(tmp_path) as s:
        monkeypatch.setattr(s.app, "suspend", aside)
        await writing(s)
        await s.press("tab")
        await s.type("trams")
        await s.press("ctrl+o")
        assert s.app.screen.query_one(Pad).text == "TRAMS"
        await s.press("ctrl+z")
        assert s.app.screen.query_one(Pad).text == "trams"


async def test_where_no_editor_is_named_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_editor, "chosen", list)
    async with staged(tmp_path) as s:
        await writing(s)
        await s.press("ctrl+o")
        await s.sees("No editor is named")


async def test_an_editor_that_cant_be_started_leads_back_to_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside_editor, "chosen", lambda: ["no-such-editor"])
    async with staged(tmp_path) as s:
        steps = leaving(s, monkeypatch)
        await writing(s)
        await s.press("tab")
        await s.type("trams")
        await s.press("ctrl+o")
        await s.sees("The editor can't be used")
        assert steps == ["left", "back"]
        assert s.app.screen.query_one(Pad).text == "trams"
