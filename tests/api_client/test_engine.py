"""Following a trip through every sort of bad network, against scripted stand-ins; the real server is in
test_with_server.py."""

import asyncio
import contextlib
import json
import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.api_client.followers import Person, rename
from tests.api_client.scripted import FAST, Log, Request, serving, until
from tests.conftest import Count, Figure

import roadcrew_client as rc
from roadcrew_client.settings import SystemClock
from roadcrew_domain.events import Position, encode_cursor
from roadcrew_domain.trip import Command, EditTrip

pytestmark = pytest.mark.usefixtures("no_task_is_left")


# R: S1
@pytest.mark.parametrize("step", [61, 97, 210])
async def test_a_stream_that_is_cut_after_any_number_of_bytes_loses_and_repeats_nothing(log: Log, step: int):
    early = log.reset_frame()
    for n in range(8):
        rename(log, n)
    cut = 0

    async def script(request: Request) -> None:
        nonlocal cut
        cut += step
        await request.open_stream()
        at = log.after(request.cursor)
        data = early if at is None else b"".join(log.frame(n) for n in range(at, len(log.events)))
        await request.raw(b": hello\n\n" + data[: max(cut % 600, len(data) if at is None else 0)])

    seen: list[int] = []
    async with serving(script) as server, Person(server, replace(FAST, short_close=0.0)) as live:
        live.listen(lambda c: seen.extend(e.seq for e in c.events))
        await until(lambda: live.confirmed == log.state)
    assert seen == list(range(2, 10))
    assert server.most_open == 1
    assert len(server.requests) > 2


# R: S4
async def test_a_proxy_that_sends_headers_and_holds_frames_back_makes_it_poll(log: Log):
    async def script(request: Request) -> None:
        if request.streams:
            await request.open_stream()
            await request.until_closed()
        else:
            await log.poll(request)

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.status.state == "polling")
        await until(lambda: live.confirmed == log.state)
        rename(log, 1)
        await until(lambda: live.confirmed == log.state)
        assert live.status.interval is not None
        # R: S1
        server.script = lambda r: log.follow(r) if r.streams else log.poll(r)
        await until(lambda: live.status.state == "live")
        rename(log, 2)
        await until(lambda: live.confirmed == log.state)
    assert server.most_open == 1, "never two transports at once"


# R: S4
async def test_a_stream_that_goes_silent_is_given_up_and_opened_anew(log: Log):
    async def script(request: Request) -> None:
        if not request.streams:
            return await log.poll(request)
        await request.open_stream()
        at = log.after(request.cursor)
        await request.raw(b": hello\n\n" + (log.reset_frame() if at is None else b""))
        await request.until_closed()

    async with serving(script) as server, Person(server) as live:
        await until(lambda: len([r for r in server.requests if r.streams]) >= 2)
        assert live.confirmed == log.state
        assert server.requests[1].cursor == log.cursor()


# R: S1, S4
async def test_a_stream_that_is_held_back_after_its_first_frame_is_noticed_by_the_answer_to_a_change(log: Log):
    patient = replace(FAST, heartbeat=60.0, poll_fast=5.0)

    async def script(request: Request) -> None:
        if request.method == "POST":
            log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name="Porto")))
            return await request.answer(200, log.answer())
        if not request.streams:
            return await log.poll(request)
        await request.open_stream()
        await request.raw(b": hello\n\n" + log.reset_frame() if request.cursor is None else b"")
        await request.until_closed()

    async with serving(script) as server, Person(server, patient) as live:
        await until(lambda: live.status.state == "live")
        pending = live.act(EditTrip(name="Porto"))
        assert (await asyncio.wait_for(pending.done, 5)).accepted
        await until(lambda: not live.pending)
        assert live.confirmed == log.state
        await until(lambda: live.status.state == "polling")
        assert server.most_open == 1


