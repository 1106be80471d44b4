"""Who looks, and how often is asked: with the real client and a real server, counted on the way in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from tests.conftest import Figure
from tests.faults import Answer, FaultProxy, Faults
from tests.support.people import eventually
from tests.support.serving import served

from roadcrew_client import Change, Client, ClientSettings, Created, LiveTrip
from roadcrew_domain.trip import EditTrip, Trip
from roadcrew_domain.views import encode_trip

REAL = ClientSettings()
QUICK = replace(REAL, hidden_grace=0.2, poll_fast=0.2, poll_slow=1.0, backoff_base=0.05)
"""The pace of `REAL` ten times as fast, and less grace."""
NO_STREAMS = Faults(answer=Answer(status=403, kind="stream"))
LATE = 1.0
"""Seconds that a request may come later than it should, on a machine that is busy."""
EARLY = 0.05
"""Seconds that it may seem to come earlier, since the one before it came late."""
CHANGES = 5
How = Literal["hidden", "suspended"]


class Terminal:
    """Somebody who follows a trip, and a proxy that counts all that they ask."""

    def __init__(self, live: LiveTrip, proxy: FaultProxy) -> None:
        self.live = live
        self.proxy = proxy
        self.seqs: list[int] = []
        self.resets = 0
        live.listen(self._heard)

    def _heard(self, change: Change) -> None:
        self.seqs += [e.seq for e in change.events]
        self.resets += change.kind == "reset"

    def asked(self, since: float = 0.0) -> list[str | None]:
        """What kinds of requests came since then, of any kind."""
        return [h.kind for h in self.proxy.requests(since=since)]

    def polls(self, since: float = 0.0) -> list[float]:
        """When they came."""
        return [h.at for h in self.proxy.requests("poll", since=since)]

    def is_(self, mode: str) -> bool:
        return self.live.status.state == mode

    def equals(self, truth: Trip) -> bool:
        return self.live.confirmed is not None and encode_trip(self.live.confirmed) == encode_trip(truth)


@asynccontextmanager
async def terminal(url: str, made: Created, faults: Faults, settings: ClientSettings) -> AsyncIterator[Terminal]:
    """One more member, in sync; polling if `faults` let no stream through."""
    async with FaultProxy(url, faults) as proxy, Client(proxy.url, settings=settings) as client:
        await client.guest("Ben")
        await client.join(made.invite.code)
        async with client.follow(made.trip.id) as live:
            seen = Terminal(live, proxy)
            mode = "polling" if faults.answer else "live"
            await eventually(lambda: seen.is_(mode) and live.confirmed is not None, mode, 15)
            yield seen


def now() -> float:
    """By the clock of the proxy's story."""
    return asyncio.get_running_loop().time()


async def goes_away(ben: Terminal, how: How, ana: Client, seconds: float, pace: ClientSettings) -> list[str | None]:
    """Ben looks away for so long, while Ana changes the trip; what his terminal asked when he was back."""
    trip = ben.live.trip_id
    getattr(ben.live, how)()
    await eventually(lambda: ben.is_("paused"), "the pause", pace.hidden_grace + 5)
    left, before = now(), ben.seqs[-1] if ben.seqs else None
    for number in range(CHANGES):
        await ana.do(trip, EditTrip(name=f"Lisbon, {number}"))
        await asyncio.sleep(seconds / CHANGES)
    assert ben.asked(since=left) == []
    assert (ben.seqs[-1] if ben.seqs else None) == before

    returned, resets = now(), ben.resets
    getattr(ben.live, {"hidden": "shown", "suspended": "resumed"}[how])()
    truth = await ana.trip(trip)
    await eventually(lambda: ben.equals(truth), "what was missed", pace.poll_fast + LATE)
    assert ben.seqs[-CHANGES:] == [e.seq for e in truth.recent[-CHANGES:]]
    assert (ben.seqs == sorted(set(ben.seqs)), ben.resets) == (True, resets), "each event once, and no fresh copy"
    await eventually(lambda: len(ben.asked(since=returned)) > 1, "what comes after that", pace.poll_fast + LATE)
    return ben.asked(since=returned)


# R: S1, S2, S3
@pytest.mark.timeout(180)
async def test_a_terminal_that_nobody_sees_asks_nothing_and_catches_up_once_on_return(
    tmp_path: Path, full: bool, figure: Figure
):
    seconds, settings = (60.0, REAL) if full else (1.2, QUICK)
    cases: list[tuple[How, Faults, list[str]]] = [
        ("hidden", Faults(), ["poll", "stream"]),
        ("suspended", Faults(), ["poll", "stream"]),
        ("hidden", NO_STREAMS, ["poll", "poll"]),
        ("suspended", NO_STREAMS, ["poll", "poll"]),
    ]

    async def case(how: How, faults: Faults, asks: list[str]) -> None:
        made = await ana.create_trip("Lisbon in May")
        async with terminal(running.url, made, faults, settings) as ben:
            assert await goes_away(ben, how, ana, seconds, settings) == asks
            figure(f"requests in {seconds:g} s while {how}, where it was {'polling' if faults.answer else 'live'}", 0)

    async with served(tmp_path) as running, Client(running.url) as ana:
        await ana.guest("Ana")
        await asyncio.gather(*(case(*given) for given in cases))


# R: S2
@pytest.mark.usefixtures("timed")
async def test_polls_go_from_2_s_to_10_s_while_nothing_happens_and_a_key_brings_them_back(
    tmp_path: Path, full: bool, figure: Figure
):
    settings = REAL if full else QUICK
    fast, slow = settings.poll_fast, settings.poll_slow
    async with served(tmp_path) as running, Client(running.url) as ana:
        await ana.guest("Ana")
        made = await ana.create_trip("Lisbon in May")
        async with terminal(running.url, made, NO_STREAMS, settings) as ben:
            wanted = [fast, fast * 1.5, fast * 1.5**2, fast * 1.5**3, slow, slow]
            await eventually(lambda: len(ben.polls()) > len(wanted), "the polls", sum(wanted) + len(wanted) * LATE)
            gaps = gaps_of(ben.polls())
            figure("seconds between polls", " ".join(f"{gap:.2f}" for gap in gaps))
            for gap, due in zip(gaps, wanted, strict=True):
                assert due - EARLY <= gap <= due + LATE

            last = ben.polls()[-1]
            await asyncio.sleep(fast / 2)
            ben.live.key_pressed()
            await eventually(lambda: len(ben.polls(since=last)) == 3, "two more", 3 * fast + 2 * LATE)
            after_key = gaps_of(ben.polls(since=last))
            figure("seconds between polls after a key", " ".join(f"{gap:.2f}" for gap in after_key))
            for gap, due in zip(after_key, [fast, fast * 1.5], strict=True):
                assert due - EARLY <= gap < slow * 0.9


def gaps_of(moments: list[float]) -> list[float]:
    return [later - sooner for sooner, later in pairwise(moments)]
