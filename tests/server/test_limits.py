"""Nobody can take so much that nothing is left for others, and who is over a limit is told until when."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from tests.support.people import Person, connected, crew
from tests.support.serving import served


def too_many(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["retryAfter"] > 0


async def test_one_person_over_the_limit_is_told_when_to_come_back_and_others_are_served(tmp_path: Path):
    async with served(tmp_path, requests_per_user="5/minute") as running, connected(running.url) as http:
        ana, ben = await Person.guest(http, "Ana"), await Person.guest(http, "Ben")
        answers = [await ana.get("/api/session") for _ in range(7)]
        assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
        too_many(answers[-1])
        assert (await ben.get("/api/session")).status_code == 200


async def test_a_limit_ends_when_it_said_that_it_would(tmp_path: Path):
    async with served(tmp_path, requests_per_user="2/second") as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        answers = [await ana.get("/api/session") for _ in range(3)]
        assert answers[-1].status_code == 429
        await asyncio.sleep(float(answers[-1].headers["retry-after"]))
        assert (await ana.get("/api/session")).status_code == 200


async def test_passwords_can_not_be_tried_without_end_for_one_name(tmp_path: Path):
    async with served(tmp_path, logins_per_name="3/minute") as running, connected(running.url) as http:
        bodies = [{"username": name, "password": "wrong horse"} for name in ("ana", "ANA", "Ana", "aNa")]
        answers = [await http.post("/api/session/login", json=b) for b in bodies]
        assert [a.status_code for a in answers] == [401] * 3 + [429]
        too_many(answers[-1])
        other = await http.post("/api/session/login", json={"username": "ben", "password": "wrong horse"})
        assert other.status_code == 401


async def test_guests_can_not_be_made_without_end_from_one_address(tmp_path: Path):
    async with served(tmp_path, signins_per_address="3/minute") as running, connected(running.url) as http:
        answers = [await http.post("/api/session/guest", json={"name": "Ana"}) for _ in range(4)]
        assert [a.status_code for a in answers] == [201] * 3 + [429]
        too_many(answers[-1])


async def test_invite_codes_can_not_be_guessed_without_end(tmp_path: Path):
    async with served(tmp_path, invites_per_address="3/minute") as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        looks = [await http.get(f"/j/0000-000{n}") for n in range(2)]
        joins = [await ana.post("/join", {"invite": f"0000-000{n}"}) for n in range(2)]
        assert [a.status_code for a in (*looks, *joins)] == [404, 404, 404, 429]
        too_many(joins[-1])


@pytest.mark.parametrize("drip", [b"", b"{"])
@pytest.mark.usefixtures("timed")
async def test_a_body_that_never_ends_is_cut_off(tmp_path: Path, drip: bytes):
    async with served(tmp_path, body_timeout=0.3) as running, connected(running.url) as http:
        _, (ana, _) = await crew(http, 2)
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
        head = (
            "POST /api/social-cart/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: {ana.auth['Authorization']}\r\nContent-Length: 1000\r\n\r\n"
        )
        writer.write(head.encode())
        began = time.perf_counter()
        answer = asyncio.create_task(reader.readuntil(b"}"))
        while not answer.done() and time.perf_counter() - began < 5:
            writer.write(drip)
            await asyncio.sleep(0.05)
        assert b" 408 " in (await answer).split(b"\r\n")[0]
        assert b'"code":"body-too-slow"' in await answer
        assert time.perf_counter() - began < 2
        writer.close()


async def test_headers_that_never_end_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roadcrew_server.http.HEAD_SECONDS", 0.2)
    async with served(tmp_path) as running:
        for start in (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /h"):
            reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
            writer.write(start)
            got = await asyncio.wait_for(reader.read(), 3)
            assert got.count(b"200 OK") == start.count(b"\r\n\r\n")
            writer.close()


async def test_a_crew_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roadcrew_domain.crew.MAX_MEMBERS", 3)
    async with served(tmp_path) as running, connected(running.url) as http:
        made, _ = await crew(http, 3)
        late = await Person.guest(http, "Late")
        answer = await late.post("/join", {"invite": made["invite"]["code"]})
        assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (409, "crew-full", 3)


async def test_the_rest_of_a_body_that_was_answered_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("roadcrew_server.http.REST_SECONDS", 0.3)
    async with served(tmp_path) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
        writer.write(b"POST /api/social-cart/create HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
        said = asyncio.create_task(reader.read())
        deadline = time.monotonic() + 3
        while not said.done():  # a byte now and then keeps it alive for a day otherwise
            assert time.monotonic() < deadline
            writer.write(b" ")
            await asyncio.sleep(0.02)
        assert (await said).startswith(b"HTTP/1.1 401 ")
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
        for _ in range(2):  # one whose body comes after its answer can ask again on the same connection
            writer.write(b"POST /api/social-cart/create HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
            answer = await reader.readuntil(b"}")
            assert answer.startswith(b"HTTP/1.1 401 ")
            writer.write(b"012345678")
        await asyncio.sleep(0.4)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
