"""What happened between a followed trip and its server lately, for who looks into it: kept in bounded rings. And what
became of bookings.

Values and counting only. Nothing is decided by it, and nobody is told when it changes: `SyncFigures` is read when it is
wanted, and may go to another thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from roadcrew_client.errors import RoadcrewError
from roadcrew_client.settings import Clock
from roadcrew_client.sync import policy
from roadcrew_client.sync.policy import Mode, Transport
from roadcrew_domain.events import Event

if TYPE_CHECKING:
    from roadcrew_client.context import Context
    from roadcrew_client.replica import Replica
    from roadcrew_client.sync.engine import Engine

MOVES, EVENTS, ANSWERS = 20, 10, 60
"""How many of each are kept."""

Why = Literal[
    "started",
    "stopped",
    "proven",
    "opened",
    "answered",
    "unproven",
    "cut",
    "silent",
    "bye",
    "unreachable",
    "trouble",
    "full",
    "renewed",
    "reread",
    "hidden",
    "shown",
    "gone",
    "signed-out",
    "signed-in",
    "timer",
]
"""What has led to another state. `proven`: a stream's first frame; `opened`: its headers; `answered`: a poll is
answered; `unproven`: a stream brought no frame in time, so something holds streams back; `timer`: it was time. The
others are as for the signals of `sync`."""


@dataclass(frozen=True, slots=True)
class Move:
    """Another state, from `at` on. `error`: what the server, or the lack of one, had to say just then."""

    at: datetime
    mode: Mode
    why: Why
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event that was applied. `at`: when that was, by the clock here; `type` is the server's word."""

    at: datetime
    seq: int
    type: str


@dataclass(frozen=True, slots=True)
class Noted:
    """The error that came last, whatever came after it."""

    at: datetime
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class SyncFigures:
    """How it stands with following one trip, at one moment (`at`; all times are of the clock here).

    `since`: when this state began; `began`: when following did. `interval`: seconds between two polls; `next_in` and
    `probe_in`: seconds until the next request, and until a stream is tried again; None where none is planned. `seq`:
    the last event that was applied, None before the first state; `epoch`: the log's name. `oldest`: when the first of
    the `waiting` changes was made. `reconnects`: how often the link was lost and came back; `switches`: how often news
    began to come by the other transport. `answers`: seconds until a change was answered, oldest first. `ahead`: seconds
    by which the server's clock is ahead. `moves` and `events`: newest last.
    """

    at: datetime
    began: datetime
    state: Mode
    since: datetime
    transport: Transport
    interval: float | None
    next_in: float | None
    probe_in: float | None
    tries: int
    error: Noted | None
    epoch: str | None
    seq: int | None
    cursor: str | None
    waiting: int
    oldest: datetime | None
    reconnects: int
    switches: int
    streams: int
    polls: int
    frames: int
    ahead: float
    answers: tuple[float, ...]
    moves: tuple[Move, ...]
    events: tuple[Arrived, ...]


@dataclass(slots=True)
class BookFigures:
    """What became of bookings (C10): how often seats were asked for, however many attempts that took, and what came of
    it, failures by their kind; orders that were placed, and those that are known from a call's answer to be paid."""

    adds_tried: int = 0
    adds_done: int = 0
    adds_failed: dict[str, int] = field(default_factory=dict)
    orders_placed: int = 0
    orders_paid: int = 0

    def add_failed(self, kind: str) -> None:
        """One more of this kind."""
        self.adds_failed[kind] = self.adds_failed.get(kind, 0) + 1


