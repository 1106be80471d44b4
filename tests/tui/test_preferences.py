"""The screen of settings: what is changed there holds at once, and changes one line of the file."""

from __future__ import annotations

import sys
import threading
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import Stage, folders, leaving, staged
from tests.tui.test_contrast import faint

from roadcrew_tui import symbols, when
from roadcrew_tui.host import OWN, VISITOR
from roadcrew_tui.screens import preferences_model as model
from roadcrew_tui.screens.own_keys import OwnKeysScreen
from roadcrew_tui.screens.preferences import PreferencesScreen
from roadcrew_tui.setting import Keys
from roadcrew_tui.settings import Settings, load
from roadcrew_tui.settings_model import TABLE

NOW = datetime(2026, 5, 18, 18, 0, tzinfo=UTC)
FILE = """\
# Mine.
theme = "dark"  # for the evening
later = 1

[keymap]
# Mine too.
"trip.invite" = "v"
"""


async def at(s: Stage, name: str) -> None:
    """To the screen, and to a setting there."""
    if not isinstance(s.app.screen, PreferencesScreen):
        await s.press("comma")
        await s.until(lambda: isinstance(s.app.screen, PreferencesScreen), "the settings")
    rows = s.rows("settings")
    await s.press("home", *["down"] * rows.ids.index(name))
    assert rows.cursor == name


def kept(s: Stage) -> str:
    assert s.app.keeper.settle(20)
    return s.app.folders.settings_file.read_text("utf-8")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_every_setting_is_on_the_screen_with_its_value_and_what_it_does(tmp_path: Path, size: tuple[int, int]):
    async with staged(tmp_path, size=size) as s:
        await s.press("comma")
        await s.sees("SETTINGS")
        for name, setting in TABLE.items():
            await s.press("home" if name == "theme" else "down")
            row = next(line for line in s.text.split("\n") if f"› {setting.title}" in line)
            assert model.words(name, getattr(s.app.settings, name)) in row
            assert " ".join(setting.help.split()[:6]) in " ".join(s.text.replace("\n", " ").split())
        assert list(faint(s)) == []


# R: T5
async def test_what_is_chosen_holds_at_once_and_changes_one_line_of_the_file(tmp_path: Path):
    file = folders(tmp_path).settings_file
    file.parent.mkdir(parents=True)
    file.write_text(FILE)
    async with staged(tmp_path, size=(120, 36)) as s:
        await at(s, "theme")
        await s.press("right")
        assert s.app.theme == "light"
        assert kept(s).splitlines()[:2] == ["# Mine.", 'theme = "light"']
        assert kept(s).splitlines()[2:] == FILE.splitlines()[2:]
        before = kept(s).splitlines()
        await at(s, "symbols")
        await s.press("enter")
        assert "> Signs" in s.text
        await at(s, "animations")
        await s.press("enter")
        assert s.app.animation_level == "none"
        await at(s, "clock")
        await s.press("right")
        assert when.time_of(NOW, UTC) == "6:00 pm"
        added = ['symbols = "ascii"', "animations = false", 'clock = "12"']
        assert sorted(kept(s).splitlines()) == sorted([*before, *added])
        await s.press("d")
        assert s.app.settings.clock == "24"
        await at(s, "keep_sign_in")
        await s.press("left")
        assert s.app.settings.keep_sign_in is False
        await s.until(lambda: not s.app.link._tokens._keeps, "no sign-in goes into a file from now on")


async def test_what_is_typed_is_checked_before_it_holds(tmp_path: Path):
    async with staged(tmp_path, size=(120, 36)) as s:
        await at(s, "poll_slowest")
        await s.press("enter")
        await s.type("90")
        await s.press("enter")
        await s.sees("Write a number from 2 to 60.")
        await s.press("ctrl+u")
        await s.type("1,5")
        await s.press("enter")
        await s.sees("Write a number from 2 to 60.")
        await s.press("ctrl+u")
        await s.type("30")
        await s.press("enter")
        await s.until(lambda: s.world.pace == (2, 30), "the link asks at this pace")
        assert "poll_slowest = 30\n" in kept(s)
        assert "30 seconds" in s.text


async def test_a_look_is_worn_while_the_cursor_is_on_it_and_taken_off_by_esc(tmp_path: Path):
    async with staged(tmp_path) as s:
        await at(s, "theme")
        await s.press("enter", "down", "down", "down")
        await s.sees("COLOURS")
        assert s.app.theme == "atom-one-dark"
        assert s.app.settings.theme == "dark"
        await s.press("escape")
        assert s.app.theme == "dark"
        await s.press("enter", *["down"] * model.choices("theme").index("nord"), "enter")
        assert (s.app.theme, load(folders(tmp_path)).theme if kept(s) else "") == ("nord", "nord")
        await s.press("ctrl+t")
        assert s.app.theme == "dark", "round the three of ours again"


async def test_an_action_gets_the_key_that_is_pressed_and_one_that_is_taken_is_refused(tmp_path: Path):
    async with staged(tmp_path, size=(120, 36)) as s:
        await at(s, "keymap")
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, OwnKeysScreen), "the keys")
        rows = s.rows("own-keys")
        await s.press(*["down"] * rows.ids.index("trip.invite"))
        await s.press("enter")
        await s.sees("Press the key that it is to have.")
        await s.press("s")
        await s.sees("s can't be the key of trip.invite")
        assert s.app.settings.keymap == {}
        await s.press("enter", "escape")
        assert s.app.settings.keymap == {}
        await s.press("enter", "V")
        assert s.app.settings.keymap == {"trip.invite": "V"}
        assert kept(s).endswith('[keymap]\n"trip.invite" = "V"\n')
        await s.press("escape", "escape")
        await s.sees("V invite")
        await s.press("V")
        await s.sees("Code")
        await s.press("escape")
        await at(s, "keymap")
        assert "1 of your own" in s.text
        await s.press("enter", *["down"] * rows.ids.index("trip.invite"), "d")
        assert s.app.settings.keymap == {}
        assert "trip.invite" not in kept(s)


