"""Trying one action a few times (C5), and loading what a screen lists (C6), on stamina. Not for changes that wait as
long as it takes: those are the sender's."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from roadcrew_client.errors import (
    NotSignedIn,
    RoadcrewError,
    ServerTrouble,
    SessionNotReady,
    TooManyRequests,
    Unreachable,
)

T = TypeVar("T")

ATTEMPTS = 3
LOAD_STEP = 0.5
"""Seconds, times the number of the attempt (C6)."""
ON_TOP = 1.0
"""Seconds over which those spread who were told the same `Retry-After` (decision 11)."""

# stamina reports each retry as a warning; without a handler Python would print it over a terminal's screen.
logging.getLogger("stamina").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Retry:
    """The `attempt`-th `of` so many attempts has failed with `error`. `wait`: seconds until the next one; None when
    there is none."""

    attempt: int
    of: int
    error: RoadcrewError
    wait: float | None


Progress = Callable[[Retry], None]


def is_passing(error: BaseException) -> bool:
    """Whether the same call may well succeed later: no answer, a server in trouble, too many requests. Everything
    else, an auth error above all, ends an action at once."""
    if isinstance(error, ServerTrouble):
        return error.code not in ("redirected", "answer-too-large")
    return isinstance(error, Unreachable | TooManyRequests)


async def execute_with_retry(
    action: Callable[[], Awaitable[T]],
    *,
    attempts: int = ATTEMPTS,
    initial: float = 0.5,
    cap: float = 8.0,
    total: float = 45.0,
    chance: Callable[[], float] = random.random,
    progress: Progress | None = None,
) -> T:
    """The result of `action`, tried up to `attempts` times within `total` seconds.

    Before the second attempt it waits between half of `initial` and all of it, and twice that before each further one,
    up to `cap`; a `Retry-After` is waited for in full instead, and up to a second more, unless that ends after `total`.
    Give `action` one idempotency key for all its attempts. `progress` is told of each attempt that failed for now.

    Raises what the last attempt raised; `Unreachable` when `total` is over first.
    """

    def delay(attempt: int) -> float:
        return min(cap, initial * 2.0 ** (attempt - 1)) * (0.5 + chance() / 2)

    return await _tried(action, attempts, total, delay, chance, progress)


async def load_with_retry(
    load: Callable[[], Awaitable[T]],
    *,
    attempts: int = ATTEMPTS,
    step: float = LOAD_STEP,
    total: float = 45.0,
    chance: Callable[[], float] = random.random,
    progress: Progress | None = None,
) -> T | None:
    """What `load` gives, for a screen that lists it (C6): tried up to `attempts` times, with `step` seconds times the
    number of the attempt in between, within `total` seconds.

    None after a 401: who is signed in is said elsewhere. Raises what the last attempt raised otherwise; a screen goes
    on showing what it has.
    """
    try:
        return await _tried(load, attempts, total, lambda attempt: step * attempt, chance, progress)
    except (NotSignedIn, SessionNotReady):
        return None


async def _tried(
    action: Callable[[], Awaitable[T]],
    attempts: int,
    total: float,
    delay: Callable[[int], float],
    chance: Callable[[], float],
    progress: Progress | None,
) -> T:
    """`delay`: seconds to wait after the attempt with that number."""
    import stamina  # noqa: PLC0415 — only who sends needs it; importing the client stays fast

    loop = asyncio.get_running_loop()
    ends = loop.time() + total
    failed: list[RoadcrewError] = []

    def wait(error: Exception) -> bool | float:
        if not isinstance(error, RoadcrewError) or not is_passing(error):
            return False
        failed.append(error)
        number = len(failed)
        seconds = delay(number)
        if error.retry_after is not None:
            seconds = max(seconds, error.retry_after + chance() * ON_TOP)
        again = number < attempts and loop.time() + seconds < ends
        if progress is not None:
            progress(Retry(number, attempts, error, seconds if again else None))
        return seconds if again else False

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
