"""When the next topic is due, as far as this process knows: so Redis is asked when something is due, and seldom else.

Every hint of a topic's growth says when it is due. What it is not for: asking.
"""

import math

LOOK_AGAIN = 300.0
"""Seconds after which Redis is asked though nothing is known to be due: hints may be lost."""


class NextDue:
    """`soonest` may be too early, never too late for what was heard of. Times in milliseconds, but `at` in seconds."""

    def __init__(self) -> None:
        self._soonest = -math.inf
        self._heard = math.inf
        self._asked = -math.inf

    def heard(self, due: int | None) -> None:
        """A topic is due then."""
        if due is not None:
            self._heard = min(self._heard, due)
            self._soonest = min(self._soonest, due)

    def forget(self) -> None:
        """Hints were lost."""
        self._soonest = -math.inf

    def worth_asking(self, due: int, at: float) -> bool:
        """Whether something may be due by `due`, as known at the monotonic time `at`."""
        return due >= self._soonest or at - self._asked >= LOOK_AGAIN

    def ask(self) -> None:
        """Redis is asked now; what is heard meanwhile may not be in its answer."""
        self._heard = math.inf

    def told(self, soonest: int | None, at: float) -> None:
        """Redis has answered."""
        self._soonest = min(math.inf if soonest is None else soonest, self._heard)
        self._asked = at
