"""Tapes that are played at the same time meet, or hear why they do not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from roadcrew_tui.pilot.meeting import Meetings
from roadcrew_tui.pilot.player import Missed
from roadcrew_tui.pilot.tape import Place, Step, Sync, Tape

ANA, BEN, CARLA = range(3)
SOON, LONG = 0.02, 60.0


def tape(name: str, *points: str) -> Tape:
    file = Path(f"{name}.tape")
    return Tape(file, tuple(Step(Place(file, n, 1), f"Sync {p}", Sync(p, LONG)) for n, p in enumerate(points, 1)))


def meetings_of(*tapes: Tape) -> Meetings:
    return Meetings(tapes, lambda who: f"{tapes[who].file} is somewhere")


async def started(work: object) -> asyncio.Task[None]:
    """Begin, and come as far as that goes without anybody else."""
    task: asyncio.Task[None] = asyncio.create_task(work)  # type: ignore[arg-type]
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_a_meeting_waits_for_everybody_who_has_it_and_for_nobody_else() -> None:
    meetings = meetings_of(tape("ana", "in"), tape("ben", "in"), tape("carla", "other"))
    ana = await started(meetings.meet(ANA, "in", LONG))
    assert not ana.done()
    await asyncio.wait_for(asyncio.gather(ana, meetings.meet(BEN, "in", LONG)), 5)


async def test_a_second_visit_is_another_meeting() -> None:
    meetings = meetings_of(tape("ana", "in", "in"), tape("ben", "in", "in"), tape("carla", "in"))
    await asyncio.wait_for(asyncio.gather(*(meetings.meet(who, "in", LONG) for who in (ANA, BEN, CARLA))), 5)
    ana = await started(meetings.meet(ANA, "in", LONG))
    assert not ana.done()
    await asyncio.wait_for(asyncio.gather(ana, meetings.meet(BEN, "in", LONG)), 5)


async def test_who_waits_for_a_tape_that_has_ended_hears_why_at_once() -> None:
    meetings = meetings_of(tape("ana", "in"), tape("ben", "in"), tape("carla", "in"))
    waiting = await started(meetings.meet(ANA, "in", LONG))
    await meetings.leave(BEN, "ben.tape has failed: a crash")
    for missed in (waiting, meetings.meet(CARLA, "in", LONG)):
        with pytest.raises(Missed, match=r"^ben\.tape has failed: a crash$"):
            await asyncio.wait_for(missed, 5)


async def test_a_tape_that_ended_after_a_meeting_holds_nobody_up_there() -> None:
    meetings = meetings_of(tape("ana", "in"), tape("ben", "in"))
    ana = await started(meetings.meet(ANA, "in", LONG))
    await meetings.meet(BEN, "in", LONG)
    await meetings.leave(BEN, "ben.tape has ended.")
    await asyncio.wait_for(ana, 5)


async def test_who_came_in_vain_hears_where_the_others_are() -> None:
    meetings = meetings_of(tape("ana", "in"), tape("ben", "in"), tape("carla", "in"))
    await started(meetings.meet(CARLA, "in", LONG))
    with pytest.raises(Missed, match=r"^Not everybody came within 0\.02 s\.\nben\.tape is somewhere$"):
        await meetings.meet(ANA, "in", SOON)


async def test_nobody_meets_who_has_given_up() -> None:
    meetings = meetings_of(tape("ana", "in"), tape("ben", "in"))
    with pytest.raises(Missed):
        await meetings.meet(ANA, "in", SOON)
    gone = await started(meetings.meet(ANA, "in", LONG))
    gone.cancel()
    with pytest.raises(Missed, match=r"ana\.tape is somewhere"):
        await meetings.meet(BEN, "in", SOON)


async def test_a_meeting_with_nobody_is_passed_and_told() -> None:
    meetings = meetings_of(tape("ana", "in", "alnoe"), tape("ben", "in"))
    await asyncio.wait_for(meetings.meet(ANA, "alnoe", LONG), 5)
    assert [step.words for step in meetings.alone(ANA)] == ["Sync alnoe"]
    assert meetings.alone(BEN) == []
