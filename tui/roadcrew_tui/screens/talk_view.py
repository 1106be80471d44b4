"""What is said and given of one thing, wherever that is shown: a line of its parts, and the part that is open. The tab
of a trip has one, and so has the screen of any other thing. Which parts there are is said in talk_parts.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message

from roadcrew_domain.places import LIST_CHANNELS, Entity
from roadcrew_tui import commands, render
from roadcrew_tui.screens import talk_model as model
from roadcrew_tui.screens.talk_parts import PartOf, Talk, TalkPart, parts_of, topics_of
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import Part, PartsLine
from roadcrew_tui.widgets.marks import MarksLine

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.snapshot import TalkNews

PRESENCE = "presence"


class TalkView(Container):
    """Of one thing. Who shows it calls `open` and `close`, and `draw` when something changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Part before", show=False),
        Binding("right", "step(1)", "Next part", show=False),
    ]

    class Read(Message):
        """Something that is counted as new is so no more."""

    def __init__(self, entity: Entity) -> None:
        super().__init__(id="talk-view")
        self.entity = entity
        self.part_of: PartOf = parts_of(entity)[0]
        self.talk: Talk | None = None
        self.since: dict[str, model.Since] = {}
        """By channel, how far this person had read when it was opened."""
        self._parts: dict[str, TalkPart] = {}
        self.is_open = False
        """Whether somebody looks at it."""

    def compose(self) -> ComposeResult:
        """What was given; the line of parts; under it the one that is open."""
        yield MarksLine(self.entity)
        yield PartsLine(id="talk-parts", gap=1)
        yield Container(id="talk-part")

    @property
    def crew_app(self) -> RoadcrewApp:
        """The app, as what it is."""
        return cast("RoadcrewApp", self.app)

    @property
    def part(self) -> TalkPart | None:
        """The part that is open; None until it is there."""
        return self._parts.get(self.part_of.channel)

    # --- coming and going ------------------------------------------------------------------------

    async def open(self, channel: str | None = None) -> None:
        """Somebody looks at it now: at this part, or at the one of last time. Nobody does once the screen was left."""
        if self.screen not in self.app.screen_stack:
            return
        if not self.is_open:
            self.is_open = True
            self.since = {name: self.read_so_far(name) for name in LIST_CHANNELS if self.entity.has(name)}
            self.crew_app.link.talk.look(self._place, topics_of(self.entity))
            self.run_worker(self.crew_app.guarded(self.crew_app.muting.load()), group="mutes")
        wanted = next((part for part in parts_of(self.entity) if part.channel == channel), self.part_of)
        await self._show(wanted)

    def close(self) -> None:
        """Nobody looks at it any more."""
        if self.is_open and self.part is not None:
            self.part.leave()
        self._end()

    def on_unmount(self) -> None:
        """Nor then; of its parts nothing is there any more."""
        self._end()

    def _end(self) -> None:
        if self.is_open:
            self.is_open = False
            self.crew_app.link.talk.look(self._place, ())
            self.crew_app.remember()

    @property
    def is_seen(self) -> bool:
        """Whether it is open on the screen, and somebody is there, as far as this terminal can tell."""
        return self.is_open and self.screen.is_current and self.crew_app.looked_at

    @property
    def _place(self) -> str:
        return f"{self.entity.type}:{self.entity.id}"

    async def _show(self, part: PartOf) -> None:
        if self.part is not None and part != self.part_of:
            self.part.leave()
        self.part_of = part
        if self.part is None:
            fresh = part.part_class()(id=f"part-{part.channel}")
            await self.query_one("#talk-part").mount(fresh)
            if self.screen not in self.app.screen_stack:
                return  # it was left meanwhile, and what is in the part may be gone
            self._parts[part.channel] = fresh
        for channel, each in self._parts.items():
            each.display = channel == part.channel
        self._draw()
        if self.part is not None:
            self.part.start()

    def go(self, channel: str, item_id: str = "") -> None:
        """Open a part, and there go to an item."""
        self.run_worker(partial(self._go, channel, item_id), group="talk-part", exclusive=True)  # type: ignore[arg-type]

    async def _go(self, channel: str, item_id: str) -> None:
        await self.open(channel)
        if self.part is not None and item_id:
            await self.part.bring(item_id)

    def action_step(self, step: int) -> None:
        """The part beside this one, and round again. Not awaited: of a screen that is being left, it never ends."""
        parts = parts_of(self.entity)
        self.go(parts[(parts.index(self.part_of) + step) % len(parts)].channel)

    @on(PartsLine.Clicked, "#talk-parts")
    def _clicked(self, event: PartsLine.Clicked) -> None:
        event.stop()
        if event.part != PRESENCE:
            self.go(event.part)

    def choose(self) -> None:
        """Enter on an item: what can be done about it."""
        screen = cast("CommandScreen", self.screen)
        if commands.find("talk.more") in screen.offered():
            screen.start(commands.find("talk.more"))

    def show_keys(self) -> None:
        """Other keys matter now."""
        cast("CommandScreen", self.screen).show_keys()

    # --- what was read ---------------------------------------------------------------------------

    def read_so_far(self, channel: str) -> model.Since:
        """How far this person has read, at this terminal."""
        app = self.crew_app
        return model.Since(*app.memory.talked(app.server or "", self.entity.topic(channel)))

    def read(self, channel: str, no: int) -> None:
        """Keep that this person has seen the item of this number, and all before it."""
        app = self.crew_app
        before = self.read_so_far(channel).no
        if self.talk is not None and self.is_seen and no >= before:
            app.memory.keep_talked(app.server or "", self.entity.topic(channel), no, self.talk.now)
            if no > before:
                app.remember()  # a terminal may be closed without a word
                self.post_message(self.Read())

    def take(self, news: TalkNews) -> None:
        """Something has happened: the part that it is about has to know."""
        for part in self._parts.values():
            if news.topic == part.topic:
                part.happened(news)

    # --- drawing ---------------------------------------------------------------------------------

    def draw(self, people: Mapping[str, str], *, chair: bool) -> None:
        """Draw what the app knows of it, for somebody who knows these people."""
        app = self.crew_app
        me = app.me.id if app.me is not None else ""
        self.talk = Talk(self.entity, app.talk, me, people, app.muting.ids, chair, app.talk.now())
        self._draw()

    def _draw(self) -> None:
        if self.talk is None or not self.is_mounted:
            return
        self.query_one(MarksLine).draw(self.talk)
        parts = [Part(part.channel, self._words(part, self.talk)) for part in parts_of(self.entity)]
        self.query_one("#talk-parts", PartsLine).show([*parts, Part(PRESENCE, _here(self.talk))])
        if self.part is not None and self.is_open:
            self.part.draw(self.talk)

    def _words(self, part: PartOf, talk: Talk) -> Content:
        feed = talk.feed(part.channel)
        count = f" {feed.count}" if feed is not None and feed.count else ""
        if part == self.part_of:
            return render.ours(f"[{part.title}{count}]", "bold")
        new = model.unread(feed, model.Reader(talk.me, talk.people, talk.muted, self.read_so_far(part.channel)))
        badge = render.ours(f" {sign().badge}{new}", render.WARN) if new else render.BLANK
        return render.join(" ", render.ours(f"{part.title}{count}", render.MUTED), badge, " ")


def _here(talk: Talk) -> Content:
    """Who else looks at it."""
    here = () if talk.presence is None else talk.presence.present
    others = [person for person in here if person.id != talk.me]
    if not others:
        return render.BLANK
    names = [render.said(talk.name(p.id, p.name or ""), render.MUTED, width=render.MOST_NAME) for p in others[:2]]
    words: list[Content | str] = [render.ours(f"{sign().here} ", render.GOOD), names[0]]
    more = len(others) - 1 + (0 if talk.presence is None else talk.presence.others)
    if more == 1 and len(names) > 1:
        words += [render.ours(" and ", render.MUTED), names[1]]
    elif more:
        words.append(render.ours(f" and {more} others", render.MUTED))
    return render.join(*words, render.ours(" here", render.MUTED))
