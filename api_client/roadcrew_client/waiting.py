"""Waiting until a new session can be used (C4), and what that took (C10).

Not for getting a session, nor for noticing that one has ended: a 401 means "not yet" here, and nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from roadcrew_client.errors import NotSignedIn, RoadcrewError, SessionNotReady, Unreachable
from roadcrew_client.figures import BookFigures
from roadcrew_client.settings import Clock

ATTEMPTS = 5
INITIAL = 1.5
GROWTH = 1.5
CAP = 5.0
"""Seconds. With the defaults: 1.5, 2.25, 3.375, 5, 5, which is 17.125 in all (C4)."""

Seen = Literal["ready", "not-ready", "unreachable", "trouble"]


@dataclass(frozen=True, slots=True)
class Look:
    """What the `number`-th look `of` so many has shown, after `waited` seconds of waiting in all. `next_wait`: seconds
    until the next one; None when there is none."""

    number: int
    of: int
    waited: float
    seen: Seen
    next_wait: float | None


@dataclass(frozen=True, slots=True)
class SessionReady:
    """A session that can be used: how many looks that took, and how many seconds."""

    attempts: int
    seconds: float


@dataclass(slots=True)
class Figures:
    """What is measured of one client (C10), for who looks into it: looks and seconds until the last session that was
    established could be used, and how often waiting for one was given up; bytes of HTTP that came and went, heads and
    bodies, without what encryption and framing add; what became of bookings."""

    session_attempts: int | None = None
    session_seconds: float | None = None
    sessions_given_up: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    book: BookFigures = field(default_factory=BookFigures)


def waits(attempts: int = ATTEMPTS, initial: float = INITIAL) -> tuple[float, ...]:
    """The seconds before each look but the first."""
    return tuple(min(CAP, initial * GROWTH**n) for n in range(attempts))


async def wait_for_session(
    look: Callable[[], Awaitable[RoadcrewError | None]],
    *,
    clock: Clock,
    attempts: int = ATTEMPTS,
    initial: float = INITIAL,
    progress: Callable[[Look], None] | None = None,
) -> SessionReady:
    """Look at once, and again after each wait, until `look` says None. `progress` is told of each look.

    Raises `SessionNotReady` when the last look has shown that it is still not; what the last look raised, if it could
    not tell; and at once what asks for more time (`Retry-After`) than the next wait gives.
    """
    steps = waits(attempts, initial)
    began, waited, number = clock.monotonic(), 0.0, 1
    while True:
        error = await look()
        step = steps[number - 1] if error is not None and number <= len(steps) else None
        if progress is not None:
            progress(Look(number, len(steps) + 1, waited, _seen(error), step))
        if error is None:
            return SessionReady(number, clock.monotonic() - began)
        if step is None or (error.retry_after or 0.0) > step:
            break
        await clock.sleep(step)
        waited, number = waited + step, number + 1
    if _seen(error) != "not-ready":
        raise error
    raise SessionNotReady(
        "session-not-ready",
        "The server has not finished signing you in. Nothing is lost: please try again.",
        status=error.status,
        request_id=error.request_id,
        facts={"attempts": number, "seconds": clock.monotonic() - began},
    ) from error


def _seen(error: RoadcrewError | None) -> Seen:
    match error:
        case None:
            return "ready"
        case NotSignedIn() | SessionNotReady():
            return "not-ready"
        case Unreachable():
            return "unreachable"
        case _:
            return "trouble"
