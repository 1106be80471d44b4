"""The time of an embedded store: the wall clock as it was at the start, plus monotonic time since.

So a wall clock that is set back while the server runs moves no deadline. What it is not for:
sleeping, timers, or the time of a store that has a clock of its own.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970, rounded down. `at` must be aware."""
    return (at - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    """The time that `to_ms` made a number of."""
    return _EPOCH + ms * _MS


def system_wall() -> datetime:
    """The computer's clock."""
    return datetime.now(UTC)


class StoreClock:
    """Store time to the millisecond; it never runs backwards. Safe to read from several threads."""

    def __init__(
        self,
        wall: Callable[[], datetime] = system_wall,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self.monotonic = monotonic
        self._lock = threading.Lock()
        self._newest = 0
        self.start()

    def start(self) -> None:
        """Look at the wall clock anew; done when the store is opened."""
        self._wall_ms = to_ms(self._wall())
        self._started = self.monotonic()

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        ms = self._wall_ms + int((self.monotonic() - self._started) * 1000)
        with self._lock:
            self._newest = max(self._newest, ms)
            return self._newest

    def now(self) -> datetime:
        """The same as an aware time in UTC."""
        return from_ms(self.now_ms())
