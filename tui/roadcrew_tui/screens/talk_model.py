"""What a stream of comments shows, in its order: days, what is new since somebody left, what was said and how it stands
with that. Pure, without Textual; what it looks like is talk_draw.py's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from roadcrew_domain.feed_state import Feed, Item, ItemAct
from roadcrew_tui.snapshot import Saying

On = Literal["", "sending", "waiting"]
"""How it stands with what this person did to an item; empty: nothing is on its way."""


@dataclass(frozen=True)
class Since:
    """How far somebody had read, and when; 0 and None: never before."""

    no: int = 0
    at: datetime | None = None


@dataclass(frozen=True)
class Said:
    """An item. `unread`: of others, and not read before; `new`: the same, for who had read some before; `changed`:
    edited or removed since somebody left; `muted`: its words are not wanted; `names` are those of people that it
    mentions, `me` whether one is this person; `mine_given` are their reactions; `back`: they can bring it back."""

    item: Item
    name: str
    on: On = ""
    mine: bool = False
    unread: bool = False
    new: bool = False
    changed: bool = False
    muted: bool = False
    names: tuple[str, ...] = ()
    me: bool = False
    mine_given: tuple[str, ...] = ()
    back: bool = False


@dataclass(frozen=True)
class Day:
    """A heading over what was said on a day."""

    day: date
    today: date


@dataclass(frozen=True)
class New:
    """A heading over what is new since `at`."""

    at: datetime | None


Row = Said | Day | New


@dataclass(frozen=True)
class Reader:
    """Whoever reads: who they are, whom they know (names by id), whom they do not want to read, how far they had come,
    and the numbers of what was removed and they can bring back."""

    me: str
    people: Mapping[str, str]
    muted: Collection[str]
    since: Since
    back: frozenset[int] = frozenset()

    def said(self, item: Item, on: On = "") -> Said:
        """An item as it is for them."""
        at = self.since.at
        lately = max((moment for moment in (item.edited_at, item.removed and item.removed.at) if moment), default=None)
        theirs = item.by != self.me and item.by not in self.muted
        return Said(
            item,
            self.people.get(item.by, item.name),
            on,
            mine=item.by == self.me,
            unread=theirs and item.no > self.since.no and item.removed is None,
            new=theirs and item.no > self.since.no > 0,
            changed=at is not None and lately is not None and item.no <= self.since.no and lately > at,
            muted=item.by in self.muted,
            names=tuple(self.people[person] for person in item.mentions if person in self.people),
            me=self.me in item.mentions,
            mine_given=tuple(each.reaction for each in item.reactions if self.me in each.by),
            back=item.removed is not None and item.no in self.back,
        )


def rows(items: Iterable[Item], reader: Reader, on: Mapping[str, On], today: date, after: Item | None) -> list[Row]:
    """The rows of some items, oldest first, that come `after` another one."""
    shown: list[Row] = []
    before = None if after is None else after.at.astimezone().date()
    was_new = after is not None and reader.said(after).new
    for item in items:
        day = item.at.astimezone().date()
        if before is None or day > before:  # a clock that went back is no day before
            shown.append(Day(day, today))
            before = day
        said = reader.said(item, on.get(item.id, ""))
        if said.new and not was_new:
            shown.append(New(reader.since.at))
            was_new = True
        shown.append(said)
    return shown


def on_their_way(sending: Iterable[Saying]) -> dict[str, On]:
    """The items that something of this person is on its way to, or that are themselves."""
    found: dict[str, On] = {}
    for saying in sending:
        about = saying.act.id if isinstance(saying.act, ItemAct) else None
        found[about or saying.id] = "waiting" if saying.waiting else "sending"
    return found


def unread(feed: Feed | None, reader: Reader) -> int:
    """How many items of others the reader has not read. Those in pages are counted without looking whose they are."""
    if feed is None:
        return 0
    in_pages = feed.count - len(feed.items)
    return sum(reader.said(item).unread for item in feed.items) + max(0, in_pages - reader.since.no)


def calls(feed: Feed, reader: Reader) -> list[Item]:
    """What the reader has not read, and what names them or replies to them."""
    return [
        item
        for item in feed.items
        if reader.said(item).unread
        and (reader.me in item.mentions or (item.reply_to is not None and item.reply_to.by == reader.me))
    ]


@dataclass(frozen=True)
class Changes:
    """What became of a feed since somebody left: written by others (who, in order), edited, removed."""

    new: int
    by: tuple[str, ...]
    edited: int
    removed: int

    def __bool__(self) -> bool:
        return bool(self.new or self.edited or self.removed)


def changes(feed: Feed | None, reader: Reader) -> Changes | None:
    """Since the reader left; None if they were never here. Of edits and removals, those among the newest items."""
    if feed is None or reader.since.at is None:
        return None
    told = [reader.said(item) for item in feed.items if item.by not in reader.muted]
    by = dict.fromkeys(said.name for said in told if said.new)
    changed = [said.item for said in told if said.changed and said.item.by != reader.me]
    removed = sum(item.removed is not None for item in changed)
    return Changes(unread(feed, reader), tuple(by), len(changed) - removed, removed)


def with_words(items: Sequence[Item], words: str, before: int | None) -> Item | None:
    """The newest item that has these words, among those before a number."""
    wanted = words.casefold()
    for item in reversed(items):
        if (before is None or item.no < before) and wanted in f"{item.name}\n{item.text}".casefold():
            return item
    return None
