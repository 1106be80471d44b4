"""Who looks at something, who writes there, and who was there lately, as several processes tell it.

Time is virtual, the stores are real.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.hubs import trip_of
from tests.support.valkey import ValkeyProcess
from tests.support.viewers import LIGHT, Process, Terminal, terminals
from tests.support.virtual import VirtualLoop, here, sqlite_store, tell_of_valkey, valkey_store

from roadcrew_domain.places import Entity
from roadcrew_server.http import USER_TIMEOUT_MS
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Store

LOOP = VirtualLoop
AT_ONCE = 1.0
"""Seconds in which somebody who leaves is gone, and a change is told (F3)."""
VANISHED = 45.0
"""Seconds in which somebody who vanished is gone (F3)."""
TICK = 0.1
"""Seconds of what is measured here that may be the measuring's."""

Start = Callable[..., Awaitable[Process]]


@pytest.fixture(params=["sqlite", "valkey"])
async def start(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Start]:
    """`await start()`: one more process over the same store."""
    async with AsyncExitStack() as stack:
        shared: list[Store] = []

        async def another(**settings: Any) -> Process:
            if request.param == "valkey" or not shared:
                shared.append(opened := make())
                stack.push_async_callback(opened.close)
                with here().asking():
                    await opened.open()
            process = await Process.started(shared[-1], **settings)
            stack.push_async_callback(process.end)
            return process

        def make() -> Store:
            return sqlite_store(tmp_path) if request.param == "sqlite" else valkey_store(valkey.url)

        if request.param == "valkey":
            valkey: ValkeyProcess = request.getfixturevalue("valkey")
            tell_of_valkey(monkeypatch.setattr)
        yield another


async def passes(condition: Callable[[], object], seconds: float) -> float:
    """The virtual seconds until the condition holds."""
    began = here().time()
    async with asyncio.timeout(seconds + TICK):
        while not condition():  # noqa: ASYNC110 - looking costs nothing here
            await asyncio.sleep(TICK / 4)
    return here().time() - began


async def stays(condition: Callable[[], object], seconds: float) -> None:
    """It holds all the while."""
    ends = here().time() + seconds
    while here().time() < ends:
        assert condition()
        await asyncio.sleep(TICK)


# R: F3
async def test_who_comes_and_leaves_is_told_by_name_on_every_process_within_a_second(start: Start) -> None:
    one, two = await start(), await start()
    (ana,) = await terminals(one, ["Ana"], LIGHT)
    (ben,) = await terminals(two, ["Ben"], LIGHT)
    await passes(lambda: ana.present == ben.present == ["ana", "ben"], AT_ONCE)
    assert ana.told[-1][1] == {
        "topic": LIGHT,
        "present": [{"id": "ana", "where": "talk", "name": "Ana"}, {"id": "ben", "where": "talk", "name": "Ben"}],
        "seen": [],
    }
    await ben.close()
    await passes(lambda: ana.present == ["ana"], AT_ONCE)


# R: F3
async def test_two_terminals_of_one_person_are_one_viewer_until_the_last_is_closed(start: Start) -> None:
    one, two = await start(), await start()
    (ben,) = await terminals(two, ["Ben"], LIGHT)
    first, second = [(await terminals(process, ["Ana"], LIGHT))[0] for process in (one, two)]
    await passes(lambda: ben.present == ["ana", "ben"], AT_ONCE)
    await first.close()
    await stays(lambda: ben.present == ["ana", "ben"], 50)
    await second.close()
    await passes(lambda: ben.present == ["ben"], AT_ONCE)


# R: F3
@pytest.mark.parametrize("after", [0.0, 7, 13, 19.9])
async def test_viewers_who_vanish_with_their_process_are_gone_within_45_s(start: Start, after: float) -> None:
    one, two = await start(), await start()
    await terminals(one, ["Ana", "Carla"], LIGHT)
    (ben,) = await terminals(two, ["Ben"], LIGHT)
    await passes(lambda: ben.present == ["ana", "ben", "carla"], AT_ONCE)
    await asyncio.sleep(60 + after)
    one.kill()
    assert await passes(lambda: ben.present == ["ben"], VANISHED) > 20


# R: F3
def test_a_peer_that_acknowledges_nothing_is_given_up_within_45_s_of_vanishing() -> None:
    assert Settings().heartbeat + USER_TIMEOUT_MS / 1000 <= VANISHED
    assert Settings().stream_presence <= VANISHED


# R: F3
async def test_who_polls_is_here_until_they_have_not_for_a_while(start: Start) -> None:
    one, two = await start(), await start()
    (ben,) = await terminals(two, ["Ben"], LIGHT)
    for _ in range(10):
        await one.presence.polled(LIGHT, "ana", "talk", "Ana")
        await passes(lambda: ben.present == ["ana", "ben"], AT_ONCE)
        await stays(lambda: ben.present == ["ana", "ben"], 9)
    assert 20 <= await passes(lambda: ben.present == ["ben"], VANISHED) <= 30
    assert ben.seen == ["ana"]


