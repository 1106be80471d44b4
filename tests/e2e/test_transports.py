"""One log, one cursor: whatever the network does, nothing is lost and nothing is read twice."""

import asyncio
import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic

import pytest
from tests.conftest import Count, Figure
from tests.faults import Cut, FaultProxy, Faults
from tests.support.people import eventually
from tests.support.serving import server_process

from roadcrew_client import Change, Client, ClientSettings, Created, LiveTrip, Pending
from roadcrew_domain.polls import CastVote, OpenPoll
from roadcrew_domain.trip import EditTrip
from roadcrew_domain.views import encode_trip

HASTY = ClientSettings(
    prove_within=2.0,
    strikes=1,
    probe_after=0.03,
    poll_fast=0.02,
    poll_slow=0.05,
    backoff_base=0.01,
    backoff_cap=0.05,
    outage_spread=0.0,
)
"""The policy's own rules with short times, so that a second holds many switches."""
CREW = 5
IN_SIGHT = 50
"""Events."""


# R: S1, S4
async def test_a_log_read_over_a_network_that_cuts_at_any_byte_has_no_gap_and_no_double(
    tmp_path: Path, count: Count, figure: Figure
) -> None:
    wanted = count(reduced=40, full=500)
    with server_process(tmp_path) as server:
        async with (
            Client(server.url) as ana,
            FaultProxy(server.url, seed=wanted) as proxy,
            Client(proxy.url, settings=HASTY) as ben,
        ):
            await ana.guest("Ana")
            created = await ana.create_trip("Lisbon in May")
            trip_id = created.trip.id
            poll = (await ana.do(trip_id, OpenPoll("When?", "single", ("May", "June")))).trip
            assert poll is not None
            options = [o.id for o in next(iter(poll.polls.values())).options]
            await ben.guest("Ben")
            await ben.join(created.invite.code)
            seen: list[int] = []
            resets = 0

            def heard(change: Change) -> None:
                nonlocal resets
                seen.extend(e.seq for e in change.events)
                resets += change.kind == "reset"

            def in_sight(first: int, turn: int) -> bool:
                return turn <= IN_SIGHT or is_at(seen, first + turn - IN_SIGHT)

            async with ben.follow(trip_id) as live:
                live.listen(heard)
                await eventually(lambda: live.confirmed is not None, "the first state")
                first = live.confirmed.recent[-1].seq  # type: ignore[union-attr]
                resets_before = resets
                await proxy.change(cut=Cut(1, 4000))
                async with asyncio.timeout(240):
                    turn = 0
                    while proxy.switches < wanted:
                        turn += 1
                        await ana.do(trip_id, CastVote(options[0][:-2], (options[turn % 2],)))
                        # Who falls behind what the log keeps gets a reset, which is right and not the subject here.
                        await eventually(partial(in_sight, first, turn), "Ben in sight", 30)
                await proxy.be(Faults())
                truth = await ana.trip(trip_id)
                head = truth.recent[-1].seq
                await eventually(lambda: seen and seen[-1] == head, "the last event", 30)
                assert seen == list(range(first + 1, head + 1))
                assert resets == resets_before
                assert live.confirmed is not None
                assert encode_trip(live.confirmed) == encode_trip(truth)
            figure("switches between streaming and polling", proxy.switches)
            figure("connections cut", proxy.cuts)
            figure("events, each read once", len(seen))


