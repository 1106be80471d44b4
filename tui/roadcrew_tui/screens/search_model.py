"""What can be looked for by words, and what is found of it, the best first. Pure, without Textual.

What is given is looked through and nothing else: the caller says which trips and which talk that was.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from roadcrew_domain.feed_state import Item
from roadcrew_domain.places import ListChannel
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import hotel_order, poll_order
from roadcrew_tui import plain
from roadcrew_tui.screens.quotes_model import run_rows

Kind = Literal["trip", "poll", "option", "hotel", "quote", "comment", "post", "blog", "image"]

SAID: Mapping[ListChannel, Kind] = {"comments": "comment", "posts": "post", "blogs": "blog", "images": "image"}
"""The parts of what is said of a trip, and what one item of each is called."""
ORDER: tuple[Kind, ...] = ("trip", "poll", "hotel", "option", "quote", "post", "blog", "comment", "image")
"""Of what fits equally well."""
MOST_SHOWN = 50
PAGES, PAGE = 5, 100
"""Pages of older things that are asked for at once, of each part of talk, and how many things are on one."""
MOST_WORDS = 8
"""Words that are looked for at once; more narrow nothing down."""
MOST_PARTS = 3
"""Letters and accents that stand in one, of a text on the whole."""
AROUND = 200
"""Characters of a long text around its first match that are looked at."""
LEAD = 12
"""Characters before the first match of a text that is too long to be shown."""

_SPELLED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
"""Letters whose stroke or ligature is no accent by Unicode, and is one to who types."""


@dataclass(frozen=True)
class Thing:
    """Something that can be found. `words` are what it is called or says, `more` is what is known of it besides (a
    city, a question, who said it), `within` the trip that it is in, where that is not the one that is open. `tab` and
    `thing` are where it is, as `TripScreen.show_tab` has them. All words are people's."""

    kind: Kind
    id: str
    words: str
    trip_id: str
    more: str = ""
    within: str = ""
    tab: str = ""
    thing: str = ""

    @cached_property
    def folded(self) -> tuple[str, str]:
        """What is looked through: of `words`, and of the rest."""
        return fold(self.words), fold(f"{self.more} {self.within}")


def fold(text: str) -> str:
    """A text as it is compared: without case, accents and compatibility forms. What is nothing but signs that stand for
    a sentence each is cut: it would take too long."""
    if text.isascii():
        return text.casefold()
    parts = unicodedata.normalize("NFKD", text.casefold())[: MOST_PARTS * len(text)]
    return "".join(c for c in parts if not unicodedata.combining(c)).translate(_SPELLED)


def wanted(query: str) -> tuple[str, ...]:
    """The words of a query, as they are compared."""
    return tuple(dict.fromkeys(fold(query).split()))[:MOST_WORDS]


def find(things: Iterable[Thing], query: str) -> list[Thing]:
    """Those that have all words of the query, in any order: first those whose own words begin with them. Of equals, in
    the order of kinds, and then as they were given."""
    words = wanted(query)
    scored = [(score, ORDER.index(thing.kind), thing) for thing in things if (score := _score(thing, words))]
    return [thing for _, _, thing in sorted(scored, key=lambda found: (-found[0], found[1]))]


def _score(thing: Thing, words: Sequence[str]) -> int:
    """0: it does not fit. Each word counts for where it stands; a text that is just what was typed, above all."""
    own, rest = thing.folded
    points = [_points(own, word) * 3 or _points(rest, word) for word in words]
    if not points or not all(points):
        return 0
    return sum(points) + 100 * (own.split() == list(words))


def _points(text: str, word: str) -> int:
    at = text.find(word)
    if at < 0:
        return 0
    return 2 if at == 0 or re.search(rf"(?<!\w){re.escape(word)}", text) else 1


def marks(text: str, query: str) -> list[tuple[int, int]]:
    """Where a text has the words of a query, from and to, in its own characters."""
    folded, places = [], list[int]()
    for at, character in enumerate(text):
        for part in fold(character):
            folded.append(part)
            places.append(at)
    joined, found = "".join(folded), set[tuple[int, int]]()
    for word in wanted(query):
        begins = joined.find(word)
        while begins >= 0:
            found.add((places[begins], places[begins + len(word) - 1] + 1))
            begins = joined.find(word, begins + len(word))
    return sorted(found)


def excerpt(text: str, query: str, room: int) -> str:
    """As much of a text as has room in one line, with its first match in sight. Of a long one only the part around that
    is looked at more closely."""
    folded = fold(text)
    near = max(0, min((at for word in wanted(query) if (at := folded.find(word)) >= 0), default=0) - AROUND)
    line = " ".join(plain.pasted(text[near : near + 4 * AROUND]).split())
    found = marks(line, query)
    if not near and (len(line) <= room or not found or found[0][1] <= room):
        return line
    return f"…{line[max(0, found[0][0] - LEAD) :]}" if found else f"…{line}"


# --- what there is -------------------------------------------------------------------------------


def of_list(trips: Iterable[tuple[str, str, str]]) -> list[Thing]:
    """Trips as they are listed: id, name and destination."""
    return [Thing("trip", trip_id, name, trip_id, destination) for trip_id, name, destination in trips]


def of_trip(trip: Trip, now: datetime, *, within: bool = False) -> Iterator[Thing]:
    """What is planned in a trip. `within`: it is not the one that is open."""
    where = trip.name if within else ""
    for poll in poll_order(trip):
        yield Thing("poll", poll.id, poll.question, trip.id, "", where, "polls", poll.id)
        for option in poll.options:
            yield Thing("option", option.id, option.text, trip.id, poll.question, where, "polls", option.id)
    for hotel in hotel_order(trip):
        yield Thing("hotel", hotel.id, hotel.name, trip.id, hotel.city, where, "hotels", hotel.id)
    for run in run_rows(trip, now):
        words = plain.sentence(run.words, longest=2 * plain.LONGEST_SAID, name=run.name)
        yield Thing("quote", run.id, words, trip.id, run.who, where, "quotes", run.id)


def of_talk(trip_id: str, channel: ListChannel, items: Iterable[Item], muted: Collection[str] = ()) -> Iterator[Thing]:
    """What was said in a part of a trip's talk, but for what was removed or is by somebody whom one does not read."""
    for item in items:
        if item.removed is None and item.by not in muted:
            words = " ".join(filter(None, (item.title, item.text)))
            yield Thing(SAID[channel], item.id, words, trip_id, item.name, "", "talk", f"{channel}/{item.id}")


# --- in words ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Looked:
    """What was looked through: how many trips, how many of which the plan was known as well, and how many of all that
    was ever `said` in the trip that is open; None: no trip is."""

    trips: int
    plans: int
    heard: int = 0
    said: int | None = None

    @property
    def words(self) -> str:
        """In a sentence."""
        parts = [f"the names of {_counted(self.trips, 'trip')}"] if self.trips else []
        parts += [f"what is planned in {self.plans} of them"] if self.plans else []
        if self.said is not None:
            all_of = self.heard >= self.said
            parts.append(
                f"all {self.said:,} things that were said in this trip"
                if all_of
                else f"the newest {self.heard:,} of {self.said:,} things that were said in this trip"
            )
        if not parts:
            return "There was nothing to look through."
        return (
            f"Looked through {', '.join(parts[:-1])} and {parts[-1]}." if parts[1:] else f"Looked through {parts[0]}."
        )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
