"""The text of a post or a blog, as a part of what is said of it. It is an item of its trip, and followed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from roadcrew_domain.feed import found
from roadcrew_domain.feed_state import Feed, Item
from roadcrew_domain.places import Entity, ListChannel
from roadcrew_tui import render
from roadcrew_tui.screens import talk_draw as draw
from roadcrew_tui.screens import talk_model as model
from roadcrew_tui.screens.links import open_link
from roadcrew_tui.screens.talk_blogs import write_on_sheet
from roadcrew_tui.screens.talk_parts import Talk, TalkPart
from roadcrew_tui.when import ago
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.reader import Reader

if TYPE_CHECKING:
    from roadcrew_client import Client

CHANNEL_OF: dict[str, ListChannel] = {"post": "posts", "blog": "blogs"}
AT_ONCE = 10
"""Items that are asked for at once, looking for one that is old."""
MOST_LOOKS = 20
"""So often, at most."""
PLACE = "text"
"""What the link knows this part by."""


class TextPart(TalkPart):
    """Who wrote it and when, and the text."""

    _talk: Talk | None = None
    _old: Item | None = None
    """The item, where it is not among the newest."""
    _asked_at: object = None
    _missing = False
    _looked_at = ""

    def compose(self) -> ComposeResult:
        """Head above, text below."""
        yield Lines(id="text-head")
        yield Reader(id="text")

    def on_unmount(self) -> None:
        """Nobody looks at it here."""
        self.crew_app.link.talk.look(PLACE, ())

    def start(self) -> None:
        """In the text."""
        self.screen.set_focus(self.query_one(Reader))

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter asks what to do."""
        there = self.item is not None and (self.item.removed is None or self.may_restore(self.item))
        return [("open", "enter", "more")] if there else []

    @property
    def addresses(self) -> tuple[str, ...]:
        """The links in the text."""
        return self.query_one(Reader).addresses

    @property
    def topic(self) -> str:
        """Where it is an item: in its trip."""
        return self.of.topic(self.channel) if self.of is not None else ""

    def edit(self, item: Item) -> None:
        """On a sheet of its own."""
        if self.of is not None:
            write_on_sheet(self, self.of, self.channel, item)

    @property
    def item(self) -> Item | None:
        """What is shown, if that is known."""
        feed = self._feed
        return (found(feed, self._item_id) if feed is not None else None) or self._old

    @property
    def channel(self) -> ListChannel:
        """Of its trip, where it is an item."""
        return CHANNEL_OF[self._talk.entity.type if self._talk is not None else "blog"]

    @property
    def of(self) -> Entity | None:
        """The trip whose item it is."""
        own = self._talk.feed("comments") if self._talk is not None else None
        return Entity("trip", own.trip_id) if own is not None and own.trip_id is not None else None

    @property
    def _item_id(self) -> str:
        return self._talk.entity.id if self._talk is not None else ""

    @property
    def _feed(self) -> Feed | None:
        state = self._talk.snapshot.states.get(self.topic) if self._talk is not None else None
        return state if isinstance(state, Feed) else None

    def draw(self, talk: Talk) -> None:
        """Draw the text; ask for it, where it is not known."""
        self._talk = talk
        self._follow()
        item, now = self.item, talk.now
        head = render.ours("This can't be found any more." if self._missing else "Looking…", render.MUTED)
        text = ""
        if item is not None and item.removed is not None:
            who = talk.name(item.removed.by, item.removed.name)
            head = draw.removed(who, back=self.may_restore(item))
        elif item is not None:
            by = render.said(talk.name(item.by, item.name), width=render.MOST_NAME)
            edited = f", edited {ago(item.edited_at, now)}" if item.edited_at is not None else ""
            said = model.Reader(talk.me, talk.people, talk.muted, model.Since()).said(item)
            given = draw.reactions(item.reactions, said)
            head = render.join(by, render.ours(f"  {ago(item.at, now)}{edited}   ", render.MUTED), given)
            hidden = item.by in talk.muted
            text = "You have muted who wrote this. Press M to read them again." if hidden else item.text
        self.query_one("#text-head", Lines).show(lambda width: render.cut(head, width))
        self.query_one(Reader).show(text, formatted=self.channel == "blogs")

    def _follow(self) -> None:
        feed, topic = self._feed, self.topic
        if topic and topic != self._looked_at:
            self._looked_at = topic
            self.crew_app.link.talk.look(PLACE, (topic,))
        unknown = feed is not None and found(feed, self._item_id) is None
        if unknown and feed is not None and feed.changed_at != self._asked_at:
            self._asked_at = feed.changed_at
            self.run_worker(self._ask, group="text", exclusive=True)  # type: ignore[arg-type]

    async def _ask(self) -> None:
        await self.crew_app.guarded(self._look_for_it())

    async def _look_for_it(self) -> None:
        of, channel, wanted = self.of, self.channel, self._item_id
        no = self._old.no if self._old is not None else None
        if of is None:
            return

        async def ask(client: Client) -> Item | None:
            before = None if no is None else no + 1
            for _ in range(MOST_LOOKS):
                items = (await client.talk_items(of, channel, before, AT_ONCE)).items
                for item in items:
                    if item.id == wanted:
                        return item
                if not items or items[0].no <= 1:
                    break
                before = items[0].no
            return None

        self._old = await self.crew_app.link.call(ask)
        self._missing = self._old is None
        if self._talk is not None:
            self.draw(self._talk)

    @on(Reader.LaidOut)
    def _laid_out(self, event: Reader.LaidOut) -> None:
        event.stop()
        self.view.show_keys()

    @on(Reader.Chosen)
    def _chosen(self, event: Reader.Chosen) -> None:
        event.stop()
        self.view.choose()

    @on(Reader.Opened)
    def _clicked(self, event: Reader.Opened) -> None:
        event.stop()
        self.run_worker(self.crew_app.guarded(open_link(self.crew_app, [event.address])), group="links")
