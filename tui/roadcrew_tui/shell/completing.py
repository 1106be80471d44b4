"""Completions of the whole command line, as a script for a shell. Not for what only a server knows: names of trips,
hotels or people are not completed, so that pressing tab never waits.
"""

from __future__ import annotations

import argparse

import shtab

from roadcrew_tui.shell import elsewhere
from roadcrew_tui.shell.manual import subs

FILES = {"FILE": shtab.FILE, "ICS": shtab.FILE, "TAPE": shtab.FILE, "DIR": shtab.DIRECTORY}
"""Arguments that are paths, by what the help calls them."""


def script(root: argparse.ArgumentParser, shell: str) -> str:
    """What `shell` (bash, zsh or fish) reads to complete the command of `root`."""
    elsewhere.put_in(root)
    _name_pages(root)
    _mark(root)
    return str(shtab.complete(root, shell))


def _name_pages(root: argparse.ArgumentParser) -> None:
    """Say which pages there are for `man`."""
    found = subs(root)
    for action in found["man"]._actions:
        if action.dest == "group":
            action.choices = ["roadcrew", *(name for name, parser in found.items() if subs(parser))]


def _mark(parser: argparse.ArgumentParser) -> None:
    """Say of each argument that is a path that it is one, in the way that shtab looks for."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                _mark(inner)
        elif (wants := FILES.get(str(action.metavar or action.dest).upper())) is not None:
            action.complete = wants  # type: ignore[attr-defined]