class Follower:
    """Somebody who follows a trip over a bad network of their own, and what they were told."""

    def __init__(self, number: int, server: str) -> None:
        self.proxy = FaultProxy(server, seed=number)
        self.seqs: list[int] = []
        self.commands: list[str] = []
        self.resets = 0
        self.asked: list[Pending] = []
        self._settings = replace(HASTY, strikes=1 + number % 2, short_close=1.0)
        self._name = f"Follower {number}"

    async def begin(self, trip: Created) -> None:
        """Join, and follow until the first state is here; then the network goes bad."""
        await self.proxy.__aenter__()
        self.client = Client(self.proxy.url, settings=self._settings)
        await self.client.guest(self._name)
        await self.client.join(trip.invite.code)
        self.live = self.client.follow(trip.trip.id)
        await self.live.start()
        await eventually(lambda: self.live.confirmed is not None, "the first state")
        self.live.listen(self._heard)

    def _heard(self, change: Change) -> None:
        self.seqs += [e.seq for e in change.events]
        self.commands += [e.command for e in change.events]
        self.resets += change.kind == "reset"

    async def write(self) -> None:
        """Change the trip's name again and again, over that network."""
        for turn in itertools.count():
            self.asked.append(self.live.act(EditTrip(name=f"{self._name}, {turn}")))
            await self.asked[-1].done

    def disconnects(self) -> list[bool]:
        """Each time that the connection by which the trip was followed died: whether the next one was a poll."""
        ends: list[bool] = []
        was: str | None = None
        for happened in self.proxy.story:
            if happened.kind == "call":
                continue
            if happened.what == "request" and was is not None:
                ends.append(was == "stream" and happened.kind == "poll")
            was = happened.kind if happened.what == "cut" else None
        return ends

    async def end(self) -> None:
        await self.client.close()
        await self.proxy.__aexit__(None, None, None)


def have_seen(followers: list[Follower], wanted: int) -> bool:
    return sum(len(f.disconnects()) for f in followers) >= wanted


def has_nothing_pending(live: LiveTrip) -> bool:
    return not live.pending


def is_at(seqs: list[int], head: int) -> bool:
    return bool(seqs) and seqs[-1] >= head


# R: S1, S4, S7
@pytest.mark.timeout(300)
async def test_disconnects_at_random_bytes_a_third_of_them_followed_by_polling_lose_and_double_nothing(
    tmp_path: Path, count: Count, figure: Figure
) -> None:
    wanted = count(reduced=300, full=10_000)
    with server_process(tmp_path) as server:
        followers = [Follower(number, server.url) for number in range(20)]
        async with Client(server.url) as ana:
            await ana.guest("Ana")
            trips = [await ana.create_trip(f"Trip {n}") for n in range(0, len(followers), CREW)]
            writing: list[asyncio.Task[None]] = []
            try:
                for number, follower in enumerate(followers):
                    await follower.begin(trips[number // CREW])
                began = monotonic()
                for follower in followers:
                    await follower.proxy.change(cut=Cut(1, 3000))
                writing = [asyncio.create_task(f.write()) for f in followers[::CREW]]
                await eventually(partial(have_seen, followers, wanted), f"{wanted} disconnects", 240, every=0.2)
                for task in writing:
                    task.cancel()
                for follower in followers:
                    await follower.proxy.be(Faults())
                ends = [to_poll for f in followers for to_poll in f.disconnects()]
                for number, follower in enumerate(followers):
                    await eventually(partial(has_nothing_pending, follower.live), "every change confirmed", 30)
                    truth = await ana.trip(trips[number // CREW].trip.id)
                    head = truth.recent[-1].seq
                    await eventually(partial(is_at, follower.seqs, head), "the last event", 30)
                    first = follower.seqs[0]
                    assert follower.seqs == list(range(first, first + len(follower.seqs))), "no gap and no double"
                    assert follower.resets == 0
                    assert follower.live.confirmed is not None
                    assert encode_trip(follower.live.confirmed) == encode_trip(truth)
                for follower in followers[::CREW]:
                    for pending in follower.asked:
                        assert follower.commands.count(pending.id) == 1
                took = monotonic() - began
            finally:
                for task in writing:
                    task.cancel()
                await asyncio.gather(*(f.end() for f in followers), return_exceptions=True)
    figure("disconnects at random bytes, 0 lost, 0 doubled", len(ends))
    figure("followed by a switch to polling", f"{sum(ends) / len(ends):.0%}")
    figure("changes made over that network, each made once", sum(len(f.asked) for f in followers))
    figure("events, each read once", sum(len(f.seqs) for f in followers))
    figure("seconds", f"{took:.0f}")
    assert sum(ends) >= len(ends) / 3
