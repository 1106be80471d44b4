"""The settings file, which belongs to a person who may edit it while the app runs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tui.conftest import folders, staged
from tests.tui.standins import SERVER

from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.memory import Memory
from roadcrew_tui.settings import LOCAL_SERVER, Settings, SettingsFile, load, save
from roadcrew_tui.toml_lines import lines_of, with_values

BY_HAND = """\
# Mine.
theme = "dark"  # for the evening
name = "Ana"

later = [1, 2]

# Other keys.
[keymap]
"trip.invite" = "v"
"""


def by_hand(path: Path, text: str = BY_HAND) -> Path:
    file = folders(path).settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


async def test_what_is_edited_while_the_app_runs_stays_but_for_what_is_chosen_in_the_app(tmp_path: Path):
    async with staged(tmp_path) as s:
        file = by_hand(tmp_path)
        await s.press("ctrl+t")
        assert s.app.keeper.settle(20)
        text = file.read_text()
        assert text == BY_HAND.replace('theme = "dark"  # for the evening', 'theme = "light"')
        file.write_text(text.replace("Ana", "Anna").replace("light", "terminal"))
        s.app.change_settings(server="https://trips.example.org")
        assert s.app.keeper.settle(20)
        kept = load(folders(tmp_path))
        assert (kept.name, kept.theme, kept.server) == ("Anna", "terminal", "https://trips.example.org")
        assert kept.keymap == {"trip.invite": "v"}


async def test_a_file_that_was_damaged_while_the_app_runs_is_put_aside_and_that_is_said(tmp_path: Path):
    async with staged(tmp_path, size=(120, 36)) as s:
        file = by_hand(tmp_path, 'theme = "dark\n')
        await s.press("ctrl+t")
        assert s.app.keeper.settle(20)
        await s.until(lambda: any("was written anew" in n.message for n in s.app._notifications), "what was done")
        assert not any("Illegal character" in n.message for n in s.app._notifications), "no words of a parser"
        assert file.with_name("config.toml.damaged").read_text() == 'theme = "dark\n'
        assert load(folders(tmp_path)).theme == "light"


def test_a_damaged_file_of_which_no_copy_can_be_made_is_left_as_it_is(tmp_path: Path):
    file = by_hand(tmp_path, "theme = \n")
    file.with_name("config.toml.damaged").mkdir()
    with pytest.raises(OSError, match="damaged"):
        save(folders(tmp_path), Settings(), theme="light")
    assert file.read_text() == "theme = \n"


def test_what_the_disk_would_not_take_is_kept_with_the_next_choice(tmp_path: Path):
    file = by_hand(tmp_path)
    kept = SettingsFile(folders(tmp_path), load(folders(tmp_path)))
    first = Settings(theme="light", name="Ana", keymap={"trip.invite": "v"})
    file.rename(tmp_path / "elsewhere")
    file.mkdir()
    with pytest.raises(OSError, match=r"config\.toml"):
        kept.keep(first)
    file.rmdir()
    (tmp_path / "elsewhere").rename(file)
    kept.keep(Settings(theme="light", name="Zoe", keymap={"trip.invite": "v"}))
    assert (load(folders(tmp_path)).theme, load(folders(tmp_path)).name) == ("light", "Zoe")


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        ("", {"name": "Ana"}, 'name = "Ana"\n'),
        ("# mine", {"name": "Ana"}, '# mine\nname = "Ana"\n'),
        ('name = "Ana"\ntheme = "dark"\n', {"name": None}, 'theme = "dark"\n'),
        ('a = 1\n\n[keymap]\nname = "x"\n', {"name": "Ana"}, 'a = 1\nname = "Ana"\n\n[keymap]\nname = "x"\n'),
        ("animations=true\r\na = 1\r\n", {"animations": False}, "animations = false\na = 1\r\n"),
    ],
)
def test_only_the_lines_of_what_changes_are_changed(before: str, values: dict[str, Any], after: str):
    assert with_values(before, {(key,): value for key, value in values.items()}) == after


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        ("", "v", '[keymap]\n"trip.invite" = "v"\n'),
        ("a = 1\n", "v", 'a = 1\n\n[keymap]\n"trip.invite" = "v"\n'),
        (BY_HAND, "i", BY_HAND.replace('"v"', '"i"')),
        (BY_HAND, None, BY_HAND.replace('"trip.invite" = "v"\n', "")),
        ('[keymap]\nx = "y"\n\n[later]\n', "v", '[keymap]\nx = "y"\n"trip.invite" = "v"\n\n[later]\n'),
    ],
)
def test_of_the_table_of_keys_only_the_line_of_what_changes_is_changed(before: str, keys: str | None, after: str):
    assert with_values(before, {("keymap", "trip.invite"): keys}) == after


def test_each_key_is_found_in_its_line_however_it_is_written():
    text = "\n".join(
        (
            '# "a" = 1',
            'a = """',
            "b = 2",
            '"""',
            "b.c = 3",
            "[keymap]  # keys",
            "",
            "'trip.invite' = [",
            "1]",
            "[[x]]",
            "y=1",
        )
    )
    assert lines_of(text) == {
        ("a",): 2,
        ("b",): 5,
        ("b", "c"): 5,
        ("keymap",): 6,
        ("keymap", "trip.invite"): 8,
        ("x",): 10,
        ("x", "y"): 11,
    }


