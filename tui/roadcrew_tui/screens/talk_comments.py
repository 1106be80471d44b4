"""The comments on a thing: the stream of them, who is writing, and the line to write one in. What more its keys do is
talk_actions.py's.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from roadcrew_domain.feed import mentioned
from roadcrew_domain.feed_state import EditItem, Feed, FeedAct, Item, WriteItem
from roadcrew_domain.places import ListChannel
from roadcrew_domain.refusals import Refused
from roadcrew_tui import render, when
from roadcrew_tui.screens import talk_draw as draw
from roadcrew_tui.screens import talk_model as model
from roadcrew_tui.screens.talk_line import About, TalkLine
from roadcrew_tui.screens.talk_loading import MOST_AT_ONCE, Loading
from roadcrew_tui.screens.talk_parts import Talk, TalkPart
from roadcrew_tui.screens.talk_shelf import Shelf
from roadcrew_tui.snapshot import TalkNews
from roadcrew_tui.widgets.lines import Lines, TitleLine
from roadcrew_tui.widgets.stream import Entry, Stream

FIRST, AGAIN = "first", "again"


class CommentsPart(TalkPart):
    """Newest at the bottom, and under them the line to write in. `nothing` is said where there are none, `opens` what
    enter does to one."""

    channel: ClassVar[ListChannel] = "comments"
    nothing: ClassVar[str] = "Nobody has said anything yet. Enter writes the first comment, and so does c."
    opens: ClassVar[str] = "more"
    invites: ClassVar[str] = "Write a comment"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.shelf = Shelf()
        self._talk: Talk | None = None
        self._whole: set[str] = set()
        self._begun = False
        """Whether this person has been put where they go on reading."""
        self._wanted = ""
        """The comment that this person came for, until it is here."""
        self._sent = False
        self.looked_for = ""
        """The words that were looked for last."""
        self._loading = Loading(self, self.shelf, self.channel, self._came)

    def compose(self) -> ComposeResult:
        """What has changed, the stream, the news, the line; beside them in a wide terminal, who is here."""
        with Horizontal():
            with Vertical(id="co-main"):
                yield Lines(id="co-since")
                yield Stream(id="co-stream")
                yield TitleLine(id="co-news")
                yield TalkLine(self.view.entity, self.invites)
            yield Lines(id="co-side")

    def on_mount(self) -> None:
        """Nothing is known yet, and nothing is written."""
        for name in ("#co-since", "#co-news"):
            self.query_one(name).display = False

    @property
    def stream(self) -> Stream:
        """The comments."""
        return self.query_one(Stream)

    @property
    def line(self) -> TalkLine:
        """Where one writes."""
        return self.query_one(TalkLine)

    # --- coming and going ------------------------------------------------------------------------

    def start(self) -> None:
        """Among the comments: where one goes on reading."""
        self._begun = False
        self.screen.set_focus(self.stream)
        if self._talk is not None:
            self.draw(self._talk)

    def leave(self) -> None:
        """What was seen was read; nothing is being written any more."""
        self._mark_read()
        self.line.tell(on=False)

    async def back(self) -> bool:
        """From the line to the comments; a reply or a change is given up."""
        if not self.writes:
            return False
        self.line.give_up()
        self.screen.set_focus(self.stream)
        return True

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does."""
        if self.writes:
            return [("send", "enter", "send"), ("line", "ctrl+j", "new line"), ("leave", "esc", "back")]
        return [("open", "enter", "write" if self.stream.cursor == FIRST else self.opens)]

    @property
    def writes(self) -> bool:
        """Whether this person is in the line."""
        return self.line.line.has_focus

    # --- what is chosen --------------------------------------------------------------------------

    @property
    def item(self) -> Item | None:
        """The comment under the cursor."""
        return self.shelf.find(self.stream.cursor)

    def _reader(self, talk: Talk) -> model.Reader:
        return model.Reader(talk.me, talk.people, talk.muted, self.view.since.get(self.channel, model.Since()))

    # --- drawing ---------------------------------------------------------------------------------

    def draw(self, talk: Talk) -> None:
        """Draw all of it."""
        if self._talk is not None and self._talk.me != talk.me:
            self.shelf.forget()
        self._talk = talk
        self.line.know([name for person, name in talk.people.items() if person != talk.me])
        feed = talk.feed(self.channel)
        if feed is None:
            gone = talk.snapshot.gone.get(talk.entity.topic(self.channel))
            self.stream.show([draw.lead("This can't be talked about any more." if gone else "Opening…")])
            return
        if self._begun and 0 < self.shelf.missing(feed) <= MOST_AT_ONCE:
            self._loading.missed(feed)
        else:
            self.shelf.take(feed)
        self._draw_stream(talk)
        self._draw_since(talk, feed)
        self.query_one("#co-side", Lines).show(draw.company(talk))
        self._draw_news(talk)
        self._mark_read()

    def _draw_stream(self, talk: Talk) -> None:
        on_way = model.on_their_way(talk.sending(self.channel))
        entries = self.shelf.entries(self._reader(talk), on_way, talk.now, self._whole)
        follow = self.view.is_seen and not self.stream.has_focus
        self.stream.show([*self._lead(), *entries], before=self.shelf.before, follow=follow)
        if self._sent and on_way:
            self._sent = False
            self.stream.to_end()
        if not self._begun:
            self._begun = True
            self._begin(self._reader(talk))

    def _lead(self) -> list[Entry]:
        if not self.shelf.items:
            return [Entry(FIRST, lambda width: render.ours(self.nothing, render.MUTED).wrap(width), self.nothing)]
        if not self.shelf.before:
            return []
        if self._loading.trouble:
            words = f"Older {self.channel} can't be loaded now. {self._loading.trouble} Enter tries again."
            return [Entry(AGAIN, lambda width: render.said(words, render.WARN).wrap(width), words)]
        return [draw.lead(f"{self.shelf.before:,} older")]

    def _begin(self, reader: model.Reader) -> None:
        """At the first that was not read; at the end, if all was."""
        first = next((item for item in self.shelf.items if reader.said(item).new), None)
        if self.shelf.find(self._wanted) is not None:
            self.select(self._wanted)
        elif first is None:
            self.stream.to_end()
        else:
            self.stream.move_to(first.id, at_top=True)

    def _draw_since(self, talk: Talk, feed: Feed) -> None:
        reader, line = self._reader(talk), self.query_one("#co-since", Lines)
        found = model.changes(feed, reader)
        line.display = bool(found)
        if found and reader.since.at is not None:
            words = draw.changes(found, when.ago(reader.since.at, talk.now))
            line.show(lambda width: render.cut(words, width))

    def _draw_news(self, talk: Talk) -> None:
        """Who is writing, and how much there is below what is in sight."""
        line = self.query_one("#co-news", TitleLine)
        here = talk.presence.present if talk.presence is not None else ()
        left = draw.writing([talk.name(p.id, p.name or "") for p in here if p.typing and p.id != talk.me])
        lowest = self.shelf.find(self.stream.lowest)
        below = self.shelf.items[-1].no - lowest.no if lowest is not None else 0
        right = draw.below(below) if below else render.BLANK
        line.display = bool(left) or bool(right)
        line.show_ends(left, right)

    def _mark_read(self) -> None:
        lowest = self.shelf.find(self.stream.lowest)
        if lowest is not None and self._talk is not None and self._talk.feed(self.channel) is not None:
            waits = model.on_their_way(self._talk.sending(self.channel))
            self.view.read(self.channel, lowest.no - (lowest.id in waits))

    # --- what comes in ---------------------------------------------------------------------------

    def happened(self, news: TalkNews) -> None:
        """To comments, old ones among them; after a reset, nobody knows to which."""
        for event in news.events:
            self.shelf.patch(event)
        if news.kind == "reset":
            self._loading.anew()

    def _came(self) -> None:
        """What was loaded is here, or it is known why not."""
        if self._loading.trouble:
            self.stream.ask_again()
        if self._talk is not None and self.is_mounted:
            self.draw(self._talk)

    @on(Stream.Older)
    def _older(self, event: Stream.Older) -> None:
        event.stop()
        self._loading.older()

    # --- what the person does --------------------------------------------------------------------

    @on(Stream.Moved)
    def _moved(self, event: Stream.Moved) -> None:
        event.stop()
        self._redo_keys()

    @on(Stream.Scrolled)
    def _scrolled(self, event: Stream.Scrolled) -> None:
        event.stop()
        self._mark_read()
        if self._talk is not None:
            self._draw_news(self._talk)

    @on(Stream.Below)
    def _below(self, event: Stream.Below) -> None:
        event.stop()
        self.screen.set_focus(self.line)

    @on(Stream.Chosen)
    def _chosen(self, event: Stream.Chosen) -> None:
        event.stop()
        if event.entry == FIRST:
            self.write()
        elif event.entry == AGAIN:
            self._loading.older()
        elif self.item is not None:
            self.choose(self.item)

    def choose(self, item: Item) -> None:
        """Enter on one: what can be done about it."""
        self.view.choose()

    @on(TitleLine.Clicked)
    def _to_end(self, event: TitleLine.Clicked) -> None:
        event.stop()
        self.stream.action_last()

    def select(self, item_id: str) -> None:
        """Put the cursor on a comment, now or when the comments are here."""
        self._wanted = item_id if self.shelf.find(item_id) is None else ""
        self.stream.move_to(item_id)
        self.screen.set_focus(self.stream)
        self._redo_keys()

    async def load_more(self) -> bool:
        """Load older ones; whether any came."""
        return await self._loading.more()

    def show_whole(self, item: Item) -> None:
        """All of a long comment, or again only its beginning."""
        self._whole ^= {item.id}
        if self._talk is not None:
            self._draw_stream(self._talk)

    def is_long(self, item: Item) -> bool:
        """Whether only the beginning is shown, unless it was opened."""
        return len(render.spoken(item.text).wrap(self.stream.text_width)) > draw.MOST_LINES

    def write(self) -> None:
        """To the line, for a new comment."""
        self.line.write()

    def reply(self, item: Item) -> None:
        """To the line, for a reply to this one."""
        self.line.write(About("reply", item, self.name_of(item)))

    def edit(self, item: Item) -> None:
        """To the line, with what was said, to be changed."""
        self.line.write(About("edit", item, self.name_of(item)))

    @on(TalkLine.Left)
    def _left_line(self, event: TalkLine.Left) -> None:
        event.stop()
        self.screen.set_focus(self.stream)

    @on(TalkLine.Written)
    async def _send(self, event: TalkLine.Written) -> None:
        event.stop()
        if self._talk is None:
            return
        item = event.about.item if event.about is not None else None
        mentions = mentioned(event.text, self._talk.people)
        act: FeedAct = WriteItem("", event.text, reply_to=item.id if item else None, mentions=mentions)
        edits = item is not None and event.about is not None and event.about.what == "edit"
        if item is not None and edits:
            act = EditItem(item.id, event.text, mentions=mentions)
        try:
            await self.crew_app.link.talk.act(self.view.entity.topic(self.channel), act, item.no if item else None)
        except Refused as refused:
            self.crew_app.say(refused.detail, "warning")
            self.line.put_back(event.text, event.about)
            return
        self._sent = not edits
        if edits:
            self.screen.set_focus(self.stream)

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        self._redo_keys()

    def _redo_keys(self) -> None:
        self.view.show_keys()
