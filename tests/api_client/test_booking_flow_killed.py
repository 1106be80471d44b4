"""A booking that is killed or cancelled anywhere between the choice and the cart goes on, and holds the seats once."""

import asyncio
from collections.abc import Awaitable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api_client.booking_desk import SLOT, Desk, Fault
from tests.api_client.booking_program import TWO, Program, adds, played
from tests.conftest import Figure

import roadcrew_client as rc


async def killed(work: Coroutine[Any, Any, object], n: int, *, cancels: bool) -> str:
    """Run it in a task of its own up to its `n`-th await, then cancel it, or drop it as `kill -9` does. What became of
    it: `killed` or `done`."""

    async def run() -> str:
        return await Killed(work, n, cancels)

    return await asyncio.create_task(run())


@dataclass
class Killed(Awaitable[str]):
    """What is run up to its `n`-th await."""

    work: Coroutine[Any, Any, object]
    n: int
    cancels: bool

    def __await__(self) -> Generator[Any, Any, str]:
        inner, sent = self.work.__await__(), 0
        while True:
            try:
                waiting_for = inner.send(None)
            except StopIteration:
                return "done"
            if sent == self.n and not self.cancels:
                return "killed"  # and nothing of it runs any more
            if sent == self.n:
                try:
                    inner.throw(asyncio.CancelledError())
                except asyncio.CancelledError:
                    return "killed"
            sent += 1
            yield waiting_for


async def kill_and_go_on(folder: Path, desk: Desk, n: int, *, cancels: bool, fault: Fault) -> tuple[str, int]:
    """What became of the first run, and how many runs there were."""
    program = Program(folder, desk, fault=fault)
    became = await killed(program.flow.book(SLOT, TWO), n, cancels=cancels)
    runs = 1
    while True:
        program = Program(folder, desk, fault=fault)
        waits = await program.waits()
        if waits is None:
            break
        runs += 1
        await killed(program.flow.resume(), n + 3 * runs, cancels=cancels)
        assert runs < 50
    return became, runs


# R: C3 C2 C5
@pytest.mark.parametrize("cancels", [True, False], ids=["cancelled", "killed"])
@pytest.mark.parametrize("first", [None, "unheard", (503, "busy")], ids=str)
def test_killed_at_every_await_it_goes_on_and_holds_the_seats_once(
    tmp_path: Path, cancels: bool, first: object, figure: Figure
):
    awaits, most, became = 0, 0, ""
    for n in range(200):
        desk = Desk()
        going = partial(kill_and_go_on, tmp_path / str(n), desk, n, cancels=cancels, fault=adds(first))
        became, runs = played(going)
        most = max(most, runs)
        kept = runs > 1 or became == "done"
        assert desk.holds() == ([2] if kept or desk.adds else []), n
        assert len({key for _, key in desk.adds}) <= 1, n
        if became == "done":
            break
        awaits += 1
    assert became == "done"
    assert 10 < awaits < 199
    assert most > 1
    figure("awaits at which it was killed", awaits)


faults = st.sampled_from(
    [None, None, "lost", "unheard", (503, "busy"), (429, "too-many-requests", 1), (401, "session-not-ready"), (502, "")]
)


# R: C2 C3 C5
@given(st.lists(faults, max_size=25), st.lists(st.integers(0, 40), max_size=5), st.booleans())
def test_seats_are_held_once_however_often_and_however_badly_it_was_tried(
    script: Sequence[object], kills: Sequence[int], cancels: bool
):
    desk, left = Desk(), list(script)

    async def main(folder: Path) -> None:
        def fault(path: str) -> object:
            return left.pop() if left else None

        await Program(folder, desk, token=None).flow.book(SLOT, TWO)
        for n in kills:
            await killed(Program(folder, desk, fault=fault).flow.resume(), n, cancels=cancels)
        outcome: object = None
        for _ in range(40):
            program = Program(folder, desk, fault=fault)
            if await program.waits() is None:
                break
            outcome = await program.flow.resume()
            assert isinstance(outcome, rc.Added | rc.Connection)
        assert outcome is None or isinstance(outcome, rc.Added)

    with TemporaryDirectory() as folder:
        played(lambda: main(Path(folder)))
    assert desk.holds() == [2]
    assert len(desk.cart().lines) == 1
    assert len({key for _, key in desk.adds}) == 1
