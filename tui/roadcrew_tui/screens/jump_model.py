"""Where one can jump to on a screen, and what the labels there are called. What is done with a label is jump.py's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.errors import NoWidget
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from roadcrew_tui.widgets.lines import KeyLine, PartsLine
from roadcrew_tui.widgets.rows import RowList

LETTERS = "asdfghjklqwertyuiopzxcvbnm"
"""Those under the fingers first."""
DIGITS = "1234567890"
MOST = len(DIGITS) ** 2


@dataclass(frozen=True)
class Spot:
    """A cell of the screen, and what a jump there does. `key`: so many cells from there on are the key of a hint, which
    a label takes the place of. `ahead`: words begin there, so that a label ends before them."""

    x: int
    y: int
    go: Callable[[], object]
    key: int = 0
    ahead: bool = False


def placed(spot: Spot, label: str) -> tuple[int, str]:
    """The column where a label begins, and how it is written: on no word. Where keys stand it has brackets, or it would
    read as one."""
    framed = f"[{label}]"
    if spot.key >= len(framed):
        return spot.x, framed.ljust(spot.key)
    if spot.key and (start := spot.x + spot.key + 1 - len(framed)) >= 0:
        return start, framed
    if spot.key or spot.ahead:
        return max(0, spot.x + spot.key - len(label)), label
    return spot.x, label


def spots(screen: Screen[Any]) -> list[Spot]:
    """All that can be clicked or have the focus and is in sight, from the top left."""
    found = [spot for widget in screen.walk_children(Widget) for spot in _of(screen, widget)]
    places = {(spot.y, spot.x): spot for spot in reversed(found)}
    return [places[place] for place in sorted(places)][:MOST]


def _of(screen: Screen[Any], widget: Widget) -> Iterator[Spot]:
    seen = _in_sight(screen, widget)
    if not seen:
        return
    at = widget.content_region
    if isinstance(widget, RowList):
        for down, row in widget.in_sight():
            if seen.contains(at.x, at.y + down):
                yield Spot(at.x, at.y + down, partial(_to_row, screen, widget, row))
    elif isinstance(widget, PartsLine):
        for right, part, words in widget.in_sight():
            x = widget.region.x + right
            if not seen.contains(x, at.y):
                continue
            go = partial(widget.press, part)
            if isinstance(widget, KeyLine):
                yield Spot(x, at.y, go, key=len(words.partition(" ")[0]))
            else:
                yield Spot(x + words.startswith((" ", "[")), at.y, go, ahead=True)
    elif widget.focusable:
        yield Spot(seen.x, seen.y, partial(screen.set_focus, widget))


def _in_sight(screen: Screen[Any], widget: Widget) -> Region:
    """What of a widget is on the screen and not scrolled away; nothing, if it is not shown."""
    try:
        return screen.find_widget(widget).visible_region if widget.is_on_screen and widget.visible else Region()
    except NoWidget:
        return Region()


def _to_row(screen: Screen[Any], rows: RowList, row: str) -> None:
    screen.set_focus(rows)
    rows.go_to(row)


def labels(count: int, signs: str) -> list[str]:
    """So many labels of these signs, none of which another one begins with."""
    if count <= len(signs):
        return list(signs[:count])
    return [first + second for first in signs for second in signs][:count]
