"""Hands that have no Latin letters, and a hand that has a mouse only: what somebody does with arrows, digits and
F-keys, and with clicks where words stand. Words may be typed into a line that asks for them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tests.tui.conftest import Stage
from textual import events
from textual.command import CommandList, CommandPalette

from roadcrew_tui import commands
from roadcrew_tui.commands.base import Command
from roadcrew_tui.screens.base import CommandScreen

KEYS = {"up", "down", "left", "right", "tab", "shift+tab", "enter", "space", "escape", "pageup", "pagedown", "home",
        "end", *"0123456789", *(f"f{n}" for n in range(1, 13))}  # fmt: skip
MOST_SCROLLS = 60


async def keys(s: Stage, *names: str) -> None:
    """Press some, none of which is a letter."""
    assert set(names) <= KEYS, set(names) - KEYS
    await s.press(*names)


def listed(s: Stage) -> list[str]:
    """The ids of what the palette that is open lists."""
    assert isinstance(s.app.screen, CommandPalette)
    options: Any = s.app.screen.query_one(CommandList)._options
    return [option.hit.command.args[0].id for option in options]


async def open_list(s: Stage, *, by: str) -> None:
    """The list of all that can be done here, by F2 or by a click."""
    if by == "keys":
        await keys(s, "f2")
    else:
        await click(s, "actions", row=-1)
    await s.until(lambda: isinstance(s.app.screen, CommandPalette) and listed(s), "the list of actions")


async def choose(s: Stage, command_id: str, *, by: str = "keys") -> None:
    """Do an action, without a letter or by clicks alone."""
    await open_list(s, by=by)
    place = listed(s).index(command_id)
    found = s.app.screen.query_one(CommandList)
    if by == "keys":
        for _ in range(place - (found.highlighted or 0)):
            s._send("down")
        await s.settle()
        assert found.highlighted == place
        await keys(s, "enter")
    else:
        await _click_option(s, found, place)


async def _click_option(s: Stage, found: CommandList, place: int) -> None:
    for _ in range(MOST_SCROLLS):
        line = found._index_to_line[place] - found.scroll_offset.y
        if 0 <= line < found.size.height:
            await s.pilot.click(found, offset=(4, line))
            await s.settle()
            return
        await wheel(s, found)
    raise AssertionError(f"never came into sight: {place}\n{s.text}")


async def wheel(s: Stage, widget: Any, kind: type[events.MouseEvent] = events.MouseScrollDown) -> None:
    """Turn the wheel once over a widget."""
    await s.pilot._post_mouse_events([kind], widget, button=0)
    await s.settle()


async def click(s: Stage, words: str, *, row: int | None = None, nth: int = 0) -> None:
    """Click on words that are on the screen: the first that are, or those in a row."""
    lines = s.text.split("\n")
    rows = [n for n, line in enumerate(lines) if words in line] if row is None else [row % len(lines)]
    assert rows, f"{words!r} is not on the screen\n{s.text}"
    y = rows[nth]
    assert words in lines[y], f"{words!r} is not in {lines[y]!r}"
    await s.pilot.click(offset=(lines[y].index(words), y))
    await s.settle()


class Begun(list[str]):
    """Notes which actions begin, but for the list of them all, and begins none."""

    def in_place_of(self, start: Callable[..., None]) -> Callable[..., None]:
        def noted(screen: CommandScreen, command: Command) -> None:
            if command.id == "app.actions" and not isinstance(screen.app.screen, CommandPalette):
                start(screen, command)
            else:
                self.append(command.id)

        return noted


def with_a_screen() -> Collection[Command]:
    """All actions that some screen offers."""
    return [command for command in commands.everything() if command.places]