# R: S4
async def test_a_stream_that_shows_changes_in_time_is_left_alone(log: Log):
    async def script(request: Request) -> None:
        if request.method == "POST":
            log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name=request.body.decode()[-9:-2])))
            return await request.answer(200, log.answer())
        await log.follow(request)

    calm = replace(FAST, prove_within=0.5, heartbeat=60.0)
    async with serving(script) as server, Person(server, calm) as live:
        await until(lambda: live.status.state == "live")
        for n in range(10):
            live.act(EditTrip(name=f"Trip {n:02}"))
            await asyncio.sleep(0.03)
        await asyncio.sleep(1.6 * calm.prove_within)
        assert live.pending == ()
        assert len(server.asked("/api/sync")) == 1


class Lid(SystemClock):
    """The clock of a computer that is closed for a while."""

    def __init__(self) -> None:
        self.closed_for = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.closed_for


# R: S3
@pytest.mark.parametrize(("closed_for", "asks"), [(timedelta(hours=3), True), (-timedelta(hours=3), False)])
async def test_a_computer_that_was_asleep_asks_at_once_for_what_it_missed(log: Log, closed_for: timedelta, asks: bool):
    dead = False

    async def script(request: Request) -> None:
        if request.streams and dead:
            return await request.until_closed()
        await (log.follow(request) if request.streams else log.poll(request))

    settings, lid = replace(FAST, heartbeat=60.0, wake_look=0.1), Lid()
    async with serving(script) as server:
        person = Person(server, settings)
        person.client._context = replace(person.client._context, clock=lid)
        async with person as live:
            await until(lambda: live.status.state == "live")
            dead = True  # nothing comes on what is open any more, and nobody says so
            log.grown = asyncio.Event()
            rename(log, 1)
            lid.closed_for = closed_for
            if asks:
                await until(lambda: live.confirmed == log.state)
            else:
                await asyncio.sleep(0.5)
                assert len(server.asked("/api/sync")) == 1, "a clock that was set back is no sleep"


async def test_what_a_server_said_and_has_lost_since_is_looked_for_once(log: Log):
    async def script(request: Request) -> None:
        if request.method == "POST":
            ahead = encode_cursor({log.topic: Position.after("e", 99, request.headers["idempotency-key"])})
            return await request.answer(200, log.answer() | {"cursor": ahead})
        await (log.follow(request) if request.streams else log.poll(request))

    async with serving(script) as server, Person(server, replace(FAST, prove_within=0.5, heartbeat=60.0)) as live:
        await until(lambda: live.status.state == "live")
        assert (await asyncio.wait_for(live.act(EditTrip(name="Porto")).done, 5)).accepted
        await until(lambda: len(server.asked("/api/sync")) == 3)
        await asyncio.sleep(1)
        assert [request.streams for request in server.asked("/api/sync")] == [True, False, True]


# R: S5
async def test_a_fault_that_is_over_is_not_said_to_hold(log: Log):
    async def script(request: Request) -> None:
        if len(server.asked("/api/sync")) == 2:
            return await request.problem(503, "busy")
        if len(server.asked("/api/sync")) > 2:
            return await log.follow(request)
        await request.open_stream()
        await request.raw(b": hello\n\n" + log.reset_frame())

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.status.state == "live" and len(server.requests) == 3)
        assert live.status.last_error is None


# R: S8
async def test_retry_after_is_obeyed_by_a_session_that_is_not_ready(log: Log):
    async def script(request: Request) -> None:
        await request.problem(401, "session-not-ready", retryAfter=60)

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.status.attempts)
        await asyncio.sleep(0.3)
        assert len(server.asked("/api/sync")) == 1


# R: S4
async def test_heartbeats_alone_keep_a_stream(log: Log):
    async def script(request: Request) -> None:
        await request.open_stream()
        await request.raw(b": hello\n\n" + log.reset_frame())
        for _ in range(20):
            await asyncio.sleep(0.05)
            await request.raw(b": heartbeat\n")
        rename(log, 1)
        await request.raw(log.frame(len(log.events) - 1))
        await request.until_closed()

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.confirmed is not None and live.confirmed.name == "Trip 1")
        assert len([r for r in server.requests if r.path == "/api/sync"]) == 1


