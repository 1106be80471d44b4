"""Waiting until a new session can be used: the ladder by a virtual clock, the rest with scripted and real servers."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.api_client.scripted import ANA, FAST, Log, Request, serving, until
from tests.conftest import Figure
from tests.support.serving import served

import roadcrew_client as rc
from roadcrew_client.settings import SystemClock
from roadcrew_client.waiting import wait_for_session, waits
from roadcrew_domain.trip import EditTrip

LADDER = [1.5, 2.25, 3.375, 5, 5]
LADDER_SECONDS = 17.125
WITHIN = 0.1
"""The share by which a measured time may be off."""


class JumpingClock(SystemClock):
    """Nobody waits: time jumps to where a sleep would end. Remembers the sleeps."""

    def __init__(self) -> None:
        self.at = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


def info() -> dict[str, object]:
    return {"user": ANA, "expiresAt": (datetime.now(UTC) + timedelta(days=90)).isoformat()}


class Looking:
    """Sees these, one after the other, and then the last one again and again; notes when."""

    def __init__(self, clock: JumpingClock, *seen: rc.RoadcrewError | None) -> None:
        self.clock, self.seen = clock, list(seen)
        self.times: list[float] = []

    async def __call__(self) -> rc.RoadcrewError | None:
        self.times.append(self.clock.monotonic() - 100.0)
        return self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]


NOT_READY = rc.SessionNotReady("session-not-ready", "Not yet.", status=401)
SIGNED_OUT = rc.NotSignedIn("not-signed-in", "Sign in.", status=401)
NO_NETWORK = rc.Unreachable("cut", "The connection was cut.")
TROUBLE = rc.ServerTrouble("http-503", "The server is in trouble.", status=503, retry_after=1)
ASKS_FOR_TIME = rc.TooManyRequests("too-many-requests", "Later.", status=429, retry_after=60)


# R: C4
def test_the_waits_are_half_as_long_again_each_time_and_five_seconds_at_most():
    assert list(waits()) == LADDER
    assert sum(waits()) == LADDER_SECONDS
    assert list(waits(3, 0.5)) == [0.5, 0.75, 1.125]
    assert waits(0) == ()


# R: C4 C10
@pytest.mark.parametrize("ready_at", range(6))
@pytest.mark.parametrize("before", [NOT_READY, SIGNED_OUT, NO_NETWORK, TROUBLE], ids=["early", "401", "cut", "503"])
async def test_it_looks_at_once_and_after_each_wait_until_the_session_can_be_used(
    ready_at: int, before: rc.RoadcrewError
):
    clock, told = JumpingClock(), list[rc.Look]()
    look = Looking(clock, *[before] * ready_at, None)
    ready = await wait_for_session(look, clock=clock, progress=told.append)
    assert clock.slept == LADDER[:ready_at]
    assert look.times == [sum(LADDER[:n]) for n in range(ready_at + 1)]
    assert ready == rc.SessionReady(ready_at + 1, sum(LADDER[:ready_at]))
    assert [(t.number, t.of, t.waited) for t in told] == [(n + 1, 6, sum(LADDER[:n])) for n in range(ready_at + 1)]
    assert [t.next_wait for t in told] == [*LADDER[:ready_at], None]
    assert told[-1].seen == "ready"
    assert len({t.seen for t in told[:-1]}) == min(1, ready_at)


# R: C4
async def test_after_the_sixth_look_it_is_said_clearly_that_the_session_is_not_ready(figure: Figure):
    clock, told = JumpingClock(), list[rc.Look]()
    look = Looking(clock, NOT_READY)
    with pytest.raises(rc.SessionNotReady) as caught:
        await wait_for_session(look, clock=clock, progress=told.append)
    assert (len(look.times), sum(clock.slept)) == (6, LADDER_SECONDS)
    assert [t.seen for t in told] == ["not-ready"] * 6
    assert told[-1].next_wait is None
    assert caught.value.code == "session-not-ready"
    assert caught.value.detail.startswith("The server has not finished signing you in.")
    assert caught.value.facts == {"attempts": 6, "seconds": LADDER_SECONDS}
    figure("s of waiting before it is given up", sum(clock.slept))


# R: C4 C8
@pytest.mark.parametrize("last", [NO_NETWORK, TROUBLE])
async def test_who_got_no_answer_to_the_last_look_hears_that_instead(last: rc.RoadcrewError):
    clock = JumpingClock()
    with pytest.raises(type(last)):
        await wait_for_session(Looking(clock, NOT_READY, last), clock=clock)
    assert clock.slept == LADDER


# R: S8
async def test_a_server_that_asks_for_more_time_than_the_next_wait_is_not_asked_again():
    clock = JumpingClock()
    with pytest.raises(rc.TooManyRequests):
        await wait_for_session(Looking(clock, NOT_READY, ASKS_FOR_TIME), clock=clock)
    assert clock.slept == LADDER[:1]


# --- what a look is ------------------------------------------------------------------------------


class Slow:
    """A stand-in for a server whose sessions can't be used at first: `who` and `cart` are the answers to the looks, one
    after the other; None is a good one, a number a status, `cut` a connection that breaks."""

    def __init__(self, who: list[object], cart: list[object]) -> None:
        self.answers = {"/api/session": who, "/api/cart/load": cart}
        self.asked: list[str] = []

    async def script(self, request: Request) -> None:
        assert request.headers["authorization"] == "Bearer t"
        self.asked.append(request.path)
        answers = self.answers[request.path]
        match answers.pop(0) if len(answers) > 1 else answers[0]:
            case None:
                await request.answer(200, info())
            case "cut":
                request.writer.transport.abort()
            case int(status):
                await request.problem(status, "session-not-ready" if status == 401 else "whatever")
            case body:
                await request.answer(200, body)


WHO, CART = "/api/session", "/api/cart/load"


# R: C4
@pytest.mark.parametrize(
    ("who", "cart", "asked"),
    [
        ([None], [None], [WHO, CART]),
        ([None], [404], [WHO, CART]),
        ([None], [403], [WHO, CART]),
        ([None], [503], [WHO, CART]),
        ([None], [302], [WHO, CART]),
        ([None], [b"<html>"], [WHO, CART]),
        ([401, None], [404], [WHO, WHO, CART]),
        (["cut", 401, None], [404], [WHO, WHO, WHO, CART]),
        ([None], [401, 404], [WHO, CART, WHO, CART]),
        ([None], ["cut", 404], [WHO, CART, WHO, CART]),
        ([503, None], [404], [WHO, WHO, CART]),
        ([{}, {"user": None}, None], [404], [WHO, WHO, WHO, CART]),
    ],
)
async def test_ready_is_a_session_with_a_user_and_a_cart_call_that_is_answered(
    who: list[object], cart: list[object], asked: list[str]
):
    slow, clock = Slow(who, cart), JumpingClock()
    async with serving(slow.script) as server, rc.Client(server.url, token="t", clock=clock) as client:
        ready = await client.wait_for_session()
        assert slow.asked == asked
        assert ready.attempts == asked.count(WHO)
        assert client.user == rc.User("ana", "Ana", None, True)
        assert (client.figures.session_attempts, client.figures.session_seconds) == (ready.attempts, ready.seconds)


# R: C4
async def test_a_look_that_gets_no_answer_ends_in_time():
    async def silent(_: Request) -> None:
        await asyncio.Event().wait()

    settings = replace(FAST, session_look=0.05)
    clock = JumpingClock()
    async with serving(silent) as server, rc.Client(server.url, token="t", clock=clock, settings=settings) as client:
        began = time.monotonic()
        with pytest.raises(rc.Unreachable):
            await client.wait_for_session()
        assert time.monotonic() - began < 2
        assert clock.slept == LADDER


async def test_who_has_no_token_does_not_wait_for_a_session():
    clock = JumpingClock()
    async with rc.Client("http://127.0.0.1:1", clock=clock) as client:
        with pytest.raises(rc.NotSignedIn):
            await client.wait_for_session()
        assert clock.slept == []
        assert client.figures.sessions_given_up == 0


# --- "not yet" is not "no more" ------------------------------------------------------------------


# R: C4
@pytest.mark.parametrize("code", ["session-not-ready", "not-signed-in"])
async def test_waiting_in_vain_costs_no_token_and_asks_for_no_other(code: str):
    clock = JumpingClock()
    async with (
        serving(lambda r: r.problem(401, code)) as server,
        rc.Client(server.url, token="t", token_since=datetime.now(UTC) - timedelta(days=9), clock=clock) as client,
    ):
        told: list[str | None] = []
        client.on_token = told.append
        for _ in range(2):
            with pytest.raises(rc.SessionNotReady):
                await client.wait_for_session()
        assert (client.token, told) == ("t", [])
        assert {r.path for r in server.requests} == {WHO}
        figures = client.figures
        assert (figures.session_attempts, figures.session_seconds, figures.sessions_given_up) == (None, None, 2)


# R: C4 C5
@pytest.mark.parametrize(
    "call",
    [rc.Client.trips, rc.Client.whoami, rc.Client.logout, lambda client: client.join("K7QM-2D4F")],
    ids=["trips", "whoami", "logout", "join"],
)
async def test_a_call_that_comes_too_early_costs_neither_the_token_nor_a_second_attempt(
    call: Callable[[rc.Client], object],
):
    async with (
        serving(lambda r: r.problem(401, "session-not-ready")) as server,
        rc.Client(server.url, token="t", settings=FAST) as client,
    ):
        told: list[str | None] = []
        client.on_token = told.append
        with pytest.raises(rc.SessionNotReady):
            await call(client)  # type: ignore[misc]
        assert (client.token, told) == ("t", [])
        assert len(server.requests) == 1


async def test_the_token_that_another_terminal_has_just_got_is_taken_over_when_it_can_be_used():
    ready = False

    async def script(request: Request) -> None:
        if request.headers["authorization"] == "Bearer old":
            return await request.problem(401, "not-signed-in")
        if not ready:
            return await request.problem(401, "session-not-ready")
        return await request.answer(200, info() if request.path == WHO else {"trips": []})

    async def kept() -> str:
        return "newer"

    async with (
        serving(script) as server,
        rc.Client(server.url, token="old", settings=FAST, reload_token=kept) as client,
    ):
        told: list[str | None] = []
        client.on_token = told.append
        with pytest.raises(rc.SessionNotReady):
            await client.trips()
        assert told == []
        ready = True
        assert await client.trips() == []
        assert (client.token, told) == ("newer", [])


# R: C4 S7
async def test_what_is_followed_and_changed_too_early_goes_on_by_itself(tmp_path: Path):
    async with served(tmp_path) as running:
        async with rc.Client(running.url) as client:
            await client.signup("ana", "correct horse battery", "Ana")
            trip = (await client.create_trip("Lisbon")).trip.id
        slow = running.server.settings.model_copy(update={"session_delay": 0.5})
        running.server.sessions._settings = slow
        async with rc.Client(running.url, settings=FAST) as client:
            tokens: list[str | None] = []
            client.on_token = tokens.append
            await client.login("ana", "correct horse battery")
            async with client.follow(trip) as live:
                modes: list[str] = []
                live.listen(lambda _: modes.append(live.status.state))
                pending = live.act(EditTrip(name="Porto"))
                await until(lambda: live.status.state == "live" and pending.done.done())
                assert pending.done.result().accepted
                assert live.trip is not None
                assert live.trip.name == "Porto"
                assert "signed-out" not in modes
        assert len(tokens) == 1


# --- somebody else -------------------------------------------------------------------------------


# R: C3 C8
async def test_what_one_person_left_unsent_is_not_sent_in_the_name_of_the_next():
    log = Log()
    good = {"a": "ana"}

    async def script(request: Request) -> None:
        if request.path == "/api/session/login":
            token = {"ana": "a2", "ben": "b"}[request.body.decode().split('"username":"')[1].split('"')[0]]
            good[token] = "ben" if token == "b" else "ana"
            return await request.answer(200, {"token": token, **info(), "user": {**ANA, "id": good[token]}})
        token = request.headers["authorization"].removeprefix("Bearer ")
        if token not in good:
            return await request.problem(401, "not-signed-in")
        if request.method == "POST" and request.path.endswith("update"):
            return await request.answer(200, log.answer())
        if request.path == "/api/sync":
            return await log.follow(request)
        return await request.answer(200, {**info(), "user": {**ANA, "id": good[token]}})

    for who, sent in (("ben", 0), ("ana", 1)):
        good.clear()
        good["a"] = "ana"
        async with (
            serving(script) as server,
            rc.Client(server.url, token="a", settings=FAST) as client,
            client.follow("t") as live,
        ):
            await until(lambda: live.status.state == "live" and client.user)
            good.clear()
            live.suspended()
            live.resumed()
            await until(lambda: live.status.state == "signed-out")
            pending = live.act(EditTrip(name="Porto"))
            await client.login(who, "correct horse battery")
            await until(pending.done.done)
            outcome = pending.done.result()
            assert outcome.accepted == bool(sent)
            assert sent or (outcome.refusal is not None and outcome.refusal.code == "another-person")
            await until(lambda: live.status.state == "live")
            assert len(server.asked("/api/social-cart/update")) == sent


async def test_a_call_that_was_begun_by_one_person_is_not_repeated_as_another():
    asked: list[str] = []
    waiting = asyncio.Event()

    async def script(request: Request) -> None:
        if request.path.endswith("login"):
            return await request.answer(200, {"token": "b", **info(), "user": {**ANA, "id": "ben"}})
        asked.append(request.headers["authorization"])
        await waiting.wait()
        return await request.problem(401, "not-signed-in")

    async with serving(script) as server, rc.Client(server.url, token="a", settings=FAST) as client:
        client._session.user = rc.User("ana", "Ana")
        changing = asyncio.create_task(client.do("t", EditTrip(name="Porto")))
        await until(lambda: asked)
        await client.login("ben", "correct horse battery")
        waiting.set()
        with pytest.raises(rc.NotSignedIn):
            await changing
        assert asked == ["Bearer a"]
        assert client.token == "b"


# --- the real thing ------------------------------------------------------------------------------


# R: C4 C10
async def test_a_real_server_whose_sessions_never_can_be_used_is_given_up_when_the_ladder_ends(
    tmp_path: Path, full: bool, figure: Figure
):
    """With `--full` by the real clock, else by the virtual one."""
    clock = SystemClock() if full else JumpingClock()
    async with served(tmp_path, session_delay=3600) as running, rc.Client(running.url, clock=clock) as client:
        token = (await client.guest("Ana")).token
        looks: list[float] = []
        began = clock.monotonic()
        with pytest.raises(rc.SessionNotReady) as caught:
            await client.wait_for_session(progress=lambda _: looks.append(clock.monotonic() - began))
        took = clock.monotonic() - began
        assert LADDER_SECONDS <= took <= LADDER_SECONDS * (1 + WITHIN)
        for n, at in enumerate(looks[1:], 1):
            assert at == pytest.approx(sum(LADDER[:n]), rel=WITHIN)
        assert caught.value.facts["attempts"] == 6
        assert client.token == token
        figure(f"s until it was given up, {'real' if full else 'virtual'}", f"{took:.3f}")


# R: C4 C10
async def test_a_real_server_whose_sessions_take_a_while_is_waited_for(tmp_path: Path, figure: Figure):
    async with served(tmp_path, session_delay=0.3) as running, rc.Client(running.url) as client:
        await client.guest("Ana")
        told: list[rc.Look] = []
        ready = await client.wait_for_session(initial=0.2, progress=told.append)
        assert [t.seen for t in told] == ["not-ready", "not-ready", "ready"]
        assert 0.5 <= ready.seconds < 2
        assert (await client.create_trip("Lisbon")).trip.name == "Lisbon"
        figure("s until the session could be used", f"{client.figures.session_seconds:.3f}")
