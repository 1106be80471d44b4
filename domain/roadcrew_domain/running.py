"""Work that one process does for a topic: a quote run, an import. Who does it now, by a fence that only grows. Pure.

Whoever takes the work over says so in the topic's log first; from then on, what an older one still wants to write is
refused. A process that slept and wakes up can therefore write nothing. Not for leases: those are the store's.
"""

from __future__ import annotations

from roadcrew_domain.events import Fact
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Value

MOST_RUNNERS = 8
"""So often work is begun, the first time included; then it is called interrupted. What kills every process that takes
it up must not go round for ever."""


class RunnerStarted(Fact, frozen=True):
    """A process does the work from here on. `fence` is that of its lease."""

    fence: int


class StartRunner(Value, frozen=True):
    """Sent by the server, with the fence of a lease that was just taken."""

    fence: int


def require_fence(newest: int, fence: int) -> None:
    """Raises `Refused` (`fenced-off`) when the work was taken over by somebody else since."""
    if fence != newest:
        raise Refused("fenced-off", "conflict", "Another process does this work now.")
