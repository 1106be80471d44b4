"""`roadcrew completions` and `roadcrew man`: their words on the command line. Imports nothing heavy, for it is read for
every sub-command.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SHELLS = ("bash", "zsh", "fish")
COMPLETIONS = """Prints what your shell needs to complete sub-commands, options, choices and names of files. While you
type, no server is asked and nothing is started. Print it anew after an update."""
COMPLETIONS_EXAMPLES = """examples:
  roadcrew completions bash > ~/.local/share/bash-completion/completions/roadcrew
  roadcrew completions zsh > ~/.zfunc/_roadcrew
  roadcrew completions fish > ~/.config/fish/completions/roadcrew.fish"""
MAN = """Prints a page for man: of the whole command, or of one group of sub-commands. With --out it writes all of them,
as roadcrew.1, roadcrew-trip.1 and so on."""
MAN_EXAMPLES = """examples:
  roadcrew man | man -l -
  roadcrew man trip | man -l -
  roadcrew man --out ~/.local/share/man/man1"""


def add_parsers(subs: Any, formatter: type, root: argparse.ArgumentParser) -> None:
    """Add both sub-commands. `root` is the parser of the whole command line, which they tell of once it is complete."""
    completions = subs.add_parser(
        "completions",
        help="what your shell needs to complete this command",
        description=COMPLETIONS,
        epilog=COMPLETIONS_EXAMPLES,
        formatter_class=formatter,
    )
    completions.add_argument("shell", choices=SHELLS, help="which shell")
    completions.set_defaults(run=lambda given: _complete(root, given.shell))
    man = subs.add_parser(
        "man", help="this command as pages for man", description=MAN, epilog=MAN_EXAMPLES, formatter_class=formatter
    )
    man.add_argument("group", nargs="?", help="the sub-commands of which group, such as trip; roadcrew for all")
    man.add_argument("--out", type=Path, help="write all pages there", metavar="DIR")
    man.set_defaults(run=lambda given: _man(root, given.group, given.out))


def _complete(root: argparse.ArgumentParser, shell: str) -> int:
    from roadcrew_tui.shell.completing import script  # noqa: PLC0415 - only here

    print(script(root, shell))
    return 0


def _man(root: argparse.ArgumentParser, group: str | None, folder: Path | None) -> int:
    from roadcrew_tui.shell.manual import pages  # noqa: PLC0415 - only here

    found = pages(root, datetime.now(UTC).date())
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, page in found.items():
                (folder / f"{name}.1").write_text(page, "utf-8")
        except OSError as error:
            print(f"roadcrew: The pages can't be written to {folder}: {error.strerror}.", file=sys.stderr)
            return 1
        return 0
    name = f"roadcrew-{group}" if group not in (None, "roadcrew") else "roadcrew"
    if name not in found:
        groups = ", ".join(known.removeprefix("roadcrew-") for known in found)
        print(f"roadcrew: There is no page of {group!r}. There are: {groups}.", file=sys.stderr)
        return 2
    print(found[name], end="")
    return 0
