"""Every number of the client in one place, and the clock it lives by. Not for what belongs to one server or person."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Times in seconds, sizes in bytes. Where a number has a reason, it is DESIGN 6 unless said."""

    # one call
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    call_timeout: float = 30.0
    """The whole of one call, however slowly its answer drips."""
    max_body: int = 8 * 1024 * 1024
    """The largest answer, and the largest frame of a stream: 500 members and 200 hotels are far below 1 MB."""
    max_retry_after: float = 3600.0
    """A server that asks for more is asked again after this."""

    # one-shot calls (C5)
    attempts: int = 3
    retry_initial: float = 0.5
    retry_cap: float = 8.0
    retry_total: float = 45.0

    upload_timeout: float = 600.0
    """Sending a file, all attempts together: the largest that a server takes, at 60 kB/s."""

    # lists that a screen loads (C6)
    load_step: float = 0.5

    # reconnecting, and sending what waits
    backoff_base: float = 0.5
    backoff_cap: float = 30.0
    outage_spread: float = 15.0
    """A server that gives no answer is looked for over so many times what its `retry:` said (decision 11)."""
    hurry: float = 2.0
    """Between two tries while a person presses keys, or the server answers something else."""

    # streaming
    heartbeat: float = 15.0
    silence: float = 2.5
    """How many heartbeats may be missed before a stream counts as dead."""
    prove_within: float = 3.0
    short_close: float = 1.0
    strikes: int = 3
    probe_after: float = 60.0

    # polling
    poll_fast: float = 2.0
    poll_slow: float = 10.0
    poll_growth: float = 1.5
    max_batches: int = 200
    """Batches read in a row without a pause, while a server says that there is more."""

    # being looked at
    hidden_grace: float = 30.0
    """A glance at another window costs no reconnect."""
    look_throttle: float = 1.0

    wake_look: float = 5.0
    """How often it is looked whether the computer was asleep meanwhile."""
    wake_after: float = 30.0
    """It was if so much more time than that has passed."""

    # changes
    max_pending: int = 1000
    outbox_look: float = 10.0
    """How often the outbox is looked into for what another program has left there."""
    outbox_age: float = 86400.0
    """What is older is not sent without asking. A server forgets the ids of commands after a week."""
    outbox_at_once: float = 10.0
    """A change that is refused within this is refused in front of the person: it is told, and not kept."""
    max_events_queued: int = 1000
    copy_every: float = 5.0
    """A trip in which much happens is kept this often, and once more when it is left."""

    # session
    session_look: float = 5.0
    """One look whether a new session can be used. What the looks and the waits between them are, C4 says."""
    renew_before: float = 3600.0
    """A token that ends within this is renewed on its next use."""
    renew_after: float = 86400.0
    """So is one that is older than this, where a new one is kept: who comes once in 90 days is not lost."""
    renew_again: float = 60.0
    """A renewal that failed is not tried again before this."""

    @property
    def stream_read_timeout(self) -> float:
        """Silence after which a stream is given up: 37.5 s by default."""
        return self.heartbeat * self.silence


class Clock(Protocol):
    """Where time comes from; tests bring their own."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; ends early only by being cancelled."""
        ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class ServerTime:
    """What time it probably is at the server: the wall clock here, and how far the server's is from it.

    A `Date` header is good to a second, so it only mends what is further off than that; a reset's `now` is
    exact but for the way it came; an event's `at` is never in the future.
    """

    COARSE = 2.0
    """Seconds."""
    FARTHEST = 366 * 86400.0
    """Seconds; a server that is further off than a year is not believed."""

    def __init__(self, clock: Clock) -> None:
        self.known = False
        """Whether a server has said what time it is; until then it is the time here."""
        self._clock = clock
        self._offset = 0.0

    def now(self) -> datetime:
        """The estimate."""
        return datetime.fromtimestamp(self._clock.now().timestamp() + self._offset, UTC)

    def exactly(self, at: datetime) -> None:
        """The server said so a moment ago."""
        self._keep(self._from_here(at))

    def roughly(self, at: datetime) -> None:
        """The server said so, to the second."""
        offset = self._from_here(at)
        self._keep(offset if abs(offset - self._offset) > self.COARSE else self._offset)

    def at_least(self, at: datetime) -> None:
        """Something has happened at that time."""
        self._keep(max(self._offset, self._from_here(at)))

    def _from_here(self, at: datetime) -> float:
        return at.timestamp() - self._clock.now().timestamp()

    def _keep(self, offset: float) -> None:
        if abs(offset) <= self.FARTHEST:
            self._offset, self.known = offset, True
