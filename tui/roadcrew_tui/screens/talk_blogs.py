"""The blogs of a trip, newest first: what they are called, whose they are and how they begin. One is read, rated and
talked about on a screen of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from roadcrew_domain.feed import changed
from roadcrew_domain.feed_state import MAX_TEXT, MAX_TITLE, EditItem, Feed, Item, WriteItem
from roadcrew_domain.places import Entity, ListChannel
from roadcrew_tui import render
from roadcrew_tui.drafts import About
from roadcrew_tui.markdown import read
from roadcrew_tui.screens import talk_draw
from roadcrew_tui.screens import talk_model as model
from roadcrew_tui.screens.talk_parts import MOST_PAGES, Talk, TalkPart
from roadcrew_tui.screens.writing import Sheet, Writing
from roadcrew_tui.snapshot import TalkNews
from roadcrew_tui.symbols import sign
from roadcrew_tui.when import ago
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.rows import Draw, Row, RowList

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_client.talk_models import TalkItems

CHANNEL: ListChannel = "blogs"
FIRST, MORE = "first", "more"
NOTHING = "Nobody has written a blog yet. Enter writes the first one, and so does W."
AT_ONCE = 20
"""Older ones that are asked for at once."""
BEGINNING = 300
"""Characters of a text whose first words are shown."""


@dataclass(frozen=True)
class BlogRow:
    """`on` says what is on its way to it; `back`: it was removed, and can be brought back."""

    item: Item
    name: str
    age: str
    muted: bool
    on: model.On
    back: bool


class BlogsPart(TalkPart):
    """A list; enter opens one."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._talk: Talk | None = None
        self._older: dict[int, Item] = {}
        """By number, those that were loaded, or that were in the feed once."""
        self._written_at: int | None = None
        """The newest one when this person began another; they come back to theirs."""

    def compose(self) -> ComposeResult:
        """The list, and a sentence where there is trouble."""
        yield RowList(id="blogs", keeps_sign=True)
        yield Lines(id="blogs-note")

    def start(self) -> None:
        """In the list."""
        self.screen.set_focus(self.query_one(RowList))

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does."""
        item = self.item
        words = "write" if item is None else "more" if self.may_restore(item) else "read"
        return [("open", "enter", words)] if self._talk is not None else []

    @property
    def item(self) -> Item | None:
        """The blog under the cursor."""
        here = self.query_one(RowList).cursor
        return next((item for item in self._items if item.id == here), None)

    @property
    def _items(self) -> list[Item]:
        """Newest first."""
        feed = self._talk.feed(CHANNEL) if self._talk is not None else None
        found = self._older | {item.no: item for item in (feed.items if feed is not None else ())}
        return [found[no] for no in sorted(found, reverse=True)]

    # --- drawing ---------------------------------------------------------------------------------

    def draw(self, talk: Talk) -> None:
        """Draw the list."""
        if self._talk is not None and self._talk.me != talk.me:
            self._older.clear()
        before = self._talk.feed(CHANNEL) if self._talk is not None else None
        self._talk, feed = talk, talk.feed(CHANNEL)
        if feed is None:
            self._note(talk_draw.opening(talk, CHANNEL))
            return
        self._keep(before, feed)
        on_way = model.on_their_way(talk.sending(CHANNEL))
        items = self._items
        rows = [Row(item.id, _drawn(self._row(item, talk, on_way))) for item in items]
        if items and items[-1].no > 1:
            rows.append(Row(MORE, lambda width: render.cut(render.ours("Show older ones", render.ACCENT), width)))
        empty = Row(FIRST, lambda width: render.stack(render.wrapped(render.ours(NOTHING, render.MUTED), width, 3)))
        self.query_one(RowList).show(rows or [empty])
        self._note("")
        if items:
            self.view.read(CHANNEL, items[0].no)
        if items and self._written_at is not None and items[0].no > self._written_at and items[0].by == talk.me:
            self._written_at = None
            self.query_one(RowList).settle()
            self.query_one(RowList).move_to(items[0].id)

    def _keep(self, before: Feed | None, feed: Feed) -> None:
        """What a feed does not hold any more since a page was closed."""
        first = feed.count - len(feed.items) + 1
        for item in before.items if before is not None else ():
            if item.no < first:
                self._older[item.no] = item

    def _row(self, item: Item, talk: Talk, on_way: Mapping[str, model.On]) -> BlogRow:
        name, back = talk.name(item.by, item.name), item.removed is not None and self.may_restore(item)
        return BlogRow(item, name, ago(item.at, talk.now), item.by in talk.muted, on_way.get(item.id, ""), back)

    def _note(self, words: str) -> None:
        note = self.query_one("#blogs-note", Lines)
        note.display = bool(words)
        text = render.said(words, render.MUTED) if words else render.BLANK
        note.show(lambda width: render.stack(text.wrap(max(1, width))))

    # --- what comes in ---------------------------------------------------------------------------

    def happened(self, news: TalkNews) -> None:
        """To blogs, old ones among them; after a reset, nobody knows to which."""
        if news.kind == "reset":
            self._older.clear()
        for event in news.events:
            no = getattr(event.data, "no", 0)
            if no in self._older:
                self._older[no] = changed(self._older[no], event)

    async def _load(self) -> None:
        await self.crew_app.guarded(self._load_older())

    async def _load_older(self) -> None:
        talk, items = self._talk, self._items
        if talk is None or not items:
            return

        async def ask(client: Client) -> TalkItems:
            return await client.talk_items(talk.entity, CHANNEL, items[-1].no, AT_ONCE)

        found = await self.crew_app.link.call(ask)
        self._older |= {item.no: item for item in found.items}
        if self.is_mounted:
            self.draw(self._talk or talk)
            self.query_one(RowList).settle()

    def select(self, item_id: str) -> None:
        """Put the cursor on a blog."""
        self.query_one(RowList).move_to(item_id)

    async def bring(self, item_id: str) -> None:
        """However old it is."""
        for _ in range(MOST_PAGES):
            items = self._items
            if not items or items[-1].no <= 1 or any(item.id == item_id for item in items):
                break
            await self._load_older()
        self.select(item_id)

    # --- what the person does --------------------------------------------------------------------

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.view.show_keys()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        item = self.item
        if event.row == FIRST:
            self.write()
        elif event.row == MORE:
            self.run_worker(self._load, group="older", exclusive=True)  # type: ignore[arg-type]
        elif item is not None and self.may_restore(item):
            self.view.choose()
        elif item is not None and self._talk is not None:
            open_item(self._talk, self, item, "blog")

    def write(self) -> None:
        """On a sheet of its own."""
        if self._talk is not None:
            self._written_at = self._items[0].no if self._items else 0
            write_on_sheet(self, self._talk.entity, CHANNEL, None)

    def edit(self, item: Item) -> None:
        """Likewise, with what it is now."""
        if self._talk is not None:
            write_on_sheet(self, self._talk.entity, CHANNEL, item)


def open_item(talk: Talk, part: TalkPart, item: Item, kind: str) -> None:
    """Show a post or a blog on a screen of its own."""
    entity = Entity("post" if kind == "post" else "blog", item.id)
    writer = talk.name(item.by, item.name)
    part.crew_app.open_talk(entity, item.title or "Post", talk.entity.id, of=f"by {writer}")


def write_on_sheet(part: TalkPart, trip: Entity, channel: ListChannel, item: Item | None) -> None:
    """The sheet for a new blog or post of a trip, or for one that is changed."""
    app, topic = part.crew_app, trip.topic(channel)

    async def send(title: str, text: str) -> None:
        act = WriteItem("", text, title or None) if item is None else EditItem(item.id, text, title or None)
        await app.link.talk.act(topic, act, None if item is None else item.no)

    kind = channel.removesuffix("s")
    sheet = Sheet(
        f"Write a {kind}" if item is None else f"Change a {kind}",
        "publish" if item is None else "save",
        MAX_TEXT[channel],
        MAX_TITLE if channel == "blogs" else 0,
        "" if item is None else item.title or "",
        "" if item is None else item.text,
    )
    me = app.me.id if app.me is not None else ""
    app.push_screen(Writing(sheet, About(app.server or "", me, topic, "" if item is None else item.id), send))


@lru_cache(maxsize=200)
def beginning(text: str) -> str:
    """The first words of a text in Markdown, without what makes them look."""
    blocks = read(text[:BEGINNING]).blocks
    return " ".join("".join(piece.text for piece in block.words) for block in blocks if block.words)


def _drawn(row: BlogRow) -> Draw:
    item = row.item

    def draw(width: int) -> Content:
        name = render.said(row.name, render.MUTED, width=render.MOST_NAME)
        by = render.join(name, render.ours(f"  {row.age}", render.MUTED))
        if row.on:
            by = render.join(render.ours(f"{sign().waiting} {talk_draw.ON[row.on]}  ", render.WARN), by)
        if item.removed is not None:
            return render.ends(talk_draw.removed(item.removed.name, back=row.back), by, width)
        title = render.said(item.title or "", "" if row.muted else "bold")
        begins = "You do not read this person." if row.muted else beginning(item.text)
        words = render.cut(render.said(begins, render.MUTED), width)
        return render.stack([render.ends(title, by, width), words])

    return draw
