"""The time of a store that has a clock of its own: as it was in the last answer, plus monotonic time since.

So the clocks of several servers do not matter. What it is not for: the embedded store (`clock`).
"""

import time
from collections.abc import Callable

from roadcrew_server.stores.base import StoreUnavailable


class HeardClock:
    """Milliseconds since 1970; never backwards."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._heard: tuple[int, float] | None = None
        self._newest = 0

    def hear(self, ms: int) -> None:
        """The store has just said that it is so late."""
        self._heard = ms, self._monotonic()

    def now_ms(self) -> int:
        """Raises `StoreUnavailable` before the first answer."""
        if self._heard is None:
            raise StoreUnavailable("The store is not open.")
        ms, at = self._heard
        self._newest = max(self._newest, ms + int((self._monotonic() - at) * 1000))
        return self._newest
