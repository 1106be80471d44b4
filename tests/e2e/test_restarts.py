"""Acknowledged means durable, and clients go on by themselves."""

import asyncio
from functools import partial
from pathlib import Path

from tests.conftest import Count, Figure
from tests.support.people import eventually
from tests.support.serving import server_process

from roadcrew_client import Client, ClientSettings, LiveTrip, Pending
from roadcrew_domain.polls import OpenPoll
from roadcrew_domain.views import encode_trip

PATIENT = ClientSettings(backoff_base=0.05, backoff_cap=0.5)
WRITERS = 4
MOST_POLLS = 96
"""A trip has room for 100 polls; each poll is one change that can be told from all others."""


def has_state(live: LiveTrip) -> bool:
    """Whether the first state is here."""
    return live.confirmed is not None


def known_of(sent: list[Pending], goal: int) -> bool:
    """Whether it is known of so many changes what became of them."""
    return sum(p.done.done() for p in sent) >= goal


def shows(live: LiveTrip, wanted: bytes) -> bool:
    """Whether this is the confirmed state."""
    return live.confirmed is not None and encode_trip(live.confirmed) == wanted


# R: S7, T9, T10
async def test_no_acknowledged_change_is_missing_after_kill_9_and_every_client_converges(
    tmp_path: Path, count: Count, figure: Figure
) -> None:
    kills = count(reduced=4, full=20)
    with server_process(tmp_path) as server:
        async with Client(server.url, settings=PATIENT) as ana:
            await ana.guest("Ana")
            created = await ana.create_trip("Lisbon in May")
            clients = [Client(server.url, settings=PATIENT) for _ in range(WRITERS)]
            lives: list[LiveTrip] = []
            sent: list[Pending] = []
            stop = asyncio.Event()

            async def write(number: int, live: LiveTrip) -> None:
                for turn in range(MOST_POLLS // WRITERS):
                    if stop.is_set():
                        return
                    pending = live.act(OpenPoll(f"Question {turn} of {number}", "single", ("yes", "no")))
                    sent.append(pending)
                    await pending.done
                    await asyncio.sleep(0.01)

            try:
                for number, client in enumerate(clients):
                    await client.guest(f"Writer {number}")
                    await client.join(created.invite.code)
                    live = client.follow(created.trip.id)
                    await live.start()
                    await eventually(partial(has_state, live), "the first state")
                    lives.append(live)
                writing = [asyncio.create_task(write(n, live)) for n, live in enumerate(lives)]
                acknowledged_before_kill = 0
                for _ in range(kills):
                    goal = min(len([p for p in sent if p.done.done()]) + 2, MOST_POLLS - WRITERS)
                    await eventually(partial(known_of, sent, goal), "two changes", 30)
                    await asyncio.to_thread(server.kill)
                    known = {p.id for p in sent if p.done.done()}
                    acknowledged_before_kill = len(known)
                    await asyncio.to_thread(server.start)
                    truth = await ana.trip(created.trip.id)
                    assert known <= set(truth.polls)
                stop.set()
                async with asyncio.timeout(60):
                    await asyncio.gather(*writing)
                for pending in sent:
                    assert (await pending.done).accepted
                truth = await ana.trip(created.trip.id)
                assert {p.id for p in sent} == set(truth.polls)
                wanted = encode_trip(truth)
                for live in lives:
                    await eventually(
                        partial(shows, live, wanted),
                        "the same state everywhere",
                        40,
                    )
            finally:
                for client in clients:
                    await client.close()
            figure("kill -9 under writing clients", kills)
            figure("changes acknowledged", len(sent))
            figure("acknowledged before the last kill, none missing", acknowledged_before_kill)
