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
from roadcrew_tui.screens.talk_parts import Talk
from roadcrew_tui.screens.talk_stream import AGAIN, FIRST, StreamPart
from roadcrew_tui.widgets.lines import Lines, TitleLine
from roadcrew_tui.widgets.stream import Entry, Stream

OF_ALL = ". Everybody at this server can read it"
"""Said where people of other trips come too."""


class CommentsPart(StreamPart):
    """A stream, and under it the line to write in. `nothing` is said where there are none, `opens` what
    enter does to one."""

    channel: ClassVar[ListChannel] = "comments"
    nothing: ClassVar[str] = "Nobody has said anything yet. Enter writes the first comment, and so does c."
    opens: ClassVar[str] = "more"
    invites: ClassVar[str] = "Write a comment"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._whole: set[str] = set()
        self._wanted = ""
        """The comment that this person came for, until it is here."""
        self._sent = ""
        """The comment of this person that goes to the end with them, until it is here."""
        self.looked_for = ""
        """The words that were looked for last."""

    def compose(self) -> ComposeResult:
        """What has changed, the stream, the news, the line; beside them in a wide terminal, who is here."""
        since, news = Lines(id="co-since"), TitleLine(id="co-news")
        since.display = news.display = False  # nothing is known yet
        with Horizontal():
            with Vertical(id="co-main"):
                yield since
                yield Stream(id="co-stream")
                yield news
                shared = self.view.entity.type == "location"
                yield TalkLine(self.view.entity, f"{self.invites}{OF_ALL if shared else ''}")
            yield Lines(id="co-side")

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
        super().leave()
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
        opens = "more" if self.item is not None and self.may_restore(self.item) else self.opens
        return [("open", "enter", "write" if self.stream.cursor == FIRST else opens)]

    @property
    def writes(self) -> bool:
        """Whether this person is in the line."""
        return self.line.line.has_focus

    # --- drawing ---------------------------------------------------------------------------------

    def draw_items(self, talk: Talk, feed: Feed) -> None:
        """Draw all of it."""
        self.line.know([name for person, name in talk.people.items() if person != talk.me])
        self._draw_stream(talk)
        self._draw_since(talk, feed)
        self.query_one("#co-side", Lines).show(draw.company(talk))
        self._draw_news(talk)

    def _draw_stream(self, talk: Talk) -> None:
        on_way = model.on_their_way(talk.sending(self.channel))
        entries = self.shelf.entries(self._reader(talk), on_way, talk.now, self._whole)
        follow = self.view.is_seen and not self.stream.has_focus
        self.stream.show([*self._lead(), *entries], before=self.shelf.before, follow=follow)
        self._go_with_sent()
        if not self._begun:
            self._begun = True
            self._begin(self._reader(talk))

    def _go_with_sent(self) -> None:
        """To the end, once what was sent is here; it may have arrived by the time that its id is known."""
        if self._sent and self.shelf.find(self._sent) is not None:
            self._sent = ""
            self.stream.to_end()

    def _lead(self) -> list[Entry]:
        if not self.shelf.items:
            return [Entry(FIRST, lambda width: render.ours(self.nothing, render.MUTED).wrap(width), self.nothing)]
        return self._older_ones()

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

    # --- what the person does --------------------------------------------------------------------

    @on(Stream.Scrolled)
    def _other_in_sight(self) -> None:
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
            self.load_older()
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
        self.view.show_keys()

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
            sent = await self.crew_app.link.talk.act(self.topic, act, item.no if item else None)
        except Refused as refused:
            self.crew_app.say(refused.detail, "warning")
            self.line.put_back(event.text, event.about)
            return
        if edits:
            self.screen.set_focus(self.stream)
        else:
            self._sent = sent
            self._go_with_sent()

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        self.view.show_keys()
