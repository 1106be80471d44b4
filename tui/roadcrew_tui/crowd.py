"""Simulated members: real clients of a real server, each with its own connection, acting from a seed.

They are what `roadcrew demo` fills its sample trip with, and they say what they are in their names. Run as a
process of their own (`python -P -m roadcrew_tui.crowd`), so that they take nothing from the terminal's thread.
On the end each prints one line of JSON: its name, how far it read, and a digest of the trip as it sees it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress

from roadcrew_client import Client, LiveTalk, LiveTrip, RoadcrewError
from roadcrew_domain.hotels import OpenHotelVoting, VoteHotel
from roadcrew_domain.polls import Answer, CastVote, ClosePoll, Poll
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Trip, TripAct
from roadcrew_domain.views import encode_trip
from roadcrew_tui import errands
from roadcrew_tui.errands import Errand
from roadcrew_tui.story import ERRANDS, IDEAS, Idea

NAMES = ("Ben", "Carla", "Dev", "Elif", "Finn", "Grace", "Hugo", "Ines", "Jonas", "Kaya")
MARK = "(sim)"
"""Behind the name of every simulated person."""
MOST = 40
SETTLE = 10.0
"""Seconds within which everybody must have read everything after the last act."""
PLACES = ("overview", "polls", "hotels")
ANSWERS: tuple[Answer, ...] = ("yes", "maybe", "no")


def name_of(number: int) -> str:
    """What the simulated person of that number is called."""
    name, more = NAMES[number % len(NAMES)], number // len(NAMES)
    return f"{name} {more + 1} {MARK}" if more else f"{name} {MARK}"


def some_vote(poll: Poll, chance: random.Random) -> CastVote:
    """One of the votes that can be cast in a poll."""
    options = [o.id for o in poll.options]
    if poll.kind == "yes-maybe-no":
        answers = chance.choices(ANSWERS, (5, 2, 2), k=len(options))
        return CastVote(poll.id, answers=tuple(zip(options, answers, strict=True)))
    picked = 1 if poll.kind == "single" else chance.randint(1, len(options))
    return CastVote(poll.id, option_ids=tuple(chance.sample(options, picked)))


class Together:
    """What the members of one crowd know of each other: whose copies there are, and who still acts."""

    def __init__(self, people: int) -> None:
        self.trips: list[LiveTrip] = []
        self.all_done = asyncio.Event()
        self._acting = people

    def done(self) -> None:
        """One more acts no longer; nobody may compare copies before the last one does."""
        self._acting -= 1
        if not self._acting:
            self.all_done.set()

    def agree(self) -> bool:
        """Nothing waits to be sent, and all see the same."""
        return not any(t.pending for t in self.trips) and len({digest(t.confirmed) for t in self.trips}) == 1


class Member:
    """One simulated member."""

    def __init__(
        self,
        name: str,
        seed: int,
        ideas: Sequence[Idea],
        pace: float,
        together: Together,
        to_do: Sequence[tuple[float, Errand]] = (),
    ) -> None:
        self.name = name
        self._to_do = list(to_do)
        self._begun: str | None = None
        self._together = together
        self._random = random.Random(seed)  # noqa: S311 - a plan that can be repeated, not a secret
        self._ideas = list(ideas)
        self._pace = pace
        self._mine: str | None = None

    async def take_part(self, server: str, invite: str, arrival: float, stop: asyncio.Event) -> dict[str, object]:
        """Arrive, act until told to stop, wait until all is read; what it saw."""
        async with AsyncExitStack() as open_while_here:
            try:
                await pause(arrival * self._pace, stop)
                client = await open_while_here.enter_async_context(Client(server))
                self._mine = (await client.guest(self.name)).user.id
                trip = await client.join(invite)
                live = await open_while_here.enter_async_context(client.follow(trip.id))
                self._together.trips.append(live)
                await self._act_until(client, live, stop)
                await self._see_the_end(client, live)
            finally:
                self._together.done()
            return await self._report(live)

    async def _act_until(self, client: Client, live: LiveTrip, stop: asyncio.Event) -> None:
        began = asyncio.get_running_loop().time()
        while True:
            await pause(self._random.uniform(0.5, 2.2) * self._pace, stop)
            if stop.is_set():
                return
            if live.trip is not None and not live.trip.ended and live.status.state not in ("gone", "signed-out"):
                seconds = (asyncio.get_running_loop().time() - began) / self._pace
                self._act(live, seconds)
                if self._to_do and seconds >= self._to_do[0][0]:
                    _, errand = self._to_do.pop(0)
                    with suppress(RoadcrewError):
                        self._begun = await errand(client, live.trip, self._random) or self._begun

    async def _see_the_end(self, client: Client, live: LiveTrip) -> None:
        """Nobody may compare copies before the trip has been told what came of what this member began."""
        begun, trip = self._begun, live.confirmed
        if begun is None or trip is None:
            return
        with suppress(RoadcrewError):
            await errands.stop(client, trip, begun)

        def ended() -> bool:
            run = live.confirmed.runs.get(begun) if live.confirmed is not None else None
            return run is not None and run.ended is not None

        await until([live], ended, SETTLE)

    def _act(self, live: LiveTrip, seconds: float) -> None:
        trip = live.trip
        if trip is None or self._mine not in trip.members:
            return
        act = self._next(live, trip, seconds)
        if act is None:
            live.look(self._random.choice(PLACES))
            return
        with suppress(Refused):
            live.act(act)

    def _next(self, live: LiveTrip, trip: Trip, seconds: float) -> TripAct | None:
        if self._ideas and seconds >= self._ideas[0].after:
            act = self._ideas.pop(0).act(live)
            known = {p.question for p in trip.polls.values()} | {h.name for h in trip.hotels.values()}
            new = getattr(act, "question", getattr(act, "name", None)) not in known
            return act if new and not (isinstance(act, OpenHotelVoting) and trip.voting.open) else None
        open_polls = [p for p in trip.polls.values() if p.takes_votes(live.server_now())]
        unvoted = [p for p in open_polls if self._mine not in p.ballots]
        changes = self._random.random() < 0.08
        if unvoted or (open_polls and changes):
            poll = self._random.choice(sorted(unvoted or open_polls, key=lambda p: p.id))
            return some_vote(poll, self._random)
        if trip.voting.open and trip.hotels and (self._mine not in trip.voting.ballots or changes):
            return VoteHotel(self._random.choice(sorted(trip.hotels)))
        mine = [p for p in open_polls if p.opened_by == self._mine and len(p.ballots) == len(trip.members)]
        return ClosePoll(mine[0].id) if mine and self._random.random() < 0.05 else None

    async def _report(self, live: LiveTrip) -> dict[str, object]:
        """What was seen, once nothing waits to be sent and all see the same, or the time for that is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                await self._together.all_done.wait()
        await until(self._together.trips, self._together.agree, SETTLE)
        return {
            "name": self.name,
            "digest": digest(live.confirmed),
            "read": live.confirmed.recent[-1].seq if live.confirmed and live.confirmed.recent else -1,
            "waiting": len(live.pending),
            "state": live.status.state,
        }


