"""`roadcrew login`, `logout`, `whoami`: their words on the command line. Imports nothing heavy, for it is read for
every sub-command.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

PASSWORD = "ROADCREW_PASSWORD"  # noqa: S105 - the name of a variable

Told = Callable[[Callable[[], int]], int]
"""Runs, and turns what goes wrong into a sentence and a status."""


def add_parsers(subs: Any, formatter: type, told: Told) -> None:
    """Add the sub-commands."""
    login = _add(subs, formatter, told, "login", "sign in to your account at a server")
    login.description = (
        "Signs in, for the app and for all later commands. The password is asked for at the terminal, or taken from\n"
        f"{PASSWORD}; it is never an argument, which every user of a computer can see."
    )
    login.epilog = "examples:\n  roadcrew login\n  roadcrew login --server https://trips.example.org --username ana"
    login.add_argument("--username", help="the name of your account (default: it is asked for)", metavar="U")
    login.add_argument("--yes", action="store_true", help="even if you are a guest there, who has no way back")
    logout = _add(subs, formatter, told, "logout", "end your session at a server")
    logout.description = (
        "Ends your session at the server and forgets it here; only here if the server can't be told, and says so.\n"
        "A guest has no way back, except by a new invite to each trip."
    )
    logout.epilog = "examples:\n  roadcrew logout"
    logout.add_argument("--yes", action="store_true", help="even if you are a guest")
    whoami = _add(subs, formatter, told, "whoami", "who you are at a server, and where that is kept")
    whoami.description = "Says who you are, at which server, since when, and where your sign-in is kept."
    whoami.epilog = "examples:\n  roadcrew whoami\n  roadcrew whoami --json | jq -r .user.name"


def _add(subs: Any, formatter: type, told: Told, name: str, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subs.add_parser(name, help=words, formatter_class=formatter)
    parser.add_argument("--server", help="the server's address (default: the last one)", metavar="URL")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.set_defaults(run=lambda given: told(lambda: _run(name, given)))
    return parser


def _run(name: str, given: argparse.Namespace) -> int:
    from roadcrew_tui.oneshot import footing  # noqa: PLC0415 - for a fast --help
    from roadcrew_tui.signing import acts  # noqa: PLC0415 - for a fast --help

    act: Callable[..., int] = {"login": acts.login, "logout": acts.logout, "whoami": acts.whoami}[name]
    return act(footing(given.server), given)
