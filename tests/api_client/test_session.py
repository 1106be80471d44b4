"""Renewal of tokens, with a real server and scripted stand-ins; hostile or broken answers to plain calls."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.api_client.scripted import ANA, FAST, Log, Request, serving, until
from tests.conftest import Figure
from tests.support.serving import Running, served

import roadcrew_client as rc
from roadcrew_client.settings import ServerTime, SystemClock
from roadcrew_domain.trip import EditTrip
from roadcrew_server.sessions import Issued
from roadcrew_server.sessions import Session as ServerSession

NOW = datetime.now(UTC)


def session(token: str, seconds: float) -> dict[str, object]:
    return {"token": token, "user": ANA, "expiresAt": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()}


async def test_a_token_that_ends_soon_is_renewed_once_however_many_calls_need_it():
    renewals = 0

    async def script(request: Request) -> None:
        nonlocal renewals
        match request.path:
            case "/api/session/guest":
                await request.answer(201, session("old", 100_000))
            case "/api/session/renew":
                renewals += 1
                await asyncio.sleep(0.05)
                await request.answer(200, session("new", 100_000))
            case _ if request.headers["authorization"] == "Bearer new":
                await request.answer(200, {"trips": []})
            case _:
                await request.problem(401, "not-signed-in")

    settings = replace(FAST, renew_before=1e9)
    async with serving(script) as server, rc.Client(server.url, settings=settings) as client:
        tokens: list[str | None] = []
        client.on_token = tokens.append
        await client.guest("Ana")
        client._session._lifetime = timedelta(days=365 * 100)
        await asyncio.gather(*(client.trips() for _ in range(10)))
        assert renewals == 1
        assert tokens == ["old", "new"]


class MovedClock(SystemClock):
    """The wall clock, and what is added to it."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with served(tmp_path) as running:
        yield running


AT_ONCE = 50


