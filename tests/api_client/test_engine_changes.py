"""Changes on a bad network, against scripted stand-ins: sent in order, once, confirmed or taken back."""

import asyncio
from dataclasses import replace

import pytest
from tests.api_client.followers import Person
from tests.api_client.scripted import FAST, Log, Request, serving, until

import roadcrew_client as rc
from roadcrew_domain.trip import Command, EditTrip

pytestmark = pytest.mark.usefixtures("no_task_is_left")


# R: S5
async def test_a_change_that_gets_no_answer_makes_it_look_whether_the_server_is_there(log: Log):
    gone = False

    async def script(request: Request) -> None:
        if request.streams and not gone:
            return await log.follow(request)
        await request.until_closed()  # a network that has gone says nothing

    quick = replace(FAST, heartbeat=60.0, call_timeout=0.2)
    async with serving(script) as server, Person(server, quick) as live:
        await until(lambda: live.status.state == "live")
        gone = True
        live.act(EditTrip(name="Porto"))
        await until(lambda: live.status.state == "offline")
        assert live.status.waiting == 1


# R: S2
async def test_who_gets_an_answer_elsewhere_waits_no_longer_for_the_trip(log: Log):
    there = False

    async def script(request: Request) -> None:
        if not there:
            return request.writer.close()
        if "sync" in request.path:
            return await log.follow(request)
        await request.answer(200, b"{}")

    patient = replace(FAST, backoff_base=3600.0, backoff_cap=3600.0, hurry=0.0)
    async with serving(script) as server:
        person = Person(server, patient)
        async with person as live:
            await until(lambda: live.status.state == "offline")
            there = True
            await person.client._session.call("GET", "/api/bookings/exhibitions")
            await until(lambda: live.status.state == "live")


# R: S7
async def test_a_change_whose_connection_died_is_sent_again_when_the_stream_is_back(log: Log):
    posts = cuts = 0

    async def script(request: Request) -> None:
        nonlocal posts, cuts
        if request.method == "POST":
            posts += 1
            if posts == 1:
                return await request.until_closed()  # what is sent here arrives nowhere
            log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name="Porto")))
            return await request.answer(200, log.answer())
        if cuts:
            return await log.follow(request)
        await request.open_stream()
        await request.raw(b": hello\n\n" + log.reset_frame())
        while not posts:  # noqa: ASYNC110 — the other request tells nobody
            await asyncio.sleep(0.01)
        cuts += 1

    async with serving(script) as server, Person(server, replace(FAST, call_timeout=30.0)) as live:
        await until(lambda: live.status.state == "live")
        assert (await asyncio.wait_for(live.act(EditTrip(name="Porto")).done, 3)).accepted
        assert (posts, cuts) == (2, 1)


# R: S6
async def test_a_change_whose_event_is_here_keeps_no_other_waiting_for_its_answer(log: Log):
    async def script(request: Request) -> None:
        if request.method != "POST":
            return await log.follow(request)
        log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name=request.body.decode()[-9:-2])))
        if log.state is not None and log.state.name == "Trip 00":
            await request.until_closed()  # the answer never comes
        await request.answer(200, log.answer())

    async with serving(script) as server, Person(server, replace(FAST, call_timeout=30.0)) as live:
        await until(lambda: live.status.state == "live")
        first, second = live.act(EditTrip(name="Trip 00")), live.act(EditTrip(name="Trip 01"))
        assert (await asyncio.wait_for(first.done, 2)).accepted
        assert (await asyncio.wait_for(second.done, 2)).accepted
        await until(lambda: not live.pending)
        assert len(server.asked("/api/social-cart/update")) == 2


# R: S7
async def test_changes_made_while_nobody_answers_are_sent_in_order_under_their_ids(log: Log):
    down = True
    keys: list[str] = []

    async def script(request: Request) -> None:
        if down:
            request.writer.transport.abort()
        elif request.method == "POST":
            keys.append(request.headers["idempotency-key"])
            log.do(Command(keys[-1], "ana", EditTrip(name=request.body.decode().split('"name":"')[1].split('"')[0])))
            await request.answer(200, log.answer())
        else:
            await log.follow(request)

    async with serving(script) as server, Person(server) as live:
        pendings = [live.act(EditTrip(name=f"Name {n}")) for n in range(5)]
        await until(lambda: live.status.state in ("offline", "polling"))
        assert live.status.waiting == 5
        down = False
        outcomes = await asyncio.wait_for(asyncio.gather(*(p.done for p in pendings)), 5)
        assert all(o.accepted for o in outcomes)
        await until(lambda: not live.pending)
        assert list(dict.fromkeys(keys)) == [p.id for p in pendings]
        assert live.status.waiting == 0


