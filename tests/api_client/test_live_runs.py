"""Quote runs and imports that are followed: as they are at the server, on either transport, whichever are looked at,
and whatever comes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from random import Random

import pytest
from tests.api_client.run_desk import RunDesk
from tests.api_client.scripted import FAST, NOW, Request, Script, ScriptedServer, serving, until

import roadcrew_client as rc
from roadcrew_client.live_runs import RunsReplica
from roadcrew_domain.events import encode_cursor, event
from roadcrew_domain.jobs_state import ImportJob
from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import Choice, Price, QuoteResult, QuoteRun, VoteQuote

STEADY = replace(FAST, heartbeat=30.0)
"""A stream that says nothing is not given up: what comes, comes because it was asked for."""


@contextlib.asynccontextmanager
async def looking(
    desk: RunDesk, *names: str, script: Script | None = None, settings: rc.ClientSettings = STEADY
) -> AsyncIterator[tuple[rc.Client, rc.LiveRun, ScriptedServer]]:
    """Somebody follows runs."""
    async with serving(script or desk.sync) as server, rc.Client(server.url, token="ana", settings=settings) as client:
        client._session.user = rc.User("ana", "Ana")
        async with client.follow_run(*names) as live:
            yield client, live, server


def polls_only(desk: RunDesk) -> Script:
    """A server behind something that refuses streams."""

    async def script(request: Request) -> None:
        if request.streams:
            return await request.problem(503, "no-streams")
        return await desk.sync(request)

    return script


def as_it_is(desk: RunDesk, live: rc.LiveRun, *names: str) -> Callable[[], bool]:
    return lambda: dict(live.states) == {name: desk.logs[name].state for name in names}


# R: Q8 S1
@pytest.mark.parametrize("transport", ["live", "polling"])
async def test_a_run_is_as_it_is_at_the_server_from_the_first_word_to_the_last(transport: str):
    desk = RunDesk()
    name = desk.ask()
    async with looking(desk, name, script=None if transport == "live" else polls_only(desk)) as (_, live, _):
        told: list[rc.RunChange] = []
        live.listen(told.append)
        await until(lambda: live.status.state == transport and live.state is not None)
        desk.says(name)
        desk.prices(name)
        await until(as_it_is(desk, live, name))
        assert isinstance(live.state, QuoteRun)
        assert live.state.answers["atlas"].prices[0].total == Money(24000, "EUR")
        desk.votes(name, VoteQuote(Choice("atlas", "casa")))
        desk.fails(name)
        await until(lambda: live.state is not None and live.state.status == "finished")
        assert live.state == desk.logs[name].state
        events = [change.event for change in told if change.event is not None]
        assert [e.seq for e in events] == list(range(events[0].seq, len(desk.logs[name].events)))
        assert [c.name for c in told if c.kind in ("reset", "event")] == [name] * (1 + len(events))


# R: J1
async def test_an_import_tells_how_far_it_is_and_its_end():
    desk = RunDesk()
    name = desk.upload()
    async with looking(desk, name) as (_, live, _):
        desk.rows(name, 40, 400)
        await until(as_it_is(desk, live, name))
        assert isinstance(live.state, ImportJob)
        assert (live.state.counts.good, live.state.counts.bytes) == (40, 400)
        desk.rows(name, 60, 1000)
        desk.finish(name)
        await until(lambda: live.state is not None and live.state.status == "finished")
        assert live.state == desk.logs[name].state


# R: Q8 J1
async def test_who_looks_at_other_runs_goes_on_with_the_rest_where_it_was_and_by_one_request():
    desk = RunDesk()
    first, second = desk.ask(), desk.upload()
    async with looking(desk, first) as (_, live, server):
        await until(as_it_is(desk, live, first))
        live.watch([first, second])
        await until(as_it_is(desk, live, first, second))
        desk.prices(first)
        desk.rows(second, 1, 10)
        await until(as_it_is(desk, live, first, second))
        assert live.state == desk.logs[first].state
        live.watch([second])
        await until(lambda: set(live.states) == {second})
        assert live.state == desk.logs[second].state
        desk.finish(second)
        await until(as_it_is(desk, live, second))
        assert server.most_open == 1
        assert all(request.cursor is not None for request in server.asked("/api/sync")[1:])


async def test_who_looks_at_nothing_asks_for_nothing_until_there_is_something():
    desk = RunDesk()
    name = desk.ask()
    async with looking(desk) as (client, live, server):
        with pytest.raises(rc.RoadcrewError):
            await client.trip("t")
        assert server.asked("/api/sync") == []
        live.watch([name])
        await until(as_it_is(desk, live, name))
        live.watch([])
        await until(lambda: live.states == {} and server.open == 0)
        asked = len(server.asked("/api/sync"))
        desk.prices(name)
        with pytest.raises(rc.RoadcrewError):
            await client.trip("t")
        assert len(server.asked("/api/sync")) == asked
        live.watch([name])
        await until(as_it_is(desk, live, name))
        assert live.status.state == "live"


@pytest.mark.parametrize("names", [["trip:t"], ["quote"], [f"quote:{n}" for n in range(33)]])
async def test_what_is_no_run_and_more_than_can_be_followed_is_refused(names: list[str]):
    async with rc.Client("http://127.0.0.1:1", token="ana") as client:
        with pytest.raises(ValueError):
            client.follow_run(*names)
        assert client._runs == set()


# R: J3
async def test_a_run_that_is_not_there_or_not_for_us_is_said_and_the_others_go_on():
    desk = RunDesk()
    first, second = desk.ask(), desk.ask()
    desk.hidden.add(second)
    async with looking(desk, first, second) as (_, live, _):
        told: list[rc.RunChange] = []
        live.listen(told.append)
        await until(lambda: any(change.kind == "gone" for change in told))
        assert [(c.name, c.reason) for c in told if c.kind == "gone"] == [(second, "unknown")]
        desk.prices(first)
        await until(as_it_is(desk, live, first))


# R: J3
async def test_when_none_is_there_that_is_said_of_each():
    desk = RunDesk()

    async def script(request: Request) -> None:
        await request.problem(404, "unknown-quote-run")

    async with looking(desk, "quote:a", "job:b", script=script) as (_, live, _):
        told: list[rc.RunChange] = []
        live.listen(told.append)
        await until(lambda: live.status.state == "gone")
        assert [(c.name, c.reason) for c in told if c.kind == "gone"] == [("quote:a", "unknown"), ("job:b", "unknown")]


# R: C3
async def test_somebody_else_who_signs_in_is_shown_only_what_the_server_shows_them():
    desk = RunDesk()
    name = desk.ask()
    async with looking(desk, name) as (client, live, server):
        await until(as_it_is(desk, live, name))
        desk.hidden.add(name)
        client._session.adopt(rc.Session("ben", rc.User("ben", "Ben")))
        assert live.states == {}
        await until(lambda: live.status.state == "gone")
        assert live.states == {}
        assert server.asked("/api/sync")[-1].headers["authorization"] == "Bearer ben"
        assert server.asked("/api/sync")[-1].cursor is None


# R: S2
async def test_nobody_who_looks_costs_no_requests_and_its_client_ends_it():
    desk = RunDesk()
    name = desk.ask()
    async with serving(desk.sync) as server:
        client = rc.Client(server.url, token="ana", settings=STEADY)
        live = client.follow_run(name)
        await live.start()
        await until(as_it_is(desk, live, name))
        live.suspended()
        await until(lambda: server.open == 0)
        desk.prices(name)
        live.resumed()
        await until(as_it_is(desk, live, name))
        await client.close()
        assert live.status.state == "paused"
        assert client._runs == set()
        await until(lambda: server.open == 0)


# --- what may come -------------------------------------------------------------------------------


def test_a_price_that_can_not_be_shown_is_not_believed():
    desk = RunDesk()
    name = desk.ask()
    replica = RunsReplica()
    state = desk.logs[name].state
    assert replica.reset(name, state, 1, "e")
    assert not replica.reset("quote:other", state, 1, "e")
    result = QuoteResult("atlas", (Price(Money(100, "\x1b[31m"), "casa"),), 1.0)
    assert replica.confirm(event(name, 2, NOW, None, "c", result)) == "unknown"
    assert replica.states[name] == state
    assert replica.confirm(event(name, 2, NOW, None, "c", QuoteResult("nobody", (), 1.0))) == "gap"


# R: S1
@pytest.mark.parametrize("frame", ["nonsense", '{"seq": 9}', '{"type": "Unheard"}', '{"data": {"provider": "nobody"}}'])
async def test_what_is_not_understood_is_asked_for_anew(frame: str):
    desk = RunDesk()
    name = desk.ask()
    first = [True]

    async def script(request: Request) -> None:
        if request.streams and first:
            first.clear()
            await request.open_stream()
            log = desk.logs[name]
            reset = {"topic": name, "seq": 1, "state": log.encoded()}
            body = {"topic": name, "seq": 2, "type": "QuoteActivity", "at": NOW.isoformat(), "by": None, "command": "c"}
            body["data"] = {"provider": "atlas", "text": "x"}
            data = frame if frame == "nonsense" else json.dumps(body | json.loads(frame))
            at = encode_cursor({name: log.place(1)})
            await request.raw(f"event: reset\nid: {at}\ndata: {json.dumps(reset)}\n\ndata: {data}\n\n".encode())
            await request.until_closed()
        await desk.sync(request)

    async with looking(desk, name, script=script) as (_, live, server):
        await until(lambda: live.state is not None)
        desk.prices(name)
        await until(as_it_is(desk, live, name))
        assert len(server.asked("/api/sync")) > 1


# R: Q3 S1
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_watched_and_however_it_is_cut_the_end_is_what_the_server_has(seed: int):
    random, desk = Random(seed), RunDesk()
    names = [desk.ask(), desk.ask(), desk.upload()]

    async def script(request: Request) -> None:
        kind = random.random()
        if kind < 0.1:
            return request.writer.transport.abort()
        if kind < 0.2:
            return await request.problem(503, "busy")
        if request.streams and kind < 0.5:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(random.uniform(0.01, 0.1)):
                    await desk.sync(request)
            return request.writer.transport.abort()
        return await desk.sync(request)

    async with looking(desk, names[0], script=script, settings=replace(STEADY, short_close=0.0)) as (_, live, _):
        watched = [names[0]]
        for n in range(12):
            watched = random.sample(names, random.randint(1, 3))
            live.watch(watched)
            desk.votes(names[0], VoteQuote(None))
            if n < 8:
                desk.says(names[1])
            desk.rows(names[2], 1, n + 1)
            await asyncio.sleep(random.uniform(0, 0.02))
        desk.prices(names[0])
        desk.finish(names[2])
        await until(as_it_is(desk, live, *watched), 15)
