"""When following ends or pauses: a trip that is gone, a session that is over, nobody looking, a stop at any moment."""

import asyncio
import contextlib

import pytest
from tests.api_client.followers import Person, rename
from tests.api_client.scripted import ANA, FAST, Log, Request, serving, until

import roadcrew_client as rc
from roadcrew_client.settings import ServerTime, SystemClock
from roadcrew_client.transport import HttpTransport
from roadcrew_domain import polls
from roadcrew_domain.trip import Command, EditTrip

pytestmark = pytest.mark.usefixtures("no_task_is_left")


# R: T6
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [(403, "not-a-member", "forbidden"), (404, "unknown-trip", "unknown"), (410, "trip-ended", "ended")],
)
async def test_a_trip_that_may_not_be_read_is_gone_and_not_asked_for_again(status: int, code: str, reason: str):
    async with serving(lambda r: r.problem(status, code)) as server:
        person = Person(server)
        async with person as live:
            await until(lambda: live.status.state == "gone")
            assert [c.reason for c in person.changes if c.kind == "gone"] == [reason]
            await asyncio.sleep(0.1)
            assert len(server.requests) == 1


async def test_a_not_found_that_no_roadcrew_server_wrote_is_not_believed(log: Log):
    async def script(request: Request) -> None:
        if len(server.requests) == 1:
            return await request.answer(404, b"<html>no such backend</html>")
        return await log.follow(request)

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.status.state == "live")


# R: T6
async def test_the_last_frame_is_the_removal_and_then_it_is_gone(log: Log):
    async def script(request: Request) -> None:
        await request.open_stream()
        await request.raw(log.reset_frame() + b'event: gone\ndata: {"topic":"trip:t","reason":"removed"}\n\n')

    async with serving(script) as server:
        person = Person(server)
        async with person as live:
            await until(lambda: live.status.state == "gone")
            assert [c.reason for c in person.changes if c.kind == "gone"] == ["removed"]
            assert live.confirmed is not None


# R: T6
async def test_the_connection_of_a_trip_that_is_gone_is_closed(log: Log):
    async def script(request: Request) -> None:
        await request.open_stream()
        await request.raw(log.reset_frame() + b'event: gone\ndata: {"topic":"trip:t","reason":"removed"}\n\n')
        await request.until_closed()

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.status.state == "gone")
        await until(lambda: server.open == 0)


async def test_a_stream_that_is_given_up_while_it_is_being_closed_is_closed_all_the_same(log: Log):
    async with serving(log.follow) as server:
        transport = HttpTransport(server.url, FAST, ServerTime(SystemClock()))

        async def listen() -> None:
            listening = asyncio.current_task()
            assert listening is not None
            async with transport.stream("/api/sync"):
                asyncio.get_running_loop().call_soon(listening.cancel)

        for _ in range(70):  # more than the client has connections
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(asyncio.ensure_future(listen()), 5)
        await until(lambda: server.open == 0)
        await transport.close()


async def test_a_session_that_is_over_stops_asking_and_keeps_what_waits_until_signed_in_again(log: Log):
    good = "token-2"

    async def script(request: Request) -> None:
        if request.path == "/api/session/login":
            return await request.answer(200, {"token": good, "user": ANA})
        if request.headers.get("authorization") != f"Bearer {good}":
            return await request.problem(401, "not-signed-in")
        if request.method == "POST":
            log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name="Porto")))
            return await request.answer(200, log.answer())
        return await log.follow(request)

    async with serving(script) as server:
        person = Person(server)
        tokens: list[str | None] = []
        person.client.on_token = tokens.append
        async with person as live:
            await until(lambda: live.status.state == "signed-out")
            pending = live.act(EditTrip(name="Porto"))
            asked = len(server.requests)
            await asyncio.sleep(0.1)
            assert len(server.requests) <= asked + 1
            assert not pending.done.done()
            await person.client.login("ana", "secret-secret")
            await until(lambda: live.status.state == "live")
            assert (await asyncio.wait_for(pending.done, 5)).accepted
            assert tokens == [None, good]


# R: S2
async def test_hidden_means_no_requests_and_shown_means_one_catch_up(log: Log):
    async with serving(lambda r: log.follow(r) if r.streams else log.poll(r)) as server, Person(server) as live:
        await until(lambda: live.status.state == "live")
        live.hidden()
        await until(lambda: live.status.state == "paused")
        await until(lambda: server.open == 0)
        asked = len(server.requests)
        rename(log, 1)
        await asyncio.sleep(0.1)
        assert len(server.requests) == asked
        live.shown()
        await until(lambda: live.status.state == "live")
        assert live.confirmed == log.state
        assert [r.streams for r in server.requests[asked:]] == [False, True]


# R: S2
async def test_suspended_between_start_and_the_first_request_means_none(log: Log):
    async with serving(lambda r: log.follow(r) if r.streams else log.poll(r)) as server, Person(server) as live:
        live.suspended()
        await asyncio.sleep(0.1)
        assert (server.requests, live.status.state) == ([], "paused")
        live.resumed()
        await until(lambda: live.status.state == "live")


async def test_what_is_stopped_before_it_starts_asks_nothing(log: Log):
    async with serving(log.follow) as server:
        client = rc.Client(server.url, token="token", settings=FAST)
        live = client.follow("t")
        await live.stop()
        await live.start()
        early = client.follow("t")
        early._engine.stop()
        await early._engine.run()
        await asyncio.sleep(0.05)
        assert server.requests == []
        await client.close()


async def test_stopping_in_any_state_ends_every_task_and_every_wait(log: Log):
    async def never(request: Request) -> None:
        await asyncio.Event().wait()

    for script in (never, lambda r: log.follow(r), lambda r: r.answer(500)):
        async with serving(script) as server:
            person = Person(server)
            async with person as live:
                pending = live.act(polls.OpenPoll("When?", "single", ("a", "b")))
                await until(lambda: server.requests)
            assert pending.done.cancelled() or pending.done.done()
            with pytest.raises(asyncio.CancelledError):
                await pending.done


async def test_events_of_topics_come_as_an_iterator_that_ends_when_they_are_gone(log: Log):
    async def script(request: Request) -> None:
        await request.open_stream()
        rename(log, 1)
        reset = log.reset_frame()
        rename(log, 2)
        await request.raw(reset + log.frame(len(log.events) - 1))
        await request.raw(b'event: gone\ndata: {"topic":"trip:t","reason":"ended"}\n\n')

    async with serving(script) as server, rc.Client(server.url, token="token", settings=FAST) as client:
        kinds = [type(item).__name__ async for item in client.events("t")]
        assert kinds == ["Reset", "Event", "Gone"]


async def test_events_without_a_session_raise(log: Log):
    async with (
        serving(lambda r: r.problem(401, "not-signed-in")) as server,
        rc.Client(server.url, token="token", settings=FAST) as client,
    ):
        with pytest.raises(rc.NotSignedIn):
            async for _ in client.events("t"):
                pass


async def test_leaving_the_iterator_early_ends_the_stream(log: Log):
    async with serving(log.follow) as server, rc.Client(server.url, token="t", settings=FAST) as client:
        events = client.events("t")
        async for _ in events:
            break
        await events.aclose()
        await until(lambda: server.open == 0)
