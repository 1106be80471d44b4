"""All actions by id. Modules are imported when somebody asks for what is in them: the first screen needs few."""

from __future__ import annotations

from importlib import import_module

from roadcrew_tui.commands.base import Command

MODULES = (
    "everywhere",
    "preferences",
    "inspector",
    "lobby",
    "trip",
    "crew",
    "polls",
    "hotels",
    "history",
    "quotes",
    "imports",
    "prices",
    "book",
    "cart",
    "places",
    "comments",
    "gallery",
    "posts",
    "marks",
    "saved",
    "muted",
    "talk",
    "giving",
    "account",
    "waiting",
)

_found: dict[str, list[Command]] = {}


def of(module: str) -> list[Command]:
    """The actions of one module, in the order in which it defines them."""
    if module not in _found:
        namespace = vars(import_module(f"roadcrew_tui.commands.{module}"))
        _found[module] = [
            c() for c in namespace.values() if isinstance(c, type) and issubclass(c, Command) and "id" in vars(c)
        ]
    return _found[module]


def everything() -> list[Command]:
    """Every action there is."""
    return [command for module in MODULES for command in of(module)]


def find(command_id: str) -> Command:
    """The action with this id. Raises `KeyError`."""
    for module in MODULES:
        for command in of(module):
            if command.id == command_id:
                return command
    raise KeyError(command_id)
