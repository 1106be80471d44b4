"""`roadcrew config`: where the settings file is, what is wrong with it, and editing it. Asks no server.

Imports nothing heavy, for it is read for every sub-command.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from roadcrew_tui.settings import Settings

ABOUT = """Your settings file: where it is, what is wrong with it, and editing it. The app changes it too: press comma
there. Which settings there are: docs/settings.md."""
EXAMPLES = """examples:
  roadcrew config path
  roadcrew config check
  roadcrew config edit
  roadcrew config keys

exit status: 0 all well, 1 something is not understood, 2 usage"""
CHECK = """Prints each thing in the settings file that is not understood as FILE:LINE, with what mends it. Status 1 if
there is any. The app starts all the same, as if that were not there."""
EDIT = """Opens the settings file in your editor (VISUAL, else EDITOR), and checks it afterwards. Where there is none
yet, one is begun that has all there is to set as comments."""

KEYS = """Prints each action that can have other keys: its id, the keys that it comes with, and what it is called, with
tabs between them."""


def add_parser(subs: Any, formatter: type) -> None:
    """Add the sub-command with its actions."""
    config = subs.add_parser(
        "config", help="your settings file", description=ABOUT, epilog=EXAMPLES, formatter_class=formatter
    )
    config.set_defaults(parser=config)
    actions = config.add_subparsers(title="actions", metavar="ACTION")
    for name, words, about, run in (
        ("path", "print where it is", "Prints where the settings file is, or would be.", _path),
        ("check", "say what is wrong with it", CHECK, _check),
        ("edit", "open it in your editor", EDIT, _edit),
        ("keys", "list the actions that can have other keys", KEYS, _keys),
    ):
        action = actions.add_parser(
            name,
            help=words,
            description=about,
            epilog=f"examples:\n  roadcrew config {name}",
            formatter_class=formatter,
        )
        action.set_defaults(run=run)


def _file() -> Path:
    from roadcrew_tui.settings import Folders  # noqa: PLC0415 - for a fast --help

    return Folders.of_this_person().settings_file


def _path(_: argparse.Namespace) -> int:
    print(_file())
    return 0


def _check(_: argparse.Namespace) -> int:
    from roadcrew_tui.settings import look  # noqa: PLC0415 - for a fast --help

    file = _file()
    settings = look(file)
    for line in told(file, settings):
        print(line)
    if not settings.troubles:
        words = f"{file} is understood." if file.exists() else f"There is no {file}, and none is needed."
        print(f"roadcrew: {words}", file=sys.stderr)
    return int(bool(settings.troubles))


def told(file: Path, settings: Settings) -> list[str]:
    """Each trouble as `FILE:LINE: sentence. mend.`, without anything that a terminal obeys."""
    from roadcrew_tui.plain import safe  # noqa: PLC0415 - for a fast --help

    return [safe(f"{file}:{t.line}: {t.sentence}" if t.line else f"{file}: {t.sentence}") for t in settings.troubles]


def _keys(_: argparse.Namespace) -> int:
    from roadcrew_tui.keymap import defaults, titles  # noqa: PLC0415 - for a fast --help

    called = titles()
    for action, keys in sorted(defaults().items()):
        print(f"{action}\t{keys}\t{called[action]}")
    return 0


def _edit(given: argparse.Namespace) -> int:
    from roadcrew_tui.host import must_lend  # noqa: PLC0415 - for a fast --help
    from roadcrew_tui.outside_editor import EditorFailed, edit_file  # noqa: PLC0415 - for a fast --help

    must_lend("editor")
    file = _file()
    try:
        begin(file)
        edit_file(file)
    except (EditorFailed, OSError) as error:
        words = str(error) if isinstance(error, EditorFailed) else f"{file} can't be written: {error.strerror}."
        print(f"roadcrew: {words}", file=sys.stderr)
        return 1
    return _check(given)


def begin(file: Path) -> None:
    """Where there is no settings file, one that says what there is to set. Raises `OSError`."""
    from roadcrew_tui.settings import commented, write_atomically  # noqa: PLC0415 - for a fast --help

    if not file.exists():
        write_atomically(file, commented())