# R: S4
async def test_three_short_closes_make_it_poll(log: Log):
    async def script(request: Request) -> None:
        if request.streams:
            await request.open_stream()
            await request.raw(b": hello\n\n")
        else:
            await log.poll(request)

    # However slow this machine is today, each of these closes counts as a short one.
    settings = replace(FAST, short_close=30.0, prove_within=30.0)
    async with serving(script) as server, Person(server, settings) as live:
        await until(lambda: live.status.state == "polling" and live.confirmed is not None)
        kinds = [r.streams for r in server.asked("/api/sync")]
        assert kinds[:4] == [True, True, True, False]


# R: S8
async def test_retry_after_is_obeyed_by_streams(log: Log):
    times: list[float] = []

    async def script(request: Request) -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) == 1:
            return await request.answer(503, {"code": "unavailable"}, Retry_After="1")
        return await log.follow(request)

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.status.state == "live")
    assert times[1] - times[0] >= 1


# R: T12
async def test_a_goodbye_is_followed_at_once_from_where_it_was(log: Log):
    async def script(request: Request) -> None:
        await request.open_stream()
        at = log.after(request.cursor)
        await request.raw(b": hello\n\n" + (log.reset_frame() if at is None else b""))
        await asyncio.sleep(0.25)
        await request.raw(b'event: bye\ndata: {"reason":"age"}\n\n')
        await request.until_closed()

    # However slow this computer is, the stream is proven; and a back-off would be seen.
    patient = replace(FAST, prove_within=5.0, backoff_base=600.0, backoff_cap=600.0)
    async with serving(script) as server, Person(server, patient):
        await until(lambda: len(server.requests) >= 4, 10)
        assert [r.cursor for r in server.requests[1:4]] == [log.cursor()] * 3


# R: S1
async def test_a_gap_is_read_again_and_a_gap_that_stays_gets_the_whole_state(log: Log):
    asked: list[str | None] = []

    async def script(request: Request) -> None:
        asked.append(request.cursor)
        await request.open_stream()
        await request.raw(b": hello\n\n")
        if request.cursor is None:
            await request.raw(log.reset_frame())
        if len(asked) == 1:
            rename(log, 1)
            rename(log, 2)
        if len(asked) < 3:
            await request.raw(log.frame(3))
        await request.until_closed()

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.confirmed is not None and live.confirmed.name == "Trip 2")
        assert asked == [None, log.cursor(1), None]
        assert server.most_open == 1


async def test_an_event_of_a_newer_server_is_answered_by_reading_the_state_again(log: Log):
    async def script(request: Request) -> None:
        await request.open_stream()
        await request.raw(b": hello\n\n" + log.reset_frame())
        if len(server.requests) == 1:
            await asyncio.sleep(0.25)
            rename(log, 1)
            await request.raw(log.frame(2).replace(b"TripEdited", b"HotAirBalloon"))
        await request.until_closed()

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.confirmed is not None and live.confirmed.name == "Trip 1")
        assert not live.predicting
        assert [r.cursor for r in server.requests] == [None, None]


async def test_a_listener_that_fails_stops_neither_the_others_nor_the_sync(log: Log, caplog: pytest.LogCaptureFixture):
    async with serving(lambda r: log.follow(r)) as server:
        person = Person(server)
        live = person.client.follow("t")

        def broken(change: rc.Change) -> None:
            raise ZeroDivisionError

        heard: list[rc.Change] = []
        live.listen(broken)
        end = live.listen(heard.append)
        async with live:
            await until(lambda: live.confirmed)
            end()
            count = len(heard)
            rename(log, 1)
            await until(lambda: live.confirmed == log.state)
        assert len(heard) == count > 0
        await person.client.close()
    assert "a listener failed" in caplog.text


