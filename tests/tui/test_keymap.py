"""Other keys for actions: what can be used of them, and that nothing else loses its own."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from tests.tui.conftest import folders, staged
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Input, TextArea

from roadcrew_tui import commands, widgets
from roadcrew_tui.keymap import FIXED, defaults, usable
from roadcrew_tui.settings import load


def keymap_file(path: Path, *lines: str) -> Path:
    file = folders(path).settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(("[keymap]", *lines)))
    return file


def found(**keys: str) -> tuple[dict[str, str], list[str]]:
    given = {name.replace("__", "-").replace("_", ".", 1): key for name, key in keys.items()}
    kept, troubles = usable(given, {name: n for n, name in enumerate(given, 1)})
    return kept, [f"{trouble.line}: {trouble.sentence}" for trouble in troubles]


# R: T5
@pytest.mark.parametrize(
    ("action", "key", "words"),
    [
        ("poll.knew", "N", '1: There is no action called poll.knew. Did you mean "poll.new"?'),
        ("poll.new", "strg+n", '1: There is no key called "strg+n", which poll.new is to have. Write one such as'),
        (
            "poll.new",
            "pagdown",
            '1: There is no key called "pagdown", which poll.new is to have. Did you mean "pagedown"?',
        ),
        ("trip.edit", "banana", '1: There is no key called "banana", which trip.edit is to have. Write one such as'),
        ("trip.edit", "spcae", 'which trip.edit is to have. Did you mean "space"?'),
        ("no.such", "N", "There is no action called no.such. Settings > Keys lists them, and roadcrew config keys."),
        ("poll.new", "F5", '1: There is no key called "F5", which poll.new is to have. Write "f5".'),
        ("poll.new", "shift+n", 'Write "N".'),
        ("poll.new", "Ctrl+N", 'Write "ctrl+n".'),
        ("poll.new", "", '1: The key of poll.new can\'t be "". Write text in quotes'),
        ("poll.new", 5, "1: The key of poll.new can't be 5."),
        ("poll.new", "enter", "1: enter can't be the key of poll.new: it always means the same. Take another key."),
        ("poll.new", "ctrl+i", "ctrl+i can't be the key of poll.new: it always means the same, and is tab to most"),
        (
            "poll.new",
            "i",
            "1: i can't be the key of poll.new (New poll): it is the one of trip.invite (Invite), which is in the same"
            " place.",
        ),
        ("poll.new", "2", "it is the one of tab.polls (Tab Polls), which is in the same place."),
    ],
)
def test_a_key_that_cant_be_used_is_told_with_its_line_and_what_mends_it(action: str, key: str, words: str):
    kept, troubles = usable({action: key}, {action: 1})
    assert kept == {}
    assert [words in f"{t.line}: {t.sentence}" for t in troubles] == [True], [t.sentence for t in troubles]


def test_what_can_be_used_is_bound_as_terminals_call_it():
    assert found(poll_new="P", poll_end="!", trip_invite="ctrl+n, f5, semicolon")[0] == {
        "poll.new": "P",
        "poll.end": "exclamation_mark",
        "trip.invite": "ctrl+n,f5,semicolon",
    }


def test_a_sign_is_a_key_by_its_name_unless_it_is_a_picture():
    assert found(poll_new="degree_sign, euro_sign") == ({"poll.new": "degree_sign,euro_sign"}, [])
    assert found(poll_new="snowman")[0] == {}
    assert found(poll_new="ф")[0] == {"poll.new": "ф"}


def test_two_actions_may_change_places():
    assert found(trip_invite="s", trip_share="i") == ({"trip.invite": "s", "trip.share": "i"}, [])


def test_of_two_that_want_one_key_the_upper_one_has_it():
    kept, troubles = found(trip_invite="F", poll_new="F")
    assert kept == {"trip.invite": "F"}
    assert troubles == ["2: F can't be the key of poll.new (New poll): it is the one of trip.invite (Invite), which "
                        "is in the same place. "
                        "Take another key, or give trip.invite another one."]  # fmt: skip


def test_what_cant_have_its_key_takes_back_its_own_from_who_was_to_have_that():
    kept, troubles = found(poll_new="i", trip_invite="v", trip_edit="v")
    assert kept == {"poll.new": "i", "trip.invite": "v"}
    kept, troubles = found(trip_invite="enter", poll_new="i")
    assert kept == {}
    assert ["trip.invite" in words for words in troubles] == [True, True]


def test_one_key_in_two_places_that_are_never_together_is_no_clash():
    assert found(trip_new="K") == ({"trip.new": "K"}, []), "the lobby's, where no plan is exported"


def test_going_back_keeps_esc():
    assert found(app_back="f9")[0] == {"app.back": "f9,escape"}


def test_no_action_has_a_key_that_always_means_the_same_but_for_esc():
    taken = {key: action for action, keys in defaults().items() for key in keys.split(",") if key in FIXED}
    assert taken == {"escape": "app.back"}


def test_every_key_that_moves_about_in_a_widget_is_fixed_or_belongs_to_an_action():
    known = {key for keys in defaults().values() for key in keys.split(",")} | FIXED
    for module in pkgutil.iter_modules(widgets.__path__, "roadcrew_tui.widgets."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(kind, Widget) and not issubclass(kind, Input | TextArea):
                keys = {k for b in vars(kind).get("BINDINGS", ()) if isinstance(b, Binding) for k in b.key.split(",")}
                assert keys <= known, kind


def test_all_defaults_together_are_without_a_clash():
    _, troubles = usable(defaults() | {"app.back": "q"}, {})
    assert not [t for t in troubles if "same place" in t.words]


# R: T5
async def test_a_settings_file_with_a_clash_says_so_and_the_app_starts(tmp_path: Path):
    keymap_file(tmp_path, '"trip.invite" = "v"', '"poll.new" = "v"')
    async with staged(tmp_path, size=(120, 36)) as s:
        await s.sees("Settings, line 3: v can't be the key of poll.new")
        assert "v invite" in s.text
        await s.press("2", "n")
        await s.sees("ASK THE CREW")


async def test_another_key_for_an_action_leaves_those_that_shared_its_own_with_theirs(tmp_path: Path):
    keymap_file(tmp_path, '"poll.new" = "P"')
    async with staged(tmp_path, tab="polls") as s:
        assert "P new" in s.text
        await s.press("n")
        assert "ASK THE CREW" not in s.text
        await s.press("P")
        await s.sees("ASK THE CREW")
        await s.press("escape")
        quotes = {b.id for b in s.app.screen._bindings.key_to_bindings["n"]}
        assert {"quote.new"} <= quotes
        assert "poll.new" not in quotes


async def test_what_had_no_key_can_have_one(tmp_path: Path):
    keymap_file(tmp_path, '"app.signs" = "f8"')
    async with staged(tmp_path) as s:
        await s.press("f8")
        assert s.app.settings.symbols == "ascii"


def test_every_id_that_is_told_of_is_there(tmp_path: Path):
    keymap_file(tmp_path, '"poll.new" = "P"')
    assert load(folders(tmp_path)).keymap == {"poll.new": "P"}
    assert set(defaults()) >= {c.id for c in commands.everything() if c.keys}
