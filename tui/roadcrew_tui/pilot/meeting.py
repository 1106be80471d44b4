"""Meeting points of tapes that are played at the same time: `Sync NAME`. Who has to come is known beforehand, from the
tapes. Not for what becomes of a tape that missed the others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from roadcrew_tui.pilot.player import Missed
from roadcrew_tui.pilot.tape import Step, Sync, Tape

Point = tuple[str, int]
"""A name, and which visit: a tape that comes to a name twice meets those who do so too."""


class Meetings:
    """All meeting points of some tapes, which go by their numbers."""

    def __init__(self, tapes: Sequence[Tape], where: Callable[[int], str]) -> None:
        """`where` says where a tape is now, for somebody who waited for it."""
        self._where = where
        self._expected: dict[Point, dict[int, Step]] = {}
        for who, tape in enumerate(tapes):
            visits: Counter[str] = Counter()
            for step in tape.steps:
                if isinstance(step.act, Sync):
                    visits[step.act.name] += 1
                    self._expected.setdefault((step.act.name, visits[step.act.name]), {})[who] = step
        self._came: dict[Point, set[int]] = {point: set() for point in self._expected}
        self._visits: Counter[tuple[int, str]] = Counter()
        self._left: dict[int, str] = {}
        self._moved = asyncio.Condition()

    def alone(self, who: int) -> list[Step]:
        """Where a tape meets nobody: a slip of the pen, or its others are not played."""
        return [steps[who] for steps in self._expected.values() if steps.keys() == {who}]

    async def meet(self, who: int, name: str, within: float) -> None:
        """Wait for all others. Raises `Missed`, at once when one of them will not come."""
        self._visits[who, name] += 1
        point = (name, self._visits[who, name])
        came = self._came[point]
        async with self._moved:
            came.add(who)
            self._moved.notify_all()
            try:
                async with asyncio.timeout(within):
                    while missing := sorted(self._expected[point].keys() - came):
                        if gone := [self._left[other] for other in missing if other in self._left]:
                            raise Missed("\n".join(gone))
                        await self._moved.wait()
            except TimeoutError:
                if late := sorted(self._expected[point].keys() - came):
                    words = "\n".join(self._where(other) for other in late)
                    raise Missed(f"Not everybody came within {within:g} s.\n{words}") from None
            finally:
                if self._expected[point].keys() - came:
                    came.discard(who)  # nobody meets who is not there any more

    async def leave(self, who: int, why: str) -> None:
        """A tape has ended and comes to no other meeting point; whoever waits for it at one hears why."""
        async with self._moved:
            self._left[who] = why
            self._moved.notify_all()
