"""When to stream, when to poll, when to wait: a pure state machine. `step(state, signal, now, chance)` gives the next
state and what to do. No sleeping, no socket, no randomness of its own: `chance` is a number from 0 up to 1.

| mode | meaning |
| --- | --- |
| live | a stream is open and proven |
| connecting | a stream is being opened, or will be after a jittered wait |
| polling | asking every few seconds; streaming is tried again now and then |
| paused | not being looked at: no requests |
| offline | no answer at all; trying again with growing, jittered waits |
| gone, signed-out, stopped | nothing to do until somebody says otherwise |
"""

from __future__ import annotations

from dataclasses import replace

from roadcrew_client.settings import ClientSettings
from roadcrew_client.sync.backoff import after_a_cut, after_no_answer, jittered
from roadcrew_client.sync.signals import (
    Answered,
    Closed,
    CloseReason,
    Doubted,
    Drop,
    Effect,
    Ended,
    Hidden,
    Key,
    Open,
    Opened,
    Poll,
    Polled,
    PollFailed,
    Proven,
    Shown,
    Signal,
    SignedIn,
    Started,
    Stopped,
    Tick,
    Wished,
)
from roadcrew_client.sync.state import (
    SLEEPING,
    Mode,
    State,
    Step,
    Transport,
    asked,
    go,
    in_mode,
    later,
    open_stream,
    rest,
)

__all__ = [
    "SLEEPING",
    "Answered",
    "CloseReason",
    "Closed",
    "Doubted",
    "Drop",
    "Effect",
    "Ended",
    "Hidden",
    "Key",
    "Mode",
    "Open",
    "Opened",
    "Poll",
    "PollFailed",
    "Polled",
    "Proven",
    "Shown",
    "Signal",
    "SignedIn",
    "Started",
    "State",
    "Step",
    "Stopped",
    "Tick",
    "Transport",
    "Wished",
    "step",
]


def _after_a_cut(state: State, chance: float, s: ClientSettings) -> float:
    return after_a_cut(state.tries, state.wish, chance, s)


def _after_no_answer(state: State, chance: float, s: ClientSettings) -> float:
    least = state.interval if state.prefer == "poll" else 0.0
    return after_no_answer(state.tries, state.wish, chance, s, least)


def step(state: State, signal: Signal, now: float, chance: float, s: ClientSettings) -> Step:
    """The state after `signal` at `now`, and what to do, in order. Signals that are late or do not fit are ignored."""
    match signal:
        case Stopped():
            return rest(state, "stopped", now)
        case _ if state.mode == "stopped":
            return _not_started(state, signal, now, s)
        case Started():
            return state, ()
        case Ended(mode=mode):
            return rest(state, mode, now) if state.mode != mode else (state, ())
        case SignedIn():
            if state.mode != "signed-out":
                return state, ()
            state = replace(state, tries=0, not_before=0.0, hide_at=now + s.hidden_grace if state.hidden else None)
            return go(in_mode(state, "connecting", now), now, s)
        case Hidden(at_once=at_once):
            return _hide(replace(state, hidden=True), now, s, at_once=at_once)
        case Shown():
            return _show(state, now, s)
        case Key():
            return _key(state, now, s)
        case Answered():
            return _hurry(state, now, s)
        case Tick():
            return _tick(state, now, chance, s)
        case Opened(n=n) | Proven(n=n) | Wished(n=n) | Doubted(n=n) | Closed(n=n) | Polled(n=n) | PollFailed(n=n):
            about: Transport = "poll" if isinstance(signal, Polled | PollFailed) else "stream"
            if n != state.n or state.out != about:
                return state, ()
            return _answer(state, signal, now, chance, s)


def _not_started(state: State, signal: Signal, now: float, s: ClientSettings) -> Step:
    """Who is hidden before the start stays so: the grace time counts from then, and when it is over there is no
    request at all."""
    match signal:
        case Started():
            if state.hide_at is not None and now >= state.hide_at:
                return rest(state, "paused", now)
            return go(in_mode(state, "connecting", now), now, s)
        case Hidden(at_once=at_once):
            hide_at = now + s.hidden_grace if state.hide_at is None else state.hide_at
            return replace(state, hidden=True, hide_at=now if at_once else hide_at), ()
        case Shown() | Key():
            return replace(state, hidden=False, hide_at=None), ()
        case _:
            return state, ()