def digest(trip: Trip | None) -> str:
    """The same for everybody who sees the same trip."""
    return hashlib.blake2b(encode_trip(trip), digest_size=8).hexdigest() if trip else "none"


async def until(trips: Sequence[LiveTrip | LiveTalk], condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until `condition` holds, looking again at each change of these trips; False if it never did."""
    changed = asyncio.Event()
    deafen = [live.listen(lambda _: changed.set()) for live in trips]
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                changed.clear()
                await changed.wait()
    except TimeoutError:
        return condition()
    finally:
        for stop in deafen:
            stop()
    return True


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait, but no longer than until `stop`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def crowd(server: str, invite: str, people: int, seed: int, pace: float, stop: asyncio.Event) -> list[object]:
    """Run `people` simulated members until `stop`; what each saw, or the error that ended it."""
    together = Together(people)
    members = [
        Member(
            name_of(i),
            seed * 1000 + i,
            IDEAS[i::people] if people < len(IDEAS) else IDEAS[i : i + 1],
            pace,
            together,
            ERRANDS.get(i, ()),
        )
        for i in range(people)
    ]
    arrivals = [0.3 + i * 0.8 for i in range(people)]
    work = [m.take_part(server, invite, at, stop) for m, at in zip(members, arrivals, strict=True)]
    return list(await asyncio.gather(*work, return_exceptions=True))


async def _until_stdin_ends(stop: asyncio.Event) -> None:
    await asyncio.to_thread(sys.stdin.buffer.read)
    stop.set()


async def _main(arguments: argparse.Namespace) -> int:
    stop = asyncio.Event()
    watching = asyncio.create_task(_until_stdin_ends(stop))
    results = await crowd(arguments.server, arguments.invite, arguments.people, arguments.seed, arguments.pace, stop)
    watching.cancel()
    failed = 0
    for result in results:
        failed += isinstance(result, BaseException)
        print(json.dumps(result if isinstance(result, dict) else {"error": repr(result)}), flush=True)
    return 1 if failed else 0


def main() -> int:
    """The process; it ends when its standard input does."""
    parser = argparse.ArgumentParser(prog="roadcrew_tui.crowd", description="Simulated members of one trip.")
    parser.add_argument("server")
    parser.add_argument("invite")
    parser.add_argument("--people", type=int, default=5, choices=range(1, MOST + 1), metavar=f"1..{MOST}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=1.0, help="seconds are multiplied by this")
    return asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
