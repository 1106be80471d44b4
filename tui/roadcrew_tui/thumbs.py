"""Thumbnails that were loaded, by the hash of their bytes, so that going to and fro asks nobody. Not for images in full
(screens/picture.py), nor for drawing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import Worker

from roadcrew_tui import pictures
from roadcrew_tui.pictures import NoPicture, Pixels

if TYPE_CHECKING:
    from roadcrew_domain.feed_state import Item
    from roadcrew_domain.places import Entity
    from roadcrew_tui.standing import Standing

KEPT = 300
"""Thumbnails, of some 20 kB each."""
AT_ONCE = 4
MOST_AWAITED = 40
"""Thumbnails that are asked for and have not come. Who scrolls past more does without the first of them, until those
are in sight again."""
WAITS = (2, 5, 15, 30, 60, 120)
"""Seconds between tries, while that may help."""


class Thumbs:
    """Of one app. `on_come` is called when one has come, or can't."""

    def __init__(self, app: Standing) -> None:
        self.on_come: Callable[[], None] = lambda: None
        self._app = app
        self._kept: OrderedDict[str, Pixels | str] = OrderedDict()
        self._awaited: OrderedDict[str, Worker[None]] = OrderedDict()
        self._room = asyncio.Semaphore(AT_ONCE)

    def of(self, item: Item) -> Pixels | str | None:
        """The thumbnail of an image; a sentence that says why there is none; None while it has not come."""
        if item.picture is None or not pictures.can_draw():
            return ""
        name = item.picture.thumb
        if name in self._kept:
            self._kept.move_to_end(name)
        return self._kept.get(name)

    def ask(self, entity: Entity, item: Item) -> None:
        """Have it come, as it is about to be seen."""
        if self.of(item) is not None or item.picture is None or item.picture.thumb in self._awaited:
            return
        load = partial(self._load, entity, item, item.picture.thumb)
        self._awaited[item.picture.thumb] = self._app.run_worker(load, group="thumbs")
        if len(self._awaited) > MOST_AWAITED:
            self._awaited.popitem(last=False)[1].cancel()

    def ask_again(self) -> None:
        """For those that did not come."""
        for name in [name for name, found in self._kept.items() if isinstance(found, str)]:
            del self._kept[name]

    async def _load(self, entity: Entity, item: Item, name: str) -> None:
        try:
            self._kept[name] = await self._loaded(entity, item)
        except (NoPicture, TimeoutError) as error:
            self._kept[name] = str(error) or "It takes too long to read."
        except LookupError:  # no server is open any more
            pass
        del self._awaited[name]
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.on_come()

    async def _loaded(self, entity: Entity, item: Item) -> Pixels | str:
        """The picture, or why there is none; what is only for now, such as a network that is away, is waited for."""
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - it is there when this runs
        from roadcrew_client.retry import is_passing  # noqa: PLC0415 - likewise

        for wait in (*WAITS, None):
            try:
                async with self._room:
                    data = await self._app.link.call(lambda c: c.image_bytes(entity, item.id, "thumb", item.no))
                    return await self._app.link.aside(partial(pictures.opened, data))
            except RoadcrewError as error:
                if wait is None or not is_passing(error):
                    return error.detail
                await asyncio.sleep(wait)
        raise AssertionError("the last try ends it")