@pytest.mark.parametrize("text", ["name = ", 'name = """\nAna"""\n', "x = [\n[1],\n]\n"])
def test_what_is_not_written_one_key_a_line_is_not_changed(text: str):
    with pytest.raises(ValueError, match=r"."):
        with_values(text, {("name",): "Ben"})


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_text_is_read_back_as_it_was(text: str):
    assert tomllib.loads(with_values(BY_HAND, {("name",): text}))["name"] == text


# R: T5
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('theme = "dark', "a quote is missing. Write one at the end of the value."),
        ("theme = 'dark", "a quote is missing. Write one at the end of the value."),
        ('theme = """dark', "a quote is missing. Write one at the end of the value."),
        ("theme = dark", 'its value is not understood. Write text in quotes, such as "Ana".'),
        ("theme", 'there is no =. Write it as theme = "dark".'),
        ('theme = "dark" yes', "something stands after the value. Take that away."),
        ('name = "Ben"', "it is set twice. Delete one of them."),
    ],
)
def test_one_broken_line_takes_none_of_the_others_with_it(tmp_path: Path, line: str, words: str):
    text = f'server = "https://trips.example.org"\nname = "Ana"\n{line}\n[keymap]\n"poll.new" = "P"\n'
    file = by_hand(tmp_path, text)
    got = load(folders(tmp_path))
    assert (got.server, got.name, got.theme) == ("https://trips.example.org", "Ana", "dark")
    assert got.keymap == {"poll.new": "P"}
    copy = file.with_name("config.toml.damaged")
    assert got.trouble == f"Settings, line 3: This line can't be read: {words} A copy of the file is in {copy}."
    assert (copy.read_text(), file.read_text()) == (text, text)
    save(folders(tmp_path), got, theme="light")
    kept = load(folders(tmp_path))
    assert (kept.server, kept.name, kept.theme, kept.troubles) == (got.server, "Ana", "light", ())


def test_what_stands_below_a_broken_heading_is_not_taken_for_something_else(tmp_path: Path):
    by_hand(tmp_path, 'name = "Ana"\n[later\nserver = "https://elsewhere.example.org"\n[keymap]\n"poll.new" = "P"\n')
    got = load(folders(tmp_path))
    assert (got.name, got.server, got.keymap) == ("Ana", None, {"poll.new": "P"})
    assert [t.line for t in got.troubles] == [2]


def test_of_a_file_that_is_broken_all_over_nothing_is_used(tmp_path: Path):
    by_hand(tmp_path, 'name = "Ana"\n' + "= 1\n" * 50)
    got = load(folders(tmp_path))
    assert (got.name, len(got.troubles)) == (None, 1)
    assert "The settings file can't be read: " in got.troubles[0].words


async def test_with_a_file_that_cant_be_read_the_app_opens_the_server_of_last_time(tmp_path: Path):
    memory = Memory(folders(tmp_path))
    for server in (SERVER, "https://elsewhere.example.org", SERVER):
        memory.be(server, "ana")
    where = folders(tmp_path).memory_file
    where.parent.mkdir(parents=True)
    where.write_text(memory.written())
    by_hand(tmp_path, 'theme = "dark\nserver = "https://lost.example.org\n')
    app = RoadcrewApp(folders=folders(tmp_path))
    assert (app.server, app.home) == (SERVER, LOCAL_SERVER), "a token in the environment is not for it"


def test_without_a_broken_file_what_is_remembered_chooses_no_server(tmp_path: Path):
    Memory(folders(tmp_path)).be(SERVER, "ana")
    assert RoadcrewApp(folders=folders(tmp_path)).server is None
    by_hand(tmp_path, 'theme = "dark\n')
    assert RoadcrewApp(folders=folders(tmp_path)).server is None, "none is known: that is asked"