def count_renewals(running: Running, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whom the server gives a new token for an old one."""
    renew, renewed = running.server.sessions.renew, list[str]()

    async def counted(session: ServerSession) -> Issued:
        renewed.append(session.user.name)
        return await renew(session)

    monkeypatch.setattr(running.server.sessions, "renew", counted)
    return renewed


async def test_fifty_calls_near_the_end_of_a_session_cost_the_server_one_renewal(
    running: Running, monkeypatch: pytest.MonkeyPatch, figure: Figure
):
    renewed, clock = count_renewals(running, monkeypatch), MovedClock()
    async with rc.Client(running.url, clock=clock) as client:
        tokens: list[str | None] = []
        client.on_token = tokens.append
        session = await client.guest("Ana")
        assert session.expires_at is not None
        clock.ahead = session.expires_at - clock.now() - timedelta(minutes=30)
        assert client._session.is_near_end()
        await asyncio.gather(*(client.trips() for _ in range(AT_ONCE)))
        assert renewed == ["Ana"]
        assert len(tokens) == 2
        await client.trips()
        assert renewed == ["Ana"]
    figure(f"renewals for {AT_ONCE} calls at once", len(renewed))


async def test_fifty_calls_with_a_kept_token_that_is_a_day_old_cost_the_server_one_renewal(
    running: Running, monkeypatch: pytest.MonkeyPatch
):
    async with rc.Client(running.url) as client:
        token = (await client.guest("Ana")).token
    renewed = count_renewals(running, monkeypatch)
    async with rc.Client(running.url, token=token, token_since=NOW - timedelta(days=2)) as client:
        told: list[str | None] = []
        client.on_token = told.append
        await asyncio.gather(*(client.trips() for _ in range(AT_ONCE)))
        assert renewed == ["Ana"]
        assert told == [client.token]


async def test_fifty_calls_after_a_session_was_ended_elsewhere_lose_its_token_once_and_renew_nothing(
    running: Running, monkeypatch: pytest.MonkeyPatch
):
    async with rc.Client(running.url) as one:
        token = (await one.guest("Ana")).token
        renewed = count_renewals(running, monkeypatch)
        async with rc.Client(running.url, token=token, token_since=NOW) as client:
            told: list[str | None] = []
            client.on_token = told.append
            await client.whoami()
            await one.logout()
            answers = await asyncio.gather(*(client.trips() for _ in range(AT_ONCE)), return_exceptions=True)
            assert {type(a) for a in answers} == {rc.NotSignedIn}
            assert (client.token, told, renewed) == (None, [None], [])


class Tokens:
    """A stand-in for a server's sessions: who each good token belongs to; a renewed one is good no more."""

    def __init__(self, **good: str) -> None:
        self.good = good
        self.log = Log()

    async def script(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.good:
            return await request.problem(401, "not-signed-in")
        who = self.good[token]
        match request.path:
            case "/api/session/renew":
                del self.good[token]
                self.good["renewed"] = who
                return await request.answer(200, {**session("renewed", 7_776_000), "user": {**ANA, "id": who}})
            case "/api/session":
                body = {"user": {**ANA, "id": who}, "expiresAt": session("", 7_776_000)["expiresAt"]}
                return await request.answer(200, body)
            case "/api/sync":
                return await self.log.follow(request)
            case _:
                return await request.answer(200, {"trips": []})


@pytest.mark.parametrize(
    ("age", "kept", "renews", "renewed"),
    [
        (timedelta(days=2), True, True, True),
        (timedelta(hours=23), True, True, False),
        (timedelta(days=2), False, True, False),
        (timedelta(days=2), True, False, False),
    ],
)
async def test_by_default_a_kept_token_is_renewed_when_it_is_a_day_old(
    age: timedelta, kept: bool, renews: bool, renewed: bool
):
    async with (
        serving(Tokens(old="ana").script) as server,
        rc.Client(server.url, token="old", token_since=NOW - age, renews=renews) as client,
    ):
        told: list[str | None] = []
        if kept:
            client.on_token = told.append
        await client.trips()
        await client.trips()
        assert told == (["renewed"] if renewed else [])
        assert [r.path for r in server.requests].count("/api/session/renew") == int(renewed)


async def test_a_renewal_that_fails_costs_neither_the_token_nor_a_request_each_time():
    async def script(request: Request) -> None:
        await (request.answer(500) if request.path.endswith("renew") else request.answer(200, {"trips": []}))

    async with (
        serving(script) as server,
        rc.Client(server.url, token="old", token_since=NOW - timedelta(days=9)) as client,
    ):
        client.on_token = lambda _: None
        for _ in range(3):
            await client.trips()
        assert client.token == "old"
        assert [r.path for r in server.requests].count("/api/session/renew") == 1


async def test_a_token_that_another_terminal_has_renewed_is_taken_over_and_not_lost():
    tokens = Tokens(newer="ana")

    async def kept() -> str:
        return "newer"

    async with (
        serving(tokens.script) as server,
        rc.Client(server.url, token="over", settings=FAST, reload_token=kept) as client,
    ):
        told: list[str | None] = []
        client.on_token = told.append
        await asyncio.gather(*(client.trips() for _ in range(5)))
        assert (client.token, told) == ("newer", [])
        assert len(server.asked("/api/session")) == 1


async def test_what_is_followed_goes_on_with_the_token_that_another_terminal_has_renewed():
    tokens = Tokens(over="ana", newer="ana")

    async def kept() -> str:
        return "newer"

    async with (
        serving(tokens.script) as server,
        rc.Client(server.url, token="over", settings=FAST, reload_token=kept) as client,
        client.follow("t") as live,
    ):
        await until(lambda: live.status.state == "live" and client.user)
        del tokens.good["over"]
        live.suspended()
        live.resumed()
        await until(lambda: live.status.state == "live" and client.token == "newer")


async def test_the_token_of_another_person_is_not_taken_over():
    async def kept() -> str:
        return "theirs"

    async with (
        serving(Tokens(theirs="ben").script) as server,
        rc.Client(server.url, token="over", settings=FAST, reload_token=kept) as client,
    ):
        client._session.user = rc.User("ana", "Ana")
        with pytest.raises(rc.NotSignedIn):
            await client.trips()
        assert client.token is None


async def test_a_place_of_tokens_that_breaks_is_no_reason_to_break():
    async def kept() -> str:
        raise rc.CredentialsError("locked")

    async with (
        serving(Tokens().script) as server,
        rc.Client(server.url, token="over", settings=FAST, reload_token=kept) as client,
    ):
        with pytest.raises(rc.NotSignedIn):
            await client.trips()


async def test_a_token_that_is_over_and_can_not_be_renewed_is_lost_and_said():
    async with (
        serving(lambda r: r.problem(401, "not-signed-in")) as server,
        rc.Client(server.url, token="t", settings=FAST) as client,
    ):
        tokens: list[str | None] = []
        client.on_token = tokens.append
        with pytest.raises(rc.NotSignedIn):
            await client.trips()
        assert (client.token, tokens) == (None, [None])
        assert len(server.requests) == 1


async def test_a_proxys_own_sign_in_page_does_not_cost_the_token():
    async with (
        serving(lambda r: r.answer(401, b"<html>proxy</html>")) as server,
        rc.Client(server.url, token="t", settings=FAST) as client,
    ):
        with pytest.raises(rc.NotSignedIn):
            await client.trips()
        assert client.token == "t"


async def test_signing_out_stops_what_is_followed(request: pytest.FixtureRequest):
    log = Log()

    async def script(r: Request) -> None:
        await (r.answer(204) if r.method == "DELETE" else log.follow(r))

    async with serving(script) as server, rc.Client(server.url, token="t", settings=FAST) as client:
        client._session.user = rc.User("ana", "Ana")
        async with client.follow("t") as live:
            await until(lambda: live.status.state == "live")
            await client.logout()
            assert live.status.state == "signed-out"
            await until(lambda: server.open == 0)
            assert live.present == {}


# R: C5
async def test_all_attempts_of_one_change_carry_one_key():
    log = Log()
    keys: list[str] = []

    async def script(request: Request) -> None:
        keys.append(request.headers["idempotency-key"])
        await (request.answer(503) if len(keys) < 3 else request.answer(200, log.answer()))

    async with serving(script) as server, rc.Client(server.url, token="t", settings=FAST) as client:
        await client.do("t", EditTrip(name="Porto"))
        assert len(keys) == 3
        assert len(set(keys)) == 1
        keys.clear()
        await client.do("t", EditTrip(name="Porto"), key="my own")
        assert set(keys) == {"my own"}


@pytest.mark.parametrize("how", ["guest", "signup"])
async def test_all_attempts_to_become_somebody_carry_one_key(how: str):
    keys: list[str] = []

    async def script(request: Request) -> None:
        keys.append(request.headers["idempotency-key"])
        await (request.answer(503) if len(keys) < 3 else request.answer(201, session("t", 100_000)))

    async with serving(script) as server, rc.Client(server.url, settings=FAST) as client:
        for _ in range(2):
            await (client.guest("Ana") if how == "guest" else client.signup("ana", "correct horse battery", "Ana"))
    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


async def test_a_change_is_never_sent_to_where_a_redirect_points():
    async with serving(lambda r: r.answer(200, b"{}")) as elsewhere:
        redirect = elsewhere.url

        async def script(request: Request) -> None:
            await request.answer(307, b"", Location=f"{redirect}/api")

        async with serving(script) as server, rc.Client(server.url, token="t", settings=FAST) as client:
            with pytest.raises(rc.ServerTrouble) as caught:
                await client.do("t", EditTrip(name="Porto"))
            assert caught.value.code == "redirected"
            assert redirect in caught.value.detail
            assert (len(server.requests), len(elsewhere.requests)) == (1, 0)


HOSTILE = {
    "html": b"<html>hello</html>",
    "nothing": b"",
    "bad utf-8": b'{"trips": ["\xff"]}',
    "deep": b"[" * 200_000,
    "another shape": b'{"trips": 7}',
    "a huge number": b'{"trips": ' + b"9" * 10_000 + b"}",
    "null": b"null",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_an_answer_that_is_none_is_trouble(body: bytes):
    async with serving(lambda r: r.answer(200, body)) as server, rc.Client(server.url, token="t", settings=FAST) as c:
        with pytest.raises(rc.ServerTrouble):
            await c.trips()


async def test_an_answer_larger_than_the_bound_is_not_read_to_its_end():
    sent = 0

    async def script(request: Request) -> None:
        nonlocal sent
        await request.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await request.raw(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent += 0x10000

    settings = replace(FAST, max_body=1 << 20)
    async with serving(script) as server, rc.Client(server.url, token="t", settings=settings) as client:
        with pytest.raises(rc.ServerTrouble) as caught:
            await client.trips()
        assert caught.value.code == "answer-too-large"
        assert sent < 32 << 20


async def test_a_small_answer_that_unpacks_to_a_large_one_is_not_unpacked():
    bomb = gzip.compress(b"x" * 50_000_000)

    async def script(request: Request) -> None:
        await request.answer(200, bomb, Content_Encoding="gzip")

    async with serving(script) as server, rc.Client(server.url, token="t", settings=FAST) as client:
        with pytest.raises(rc.ServerTrouble, match="compressed"):
            await client.trips()
        assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_an_answer_that_drips_for_ever_ends():
    async def script(request: Request) -> None:
        await request.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            await request.raw(b"x")
            await asyncio.sleep(0.01)

    settings = replace(FAST, call_timeout=0.2, attempts=1)
    async with serving(script) as server, rc.Client(server.url, token="t", settings=settings) as client:
        with pytest.raises(rc.Unreachable) as caught:
            await client.trips()
        assert caught.value.code == "timeout"


async def test_nobody_there_is_unreachable():
    async with serving(lambda r: r.answer(200)) as server:
        port = server.port
    async with rc.Client(f"http://127.0.0.1:{port}", token="t", settings=FAST) as client:
        with pytest.raises(rc.Unreachable) as caught:
            await client.trips()
        assert caught.value.code == "no-connection"


class WallClock(SystemClock):
    """Stands still."""

    def now(self) -> datetime:
        return datetime(2030, 5, 1, tzinfo=UTC)


def test_the_servers_time_is_estimated_from_what_it_says_and_nonsense_is_not_believed():
    time, here = ServerTime(WallClock()), WallClock().now()
    time.roughly(here + timedelta(seconds=1))
    assert time.now() == here, "a Date header is no better than a second"
    time.roughly(here + timedelta(minutes=3))
    assert time.now() == here + timedelta(minutes=3)
    time.exactly(here + timedelta(seconds=-30))
    assert time.now() == here - timedelta(seconds=30)
    time.at_least(here)
    assert time.now() == here
    time.at_least(here - timedelta(hours=1))
    time.exactly(datetime(9999, 12, 31, tzinfo=UTC))
    assert time.now() == here
