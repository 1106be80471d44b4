"""One run of a plan: everybody acts, comes back, and is compared with the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from roadcrew_client import Client, RoadcrewError
from roadcrew_domain.views import encode_trip
from roadcrew_tui.crowd import name_of, pause, until
from roadcrew_tui.simulation.crew import Crew
from roadcrew_tui.simulation.ledger import Counts
from roadcrew_tui.simulation.person import Person
from roadcrew_tui.simulation.plan import Plan
from roadcrew_tui.simulation.talker import truth_of
from roadcrew_tui.simulation.tally import Tally, count

SETTLE = 60.0
"""Seconds in which somebody must have got on, until everybody has read and sent everything: twice the client's longest
back-off. A slow computer gets more, up to `LONGEST_SETTLE`."""
LONGEST_SETTLE = 600.0
LAST_CALLS = 5.0
"""Seconds for calls that are under way when the time is up."""


@dataclass(frozen=True)
class Now:
    """A run as it goes: seconds since the start, and how many people follow a trip, and have no network."""

    seconds: float
    here: int
    offline: int
    tally: Tally


@dataclass
class Result:
    """What came of a run. `different`: who differs from the server, and how; `compared` counts clients, the witnesses
    of trips included."""

    tally: Tally
    people: int
    trips: int
    seconds: float
    counts: Counts = field(default_factory=Counts)
    interrupted: bool = False
    compared: int = 0
    different: list[str] = field(default_factory=list)
    said: int = 0
    """What was accepted of what people said and gave."""
    trouble: str | None = None
    """Why the server could not be asked at the end."""

    @property
    def whole(self) -> bool:
        """Everybody had the time to come back, and the server could be asked what it has."""
        return not self.interrupted and self.trouble is None

    @property
    def agreed(self) -> bool:
        """Nothing was lost, nothing doubled, and all see what the server sees."""
        wrong = self.tally.lost or self.tally.doubled or self.counts.wrong or self.tally.crashed or self.different
        return self.whole and self.compared > 0 and not wrong


async def run(
    plan: Plan, server: str, *, stop: asyncio.Event, progress: Callable[[Now], None], make: type[Person] = Person
) -> Result:
    """Let the people of the plan act at this server. `progress` is told once a second; `stop` ends it early.

    Raises the client's errors if the server can't be reached to begin with; `ValueError` for no address.
    """
    async with Client(server) as client:
        talks = "talk" in (await client.server_info()).features
    clock = asyncio.get_running_loop().time
    tally, over = Tally(), asyncio.Event()
    crews = [Crew(talks=talks) for _ in range(plan.trips)]
    people = [make(name_of(n), server, crews[plan.trip_of(n)], tally, over) for n in range(plan.users)]
    began = clock()
    telling = asyncio.create_task(_tell(lambda: _now(people, tally, clock() - began), progress))
    try:
        await _act(plan, people, tally, over, stop, began)
        result = Result(tally, len(people), sum(c.founded.is_set() for c in crews), clock() - began)
        result.interrupted = stop.is_set()
        if not result.interrupted:
            await _compare(people, crews, result, stop)
        for crew in crews:
            result.counts.add(crew.ledger.counts(whole=result.whole))
        return result
    finally:
        telling.cancel()
        await asyncio.gather(*(p.close() for p in people), *(c.close() for c in crews), return_exceptions=True)
        await asyncio.wait([telling])


async def _act(
    plan: Plan, people: Sequence[Person], tally: Tally, over: asyncio.Event, stop: asyncio.Event, began: float
) -> None:
    acting = {asyncio.create_task(p.act_out(plan.steps_of(n), began)): p for n, p in enumerate(people)}
    await pause(began + plan.seconds - asyncio.get_running_loop().time(), stop)
    over.set()
    _, late = await asyncio.wait(acting, timeout=LAST_CALLS)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late)
    for task, person in acting.items():
        if not task.cancelled() and (error := task.exception()) is not None:
            count(tally.crashed, f"{person.name}: {type(error).__name__}: {error}")
        person.come_back()


# --- comparing ---------------------------------------------------------------------------------------


async def _compare(people: Sequence[Person], crews: Sequence[Crew], result: Result, stop: asyncio.Event) -> None:
    """Wait until all have sent and read everything, or nobody gets on any more; then look at who differs."""
    comparing = asyncio.create_task(_compare_all(people, crews, result))
    interrupted = asyncio.create_task(stop.wait())
    try:
        async with asyncio.timeout(LONGEST_SETTLE):
            await asyncio.wait({comparing, interrupted}, return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        result.trouble = "The server took too long to say what it has."
    finally:
        for task in (comparing, interrupted):
            task.cancel()
        await asyncio.wait({comparing, interrupted})
    result.interrupted = stop.is_set()
    if not comparing.cancelled() and (error := comparing.exception()) is not None:
        if not isinstance(error, RoadcrewError):
            raise error
        result.trouble = error.detail


async def _compare_all(people: Sequence[Person], crews: Sequence[Crew], result: Result) -> None:
    for crew in crews:
        if crew.client is not None:
            members = [p for p in people if p.crew is crew and p.live is not None]
            await _compare_crew(crew, crew.client, members, result)
            if crew.talks:
                await _compare_talk(crew, crew.client, members, result)


async def _compare_crew(crew: Crew, client: Client, members: Sequence[Person], result: Result) -> None:
    lives = [p.live for p in members if p.live is not None]

    def done() -> bool:
        return not any(live.pending for live in lives) and all(p.last is not None and p.last >= head for p in members)

    def progress() -> tuple[int, int]:
        return sum(p.last or 0 for p in members) + crew.ledger.seq, sum(len(live.pending) for live in lives)

    while True:
        truth = await client.trip(crew.trip_id)
        head, before = truth.recent[-1].seq, progress()
        settled = await until(lives, done, SETTLE) and await crew.reads(head, SETTLE)
        if settled and max([crew.ledger.seq, *(p.last or 0 for p in members)]) == head:
            break
        if not settled and progress() == before:
            break
        # Somebody got on, or the log did, by a poll's deadline perhaps: look again.
    wanted = encode_trip(truth)
    result.compared += len(members) + 1
    for person in members:
        if (how := person.differs(wanted, head)) is not None:
            result.different.append(f"{person.name}: {how}")
    if crew.ledger.state is None or encode_trip(crew.ledger.state) != wanted:
        how = crew.blind or f"at event {crew.ledger.seq} of {head}"
        result.different.append(f"the witness of {truth.name}: {how}")


async def _compare_talk(crew: Crew, client: Client, members: Sequence[Person], result: Result) -> None:
    """Everybody has sent what they said; then all that was accepted must be there once, and all must see it."""
    talkers = {p.name: p.talker for p in members if p.talker is not None}
    lives = [talker.live for talker in talkers.values()]
    await until(lives, lambda: not any(live.pending for live in lives), SETTLE)
    truth = await truth_of(client, crew.trip_id)
    await until(lives, lambda: not any(talker.differs(truth) for talker in talkers.values()), SETTLE)
    for name, talker in talkers.items():
        if (how := talker.differs(truth)) is not None:
            result.different.append(f"{name}: {how}")
    result.different += crew.said.wrong(truth)
    result.said += crew.said.accepted


# --- progress ----------------------------------------------------------------------------------------


def _now(people: Sequence[Person], tally: Tally, seconds: float) -> Now:
    here = sum(p.live is not None for p in people)
    return Now(seconds, here, sum(p.state == "offline" for p in people), tally)


async def _tell(now: Callable[[], Now], progress: Callable[[Now], None]) -> None:
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(1)
            progress(now())
