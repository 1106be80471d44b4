"""The table in docs/sync.md is what the policy does: each row is played, and what no row names must change nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from roadcrew_client.settings import ClientSettings
from roadcrew_client.sync import policy as p

PAGE = Path(__file__).parents[2] / "docs" / "sync.md"
S = ClientSettings()
NOW = 1000.0
LONG = 60.0
"""Seconds that a stream has been open, unless it is a short one."""
DICE = (1e-9, 1.0)
"""Both ends of every jittered wait; at 0 itself there is none, and the request is made at once."""
HEAD = "| state | signal | next state | does | next step |"
TIMES = "| setting | value | what it is |"
SAME = "same"
NEVER = "-"
DOES = {p.Open: "open", p.Poll: "poll", p.Drop: "drop"}
BETWEEN = " · "
GROUPS: dict[str, Callable[[p.State], bool]] = {
    "any streaming": lambda state: state.out == "stream",
    "any asking": lambda state: state.out is not None,
    "any between": lambda state: state.out is None and state.mode not in p.SLEEPING,
    "any at rest": lambda state: state.mode in p.SLEEPING and state.mode != "stopped",
}
"""Names for several states."""

# --- the words of the page -----------------------------------------------------------------------


def _between(state: p.State) -> p.State:
    return replace(state, out=None, prove_by=None, next_at=NOW + 4, not_before=NOW + 4)


_out = p.State(since=NOW - 1, n=5, opened_at=NOW - 1)
_connecting = replace(_out, mode="connecting", out="stream", prove_by=NOW - 1 + S.prove_within)
_once = replace(_connecting, out="poll", prove_by=None, catch_up=True)
_live = p.State("live", NOW - LONG, out="stream", n=5, opened_at=NOW - LONG, answered=True, proven=True, beats=True)
_short = replace(_live, opened_at=NOW - S.short_close / 2, beats=False)
_polling = replace(_out, mode="polling", prefer="poll", out="poll", interval=2.0, polled_at=NOW - 3, probe_at=NOW + 30)
_offline = replace(_connecting, mode="offline", tries=1)
_asleep = p.State(since=NOW - 600, n=5)
_paused = replace(_asleep, mode="paused", hidden=True)
STATES: dict[str, p.State] = {
    "stopped": p.State(),
    "connecting": _connecting,
    "connecting (headers)": replace(_connecting, answered=True),
    "connecting (third time)": replace(_connecting, strikes=S.strikes - 1),
    "connecting (between)": _between(_connecting),
    "asking once": replace(_once, unanswered=True, strikes=1),
    "catching up": _once,
    "live": _live,
    "live (no heartbeat)": replace(_live, beats=False),
    "live (retry: 8 s)": replace(_live, wish=8),
    "live (away)": replace(_live, hidden=True, hide_at=NOW + 10),
    "live (short)": _short,
    "live (short, third time)": replace(_short, strikes=S.strikes - 1),
    "polling": _polling,
    "polling (slow)": replace(_polling, interval=S.poll_slow),
    "polling (between)": replace(_polling, out=None, polled_at=NOW, next_at=NOW + S.poll_slow, interval=S.poll_slow),
    "polling (probing)": replace(_polling, out="stream", opened_at=NOW - 1, prove_by=NOW + 2, probe_at=NOW - 1),
    "offline": _offline,
    "offline (between)": _between(_offline),
    "connecting (waiting)": replace(_between(_connecting), opened_at=NOW - LONG),
    "offline (waiting)": replace(_between(_offline), opened_at=NOW - LONG),
    "offline (asked to wait)": replace(_between(_offline), opened_at=NOW - LONG, asked_until=NOW + 4),
    "paused": _paused,
    "paused (polled before)": replace(_paused, prefer="poll"),
    "signed-out": replace(_asleep, mode="signed-out"),
    "gone": replace(_asleep, mode="gone"),
}
SIGNALS: dict[str, p.Signal] = {
    "start": p.Started(),
    "stop": p.Stopped(),
    "its time": p.Tick(),
    "headers": p.Opened(5),
    "a frame": p.Proven(5),
    "retry: 8 s": p.Wished(5, 8),
    "doubt": p.Doubted(5),
    "cut": p.Closed(5, "cut"),
    "silence": p.Closed(5, "silent"),
    "bye": p.Closed(5, "bye"),
    "bye, in 20 s": p.Closed(5, "bye", 20),
    "stream: no answer": p.Closed(5, "unreachable"),
    "stream: refused": p.Closed(5, "trouble"),
    "stream: Retry-After 20": p.Closed(5, "trouble", 20),
    "stream: no room": p.Closed(5, "full"),
    "stream: new token": p.Closed(5, "renewed"),
    "stream: place lost": p.Closed(5, "reread"),
    "nothing new": p.Polled(5, False),
    "news": p.Polled(5, True),
    "news, and more": p.Polled(5, True, True),
    "poll: no answer": p.PollFailed(5, "unreachable"),
    "poll: refused": p.PollFailed(5, "trouble"),
    "poll: Retry-After 20": p.PollFailed(5, "trouble", 20),
    "poll: new token": p.PollFailed(5, "renewed"),
    "poll: place lost": p.PollFailed(5, "reread"),
    "trip gone": p.Ended("gone"),
    "session over": p.Ended("signed-out"),
    "signed in": p.SignedIn(),
    "key": p.Key(),
    "answer elsewhere": p.Answered(),
    "away": p.Hidden(),
    "suspended": p.Hidden(at_once=True),
    "back": p.Shown(),
}


def name_of(state: p.State) -> str:
    """What the page calls a state that has come about: its mode, and what it waits for."""
    if state.mode == "connecting" and state.out == "poll":
        return "asking once" if state.unanswered else "catching up"
    if state.mode in ("connecting", "offline", "polling") and state.out is None:
        return f"{state.mode} (between)"
    if state.mode == "connecting" and state.answered:
        return "connecting (headers)"
    if state.mode == "polling" and state.out == "stream":
        return "polling (probing)"
    if state.mode == "live" and state.hidden:
        return "live (away)"
    return state.mode


# --- the page ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One line of the table, for one state and one signal."""

    state: str
    signal: str
    after: str
    does: str
    due: str


