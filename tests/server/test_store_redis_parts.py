"""Parts of the shared store: its URL, its clock, its keys and what Redis does with them by itself, its counters."""

import random
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise

import pytest
from limits import parse
from limits.aio.strategies import MovingWindowRateLimiter
from redis.crc import key_slot
from tests.server.store_contract import append, born, commit
from tests.support.redis_stores import at, opened
from tests.support.valkey import ValkeyProcess
from tests.support.wire import Wire

from roadcrew_server.__main__ import arguments
from roadcrew_server.settings import Settings
from roadcrew_server.stores._redis_address import Address, address_of, is_redis
from roadcrew_server.stores._redis_clock import HeardClock
from roadcrew_server.stores._redis_keys import BUCKETS, Keys
from roadcrew_server.stores._redis_wire import netstrings
from roadcrew_server.stores.base import KEPT_EVENTS, Appended, StoreUnavailable
from roadcrew_server.stores.clock import to_ms
from roadcrew_server.stores.opening import check_url, make_store, shown
from roadcrew_server.stores.redis import RedisStore

DAY = timedelta(days=1) // timedelta(milliseconds=1)


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "address", "text"),
        [
            ("redis://h", Address((("h", 6379),)), "redis://h:6379"),
            ("REDIS://h:7/2", Address((("h", 7),), database=2), "REDIS://h:7"),
            ("valkey://[::1]:7/", Address((("::1", 7),)), "valkey://[::1]:7"),
            ("rediss://u:p@h", Address((("h", 6379),), "", "u", "p", tls=True), "rediss://h:6379"),
            ("redis://:p%40%3A%2F@h", Address((("h", 6379),), "", None, "p@:/"), "redis://h:6379"),
            ("redis://u:a@b@h", Address((("h", 6379),), "", "u", "a@b"), "redis://h:6379"),
            ("redis+cluster://a:1,b:2,c", Address((("a", 1), ("b", 2), ("c", 6379)), cluster=True), None),
            ("valkeys+cluster://a", Address((("a", 6379),), tls=True, cluster=True), "valkeys+cluster://a:6379"),
            ("redis+unix:///run/r.sock", Address((), "/run/r.sock"), "redis+unix:///run/r.sock"),
            ("valkey+unix://u:p@/r%20s?db=3", Address((), "/r s", "u", "p", 3), "valkey+unix:///r s"),
        ],
    )
    def test_every_form_says_where(self, url: str, address: Address, text: str | None) -> None:
        assert is_redis(url)
        assert address_of(url) == address
        check_url(url)
        assert text is None or shown(url) == text

    @pytest.mark.parametrize(
        "url",
        [
            "redis://",
            "redis:h",
            "redis://:secret@",
            "redis://:secret@h:0",
            "redis://:secret@h:99999",
            "redis://:secret@h/one",
            "redis://:secret@h/-1",
            "redis://:secret@h/\u0661",
            "redis://:secret@h?ssl_cert_reqs=none",
            "redis://:secret@h/0#x",
            "redis://:secret@a,b",
            "redis+cluster://:secret@a,",
            "redis+cluster://:secret@a/1",
            "redis+unix://:secret@host/path",
            "redis+unix:///",
            "redis+unix:///path?db=1&x=secret",
            "redsi://:secret@h",
            "rediss+unix://:secret@/x",
            "http://:secret@h",
        ],
    )
    def test_a_bad_one_is_refused_without_repeating_what_may_be_secret(
        self, url: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(ValueError) as refused:
            check_url(url)
        assert "secret" not in str(refused.value)
        with pytest.raises(SystemExit):
            arguments(["--store", url])
        assert "secret" not in capsys.readouterr().err

    def test_the_settings_reach_the_store(self, tmp_path: object) -> None:
        settings = Settings(
            store="rediss://u:p@h:7/1", store_connections=3, store_timeout=0.5, store_prefix="crew", store_ca=None
        )
        store = make_store(settings)
        assert isinstance(store, RedisStore)
        assert (store._link.options.connections, store._link.options.timeout) == (3, 0.5)
        assert store._keys.hints == "crew:hints:1"
        assert isinstance(make_store(Settings(store="redis+cluster://a,b")), RedisStore)

    def test_a_server_on_sqlite_starts_without_the_redis_library(self) -> None:
        code = "import sys, roadcrew_server.__main__; print('redis.asyncio' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"


class TestClock:
    """R: T4"""

    def test_it_goes_on_from_the_last_answer_and_never_backwards(self) -> None:
        passed = 10.0
        clock = HeardClock(lambda: passed)
        with pytest.raises(StoreUnavailable):
            clock.now_ms()
        clock.hear(5_000)
        passed += 1.5
        assert clock.now_ms() == 6_500
        clock.hear(6_000)  # an answer that was under way for long, or a clock that was set back
        assert clock.now_ms() == 6_500
        passed += 1
        assert clock.now_ms() == 7_000
        clock.hear(20_000)
        assert clock.now_ms() == 20_000

    async def test_two_processes_agree_on_the_time_whatever_their_own_clocks_say(self, valkey: ValkeyProcess) -> None:
        skewed = 12_345.0
        one = RedisStore(address_of(valkey.url))
        two = RedisStore(address_of(valkey.url), monotonic=lambda: skewed)
        for store in (one, two):
            await store.open()
        await two.ping()
        await one.ping()
        assert abs(one.now() - two.now()) < timedelta(seconds=1)
        for store in (one, two):
            await store.close()


class TestKeys:
    """R: G4"""

    def test_all_keys_of_a_topic_are_in_one_slot_and_topics_are_spread(self) -> None:
        keys = Keys("roadcrew")
        topics = [f"trip:{number}" for number in range(1000)] + ["feed:{x}:y", "feed:}{:"]
        for topic in topics:
            names = [*keys.topic(topic), keys.here(topic), keys.done(topic), *keys.log(topic)]
            assert len({key_slot(name.encode()) for name in names}) == 1
        assert {keys.bucket_of(topic) for topic in topics} == set(range(BUCKETS))
        slots = sorted(key_slot(name.encode()) for name in keys.due)
        assert max(b - a for a, b in pairwise(slots)) < 16384 // 4

    @pytest.mark.parametrize("prefix", ["", "a{b}", "a*", "a b", "x" * 65])
    def test_a_prefix_that_could_be_something_else_is_refused(self, prefix: str) -> None:
        with pytest.raises(ValueError):
            Keys(prefix)

    async def test_redis_removes_what_is_over_a_day_later(self, valkey: ValkeyProcess) -> None:
        async with opened(valkey.url) as store:
            topic = await born(store, keep=timedelta(days=2))
            until = store.now() + timedelta(days=3)
            result = await store.append("trip:1", topic.epoch, 0, [commit(store, "c1")], keep_until=until, due=None)
            assert isinstance(result, Appended)
            await store.compact("trip:1", topic.epoch, 1, "c1", b"state")
            await store.put("session", "s", b"", until)
            await store.put("user", "u", b"")
            lease = await store.lease_take("run:1", "a", timedelta(seconds=10))
            await store.presence_set("trip:1", "ana/1", b"Ana", timedelta(seconds=45))
            assert lease is not None
            ends = {name: await store._link.send("PEXPIRETIME", name) for name in await names(store)}
        keys = store._keys
        for name in keys.topic("trip:1")[:4]:
            assert ends.pop(name) == to_ms(until) + DAY
        assert ends.pop(keys.record("session", "s")) == to_ms(until) + DAY
        assert ends.pop(keys.lease("run:1")[0]) == to_ms(lease.expires_at) + DAY
        assert ends.pop(keys.here("trip:1")) > 0
        assert ends == {keys.record("user", "u"): -1, keys.fence: -1, keys.format: -1}

    async def test_what_is_forgotten_or_run_out_leaves_nothing_behind(self, valkey: ValkeyProcess) -> None:
        ahead = 0
        store = RedisStore(address_of(valkey.url), shift_ms=lambda: ahead)
        await store.open()
        topic = await born(store, due=store.now())
        for number in range(3):
            await append(store, "trip:1", topic.epoch, number, commit(store, f"c{number}", keep=timedelta(seconds=1)))
        await store.presence_set("trip:1", "ana/1", b"Ana", timedelta(seconds=1))
        ahead = 2_000
        await store.ping()
        await append(store, "trip:1", topic.epoch, 3, commit(store, "last", keep=timedelta(seconds=1)), due=store.now())
        assert await store._link.send("HKEYS", store._keys.done("trip:1")) == [b"ana:last"]
        assert await store.presence_list("trip:1") == {}
        await store.forget("trip:1")
        assert await names(store) == {store._keys.format}
        await store.close()

    async def test_two_installations_in_one_redis_do_not_see_each_other(self, valkey: ValkeyProcess) -> None:
        one = RedisStore(address_of(valkey.url), prefix="one")
        two = RedisStore(address_of(valkey.url), prefix="two")
        for store in (one, two):
            await store.open()
        hints = two.listen()
        await born(one)
        assert await two.load("trip:1") is None
        await two.revoke("session", "own")
        assert (await anext(hints)).kind == "revoked"
        for store in (one, two):
            await store.close()

    async def test_a_trimmed_stream_holds_no_more_than_it_should(self, valkey: ValkeyProcess) -> None:
        async with opened(valkey.url) as store:
            topic = await born(store, events=KEPT_EVENTS * 3)
            await store.compact("trip:1", topic.epoch, topic.head, "birth", b"state")
            assert await store._link.send("XLEN", store._keys.log("trip:1")[1]) == KEPT_EVENTS


async def names(store: RedisStore) -> set[str]:
    return {name.decode() for name in await store._link.send("KEYS", "*")}


class TestRates:
    """R: S10"""

    async def test_a_limit_holds_over_all_processes(self, valkey: ValkeyProcess) -> None:
        limit = parse("5/minute")
        async with opened(valkey.url) as one, opened(valkey.url) as two:
            limiters = [MovingWindowRateLimiter(store.rate_storage()) for store in (one, two)]
            assert [await limiters[n % 2].hit(limit, "user", "ana") for n in range(8)] == [True] * 5 + [False] * 3
            assert await limiters[0].hit(limit, "user", "ben")
            window = await limiters[1].get_window_stats(limit, "user", "ana")
            assert window.remaining == 0

    # R: S9
    async def test_who_stays_far_from_a_limit_costs_redis_nothing(self, valkey: ValkeyProcess) -> None:
        limit = parse("160/minute")
        async with opened(valkey.url) as one, opened(valkey.url) as two:
            first, second = (MovingWindowRateLimiter(store.rate_storage()) for store in (one, two))
            before = await names(one)
            assert all([await first.hit(limit, "user", "ana") for _ in range(10)])
            assert await names(one) == before
            assert sum([await first.hit(limit, "user", "ana") for _ in range(200)]) == 150
            assert sum([await second.hit(limit, "user", "ana") for _ in range(200)]) == 10
            window = await first.get_window_stats(limit, "user", "ana")
            assert window.remaining == 0

    async def test_a_store_that_is_gone_is_said_like_every_failure_of_it(self, wire: Wire) -> None:
        async with opened(at(wire.port)) as store:
            limiter = MovingWindowRateLimiter(store.rate_storage())
            await wire.refuse()
            with pytest.raises(StoreUnavailable):
                await limiter.hit(parse("5/minute"), "user", "ana")


class TestNetstrings:
    def test_a_row_is_read_as_it_was_written(self) -> None:
        chance = random.Random(1)
        for _ in range(100):
            parts = [chance.choices("a:1é ", k=chance.randrange(6)) for _ in range(chance.randrange(6))]
            written = ["".join(part).encode() for part in parts]
            assert netstrings(b"".join(b"%d:%b" % (len(part), part) for part in written)) == written

    @pytest.mark.parametrize("data", [b"x", b"1", b"2:a", b"-1:", b":a", b"1:a9"])
    def test_anything_else_is_refused(self, data: bytes) -> None:
        with pytest.raises(ValueError):
            netstrings(data)
