"""What is measured of a followed trip: counted right, in rings that have an end, and read without doing anything."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.api_client.scripted import ANA, FAST, Log, Request, serving, until

import roadcrew_client as rc
from roadcrew_client import figures
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.figures import Recorder, Why
from roadcrew_client.routes import Call, act_of
from roadcrew_client.settings import ClientSettings, SystemClock
from roadcrew_client.sync import policy
from roadcrew_domain.trip import Command, EditTrip

NOON = datetime(2030, 5, 1, 12, tzinfo=UTC)
SETTINGS = ClientSettings()


class StoodClock(SystemClock):
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)


class Followed:
    """The policy with a recorder beside it, and no server."""

    def __init__(self) -> None:
        self.clock = StoodClock()
        self.recorder = Recorder(self.clock)
        self.state = policy.State()

    def tell(self, signal: policy.Signal, after: float = 1.0) -> None:
        self.clock.seconds += after
        before = self.state
        self.state, _ = policy.step(before, signal, self.clock.seconds, 0.5, SETTINGS)
        self.recorder.stepped(before, signal, self.state)

    def live(self) -> None:
        while self.state.out != "stream":
            poll = self.state.out == "poll"
            self.tell(policy.Polled(self.state.n, news=False) if poll else policy.Tick(), 60)
        self.tell(policy.Opened(self.state.n))
        self.tell(policy.Proven(self.state.n))

    @property
    def told(self) -> list[tuple[policy.Mode, Why]]:
        return [(move.mode, move.why) for move in self.recorder.moves]


@pytest.fixture
def followed() -> Followed:
    followed = Followed()
    followed.tell(policy.Started())
    return followed


# R: C10
def test_each_way_from_state_to_state_is_told_with_its_time_and_its_reason(followed: Followed):
    followed.live()
    followed.recorder.noted(RoadcrewError("unreachable", "The connection was cut."))
    followed.tell(policy.Closed(followed.state.n, "cut"), 10)
    followed.live()
    assert followed.told == [
        ("connecting", "started"),
        ("live", "proven"),
        ("connecting", "cut"),
        ("live", "proven"),
    ]
    started, live, cut, _ = followed.recorder.moves
    assert (started.at, live.at - started.at, cut.at - live.at) == (
        NOON + timedelta(seconds=1),
        timedelta(seconds=2),
        timedelta(seconds=10),
    )
    assert [move.error for move in followed.recorder.moves] == [None, None, "The connection was cut.", None]


# R: C10
def test_a_link_that_was_lost_and_came_back_is_one_reconnect_and_no_switch(followed: Followed):
    followed.live()
    for _ in range(3):
        followed.tell(policy.Closed(followed.state.n, "cut"), 10)
        followed.live()
    assert (followed.recorder.reconnects, followed.recorder.switches) == (3, 0)
    assert followed.recorder.streams == 4


# R: C10
def test_a_proxy_that_holds_streams_back_is_one_switch_to_polling_and_one_back(followed: Followed):
    followed.live()
    followed.tell(policy.Closed(followed.state.n, "cut"), 10)
    while followed.state.mode != "polling":
        if followed.state.out == "stream":
            followed.tell(policy.Opened(followed.state.n), 0)
        followed.tell(policy.Tick(), 4)
    assert followed.told[-1] == ("polling", "unproven")
    assert (followed.recorder.reconnects, followed.recorder.switches) == (1, 1)
    followed.tell(policy.Polled(followed.state.n, news=False))
    assert followed.state.probe_at is not None
    followed.live()
    assert followed.told[-1] == ("live", "proven")
    assert (followed.recorder.reconnects, followed.recorder.switches) == (1, 2)
    assert followed.recorder.polls >= 1


# R: C10
def test_who_looked_away_has_lost_nothing(followed: Followed):
    followed.live()
    followed.tell(policy.Hidden(at_once=True))
    followed.tell(policy.Shown())
    followed.tell(policy.Polled(followed.state.n, news=False))
    followed.live()
    assert ("paused", "hidden") in followed.told
    assert ("connecting", "shown") in followed.told
    assert (followed.recorder.reconnects, followed.recorder.switches) == (0, 0)


# R: C10
def test_what_is_kept_has_an_end_and_it_is_the_newest_that_stays(followed: Followed):
    for n in range(3 * figures.MOVES):
        followed.live()
        followed.tell(policy.Closed(followed.state.n, "bye", wait=0.0), 10)
        followed.recorder.answered(float(n))
    for n in range(3 * figures.ANSWERS):
        followed.recorder.answered(float(n))
    log = Log()
    for n in range(3 * figures.EVENTS):
        log.do(Command(f"rename-{n}", "ana", EditTrip(name=f"Trip {n}")))
    for e in log.events:
        followed.recorder.took(e)
    assert len(followed.recorder.moves) == figures.MOVES
    assert list(followed.recorder.answers)[-1] == 3 * figures.ANSWERS - 1
    assert len(followed.recorder.answers) == figures.ANSWERS
    assert [e.seq for e in followed.recorder.events] == [e.seq for e in log.events[-figures.EVENTS :]]
    assert followed.recorder.frames == len(log.events)
    assert followed.recorder.reconnects == 3 * figures.MOVES - 1


# R: C10
async def test_a_trip_that_is_followed_tells_where_it_is_what_came_and_how_long_an_answer_took():
    log = Log()
    answered = asyncio.Event()

    async def script(request: Request) -> None:
        if request.streams:
            await log.follow(request)
        elif "idempotency-key" in request.headers:
            await answered.wait()
            log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name="Porto")))
            await request.answer(200, log.answer())
        else:
            await request.problem(404, "no-such")

    async with serving(script) as server:
        settings = replace(FAST, prove_within=5.0, call_timeout=10.0)
        client = rc.Client(server.url, token="secret-token", settings=settings)
        client._session.user = rc.User("ana", "Ana")
        async with client, client.follow("t") as live:
            await until(lambda: live.status.state == "live")
            before = live.figures()
            assert (before.state, before.transport, before.seq, before.epoch) == ("live", "stream", 1, "e")
            assert before.cursor == log.cursor()
            assert (before.waiting, before.oldest, before.answers, before.events) == (0, None, (), ())
            assert before.moves[-1].why == "proven"
            pending = live.act(EditTrip(name="Porto"))
            held = live.figures()
            assert held.waiting == 1
            assert held.oldest is not None
            assert abs((held.at - held.oldest).total_seconds()) < 5
            answered.set()
            await pending.done
            await until(lambda: not live.pending)
            await until(lambda: live.figures().answers)
            after = live.figures()
            assert (after.seq, after.waiting) == (2, 0)
            assert [(e.seq, e.type) for e in after.events] == [(2, "TripEdited")]
            assert len(after.answers) == 1
            assert after.frames == 2  # the state, and the event
            requests = len(server.requests)
            for _ in range(1000):
                live.figures()
            assert len(server.requests) == requests, "looking asks nobody"
            assert "secret-token" not in repr(asdict(after))


# R: C10
async def test_an_outage_is_told_with_the_servers_own_sentence_and_when_it_is_tried_again():
    async def script(request: Request) -> None:
        await request.answer(
            503, {"status": 503, "code": "busy", "detail": "Come back [b]later[/b]."}, Retry_After="30"
        )

    async with serving(script) as server:
        client = rc.Client(server.url, token="token", settings=FAST)
        client._session.user = rc.User("ana", "Ana")
        async with client, client.follow("t") as live:
            await until(lambda: live.figures().error is not None)
            await until(lambda: live.figures().next_in)
            seen = live.figures()
            assert seen.error is not None
            assert (seen.error.code, seen.error.words) == ("busy", "Come back [b]later[/b].")
            assert seen.next_in is not None
            assert 25 < seen.next_in < 31
            assert (seen.seq, seen.cursor) == (None, None)


@contextlib.asynccontextmanager
async def counted(port: int) -> AsyncIterator[tuple[str, dict[str, int]]]:
    """An address that leads to that port, and the bytes that went there and came from there."""
    seen = {"out": 0, "in": 0}
    tasks: set[asyncio.Task[None]] = set()

    async def carry(way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            seen[way] += len(data)
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        tasks.add(asyncio.create_task(carry("out", reader, back)))
        tasks.add(asyncio.create_task(carry("in", there, writer)))

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", seen
    finally:
        listening.close()
        await asyncio.wait(tasks, timeout=5)


# R: C10
async def test_bytes_are_counted_as_they_are_on_the_wire():
    log = Log()

    async def answer(request: Request) -> None:
        if request.path == "/api/session":
            await request.answer(200, {"user": ANA, "padding": "x" * 5000})
        elif request.path == "/api/sync/where":
            await request.answer(200, {})
        elif request.method == "POST":
            _, act = act_of(Call(request.path, request.body))
            log.do(Command(request.headers["idempotency-key"], "ana", act))
            await request.answer(200, log.answer())
        else:
            await log.follow(request)

    async with serving(answer) as server, counted(server.port) as (url, seen):
        async with rc.Client(url, token="token", settings=FAST) as client:
            await client.whoami()
            async with client.follow("t") as live:
                await until(lambda: live.status.state == "live")
                assert (await live.act(EditTrip(name="Porto" * 10)).done).accepted
                await until(lambda: not live.pending)
                await until(lambda: (client.figures.bytes_in, client.figures.bytes_out) == (seen["in"], seen["out"]))
        assert seen["in"] > 5000
        assert seen["out"] > 500