async def test_a_batch_that_breaks_in_the_middle_is_applied_once(log: Log):
    """The first events of the batch are applied, the last is cut out: the next batch begins with them again."""
    calls = 0

    async def script(request: Request) -> None:
        nonlocal calls
        if request.streams:
            return await request.answer(500)
        calls += 1
        batch = log.batch(request.cursor)
        if calls == 2:
            events = batch["events"]
            assert isinstance(events, list)
            del events[1]
        await request.answer(200, batch)

    seen: list[int] = []
    async with serving(script) as server, Person(server) as live:
        live.listen(lambda c: seen.extend(e.seq for e in c.events))
        await until(lambda: live.confirmed)
        for n in range(3):
            rename(log, n)
        await until(lambda: live.confirmed == log.state)
    assert seen == sorted(set(seen))


async def test_frames_about_something_else_change_nothing(log: Log):
    other = Log("other")

    async def script(request: Request) -> None:
        await request.open_stream()
        await request.raw(log.reset_frame() + other.reset_frame().replace(other.cursor().encode(), b"x"))
        await request.raw(b'event: gone\ndata: {"topic":"trip:other","reason":"removed"}\n\n')
        rename(log, 1)
        await request.raw(log.frame(2))
        await request.until_closed()

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.confirmed == log.state)
        assert live.status.state == "live"


async def test_a_cursor_that_would_break_a_header_is_not_sent_back(log: Log):
    async def script(request: Request) -> None:
        if request.streams:
            return await request.answer(500)
        await request.answer(200, {**log.batch(request.cursor), "cursor": "a\r\nX-Evil: 1"})

    async with serving(script) as server, Person(server) as live:
        await until(lambda: len([r for r in server.requests if not r.streams]) > 2)
        assert all(r.cursor is None for r in server.requests)
        assert live.confirmed == log.state


# R: F3
async def test_who_is_here_is_told_again_after_it_was_told_by_the_other_transport(log: Log):
    """A poll's tag stands for what that poll said; once a stream has said something else, it must not be sent."""
    streams_work = False

    def present(*who: str) -> list[dict[str, object]]:
        return [{"topic": "trip:t", "present": [{"id": w, "where": "polls"} for w in who]}]

    async def script(request: Request) -> None:
        if request.streams and streams_work:
            await request.open_stream()
            body = json.dumps(present("ana", "ben")[0]).encode()
            await request.raw(b": hello\n\nevent: presence\ndata: " + body + b"\n\n")
            await request.until_closed()
        elif request.streams:
            await request.answer(500)
        elif request.query.get("presenceTag") == ["ana-only"]:
            await request.answer(204)
        else:
            batch = log.batch(request.cursor)
            await request.answer(200, {**batch, "presence": present("ana"), "presenceTag": "ana-only"})

    async with serving(script) as server, Person(server) as live:
        await until(lambda: dict(live.present) == {"ana": "polls"})
        streams_work = True
        await until(lambda: "ben" in live.present)
        streams_work = False
        (stream,) = [r for r in server.requests if r.streams and not r.writer.is_closing()]
        stream.writer.transport.abort()
        await until(lambda: dict(live.present) == {"ana": "polls"})
        live.suspended()
        assert live.present == {}, "nobody can say who does not ask"
        live.resumed()
        await until(lambda: dict(live.present) == {"ana": "polls"})


# R: S1
async def test_an_event_that_is_told_twice_happens_once_and_costs_no_reconnect(log: Log):
    async def script(request: Request) -> None:
        await request.open_stream()
        await request.raw(log.reset_frame())
        rename(log, 1)
        rename(log, 2)
        for seq in (1, 2, 2, 1, 3):
            await request.raw(log.frame(seq))
        await request.until_closed()

    async with serving(script) as server, rc.Client(server.url, token="token", settings=FAST) as client:
        events = client.events("t")
        items = [await anext(events) for _ in range(3)]
        assert [item.seq for item in items if not isinstance(item, rc.Presence | rc.Gone)] == [1, 2, 3]
        assert len(server.requests) == 1
        await events.aclose()


