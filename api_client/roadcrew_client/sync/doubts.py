"""What speaks against a stream that seems to be open: the computer slept, or what should have come did not.

Not for what is done about it: that is the policy's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from roadcrew_client.settings import ClientSettings, Clock
from roadcrew_client.sync import policy


class Doubtable(Protocol):
    """An engine, as far as its streams can be doubted."""

    state: policy.State

    def doubt(self) -> None:
        """Look whether the stream that is open is of use."""
        ...


class Doubts:
    """Its coroutines are tasks of the engine's."""

    def __init__(self, engine: Doubtable, settings: ClientSettings, clock: Clock) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._doubted = frozenset[str]()
        """What was expected, and looked for: once, for what does not come then is nowhere."""

    async def watch_for_sleep(self) -> None:
        """A connection that was open when the computer fell asleep may be dead, and nobody will say so. By the wall
        clock, since on many systems the other one stands still meanwhile."""
        s = self._settings
        while True:
            began = self._clock.now()
            await self._clock.sleep(s.wake_look)
            if (self._clock.now() - began).total_seconds() > s.wake_look + s.wake_after:
                self._engine.doubt()

    async def look_for(self, left: Callable[[], Collection[str]]) -> None:
        """Until all of it has come through, or it is clear that it does not."""
        while (due := frozenset(left()) - self._doubted) and self._engine.state.mode not in policy.SLEEPING:
            n = self._engine.state.n
            await self._clock.sleep(self._settings.prove_within)
            if n == self._engine.state.n and not due.isdisjoint(left()):
                self._doubted = (self._doubted | due) & frozenset(left())
                self._engine.doubt()
