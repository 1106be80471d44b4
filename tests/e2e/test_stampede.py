"""When a server was away, all of its clients come back, and not all at once: with a virtual clock, and in earnest."""

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest
from tests.conftest import Count, Figure
from tests.faults import FaultProxy, Faults
from tests.support.crowd import Away, Crowd
from tests.support.members import crowd_of, is_live
from tests.support.people import eventually
from tests.support.serving import server_process

from roadcrew_client import Client, ClientSettings, LiveTrip
from roadcrew_domain.polls import OpenPoll
from roadcrew_domain.trip import EditTrip

MOST = 0.15
"""The largest share of all reconnects that may come within one second."""


# R: S8
@pytest.mark.parametrize("how", ["killed", "asked to end", "behind a gateway"])
@pytest.mark.parametrize("seconds", [2, 60])
def test_a_thousand_clients_come_back_spread_over_time_by_a_virtual_clock(
    seconds: int, how: Away, count: Count, figure: Figure
):
    crowd = Crowd(1000, seed=1)
    crowd.away(seconds, how)
    figure(f"{how}, down {seconds} s: largest share in any one second", f"{crowd.worst_second:.1%}")
    figure(f"{how}, down {seconds} s: all in sync after, s", f"{crowd.last:.1f}")
    assert crowd.worst_second <= MOST
    assert crowd.last < 40
    assert crowd.modes == {"live": 1000}
    for seed in range(count(reduced=0, full=5)):
        for size in (300, 1000):
            crowd = Crowd(size, seed=seed)
            crowd.away(seconds, how)
            assert crowd.worst_second <= MOST, (size, seed)


def test_without_the_spread_of_an_outage_half_of_them_would_come_in_one_second():
    crowd = Crowd(300, settings=ClientSettings(outage_spread=0))
    crowd.away(2)
    assert crowd.worst_second > 2 * MOST


# R: S8
def test_the_terminals_of_a_small_crew_are_back_soon():
    waits = []
    for seed in range(50):
        crowd = Crowd(4, seed=seed)
        crowd.away(2)
        waits += [m.back - crowd.returned for m in crowd.members if m.back is not None]
    assert sum(waits) / len(waits) < 2.5
    assert max(waits) < 10


def shows(live: LiveTrip, name: str, polls: int) -> bool:
    trip = live.confirmed
    return is_live(live) and trip is not None and (trip.name, len(trip.polls)) == (name, polls)


def worst_second(moments: Iterable[float], size: int) -> float:
    """The largest share of `size` within any one second."""
    ordered = sorted(moments)
    return max((bisect_left(ordered, m + 1) - n for n, m in enumerate(ordered)), default=0) / size


# R: S1, S8
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.only_full)])
async def test_a_server_that_was_away_is_not_stormed_by_its_clients_and_all_are_in_sync_again(
    seconds: int, full: bool, tmp_path: Path, count: Count, figure: Figure
):
    size = count(reduced=30, full=300)
    # A small crowd's `retry:` asks for little; here it shall show what a large one does, in less time.
    settings = ClientSettings() if full else ClientSettings(outage_spread=45.0)
    with server_process(tmp_path, heartbeat=1, streams_per_user=100) as server:
        async with (
            FaultProxy(server.url) as proxy,
            Client(server.url) as ana,
        ):
            await ana.guest("Ana")
            async with crowd_of(size, proxy.url, ana, settings) as lives:
                await asyncio.sleep(1.5)  # a heartbeat, which says how many are here by now
                await asyncio.to_thread(server.kill)
                await proxy.change(refuse=True)
                await eventually(lambda: not any(map(is_live, lives)), "the end of all streams")
                asked = [live.act(OpenPoll(f"{n}?", "single", ("yes", "no"))) for n, live in enumerate(lives[:3])]
                await asyncio.gather(asyncio.sleep(seconds), asyncio.to_thread(server.start))
                await proxy.be(Faults())
                back = asyncio.get_running_loop().time()
                for trip_id in {live.trip_id for live in lives}:
                    await ana.do(trip_id, EditTrip(name="Where to now?"))
                polls = Counter(live.trip_id for live in lives[:3])
                for live in lives:
                    await eventually(partial(shows, live, "Where to now?", polls[live.trip_id]), "all in sync", 45)
                took = asyncio.get_running_loop().time() - back
                assert all([(await pending.done).accepted for pending in asked])
                came = [h.at for h in proxy.requests("stream", "poll", since=back)]
                assert len(came) >= size
                share = worst_second(came, size)
                figure(f"{size} real clients, down {seconds} s: largest share in any one second", f"{share:.1%}")
                figure(f"{size} real clients, down {seconds} s: all in sync after, s", f"{took:.1f}")
                # In a small crowd chance alone makes larger shares.
                assert share <= (MOST if full else 3 * MOST)