# R: F3
async def test_who_writes_something_is_told_within_a_second_and_no_longer_than_5_s_after_they_stopped(
    start: Start,
) -> None:
    one, two = await start(), await start()
    (ana,) = await terminals(one, ["Ana"], LIGHT)
    (ben,) = await terminals(two, ["Ben"], LIGHT)
    await passes(lambda: ben.present == ["ana", "ben"], AT_ONCE)
    await one.presence.typing(LIGHT, "ana", on=True)
    await passes(lambda: ben.typing == ana.typing == ["ana"], AT_ONCE)
    for _ in range(4):
        await asyncio.sleep(3)
        await one.presence.typing(LIGHT, "ana", on=True)
        assert ben.typing == ["ana"]
    assert await passes(lambda: not ben.typing, 5.2) > 4.5
    await asyncio.sleep(3)
    await one.presence.typing(LIGHT, "ana", on=True)
    await passes(lambda: ben.typing == ["ana"], AT_ONCE)
    await asyncio.sleep(2)
    await one.presence.typing(LIGHT, "ana", on=False)
    await passes(lambda: not ben.typing, AT_ONCE)


# R: F3
async def test_that_somebody_writes_something_is_never_in_the_log_and_is_not_said_of_who_is_not_here(
    start: Start,
) -> None:
    one = await start()
    (ben,) = await terminals(one, ["Ben"], LIGHT)
    await passes(lambda: ben.present == ["ben"], AT_ONCE)
    await one.presence.typing(LIGHT, "ana", on=True)
    await one.presence.typing(LIGHT, "ben", on=True)
    await passes(lambda: ben.typing == ["ben"], AT_ONCE)
    assert ben.present == ["ben"]
    loaded = await one.way.load(LIGHT)
    assert [json.loads(event.body)["type"] for event in loaded.events] == ["FeedOpened"]


# R: F3 S9
async def test_of_thirty_who_write_on_and_off_at_once_no_more_is_passed_on_than_a_change_in_2_s(start: Start) -> None:
    one, two = await start(), await start()
    people = [f"P{n:02}" for n in range(30)]
    screens = [(await terminals((one, two)[n % 2], [name], LIGHT))[0] for n, name in enumerate(people)]
    await passes(lambda: all(len(screen.present) == 30 for screen in screens), 2)
    for screen in screens:
        screen.told.clear()
    one.way.calls.clear()
    began = here().time()

    async def write(screen: Terminal, offset: float) -> None:
        await asyncio.sleep(offset)
        for _ in range(10):
            await one.presence.typing(LIGHT, screen.user, on=True)
            await asyncio.sleep(1)
            await one.presence.typing(LIGHT, screen.user, on=False)
            await asyncio.sleep(1)

    await asyncio.gather(*(write(screen, n / 30) for n, screen in enumerate(screens)))
    await asyncio.sleep(5)
    for screen in screens:
        times = [at for at, _ in screen.told]
        assert len(times) <= (here().time() - began) / 2 + 1
        assert all(later - at > 1.9 for at, later in itertools.pairwise(times))
        assert not screen.typing
    assert one.way.calls.count("presence_list") <= 2 * (here().time() - began) + 1
    assert one.way.calls.count("get") == 0