class Recorder:
    """Counts what one engine and one sender do. Belongs to their event loop."""

    def __init__(self, clock: Clock) -> None:
        self.began = clock.now()
        self.error: Noted | None = None
        self.moves: deque[Move] = deque(maxlen=MOVES)
        self.events: deque[Arrived] = deque(maxlen=EVENTS)
        self.answers: deque[float] = deque(maxlen=ANSWERS)
        self.reconnects = self.switches = self.streams = self.polls = self.frames = 0
        self._clock = clock
        self._noted: RoadcrewError | None = None
        self._carried: Mode | None = None
        self._lost = False

    def stepped(self, before: policy.State, signal: policy.Signal, after: policy.State) -> None:
        """The policy has taken a step."""
        if after.n != before.n:
            self.streams += after.out == "stream"
            self.polls += after.out == "poll"
        if after.mode == before.mode:
            return
        if after.mode in ("live", "polling"):
            self.switches += self._carried not in (None, after.mode)
            self.reconnects += self._lost
            self._carried, self._lost = after.mode, False
        elif before.mode in ("live", "polling"):
            # Who looks away, leaves or signs out has not lost the link.
            self._lost = after.mode in ("connecting", "offline")
        why = why_of(before, signal, after)
        error = self._noted.detail if self._noted is not None and why in _WITH_ERROR else None
        self.moves.append(Move(self._clock.now(), after.mode, why, error))

    def took(self, frame: object) -> None:
        """A frame was applied."""
        self.frames += 1
        if isinstance(frame, Event):
            self.events.append(Arrived(self._clock.now(), frame.seq, frame.type))

    def answered(self, seconds: float) -> None:
        """The server has answered a change."""
        self.answers.append(seconds)

    def noted(self, error: RoadcrewError | None) -> None:
        """What is wrong now, if anything is. Said before the step that follows from it."""
        if error is not None and error is not self._noted:
            self.error = Noted(self._clock.now(), error.code, error.detail)
        self._noted = error


def figures_of(
    context: Context,
    engine: Engine,
    recorder: Recorder,
    replica: Replica[Any],
    made: Collection[datetime],
    *,
    since: datetime,
    interval: float | None,
) -> SyncFigures:
    """The figures of this moment. `made`: when each change was made that waits, by the server's time."""
    state, clock = engine.state, context.clock
    now, monotonic = clock.now(), clock.monotonic()
    ahead = context.server_time.now() - now
    return SyncFigures(
        at=now,
        began=recorder.began,
        state=state.mode,
        since=since,
        transport=state.out or state.prefer,
        interval=interval,
        next_in=None if state.next_at is None else max(0.0, state.next_at - monotonic),
        probe_in=None if state.probe_at is None else max(0.0, state.probe_at - monotonic),
        tries=state.tries,
        error=recorder.error,
        epoch=replica.epoch,
        seq=replica.seq if replica.seq >= 0 else None,
        cursor=engine.cursor,
        waiting=len(made),
        oldest=min(made) - ahead if made else None,
        reconnects=recorder.reconnects,
        switches=recorder.switches,
        streams=recorder.streams,
        polls=recorder.polls,
        frames=recorder.frames,
        ahead=ahead.total_seconds(),
        answers=tuple(recorder.answers),
        moves=tuple(recorder.moves),
        events=tuple(recorder.events),
    )


_WITH_ERROR: tuple[Why, ...] = ("cut", "silent", "unreachable", "trouble", "full")


def why_of(before: policy.State, signal: policy.Signal, after: policy.State) -> Why:
    """What a step to another mode was taken for."""
    match signal:
        case policy.Polled():
            # Polls are answered and streams are not: that is what the one poll was for.
            return "unproven" if before.unanswered and after.prefer == "poll" else "answered"
        case policy.Tick():
            if after.mode == "paused":
                return "hidden"
            return "unproven" if before.out == "stream" and not before.proven else "timer"
        case policy.Closed(reason=closed):
            return closed
        case policy.PollFailed(reason=failed):
            return failed
        case policy.Ended(mode=mode):
            return mode
        case policy.Proven():
            return "proven"
        case policy.Opened():
            return "opened"
        case policy.Hidden():
            return "hidden"
        case policy.Shown() | policy.Key():
            return "shown"
        case policy.Answered():
            return "answered"
        case policy.SignedIn():
            return "signed-in"
        case policy.Stopped():
            return "stopped"
        case policy.Doubted():
            return "silent"
        case policy.Started() | policy.Wished():
            return "started"
