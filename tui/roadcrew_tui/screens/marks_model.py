"""What rating, likes and saves of one thing come to, and what of them is mine. Pure, without Textual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roadcrew_domain.feed_state import Feed
from roadcrew_domain.marks_state import MOST_STARS, GiveMark, MarkAct, Marks, TakeMark
from roadcrew_domain.places import Entity

if TYPE_CHECKING:
    from roadcrew_client.talk_models import TalkSummary
    from roadcrew_domain.feed import FeedState


@dataclass(frozen=True)
class Standing:
    """`stars` are the sum of all, `mine` my own (None: none). `comments` counts all that were ever written."""

    rated: int = 0
    stars: int = 0
    mine: int | None = None
    likes: int = 0
    liked: bool = False
    saves: int = 0
    saved: bool = False
    comments: int = 0
    images: int = 0

    @property
    def average(self) -> float | None:
        """Stars; None where nobody has rated."""
        return self.stars / self.rated if self.rated else None


def standing(entity: Entity, states: Mapping[str, FeedState], me: str, summary: TalkSummary | None) -> Standing:
    """From the channels that are known, and from the server's `summary` for the rest."""
    rating, likes, saves = (states.get(entity.topic(channel)) for channel in ("rating", "likes", "saves"))
    said = {channel: states.get(entity.topic(channel)) for channel in ("comments", "images")}
    found = of_summary(summary) if summary is not None else Standing()
    me_saving = summary.saves.me if summary is not None else ""
    return Standing(
        rated=rating.count if isinstance(rating, Marks) else found.rated,
        stars=rating.total if isinstance(rating, Marks) else found.stars,
        mine=rating.marks.get(me) if isinstance(rating, Marks) else found.mine,
        likes=likes.count if isinstance(likes, Marks) else found.likes,
        liked=me in likes.marks if isinstance(likes, Marks) else found.liked,
        saves=saves.count if isinstance(saves, Marks) else found.saves,
        saved=me_saving in saves.marks if isinstance(saves, Marks) and me_saving else found.saved,
        comments=_count(said["comments"], found.comments),
        images=_count(said["images"], found.images),
    )


def of_summary(summary: TalkSummary) -> Standing:
    """The same of what a server says of something in numbers."""
    return Standing(
        summary.rating.count,
        summary.rating.total,
        summary.rating.mine,
        summary.likes.count,
        summary.likes.mine,
        summary.saves.count,
        summary.saves.mine,
        summary.comments.count,
        summary.images.count,
    )


def _count(state: FeedState | None, otherwise: int) -> int:
    return state.count if isinstance(state, Feed) else otherwise


def turned(on: bool) -> MarkAct:
    """What to do about a like or a save that is there (`on`) or not: the other."""
    return TakeMark() if on else GiveMark()


def rated(stars: int | None) -> MarkAct:
    """What a number of stars is; None takes them back."""
    return TakeMark() if stars is None else GiveMark(max(1, min(MOST_STARS, stars)))


def average_words(average: float) -> str:
    """`4.2`, and `4` for a whole number."""
    return f"{average:.1f}".removesuffix(".0")
