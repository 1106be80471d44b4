"""What is said and given of one thing that is no tab of its own: a hotel, an exhibition, a post, a blog, or a trip that
somebody saved. Above whatever screen it was opened from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from roadcrew_domain.places import Entity
from roadcrew_domain.trip import Trip
from roadcrew_tui import render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.places_model import kind_words
from roadcrew_tui.screens.talk_text import TextPart
from roadcrew_tui.screens.talk_view import TalkView
from roadcrew_tui.screens.trip import TONES, TripScreen
from roadcrew_tui.screens.trip_model import status_words
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import KeyLine, TitleLine

if TYPE_CHECKING:
    from roadcrew_tui.snapshot import News, Snapshot, TalkNews

CLOCK_EVERY = 15.0
"""Seconds after which relative times are drawn anew."""


class TalkScreen(CommandScreen):
    """`name` is what the thing is called, `of` where it is or whose; `trip_id` the trip that it belongs to; `left`
    is called when the person leaves."""

    CSS_PATH = ["talk_screen.tcss", "talk.tcss"]  # noqa: RUF012 - as Screen has it
    MODULES = ("gallery", "comments", "posts", "marks", "saved", "muted", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*MODULES)]

    def __init__(
        self,
        entity: Entity,
        name: str,
        *,
        of: str = "",
        trip_id: str | None = None,
        left: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__()
        self._left = left
        self.entity = entity
        self._called = name
        self._of = of
        self._trip_id = trip_id
        self._due = False

    @property
    def places(self) -> tuple[Place, ...]:
        """A thing that is talked about."""
        return ("place",)

    @property
    def view(self) -> TalkView:
        """What is said of it."""
        return self.query_one(TalkView)

    @property
    def trip(self) -> Trip | None:
        """The trip that it belongs to, where that is open below."""
        below = (screen for screen in self.app.screen_stack if isinstance(screen, TripScreen))
        return next((screen.trip for screen in below if screen.trip_id == self._trip_id), None)

    def compose(self) -> ComposeResult:
        """Title, what is said, keys."""
        yield TitleLine(id="title")
        yield TalkView(self.entity)
        yield KeyLine(id="keys")

    async def on_mount(self) -> None:
        """Begin to follow it."""
        self.redraw()
        self.set_interval(CLOCK_EVERY, self.redraw)
        await self.view.open()
        self.redraw()

    async def go_back(self) -> None:
        """From within a part, and then to where it was opened."""
        part = self.view.part
        if part is None or not await part.back():
            self.leave()

    def leave(self) -> bool:
        """Whoever wrote something does so no more."""
        if self.app.screen is self:
            self.view.close()
            self._left()
        return super().leave()

    # --- what comes in ---------------------------------------------------------------------------

    def feed(self, snapshot: Snapshot, news: News) -> None:
        """The trip below has changed: other names, or another organiser."""
        if snapshot.trip_id == self._trip_id:
            self._draw_soon()

    def show_talk(self, news: TalkNews) -> None:
        """Something that is said is new; it is drawn with the next frame."""
        if news.refusal is not None and self.is_current:
            self.crew_app.say(news.refusal.detail, "warning")
        self.view.take(news)
        self._draw_soon()

    def _draw_soon(self) -> None:
        if not self._due:
            self._due = True
            self.call_later(self._draw_due)

    def _draw_due(self) -> None:
        self._due = False
        self.redraw()

    def redraw(self) -> None:
        """Draw everything."""
        if not self.is_mounted:
            return
        mark, words, tone = status_words(self.crew_app.talk.status)
        right = render.ours(f"{getattr(sign(), mark)} {words}", TONES[tone])
        part = self.view.part
        if isinstance(part, TextPart) and part.item is not None and part.item.title:
            self._called = part.item.title
        beside = render.said(self._of, render.MUTED) if self._of else render.ours(kind_words(self.entity), render.MUTED)
        self.query_one("#title", TitleLine).show_ends(render.said(self._called, "bold"), right, beside)
        trip = self.trip
        people = {member.id: member.name for member in trip.members.values()} if trip is not None else {}
        me = self.crew_app.me
        self.view.draw(people, chair=trip is not None and me is not None and trip.organiser == me.id)
        self.show_keys()

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does."""
        part = self.view.part if self.query(TalkView) else None
        return part.hints() if part is not None else []

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        self.show_keys()
