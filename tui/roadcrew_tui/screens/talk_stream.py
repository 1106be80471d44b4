"""A part of talk that is a stream, newest at the bottom: what comments, posts and images have in common.

It keeps what is here on a shelf (talk_shelf.py), has what is missing loaded (talk_loading.py), and tells how far one
has read. What an item looks like, and what is done with one, is for who builds on it.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on

from roadcrew_domain.feed_state import Feed, Item
from roadcrew_domain.places import ListChannel
from roadcrew_tui import render
from roadcrew_tui.screens import talk_draw as draw
from roadcrew_tui.screens import talk_model as model
from roadcrew_tui.screens.talk_loading import MOST_AT_ONCE, Loading
from roadcrew_tui.screens.talk_parts import MOST_PAGES, Talk, TalkPart
from roadcrew_tui.screens.talk_shelf import Shelf
from roadcrew_tui.snapshot import TalkNews
from roadcrew_tui.widgets.stream import Entry, Stream

FIRST, AGAIN = "first", "again"
"""Entries that are no items: what stands where there are none, and what loads older ones once more."""


class StreamPart(TalkPart):
    """Who builds on it composes a `Stream`, among others."""

    channel: ClassVar[ListChannel]

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.shelf = Shelf()
        self._talk: Talk | None = None
        self._begun = False
        """Whether this person has been put where they go on reading."""
        self._loading = Loading(self, self.shelf, self.channel, self._came)

    def draw_items(self, talk: Talk, feed: Feed) -> None:
        """Draw what is on the shelf."""
        raise NotImplementedError

    @property
    def stream(self) -> Stream:
        """The items."""
        return self.query_one(Stream)

    @property
    def item(self) -> Item | None:
        """The one under the cursor."""
        return self.shelf.find(self.stream.cursor)

    def leave(self) -> None:
        """What was seen was read."""
        self._mark_read()

    # --- drawing ---------------------------------------------------------------------------------

    def draw(self, talk: Talk) -> None:
        """Draw all of it."""
        if self._talk is not None and self._talk.me != talk.me:
            self.shelf.forget()
        self._talk = talk
        feed = talk.feed(self.channel)
        if feed is None:
            self.stream.show([draw.lead(draw.opening(talk, self.channel))])
            return
        if self._begun and 0 < self.shelf.missing(feed) <= MOST_AT_ONCE:
            self._loading.missed(feed)
        else:
            self.shelf.take(feed)
        self.draw_items(talk, feed)
        self._mark_read()

    def _reader(self, talk: Talk) -> model.Reader:
        feed, since = talk.feed(self.channel), self.view.since.get(self.channel, model.Since())
        back = frozenset[int]() if feed is None else talk.restorable(feed)
        return model.Reader(talk.me, talk.people, talk.muted, since, back)

    def _older_ones(self) -> list[Entry]:
        """What stands above the first, where there are older ones."""
        if not self.shelf.before:
            return []
        if self._loading.trouble:
            words = f"Older {self.channel} can't be loaded now. {self._loading.trouble} Enter tries again."
            return [Entry(AGAIN, lambda width: render.said(words, render.WARN).wrap(width), words)]
        return [draw.lead(f"{self.shelf.before:,} older")]

    def _mark_read(self) -> None:
        lowest = self.shelf.find(self.stream.lowest)
        if lowest is not None and self._talk is not None and self._talk.feed(self.channel) is not None:
            waits = model.on_their_way(self._talk.sending(self.channel))
            self.view.read(self.channel, lowest.no - (lowest.id in waits))

    # --- what comes in ---------------------------------------------------------------------------

    def happened(self, news: TalkNews) -> None:
        """To its items, old ones among them; after a reset, nobody knows to which."""
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

    async def load_more(self) -> bool:
        """Load older ones; whether any came."""
        return await self._loading.more()

    def select(self, item_id: str) -> None:
        """Put the cursor on an item."""
        self.stream.move_to(item_id)
        self.screen.set_focus(self.stream)

    async def bring(self, item_id: str) -> None:
        """However old it is."""
        for _ in range(MOST_PAGES):
            if self.shelf.find(item_id) is not None or not await self.load_more():
                break
        self.select(item_id)

    def load_older(self) -> None:
        """The same, without waiting for it."""
        self._loading.older()

    # --- what the person does --------------------------------------------------------------------

    @on(Stream.Older)
    def _older(self, event: Stream.Older) -> None:
        event.stop()
        self.load_older()

    @on(Stream.Moved)
    def _moved(self, event: Stream.Moved) -> None:
        event.stop()
        self.view.show_keys()

    @on(Stream.Scrolled)
    def _scrolled(self, event: Stream.Scrolled) -> None:
        event.stop()
        self._mark_read()