def _answer(
    state: State,
    signal: Opened | Proven | Wished | Doubted | Closed | Polled | PollFailed,
    now: float,
    chance: float,
    s: ClientSettings,
) -> Step:
    match signal:
        case Opened():
            mode: Mode = "connecting" if state.mode == "offline" else state.mode
            return replace(in_mode(state, mode, now), answered=True), ()
        case Proven():
            return replace(
                in_mode(state, "live", now), prefer="stream", answered=True, proven=True, prove_by=None, probe_at=None
            ), ()
        case Wished(spread=spread):
            return replace(state, wish=spread, beats=state.beats or now - state.opened_at >= s.short_close), ()
        case Doubted():
            return _doubted(state, now, chance, s) if state.proven else (state, ())
        case Closed():
            return _closed(state, signal, now, chance, s)
        case Polled():
            return _polled(state, signal, now, chance, s)
        case PollFailed():
            return _poll_failed(state, signal, now, chance, s)


# --- streams -------------------------------------------------------------------------------------


def _closed(state: State, c: Closed, now: float, chance: float, s: ClientSettings) -> Step:
    short, proven = now - state.opened_at < s.short_close, state.proven
    healthy = proven and not short and c.reason in ("cut", "bye", "renewed", "reread")
    state = replace(state, out=None, prove_by=None, proven=False, answered=False, next_at=None)
    if healthy:
        state = replace(state, strikes=0, tries=0)
    if c.reason == "full":
        return _to_polling(state, now, chance, s, probe=max(s.probe_after, c.wait or 0.0))
    state = asked(state, c.wait, now)
    if c.reason == "unreachable":
        return _offline(state, now, chance, s)
    held_back = c.reason == "silent" and proven and not state.beats
    if state.prefer == "poll" or held_back:
        return _to_polling(state, now, chance, s)  # a probe that failed, or one frame and no other ever
    own = c.reason in ("renewed", "reread")
    if healthy and (own or c.reason == "bye"):
        return go(in_mode(replace(state, tries=0 if own else 1), "connecting", now), now, s)
    if not healthy and not own:
        state = replace(state, strikes=state.strikes + 1)
    if state.strikes >= s.strikes:
        return _to_polling(state, now, chance, s)
    back_off = _after_no_answer if c.reason == "trouble" else _after_a_cut
    state = later(state, now + (c.wait or 0.0) + back_off(state, chance, s))
    return go(in_mode(replace(state, tries=state.tries + 1), "connecting", now), now, s)


def _to_polling(state: State, now: float, chance: float, s: ClientSettings, probe: float | None = None) -> Step:
    """Streaming does not work here, for now. The first poll is at once."""
    interval = state.interval if state.mode == "polling" else 0.0
    state = replace(_probe_later(state, now, chance, s, probe), tries=0, interval=interval, batches=0)
    return go(in_mode(state, "polling", now), now, s)


def _probe_later(state: State, now: float, chance: float, s: ClientSettings, probe: float | None = None) -> State:
    """Poll from now on; streaming is tried again after `probe` seconds and up to a quarter more: who fell back
    together, because of one proxy, must not all come together again."""
    wait = (s.probe_after if probe is None else probe) * (1 + chance / 4)
    return replace(state, prefer="poll", strikes=0, unanswered=False, probe_at=now + wait)


def _offline(state: State, now: float, chance: float, s: ClientSettings) -> Step:
    """Whatever was known about streaming was about another network, perhaps; where polls worked, one goes first."""
    state = later(state, now + _after_no_answer(state, chance, s))
    state = replace(
        state,
        tries=state.tries + 1,
        strikes=0,
        prefer="stream",
        catch_up=state.catch_up or state.prefer == "poll",
        unanswered=False,
        interval=0.0,
        probe_at=None,
    )
    return go(in_mode(state, "offline", now), now, s)


# --- polls ---------------------------------------------------------------------------------------


def _polled(state: State, p: Polled, now: float, chance: float, s: ClientSettings) -> Step:
    if state.unanswered and now - state.opened_at < s.prove_within:
        # Polls are answered soon and streams are not at all: something on the way holds them back, headers and all.
        state = _probe_later(state, now, chance, s)
    fast = p.news or state.interval == 0.0
    interval = s.poll_fast if fast else max(s.poll_fast, min(s.poll_slow, state.interval * s.poll_growth))
    again = p.more and state.batches < s.max_batches
    state = replace(
        state,
        out=None,
        tries=0,
        interval=interval,
        batches=state.batches + 1 if again else 0,
        polled_at=now,
        catch_up=state.catch_up and again,
        unanswered=False,
    )
    mode: Mode = "connecting" if state.prefer == "stream" else "polling"
    if again or state.prefer == "stream":
        return go(in_mode(state, mode, now), now, s)
    return in_mode(replace(state, next_at=max(now + interval, state.not_before)), mode, now), ()


