"""Short runs against a real server; and runs that go wrong, to see that they say so."""

import asyncio
from pathlib import Path

import pytest
from tests.conftest import Figure
from tests.support.serving import served
from tests.tui.simulation.standins import Fainting

from roadcrew_client import Client, Unreachable
from roadcrew_tui.simulation.plan import make_plan
from roadcrew_tui.simulation.report import as_text
from roadcrew_tui.simulation.run import Now, Result, run


def unheard(_: Now) -> None:
    """Nobody listens."""


def steps_of(result: Result) -> int:
    """Steps that were taken, could not be, or were left out."""
    return result.tally.actions.total() + result.tally.idle.total() + result.tally.left_out


# R: G2, S1, S4, T9
async def test_a_short_run_ends_with_nothing_lost_and_all_equal(tmp_path: Path, figure: Figure):
    plan, told = make_plan(8, 3, 4, 2), list[Now]()
    async with served(tmp_path) as running:
        result = await run(plan, running.url, stop=asyncio.Event(), progress=told.append)
    assert result.agreed, as_text(plan, result, None)
    assert (result.people, result.trips, result.compared) == (8, 2, 10)
    assert result.counts.accepted > 6
    assert result.said > 0
    assert result.tally.events > 20
    assert result.tally.seen.count > 10
    assert result.tally.unknown == result.counts.unverified == 0
    assert 2 <= len(told) <= 60
    assert max(now.here for now in told) > 2
    figure("seen after, p99, ms", f"{result.tally.seen.percentile(0.99):.0f}")


async def test_a_person_who_ends_in_a_way_that_nobody_foresaw_is_said_and_not_agreed_with(tmp_path: Path):
    plan = make_plan(2, 1, 1, 1)
    async with served(tmp_path) as running:
        result = await run(plan, running.url, stop=asyncio.Event(), progress=unheard, make=Fainting)
    assert not result.agreed
    assert list(result.tally.crashed) == ["Ben (sim): ZeroDivisionError: oh"]
    assert result.different == []


# R: S2
async def test_the_limits_of_a_server_hold_and_are_counted(tmp_path: Path):
    plan = make_plan(6, 2, 1, 1)
    async with served(tmp_path, signins_per_address="4/minute") as running:
        result = await run(plan, running.url, stop=asyncio.Event(), progress=unheard)
    assert result.agreed
    assert result.tally.too_many_requests == 2
    assert result.compared == 5
    assert sum(1 for _ in plan.steps()) == steps_of(result)


async def test_a_server_that_lets_nobody_in_is_not_agreed_with(tmp_path: Path):
    plan = make_plan(2, 1, 1, 1)
    async with served(tmp_path, signins_per_address="1/day") as running, Client(running.url) as first:
        await first.guest("Ana")
        result = await run(plan, running.url, stop=asyncio.Event(), progress=unheard)
    assert not result.agreed
    assert (result.compared, result.trips) == (0, 0)
    assert "Nobody got into a trip." in as_text(plan, result, None)


async def test_a_server_that_is_not_there_is_unreachable():
    with pytest.raises(Unreachable):
        await run(make_plan(1, 1, 1), "http://127.0.0.1:9", stop=asyncio.Event(), progress=unheard)


async def test_a_run_that_is_stopped_says_what_was_so_far(tmp_path: Path):
    plan, stop = make_plan(4, 60, 1, 1), asyncio.Event()

    def soon(now: Now) -> None:
        if now.tally.actions:
            stop.set()

    async with served(tmp_path) as running:
        result = await run(plan, running.url, stop=stop, progress=soon)
    assert result.interrupted
    assert not result.agreed
    assert sum(1 for _ in plan.steps()) == steps_of(result)
    assert result.seconds < 20
    assert result.compared == 0
    assert "Interrupted" in as_text(plan, result, None)
