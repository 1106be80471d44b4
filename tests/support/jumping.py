"""An event loop whose time jumps to the next thing that happens: what is waited is exact, and nobody waits for it."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

BEGAN = datetime(2030, 5, 1, tzinfo=UTC)


class JumpingTime(selectors.DefaultSelector):
    """Instead of waiting, the clock jumps."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class LoopClock:
    """The client's clock, by the time of the loop that runs."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def jumping(main: Callable[[], Awaitable[T]]) -> tuple[T, float]:
    """The result, and how long it took in virtual seconds."""
    selector = JumpingTime()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]

    async def run() -> T:
        return await main()

    try:
        return loop.run_until_complete(run()), selector.now
    finally:
        loop.close()
