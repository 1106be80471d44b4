"""Trying one action a few times (C5), on stamina. Not for changes that wait as long as it takes: those are the
sender's."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from roadcrew_client.errors import RoadcrewError, ServerTrouble, TooManyRequests, Unreachable

T = TypeVar("T")

# stamina reports each retry as a warning; without a handler Python would print it over a terminal's screen.
logging.getLogger("stamina").addHandler(logging.NullHandler())


def is_passing(error: BaseException) -> bool:
    """Whether the same call may well succeed later: no answer, a server in trouble, too many requests. Everything
    else, an auth error above all, ends an action at once."""
    if isinstance(error, ServerTrouble):
        return error.code not in ("redirected", "answer-too-large")
    return isinstance(error, Unreachable | TooManyRequests)


async def execute_with_retry(
    action: Callable[[], Awaitable[T]],
    *,
    attempts: int = 3,
    initial: float = 0.5,
    cap: float = 8.0,
    total: float = 45.0,
    chance: Callable[[], float] = random.random,
) -> T:
    """The result of `action`, tried up to `attempts` times within `total` seconds.

    Before the second attempt it waits between half of `initial` and all of it, and twice that before each further one,
    up to `cap`; a `Retry-After` that is longer is waited for, unless it ends after `total`. Give `action` one
    idempotency key for all its attempts. Raises what the last attempt raised; `Unreachable` when `total` is over first.
    """
    import stamina  # noqa: PLC0415 — only who sends needs it; importing the client stays fast

    loop = asyncio.get_running_loop()
    ends = loop.time() + total
    failed: list[RoadcrewError] = []

    def wait(error: Exception) -> bool | float:
        if not isinstance(error, RoadcrewError) or not is_passing(error):
            return False
        failed.append(error)
        most = min(cap, initial * 2.0 ** (len(failed) - 1))
        delay = max(most * (0.5 + chance() / 2), error.retry_after or 0.0)
        return False if loop.time() + delay >= ends else delay

    try:
        async with asyncio.timeout(total):
            async for attempt in stamina.retry_context(on=wait, attempts=attempts, timeout=None):
                with attempt:
                    return await action()
    except TimeoutError as error:
        if failed:
            raise failed[-1] from error
        raise Unreachable("timeout", "The server did not answer in time.") from error
    raise AssertionError("stamina raises or returns")
