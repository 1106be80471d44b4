"""Real clients and a real server with a bad network between them: what a person is told, and that nothing is lost."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from tests.conftest import Figure
from tests.faults import Answer, FaultProxy, Faults, Hold
from tests.support.people import eventually
from tests.support.serving import served

from roadcrew_client import Change, Client, ClientSettings, LiveTrip
from roadcrew_domain.trip import EditTrip

SOON = ClientSettings(backoff_base=0.05, backoff_cap=0.3, outage_spread=0.0)
CUTS = 20
LIFE = 0.12
"""Seconds: a minute, made short."""


class Following:
    """Ana at the server itself, and Ben behind a bad network: what Ben was told, in order."""

    def __init__(self, ana: Client, ben: Client, live: LiveTrip, proxy: FaultProxy) -> None:
        self.ana = ana
        self.ben = ben
        self.live = live
        self.proxy = proxy
        self.states: list[str] = []
        self.seqs: list[int] = []
        self._names = itertools.count(1)
        live.listen(self._heard)

    def _heard(self, change: Change) -> None:
        self.seqs += [e.seq for e in change.events]
        if not self.states or self.states[-1] != self.live.status.state:
            self.states.append(self.live.status.state)

    async def news(self, seconds: float = 5.0) -> None:
        """Ana changes something, and Ben has it."""
        name = f"Trip {next(self._names)}"
        await self.ana.do(self.live.trip_id, EditTrip(name=name))
        await eventually(lambda: self.live.confirmed and self.live.confirmed.name == name, f"{name!r}", seconds)

    async def says(self, state: str, seconds: float = 5.0) -> float:
        """Wait until Ben is told that; the seconds that it took."""
        began = asyncio.get_running_loop().time()
        await eventually(lambda: self.live.status.state == state, f"{state!r}", seconds)
        return asyncio.get_running_loop().time() - began

    @property
    def lost_or_doubled(self) -> int:
        """Events that came twice or not at all, between the first and the last that came."""
        steps = [b - a for a, b in itertools.pairwise(self.seqs)]
        return sum(step != 1 for step in steps)


@asynccontextmanager
async def following(
    place: Path, settings: ClientSettings, faults: Faults | None = None, **server: Any
) -> AsyncIterator[Following]:
    """Two people in a trip, one of whom follows it through a proxy with these faults."""
    async with (
        served(place, **server) as running,
        FaultProxy(running.url) as proxy,
        Client(running.url) as ana,
        Client(proxy.url, settings=settings) as ben,
    ):
        await ana.guest("Ana")
        made = await ana.create_trip("Trip 0")
        await ben.guest("Ben")
        await ben.join(made.invite.code)
        await proxy.be(faults or Faults())
        live = ben.follow(made.trip.id)
        both = Following(ana, ben, live, proxy)
        await live.start()
        yield both


# R: S1, S4, S5
@pytest.mark.usefixtures("timed")
async def test_behind_a_proxy_that_buffers_streams_it_polls_within_5_s_and_is_live_by_itself_when_that_is_gone(
    tmp_path: Path, figure: Figure
):
    settings = ClientSettings(probe_after=1.0, poll_fast=0.5)  # the time in which it must find out is as it is

    async def behind(hold: Hold, name: str) -> float:
        place = tmp_path / name
        await asyncio.to_thread(place.mkdir)
        async with following(place, settings, Faults(hold=hold)) as both:
            took = await both.says("polling", 9)
            for _ in range(3):
                await both.news()
            assert both.live.status.state == "polling"
            assert both.proxy.requests("poll")
            await both.proxy.be(Faults())
            await both.says("live")
            await both.news()
            assert both.lost_or_doubled == 0
            assert "offline" not in both.states
            return took

    took = await asyncio.gather(
        behind(Hold(), "frames"),
        behind(Hold(until=4096), "bits"),
        behind(Hold(headers=True), "headers"),
    )
    figure("seconds until it says polling, frames, small buffers, and headers held back", [f"{t:.1f}" for t in took])
    assert max(took) < 5


# R: T12, S8
@pytest.mark.parametrize("who", ["the server, with a goodbye", "a host, without one"])
async def test_a_stream_that_is_cut_again_and_again_is_noticed_by_nobody(tmp_path: Path, who: str, figure: Figure):
    says_bye = who.startswith("the server")
    settings = ClientSettings(short_close=0.05, backoff_base=0.5 if says_bye else 0.1)
    cut = Faults() if says_bye else Faults(stream_life=LIFE)
    async with following(tmp_path, settings, cut, **({"stream_life": LIFE} if says_bye else {})) as both:
        await both.says("live")
        while len(both.proxy.requests("stream")) <= CUTS:
            await both.news()
        assert set(both.states) <= {"live", "connecting"}
        assert both.lost_or_doubled == 0
        assert both.proxy.requests("poll") == []
        moments = [h.at for h in both.proxy.requests("stream")]
    gaps = [b - a - LIFE for a, b in itertools.pairwise(moments)]
    figure(f"{CUTS} cuts by {who}: median seconds until it asked again", f"{median(gaps):.3f}")
    if says_bye:
        assert median(gaps) < 0.1, "at once, without a back-off"


# R: S8
async def test_retry_after_is_obeyed_in_either_form_whatever_this_computers_clock_says(tmp_path: Path):
    async def told(status: int, as_date: bool) -> None:
        place = tmp_path / f"{status}-{as_date}"
        await asyncio.to_thread(place.mkdir)
        async with following(place, SOON) as both:
            await both.says("live")
            await both.proxy.change(answer=Answer(status, retry_after=2, as_date=as_date, skew=-7200))
            both.proxy.drop()
            await eventually(lambda: both.proxy.requests("stream")[1:], "the next request")
            asked = both.proxy.requests("stream", "poll")[1].at
            pending = both.live.act(EditTrip(name="Ben's"))
            await eventually(lambda: [h for h in both.proxy.requests("call") if h.at > asked], "the change")
            sent = both.proxy.requests("call")[-1].at
            await asyncio.sleep(0.3)
            await both.proxy.be(Faults())
            await both.says("live")
            assert (await pending.done).accepted
            # A date has no fractions of a second: its 2 s are over 1 s early at most.
            least = 1.0 if as_date else 2.0
            again = both.proxy.requests("stream", "poll", since=asked + 0.001)[0].at
            assert least <= again - asked < least + 3
            assert both.proxy.requests("call", since=sent + 0.001)[0].at - sent >= least
            await both.news()

    await asyncio.gather(*(told(status, as_date) for status in (429, 502, 503) for as_date in (False, True)))


# R: S4, S5
async def test_streams_that_are_refused_lead_to_polling_and_back_when_they_are_not(tmp_path: Path):
    settings = replace(SOON, probe_after=0.3, poll_fast=0.1)
    async with following(tmp_path, settings, Faults(answer=Answer(502, kind="stream"))) as both:
        await both.says("polling")
        await both.news()
        await both.proxy.be(Faults())
        await both.says("live")
        await both.news()


# R: S5
@pytest.mark.parametrize("fault", [Faults(answer=Answer(502)), Faults(refuse=True)], ids=["gateway", "refused"])
async def test_while_nothing_works_it_is_not_said_to_be_live_or_polling(tmp_path: Path, fault: Faults):
    async with following(tmp_path, SOON) as both:
        await both.says("live")
        await both.proxy.be(fault)
        both.proxy.drop()
        await eventually(lambda: both.live.status.attempts > 6 and both.live.status.last_error, "some attempts")
        both.states.clear()
        tried = both.live.status.attempts
        await eventually(lambda: both.live.status.attempts > tried + 4, "some more")
        assert set(both.states) <= {"connecting", "offline"}
        await both.proxy.be(Faults())
        await eventually(lambda: both.live.status.state in ("live", "polling"), "a way")
        await both.news()
        assert both.lost_or_doubled == 0


# R: S1, S4, S7
async def test_a_network_that_goes_silent_in_the_middle_is_found_out_and_nothing_is_lost(tmp_path: Path):
    settings = replace(SOON, heartbeat=0.2, prove_within=0.3, read_timeout=0.5, connect_timeout=0.5)
    async with following(tmp_path, settings, heartbeat=0.2) as both:
        await both.says("live")
        await both.news()
        await both.proxy.change(silent=True)
        pending = both.live.act(EditTrip(name="said into the void"))
        await both.says("offline")
        assert not pending.done.done()
        await both.ana.do(both.live.trip_id, EditTrip(destination="Porto"))
        await both.proxy.be(Faults())
        await both.says("live")
        assert (await pending.done).accepted
        await both.news()
        assert both.lost_or_doubled == 0
        assert both.live.confirmed is not None
        assert both.live.confirmed.destination == "Porto"


# R: S1, S4
async def test_a_network_that_is_slow_and_late_and_jitters_is_followed_all_the_same(tmp_path: Path):
    async with following(tmp_path, SOON, Faults(latency=0.1, jitter=0.2, rate=8000)) as both:
        await both.says("live", 10)
        for _ in range(5):
            await both.news(10)
        pending = both.live.act(EditTrip(name="from afar"))
        assert (await pending.done).accepted
        await eventually(lambda: both.live.status.latency, "the answer, which may come after the event")
        assert (both.live.status.latency or 0.0) > 0.2
        assert set(both.states) <= {"connecting", "live"}
        assert both.lost_or_doubled == 0
