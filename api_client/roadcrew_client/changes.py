"""What a followed trip tells, and talk that is followed: what changed, what waits, what holds. Values only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from roadcrew_client.about import About
from roadcrew_client.errors import RoadcrewError
from roadcrew_domain.events import Event
from roadcrew_domain.trip import TripAct

KeptIn = Literal["disk", "memory", "nowhere"]
SendState = Literal["sending", "waiting"]
SyncState = Literal["live", "connecting", "polling", "paused", "offline", "gone", "signed-out"]
ChangeKind = Literal["reset", "events", "pending", "refused", "dropped", "confirmed", "presence", "status", "gone"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the server did not accept a change."""

    code: str
    detail: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change. `cursor`: where the server's answer says that the log was after it; None where its
    event was here before its answer, and for one that was refused."""

    accepted: bool
    refusal: Refusal | None = None
    cursor: str | None = None


@dataclass(slots=True, eq=False)
class Pending:
    """A change that the server has not confirmed. `since` is the server's time, as estimated; `done` is cancelled if
    the trip is let go of before anything is known. `kept` says where it is kept, once it is (None: there is no outbox):
    on disk it outlives the program. `topic` is what it changes, by `act`: a `TripAct`, or what is done to talk."""

    id: str
    act: Any
    since: datetime
    done: asyncio.Future[Outcome]
    state: SendState = "waiting"
    kept: asyncio.Future[KeptIn] | None = None
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """What took back my last change to a trip, and what that was about. `pending`: not confirmed yet, where the trip is
    followed."""

    act: TripAct
    about: About
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """What holds now (S5). `interval`: seconds between polls, while polling; `waiting`: changes that no answer has
    come for; `since`: when this state began; `attempts`: failures in a row; `latency`: seconds of the last answer."""

    state: SyncState
    interval: float | None
    waiting: int
    since: datetime
    attempts: int
    last_error: RoadcrewError | None
    latency: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """Something is other than before; `reason` says why a trip is gone. A change that was `dropped` was taken back by
    this person, or is too old to be sent unasked.

    Where several topics are followed, `topic` says which it is about; a `reset` of none, or of one without a state, is
    that some are not followed any more."""

    kind: ChangeKind
    events: tuple[Event, ...] = ()
    pending: Pending | None = None
    refusal: Refusal | None = None
    reason: str | None = None
    topic: str = ""
