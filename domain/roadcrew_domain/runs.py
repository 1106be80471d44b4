"""What a trip knows of its quote runs and imports: that there are some, and what came of them. Pure.

The runs themselves are topics of their own (quotes.py, jobs.py); they end long before the trip does.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from datetime import date, datetime
from typing import Literal

import msgspec
from rpds import HashTrieMap

from roadcrew_domain import text
from roadcrew_domain.events import Fact
from roadcrew_domain.money import Money
from roadcrew_domain.values import Moment, Value

MAX_RUNS = 50
"""Of one trip; the oldest makes room."""
MAX_NAME = 120

RunKind = Literal["stay", "vehicle", "import"]
RunEnd = Literal["finished", "cancelled", "failed", "interrupted"]


class RunNote(Value, frozen=True):
    """A run as its trip remembers it. `name` is an import's, or the vehicle's VIN; `count` is guests, drivers, or the
    rows that were taken over. `best` is the lowest price (in all) and `best_of` whose, with the provider's name."""

    id: str
    kind: RunKind
    by: str
    at: Moment
    name: str | None = None
    begins: date | None = None
    ends: date | None = None
    count: int = 0
    ended: RunEnd | None = None
    best: Money | None = None
    best_of: str | None = None


class RunStarted(Fact, frozen=True):
    """Who started it is the event's `by`."""

    run_id: str
    kind: RunKind
    name: str | None = None
    begins: date | None = None
    ends: date | None = None
    count: int = 0


class RunEnded(Fact, frozen=True):
    """`count` 0: it is what it was when the run began."""

    run_id: str
    ended: RunEnd
    count: int = 0
    best: Money | None = None
    best_of: str | None = None


class NoteRun(Value, frozen=True):
    """Sent by the server when somebody starts a run for the trip, by nobody else."""

    run_id: str
    kind: RunKind
    name: str | None = None
    begins: date | None = None
    ends: date | None = None
    count: int = 0


class NoteRunEnd(Value, frozen=True):
    """Sent by the server when a run is over, by nobody else; also when who started it has left the trip."""

    run_id: str
    ended: RunEnd
    count: int = 0
    best: Money | None = None
    best_of: str | None = None


def note(runs: HashTrieMap[str, RunNote], act: NoteRun) -> RunStarted | None:
    """The fact; None if it is noted."""
    if act.run_id in runs:
        return None
    return RunStarted(act.run_id, act.kind, _name(act.name), act.begins, act.ends, act.count)


def note_end(runs: HashTrieMap[str, RunNote], act: NoteRunEnd) -> RunEnded | None:
    """The fact; None if that is noted, or the run has made room for others."""
    run = runs.get(act.run_id)
    if run is None or run.ended is not None:
        return None
    return RunEnded(act.run_id, act.ended, act.count, act.best, _name(act.best_of))


def _name(name: str | None) -> str | None:
    return text.cut(name or "", MAX_NAME) or None


def started(runs: HashTrieMap[str, RunNote], f: RunStarted, by: str, at: datetime) -> HashTrieMap[str, RunNote]:
    """The runs with one more, and without the oldest where there are too many."""
    if len(runs) >= MAX_RUNS:
        oldest = min(runs.values(), key=lambda run: (run.at, run.id))
        runs = runs.remove(oldest.id)
    return runs.insert(f.run_id, RunNote(f.run_id, f.kind, by, at, f.name, f.begins, f.ends, f.count))


def ended(runs: HashTrieMap[str, RunNote], f: RunEnded) -> HashTrieMap[str, RunNote]:
    """The runs with what came of one. Raises `KeyError` if it is not there."""
    run = runs[f.run_id]
    count = f.count or run.count
    over = msgspec.structs.replace(run, ended=f.ended, count=count, best=f.best, best_of=f.best_of)
    return runs.insert(run.id, over)
