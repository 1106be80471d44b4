"""What the policy never does, whatever comes, and what it promises by a clock that misses no timer."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api_client.policy_world import S, World

from roadcrew_client.sync import policy as p

waits = st.one_of(st.none(), st.floats(0, 100))
numbers = st.integers(-1, 1)
"""Which request a signal is about: the present one, or one that is not."""
signals = st.one_of(
    st.builds(p.Opened, numbers),
    st.builds(p.Proven, numbers),
    st.builds(p.Wished, numbers, st.floats(0, 300)),
    st.builds(p.Doubted, numbers),
    st.builds(
        p.Closed,
        numbers,
        st.sampled_from(["cut", "silent", "bye", "unreachable", "trouble", "full", "renewed", "reread"]),
        waits,
    ),
    st.builds(p.Polled, numbers, st.booleans(), st.booleans()),
    st.builds(p.PollFailed, numbers, st.sampled_from(["unreachable", "trouble", "reread", "renewed"]), waits),
    st.builds(p.Ended, st.sampled_from(["gone", "signed-out"])),
    st.sampled_from(
        [
            p.Tick(),
            p.Key(),
            p.Answered(),
            p.Hidden(),
            p.Hidden(at_once=True),
            p.Shown(),
            p.SignedIn(),
            p.Started(),
            p.Tick(),
        ]
    ),
)
moments = st.tuples(st.one_of(st.none(), st.floats(0, 200)), st.floats(0, 0.999), signals)
"""How long after the last one (None: just when the timer is due), the dice, and the signal."""


def fits(state: p.State, signal: p.Signal) -> p.Signal | None:
    """The signal about a request that can send it, or about one that is long gone; None if nothing could send it."""
    match signal:
        case p.Opened(n=n) | p.Proven(n=n) | p.Wished(n=n) | p.Doubted(n=n) | p.Closed(n=n):
            about = "stream"
        case p.Polled(n=n) | p.PollFailed(n=n):
            about = "poll"
        case _:
            return signal
    impossible = state.out != about or (isinstance(signal, p.Proven | p.Wished) and not state.answered)
    return None if n == 0 and impossible else replace(signal, n=state.n + n)


# R: S1 S2 S4 S8
@settings(max_examples=400, deadline=None)
@given(st.lists(moments, max_size=60))
def test_whatever_comes_there_is_one_transport_at_most_and_always_a_next_step(moves):
    world = World()
    world.send(p.Started())
    asked_until = 0.0
    for after, chance, drawn in moves:
        world.chance = chance
        if after is None and world.state.due is not None:
            world.now = max(world.now, world.state.due)
        else:
            world.now += after or 0.0
        signal = fits(world.state, drawn)
        if signal is None:
            continue
        wait = getattr(signal, "wait", None)
        late = getattr(signal, "n", world.state.n) != world.state.n
        if wait is not None and not late and getattr(signal, "reason", "") != "full":
            asked_until = max(asked_until, world.now + wait)
        if isinstance(signal, p.SignedIn) and world.mode() == "signed-out":
            asked_until = 0.0
        before = world.state
        effects = world.send(signal)
        state = world.state
        if late:
            assert state == before
            assert effects == ()
        asks = [e for e in effects if isinstance(e, p.Open | p.Poll)]
        assert not asks or world.now >= asked_until, "Retry-After is obeyed"
        assert world.out == (set() if state.out is None else {state.n})
        if state.mode in p.SLEEPING:
            assert state.out is None
            assert state.due is None
        else:
            assert state.out is not None or state.due is not None, "a way on"
        if state.mode == "live":
            assert state.out == "stream"
            assert state.proven
        if state.out is not None and state.mode != "live" and state.out == "stream":
            assert state.prove_by is not None, "a stream that shows nothing is given up"
        if isinstance(signal, p.Tick):
            assert state.due is None or state.due > world.now, "no timer that comes again at once"


# R: S4
@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["buffered", "refused", "short", "silent"]), min_size=3, max_size=3), st.floats(0, 0.9))
def test_streaming_that_fails_three_times_in_a_row_however_it_does_leads_to_polling(failures, chance):
    world = World(chance)
    world.send(p.Started())
    for how in failures:
        while world.state.out is None:
            world.until_next()
        if world.mode() == "polling":
            return
        if how == "refused":
            world.send(p.Closed(world.state.n, "trouble"))
            continue
        world.send(p.Opened(world.state.n))
        if how == "buffered":
            world.until_next()
            assert world.mode() == "polling"
            return
        world.send(p.Proven(world.state.n))
        world.now += 0.5 if how == "short" else 37.5
        world.send(p.Closed(world.state.n, "cut" if how == "short" else "silent"))
    assert world.mode() == "polling"


# --- the promises, with a clock that misses no timer ---------------------------------------------

looks = st.sampled_from([p.Hidden(), p.Hidden(), p.Hidden(at_once=True), p.Shown(), p.Key(), p.Tick()])
walks = st.lists(
    st.tuples(
        st.one_of(st.floats(0, 5), st.floats(0, 100)),
        st.floats(0, 0.999),
        st.booleans().flatmap(lambda any_of_them: signals if any_of_them else looks),
    ),
    max_size=40,
)
"""How long after the last one, the dice, and the signal; often about who looks."""


def walk(world: World, moves: list[tuple[float, float, p.Signal]]) -> Iterator[p.Signal]:
    """Start, and play these; each signal that fits is given just before the policy hears it."""
    world.send(p.Started())
    for after, world.chance, drawn in moves:
        world.wait(after)
        signal = fits(world.state, drawn)
        if signal is not None:
            yield signal
            world.send(signal)
    world.wait(100)
    yield p.Tick()


def requests(done: list[tuple[float, p.Effect]]) -> list[tuple[float, p.Effect]]:
    return [(at, effect) for at, effect in done if not isinstance(effect, p.Drop)]


# R: S2 S3
@settings(max_examples=200, deadline=None)
@given(walks)
def test_while_nobody_looks_there_is_no_request_once_the_grace_time_is_over(moves):
    world = World()
    quiet_from: float | None = None
    for signal in walk(world, moves):
        if quiet_from is not None:
            # What was asked before this moment belongs to the time in which somebody looked, or to the grace.
            assert all(at < quiet_from for at, _ in requests(world.done)), "nobody looks"
            assert world.state.out is None or world.now < quiet_from, "nothing stays open"
        match signal:
            case p.Hidden(at_once=at_once):
                grace = world.now + (0.0 if at_once else S.hidden_grace)
                quiet_from = grace if quiet_from is None else min(quiet_from, grace)
                if at_once:
                    world.done.clear()
            case p.Shown() | p.Key():
                quiet_from = None
            case p.SignedIn() if quiet_from is not None and world.mode() == "signed-out":
                quiet_from = world.now + S.hidden_grace


# R: S1 S2
@settings(max_examples=200, deadline=None)
@given(walks, st.booleans(), st.booleans(), st.sampled_from([p.Shown(), p.Key()]), st.floats(0, 1e5))
def test_whatever_was_before_whoever_is_back_catches_up_with_exactly_one_poll(moves, at_once, news, seen, away):
    world = World()
    for _ in walk(world, moves):
        pass
    if world.mode() in ("gone", "signed-out"):
        return
    world.send(p.Hidden(at_once=at_once))
    world.wait(S.hidden_grace)
    assert world.mode() == "paused"
    assert world.wait(away) == []
    back = world.now
    world.done.clear()
    world.send(seen)
    world.send(seen)
    world.wait(max(0.0, world.state.asked_until - back))
    assert [type(e) for _, e in world.done] == [p.Poll]
    assert world.done[0][0] == max(back, world.state.asked_until), "at once, unless the server has asked to wait"
    after = world.polled(news=news)
    if world.state.prefer == "stream":
        assert [type(e) for e in after] == [p.Open]
        world.prove()
        assert world.wait(1000) == []
    else:
        assert after == ()
        assert world.state.due == world.now + S.poll_fast


# R: S2 S8
@settings(max_examples=200, deadline=None)
@given(walks)
def test_no_wait_is_longer_or_shorter_than_its_bounds(moves):
    world = World()
    before = world.state
    for signal in walk(world, moves):
        state, now = world.state, world.now
        assert state.interval == 0.0 or S.poll_fast <= state.interval <= S.poll_slow
        if state.next_at is not None and state.next_at != before.next_at:
            asked = max(0.0, state.asked_until - now)
            assert state.next_at - now <= asked + max(S.backoff_cap, state.wish)
        if state.mode == "polling" and state.next_at is not None and now >= state.not_before:
            assert state.next_at - now <= S.poll_slow
        before = state
        if isinstance(signal, p.Polled) and signal.n == state.n and not signal.more:
            after, effects = p.step(state, signal, now, world.chance, S)
            if after.mode == "polling":
                assert effects == ()
                assert after.next_at is not None
                assert after.next_at - now >= S.poll_fast
