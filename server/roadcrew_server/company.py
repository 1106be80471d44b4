"""Who is in one place, as those who follow it are told: a frame. Not for how that is known (presence.py,
typists.py)."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

SHOWN = 20
"""People who were here that are told of."""
CROWD = 100
"""People who are here that are told of one by one where strangers meet; of more, it is told how many."""


class Viewer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One person, however many terminals of theirs are open, and the tab that they look at. `name` is told where
    strangers meet, who have no crew to look it up in."""

    id: str
    where: str
    name: str | None = None
    typing: bool = False


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody who was here, and until when."""

    id: str
    at: datetime
    name: str | None = None


class Company(msgspec.Struct, frozen=True):
    """Who is here, by their ids, and who of them writes something; of a place where people talk also who was here
    lately (`seen`, the latest first)."""

    present: tuple[Viewer, ...] = ()
    seen: tuple[Seen, ...] | None = None

    @property
    def ids(self) -> frozenset[str]:
        """Of those who are here."""
        return frozenset(viewer.id for viewer in self.present)

    @property
    def typing(self) -> frozenset[str]:
        """Of those of them who write something."""
        return frozenset(viewer.id for viewer in self.present if viewer.typing)

    @property
    def tag(self) -> str:
        """Tells one company from another."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=4).hexdigest()

    @property
    def is_crowd(self) -> bool:
        """Whether not all of those who are here are told of one by one. In a trip's own topic they are."""
        return self.seen is not None and len(self.present) > CROWD

    def frame(self, topic: str) -> bytes:
        """The JSON that followers get. Of a crowd, who writes something comes first."""
        body: dict[str, object] = {"topic": topic, "present": self.present}
        if self.seen is not None:
            body["seen"] = self.seen
        if self.is_crowd:
            body["present"] = sorted(self.present, key=lambda viewer: not viewer.typing)[:CROWD]
            body["others"] = len(self.present) - CROWD
        return msgspec.json.encode(body)
