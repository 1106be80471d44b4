"""A running server for every test that asks, and people at it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from tests.support.people import Person, connected
from tests.support.serving import Running, served

Guest = Callable[[str], Awaitable[Person]]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """A server in this event loop with the settings that everybody gets, but for rate limits."""
    async with served(tmp_path) as running:
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
