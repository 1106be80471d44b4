"""`roadcrew config`: where the file is, what is wrong with it, and editing it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tests.tui.conftest import folders, staged

from roadcrew_tui.cli import main
from roadcrew_tui.settings import Settings, commented, load, look
from roadcrew_tui.settings_model import TABLE

WRONG = """\
# Mine.
theme = "drak"
themes = "red"
animations = "no"
idle_minutes = -1
locale = "xx_YY"
poll_fastest = 30

[keymap]
"poll.new" = "i"
"trip.edti" = "e"
"""
TOLD = [
    '2: theme can\'t be "drak". Did you mean "dark"?',
    '3: There is no setting called themes. Did you mean "theme"?',
    '4: animations can\'t be "no". Write true or false, without quotes.',
    "5: idle_minutes can't be -1. Write a number from 0 to 10080, without quotes.",
    "6: The locale xx_YY is not known. Try one such as en_GB, de_AT or pt-BR.",
    "7: poll_fastest = 30 is more than poll_slowest = 10. Make it less, or the other one more.",
    "10: i can't be the key of poll.new (New poll): it is the one of trip.invite (Invite), which is in the same place."
    " Take another key, or give trip.invite another one too.",
    '11: There is no action called trip.edti. Did you mean "trip.edit"?',
]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path))
    file = folders(tmp_path).settings_file
    file.parent.mkdir(parents=True)
    return file


def write(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")


# R: T5
def test_each_thing_that_is_wrong_is_told_by_its_line_with_what_mends_it(
    file: Path, capsys: pytest.CaptureFixture[str]
):
    write(file, WRONG)
    assert main(["config", "check"]) == 1
    assert capsys.readouterr().out.splitlines() == [f"{file}:{line}" for line in TOLD]
    assert list(file.parent.iterdir()) == [file], "looking makes nothing"


# R: T5
@pytest.mark.parametrize("lines", [(2,), (3,), (4,), (9, 10), (2, 3, 4, 9, 10)], ids=str)
async def test_with_a_file_that_is_wrong_the_app_starts_and_says_the_first_thing(
    tmp_path: Path, lines: tuple[int, ...]
):
    where = folders(tmp_path).settings_file
    where.parent.mkdir(parents=True)
    text = WRONG.splitlines()
    where.write_text("\n".join(text[n - 1] if n in lines else "" for n in range(1, len(text) + 1)))
    first = next(told for told in TOLD if told.startswith(f"{lines[0] if lines[0] != 9 else 10}:"))
    async with staged(tmp_path, size=(120, 36)) as s:
        await s.until(lambda: s.app._notifications, "what is wrong")
        (toast,) = [n.message for n in s.app._notifications]
        assert toast.startswith(f"Settings, line {first}")
        many = len(lines) - 2 if 9 in lines else len(lines) - 1
        assert (f"And {many} more: roadcrew config check" in toast) == (many > 0)
        assert s.trip.trip is not None
        assert s.app.theme == "dark"
        assert s.app.settings == Settings(
            name=s.app.settings.name, server=s.app.settings.server, troubles=s.app.settings.troubles
        )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'theme = "dark"\nname = "Ana\n', ":2: This line can't be read: a quote is missing. Write one at the end of"),
        (b'theme = "dark"\ntheme = "light"\n', ":2: This line can't be read: it is set twice. Delete one of them."),
        (b'name = """\n\n', ":1: This line can't be read: a quote is missing."),
        (b'theme = "dark"\nname = "\xff"\n', ":2: The settings file can't be read: it is no text in UTF-8. Save it as"),
        (
            b"idle_minutes = " + b"9" * 5_000,
            ": The settings file can't be read: a number has too many digits. Delete it.",
        ),
        (
            b'\nname = """\n' + b"x\n" * 40_000 + b'"""',
            ":2: The settings file can't be read: A value has more than 100",
        ),
        (b"#" * 1_000_001, ": The settings file can't be read: it is too long. Delete it."),
    ],
)
def test_a_file_that_cant_be_read_whole_is_told_with_the_line_too(
    file: Path, capsys: pytest.CaptureFixture[str], text: bytes, told: str
):
    file.write_bytes(text)
    assert main(["config", "check"]) == 1
    assert capsys.readouterr().out.startswith(f"{file}{told}")


def test_what_stands_in_the_file_is_told_without_what_a_terminal_obeys(file: Path, capsys: pytest.CaptureFixture[str]):
    write(file, '"a\\u001b]2;x" = 1\ntheme = "\\u202e\\u001b[31m"\n')
    assert main(["config", "check"]) == 1
    told = capsys.readouterr().out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", told)


def test_a_file_that_is_well_is_said_to_be_and_none_is_needed(file: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["config", "check"]) == 0
    assert "none is needed" in capsys.readouterr().err
    write(file, 'theme = "nord"\n[keymap]\n"poll.new" = "P"\n')
    assert main(["config", "check"]) == 0
    shown = capsys.readouterr()
    assert (shown.out, "is understood" in shown.err) == ("", True)


def test_where_the_file_is_is_printed_for_scripts(file: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{file}\n"


def editor(tmp_path: Path, does: str) -> str:
    script = tmp_path / "editor.py"
    script.write_text(f"import sys, pathlib\nfile = pathlib.Path(sys.argv[1])\n{does}\n")
    return f"{sys.executable} {script}"


def test_the_file_is_edited_and_then_looked_over(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("VISUAL", editor(tmp_path, "file.write_text(file.read_text() + 'theme = 1\\n')"))
    assert main(["config", "edit"]) == 1
    assert 'theme can\'t be 1. Write "dark", "light"' in capsys.readouterr().out
    assert file.read_text() == commented() + "theme = 1\n"
    monkeypatch.setenv("VISUAL", editor(tmp_path, "file.write_text('theme = \"nord\"')"))
    assert main(["config", "edit"]) == 0
    assert load(folders(tmp_path)).theme == "nord"


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (None, "No editor is named."),
        ("/nowhere/at/all", "can't be used"),
        ("false", "ended with status"),
        ("'", "VISUAL"),
    ],
)
def test_without_an_editor_that_works_a_sentence_says_so(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], named: str | None, words: str
):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    if named is not None:
        monkeypatch.setenv("VISUAL", named)
    assert main(["config", "edit"]) == 1
    assert words in capsys.readouterr().err


def test_visitors_edit_no_settings_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ROADCREW_VISITOR", "1")
    monkeypatch.setenv("VISUAL", "true")
    assert main(["config", "edit"]) == 1
    assert "You are a visitor on this computer" in capsys.readouterr().err
    assert not file.exists()


def test_a_file_that_is_begun_sets_nothing_and_all_of_it_can_be_set(file: Path):
    write(file, commented())
    assert look(file) == Settings()
    write(file, re.sub(r'(?m)^# (?=[a-z._"\[]+( = |\]$))', "", commented()))
    found = look(file)
    assert found.troubles == ()
    for name, setting in TABLE.items():
        if setting.default not in (None, {}):
            assert getattr(found, name) == setting.default
        else:
            assert getattr(found, name), name


def test_the_actions_that_can_have_other_keys_are_listed_with_their_ids(capsys: pytest.CaptureFixture[str]):
    assert main(["config", "keys"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "poll.new\tn\tNew poll" in lines
    assert "tab.polls\t2\tTab Polls" in lines
