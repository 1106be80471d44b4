"""A store whose process dies at one of its calls, before or after that was done; and a server that really does.

As a program (`python -m tests.support.mortal N WHEN AHEAD …`) it is a server whose process ends at its N-th call to the
store after somebody's cart was first asked for (0: never), and whose clock is AHEAD seconds ahead.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import time_machine

from roadcrew_server import __main__ as program
from roadcrew_server.stores.base import Store, StoreFacts, StoreUnavailable
from roadcrew_server.stores.watched import CALLS

When = Literal["before", "after"]

COUNTED = frozenset(("append", "recorded", "load", "read", "get", "create", "put", "replace"))
"""What a request asks of the store; timers and presence have calls of their own."""
KILLED = 9
"""The status of a process that died so."""


class Mortal:
    """A store that others have opened. From its call `dies_at` on (the first is 1; 0: never), it does nothing more.
    Calls count while it is `counting`."""

    def __init__(self, store: Store, dies_at: int, when: When) -> None:
        self.counting = False
        self.calls = 0
        self.dead = False
        self._store = store
        self._dies_at = dies_at
        self._when = when

    async def open(self) -> StoreFacts:
        """It is open."""
        return StoreFacts("shared", "", durable=True)

    async def close(self) -> None:
        """Others go on with it."""

    def die(self) -> None:
        """The end of a process, as far as one that lives can play it."""
        self.dead = True
        raise self._over()

    def _counts(self, name: str, *_: Any) -> bool:
        return self.counting and name in COUNTED

    @staticmethod
    def _over() -> StoreUnavailable:
        return StoreUnavailable("this process is dead")

    def __getattr__(self, name: str) -> Any:
        done = getattr(self._store, name)
        if name not in CALLS:
            return done

        async def call(*given: Any, **more: Any) -> Any:
            if self.dead:
                raise self._over()
            counts = self._counts(name, *given)
            self.calls += counts
            last = counts and self.calls == self._dies_at
            if last and self._when == "before":
                self.die()
            result = await done(*given, **more)
            if last:
                self.die()
            if self.dead:
                raise self._over()
            return result

        return call


class Killed(Mortal):
    """The same for a process of its own. It counts from when somebody's cart is first asked for."""

    async def open(self) -> StoreFacts:
        """As the store does."""
        return await self._store.open()

    async def close(self) -> None:
        """As the store does."""
        await self._store.close()

    def die(self) -> None:
        """No chance to say goodbye."""
        os._exit(KILLED)

    def _counts(self, name: str, *given: Any) -> bool:
        self.counting |= bool(given) and str(given[0]).startswith("cart:")
        return super()._counts(name)


if __name__ == "__main__":
    dies_at, when, ahead = int(sys.argv[1]), sys.argv[2], timedelta(seconds=float(sys.argv[3]))
    server: Any = program
    make_store = server.make_store
    server.make_store = lambda settings: Killed(make_store(settings), dies_at, "after" if when == "after" else "before")
    with time_machine.travel(datetime.now(UTC) + ahead, tick=True):
        sys.exit(program.main(sys.argv[4:]))
