"""One log, one cursor: whatever the network does, nothing is lost and nothing is read twice."""

import asyncio
from pathlib import Path

from tests.conftest import Count, Figure
from tests.faults import Cut, FaultProxy, Faults
from tests.support.people import eventually
from tests.support.serving import server_process

from roadcrew_client import Change, Client, ClientSettings
from roadcrew_domain.polls import CastVote, OpenPoll
from roadcrew_domain.views import encode_trip

HASTY = ClientSettings(
    prove_within=2.0,
    strikes=1,
    probe_after=0.03,
    poll_fast=0.02,
    poll_slow=0.05,
    backoff_base=0.01,
    backoff_cap=0.05,
)
"""The policy's own rules with short times, so that a second holds many switches."""


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

            async with ben.follow(trip_id) as live:
                live.listen(heard)
                await eventually(lambda: live.confirmed is not None, "the first state")
                first = live.confirmed.recent[-1].seq  # type: ignore[union-attr]
                resets_before = resets
                await proxy.change(cut=Cut(1, 20_000))
                async with asyncio.timeout(240):
                    turn = 0
                    while proxy.switches < wanted:
                        turn += 1
                        await ana.do(trip_id, CastVote(options[0][:-2], (options[turn % 2],)))
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