# R: F3
async def test_of_a_crowd_some_are_told_of_and_how_many_others_there_are_and_not_each_coming_by_itself(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roadcrew_server.company.CROWD", 5)
    one = await start()
    people = [f"P{n:02}" for n in range(20)]
    (first,) = await terminals(one, people[:1], LIGHT)
    for name in people[1:]:
        await terminals(one, [name], LIGHT)
        await asyncio.sleep(0.5)
    await passes(lambda: first.told[-1][1].get("others") == 15, 3)
    assert first.present == ["p00", "p01", "p02", "p03", "p04"]
    crowded = [at for at, frame in first.told if "others" in frame]
    assert all(later - at > 1.9 for at, later in itertools.pairwise(crowded))
    await one.presence.typing(LIGHT, "p19", on=True)
    await passes(lambda: first.typing == ["p19"], 3)
    assert len(first.present) == 5
    assert first.seen == []
    one.way.calls.clear()
    told = len(first.told)
    for n in range(50):  # as those do who poll
        await one.presence.polled(LIGHT, f"q{n:02}", "talk", "Q")
        await one.presence.refresh(one.hub.topics[LIGHT])
        await asyncio.sleep(0.05)
    await passes(lambda: first.told[-1][1]["others"] == 65, 3)
    assert one.way.calls.count("presence_list") <= 5
    assert len(first.told) - told <= 4


# R: F3
async def test_who_comes_or_leaves_while_others_write_is_told_within_a_second(start: Start) -> None:
    one, two = await start(), await start()
    _, carla = await terminals(one, ["Ana", "Carla"], LIGHT)
    (ben,) = await terminals(two, ["Ben"], LIGHT)
    await passes(lambda: ben.present == ["ana", "ben", "carla"], AT_ONCE)
    for on in (True, False, True):
        await one.presence.typing(LIGHT, "ana", on=on)
        await asyncio.sleep(0.3)
    await carla.close()
    await passes(lambda: ben.present == ["ana", "ben"], AT_ONCE)
    (carla,) = await terminals(one, ["Carla"], LIGHT)
    await passes(lambda: ben.present == ["ana", "ben", "carla"], AT_ONCE)


# R: F3
async def test_the_last_twenty_who_left_are_told_with_when_that_was(start: Start) -> None:
    one, two = await start(), await start()
    (ben,) = await terminals(two, ["Ben"], LIGHT)
    for n in range(22):
        (guest,) = await terminals((one, two)[n % 2], [f"P{n:02}"], LIGHT)
        await asyncio.sleep(2)
        await guest.close()
        await asyncio.sleep(1)
    assert ben.seen == [f"p{n:02}" for n in range(21, 1, -1)]
    latest = ben.told[-1][1]["seen"][0]
    assert latest["name"] == "P21"
    assert abs(two.way.now() - datetime.fromisoformat(latest["at"])) < timedelta(seconds=2)
    (again,) = await terminals(one, ["P20"], LIGHT)
    await passes(lambda: "p20" in ben.present and "p20" not in ben.seen, AT_ONCE)
    await again.close()
    await passes(lambda: ben.seen[:2] == ["p20", "p21"], AT_ONCE)


# R: F3
@pytest.mark.parametrize("start", ["sqlite"], indirect=True)
async def test_who_was_there_is_told_for_a_week(start: Start) -> None:
    one = await start()
    (ben,) = await terminals(one, ["Ben"], LIGHT)
    await passes(lambda: ben.present == ["ben"], AT_ONCE)
    await ben.close()
    await asyncio.sleep(1)
    await one.end()
    await asyncio.sleep(7 * 86_400 - 3600)
    two = await start()
    (carla,) = await terminals(two, ["Carla"], LIGHT)
    await passes(lambda: carla.told and carla.seen == ["ben"], AT_ONCE)
    await two.end()
    await asyncio.sleep(3700)
    (dev,) = await terminals(await start(), ["Dev"], LIGHT)
    await passes(lambda: dev.told and dev.seen == ["carla"], AT_ONCE)


# R: F3
async def test_of_many_who_leave_two_processes_at_once_none_is_forgotten(start: Start) -> None:
    one, two = await start(), await start()
    crowd = [(await terminals((one, two)[n % 2], [f"P{n:02}"], LIGHT))[0] for n in range(18)]
    (ben,) = await terminals(two, ["Ben"], LIGHT)
    await passes(lambda: len(ben.present) == 19, 2)
    for guest in crowd:
        await guest.close()
    await passes(lambda: ben.present == ["ben"] and len(ben.seen) == 18, AT_ONCE)


# R: F3 S9
async def test_of_a_trip_it_is_told_as_ever_and_costs_what_it_did(start: Start) -> None:
    one, two = await start(), await start()
    trip, _, _ = await trip_of(one.hub, ["ana", "ben"])
    (ana,) = await terminals(one, ["Ana"], trip)
    (ben,) = await terminals(two, ["Ben"], trip)
    await passes(lambda: ana.present == ben.present == ["ana", "ben"], AT_ONCE)
    assert ana.told[-1][1] == {
        "topic": trip,
        "present": [{"id": "ana", "where": "talk"}, {"id": "ben", "where": "talk"}],
    }
    for process in (one, two):
        process.way.calls.clear()
    await asyncio.sleep(600)
    for process in (one, two):
        assert set(process.way.calls) <= {"presence_renew", "due_take", "due_next"}
        assert process.way.calls.count("presence_renew") == 30
    one.way.calls.clear()
    await ana.close()
    await passes(lambda: ben.present == ["ben"], AT_ONCE)
    assert one.way.calls == ["presence_drop"]


# R: F3
async def test_the_talk_of_a_trip_is_told_of_who_looks_at_it_to_its_members_alone(start: Start) -> None:
    one = await start()
    trip, _, _ = await trip_of(one.hub, ["ana", "ben"])
    topic = Entity("trip", trip.partition(":")[2]).topic("presence")
    ana, ben = await terminals(one, ["Ana", "Ben"], topic)
    await passes(lambda: ana.present == ben.present == ["ana", "ben"], AT_ONCE)
    with pytest.raises(Exception, match="not in this trip"):
        await terminals(one, ["Eve"], topic)


class OldHere(msgspec.Struct):
    """As terminals read it that know no talk."""

    id: str
    where: str | None = None


class OldPresence(msgspec.Struct):
    """As terminals read it that know no talk."""

    topic: str
    present: tuple[OldHere, ...] = ()


# R: F3
async def test_a_terminal_that_knows_ids_and_places_alone_reads_the_frames(start: Start) -> None:
    one = await start()
    ana, ben = await terminals(one, ["Ana", "Ben"], LIGHT)
    await one.presence.typing(LIGHT, "ana", on=True)
    await ben.close()
    await passes(lambda: ana.typing and ana.seen, 3)
    read = msgspec.json.decode(json.dumps(ana.told[-1][1]), type=OldPresence)
    assert read == OldPresence(LIGHT, (OldHere("ana", "talk"),))
