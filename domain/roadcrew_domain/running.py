"""Work that one process does for a topic: a quote run, an import. Who does it now, by a fence that only grows. Pure.

Whoever takes the work over says so in the topic's log first; from then on, what an older one still wants to write is
refused. A process that slept and wakes up can therefore write nothing. Not for leases: those are the store's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, Protocol

from roadcrew_domain.events import Fact
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Value

MOST_RUNNERS = 8
"""So often work is begun, the first time included; then it is called interrupted. What kills every process that takes
it up must not go round for ever."""

LOOKED_AFTER = timedelta(seconds=15)
"""So long after a process last wrote something of the work, others look whether it still has it."""
LONGEST = timedelta(days=31)
"""Bounds a setting of the server's: for so long work is kept at the most."""

InterruptedBecause = Literal["too-long", "too-often"]


class Worked(Protocol):
    """What is alike in the states of all that is worked for. `alive_at`: when whoever does it last wrote something."""

    @property
    def trip_id(self) -> str | None: ...
    @property
    def status(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def alive_at(self) -> datetime | None: ...
    @property
    def ends_by(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def told(self) -> bool: ...
    @property
    def keep_until(self) -> datetime: ...
    @property
    def expired(self) -> bool: ...


class RunnerStarted(Fact, frozen=True):
    """A process does the work from here on. `fence` is that of its lease."""

    fence: int


class StartRunner(Value, frozen=True):
    """Sent by the server, with the fence of a lease that was just taken."""

    fence: int


class EndTold(Fact, frozen=True):
    """The trip has been told what came of it; nobody looks for that any more."""


class TellEnd(Value, frozen=True):
    """Sent by the server, by whichever process has told the trip."""


def require_fence(newest: int, fence: int) -> None:
    """Raises `Refused` (`fenced-off`) when the work was taken over by somebody else since."""
    if fence != newest:
        raise Refused("fenced-off", "conflict", "Another process does this work now.")


def kept(now: datetime, within: float, keep_for: float) -> tuple[datetime, datetime]:
    """When work that begins now is over in any case, and until when it can be read; both in seconds from now. Raises
    `Refused` (`bad-limit`)."""
    if not 0 < within <= keep_for <= LONGEST.total_seconds():
        raise Refused("bad-limit", "invalid", "Work ends before it is forgotten, which is within a month.")
    return now + timedelta(seconds=within), now + timedelta(seconds=keep_for)


def time_passed(work: Worked, now: datetime, interrupted: Fact, expired: Fact) -> tuple[Fact, ...]:
    """What time has brought: it is not over and should be, it is no longer kept, both, or nothing."""
    facts: list[Fact] = []
    if work.status == "processing" and now >= work.ends_by:
        facts.append(interrupted)
    if not work.expired and now >= work.keep_until:
        facts.append(expired)
    return tuple(facts)


def untold(work: Worked) -> bool:
    """Whether its trip may not know yet what came of it."""
    return not (work.trip_id is None or work.status == "processing" or work.told)


def next_due(work: Worked) -> datetime | None:
    """When time brings something, or when others must look: whether a process still works on it, or has told of its
    end."""
    if work.status == "processing":
        return min(work.ends_by, (work.alive_at or work.started_at) + LOOKED_AFTER)
    told_by = (work.ended_at or work.started_at) + LOOKED_AFTER if untold(work) else None
    forgotten = None if work.expired else work.keep_until
    return min((due for due in (told_by, forgotten) if due is not None), default=None)
