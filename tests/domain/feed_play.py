"""What people say and give of something, as a test plays it: a clock, a log, and the pages that a server would keep."""

from msgspec.structs import replace
from tests.domain.booking_play import Log

from roadcrew_domain import feed
from roadcrew_domain.events import event
from roadcrew_domain.feed import FeedCommand, FeedState
from roadcrew_domain.feed_state import (
    ClosePage,
    EditItem,
    Feed,
    FeedAct,
    Item,
    ItemAct,
    Kept,
    OldItem,
    OpenFeed,
    Picture,
    RemoveItem,
    RestoreItem,
    WriteItem,
)
from roadcrew_domain.marks_state import GiveMark, MarkAct, Marks, TakeMark
from roadcrew_domain.refusals import Kind

ANA, BEN, CARLA = "ana", "ben", "carla"
PICTURE = Picture("f" * 32, "0" * 32, 800, 600, 40_000, "image/jpeg")


class TalkPlay(Log[FeedState, FeedCommand]):
    """One channel of a trip."""

    def __init__(self, channel: str = "comments") -> None:
        super().__init__(f"feed:trip:t:{channel}", feed.decide, feed.evolve)
        self.channel = channel
        self.do(None, OpenFeed(channel, "t"), "open")  # type: ignore[arg-type]

    def do(self, by: str | None, act: FeedAct | MarkAct, command: str | None = None) -> list[str]:
        """The types of what happened."""
        command = command or self.new_id()
        return self.run(FeedCommand(command, by, act), command, by)

    def refusal(self, by: str | None, act: FeedAct | MarkAct, command: str | None = None) -> tuple[str, Kind]:
        """Code and kind."""
        return self.refused(lambda: self.do(by, act, command))


class FeedPlay(TalkPlay):
    """A channel of items, and its pages by place and tag."""

    def __init__(self, channel: str = "comments") -> None:
        super().__init__(channel)
        self.pages: dict[tuple[int, str], tuple[Item, ...]] = {}
        self.kept: dict[str, Item] = {}

    @property
    def feed(self) -> Feed:
        assert isinstance(self.state, Feed)
        return self.state

    def say(self, text: str = "Lisbon!", by: str = ANA, **more: object) -> str:
        """Write an item; its id."""
        command = self.new_id()
        if self.channel == "images":
            more.setdefault("picture", PICTURE)
        if self.channel == "blogs":
            more.setdefault("title", "A day")
        self.do(by, WriteItem(by.title(), text, **more), command)  # type: ignore[arg-type]
        return command

    def item(self, item_id: str) -> Item:
        """Wherever it is kept."""
        kept = (item for n, tag in enumerate(self.feed.pages) for item in self.pages[n, tag])
        return next(item for item in (*kept, *self.feed.items) if item.id == item_id)

    def close(self) -> None:
        """The oldest items go into a page."""
        items = self.feed.items[: self.feed.page_size]
        place, tag = len(self.feed.pages), self._new_tag()
        assert self.do(None, ClosePage(tag, items)) == ["PageClosed"]
        self.pages[place, tag] = items

    def old(self, item_id: str) -> OldItem:
        """As the server finds an item in its page."""
        item = self.item(item_id)
        place = (item.no - 1) // self.feed.page_size
        return OldItem(item, place, self.feed.pages[place], self._new_tag())

    def turn(self, by: str, act: ItemAct, old: OldItem, command: str | None = None) -> list[str]:
        """Change an item in its page, as the server does: the page first, then the command."""
        command = command or self.new_id()
        fact = feed.judged(self.feed.channel, old.item, by, act)
        assert fact is not None
        after = feed.changed(old.item, event(self.topic, 0, self.now, by, command, fact))
        page = self.pages[old.page, old.before]
        self.pages[old.page, old.after] = tuple(after if item.id == after.id else item for item in page)
        return self.do(by, replace(act, old=old), command)

    def remove(self, item_id: str, by: str, *, chair: bool = False) -> list[str]:
        """As the server does it, which keeps the item aside before."""
        item, tag = self.item(item_id), self._new_tag()
        self.kept[tag] = item
        kept = Kept(tag, item) if feed.has_room(self.feed, by) else None
        return self._wherever(by, RemoveItem(item_id, by.title(), chair, kept=kept))

    def restore(self, item_id: str, by: str, *, chair: bool = False) -> list[str]:
        """Likewise, from what it kept."""
        no = self.item(item_id).no
        tag = next((binned.tag for binned in self.feed.binned if binned.no == no), "")
        return self._wherever(by, RestoreItem(item_id, tag, self.kept.get(tag), chair))

    def _wherever(self, by: str, act: ItemAct) -> list[str]:
        if feed.found(self.feed, act.id) is not None:
            return self.do(by, act)
        return self.turn(by, act, self.old(act.id))

    def edit(self, item_id: str, text: str, by: str = ANA) -> list[str]:
        """Change one of the newest."""
        return self.do(by, EditItem(item_id, text, "A day" if self.channel == "blogs" else None))

    def _new_tag(self) -> str:
        self.made += 1
        return f"{self.made:012x}"


class MarksPlay(TalkPlay):
    """A channel of marks."""

    @property
    def marks(self) -> Marks:
        assert isinstance(self.state, Marks)
        return self.state

    def give(self, who: str, value: int = 1) -> list[str]:
        """Give a mark; a save names nobody."""
        saves = self.channel == "saves"
        return self.do(None if saves else who, GiveMark(value, who if saves else None))

    def take(self, who: str) -> list[str]:
        """Take it back."""
        saves = self.channel == "saves"
        return self.do(None if saves else who, TakeMark(who if saves else None))