# R: S1 S4 S6 S7
@pytest.mark.timeout(900)
async def test_in_any_weather_the_picture_is_right_in_the_end_and_nothing_is_doubled(count: Count, figure: Figure):
    seeds = count(reduced=8, full=200)
    requests = 0
    for seed in range(seeds):
        requests += await weather(random.Random(seed))
    figure("rounds of bad weather, all with the right picture in the end", f"{seeds}, {requests} requests")


async def weather(dice: random.Random) -> int:
    log, bad = Log(), True

    async def script(r: Request) -> None:
        how = dice.random() if bad else 1.0
        if how < 0.1:
            return r.writer.transport.abort()
        if how < 0.2:
            return await r.answer(dice.choice([500, 502, 503]), b"<html>")
        if how < 0.25:
            return await r.answer(200, b"<html>a hotel's sign-in page</html>")
        if r.method == "POST":
            log.do(Command(r.headers["idempotency-key"], "ana", EditTrip(name=r.body.decode().split('"')[-2])))
            return r.writer.transport.abort() if how < 0.6 else await r.answer(200, log.answer())
        if not r.streams:
            return await log.poll(r)
        if how < 0.35:
            await r.open_stream()  # and hold everything back
            return await r.until_closed()
        if how < 0.8:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(dice.random() * 0.3):
                    await log.follow(r)
            if dice.random() < 0.3 and not r.writer.is_closing():
                await r.raw(log.frame(len(log.events) - 1)[: dice.randrange(80)])
            return r.writer.transport.abort()
        return await log.follow(r)

    settings = replace(FAST, prove_within=0.05, short_close=0.02, probe_after=0.1)
    async with serving(script) as server, Person(server, settings) as live:
        seen: list[int] = []
        live.listen(lambda c: seen.extend(e.seq for e in c.events))
        pendings = []
        for n in range(12):
            await asyncio.sleep(dice.random() * 0.06)
            match dice.randrange(6):
                case 0:
                    live.suspended()
                case 1 | 2:
                    live.resumed()
                case 3:
                    rename(log, n)
                case _:
                    pendings.append(live.act(EditTrip(name=f"Mine {n}")))
        bad = False
        live.resumed()
        await until(lambda: live.confirmed == log.state and not live.pending, 10)
        assert live.trip == log.state
        assert seen == sorted(set(seen))
        assert server.most_open == 1
        assert all(p.done.result().accepted for p in pendings)
        made = [e.command for e in log.events if e.command in {p.id for p in pendings}]
        assert made == [p.id for p in pendings]
        return len(server.requests)


# R: S8
async def test_retry_after_is_obeyed_by_who_tells_where_somebody_looks(log: Log):
    async def script(request: Request) -> None:
        if request.method == "POST":
            return await request.problem(429, "too-many-requests", retryAfter=60)
        await log.follow(request)

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.status.state == "live")
        for tab in ("polls", "hotels", "overview"):
            live.look(tab)
            await asyncio.sleep(0.1)
        assert len(server.asked("/api/sync/where")) == 1


# R: S2
async def test_another_pace_holds_for_what_is_followed_already_and_for_what_will_be(log: Log):
    async def script(request: Request) -> None:
        if request.streams:
            return await request.answer(406, {})
        await log.poll(request)

    async with serving(script) as server:
        person = Person(server)
        async with person as live:
            await until(lambda: live.status.state == "polling")
            person.client.pace(30.0, 60.0)
            await until(lambda: live.status.interval == 30.0)
            async with person.client.follow("t") as other:
                await until(lambda: other.status.state == "polling" and other.status.interval == 30.0)
            with pytest.raises(ValueError, match="no pace"):
                person.client.pace(10.0, 5.0)
