"""One topic in this process: a folded copy of the store's log, its newest events, its followers, its queue.

The copy is never the truth. What it is not for: deciding when to read the store again (copies.py) or what to
append (commands.py).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from roadcrew_domain.events import Event, Position, decode_event, encode_event
from roadcrew_server.company import Company
from roadcrew_server.problems import Problem
from roadcrew_server.stores.base import NOTHING_YET, StoredEvent
from roadcrew_server.topics import Closed, Kind, Record

log = logging.getLogger(__name__)


class TopicMissing(Exception):
    """No such topic, or (`kind` None) of a kind that this server does not serve. `closed`: or none that who asks may
    read."""

    def __init__(self, name: str, kind: Kind | None, closed: Closed = "unknown") -> None:
        super().__init__(name)
        self.kind = kind
        self.closed: Closed = closed

    def problem(self) -> Problem:
        """What who asked is told."""
        if self.kind is not None:
            return self.kind.problem(self.closed)
        return Problem(404, "unknown-topic", "There is nothing of that name to follow here.")


class KeyReused(Exception):
    """The idempotency key came with another body before."""


class Follower(Protocol):
    """Whoever wants to be told that a topic changed. Must not block."""

    def wake(self, topic: Topic) -> None: ...

    def failed(self) -> None:
        """`wake` has failed, and nothing more will be heard of that topic. Must not fail."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the ring: as rules and as bytes."""

    event: Event
    body: bytes


@dataclass(slots=True)
class News:
    """What all readers who stand at the same place are told next: made once, for all of them."""

    position: Position
    frames: tuple[Any, ...]
    wire: bytes = b""


@dataclass(frozen=True, slots=True)
class Done:
    """A command was accepted: the state right after it, and the position of who has read it.

    When it is answered for a second time, the state is as it is now: it may be closed to who asks by then.
    """

    state: Any
    position: Position
    status: int


@dataclass(slots=True)
class Job:
    """A command that waits for its topic, and who waits for the answer."""

    command: Any
    key: str | None
    body: str
    status: int
    answer: asyncio.Future[Done]


class Topic:
    """One topic: folded state, head, newest events, followers. Only the hub changes it."""

    def __init__(self, name: str, kind: Kind, ring: int) -> None:
        self.name = name
        self.kind = kind
        self.epoch: str | None = None
        self.head = NOTHING_YET
        self.head_command = ""
        self.state: Any = None
        self.snapshot_seq = NOTHING_YET
        self.loads = 0
        self.ring: deque[Entry] = deque(maxlen=ring)
        self.followers: set[Follower] = set()
        self.news: dict[tuple[object, ...], News] = {}
        self.presence = Company()
        self.presence_tag = "0"
        self.presence_frame = self.presence.frame(name)
        self.presence_known = False
        self.records: tuple[Record, ...] = ()
        self.records_until: datetime | None = None
        self.used_at = time.monotonic()
        self._doubts = 0
        self._settled_doubts = 0
        self.jobs: deque[Job] = deque()
        self.loop: asyncio.Task[None] | None = None
        self.reading = asyncio.Lock()
        self._encoded: tuple[Any, bytes] | None = None

    @property
    def position(self) -> Position:
        """The position of somebody who has read everything."""
        return Position.after(self.epoch or "", self.head, self.head_command)

    def position_at(self, entry: Entry) -> Position:
        """The position of somebody who has read up to this entry."""
        return Position.after(self.epoch or "", entry.event.seq, entry.event.command)

    def command_at(self, seq: int) -> str | None:
        """The command that made an event; None if this copy can't tell."""
        if seq == self.head:
            return self.head_command
        place = seq - self.ring[0].event.seq if self.ring else NOTHING_YET
        return self.ring[place].event.command if 0 <= place < len(self.ring) else None

    @property
    def last_at(self) -> datetime | None:
        """When the last event was."""
        return self.ring[-1].event.at if self.ring else None

    def closed_to(self, user: str, now: datetime) -> Closed | None:
        """Why this person may not read; None if they may."""
        return "unknown" if self.state is None else self.kind.closed_to(self.state, user, now)

    @property
    def stale(self) -> bool:
        """True if the store may have more than this copy."""
        return self._doubts != self._settled_doubts

    @property
    def doubts(self) -> int:
        """How often this copy was doubted; noted before the store is read, for `trust`."""
        return self._doubts

    def distrust(self) -> None:
        """Something was heard, or missed, that this copy may lack."""
        self._doubts += 1

    def trust(self, doubts: int) -> None:
        """The copy has all that the store had when so many doubts were there; later ones remain."""
        self._settled_doubts = max(self._settled_doubts, doubts)

    def encoded(self) -> bytes:
        """The state's JSON as readers get it, made once for each state."""
        if self._encoded is None or self._encoded[0] is not self.state:
            self._encoded = (self.state, self.kind.shown(self.state))
        return self._encoded[1]

    def told(self, entry: Entry) -> Entry:
        """What readers get of an event now."""
        event = self.kind.told(self.state, entry.event)
        return entry if event is entry.event else Entry(event, encode_event(event))

    def take(self, entry: Entry) -> bool:
        """Apply the next event; False if it is not the next one."""
        if entry.event.seq != self.head + 1:
            return False
        self.settle(self.kind.evolve(self.state, entry.event), [entry])
        return True

    def settle(self, state: Any, entries: Sequence[Entry]) -> None:
        """These entries follow the head, and make `state`."""
        if not entries:
            return
        self.state = state
        self.ring.extend(entries)
        self.head = entries[-1].event.seq
        self.head_command = entries[-1].event.command

    def wake(self) -> None:
        """Tell every follower; one that fails is let go, knows it, and keeps nobody else from being told (T10)."""
        for follower in tuple(self.followers):
            try:
                follower.wake(self)
            except Exception:
                log.exception("a follower of %r failed", self.name)
                self.followers.discard(follower)
                follower.failed()


@dataclass(slots=True)
class Counters:
    """Figures for /metrics."""

    commands: int = 0
    refusals: int = 0
    conflicts: int = 0
    events: int = 0
    reloads: int = 0
    snapshots: int = 0
    first_resets: int = 0
    lost_resets: int = 0
    hints_lost: int = 0
    stalls: int = 0
    by_type: dict[str, int] = field(default_factory=dict)


def entry_of(stored: StoredEvent) -> Entry:
    """An entry from what the store keeps."""
    return Entry(decode_event(stored.body), stored.body)
