"""The shapes of talk that come from a server, as the HTTP contract (docs/api.md) says; feeds, marks and items are the
domain's. Not for how they are asked for.
"""

from __future__ import annotations

from msgspec import Raw

from roadcrew_client.errors import not_ours
from roadcrew_client.models import read
from roadcrew_domain.feed import FeedState, decode_state
from roadcrew_domain.feed_state import Feed, Item
from roadcrew_domain.marks_rules import most
from roadcrew_domain.marks_state import MOST_STARS, Marks
from roadcrew_domain.places import EntityType
from roadcrew_domain.values import Moment, Value


class Counted(Value, frozen=True):
    """How many there are."""

    count: int = 0


class RatingOf(Value, frozen=True):
    """`total` is the sum of all stars; `spread` counts the ratings of 1 to 5 stars. `mine` None: I gave none."""

    count: int = 0
    total: int = 0
    spread: tuple[int, ...] = (0,) * MOST_STARS
    mine: int | None = None

    @property
    def average(self) -> float | None:
        """Stars; None where nobody has rated."""
        return self.total / self.count if self.count else None


class LikesOf(Value, frozen=True):
    count: int = 0
    mine: bool = False


class SavesOf(Value, frozen=True):
    """`me` is the word that stands for me among the saves of this thing, and for nobody else."""

    count: int = 0
    mine: bool = False
    me: str = ""


class TalkSummary(Value, frozen=True):
    """What is said and given of something, in numbers. `name` is what it is called; `trip_id` whose it is, None for a
    location."""

    type: EntityType
    id: str
    name: str | None = None
    trip_id: str | None = None
    comments: Counted = Counted()
    images: Counted = Counted()
    rating: RatingOf = RatingOf()
    likes: LikesOf = LikesOf()
    saves: SavesOf = SavesOf()


class TalkSummaries(Value, frozen=True):
    summaries: tuple[TalkSummary, ...] = ()


class SavedThing(Value, frozen=True):
    """Something that I saved."""

    type: EntityType
    id: str
    name: str | None = None
    trip_id: str | None = None


class SavedThings(Value, frozen=True):
    """Some of what I saved. `next`: what to ask for those `after` these with, None for the last."""

    saved: tuple[SavedThing, ...] = ()
    next: str | None = None


class TalkItems(Value, frozen=True):
    """Some items of a feed, in rising `no`, as of event `seq`. `count`: how many were ever written; `more`: there are
    older ones."""

    items: tuple[Item, ...] = ()
    count: int = 0
    seq: int = 0
    more: bool = False


class RemovedItem(Value, frozen=True):
    """An item as it was before somebody (`by`, an id) removed it. I can bring it back before `until`."""

    item: Item
    by: str
    at: Moment
    until: Moment


class RemovedItems(Value, frozen=True):
    """Some of what I may bring back, in rising `no`. `more`: there is some with lower ones."""

    removed: tuple[RemovedItem, ...] = ()
    more: bool = False


class ItemAnswer(Value, frozen=True):
    """An item as it is now, and a cursor at or after the change. `item` is None where what wrote it is repeated so late
    that it is old by now."""

    item: Item | None
    seq: int
    cursor: str


class MarkAnswer(Value, frozen=True):
    """How the marks of a channel stand now, and a cursor at or after the change; of the three, the one that it was
    about."""

    seq: int
    cursor: str
    rating: RatingOf | None = None
    likes: LikesOf | None = None
    saves: SavesOf | None = None


class Muted(Value, frozen=True):
    """Somebody whom I do not want to read. `name` is what they were called then."""

    id: str
    name: str = ""
    at: Moment | None = None


class Mutes(Value, frozen=True):
    muted: tuple[Muted, ...] = ()


def read_summary(body: bytes) -> TalkSummary:
    """The numbers of one thing. Raises `ServerTrouble`."""
    return _checked_summary(read(body, TalkSummary))


def read_summaries(body: bytes) -> tuple[TalkSummary, ...]:
    """The numbers of some things. Raises `ServerTrouble`."""
    return tuple(_checked_summary(summary) for summary in read(body, TalkSummaries).summaries)


def read_items(body: bytes) -> TalkItems:
    """Some items. Raises `ServerTrouble`."""
    found = read(body, TalkItems)
    _check_items(found.items, found.count)
    return found


def read_mark(body: bytes) -> MarkAnswer:
    """How marks stand. Raises `ServerTrouble`."""
    answer = read(body, MarkAnswer)
    if answer.rating is not None:
        _check_rating(answer.rating)
    return answer


def read_state(body: bytes | Raw) -> FeedState:
    """The state of a channel in a body. Raises `ServerTrouble`."""
    try:
        state = decode_state(body)
    except ValueError as error:
        raise not_ours(f"The server's answer can't be read: {str(error)[:200]}") from error
    match state:
        case Feed():
            _check_items(state.items, state.count)
        case Marks():
            if len(state.spread) != most(state.channel) or min(state.spread) < 0:
                raise not_ours("The server sent marks that can't be.")
    return state


def _check_items(items: tuple[Item, ...], count: int) -> None:
    numbers = [0, *(item.no for item in items)]
    if numbers != sorted(set(numbers)) or numbers[-1] > count:
        raise not_ours("The server sent items that are not in order.")


def _checked_summary(summary: TalkSummary) -> TalkSummary:
    _check_rating(summary.rating)
    return summary


def _check_rating(rating: RatingOf) -> None:
    spread = rating.spread
    whole = len(spread) == MOST_STARS and min(spread) >= 0 and sum(spread) == rating.count
    if not whole or sum(stars * people for stars, people in enumerate(spread, 1)) != rating.total:
        raise not_ours("The server sent a rating that can't be.")
