"""A server's side for those who follow it, and a look at what a test leaves running."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.api_client.outbox_desk import Desk
from tests.api_client.scripted import Log, ScriptedServer, serving


@pytest.fixture
async def no_task_is_left() -> AsyncIterator[None]:
    """Fails a test after which a task goes on."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - before - {asyncio.current_task()} == set()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def server(desk: Desk) -> AsyncIterator[ScriptedServer]:
    async with serving(desk) as server:
        yield server
