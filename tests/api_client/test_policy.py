"""The policy under a virtual clock: what it does in each case, and what it never does, whatever comes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadcrew_client.settings import ClientSettings
from roadcrew_client.sync import policy as p
from roadcrew_client.sync.backoff import jittered

S = ClientSettings()


class World:
    """A policy, a clock that is moved by hand, and what has been asked for."""

    def __init__(self, chance: float = 0.5) -> None:
        self.now = 1000.0
        self.chance = chance
        self.state = p.State()
        self.done: list[tuple[float, p.Effect]] = []
        self.out: set[int] = set()

    def send(self, signal: p.Signal) -> tuple[p.Effect, ...]:
        if isinstance(signal, p.Closed | p.Polled | p.PollFailed):
            self.out.discard(signal.n)
        self.state, effects = p.step(self.state, signal, self.now, self.chance, S)
        for effect in effects:
            self.done.append((self.now, effect))
            if isinstance(effect, p.Drop):
                assert effect.n in self.out, "only what is under way is dropped"
                self.out.discard(effect.n)
            else:
                self.out.add(effect.n)
                assert len(self.out) == 1, "two transports at once"
        return effects

    def until_next(self) -> tuple[p.Effect, ...]:
        """Let time pass to the next timer."""
        assert self.state.due is not None
        self.now = max(self.now, self.state.due)
        return self.send(p.Tick())

    def wait(self, seconds: float) -> list[p.Effect]:
        """Let time pass, with every timer on the way."""
        end, before = self.now + seconds, len(self.done)
        while self.state.due is not None and self.state.due <= end:
            self.until_next()
        self.now = end
        return [e for _, e in self.done[before:]]

    def mode(self) -> p.Mode:
        return self.state.mode

    def live(self) -> None:
        self.send(p.Started())
        self.prove()

    def prove(self) -> None:
        self.send(p.Opened(self.state.n))
        self.send(p.Proven(self.state.n))
        assert self.mode() == "live"

    def cut(self) -> tuple[p.Effect, ...]:
        return self.send(p.Closed(self.state.n, "cut"))

    def polled(self, *, news: bool = False, more: bool = False) -> tuple[p.Effect, ...]:
        return self.send(p.Polled(self.state.n, news, more))

    def fall_back_to_polling(self) -> None:
        self.live()
        while self.mode() != "polling":
            self.cut()
            if self.state.out is None:
                self.until_next()
            if self.state.out == "stream":
                self.prove()


@pytest.fixture
def world() -> World:
    return World()


# R: S1
def test_a_stream_is_live_only_once_its_first_frame_is_here(world: World):
    assert world.send(p.Started()) == (p.Open(1),)
    assert world.mode() == "connecting"
    world.send(p.Opened(1))
    assert world.mode() == "connecting"
    world.send(p.Proven(1))
    assert world.mode() == "live"
    assert world.state.due is None


# R: S4
def test_headers_without_a_frame_for_three_seconds_are_a_buffering_proxy_so_it_polls(world: World):
    world.send(p.Started())
    world.send(p.Opened(1))
    assert world.wait(2.99) == []
    assert world.wait(0.02) == [p.Drop(1), p.Poll(2)]
    assert world.mode() == "polling"


# R: S4
def test_a_stream_that_shows_its_beginning_and_never_a_heartbeat_is_held_back_so_it_polls(world: World):
    world.live()
    world.send(p.Wished(1, 0.1))
    world.wait(37.5)
    assert world.send(p.Closed(1, "silent")) == (p.Poll(2),)
    assert world.mode() == "polling"
    world.polled()
    while world.state.out != "stream":
        if world.state.out == "poll":
            world.polled()
        world.until_next()
    world.prove()  # tried again, and it is no better
    world.wait(37.5)
    world.send(p.Closed(world.state.n, "silent"))
    assert world.mode() == "polling"


# R: S4
def test_a_stream_that_had_heartbeats_and_goes_silent_is_opened_anew(world: World):
    world.live()
    world.wait(15)
    world.send(p.Wished(1, 0.1))
    world.wait(37.5)
    assert world.send(p.Closed(1, "silent")) == ()
    assert world.mode() == "connecting"
    assert p.Open(2) in world.until_next()


# R: S4
def test_a_stream_without_even_headers_where_a_poll_is_answered_soon_is_held_back_so_it_polls(world: World):
    world.send(p.Started())
    assert world.until_next() == (p.Drop(1), p.Poll(2))
    assert world.mode() == "connecting", "it may be the network, or the server"
    world.now += 0.1
    assert world.polled() == ()
    assert (world.mode(), world.state.prefer) == ("polling", "poll")
    assert world.now - world.state.opened_at < 5, "within five seconds"


# R: S4
def test_where_polls_are_slow_too_a_stream_without_even_headers_is_tried_three_times(world: World):
    world.send(p.Started())
    for _ in range(2):
        assert world.until_next() == (p.Drop(world.state.n - 1), p.Poll(world.state.n))
        world.now += S.prove_within
        assert world.polled() == (p.Open(world.state.n),)
        assert world.mode() == "connecting"
    world.until_next()
    assert (world.mode(), world.state.out) == ("polling", "poll")


# R: S4
def test_three_closes_in_under_a_second_make_it_poll_and_probe_streaming_after_a_minute(world: World):
    world.fall_back_to_polling()
    closes = sum(isinstance(e, p.Open) for _, e in world.done)
    assert closes == 3
    fell_back = world.now
    while not isinstance(world.done[-1][1], p.Open):
        if world.state.out == "poll":
            world.polled()
        world.until_next()
    assert world.done[-1][0] == fell_back + 60 * (1 + 0.5 / 4), "a minute, and up to a quarter more"
    assert world.mode() == "polling", "the probe is not proven yet"
    world.prove()


# R: S4
def test_a_probe_that_shows_no_frame_goes_back_to_polling_at_the_pace_it_had(world: World):
    world.fall_back_to_polling()
    while world.state.out != "stream":
        if world.state.out == "poll":
            world.polled()
        world.until_next()
    world.send(p.Opened(world.state.n))
    pace = world.state.interval
    assert pace == 10
    assert [type(e) for e in world.until_next()] == [p.Drop, p.Poll]
    assert (world.mode(), world.state.interval) == ("polling", pace)


def test_closes_of_our_own_are_not_counted_as_short(world: World):
    world.live()
    for _ in range(10):
        world.send(p.Hidden(at_once=True))
        world.send(p.Shown())
        world.polled()
        world.prove()
    assert world.state.strikes == 0


# R: T12
def test_a_stream_that_is_cut_every_minute_is_never_given_up(world: World):
    world.live()
    for _ in range(100):
        world.now += 60
        world.cut()
        if world.state.out is None:
            world.until_next()
        world.prove()


# R: T12
def test_a_goodbye_means_back_at_once_without_a_wait(world: World):
    world.live()
    world.now += 60
    assert world.send(p.Closed(1, "bye")) == (p.Open(2),)


# R: S8
def test_a_goodbye_that_says_when_to_come_back_is_obeyed_to_the_moment(world: World):
    world.live()
    world.now += 60
    assert world.send(p.Closed(1, "bye", wait=20)) == ()
    assert world.state.due == world.now + 20, "the server has spread its clients itself"


# R: S8
def test_the_first_reconnect_after_a_cut_is_spread_as_the_server_wished_last(world: World):
    world.live()
    world.send(p.Wished(1, 80))
    world.send(p.Wished(1, 8))
    world.now += 60
    world.cut()
    assert world.state.due == world.now + 4


# R: S8
@pytest.mark.parametrize("reason", ["unreachable", "trouble"])
def test_a_server_that_gives_no_answer_is_looked_for_over_many_times_what_it_wished(world: World, reason):
    world.live()
    world.send(p.Wished(1, 0.6))
    world.now += 60
    world.cut()
    waits = []
    for _ in range(2):
        world.until_next()
        world.send(p.Closed(world.state.n, reason))
        assert world.state.due is not None
        waits.append(world.state.due - world.now)
    assert waits == pytest.approx([0.5 * 0.6 * S.outage_spread * 2, 0.5 * 0.6 * S.outage_spread * 3])


# R: S8
def test_who_polled_every_ten_seconds_does_not_ask_more_often_when_there_is_no_answer(world: World):
    world.fall_back_to_polling()
    for _ in range(6):
        world.polled()
        world.until_next()
    world.send(p.PollFailed(world.state.n, "unreachable"))
    assert world.state.due == world.now + 0.5 * 10


def test_a_server_that_says_goodbye_at_once_again_and_again_is_not_asked_in_a_hot_loop(world: World):
    world.live()
    for _ in range(3):
        world.send(p.Closed(world.state.n, "bye"))
        if world.mode() == "polling":
            return
        world.until_next()
        world.prove()
    raise AssertionError("it never stopped streaming")


# R: S8
def test_waits_between_attempts_are_full_jitter_from_half_a_second_to_thirty():
    for chance, factor in ((0.0, 0.0), (0.5, 0.5), (0.999, 0.999)):
        waits = [jittered(n, chance, S) for n in range(12)]
        assert waits == [factor * min(30, 0.5 * 2**n) for n in range(12)]
    assert jittered(10_000, 1.0, S) == 30


# R: S5
def test_no_answer_at_all_is_offline_and_the_first_answer_ends_it(world: World):
    world.live()
    world.now += 60
    world.cut()
    world.until_next()
    waits = []
    for _ in range(8):
        world.send(p.Closed(world.state.n, "unreachable"))
        assert world.mode() == "offline"
        assert world.state.due is not None
        waits.append(world.state.due - world.now)
        world.until_next()
    assert waits == [0.5, 1, 2, 4, 8, 15, 15, 15], "after the cut's own wait of 0.25 s"
    world.send(p.Opened(world.state.n))
    assert world.mode() == "connecting"
    world.prove()


def test_after_an_outage_where_only_polling_worked_a_poll_goes_first(world: World):
    world.fall_back_to_polling()
    world.send(p.PollFailed(world.state.n, "unreachable"))
    assert world.mode() == "offline"
    assert isinstance(world.until_next()[0], p.Poll)
    assert isinstance(world.polled()[0], p.Open)


# R: S2
def test_polling_grows_from_two_seconds_to_ten_while_nothing_happens(world: World):
    world.fall_back_to_polling()
    waits = []
    for _ in range(7):
        world.polled()
        assert world.state.due is not None
        waits.append(world.state.due - world.now)
        world.until_next()
    assert waits == [2, 3, 4.5, 6.75, 10, 10, 10]


# R: S2
def test_news_and_keys_bring_polling_back_to_two_seconds(world: World):
    world.fall_back_to_polling()
    for _ in range(6):
        world.polled()
        world.until_next()
    world.polled(news=True)
    assert world.state.due == world.now + 2
    world.until_next()
    for _ in range(3):
        world.polled()
        world.until_next()
    world.polled()
    world.now += 0.5
    world.send(p.Key())
    assert world.state.due == world.now + 1.5
    world.now += 1.5
    world.until_next()
    world.polled()
    world.now += 2.5
    world.send(p.Key())
    assert world.state.due == world.now, "the last poll was more than two seconds ago"


# R: S2
def test_a_key_while_a_poll_is_under_way_counts_as_much_as_one_between_two(world: World):
    world.fall_back_to_polling()
    for _ in range(6):
        world.polled()
        world.until_next()
    world.send(p.Key())
    world.polled()
    assert world.state.due == world.now + 2


# R: S8
def test_polls_that_get_no_good_answer_are_not_called_polling(world: World):
    world.fall_back_to_polling()
    world.send(p.PollFailed(world.state.n, "trouble"))
    assert world.mode() == "connecting"
    while world.state.out is None:
        world.until_next()
    assert world.state.out == "poll"
    world.polled()
    assert world.mode() == "polling"


# R: S8
def test_a_key_does_not_shorten_what_the_server_asked_to_wait(world: World):
    world.fall_back_to_polling()
    world.send(p.PollFailed(world.state.n, "trouble", wait=40))
    world.send(p.Key())
    assert world.wait(39.9) == []
    assert isinstance(world.wait(1.1)[0], p.Poll)


# R: S8
def test_being_shown_again_does_not_shorten_what_the_server_asked_to_wait(world: World):
    world.live()
    world.send(p.Closed(1, "trouble", wait=100))
    world.send(p.Hidden(at_once=True))
    world.send(p.Shown())
    assert world.wait(99.9) == []
    assert isinstance(world.wait(0.2)[0], p.Poll)


# R: S8
def test_retry_after_on_a_stream_is_obeyed_and_whom_it_was_said_to_do_not_come_all_at_once(world: World):
    world.live()
    world.send(p.Wished(1, 0.6))
    world.send(p.Closed(1, "trouble", wait=17))
    assert world.state.due == world.now + 17 + 0.5 * 0.6 * S.outage_spread


def test_a_server_without_room_for_a_stream_is_polled_at_once_and_probed_when_it_said(world: World):
    world.send(p.Started())
    assert world.send(p.Closed(1, "full", wait=300)) == (p.Poll(2),)
    assert world.state.probe_at == world.now + 300 * (1 + 0.5 / 4)


# R: S2
def test_hidden_for_longer_than_the_grace_time_means_no_requests_at_all(world: World):
    world.live()
    world.send(p.Hidden())
    assert world.wait(S.hidden_grace - 0.1) == []
    assert world.wait(0.2) == [p.Drop(1)]
    assert world.mode() == "paused"
    assert world.wait(1e6) == []


# R: S2
def test_who_is_suspended_before_the_start_asks_nothing_until_seen(world: World):
    world.send(p.Hidden(at_once=True))
    assert world.state.due is None
    assert world.send(p.Started()) == ()
    assert world.mode() == "paused"
    assert world.wait(1e6) == []
    assert world.send(p.Shown()) == (p.Poll(1),)


# R: S2
def test_who_is_hidden_before_the_start_has_the_grace_time_from_then(world: World):
    world.send(p.Hidden())
    world.wait(10)
    world.send(p.Hidden())
    assert world.send(p.Started()) == (p.Open(1),)
    world.prove()
    assert world.wait(S.hidden_grace - 10.1) == []
    assert world.wait(0.2) == [p.Drop(1)]
    assert world.mode() == "paused"


# R: S2
@pytest.mark.parametrize("seen", [p.Shown(), p.Key()])
def test_who_is_seen_again_before_the_start_was_never_hidden(world: World, seen: p.Signal):
    world.send(p.Hidden(at_once=True))
    world.send(seen)
    world.live()
    assert world.wait(1000) == []


# R: S2
def test_a_glance_away_costs_nothing(world: World):
    world.live()
    world.send(p.Hidden())
    world.wait(S.hidden_grace - 1)
    world.send(p.Shown())
    assert world.wait(1000) == []
    assert world.mode() == "live"


# R: S2
def test_shown_again_catches_up_with_one_poll_at_once_and_then_streams(world: World):
    world.live()
    world.send(p.Hidden(at_once=True))
    assert world.send(p.Shown()) == (p.Poll(2),)
    assert world.polled(news=True) == (p.Open(3),)


# R: S2
def test_shown_again_while_polling_was_what_works_it_goes_on_polling(world: World):
    world.fall_back_to_polling()
    world.send(p.Hidden(at_once=True))
    assert world.wait(1000) == []
    assert isinstance(world.send(p.Shown())[0], p.Poll)
    assert world.polled() == ()
    assert world.mode() == "polling"
    assert world.state.due == world.now + 2


# R: S3
def test_a_key_in_a_terminal_that_said_it_is_hidden_means_that_it_is_seen(world: World):
    world.live()
    world.send(p.Hidden(at_once=True))
    assert world.send(p.Key()) == (p.Poll(2),)


# R: S1
def test_a_batch_that_says_more_is_followed_by_the_next_at_once_but_not_for_ever(world: World):
    world.fall_back_to_polling()
    polls = 0
    while world.polled(news=True, more=True):
        polls += 1
    assert polls == S.max_batches
    assert world.state.due == world.now + 2


def test_gone_and_signed_out_ask_nothing_more_and_signing_in_goes_on(world: World):
    world.live()
    assert world.send(p.Ended("signed-out")) == (p.Drop(1),)
    assert world.wait(1e6) == []
    assert world.send(p.SignedIn()) == (p.Open(2),)
    world.send(p.Ended("gone"))
    world.send(p.SignedIn())
    assert world.wait(1e6) == []
    assert world.mode() == "gone"


# --- whatever comes ------------------------------------------------------------------------------

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
        [p.Tick(), p.Key(), p.Hidden(), p.Hidden(at_once=True), p.Shown(), p.SignedIn(), p.Started(), p.Tick()]
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
