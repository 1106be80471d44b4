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


async def choose(s: Stage, command_id: str, *, by: str = "keys", among: Collection[str] = ()) -> None:
    """Do an action, without a letter or by clicks alone; it is listed `among` these."""
    await open_list(s, by=by)
    assert set(among) <= set(listed(s)), f"missing: {set(among) - set(listed(s))}"
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


def _mouse(s: Stage, kind: type[events.MouseEvent], x: int, y: int) -> None:
    """As a terminal tells of it."""
    button = int(kind in (events.MouseDown, events.MouseUp))
    event = kind(None, x, y, 0, 0, button, False, False, False, screen_x=x, screen_y=y)
    assert s.app._driver is not None
    s.app._driver.send_message(event)


async def press_at(s: Stage, x: int, y: int) -> None:
    """Click once on a cell of the screen."""
    _mouse(s, events.MouseDown, x, y)
    _mouse(s, events.MouseUp, x, y)
    await s.settle()


async def _click_option(s: Stage, found: CommandList, place: int) -> None:
    await s.until(lambda: place in found._index_to_line, "the list is laid out")
    for _ in range(MOST_SCROLLS):
        line = found._index_to_line[place] - found.scroll_offset.y
        if 0 <= line < found.size.height:
            await press_at(s, found.content_region.x + 2, found.content_region.y + line)
            return
        for _ in range(max(1, (line - found.size.height) // 2)):
            _mouse(s, events.MouseScrollDown, found.content_region.x + 2, found.content_region.y)
        await s.settle()
    raise AssertionError(f"never came into sight: {place}\n{s.text}")


async def click(s: Stage, words: str, *, row: int | None = None, nth: int = 0) -> None:
    """Click on words that are on the screen: the first that are, or those in a row."""
    lines = s.text.split("\n")
    rows = [n for n, line in enumerate(lines) if words in line] if row is None else [row % len(lines)]
    assert rows, f"{words!r} is not on the screen\n{s.text}"
    y = rows[nth]
    assert words in lines[y], f"{words!r} is not in {lines[y]!r}"
    await press_at(s, lines[y].index(words), y)


class Fingers:
    """Somebody whose keyboard sends no Latin letters, but for what they type into lines."""

    def __init__(self, s: Stage) -> None:
        self.s = s

    async def do(self, command_id: str) -> None:
        """An action by its name."""
        await choose(self.s, command_id)

    async def tab(self, number: int, title: str) -> None:
        """A tab of the trip."""
        await keys(self.s, str(number))
        await self.s.sees(f"[{number} {title}")

    async def row(self, rows: str, wanted: str) -> None:
        """The cursor on a row of a list, and the focus there."""
        for _ in range(12):
            if self.s.app.focused is self.s.rows(rows):
                break
            await keys(self.s, "tab")
        found = self.s.rows(rows)
        way = found.ids.index(wanted) - found.ids.index(found.cursor or "")
        await keys(self.s, *(["down"] * way if way > 0 else ["up"] * -way))
        assert self.s.app.focused is found
        assert found.cursor == wanted

    async def open(self, rows: str, wanted: str) -> None:
        """That row, opened."""
        await self.row(rows, wanted)
        await keys(self.s, "enter")

    async def answer(self, words: str) -> None:
        """One of the answers of a question."""
        for _ in self.s.rows("ask-answers").ids:
            if any("› " in line and words in line for line in self.s.text.split("\n")):
                break
            await keys(self.s, "down")
        await keys(self.s, "enter")

    async def write(self, text: str, words: str) -> None:
        """Into the line that has the focus; and on, by what its last line calls `words`."""
        await self.s.type(text)
        await keys(self.s, "enter")

    async def leave(self) -> None:
        """Out of a line to write in."""
        await keys(self.s, "escape")

    async def back(self) -> None:
        """Out of a screen."""
        await keys(self.s, "escape")


class Mouse(Fingers):
    """Somebody who has a mouse, and types into lines only."""

    async def do(self, command_id: str) -> None:
        await choose(self.s, command_id, by="mouse")

    async def tab(self, number: int, title: str) -> None:
        await click(self.s, f"{number} {title}", row=1)
        await self.s.sees(f"[{number} {title}")

    async def row(self, rows: str, wanted: str) -> None:
        found = self.s.rows(rows)
        if found.cursor != wanted or self.s.app.focused is not found:
            await self._click_row(rows, wanted)

    async def _click_row(self, rows: str, wanted: str) -> None:
        found = self.s.rows(rows)
        line = next(at for at, (index, _) in enumerate(found._lines) if found._rows[index].id == wanted)
        y = found._top + line - found.scroll_offset.y
        assert 0 <= y < found.size.height
        await press_at(self.s, found.content_region.x + 4, found.content_region.y + y)

    async def open(self, rows: str, wanted: str) -> None:
        if self.s.rows(rows).cursor != wanted:
            await self._click_row(rows, wanted)
        await self._click_row(rows, wanted)

    async def answer(self, words: str) -> None:
        asked = self.s.app.screen
        await click(self.s, words, nth=-1)
        if self.s.app.screen is asked:
            await click(self.s, words, nth=-1)

    async def write(self, text: str, words: str) -> None:
        await self.s.type(text)
        await click(self.s, f"enter {words}")

    async def leave(self) -> None:
        await click(self.s, "esc", row=-1)

    async def back(self) -> None:
        await click(self.s, "back", row=-1)


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
