"""Items of a feed that are not among its newest, asked of the server: older ones while somebody scrolls, what came
while this terminal was away, and what is here already once more. They are put on a shelf (talk_shelf.py).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from roadcrew_domain.feed_state import Feed, Item
from roadcrew_domain.places import ListChannel
from roadcrew_tui.screens.talk_shelf import Shelf

if TYPE_CHECKING:
    from roadcrew_tui.screens.talk_parts import TalkPart

PAGE = 100
"""Items that are asked for at once."""
MOST_AT_ONCE = 1_000
"""Items that are loaded because they came while this terminal was away, or asked for once more. Beyond, those that are
here go."""


class Loading:
    """For one part and one channel. `drawn` is called when something has come, or can't."""

    def __init__(self, part: TalkPart, shelf: Shelf, channel: ListChannel, drawn: Callable[[], None]) -> None:
        self._part = part
        self._shelf = shelf
        self._channel = channel
        self._drawn = drawn
        self._busy = False
        self.trouble = ""
        """Why older items can't be loaded, in a sentence."""

    def older(self) -> None:
        """Load those before the first that is here, unless that is under way."""
        if self._shelf.before:
            self._begin(self._older())

    async def more(self) -> bool:
        """The same, and wait for it; whether there are more of them here then."""
        before = self._shelf.before
        if before and not self._busy:
            self._busy = True
            await self._do(self._older())
        return self._shelf.before < before

    def missed(self, feed: Feed) -> None:
        """Load what is missing between what is here and a feed, and then put that on the shelf."""
        self._begin(self._missed(feed))

    def anew(self) -> None:
        """Load what is here, and not among the newest, once more: changes of it may have been missed."""
        if self._shelf.old:
            self._begin(self._anew())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if self._busy:
            work.close()
        else:
            self._busy = True
            self._part.run_worker(self._do(work), group=f"load-{self._channel}")

    async def _do(self, work: Coroutine[Any, Any, None]) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - it is there when this runs

        self.trouble = ""
        try:
            await work
        except RoadcrewError as error:
            self.trouble = error.detail
        finally:
            self._busy = False
        self._drawn()

    async def _older(self) -> None:
        self._shelf.put_before(await self._page(self._shelf.before + 1))

    async def _missed(self, feed: Feed) -> None:
        last, found = self._shelf.items[-1].no, list[Item]()
        before = feed.count - len(feed.items) + 1
        try:
            while before > last + 1 and (page := await self._page(before)):
                found[:0] = page
                before = page[0].no
        finally:
            self._shelf.fill([item for item in found if item.no > last], feed)

    async def _anew(self) -> None:
        before = self._shelf.before + self._shelf.old + 1
        lowest = max(self._shelf.before, before - 1 - MOST_AT_ONCE)
        while before > lowest + 1 and (page := await self._page(before)):
            self._shelf.mend(page)
            before = page[0].no
        self._shelf.drop_before(before)

    async def _page(self, before: int) -> list[Item]:
        entity, channel = self._part.view.entity, self._channel
        found = await self._part.crew_app.link.call(lambda client: client.talk_items(entity, channel, before, PAGE))
        return list(found.items)
