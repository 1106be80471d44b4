"""Rate limits in the memory of one process: moving windows that cost the same however many people there are.

The library's own looks, with each hit, at the window of everybody who came in the last minute, and goes through a
thread for each: with a hundred people that was most of what a request cost.
"""

import time
from collections import OrderedDict, deque

from limits.aio.storage import MemoryStorage

FORGOTTEN_AT_ONCE = 2
"""Windows that are looked at, with each hit, whether they can be forgotten: so they never become many more."""


class MemoryRates(MemoryStorage):
    """The library's storage, with moving windows of its own. Times are the wall clock's, as in the library."""

    def __init__(self) -> None:
        super().__init__()
        self._windows: OrderedDict[str, tuple[deque[float], int]] = OrderedDict()

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """True, and counted, if there were at most `limit - amount` in the last `expiry` seconds."""
        now = time.time()
        self._forget(now)
        window, _ = self._windows.get(key) or (deque[float](), expiry)
        while window and window[0] < now - expiry:
            window.popleft()
        if len(window) + amount > limit:
            return False
        window.extend([now] * amount)
        self._windows[key] = window, expiry
        self._windows.move_to_end(key)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest of the last `expiry` seconds was, and how many there are; now and none, if there are none."""
        now = time.time()
        window, _ = self._windows.get(key) or (deque[float](), expiry)
        recent = [at for at in window if at >= now - expiry]
        return (recent[0], len(recent)) if recent else (now, 0)

    async def clear(self, key: str) -> None:
        """Forget one."""
        self._windows.pop(key, None)
        await super().clear(key)

    async def reset(self) -> int | None:
        """Forget all; how many there were."""
        windows = len(self._windows)
        self._windows.clear()
        return max(windows, await super().reset() or 0)

    def _forget(self, now: float) -> None:
        """Drop those of whom nothing came for the length of their window, going round: a window of a day must not keep
        those of a minute behind it."""
        for _ in range(min(FORGOTTEN_AT_ONCE, len(self._windows))):
            key, (window, expiry) = next(iter(self._windows.items()))
            if window and window[-1] >= now - expiry:
                self._windows.move_to_end(key)
            else:
                del self._windows[key]
