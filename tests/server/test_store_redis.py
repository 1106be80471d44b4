"""The shared store: the contract of all stores, on every Valkey and Redis that is here, with the rights that the
operating guide asks for and no more."""

import itertools
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvloop
from tests.server.store_contract import LIMITS, Advance, StoreContract
from tests.support.valkey import Cluster, ValkeyProcess, servers

from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.redis import RedisStore

LOOP = uvloop.new_event_loop

NUMBERS = itertools.count(1)
GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"


def with_rights(server: ValkeyProcess, prefix: str = "roadcrew") -> None:
    """Make the user of the guide, for keys that begin so."""
    [rule] = re.findall(r"`ACL (SETUSER roadcrew on [^`]*)`", GUIDE.read_text(encoding="utf-8"))
    rule = re.sub("[~&]roadcrew:", lambda found: f"{found[0][0]}{prefix}:", rule)
    assert server.say("ACL", *rule.split()) == b"+OK\r\n"


def as_that_user(url: str) -> str:
    return url.replace("://", "://roadcrew:PASSWORD@")


class Time:
    """What the store's time is ahead of the Redis's."""

    def __init__(self) -> None:
        self.ahead_ms = 0


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    with ValkeyProcess(tmp_path_factory.mktemp("valkey"), servers()[request.param]) as process:
        with_rights(process)
        yield process


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def store(server: ValkeyProcess, time: Time) -> AsyncIterator[RedisStore]:
    server.say("FLUSHALL")
    store = RedisStore(address_of(as_that_user(server.url)), limits=LIMITS, shift_ms=lambda: time.ahead_ms)
    facts = await store.open()
    assert (facts.durable, facts.warnings) == (True, [])
    yield store
    await store.close()


@pytest.fixture
def advance(time: Time, store: RedisStore) -> Advance:
    async def move(seconds: float) -> None:
        time.ahead_ms += int(seconds * 1000)
        await store.ping()

    return move


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


class TestContract(StoreContract):
    """On each server."""


class TestClusterContract(StoreContract):
    """On three nodes."""

    @pytest.fixture
    async def store(self, nodes: Cluster, time: Time) -> AsyncIterator[RedisStore]:
        prefix = f"roadcrew{next(NUMBERS)}"  # nodes may still pass on what was said in the test before
        for node in nodes.nodes:
            node.say("FLUSHALL")
            with_rights(node, prefix)
        store = RedisStore(
            address_of(as_that_user(nodes.url)), prefix=prefix, limits=LIMITS, shift_ms=lambda: time.ahead_ms
        )
        await store.open()
        yield store
        await store.close()