def _poll_failed(state: State, f: PollFailed, now: float, chance: float, s: ClientSettings) -> Step:
    state = asked(replace(state, out=None, unanswered=False), f.wait, now)
    if f.reason == "unreachable":
        # A network that cuts every long answer still lets a stream get on, a few frames at a time.
        return _offline(replace(state, catch_up=False), now, chance, s)
    own = f.reason in ("renewed", "reread")
    delay = jittered(state.tries, chance, s) if own else _after_no_answer(state, chance, s)
    state = replace(later(state, now + (f.wait or 0.0) + delay), tries=state.tries + 1)
    # Polls that get no good answer are not said to be polling.
    mode: Mode = "polling" if own and state.prefer == "poll" else "connecting"
    return go(in_mode(state, mode, now), now, s)


# --- being looked at -----------------------------------------------------------------------------


def _hide(state: State, now: float, s: ClientSettings, *, at_once: bool) -> Step:
    if state.mode in SLEEPING:
        return state, ()
    if at_once:
        return rest(state, "paused", now)
    return (state if state.hide_at is not None else replace(state, hide_at=now + s.hidden_grace)), ()


def _show(state: State, now: float, s: ClientSettings) -> Step:
    state = replace(state, hidden=False, hide_at=None)
    if state.mode != "paused":
        return state, ()
    mode: Mode = "connecting" if state.prefer == "stream" else "polling"
    state = replace(state, catch_up=True, interval=0.0, tries=0, batches=0, not_before=state.asked_until)
    if state.prefer == "poll":
        state = replace(state, probe_at=now + s.probe_after)
    return go(in_mode(state, mode, now), now, s)


def _key(state: State, now: float, s: ClientSettings) -> Step:
    if state.mode == "paused":
        return _show(state, now, s)
    state = replace(state, hidden=False, hide_at=None)
    if state.mode != "polling":
        return _hurry(state, now, s)
    if state.out is not None or state.next_at is None:
        return replace(state, interval=0.0), ()  # as at first: what is asked now counts from the start
    sooner = max(min(state.next_at, state.polled_at + s.poll_fast), now, state.not_before)
    return replace(state, interval=s.poll_fast, next_at=sooner), ()


def _hurry(state: State, now: float, s: ClientSettings) -> Step:
    """Somebody waits, or the server is there after all: what only a back-off holds up is tried now. Not again and
    again, and not before the server asked for."""
    if state.mode not in ("connecting", "offline") or state.next_at is None:
        return state, ()
    sooner = max(now, state.opened_at + s.hurry, state.asked_until)
    if sooner >= state.next_at:
        return state, ()
    return go(replace(state, not_before=sooner), now, s)


# --- time ----------------------------------------------------------------------------------------


def _tick(state: State, now: float, chance: float, s: ClientSettings) -> Step:
    if state.hide_at is not None and now >= state.hide_at:
        return rest(state, "paused", now)
    if state.prove_by is not None and now >= state.prove_by:
        return _unproven(state, now, chance, s)
    if state.out is not None or state.mode in SLEEPING:
        return state, ()
    if state.mode == "polling" and state.probe_at is not None and now >= max(state.probe_at, state.not_before):
        return open_stream(replace(state, next_at=None), now, s)
    if state.next_at is not None and now >= state.next_at:
        return go(state, now, s)
    return state, ()


def _unproven(state: State, now: float, chance: float, s: ClientSettings) -> Step:
    """Headers and then nothing is a proxy that holds frames back: poll. Not even headers may be such a one too, or a
    slow server, or no network that says so: one poll tells, and gives the person something."""
    drop = Drop(state.n)
    buffered = state.answered
    state = replace(state, out=None, prove_by=None, answered=False, strikes=state.strikes + 1)
    if buffered or state.strikes >= s.strikes or state.prefer == "poll":
        after, effects = _to_polling(state, now, chance, s)
    else:
        after, effects = go(replace(state, catch_up=True, unanswered=True), now, s)
    return after, (drop, *effects)


def _doubted(state: State, now: float, chance: float, s: ClientSettings) -> Step:
    """A stream that was proven, and may be held back since, or be dead: one poll tells, and the next stream, which goes
    on from a cursor, has to show itself anew."""
    drop = Drop(state.n)
    state = replace(state, out=None, proven=False, answered=False, strikes=state.strikes + 1)
    if state.strikes >= s.strikes:
        after, effects = _to_polling(state, now, chance, s)
    else:
        after, effects = go(in_mode(replace(state, catch_up=True), "connecting", now), now, s)
    return after, (drop, *effects)
