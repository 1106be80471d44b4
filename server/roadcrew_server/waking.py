"""A wake-up for one who waits. Not for several: that is `asyncio.Event`."""

import asyncio


class Signal:
    """An `asyncio.Event` for one who waits, without a queue of waiters: there is one for each stream."""

    __slots__ = ("_set", "_waiter")

    def __init__(self) -> None:
        self._set = False
        self._waiter: asyncio.Future[None] | None = None

    def is_set(self) -> bool:
        """True from `set` to `clear`."""
        return self._set

    def set(self) -> None:
        """Wake who waits."""
        self._set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        """Have the next one wait."""
        self._set = False

    async def wait(self) -> None:
        """Wait until it is set."""
        if not self._set:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
