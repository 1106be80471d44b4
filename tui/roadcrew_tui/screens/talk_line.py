"""The line to write a comment in, and what stands above it: what is replied to or changed, the names that are offered.
It tells what was written; sending is for whoever shows it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget

from roadcrew_domain.feed_state import MAX_TEXT, Item
from roadcrew_domain.places import Entity
from roadcrew_tui import render
from roadcrew_tui.screens import talk_draw as draw
from roadcrew_tui.widgets.composer import Composer
from roadcrew_tui.widgets.lines import Part, PartsLine

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp

LONGEST = MAX_TEXT["comments"]
NEAR = 0.9
"""The share of the longest text from which on its length is said."""
LAST_LINE = 1
"""Lines below it: that of the keys."""
TOLD_EVERY = 3.0
"""Seconds between two times that it is told that somebody still writes; the server believes it for 5."""


@dataclass(frozen=True)
class About:
    """Which comment is replied to or changed; `name` is its writer's."""

    what: Literal["reply", "edit"]
    item: Item
    name: str


class TalkLine(Container):
    """About one thing. While somebody writes, the others are told so."""

    class Written(Message):
        """A text that was written, as a new comment or about one. If it can't be sent, `put_back` puts it back."""

        def __init__(self, text: str, about: About | None) -> None:
            super().__init__()
            self.text, self.about = text, about

    class Left(Message):
        """The person wants back to what stands above."""

    def __init__(self, entity: Entity, words: str) -> None:
        """`words` of ours stand there while nothing is written."""
        super().__init__(id="talk-line")
        self._entity = entity
        self._words = words
        self._about: About | None = None
        self._kept = ""
        """What was typed before a comment that is changed was put in its place."""
        self._told = 0.0
        """When it was told that somebody writes; 0: it was not, or taken back."""

    def compose(self) -> ComposeResult:
        """What it is about, and the line itself."""
        yield PartsLine(id="line-about")
        yield Composer(render.ours(self._words), id="line", longest=2 * LONGEST)

    def on_mount(self) -> None:
        """Nothing is written yet."""
        self._draw()

    @property
    def line(self) -> Composer:
        """The line itself."""
        return self.query_one(Composer)

    # --- for whoever shows it --------------------------------------------------------------------

    def know(self, names: Collection[str]) -> None:
        """These can be mentioned."""
        self.line.names = sorted(names, key=str.casefold)

    def write(self, about: About | None = None) -> None:
        """Begin a new comment, or what it is about."""
        self.give_up()
        self._about = about
        if about is not None and about.what == "edit":
            self._kept = self.line.text
            self.line.fill(about.item.text)
        self.screen.set_focus(self.line)
        self._draw()

    def give_up(self) -> None:
        """Neither reply nor change any more. What was typed of a new comment, or as a reply, stays."""
        if self._about is not None and self._about.what == "edit":
            self.line.fill(self._kept)
        self._about, self._kept = None, ""
        self._draw()

    def put_back(self, text: str, about: About | None) -> None:
        """What was written can't be sent: it is to be changed."""
        self.write(about)
        self.line.fill(text)

    def tell(self, *, on: bool) -> None:
        """Tell the others that this person writes, or not any more."""
        app = cast("RoadcrewApp", self.app)
        now = app.clock()
        if on and (not self._told or now - self._told >= TOLD_EVERY):
            self._told = now
            app.link.talk.typing(self._entity, on=True)
        elif not on and self._told:
            self._told = 0.0
            app.link.talk.typing(self._entity, on=False)

    # --- drawing and keys ------------------------------------------------------------------------

    def redraw(self) -> None:
        """With other signs."""
        self._draw()

    def _draw(self) -> None:
        """What is written, how long it is, and which names are offered."""
        above, length = self.query_one(PartsLine), len(self.line.text.strip())
        parts = [Part(str(n), draw.offered(name, first=n == 0)) for n, name in enumerate(self.line.offered)]
        if not parts and self._about is not None:
            about = self._about
            parts = [Part("about", draw.about(about.what, about.name, about.item.text))]
        if length > NEAR * LONGEST:
            tone = render.BAD if length > LONGEST else render.WARN
            parts.append(Part("length", render.ours(f"{length:,} of {LONGEST:,} characters", tone)))
        above.display = bool(parts)
        above.show(parts)

    @on(Composer.Changed)
    def _typed(self, event: Composer.Changed) -> None:
        event.stop()
        self._draw()
        self.tell(on=bool(self.line.text.strip()) and self.line.has_focus)

    @on(Composer.Offered)
    def _offered(self, event: Composer.Offered) -> None:
        event.stop()
        self._draw()

    @on(Composer.Above)
    def _above(self, event: Composer.Above) -> None:
        event.stop()
        self.post_message(self.Left())

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        event.stop()
        about, self._about = self._about, None
        if about is not None and about.what == "edit":
            self.line.fill(self._kept)
            self._kept = ""
        self._draw()
        self.tell(on=False)
        self.post_message(self.Written(event.text, about))

    @on(PartsLine.Clicked)
    def _clicked(self, event: PartsLine.Clicked) -> None:
        event.stop()
        if event.part.isdecimal():
            self.line.take(int(event.part))
            self.screen.set_focus(self.line)

    @on(events.Resize)
    @on(events.Show)
    @on(events.Hide)
    def _lift_toasts(self) -> None:
        """Where one writes, nothing pops up: it does so above."""
        seen = [line.outer_size.height for line in self.screen.query(TalkLine) if line.is_seen]
        for rack in self.screen.query("#textual-toastrack"):
            rack.styles.margin = (0, 0, LAST_LINE + max(seen, default=0), 0)

    @property
    def is_seen(self) -> bool:
        """Whether it, and what it is in, is on the screen."""
        return all(node.display for node in self.ancestors_with_self if isinstance(node, Widget))

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Whoever is elsewhere writes nothing here."""
        self.tell(on=False)
