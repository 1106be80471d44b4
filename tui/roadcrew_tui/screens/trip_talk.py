"""What the frame of a trip and its overview say of the trip's talk: how much of it is new, and who wants an answer. It
is followed as long as the trip is open, whichever tab is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from roadcrew_domain.feed_state import Feed
from roadcrew_domain.places import LIST_CHANNELS, Entity
from roadcrew_tui.happenings import Happening
from roadcrew_tui.screens import talk_model as model
from roadcrew_tui.screens.overview_model import Need

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

MOST_CALLS = 3
"""Comments that are said to want an answer; the others are found beside them."""
_SAID = {"comments": "comments", "posts": "posts", "blogs": "blogs", "images": "images"}
_SAID_ONE = {"comments": "a comment", "posts": "a post", "blogs": "a blog", "images": "an image"}


class TripTalk:
    """Of the trip of one screen."""

    def __init__(self, screen: TripScreen) -> None:
        self._screen = screen
        self._entity = Entity("trip", screen.trip_id)
        self._followed = False

    def follow(self) -> None:
        """From now on, where the server serves it."""
        app = self._screen.crew_app
        if not self._followed and "talk" in app.served:
            self._followed = True
            app.link.talk.look(self._place, [self._entity.topic(channel) for channel in sorted(LIST_CHANNELS)])

    def leave(self) -> None:
        """No more."""
        if self._followed:
            self._followed = False
            self._screen.crew_app.link.talk.look(self._place, ())

    @property
    def _place(self) -> str:
        return f"around:{self._entity.id}"

    def _feeds(self) -> Iterator[tuple[str, Feed, model.Reader]]:
        app, trip = self._screen.crew_app, self._screen.trip
        names = {} if trip is None else {member.id: member.name for member in trip.members.values()}
        for channel in _SAID:
            topic = self._entity.topic(channel)
            state = app.talk.states.get(topic) if self._followed else None
            if isinstance(state, Feed):
                since = model.Since(*app.memory.talked(app.server or "", topic))
                yield channel, state, model.Reader(self._screen.me, names, app.muting.ids, since)

    @property
    def unread(self) -> int:
        """How many items of others this person has not read."""
        return sum(model.unread(feed, reader) for _, feed, reader in self._feeds())

    @property
    def needs(self) -> list[Need]:
        """The comments that are not read, and name this person or reply to them."""
        found: list[Need] = []
        for channel, feed, reader in self._feeds():
            for item in model.calls(feed, reader) if channel == "comments" else ():
                words = "{what} mentions you" if reader.me in item.mentions else "{what} replied to you"
                found.append(Need(f"talk:{item.id}", words, "in Talk", reader.said(item).name))
        return found[-MOST_CALLS:]

    @property
    def lately(self) -> list[Happening]:
        """What others said that is not read, one sentence for each kind."""
        found: list[Happening] = []
        for channel, feed, reader in self._feeds():
            new = [said for item in feed.items if (said := reader.said(item)).unread]
            count = model.unread(feed, reader)
            if new:
                others = len({said.item.by for said in new}) > 1 or count > len(new)
                what = _SAID_ONE[channel] if count == 1 else f"{count} {_SAID[channel]}"
                words = f"{{who}} {'and others ' if others else ''}wrote {what}"
                if channel == "images":
                    words = words.replace(" wrote ", " showed ")
                found.append(Happening(-1, new[-1].item.at, words, new[-1].name, ""))
        return found