# R: S7
async def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(log: Log):
    tries: list[Request] = []

    async def script(request: Request) -> None:
        if request.method != "POST":
            return await log.follow(request)
        tries.append(request)
        if len(tries) == 1:
            return request.writer.transport.abort()  # it was done, or not: nobody knows
        if len(tries) == 2:
            return await request.answer(502, b"<html>bad gateway</html>")
        if len(tries) == 3:
            return await request.answer(200, b"<html>please sign in to this hotel's network</html>")
        if len(tries) == 4:
            return await request.problem(429, "too-many-requests", retryAfter=0.01)
        log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name="Porto")))
        await request.answer(200, log.answer())

    async with serving(script) as server, Person(server) as live:
        pending = live.act(EditTrip(name="Porto"))
        assert (await asyncio.wait_for(pending.done, 5)).accepted
        assert {r.headers["idempotency-key"] for r in tries} == {pending.id}
        assert len({r.body for r in tries}) == 1
        assert server.open <= 1


# R: S7
async def test_the_event_alone_confirms_a_change_whose_answer_never_comes(log: Log):
    async def script(request: Request) -> None:
        if request.method != "POST":
            return await log.follow(request)
        log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name="Porto")))
        request.writer.transport.abort()

    async with serving(script) as server, Person(server) as live:
        await until(lambda: live.confirmed)
        pending = live.act(EditTrip(name="Porto"))
        assert (await asyncio.wait_for(pending.done, 5)).accepted
        await until(lambda: not live.pending)
        await until(lambda: not live._pendings.sender._queue)
        assert len(server.asked("/api/social-cart/update")) <= 2


# R: S6
async def test_a_refused_change_is_taken_back_and_the_next_is_sent(log: Log):
    async def script(request: Request) -> None:
        if request.method != "POST":
            return await log.follow(request)
        if b"Porto" in request.body:
            return await request.problem(409, "voting-open", tied=["a"])
        log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name="Faro")))
        await request.answer(200, log.answer())

    async with serving(script) as server:
        person = Person(server)
        async with person as live:
            await until(lambda: live.confirmed)
            first, second = live.act(EditTrip(name="Porto")), live.act(EditTrip(name="Faro"))
            assert live.trip is not None
            assert live.trip.name == "Faro"
            outcome = await asyncio.wait_for(first.done, 5)
            assert outcome.refusal is not None
            assert (outcome.refusal.code, outcome.refusal.facts) == ("voting-open", {"tied": ["a"]})
            assert (await asyncio.wait_for(second.done, 5)).accepted
            assert [c.refusal.code for c in person.changes if c.refusal] == ["voting-open"]


async def test_too_many_changes_that_wait_are_refused_at_once(log: Log):
    async with serving(lambda r: r.answer(503)) as server, Person(server, replace(FAST, max_pending=3)) as live:
        for n in range(3):
            live.act(EditTrip(name=f"{n}"))
        with pytest.raises(rc.TooManyRequests):
            live.act(EditTrip(name="x"))
        assert live.status.waiting == 3


# R: S5
async def test_a_change_that_has_arrived_can_be_dropped_no_more_and_nothing_is_counted_wrong(log: Log):
    quiet = asyncio.Event()

    async def script(request: Request) -> None:
        if request.method == "POST":
            log.do(Command(request.headers["idempotency-key"], "ana", EditTrip(name="Porto")))
            return await request.answer(200, log.answer())
        await request.open_stream()
        await request.raw(b": hello\n\n" + log.reset_frame())
        await quiet.wait()
        await request.raw(log.frame(len(log.events) - 1))
        await request.until_closed()

    async with serving(script) as server:
        person = Person(server, replace(FAST, prove_within=5.0, heartbeat=60.0))
        async with person as live:
            await until(lambda: live.status.state == "live")
            pending = live.act(EditTrip(name="Porto"))
            assert (await asyncio.wait_for(pending.done, 5)).accepted
            live.withdraw([pending.id], rc.RoadcrewError("dropped", "You took that back."))
            assert live.trip is not None
            assert live.trip.name == "Porto"
            assert live.status.waiting == 0
            quiet.set()
            await until(lambda: not live.pending)
            assert live.status.waiting == 0
            assert "dropped" not in {change.kind for change in person.changes}
