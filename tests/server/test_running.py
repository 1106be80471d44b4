"""Work of topics: one process does it, another takes it up when that one dies, and nobody writes who does not do it.

Time is virtual, the stores are real. A process is a hub with its runners; all are in this event loop.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.runs import PlayedRun, a_request
from tests.support.serving import settings_for
from tests.support.valkey import ValkeyProcess
from tests.support.virtual import VirtualLoop, Way, here, sqlite_store, tell_of_valkey, valkey_store

from roadcrew_domain.events import decode_event
from roadcrew_domain.jobs import ImportJob, JobCommand
from roadcrew_domain.jobs_state import RequestImport
from roadcrew_domain.money import Money
from roadcrew_domain.quotes import QuoteCommand, QuoteRun
from roadcrew_domain.quotes_state import AddResult, CancelRun, Price, SayActivity
from roadcrew_domain.refusals import Refused
from roadcrew_domain.running import MOST_RUNNERS, StartRunner, TellEnd
from roadcrew_server.hub import Hub
from roadcrew_server.jobs.kinds import JobKind
from roadcrew_server.quotes.kinds import QuoteKind
from roadcrew_server.running import Run, Runners
from roadcrew_server.stores.base import Store
from roadcrew_server.topics import TripKind

LOOP = VirtualLoop
TAKEN_OVER = 30.0
"""Seconds in which somebody goes on with it (Q7)."""


@dataclass
class Asking:
    """Work: each provider takes `seconds` to answer, the next one `apart` longer, and says something now and then. What
    was asked is counted."""

    seconds: float = 20
    apart: float = 0
    every: float = 5
    prefix = "quote"
    asked: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    goes_on: bool = False
    cancelled: int = 0

    def wants(self, state: QuoteRun) -> bool:
        return state.status == "processing"

    def start(self, command_id: str, fence: int) -> QuoteCommand:
        return QuoteCommand(command_id, None, StartRunner(fence))

    def tell_end(self, command_id: str) -> QuoteCommand:
        return QuoteCommand(command_id, None, TellEnd())

    async def run(self, run: Run) -> None:
        self.runs.append(run)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            async with asyncio.TaskGroup() as group:
                for n, (provider, answer) in enumerate(sorted(run.state.answers.items())):
                    if answer.state in ("waiting", "working"):
                        group.create_task(self._ask(run, provider, self.seconds + n * self.apart))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1

    async def _ask(self, run: Run, provider: str, seconds: float) -> None:
        self.asked[f"{run.name} {provider}"] += 1
        while seconds > 0 and not (run.is_over and not self.goes_on):
            await act(run, SayActivity(run.fence, provider, "Looking."))
            await asyncio.sleep(min(self.every, seconds))
            seconds -= self.every
        await act(run, AddResult(run.fence, provider, (Price(Money(100, "EUR"), "casa"),)))
        await asyncio.sleep(10**6 if self.goes_on else 0)

    async def over(self, name: str, state: QuoteRun) -> None:
        self.told.append(f"{name} {state.status}")


class Waiting:
    """Work: imports whose service does not answer."""

    prefix = "job"

    def wants(self, state: ImportJob) -> bool:
        return state.status == "processing"

    def start(self, command_id: str, fence: int) -> JobCommand:
        return JobCommand(command_id, None, StartRunner(fence))

    def tell_end(self, command_id: str) -> JobCommand:
        return JobCommand(command_id, None, TellEnd())

    async def run(self, run: Run) -> None:
        await run.ended()

    async def over(self, name: str, state: ImportJob) -> None:
        return


async def act(run: Run, what: Any) -> Any:
    return await run.act(lambda command, fence: QuoteCommand(command, None, what))


@dataclass
class Process:
    """A server process, as far as it does work."""

    way: Way
    hub: Hub
    runners: Runners
    work: Asking

    @classmethod
    async def started(cls, store: Store, work: Asking | None = None, **settings: Any) -> "Process":
        """One that runs."""
        way: Any = Way(store)
        chosen = settings_for(Path("unused"), **settings)
        hub = Hub(way, (TripKind(), QuoteKind(), JobKind()), chosen)
        work = work or Asking()
        process = cls(way, hub, Runners(hub, way, (work, Waiting()), chosen), work)
        hub.on_due, hub.on_hint = process.runners.attend, process.runners.hinted
        await hub.start()
        return process

    def kill(self) -> None:
        """`kill -9`: nothing that it still wants to do reaches the store."""
        self.way.dead = True

    async def end(self) -> None:
        """As a server ends."""
        await self.runners.stop()
        await self.hub.stop()


Start = Callable[..., Awaitable[Process]]


@pytest.fixture(params=["sqlite", "valkey"])
async def start(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Start]:
    """`await start()`: one more process over the same store."""
    async with AsyncExitStack() as stack:
        shared: list[Store] = []

        async def another(work: Asking | None = None, **settings: Any) -> Process:
            if request.param == "valkey" or not shared:
                shared.append(opened := make())
                stack.push_async_callback(opened.close)
                with here().asking():
                    await opened.open()
            process = await Process.started(shared[-1], work, **settings)
            stack.push_async_callback(process.end)
            return process

        def make() -> Store:
            return sqlite_store(tmp_path) if request.param == "sqlite" else valkey_store(valkey.url)

        if request.param == "valkey":
            valkey: ValkeyProcess = request.getfixturevalue("valkey")
            tell_of_valkey(monkeypatch.setattr)
        yield another


async def asked(process: Process, **more: Any) -> PlayedRun:
    """A run that this process has just been asked for."""
    run = PlayedRun(process.hub, process.hub.new_id())
    request = a_request(process.hub, trip=None, **more)
    await process.hub.execute(run.topic, QuoteCommand(run.id, "ana", request))
    process.runners.begin(run.topic)
    return run


async def until(process: Process, run: PlayedRun, status: str, seconds: float = 600) -> float:
    """The virtual seconds until the run is so, as the process sees it."""
    topic = await process.hub.topic(run.topic)
    return await passes(lambda: topic.state.status == status, seconds)


async def passes(condition: Callable[[], object], seconds: float = TAKEN_OVER) -> float:
    """The virtual seconds until the condition holds, a tenth more or less."""
    began = here().time()
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - looking costs nothing here
            await asyncio.sleep(0.1)
    return here().time() - began


async def log_of(process: Process, run: PlayedRun) -> list[Any]:
    """All that happened, which is numbered without a gap."""
    part = await process.way.read(run.topic, -1, 1000)
    events = [decode_event(e.body) for e in part.events]
    assert [e.seq for e in events] == list(range(len(events)))
    return events


def kinds(events: list[Any]) -> Counter[str]:
    return Counter(e.type for e in events)


# R: Q4
async def test_one_of_all_processes_does_a_run_and_tells_when_it_is_over(start: Start) -> None:
    one, two, three = [await start() for _ in range(3)]
    run = await asked(one)
    two.runners.begin(run.topic)
    assert 20 <= await until(three, run, "finished") < 21
    events = await log_of(one, run)
    assert kinds(events)["RunnerStarted"] == 1
    assert kinds(events)["QuoteResult"] == 3
    both = one.work.asked + two.work.asked + three.work.asked
    assert set(both.values()) == {1}
    assert len(both) == 3
    await asyncio.sleep(1)
    assert one.work.told + two.work.told == [f"{run.topic} finished"]
    assert (len(one.runners), len(two.runners)) == (0, 0)
    assert one.runners.taken_over + two.runners.taken_over == 0


# R: Q7 Q4
async def test_when_its_process_is_killed_another_goes_on_within_30_s_and_asks_nobody_again_who_answered(
    start: Start,
) -> None:
    one, two = await start(Asking(10, apart=10)), await start(Asking(10, apart=10))
    run = await asked(one, providers=6)
    await asyncio.sleep(32)  # three have answered, three are asked
    one.kill()
    killed = here().time()
    await until(two, run, "finished")
    events = await log_of(two, run)
    second = [e for e in events if e.type == "RunnerStarted"][1]
    waited = (second.at - events[-1].at).total_seconds() + here().time() - killed
    assert waited < TAKEN_OVER
    answered = Counter(e.data.provider for e in events if e.type == "QuoteResult")
    assert answered == dict.fromkeys((f"p{n}" for n in range(6)), 1)
    assert set(two.work.asked) == {f"{run.topic} p{n}" for n in (3, 4, 5)}
    assert (one.runners.taken_over, two.runners.taken_over) == (0, 1)
    assert kinds(events)["QuoteProgress"] == 6


# R: Q7
@pytest.mark.parametrize("away", [0.5, 5, 60])
async def test_a_run_whose_only_process_was_killed_goes_on_within_30_s_of_its_restart(
    start: Start, away: float
) -> None:
    one = await start(Asking(60))
    run = await asked(one)
    await asyncio.sleep(20)
    one.kill()
    await asyncio.sleep(away)
    began = here().time()
    again = await start(Asking(0))
    await until(again, run, "finished")
    assert here().time() - began < TAKEN_OVER


# R: Q7
@pytest.mark.parametrize("dies_after", [0, 4, 8.5, 14.8, 29])
async def test_whenever_it_is_killed_somebody_goes_on_within_30_s(start: Start, dies_after: float) -> None:
    one, two = await start(Asking(100)), await start(Asking(0))
    run = await asked(one)
    await asyncio.sleep(dies_after)
    one.kill()
    assert await until(two, run, "finished") < TAKEN_OVER


# R: Q7
async def test_a_paused_process_that_wakes_up_can_write_nothing(start: Start) -> None:
    one, two = await start(Asking(20)), await start(Asking(30))
    run = await asked(one)
    await asyncio.sleep(6)
    one.way.hold()  # and what it writes from now on, it writes when it wakes up
    (paused,) = one.work.runs
    writing = [asyncio.create_task(act(paused, SayActivity(paused.fence, "p0", "I am late."))) for _ in range(3)]
    await passes(lambda: two.work.runs)
    assert not any(task.done() for task in writing)
    one.way.release()
    late = await asyncio.gather(*writing, return_exceptions=True)
    assert [error.code for error in late if isinstance(error, Refused)] == ["fenced-off"] * 3
    with pytest.raises(Refused, match="Another process"):
        await act(paused, AddResult(paused.fence, "p0", (Price(Money(1, "EUR"), "casa"),)))
    await until(two, run, "finished")
    events = await log_of(two, run)
    fences = [e.data.fence for e in events if e.type == "RunnerStarted"]
    assert fences == [paused.fence, two.work.runs[0].fence]
    assert "I am late." not in [getattr(e.data, "text", "") for e in events]
    assert kinds(events)["QuoteResult"] == 3
    assert one.work.cancelled == 1


# R: Q7
async def test_work_is_cancelled_before_its_lease_can_be_anothers(start: Start) -> None:
    one = await start(Asking(100))
    await asked(one)
    await asyncio.sleep(20)
    one.kill()
    assert await passes(lambda: one.work.cancelled) <= 9.2
    assert len(one.runners) == 0


# R: Q7
async def test_a_store_that_is_away_for_a_while_ends_no_work_and_doubles_nothing(start: Start) -> None:
    one, two = await start(Asking(10)), await start()
    run = await asked(one)
    await asyncio.sleep(8.5)
    one.way.dead = True  # the answers of providers come meanwhile
    await asyncio.sleep(4)
    one.way.dead = False
    assert await until(two, run, "finished") < 2
    events = await log_of(two, run)
    assert (kinds(events)["RunnerStarted"], kinds(events)["QuoteResult"], one.work.cancelled) == (1, 3, 0)
    assert set(one.work.asked.values()) == {1}


# R: Q7
async def test_a_process_that_stops_leaves_its_runs_due_at_once(start: Start) -> None:
    one = await start(Asking(100))
    runs = [await asked(one) for _ in range(3)]
    await asyncio.sleep(4)
    await one.end()
    assert one.work.cancelled == 3
    began = here().time()
    next_one = await start(Asking(0))
    for run in runs:
        await until(next_one, run, "finished")
    assert here().time() - began < 2


# R: Q7
async def test_a_process_that_is_there_takes_up_what_another_leaves_when_it_stops(start: Start) -> None:
    one, two = await start(Asking(100)), await start(Asking(0))
    run = await asked(one)
    await asyncio.sleep(4)
    await one.end()
    assert await until(two, run, "finished") < 14
    assert two.work.told == [f"{run.topic} finished"]


# R: Q7
async def test_work_that_kills_whoever_takes_it_up_is_called_interrupted(start: Start) -> None:
    work = Asking()

    async def fatal(run: Run) -> None:
        work.runs.append(run)
        raise RuntimeError("what kills a process")

    work.run = fatal  # type: ignore[method-assign]
    one = await start(work)
    run = await asked(one)
    await until(one, run, "interrupted")
    state = (await one.hub.topic(run.topic)).state
    assert (state.because, state.runners, len(work.runs)) == ("too-often", MOST_RUNNERS, MOST_RUNNERS)
    await asyncio.sleep(1)
    assert work.told == [f"{run.topic} interrupted"]


# R: Q7
async def test_a_run_that_nobody_ends_is_interrupted_when_its_time_is_over(start: Start) -> None:
    one, two = await start(Asking(10**4)), await start()
    run = await asked(one, within=60)
    assert await until(two, run, "interrupted") <= 71
    await asyncio.sleep(15)
    assert (one.work.at_once, len(one.runners)) == (0, 0)
    assert f"{run.topic} interrupted" in one.work.told + two.work.told


# R: Q4
async def test_a_process_does_so_many_runs_at_once_and_the_others_have_their_turn(start: Start) -> None:
    one = await start(Asking(10), runs_per_process=2)
    runs = [await asked(one, providers=1) for _ in range(5)]
    for run in runs:
        await until(one, run, "finished")
    assert one.work.most_at_once == 2
    assert set(one.work.asked.values()) == {1}


# R: Q4
async def test_imports_that_wait_for_their_service_hold_up_no_quote_run(start: Start) -> None:
    one = await start(Asking(1), runs_per_process=2)
    for _ in range(3):
        job = one.hub.new_id()
        wanted = RequestImport("t", "hotels.csv", "csv", 1, within=600, keep_for=7200)
        await one.hub.execute(f"job:{job}", JobCommand(job, "ana", wanted))
        one.runners.begin(f"job:{job}")
    await passes(lambda: len(one.runners) == 2)
    assert await until(one, await asked(one), "finished") < 5


# R: Q8
async def test_who_cancels_at_another_process_ends_the_work(start: Start) -> None:
    one, two = await start(Asking(100)), await start()
    run = await asked(one)
    await asyncio.sleep(3)
    await two.hub.topic(run.topic)
    await two.hub.execute(run.topic, QuoteCommand(two.hub.new_id(), "ana", CancelRun()))
    async with asyncio.timeout(1):
        await one.work.runs[0].ended()
    await asyncio.sleep(6)  # this work looks that seldom
    assert (one.work.at_once, len(one.runners)) == (0, 0)
    assert one.work.told == [f"{run.topic} cancelled"]
    assert kinds(await log_of(two, run))["QuoteResult"] == 0


# R: Q8
async def test_work_that_goes_on_after_its_end_is_cancelled(start: Start) -> None:
    one = await start(Asking(5, goes_on=True))
    run = await asked(one)
    await until(one, run, "finished")
    await asyncio.sleep(13)
    assert (one.work.cancelled, len(one.runners)) == (1, 0)


# R: Q7
async def test_whoever_finds_a_run_over_tells_of_it(start: Start) -> None:
    one, two = await start(Asking(100)), await start()
    run = await asked(one, within=100, keep_for=100)
    await asyncio.sleep(3)
    one.kill()
    await two.hub.topic(run.topic)
    await two.hub.execute(run.topic, QuoteCommand(two.hub.new_id(), "ana", CancelRun()))
    await two.runners.attend(run.topic)
    assert two.work.told == [f"{run.topic} cancelled"]


# R: Q7
async def test_a_run_that_goes_on_costs_no_look_with_each_of_its_events(start: Start) -> None:
    one, two = await start(Asking(150, apart=0.1, every=20)), await start()
    await asked(one, providers=10)
    await asyncio.sleep(50)
    for process in (one, two):
        process.way.calls.clear()
    await asyncio.sleep(80)
    looked = Counter(one.way.calls) + Counter(two.way.calls)
    assert 4 <= looked["append"] <= 40
    assert looked["due_next"] + looked["due_take"] + looked["lease_take"] + looked["read"] <= 60
    assert looked["lease_renew"] in (26, 27)
