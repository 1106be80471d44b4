"""Becoming somebody, staying it, and ceasing to be it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from tests.conftest import Count, Figure
from tests.server.conftest import Guest
from tests.support.people import Frame, Person, connected, crew, eventually
from tests.support.serving import Running, served

from roadcrew_server.app import ENDPOINTS
from roadcrew_server.reader import Reader

PASSWORD = "correct horse"


async def sign_up(
    http: httpx.AsyncClient, username: str, password: str = PASSWORD, name: str = "Ana"
) -> httpx.Response:
    return await http.post("/api/session/signup", json={"username": username, "password": password, "name": name})


async def log_in(http: httpx.AsyncClient, username: str, password: str = PASSWORD) -> httpx.Response:
    return await http.post("/api/session/login", json={"username": username, "password": password})


# R: C9
async def test_a_guest_is_a_real_user_without_a_password(ana: Person):
    seen = await ana.get("/api/session")
    assert seen.status_code == 200
    assert seen.json()["user"] == {"id": ana.id, "name": "Ana", "username": None, "guest": True}
    assert "password" not in seen.text


async def test_who_signs_up_can_log_in_from_elsewhere_as_the_same_person(http: httpx.AsyncClient):
    made = await sign_up(http, "Ana.K")
    assert made.status_code == 201
    again = await log_in(http, "ana.k")
    assert again.status_code == 200
    assert again.json()["user"] == made.json()["user"] | {"username": "ana.k"}
    assert again.json()["token"] != made.json()["token"]


@pytest.mark.parametrize(
    ("username", "password"), [("ana", "wrong horse"), ("nobody", PASSWORD), ("a\u0000b", "x" * 9)]
)
async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    http: httpx.AsyncClient, username: str, password: str
):
    await sign_up(http, "ana")
    answer = await log_in(http, username, password)
    assert answer.status_code == 401
    assert answer.json()["code"] == "wrong-credentials"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_unknown_name_costs_one_verification_of_the_same_kind_as_a_wrong_password(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, figure: Figure
):
    await sign_up(http, "ana")
    verify, costs = PasswordHasher.verify, list[str]()

    def counted(self: PasswordHasher, hashed: str, password: str) -> Any:
        costs.append(hashed.rpartition("p=1$")[0])
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    took: dict[str, list[float]] = {"ana": [], "nobody": []}
    for username in ("ana", "nobody") * 5:
        began = time.perf_counter()
        assert (await log_in(http, username, "wrong horse")).status_code == 401
        took[username].append(time.perf_counter() - began)
    assert costs == ["$argon2id$v=19$m=19456,t=2,"] * 10
    figure("ms to refuse a known and an unknown name", " ".join(f"{min(t) * 1000:.1f}" for t in took.values()))


async def test_the_first_log_in_of_nobody_is_as_slow_as_the_second(monkeypatch: pytest.MonkeyPatch, running: Running):
    hashed: list[str] = []
    monkeypatch.setattr(PasswordHasher, "hash", lambda *_: hashed.append("once more"))
    async with connected(running.url) as http:
        assert (await log_in(http, "nobody")).status_code == 401
    assert hashed == []


@pytest.mark.parametrize("username", ["an", "ana\n", "-ana", "ana.", "a na", "äna", "a" * 33, "ana\u202ek", ""])
async def test_a_user_name_is_plain(http: httpx.AsyncClient, username: str):
    answer = await sign_up(http, username)
    assert answer.status_code == 422
    assert answer.json()["field"] == "username"


async def test_a_short_password_is_refused_with_its_bounds(http: httpx.AsyncClient):
    answer = await sign_up(http, "ana", "short")
    assert (answer.status_code, answer.json()["code"]) == (422, "weak-password")


async def test_a_name_that_is_taken_stays_with_whoever_took_it(http: httpx.AsyncClient):
    first = (await sign_up(http, "ana")).json()["user"]["id"]
    second = await sign_up(http, "ANA", "another password")
    assert (second.status_code, second.json()["code"]) == (409, "username-taken")
    assert (await log_in(http, "ana")).json()["user"]["id"] == first
    assert (await log_in(http, "ana", "another password")).status_code == 401


async def test_of_two_who_sign_up_under_one_name_at_once_exactly_one_gets_it(
    http: httpx.AsyncClient, running: Running, count: Count
):
    for n in range(count(reduced=3, full=50)):
        answers = await asyncio.gather(
            *(sign_up(http, f"same{n}", f"password {i}", f"Person {i}") for i in range(2)),
        )
        assert sorted(a.status_code for a in answers) == [201, 409]
        winner = next(i for i, a in enumerate(answers) if a.status_code == 201)
        assert (await log_in(http, f"same{n}", f"password {winner}")).json()["user"]["name"] == f"Person {winner}"
        assert (await log_in(http, f"same{n}", f"password {1 - winner}")).status_code == 401


# R: C9
async def test_a_guest_who_becomes_an_account_keeps_id_and_trips_and_can_say_so_twice(
    http: httpx.AsyncClient, ana: Person
):
    made = await ana.create()
    for _ in range(2):
        answer = await ana.post("/api/session/upgrade", {"username": "ana", "password": PASSWORD})
        assert answer.status_code == 200
        assert answer.json()["user"] == {"id": ana.id, "name": "Ana", "username": "ana", "guest": False}
    other = Person.of(http, (await log_in(http, "ana")).json())
    assert [t["id"] for t in (await other.get("/api/social-cart/trips")).json()["trips"]] == [made["trip"]["id"]]
    for body in ({"username": "ana2", "password": PASSWORD}, {"username": "ana", "password": "another one"}):
        answer = await ana.post("/api/session/upgrade", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "already-account")


async def test_a_renewed_token_works_at_once_and_the_old_one_for_the_grace_time(tmp_path: Path):
    async with served(tmp_path, renewal_grace=0.4) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        new = Person.of(http, (await ana.post("/api/session/renew")).json())
        assert new.token != ana.token
        assert new.id == ana.id
        assert (await ana.get("/api/session")).status_code == 200
        assert (await new.get("/api/session")).status_code == 200
        await asyncio.sleep(0.4)
        assert (await ana.get("/api/session")).status_code == 401
        assert (await new.get("/api/session")).status_code == 200


async def test_renewing_twice_at_once_leaves_two_good_tokens_and_no_error(ana: Person, http: httpx.AsyncClient):
    answers = await asyncio.gather(*(ana.post("/api/session/renew") for _ in range(4)))
    assert [a.status_code for a in answers] == [200] * 4
    for answer in answers:
        assert (await Person.of(http, answer.json()).get("/api/session")).status_code == 200


async def test_a_session_that_has_ended_is_not_answered_and_its_streams_end(tmp_path: Path):
    async with served(tmp_path, session_days=1.2 / 86400) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        made = await ana.create()
        async with ana.stream(made["trip"]["id"]) as stream:
            assert (await stream.next("bye")).data == {"reason": "age"}
        assert (await ana.get("/api/session")).status_code == 401


# R: T10
async def test_signing_out_ends_the_open_streams_of_that_token_and_of_those_before_it(
    ana: Person, ben: Person, http: httpx.AsyncClient
):
    made = await ana.create()
    await ben.do("/join", {"invite": made["invite"]["code"]})
    trip = made["trip"]["id"]
    async with ana.stream(trip) as old, ben.stream(trip) as other:
        await old.next("reset")
        await other.next("reset")
        new = Person.of(http, (await ana.post("/api/session/renew")).json())
        async with new.stream(trip) as stream:
            await stream.next("reset")
            assert (await new.request("DELETE", "/api/session")).status_code == 204
            assert (await stream.next("bye")).data == {"reason": "signed-out"}
            assert (await old.next("bye")).data == {"reason": "signed-out"}
            await stream.end()
        for person in (ana, new):
            assert (await person.get("/api/session")).status_code == 401
        assert not other.closed


async def test_signing_out_on_one_terminal_leaves_the_others_signed_in(http: httpx.AsyncClient):
    await sign_up(http, "ana")
    one, two = [Person.of(http, (await log_in(http, "ana")).json()) for _ in range(2)]
    await one.request("DELETE", "/api/session")
    assert (await two.get("/api/session")).status_code == 200


# R: T2
async def test_a_new_name_reaches_every_trip_and_every_terminal_of_that_person(http: httpx.AsyncClient):
    await sign_up(http, "ana")
    one, two = [Person.of(http, (await log_in(http, "ana")).json()) for _ in range(2)]
    assert (await two.get("/api/session")).status_code == 200
    trips = [(await one.create(f"Trip {n}"))["trip"]["id"] for n in range(3)]
    async with two.stream(*trips) as stream:
        for _ in trips:
            await stream.next("reset")
        answer = await one.request("PATCH", "/api/session", {"name": "  Anna   K "})
        assert answer.json()["user"]["name"] == "Anna K"
        await eventually(lambda: len(stream.events()) == 3, "the news in all trips")
        assert {e["topic"] for e in stream.events()} == {f"trip:{t}" for t in trips}
        assert all(e["data"] == {"memberId": one.id, "name": "Anna K"} for e in stream.events())
    assert (await two.get("/api/session")).json()["user"]["name"] == "Anna K"
    assert (await two.create())["trip"]["members"][0]["name"] == "Anna K"


async def test_a_bad_new_name_changes_nothing(ana: Person):
    answer = await ana.request("PATCH", "/api/session", {"name": "\x1b[31mAna"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unsafe-text")
    assert (await ana.get("/api/session")).json()["user"]["name"] == "Ana"


PROTECTED = [(e.method, e.path) for e in ENDPOINTS if e.access != "open"]


# R: C4
async def test_until_a_new_session_may_be_used_every_route_says_not_yet(tmp_path: Path):
    async with served(tmp_path, session_delay=60) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        for method, path in PROTECTED:
            answer = await ana.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (401, "session-not-ready"), path
            assert answer.headers["www-authenticate"] == "Bearer"
        assert (await Person(http, "rc_nonsense").get("/api/session")).json()["code"] == "not-signed-in"


# R: C4
async def test_after_the_delay_a_new_session_can_be_used_and_a_renewed_one_goes_on_at_once(tmp_path: Path):
    async with served(tmp_path, session_delay=0.3) as running, connected(running.url) as http:
        began = time.monotonic()
        ana = await Person.guest(http, "Ana")
        async with asyncio.timeout(5):
            while (await ana.get("/api/session")).status_code == 401:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)
        assert time.monotonic() - began >= 0.3
        assert (await ana.create())["trip"]["name"] == "Lisbon in May"
        new = Person.of(http, (await ana.post("/api/session/renew")).json())
        assert (await new.get("/api/session")).status_code == 200
        running.server.sessions._cache.clear()
        assert (await new.get("/api/session")).status_code == 200


# R: C4
async def test_another_process_knows_as_well_that_a_session_may_not_be_used_yet(tmp_path: Path):
    async with served(tmp_path, session_delay=60) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
    async with served(tmp_path, session_delay=60) as running, connected(running.url) as http:
        ana.http = http
        assert (await ana.get("/api/session")).json()["code"] == "session-not-ready"
    async with served(tmp_path) as running, connected(running.url) as http:
        ana.http = http
        assert (await ana.get("/api/session")).status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "Bearer rc_nonsense", "rc_nonsense", "Bearer é"])
async def test_what_is_not_a_good_token_is_nobody(http: httpx.AsyncClient, header: str):
    answer = await http.get("/api/session", headers=[(b"Authorization", header.encode())])
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")


async def test_a_session_that_ends_while_it_is_being_read_is_not_kept_as_a_good_one(
    ana: Person, running: Running, monkeypatch: pytest.MonkeyPatch
):
    running.server.sessions._cache.clear()
    store, read, go = running.server.store, asyncio.Event(), asyncio.Event()
    get = store.get

    async def slow(kind: str, key: str) -> Any:
        """The record arrives when whoever asked for it has signed out meanwhile."""
        found = await get(kind, key)
        if kind == "session" and not read.is_set():
            read.set()
            await go.wait()
        return found

    monkeypatch.setattr(store, "get", slow)
    asking = asyncio.create_task(ana.get("/api/session"))
    await read.wait()
    assert (await ana.request("DELETE", "/api/session")).status_code == 204
    go.set()
    assert (await asking).status_code == 401
    assert (await ana.get("/api/session")).status_code == 401


async def test_a_stream_whose_session_ends_before_it_is_registered_ends_too(
    ana: Person, running: Running, monkeypatch: pytest.MonkeyPatch
):
    trip_id = (await ana.create())["trip"]["id"]
    admit, reached, go = Reader.start, asyncio.Event(), asyncio.Event()

    async def slow(self: Reader, *args: Any) -> None:
        reached.set()
        await go.wait()
        await admit(self, *args)

    monkeypatch.setattr(Reader, "start", slow)

    async def frames() -> list[Frame]:
        async with ana.stream(trip_id) as stream:
            return await stream.end()

    streaming = asyncio.create_task(frames())
    await reached.wait()
    assert (await ana.request("DELETE", "/api/session")).status_code == 204
    await asyncio.sleep(0.02)  # for the revocation to be told
    go.set()
    assert (await streaming)[-1].data == {"reason": "signed-out"}


def test_no_more_revoked_tokens_are_remembered_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, running: Running
):
    monkeypatch.setattr("roadcrew_server.sessions.REVOKED_TOKENS", 3)
    for n in range(5):
        running.server.sessions.revoke(str(n))
    assert [running.server.sessions.revoked(str(n)) for n in range(5)] == [False, False, True, True, True]


async def test_passwords_and_tokens_are_nowhere_in_the_store(tmp_path: Path):
    async with served(tmp_path) as running, connected(running.url) as http:
        token = (await sign_up(http, "ana", "a very secret password")).json()["token"]
        _, people = await crew(http, 2)
    stored = b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.is_file())  # noqa: ASYNC240 - nothing runs
    for secret in (token, "a very secret password", people[0].token or ""):
        assert secret.encode() not in stored
        assert secret.removeprefix("rc_").encode() not in stored


async def test_guests_with_one_name_are_two_people(guest: Guest):
    assert (await guest("Ana")).id != (await guest("Ana")).id
