"""Rate limits in memory: a moving window for each person, which nobody else's makes dearer."""

import asyncio
from typing import Any

import pytest
import time_machine
from limits import parse
from limits.aio.strategies import MovingWindowRateLimiter

from roadcrew_server.stores._rates import MemoryRates

LIMIT = parse("3/minute")
NOON = 1_780_000_000


async def test_the_window_moves_and_is_each_persons_own():
    limiter = MovingWindowRateLimiter(MemoryRates())
    with time_machine.travel(NOON, tick=False) as clock:
        assert await limiter.hit(LIMIT, "ana")
        clock.shift(30)
        assert await limiter.hit(LIMIT, "ana")
        assert await limiter.hit(LIMIT, "ana")
        assert not await limiter.hit(LIMIT, "ana")
        assert not await limiter.test(LIMIT, "ana")
        assert await limiter.hit(LIMIT, "ben", cost=3)
        assert not await limiter.hit(LIMIT, "cem", cost=4)
        stats = await limiter.get_window_stats(LIMIT, "ana")
        assert (stats.reset_time, stats.remaining) == (NOON + 60, 0)
        clock.shift(30.5)
        assert await limiter.hit(LIMIT, "ana"), "the first has left the window"
        assert not await limiter.hit(LIMIT, "ana"), "the two of the middle have not"
        await limiter.clear(LIMIT, "ana")
        assert await limiter.hit(LIMIT, "ana", cost=3)


async def test_who_comes_no_more_is_forgotten_and_a_hit_looks_at_nobody_else(monkeypatch: pytest.MonkeyPatch):
    def in_a_thread(*_: Any) -> None:
        raise AssertionError("a hit went through a thread")

    monkeypatch.setattr(asyncio, "to_thread", in_a_thread)
    rates = MemoryRates()
    limiter = MovingWindowRateLimiter(rates)
    with time_machine.travel(NOON, tick=False) as clock:
        for n in range(1000):
            assert await limiter.hit(LIMIT, f"person {n}")
        await asyncio.sleep(0)  # what the library would do afterwards, it would do now
        clock.shift(61)
        for n in range(600):
            assert await limiter.hit(LIMIT, f"person {n % 10}") == (n < 30)
        assert len(rates._windows) == 10
        assert await rates.reset() == 10
        assert await limiter.hit(LIMIT, "person 0")


async def test_a_limit_of_a_day_does_not_keep_those_of_a_minute_in_memory():
    rates = MemoryRates()
    limiter = MovingWindowRateLimiter(rates)
    with time_machine.travel(NOON, tick=False) as clock:
        assert await limiter.hit(parse("9/day"), "ana")
        for n in range(1000):
            assert await limiter.hit(LIMIT, f"person {n}")
        clock.shift(61)
        for _ in range(600):
            await limiter.hit(LIMIT, "ben")
        assert len(rates._windows) <= 3
        assert not await limiter.hit(parse("9/day"), "ana", cost=9)