async def test_the_file_can_be_edited_and_holds_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    script = tmp_path / "editor.py"
    script.write_text("import sys, pathlib\npathlib.Path(sys.argv[1]).write_text('theme = \"nord\"\\nwhat = 1\\n')\n")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    async with staged(tmp_path, size=(120, 36)) as s:
        monkeypatch.setattr(s.app, "suspend", nullcontext)
        await at(s, "theme")
        await s.press("e")
        await s.until(lambda: s.app.theme == "nord", "what the file says")
        await s.sees("line 2: There is no setting called what")


async def test_an_editor_that_cant_be_started_leads_back_to_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("VISUAL", "no-such-editor")
    async with staged(tmp_path, size=(120, 36)) as s:
        steps = leaving(s, monkeypatch)
        await at(s, "theme")
        await s.press("e")
        await s.sees("The editor can't be used: No such file or directory.")
        assert steps == ["left", "back"]
        await s.sees("SETTINGS")


async def test_where_no_editor_is_named_none_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    async with staged(tmp_path, size=(120, 36)) as s:
        await at(s, "theme")
        assert "your editor" not in s.text
        monkeypatch.setenv("EDITOR", "vi 'x")
        s.app.redraw_all()
        assert "e your editor" in s.text, "which says what is wrong with it"


async def test_an_editor_is_opened_on_a_file_that_has_what_was_just_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script, seen = tmp_path / "editor.py", tmp_path / "seen"
    script.write_text(f"import shutil, sys\nshutil.copy(sys.argv[1], {str(seen)!r})\n")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    awaited = threading.Event()
    async with staged(tmp_path, size=(120, 36)) as s:
        settle = s.app.keeper.settle

        def asked(within: float) -> bool:
            awaited.set()
            return settle(within)

        monkeypatch.setattr(s.app, "suspend", nullcontext)
        monkeypatch.setattr(s.app.keeper, "settle", asked)
        await at(s, "symbols")
        s.app.keeper.do(tmp_path / "slow", lambda: awaited.wait(10))
        await s.press("right", "e")
        await s.until(seen.exists, "the editor has been there")
    assert 'symbols = "ascii"' in seen.read_text()


async def test_a_visitor_sees_no_file_and_neither_edits_it_nor_chooses_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with staged(tmp_path) as s:
        s.app.host = VISITOR
        await s.press("comma")
        await s.sees("SETTINGS")
        assert str(tmp_path) not in s.text
        assert "settings.edit" not in [c.id for c in s.app.screen.offered()]  # type: ignore[attr-defined]
        assert not {"server", "keep_sign_in"} & set(s.rows("settings").ids)
    assert [one.name for one in model.shown(Settings(), OWN)] == list(TABLE)


@pytest.mark.parametrize("name", [name for name in TABLE if model.choices(name)])
def test_going_through_the_choices_comes_round_to_where_it_began(name: str):
    settings: Any = Settings()
    seen = [settings]
    for _ in model.choices(name):
        seen.append(Settings(**{name: model.next_of(seen[-1], name)}))
    assert seen[0] == seen[-1]
    assert len({getattr(one, name) for one in seen}) == len(model.choices(name))
    assert model.next_of(seen[1], name, -1) == getattr(seen[0], name)
    assert len({model.words(name, value) for value in model.choices(name)}) == len(model.choices(name))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("idle_minutes", "0", 0),
        ("idle_minutes", "", 30),
        ("idle_minutes", "7.5", 7.5),
        ("poll_fastest", "4", 4),
        ("name", " Zoe ", "Zoe"),
        ("name", "", None),
        ("locale", "de-AT", "de-AT"),
        ("server", "https://trips.example.org", "https://trips.example.org"),
    ],
)
def test_what_is_typed_becomes_a_value(name: str, text: str, value: object):
    assert model.typed(Settings(), name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("idle_minutes", "soon", "Write a number from 0 to 10080."),
        ("idle_minutes", "nan", "Write a number"),
        ("idle_minutes", "inf", "Write a number"),
        ("poll_fastest", "12", "That is more than the most, 10 seconds."),
        ("poll_slowest", "1", "Write a number from 2 to 60."),
        ("locale", "tlh_Kronos", "That locale is not known."),
        ("locale", "../../etc", 'Write text, such as "en_GB".'),
        ("name", "a\x1b[31m", 'Write text, such as "Ana".'),
    ],
)
def test_what_cant_be_a_value_is_said_why(name: str, text: str, words: str):
    with pytest.raises(model.NotSo, match=words.replace(".", r"\.")):
        model.typed(Settings(), name, text)


def test_every_setting_has_its_words():
    for name, setting in TABLE.items():
        assert setting.help.endswith(".")
        assert setting.title[0].isupper()
        assert model.words(name, setting.default)
        assert isinstance(setting.kind, Keys) or setting.kind.may_be
    assert symbols.sign().cursor == "›"
