"""The items of one feed that are here, oldest first and without a gap, and their entries in a stream. The newest come
from the feed as it is followed; older ones are put before them as they are loaded. What has settled is drawn once, so
that a long talk costs no more than a short one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from roadcrew_domain.events import Event
from roadcrew_domain.feed import changed
from roadcrew_domain.feed_state import Feed, Item
from roadcrew_tui.screens import talk_draw as draw
from roadcrew_tui.screens import talk_model as model
from roadcrew_tui.symbols import Symbols, sign
from roadcrew_tui.widgets.stream import Entry


@dataclass(frozen=True)
class _Seen:
    """What settled entries depend on, besides their items."""

    reader: model.Reader
    today: date
    signs: Symbols
    whole: frozenset[str]
    on: frozenset[tuple[str, model.On]]

    def said(self, item: Item) -> model.Said:
        return self.reader.said(item, dict(self.on).get(item.id, ""))


class Shelf:
    """Of one feed, as one person reads it."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._old: dict[str, int] = {}
        """The numbers of those, all but the last, that the feed does not hold any more, by id."""
        self._settled: list[Entry] = []
        """The entries of the first of these."""
        self._settled_of = 0
        self._seen: _Seen | None = None

    # --- what there is ---------------------------------------------------------------------------

    @property
    def before(self) -> int:
        """How many there are that are not here, before the first."""
        return self._items[0].no - 1 if self._items else 0

    @property
    def items(self) -> Sequence[Item]:
        """All that are here."""
        return self._items

    @property
    def old(self) -> int:
        """How many of them the feed does not hold any more."""
        return len(self._old)

    def find(self, item_id: str | None) -> Item | None:
        """The item of this id, if it is here."""
        if item_id in self._old:
            return self._items[self._old[item_id] - 1 - self.before]
        return next((item for item in reversed(self._items[len(self._old) :]) if item.id == item_id), None)

    # --- what changes it -------------------------------------------------------------------------

    def missing(self, feed: Feed) -> int:
        """How many items there are between those that are here and those of a feed: after a long time away."""
        first = feed.count - len(feed.items) + 1
        return max(0, first - 1 - self._items[-1].no) if self._items else 0

    def take(self, feed: Feed) -> None:
        """The feed is so now. What it does not hold any more stays here, unless something is missing between."""
        first = feed.count - len(feed.items) + 1
        if self.missing(feed) or first <= self.before:
            self.forget()
        begins = first - 1 - self.before if self._items else 0
        self._items[begins:] = feed.items
        for item in self._items[len(self._old) : begins]:
            self._old[item.id] = item.no

    def fill(self, missed: Sequence[Item], feed: Feed) -> None:
        """What came between those that are here and those of a feed, and the feed. If they are not all, only the feed's
        are here."""
        first = feed.count - len(feed.items) + 1
        if missed and self._items and (missed[0].no, missed[-1].no) == (self._items[-1].no + 1, first - 1):
            self._items += missed
            self._old |= {item.id: item.no for item in self._items[len(self._old) :]}
        self.take(feed)

    def put_before(self, items: Sequence[Item]) -> None:
        """Older ones were loaded; those that do not end where these begin are of no use."""
        if not items or not self._items or items[-1].no != self.before:
            return
        self._items[:0] = items
        self._old = {item.id: item.no for item in (*items, *self._items[len(items) : len(items) + len(self._old)])}
        if self._seen is not None:
            entries = self._entries(items, self._seen, None)
            headings = {entry.id for entry in entries if not entry.stands}
            self._settled = [*entries, *(entry for entry in self._settled if entry.id not in headings)]
            self._settled_of += len(items)

    def mend(self, items: Sequence[Item]) -> None:
        """Old ones that are here were asked for once more."""
        for item in items:
            self._replace(item)

    def drop_before(self, no: int) -> None:
        """Those before this number are of no use."""
        gone = no - 1 - self.before
        if 0 < gone <= len(self._old):
            del self._items[:gone]
            self._old = {item_id: number for item_id, number in self._old.items() if number >= no}
            self._settled, self._settled_of, self._seen = [], 0, None

    def patch(self, event: Event) -> None:
        """Something has happened to an item, which may be an old one."""
        item = self.find(getattr(event.data, "id", None))
        if item is not None and item.id in self._old:
            self._replace(changed(item, event))

    def _replace(self, item: Item) -> None:
        if item.id not in self._old:
            return
        self._items[item.no - 1 - self.before] = item
        at = next((n for n, entry in enumerate(self._settled) if entry.id == item.id), None)
        if at is not None and self._seen is not None:
            self._settled[at] = self._entry(self._seen.said(item), self._seen)

    def forget(self) -> None:
        """Nothing is here any more."""
        self._items, self._old = [], {}
        self._settled, self._settled_of, self._seen = [], 0, None

    # --- drawing ---------------------------------------------------------------------------------

    def entries(
        self, reader: model.Reader, on: Mapping[str, model.On], now: datetime, whole: Collection[str]
    ) -> list[Entry]:
        """All of them for a stream; `on` is what is on its way to which, `whole` are shown in full."""
        mine = frozenset((item_id, how) for item_id, how in on.items() if item_id in self._old)
        seen = _Seen(reader, now.astimezone().date(), sign(), frozenset(whole), mine)
        if seen != self._seen:
            self._settled, self._settled_of, self._seen = [], 0, seen
        fresh = self._items[self._settled_of : len(self._old)]
        self._settled += self._entries(fresh, seen, self._item_before(self._settled_of))
        self._settled_of += len(fresh)
        recent = self._items[len(self._old) :]
        rows = model.rows(recent, reader, on, seen.today, self._item_before(len(self._old)))
        return [*self._settled, *(draw.entry(row, now, whole=_id(row) in seen.whole) for row in rows)]

    def _item_before(self, at: int) -> Item | None:
        return self._items[at - 1] if at else None

    def _entries(self, items: Sequence[Item], seen: _Seen, after: Item | None) -> list[Entry]:
        rows = model.rows(items, seen.reader, dict(seen.on), seen.today, after)
        return [self._entry(row, seen) for row in rows]

    def _entry(self, row: model.Row, seen: _Seen) -> Entry:
        return draw.entry(row, None, whole=_id(row) in seen.whole)


def _id(row: model.Row) -> str:
    return row.item.id if isinstance(row, model.Said) else ""
