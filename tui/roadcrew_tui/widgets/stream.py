"""A stream: a long list of what people wrote, with a cursor, of which only what is in sight is laid out.

`show` takes the entries, oldest first, and how many earlier ones are not here yet; messages tell what the person does.
Entries are known by id: what others write, or what is loaded, moves neither cursor nor scroll. What an entry looks like
is for whoever shows it. For short lists whose rows are all drawn there is rows.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.rows import GUTTER
from roadcrew_tui.widgets.stream_body import Draw, Entry, StreamBody

__all__ = ["Draw", "Entry", "Stream"]

WHEEL = 3
"""Lines of one turn of the wheel."""


class Stream(StreamBody, can_focus=True):
    """The newest entries are the lowest."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    class Told(Message):
        """What all of these have in common: the stream, and the id of the entry that it is about."""

        def __init__(self, stream: Stream, entry: str = "") -> None:
            super().__init__()
            self.stream, self.entry = stream, entry

        @property
        def control(self) -> Stream:
            return self.stream

    class Moved(Told):
        """The cursor stands on another entry, because the person moved it."""

    class Chosen(Told):
        """An entry was opened, by enter or by a click on the one under the cursor."""

    class Older(Told):
        """The first entry that is here comes near, and there are earlier ones. Told once for each number of these,
        unless `ask_again` was called."""

    class Scrolled(Told):
        """Another entry is the last one in sight (or none: the id is empty)."""

    class Below(Told):
        """Down was pressed at the end: the person wants to what stands under the stream."""

    _asked: int | None = None
    _asks_again = False
    _grabbed = False

    # --- for whoever shows it --------------------------------------------------------------------

    def show(self, entries: Sequence[Entry], *, before: int = 0, follow: bool = False) -> None:
        """Show these; `before` earlier ones are not here yet. What is in sight stays where it is: only where the end
        was in sight and `follow` is said, it is so again. The cursor stays on its entry; if that is gone, on the one
        that took its place. The first time, the end is in sight."""
        to_end = follow and self.at_end
        if self._signs != sign():
            self._signs = sign()
            self._drawn.clear()
        old, self._entries, self._before = self._entries, entries, before
        self._window.hold([entry.id for entry in entries], self._stands)
        place = self._window.place_of(self._cursor)
        if place is None or not self._stands(place):
            self._cursor = self._heir(old)
        if to_end or not (old or self._placed):
            self._to_end()
        self._arrange()

    @property
    def cursor(self) -> str | None:
        """The id of the entry under the cursor."""
        return self._cursor

    @property
    def text_width(self) -> int:
        """Cells of a line of an entry."""
        return max(1, self._width - GUTTER - 1)

    @property
    def at_end(self) -> bool:
        """Whether the end of the last entry is in sight."""
        return self._laid_out and self._window.shows_end(self._measure)

    def move_to(self, entry: str, *, at_top: bool = False) -> None:
        """Put the cursor on an entry, and that in sight, without telling anybody. `at_top`: as far up as it goes."""
        place = self._window.place_of(entry)
        if place is None or not self._stands(place):
            return
        self._cursor, self._placed = entry, True
        if at_top:
            self._window.hang_on(self._first_heading(place), 0)
        self._arrange()
        self._bring(place)

    def to_end(self) -> None:
        """Put the cursor on the last entry, and its end in sight, without telling anybody."""
        last = self._near(len(self._entries), -1)
        self._cursor = None if last is None else self._entries[last].id
        self._placed = self._laid_out
        self._to_end()

    def ask_again(self) -> None:
        """What `Older` asked for did not come: ask again when the person moves."""
        self._asks_again = True

    # --- from the body ---------------------------------------------------------------------------

    def _sees(self, lowest: str) -> None:
        self.post_message(self.Scrolled(self, lowest))

    def _nears(self) -> None:
        if self._before != self._asked:
            self._asked = self._before
            self.post_message(self.Older(self))

    def _moves(self) -> None:
        """Whatever is in sight is so because the person wants that."""
        self._placed = True
        if self._asks_again:
            self._asks_again, self._asked = False, None

    def _heir(self, old: Sequence[Entry]) -> str | None:
        """Who takes the place of the entry that was under the cursor; the last one, where none was."""
        standing = {entry.id for entry in self._entries if entry.stands}
        place = next((n for n, entry in enumerate(old) if entry.id == self._cursor), None)
        near = reversed(self._entries) if place is None else (*old[place:], *reversed(old[:place]))
        return next((entry.id for entry in near if entry.id in standing), None)

    # --- keys ------------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """To the next entry; first to the end of one that is taller than the room. From one that was scrolled out of
        sight, to what is in sight."""
        window = self._window
        here = window.place_of(self._cursor)
        if here is None:
            if step > 0:
                self.post_message(self.Below(self))
            return
        top, following = window.top_of(here), self._near(here, step)
        if top is None:
            self._go(self._near(window.first - 1, 1) if step > 0 else self._near(window.last + 1, -1))
        elif step > 0 and top + self._measure(here) > window.height:
            self._scroll(min(window.height - 1, top + self._measure(here) - window.height))
        elif step < 0 and top < 0:
            self._scroll(max(1 - window.height, top))
        elif following is not None:
            self._go(following)
        elif step > 0:
            self._to_end()
            self.post_message(self.Below(self))
        else:
            self._scroll(-here - window.height)

    def action_page(self, step: int) -> None:
        """A screen further, and the cursor stays about where it is on the screen."""
        window, before = self._window, self._window.rows
        at = window.top_of(window.place_of(self._cursor) or 0) or 0
        self._scroll(step * max(1, window.height - 2))
        if not window.rows:
            return
        if window.rows == before:
            at = window.height if step > 0 else 0
        standing = [y for y, (place, _) in enumerate(window.rows) if self._stands(place)]
        if standing:
            self._stand(window.rows[min(standing, key=lambda y: abs(y - at))][0])

    def action_first(self) -> None:
        """To the first entry that is here."""
        self._go(self._near(-1, 1))

    def action_last(self) -> None:
        """To the end of the last one."""
        last = self._near(len(self._entries), -1)
        self._to_end()
        if last is not None:
            self._stand(last)

    def action_choose(self) -> None:
        """Open the entry under the cursor."""
        if self._cursor is not None:
            self.post_message(self.Chosen(self, self._cursor))

    def _near(self, place: int, step: int) -> int | None:
        """The nearest place from there on where the cursor may stand."""
        place += step
        while 0 <= place < len(self._entries):
            if self._stands(place):
                return place
            place += step
        return None

    def _go(self, place: int | None) -> None:
        if place is not None:
            self._stand(place)
            self._bring(place)

    def _stand(self, place: int) -> None:
        before, self._cursor = self._cursor, self._entries[place].id
        self._moves()
        self._arrange()
        if self._cursor != before:
            self.post_message(self.Moved(self, self._cursor))

    def _scroll(self, lines: int) -> None:
        self._moves()
        self._window.by(lines)
        self._arrange()

    # --- mouse and focus -------------------------------------------------------------------------

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Further down."""
        event.stop()
        self._scroll(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Further up."""
        event.stop()
        self._scroll(-WHEEL)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """On the bar: go there, and further with the mouse."""
        if event.x == self._width - 1:
            event.stop()
            self._grabbed = True
            self.capture_mouse()
            self._drag(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """With the bar in hand."""
        if self._grabbed:
            event.stop()
            self._drag(event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let it go."""
        if self._grabbed:
            event.stop()
            self._grabbed = False
            self.release_mouse()

    def _drag(self, y: int) -> None:
        _, seen, of = self._share()
        share = max(0, min(y, self._window.height - 1)) / max(1, self._window.height - 1)
        place = int(share * (of - seen)) - self._before
        if share == 1:
            self._to_end()
        elif self._entries:
            self._moves()
            self._window.hang_on(max(0, min(place, len(self._entries) - 1)), 0)
            self._arrange()

    def on_click(self, event: events.Click) -> None:
        """The first click on an entry moves the cursor there; one on the cursor's entry opens it."""
        place = self._window.place_of(event.style.meta.get("entry"))
        if place is None or not self._stands(place) or event.x == self._width - 1:
            return
        event.stop()
        if self._entries[place].id == self._cursor:
            self.post_message(self.Chosen(self, self._entries[place].id))
        else:
            self._stand(place)

    def on_focus(self) -> None:
        """The cursor is drawn differently."""
        self.refresh()

    def on_blur(self) -> None:
        """Likewise."""
        self.refresh()
