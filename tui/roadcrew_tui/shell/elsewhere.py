"""The words of sub-commands that the server's packages read (`serve`, `admin`, `price-monitor`), for completions and
pages of `man`: those packages may not be here, and are never imported here. Not for reading a command line.

`scripts/command_reference.py --write` writes elsewhere.json from their own parsers; `--check` says when it is stale.
"""

from __future__ import annotations

import argparse
import json
from importlib.resources import files
from typing import Any

TOLD = "elsewhere.json"


def put_in(root: argparse.ArgumentParser) -> None:
    """Let the parser of the whole command line tell of those words too."""
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = json.loads(files(__package__).joinpath(TOLD).read_text("utf-8"))
            action.choices.update({name: _parser(f"roadcrew {name}", told[name]) for name in told})


def _parser(prog: str, told: dict[str, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog,
        description=told["description"],
        epilog=told["epilog"],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for argument in told["arguments"]:
        parser.add_argument(*argument.pop("words"), **argument)
    if told["actions"]:
        subs = parser.add_subparsers(metavar="COMMAND")
        for name, inner in told["actions"].items():
            subs.add_parser(name, help=inner.pop("help"))
            subs.choices[name] = _parser(f"{prog} {name}", inner)
    return parser


def words_of(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """What elsewhere.json has of a parser."""
    shown = [a for a in parser._actions if a.dest != "help" and a.help is not argparse.SUPPRESS]
    subs = [a for a in shown if isinstance(a, argparse._SubParsersAction)]
    about = {choice.dest: choice.help for sub in subs for choice in sub._choices_actions}
    return {
        "description": parser.description,
        "epilog": parser.epilog,
        "arguments": [_argument(a) for a in shown if a not in subs],
        "actions": {
            name: {"help": about[name], **words_of(inner)} for sub in subs for name, inner in sub.choices.items()
        },
    }


def _argument(action: argparse.Action) -> dict[str, Any]:
    told: dict[str, Any] = {"words": action.option_strings or [action.dest], "help": action.help}
    if action.nargs == 0:
        return {**told, "action": "store_true"}
    more = {"metavar": action.metavar, "nargs": action.nargs, "choices": action.choices and list(action.choices)}
    return told | {name: value for name, value in more.items() if value is not None}
