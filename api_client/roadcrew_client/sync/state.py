"""What the policy knows, and the moves that all its steps are made of. Pure. Not for what follows from what: that is in
policy.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from roadcrew_client.settings import ClientSettings
from roadcrew_client.sync.signals import Drop, Effect, Open, Poll

Mode = Literal["live", "connecting", "polling", "paused", "offline", "gone", "signed-out", "stopped"]
Transport = Literal["stream", "poll"]
SLEEPING: tuple[Mode, ...] = ("paused", "gone", "signed-out", "stopped")
"""Modes without a next step of their own: they wait for a signal from outside."""


@dataclass(frozen=True, slots=True)
class State:
    """`out` is the one request under way, and `n` its number. Times are of the clock that `now` is from."""

    mode: Mode = "stopped"
    since: float = 0.0
    prefer: Transport = "stream"
    out: Transport | None = None
    n: int = 0
    opened_at: float = 0.0
    answered: bool = False
    proven: bool = False
    beats: bool = False
    """The stream has shown something after its first moments: nothing holds back what is small and comes late."""
    strikes: int = 0
    """Failures of streaming in a row."""
    tries: int = 0
    """The exponent of the back-off."""
    wish: float = 0.0
    """Over how many seconds the server wants its clients to come back, as it said last."""
    interval: float = 0.0
    batches: int = 0
    catch_up: bool = False
    """The next request is one poll, whatever is preferred: shown again, or a stream that gives no answer …"""
    unanswered: bool = False
    """… which is the reason now: if that poll is answered soon, it is not the server that is slow."""
    polled_at: float = 0.0
    not_before: float = 0.0
    """No request before this: a back-off, or a `Retry-After`."""
    asked_until: float = 0.0
    """The `Retry-After` alone: being shown again or a key ends a back-off, and never this."""
    hidden: bool = False
    next_at: float | None = None
    prove_by: float | None = None
    probe_at: float | None = None
    hide_at: float | None = None

    @property
    def due(self) -> float | None:
        """When to send `Tick`."""
        if self.mode == "stopped":
            return None
        times = [t for t in (self.next_at, self.prove_by, self.hide_at) if t is not None]
        if self.probe_at is not None and self.mode == "polling" and self.out is None:
            times.append(max(self.probe_at, self.not_before))
        return min(times, default=None)


Step = tuple[State, tuple[Effect, ...]]

# --- moves ---------------------------------------------------------------------------------------


def in_mode(state: State, mode: Mode, now: float) -> State:
    """In that mode, since now if it was in another."""
    return state if state.mode == mode else replace(state, mode=mode, since=now)


def later(state: State, at: float) -> State:
    """No request before `at`."""
    return replace(state, not_before=max(state.not_before, at))


def asked(state: State, wait: float | None, now: float) -> State:
    """Obey a `Retry-After`."""
    if wait is None:
        return state
    until = max(state.asked_until, now + wait)
    return replace(state, asked_until=until, not_before=max(state.not_before, until))


def rest(state: State, mode: Mode, now: float) -> Step:
    """No requests and no timers."""
    effects = (Drop(state.n),) if state.out is not None else ()
    state = replace(
        state,
        out=None,
        proven=False,
        answered=False,
        next_at=None,
        prove_by=None,
        hide_at=None,
        probe_at=None,
        catch_up=False,
        unanswered=False,
    )
    return in_mode(state, mode, now), effects


def go(state: State, now: float, s: ClientSettings) -> Step:
    """The next request: now, or when `not_before` allows it."""
    if now < state.not_before:
        return replace(state, next_at=state.not_before), ()
    if state.prefer == "stream" and not state.catch_up:
        return open_stream(replace(state, next_at=None), now, s)
    n = state.n + 1
    return replace(state, out="poll", n=n, next_at=None, opened_at=now), (Poll(n),)


def open_stream(state: State, now: float, s: ClientSettings) -> Step:
    """A stream, now. It has to show its first frame in time."""
    n = state.n + 1
    state = replace(
        state,
        out="stream",
        n=n,
        opened_at=now,
        answered=False,
        proven=False,
        beats=False,
        prove_by=now + s.prove_within,
        next_at=None,
    )
    return state, (Open(n),)
