"""What people give something, one mark each: stars, a like, a place among what they saved. As a value, with what can
happen to it (facts) and what can be asked (commands).

Each fact says what was there before, so that the sums can be kept by who does not know everybody's marks.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from rpds import HashTrieMap

from roadcrew_domain.events import Fact
from roadcrew_domain.feed_state import KeepFeed, OpenFeed
from roadcrew_domain.places import MarkChannel
from roadcrew_domain.values import Moment, Value

MOST_STARS = 5
SHOWN = 500
"""So many marks are shown with whose they are; where there are more, only their sums."""


class Marks(Value, frozen=True):
    """The state of a mark channel. `spread` counts the marks by value: of a rating 1 to 5 stars, of the others 1.

    `marks` by person; for saves by a word that stands for a person, and which nobody else can read. `whole`: all of
    them are there, which in what people are shown they may not be.
    """

    channel: MarkChannel
    trip_id: str | None
    opened_at: Moment
    changed_at: Moment
    spread: tuple[int, ...]
    marks: HashTrieMap[str, int] = HashTrieMap()
    whole: bool = True

    @property
    def count(self) -> int:
        """How many gave one."""
        return sum(self.spread)

    @property
    def total(self) -> int:
        """The sum of all stars; with `count` the average, exactly."""
        return sum(value * people for value, people in enumerate(self.spread, 1))


class MarkGiven(Fact, frozen=True, omit_defaults=True):
    """`who` is the event's `by` where it is not said. `was`: the mark that this one replaces."""

    value: int
    was: int | None = None
    who: str | None = None


class MarkTaken(Fact, frozen=True, omit_defaults=True):
    """It was taken back."""

    was: int
    who: str | None = None


class GiveMark(Value, frozen=True):
    """`who`: for saves, whose; there the command is nobody's (`by` None), and the server knows."""

    value: int = 1
    who: str | None = None


class TakeMark(Value, frozen=True):
    who: str | None = None


MarkAct = OpenFeed | GiveMark | TakeMark | KeepFeed
