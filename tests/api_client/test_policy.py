"""The policy under a virtual clock: what it does in each case. What it never does is in test_policy_whatever.py."""

from dataclasses import replace
from itertools import pairwise

import pytest
from tests.api_client.policy_world import S, World

from roadcrew_client.settings import ClientSettings
from roadcrew_client.sync import policy as p
from roadcrew_client.sync.backoff import jittered


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


# R: S2
def test_another_pace_holds_from_the_next_answer_on_in_both_directions(world: World):
    world.fall_back_to_polling()
    world.state = replace(world.state, probe_at=10_000)
    for fastest, slowest, paces in ((20.0, 60.0, [20, 30, 45, 60, 60]), (3.0, 5.0, [5, 5])):
        slow = replace(ClientSettings(), poll_fast=fastest, poll_slow=slowest, probe_after=10_000)
        for pace in paces:
            assert world.state.out == "poll"
            world.state, _ = p.step(world.state, p.Polled(world.state.n, news=False), world.now, 0.5, slow)
            assert world.state.interval == pace
            assert world.state.next_at is not None
            world.now = world.state.next_at
            world.state, _ = p.step(world.state, p.Tick(), world.now, 0.5, slow)


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


# R: S2
@pytest.mark.parametrize("signal", [p.Key(), p.Answered()])
def test_keys_and_answers_elsewhere_end_the_wait_after_an_outage_and_are_no_flood(world: World, signal: p.Signal):
    world.chance = 0.99
    world.live()
    world.send(p.Wished(1, 2))
    world.now += 60
    world.send(p.Closed(1, "cut"))
    began = world.now
    world.done.clear()
    while world.now < began + 20:
        world.now += 0.1
        world.send(signal)
        if world.state.due is not None and world.state.due <= world.now:
            world.until_next()
        if world.state.out is not None:
            world.send(p.Closed(world.state.n, "unreachable"))
    asked = [at for at, _ in world.done]
    assert asked[0] - began < 0.2
    assert 9 <= len(asked) <= 11
    assert min(b - a for a, b in pairwise(asked)) >= S.hurry - 1e-6


# R: S8
def test_an_answer_elsewhere_does_not_shorten_what_the_server_asked_to_wait(world: World):
    world.live()
    world.send(p.Closed(1, "trouble", wait=40))
    assert world.wait(10) == []
    for signal in (p.Answered(), p.Key()):
        assert world.send(signal) == ()
    assert world.wait(29.9) == []


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
