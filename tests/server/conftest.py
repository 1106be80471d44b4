"""A running server for every test that asks, and people at it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.people import Person, connected
from tests.support.pricing import BY_THE_SEA, providers, ready
from tests.support.serving import Running, served
from tests.support.valkey import ValkeyProcess
from tests.support.wire import Wire

Guest = Callable[[str], Awaitable[Person]]


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What a module calls its `LOOP`, or asyncio's own: uvloop, on which servers run, says some errors differently."""
    return {"loop": getattr(item.getparent(pytest.Module).obj, "LOOP", asyncio.new_event_loop)}  # type: ignore[union-attr]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """A server in this event loop, with the sample catalogue, providers that have prices at once, a price-monitor that
    is away, and the settings that everybody gets but for limits."""
    asked = providers(ready(), ready(simulated=True, amount=9_000, known=(BY_THE_SEA,)))
    away: dict[str, Any] = {"monitor_price_app_host": "127.0.0.1:9", "price_monitor_api_key": "nobody-asks-for-it"}
    async with served(tmp_path, catalog="sample", payments="simulated,venue", asked=asked, **away) as running:
        yield running


@pytest.fixture
async def http(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client at the running server."""
    async with connected(running.url) as http:
        yield http


@pytest.fixture
async def guest(http: httpx.AsyncClient) -> Guest:
    """`await guest("Ana")`: a new guest."""

    async def make(name: str) -> Person:
        return await Person.guest(http, name)

    return make


@pytest.fixture
async def ana(guest: Guest) -> Person:
    """A guest."""
    return await guest("Ana")


@pytest.fixture
async def ben(guest: Guest) -> Person:
    """Another guest."""
    return await guest("Ben")


@pytest.fixture(scope="session")
def valkey_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    """One Valkey for all tests of this process."""
    with ValkeyProcess(tmp_path_factory.mktemp("valkey")) as process:
        yield process


@pytest.fixture
def valkey(valkey_process: ValkeyProcess) -> Iterator[ValkeyProcess]:
    """A real Valkey, empty; what a test sets there is set back."""
    valkey_process.say("FLUSHALL")
    yield valkey_process
    for setting in ("maxmemory 0", "maxmemory-policy noeviction", "appendfsync always"):
        valkey_process.say("CONFIG", "SET", setting)
    valkey_process.say("REPLICAOF", "NO", "ONE")


@pytest.fixture
async def wire(valkey: ValkeyProcess) -> AsyncIterator[Wire]:
    """A way to that Valkey, which can be cut."""
    async with Wire(valkey.port) as wire:
        yield wire
