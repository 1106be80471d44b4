"""What this terminal remembers between two runs (JSON, in the state folder). Not for what a person
chose: that is settings.py's."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from roadcrew_tui.settings import Folders

MOST_SEEN = 200
"""Trips of a server of which more than the name is remembered."""


class Memory:
    """What this terminal remembers of each server: the trips of last time, so that something useful is painted
    before the network answers, how far each trip was seen, for "since you left", and which questions were answered
    with no. All of it is of one person at a time."""

    def __init__(self, folders: Folders) -> None:
        try:
            kept = json.loads(folders.memory_file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            kept = None
        self._kept: dict[str, Any] = kept if isinstance(kept, dict) else {}

    def _of(self, server: str, what: str) -> dict[str, Any]:
        kept = self._kept.setdefault(server, {})
        found = kept.setdefault(what, {}) if isinstance(kept, dict) else {}
        return found if isinstance(found, dict) else {}

    def _keep_newest(self, server: str, what: str, trip_id: str, value: Any) -> None:
        kept = self._of(server, what)
        kept.pop(trip_id, None)
        kept[trip_id] = value
        for oldest in list(kept)[:-MOST_SEEN]:
            del kept[oldest]

    def be(self, server: str, person: str) -> bool:
        """Somebody is signed in there. What is remembered of anybody else goes; returns whether that was so."""
        of = self._of(server, "of")
        was, of["person"] = of.get("person"), person
        self._kept[server] = self._kept.pop(server)
        if was in (None, person):
            return False
        self._kept[server] = {"of": of}
        return True

    def last_server(self) -> str | None:
        """Where somebody was signed in last."""
        return next((server for server in reversed(self._kept) if self._of(server, "of").get("person")), None)

    def trips(self, server: str) -> list[dict[str, Any]]:
        """The trips as they were last listed."""
        found = self._of(server, "lobby").get("trips", [])
        return [t for t in found if isinstance(t, dict)] if isinstance(found, list) else []

    def keep_trips(self, server: str, trips: list[dict[str, Any]]) -> None:
        self._of(server, "lobby")["trips"] = trips[:50]

    def seen(self, server: str, trip_id: str) -> tuple[int, datetime] | None:
        """The last event's number that was on the screen, and when that was."""
        found: Any = self._of(server, "seen").get(trip_id)
        try:
            seq, at = int(found[0]), datetime.fromisoformat(found[1])
        except (TypeError, ValueError, LookupError, OverflowError):
            return None
        return (seq, at) if at.tzinfo is not None else None

    def keep_seen(self, server: str, trip_id: str, seq: int, at: datetime) -> None:
        self._keep_newest(server, "seen", trip_id, [seq, at.isoformat()])

    def talked(self, server: str, topic: str) -> tuple[int, datetime | None]:
        """The number of the last item of a feed that was read, and when; 0 and None: none was."""
        found: Any = self._of(server, "talked").get(topic)
        try:
            no, at = int(found[0]), datetime.fromisoformat(found[1])
        except (TypeError, ValueError, LookupError, OverflowError):
            return 0, None
        return (no, at) if at.tzinfo is not None else (0, None)

    def keep_talked(self, server: str, topic: str, no: int, at: datetime) -> None:
        self._keep_newest(server, "talked", topic, [no, at.isoformat()])

    def declined(self, server: str, trip_id: str) -> frozenset[str]:
        """The polls whose winner this person does not want to be the trip's dates."""
        found = self._of(server, "declined").get(trip_id)
        return frozenset(i for i in found if isinstance(i, str)) if isinstance(found, list) else frozenset()

    def decline(self, server: str, trip_id: str, poll_id: str) -> None:
        self._keep_newest(server, "declined", trip_id, sorted({poll_id, *self.declined(server, trip_id)}))

    def features(self, server: str) -> frozenset[str] | None:
        """What the server said last that it serves; None: nobody has asked it."""
        found = self._of(server, "lobby").get("features")
        return frozenset(f for f in found if isinstance(f, str)) if isinstance(found, list) else None

    def keep_features(self, server: str, features: Collection[str]) -> None:
        self._of(server, "lobby")["features"] = sorted(features)

    def written(self) -> str:
        """All that is remembered, as the text of its file."""
        return json.dumps(self._kept)
