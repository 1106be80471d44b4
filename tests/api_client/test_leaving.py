"""Leaving while changes are on their way: they are waited for a moment, and what is held up is not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest
from tests.api_client.outbox_desk import Desk, Program, rows
from tests.api_client.scripted import Request, ScriptedServer, serving, until

from roadcrew_domain.trip import EditTrip


class SlowDesk(Desk):
    """Takes a change when `go` is set, and not before."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.came = asyncio.Event()

    async def change(self, request: Request) -> None:
        self.came.set()
        await self.go.wait()
        await super().change(request)


@pytest.fixture
async def desk() -> SlowDesk:
    return SlowDesk()


@pytest.fixture
async def server(desk: SlowDesk) -> AsyncIterator[ScriptedServer]:
    async with serving(desk) as server:
        yield server
        desk.go.set()


# R: S7
@pytest.mark.parametrize("left", [False, True])
async def test_a_change_that_is_on_its_way_is_waited_for_also_when_its_trip_was_just_left(
    tmp_path: Path, desk: SlowDesk, server: ScriptedServer, left: bool
):
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        await until(lambda: live.confirmed)
        live.act(EditTrip(name="Porto"))
        live.act(EditTrip(name="Faro"))
        await desk.came.wait()
        if left:
            await live.stop()
        leaving = asyncio.create_task(program.client.settle(10))
        await asyncio.sleep(0.05)
        assert not leaving.done()
        desk.go.set()
        assert await leaving == 0
    assert rows(tmp_path) == []
    assert len(set(desk.keys)) == 2


# R: S7
async def test_an_answer_that_never_comes_is_not_waited_for_beyond_the_end(
    tmp_path: Path, desk: SlowDesk, server: ScriptedServer
):
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        await until(lambda: live.confirmed)
        live.act(EditTrip(name="Porto"))
        await desk.came.wait()
        began = monotonic()
        assert await program.client.settle(0.2) == 1
        assert 0.15 < monotonic() - began < 2


# R: S7
@pytest.mark.parametrize("left", [False, True])
async def test_what_no_server_answers_is_not_waited_for_and_counted(
    tmp_path: Path, desk: SlowDesk, server: ScriptedServer, left: bool
):
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        await until(lambda: live.confirmed)
        desk.down = True
        for name in ("Porto", "Faro"):
            live.act(EditTrip(name=name))
        if left:
            await live.stop()
        assert await asyncio.wait_for(program.client.settle(60), 10) == 2
    assert [state for _, state in rows(tmp_path)] == ["waiting", "waiting"]


async def test_where_nothing_was_changed_nothing_is_waited_for(tmp_path: Path, server: ScriptedServer):
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        await until(lambda: live.confirmed)
        assert await asyncio.wait_for(program.client.settle(60), 5) == 0


async def test_what_the_disk_did_not_keep_is_not_promised_for_the_next_time(
    tmp_path: Path, desk: SlowDesk, server: ScriptedServer
):
    (tmp_path / "taken").write_text("a file where the folder should be")
    async with Program(server.url, tmp_path / "taken") as program:
        live = await program.follow()
        await until(lambda: live.confirmed)
        desk.down = True
        live.act(EditTrip(name="Porto"))
        assert await program.client.settle(5) == 0
