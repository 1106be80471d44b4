"""Jumping: a label on all that can be clicked or have the focus; who types it is there. Where that is, is
jump_model.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size

from roadcrew_tui import render
from roadcrew_tui.screens import jump_model as model
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.screens.jump_model import DIGITS, LETTERS, Spot
from roadcrew_tui.widgets.lines import Lines, Part, PartsLine

if TYPE_CHECKING:
    from roadcrew_tui.screens.base import CommandScreen

DIGITS_KEY = "f3"


class JumpLabel(Lines):
    """What is still to be typed of a label; over what it leads to."""

    def __init__(self, spot: Spot) -> None:
        super().__init__()
        self._spot = spot

    def say(self, rest: str) -> None:
        """Nothing, if it does not begin with what was typed. Reversed, and underlined for rows that are so too."""
        self.display = bool(rest)
        x, words = model.placed(self._spot, rest)
        self.styles.offset = (x, self._spot.y)
        self.styles.width = len(words)
        self.show(lambda _: render.ours(words, "bold reverse underline"))


class Jump(Dialog[Spot]):
    """Dismissed with where to go; with nothing, if nothing was chosen."""

    CSS_PATH = "jump.tcss"
    DIMS = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+o", "leave", "Leave", show=False),
        Binding(f"{DIGITS_KEY},tab", "turn", "Digits or letters", show=False),
    ]

    def __init__(self, spots: list[Spot], size: Size) -> None:
        """`size` is that of the screen that they are on."""
        super().__init__()
        self._for = size
        self._spots = spots
        self._labels: list[str] = []
        self._typed = ""

    def compose(self) -> ComposeResult:
        """What the keys are, in place of the title, and a label each."""
        yield PartsLine(id="jump-keys")
        for spot in self._spots:
            yield JumpLabel(spot)

    def on_mount(self) -> None:
        """With letters; keyboards that send none turn to digits."""
        self._use(LETTERS)

    def _use(self, signs: str) -> None:
        self._signs, self._typed = signs, ""
        self._labels = model.labels(len(self._spots), signs)
        self._draw()

    def _draw(self) -> None:
        for label, words in zip(self.query(JumpLabel), self._labels, strict=True):
            label.say(words[len(self._typed) :] if words.startswith(self._typed) else "")
        self.query_one(PartsLine).show([self._what(), *self._keys()])

    def _what(self) -> Part:
        words: Content = render.ours("Jump: type a label", "bold")
        return Part("", words)

    def _keys(self) -> list[Part]:
        other = "digits" if self._signs == LETTERS else "letters"
        return [Part("turn", render.key_hint(DIGITS_KEY, other)), Part("leave", render.key_hint("esc", "leave"))]

    def on_key(self, event: events.Key) -> None:
        """One more of a label. A letter of another alphabet has no label: digits are offered then."""
        sign = (event.character or "").casefold()
        if not event.is_printable or not sign.strip():
            return
        event.stop()
        if sign not in LETTERS + DIGITS:
            self._use(DIGITS)
            return
        typed = self._typed + sign
        if typed in self._labels:
            self.dismiss(self._spots[self._labels.index(typed)])
        elif any(label.startswith(typed) for label in self._labels):
            self._typed = typed
            self._draw()
        else:
            self._use(DIGITS if sign in DIGITS else self._signs)

    def on_parts_line_clicked(self, event: PartsLine.Clicked) -> None:
        """The keys by mouse."""
        event.stop()
        if event.part == "turn":
            self.action_turn()
        elif event.part == "leave":
            self.action_leave()

    def action_turn(self) -> None:
        """Digits in place of letters, and back."""
        self._use(DIGITS if self._signs == LETTERS else LETTERS)

    def on_resize(self, event: events.Resize) -> None:
        """What is below is elsewhere then."""
        if event.size != self._for:
            self.action_leave()

    def action_leave(self) -> None:
        """Nowhere."""
        self.dismiss(None)


async def jump(screen: CommandScreen) -> None:
    """Ask where to, and go there."""
    found = model.spots(screen)
    if not found:
        return
    chosen = await screen.app.push_screen_wait(Jump(found, screen.size))
    if chosen is not None:
        chosen.go()