def lines(head: str) -> list[list[str]]:
    """The cells of the table under this head."""
    text = PAGE.read_text("utf-8")
    assert text.count(head) == 1, head
    table = text.partition(head)[2].lstrip("\n").split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table]


def expanded(cell: str) -> Iterator[str]:
    for word in cell.split(BETWEEN):
        group = GROUPS.get(word)
        yield from (name for name, state in STATES.items() if group(state)) if group else (word,)


def rows() -> Iterator[Row]:
    for state, signal, *rest in lines(HEAD):
        for one, other in product(expanded(state), signal.split(BETWEEN)):
            yield Row(one, other, *rest)


def moment(before: p.State, signal: p.Signal) -> float:
    return before.due if isinstance(signal, p.Tick) and before.due is not None else NOW


def heard(state: str, signal: str) -> bool:
    """Whether it can come in this state at all: only a stream can be cut, and a timer has to be set."""
    before, given = STATES[state], SIGNALS[signal]
    match given:
        case p.Polled() | p.PollFailed():
            return before.out == "poll"
        case p.Opened() | p.Proven() | p.Wished() | p.Doubted() | p.Closed():
            return before.out == "stream"
        case p.Tick():
            return before.due is not None
        case _:
            return True


def due_words(before: float | None, dues: Sequence[float | None]) -> set[str]:
    """All that may stand in the last column for this: the seconds until the next timer, as the dice fall."""
    low, high = (None if due is None else round(due, 6) for due in dues)
    if low != high:
        return set() if low is None or high is None else {f"{low:g}–{high:g} s"}
    words = {NEVER if low is None else f"{low:g} s"}
    if low == before:
        words.add("as before")
    if low == (S.hidden_grace if before is None else min(S.hidden_grace, before)):
        words.add(f"{S.hidden_grace:g} s at most")
    return words


ROWS = list(rows())


# R: S1, S2, S4, S5, S8
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.state}, {row.signal}")
def test_a_row_of_the_table_is_what_the_policy_does(row: Row):
    before, signal = STATES[row.state], SIGNALS[row.signal]
    assert heard(row.state, row.signal), "this can't happen"
    now = moment(before, signal)
    steps = [p.step(before, signal, now, chance, S) for chance in DICE]
    assert {name_of(after) for after, _ in steps} == {name_of(before) if row.after == SAME else row.after}
    assert {", ".join(DOES[type(e)] for e in effects) or NEVER for _, effects in steps} == {row.does}
    dues = [None if after.due is None else after.due - now for after, _ in steps]
    assert row.due in due_words(None if before.due is None else before.due - now, dues)


# R: S2, S4
def test_what_no_row_names_changes_nothing():
    named = {(row.state, row.signal) for row in ROWS}
    for state, signal in product(STATES, SIGNALS):
        if (state, signal) in named or not heard(state, signal):
            continue
        before = STATES[state]
        after, effects = p.step(before, SIGNALS[signal], moment(before, SIGNALS[signal]), 0.5, S)
        assert (replace(after, hidden=before.hidden), effects) == (before, ()), f"no row for: {state}, {signal}"


def test_no_two_rows_are_for_the_same_case():
    cases = [(row.state, row.signal) for row in ROWS]
    assert len(cases) == len(set(cases))


def test_a_timer_that_comes_too_early_changes_nothing():
    for before in STATES.values():
        if before.due is not None:
            assert p.step(before, p.Tick(), before.due - 0.001, 0.5, S) == (before, ())


def test_a_late_word_about_a_request_that_is_over_changes_nothing():
    for before, signal in product(STATES.values(), SIGNALS.values()):
        if isinstance(signal, p.Opened | p.Proven | p.Wished | p.Doubted | p.Closed | p.Polled | p.PollFailed):
            assert p.step(before, replace(signal, n=before.n - 1), NOW, 0.5, S) == (before, ())


def test_every_mode_and_every_signal_is_in_the_table():
    assert {state.mode for state in STATES.values()} == set(get_args(p.Mode))
    assert {type(signal) for signal in SIGNALS.values()} == set(get_args(p.Signal))
    reasons = {signal.reason for signal in SIGNALS.values() if isinstance(signal, p.Closed)}
    assert reasons == set(get_args(p.CloseReason))


def test_the_times_on_the_page_are_the_settings():
    found = {name.strip("`"): value for name, value, _ in lines(TIMES)}
    assert found
    for name, value in found.items():
        assert value.split()[0] == f"{getattr(S, name):g}", name
