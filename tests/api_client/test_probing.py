"""What the way to a server lets through, measured at a real server behind a proxy with faults."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.faults import Answer, Cut, FaultProxy, Faults, Hold
from tests.support.serving import served

from roadcrew_client import Client, ClientSettings, ServerTrouble, Unreachable

HASTY = ClientSettings(prove_within=0.5, connect_timeout=1.0)
"""For what does not come at all; for what does, a slow computer has time."""
BEAT = 0.1
"""Seconds between two heartbeats of the server."""


@dataclass
class Way:
    """Somebody in a trip, and what stands between them and the server."""

    client: Client
    hasty: Client
    proxy: FaultProxy
    trip_id: str


@pytest.fixture
async def way(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Way]:
    """A way without faults, so far. Its parameter: another time between two heartbeats."""
    async with (
        served(tmp_path, heartbeat=getattr(request, "param", BEAT)) as running,
        FaultProxy(running.url) as proxy,
        Client(proxy.url) as client,
    ):
        await client.guest("Ana")
        async with Client(proxy.url, token=client.token, settings=HASTY) as hasty:
            yield Way(client, hasty, proxy, (await client.create_trip("Lisbon")).trip.id)


# R: S4
async def test_a_stream_that_comes_through_shows_its_first_frame_and_a_heartbeat(way: Way):
    seen = await way.client.try_stream(way.trip_id, heartbeat_within=5)
    assert seen.headers is not None
    assert seen.frame is not None
    assert seen.heartbeat is not None
    assert seen.headers <= seen.frame <= seen.heartbeat
    assert (seen.ended, seen.error) == (None, None)
    await way.client.ping()


# R: S4
@pytest.mark.parametrize("headers", [False, True])
async def test_a_stream_that_is_held_back_shows_nothing(way: Way, headers: bool):
    await way.proxy.change(hold=Hold(headers=headers))
    seen = await way.hasty.try_stream(way.trip_id, heartbeat_within=5)
    assert (seen.headers is None) == headers
    assert (seen.frame, seen.heartbeat, seen.ended) == (None, None, None)


# R: S4
async def test_a_stream_whose_buffer_is_smaller_than_its_beginning_shows_no_heartbeat(way: Way):
    await way.proxy.change(hold=Hold(until=600))
    seen = await way.client.try_stream(way.trip_id, heartbeat_within=5 * BEAT)
    assert seen.frame is not None
    assert (seen.heartbeat, seen.ended) == (None, None)


# R: S4
@pytest.mark.parametrize("way", [30.0], indirect=True, ids=["no heartbeat comes before the end"])
@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (Faults(stream_life=BEAT / 4), Unreachable),
        (Faults(cut=Cut(300, 300, "answers", "rst")), Unreachable),
        (Faults(answer=Answer(502)), ServerTrouble),
        (Faults(answer=Answer(200)), ServerTrouble),
        (Faults(refuse=True), Unreachable),
    ],
    ids=["cut after a while", "cut", "refused", "no stream", "nobody there"],
)
async def test_a_stream_that_ends_says_why(way: Way, faults: Faults, error: type[Exception]):
    await way.proxy.be(faults)
    seen = await way.client.try_stream(way.trip_id, heartbeat_within=5)
    assert seen.heartbeat is None
    assert seen.ended is not None
    assert isinstance(seen.error, error)


# R: S1
async def test_two_polls_are_timed_and_what_goes_wrong_with_them_is_said(way: Way):
    seen = await way.client.try_polls(way.trip_id)
    assert (len(seen.took), seen.error) == (2, None)
    await way.proxy.be(replace(way.proxy.faults, answer=Answer(503)))
    seen = await way.client.try_polls(way.trip_id)
    assert seen.took == ()
    assert isinstance(seen.error, ServerTrouble)
