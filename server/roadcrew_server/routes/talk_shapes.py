"""The shapes of `/api/feeds`: what is sent, and what is answered. What a text, a rating or a reaction may be, the
domain's rules say.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from roadcrew_domain.feed_state import Item
from roadcrew_domain.places import EntityType
from roadcrew_domain.values import Moment, Value
from roadcrew_server.endpoints import Body

Id = Annotated[str, Field(min_length=1, max_length=64)]
No = Annotated[int, Field(ge=1, lt=2**53)]


# --- bodies ----------------------------------------------------------------------------------------


class PostBody(Body):
    text: str


class CommentBody(PostBody):
    """`reply_no` is the number of what is replied to; it is needed where that is in a page."""

    reply_to: Id | None = None
    reply_no: No | None = None


class BlogBody(PostBody):
    title: str


class EditBody(PostBody):
    """`no` is the item's number; it is needed where the item is in a page."""

    title: str | None = None
    no: No | None = None


class ReactionBody(Body):
    """`no` as in an edit."""

    reaction: str = Field(max_length=64)
    no: No | None = None


class NumberBody(Body):
    """`no` as in an edit."""

    no: No | None = None


class RatingBody(Body):
    stars: int


# --- answers ---------------------------------------------------------------------------------------


class ItemAnswer(Value, frozen=True):
    """An item as it is now, and a cursor at or after the change. `item` is null where what wrote it is repeated so late
    that it is in a page. `seq` is the number of the event, in the channel."""

    item: Item | None
    seq: int
    cursor: str


class ItemsAnswer(Value, frozen=True):
    """Items in the order of their numbers, `count` of all that were ever written, `seq` of the newest event that
    they are sure to have in them. `more`: there are some before these."""

    items: tuple[Item, ...]
    count: int
    seq: int
    more: bool


class RemovedItem(Value, frozen=True):
    """An item as it was before somebody (`by`, an id) removed it. It can be brought back before `until`."""

    item: Item
    by: str
    at: Moment
    until: Moment


class RemovedAnswer(Value, frozen=True):
    """What I may bring back, in the order of its numbers. `more`: there is some before these."""

    removed: tuple[RemovedItem, ...]
    more: bool


class Counted(Value, frozen=True):
    count: int = 0


class Rating(Value, frozen=True):
    """`total` is the sum of all stars, and `spread` counts people by stars, from 1 to 5."""

    count: int
    total: int
    spread: tuple[int, ...]
    mine: int | None


class Likes(Value, frozen=True):
    count: int
    mine: bool


class Saves(Value, frozen=True):
    """`me` is what stands for me in the events of this channel, which name nobody."""

    count: int
    mine: bool
    me: str


class RatingAnswer(Value, frozen=True):
    rating: Rating
    seq: int
    cursor: str


class LikesAnswer(Value, frozen=True):
    likes: Likes
    seq: int
    cursor: str


class SavesAnswer(Value, frozen=True):
    saves: Saves
    seq: int
    cursor: str


class Thing(Value, frozen=True):
    """Something that can be talked about. `name` is what it is called; `trip_id` whose members alone may read of it."""

    type: EntityType
    id: str
    name: str | None
    trip_id: str | None


class TalkSummary(Thing, frozen=True):
    """What was said and given, in numbers. `comments` and `images` count those that were removed too."""

    comments: Counted
    images: Counted
    rating: Rating
    likes: Likes
    saves: Saves


class SummariesAnswer(Value, frozen=True):
    summaries: tuple[TalkSummary, ...]


class SavedAnswer(Value, frozen=True):
    """What I saved, the latest first. With `next` it goes on; None: that was all."""

    saved: tuple[Thing, ...]
    next: str | None
