"""Sending twice is harmless: the first answer comes again, and nothing happens twice."""

import asyncio
import hashlib
import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Count
from tests.support.people import Person, connected, crew
from tests.support.serving import Running, ServerProcess, served

from roadcrew_server.app import ENDPOINTS
from roadcrew_server.stores.base import StoreUnavailable

PRICE = {"amount": 8400, "currency": "EUR"}
HOTEL = {"name": "Casa Azul", "city": "Lisbon", "stars": 4, "pricePerNight": PRICE}
POLL = {"question": "When?", "kind": "single", "options": ["May", "June"]}


async def head(person: Person, trip: str) -> int:
    """The number of the trip's last event."""
    answer = await person.poll(trip)
    return int(answer.json()["resets"][0]["seq"])


class Scene:
    """Bodies for every route that changes a trip, each of which is accepted once on this trip."""

    def __init__(self, made: Any, ana: Person, ben: Person) -> None:
        self.trip: str = made["trip"]["id"]
        self.code: str = made["invite"]["code"]
        self.ana, self.ben = ana, ben
        self.poll, self.hotel = str(uuid.uuid4()), str(uuid.uuid4())

    @classmethod
    async def set(cls, http: httpx.AsyncClient) -> "Scene":
        made, (ana, ben) = await crew(http, 2)
        s = cls(made, ana, ben)
        await ana.do("/polls", {"tripId": s.trip, **POLL}, key=s.poll)
        await ana.do("/hotels/shortlist", {"tripId": s.trip, **HOTEL}, key=s.hotel)
        return s

    def bodies(self) -> dict[str, Any]:
        t = {"tripId": self.trip}
        return {
            "/create": {"name": "Porto", "invite": {"maxUses": 3}},
            "/join": {"invite": self.code},
            "/update": {**t, "name": "Porto"},
            "/invite": {**t, "maxUses": 5},
            "/polls": {**t, **POLL, "question": "Who drives?"},
            "/polls/vote": {**t, "pollId": self.poll, "optionIds": [f"{self.poll}.0"]},
            "/polls/close": {**t, "pollId": self.poll},
            "/hotels/shortlist": {**t, **HOTEL, "name": "Alfama"},
            "/hotels/open-voting": {**t, "tieRule": "cheapest"},
            "/hotels/vote": {**t, "hotelId": self.hotel},
            "/hotels/close-voting": {**t},
            "/hotels/unshortlist": {**t, "hotelId": self.hotel},
            "/hotels/restore": {**t, "hotelId": self.hotel},
            "/restore": {**t},
            "/organiser": {**t, "memberId": self.ben.id},
        }

    LAST = ("/remove-member", "/leave", "/delete")
    """Those after which there is nothing more to be done; each on a trip of its own."""


def told(path: str, answer: httpx.Response) -> Any:
    """What of an answer must come again: all but the trip as it is now."""
    body = answer.json()
    body.pop("trip", None)
    return answer.status_code, body


async def repeats(person: Person, path: str, body: Any, trip: str, *, key: str) -> None:
    first = await person.post(path, body, key=key)
    assert first.is_success, (path, first.text)
    if path not in ("/leave", "/delete"):
        again = await person.post(path, body, key=key)
        assert told(path, again) == told(path, first), path
        assert again.json()["trip"] == first.json()["trip"], path
    else:
        assert told(path, await person.post(path, body, key=key)) == told(path, first)
    reused = await person.request("POST", f"/api/social-cart{path}", key=key, content=json.dumps(body, indent=1))
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency-key-reused"), path


def test_every_post_of_a_trip_is_among_those_that_are_repeated_here():
    scene = Scene({"trip": {"id": "t"}, "invite": {"code": "c"}}, Person(None), Person(None))  # type: ignore[arg-type]
    prefix = "/api/social-cart"
    posts = {e.path.removeprefix(prefix) for e in ENDPOINTS if e.method == "POST" and e.path.startswith(prefix)}
    assert posts == set(scene.bodies()) | set(Scene.LAST)


# R: C5
@pytest.mark.parametrize("uuid_key", [True, False])
async def test_every_change_can_be_sent_twice_and_happens_once(
    http: httpx.AsyncClient, running: Running, uuid_key: bool
):
    s = await Scene.set(http)
    for n, (path, body) in enumerate(s.bodies().items()):
        key = str(uuid.uuid4()) if uuid_key else f"key {n}"
        before = await head(s.ana, s.trip)
        await repeats(s.ana, path, body, s.trip, key=key)
        assert await head(s.ana, s.trip) - before <= 1, path


# R: T6 C5
@pytest.mark.parametrize("path", Scene.LAST)
async def test_what_ends_a_membership_can_be_sent_twice(http: httpx.AsyncClient, running: Running, path: str):
    s = await Scene.set(http)
    body = {"tripId": s.trip, **({"memberId": s.ben.id} if path == "/remove-member" else {})}
    first = await s.ana.post(path, body, key="last")
    again = await s.ana.post(path, body, key="last")
    assert first.status_code == 200
    assert told(path, again) == told(path, first)


# R: T1 C5
async def test_a_repeated_creation_answers_the_same_trip_and_invite_even_after_that_was_revoked(
    http: httpx.AsyncClient, ana: Person
):
    body = {"name": "Lisbon", "invite": {"maxUses": 3}}
    first = await ana.do("/create", body, key="mine")
    trip = first["trip"]["id"]
    await ana.do("/invite", {"tripId": trip, "revoke": True})
    await ana.do("/update", {"tripId": trip, "name": "Porto"})
    again = await ana.post("/create", body, key="mine")
    assert again.status_code == 201
    assert again.json()["invite"] == first["invite"]
    assert again.json()["cursor"] == first["cursor"]
    assert again.json()["trip"]["id"] == trip
    assert again.json()["trip"]["name"] == "Porto"


async def test_a_repeated_creation_with_an_invite_that_is_over_by_now_is_no_refusal(
    http: httpx.AsyncClient, ana: Person, running: Running, monkeypatch: pytest.MonkeyPatch
):
    store = running.server.store
    soon = (store.now()).isoformat().replace("+00:00", "Z")
    real = store.now
    monkeypatch.setattr(store, "now", lambda: real() - timedelta(hours=1))
    body = {"name": "Lisbon", "invite": {"expiresAt": soon}}
    first = await ana.post("/create", body, key="mine")
    assert first.status_code == 201
    monkeypatch.undo()
    again = await ana.post("/create", body, key="mine")
    assert (again.status_code, again.json()["invite"]) == (201, first.json()["invite"])


# R: T4 C5
async def test_a_vote_that_is_repeated_after_the_poll_has_closed_is_still_accepted(
    http: httpx.AsyncClient, running: Running
):
    s = await Scene.set(http)
    vote = s.bodies()["/polls/vote"]
    first = await s.ben.post("/polls/vote", vote, key="vote")
    await s.ana.do("/polls/close", {"tripId": s.trip, "pollId": s.poll})
    again = await s.ben.post("/polls/vote", vote, key="vote")
    assert told("/polls/vote", again) == told("/polls/vote", first)
    new = await s.ben.post("/polls/vote", vote, key="another")
    assert (new.status_code, new.json()["code"]) == (409, "poll-closed")


async def test_the_same_key_of_two_people_is_two_commands(http: httpx.AsyncClient, running: Running):
    s = await Scene.set(http)
    vote = s.bodies()["/polls/vote"]
    for person in (s.ana, s.ben):
        assert (await person.post("/polls/vote", vote, key="1")).status_code == 200
    votes = (await s.ana.trip(s.trip)).json()["trip"]["polls"][0]["options"][0]["votes"]
    assert votes == sorted([s.ana.id, s.ben.id])


async def test_a_refusal_is_not_remembered(http: httpx.AsyncClient, running: Running):
    s = await Scene.set(http)
    body = {"tripId": s.trip, "hotelId": s.hotel}
    refused = await s.ben.post("/hotels/vote", body, key="early")
    assert (refused.status_code, refused.json()["code"]) == (409, "voting-closed")
    await s.ana.do("/hotels/open-voting", {"tripId": s.trip, "tieRule": "cheapest"})
    assert (await s.ben.post("/hotels/vote", body, key="early")).status_code == 200


# R: T9 C5
async def test_ten_at_once_under_one_key_are_one_event_and_ten_equal_answers(
    http: httpx.AsyncClient, running: Running, count: Count
):
    s = await Scene.set(http)
    for n in range(count(reduced=3, full=50)):
        before = await head(s.ana, s.trip)
        body = {"tripId": s.trip, **POLL, "question": f"Question {n}?"}
        answers = await asyncio.gather(*(s.ana.post("/polls", body, key=f"poll {n}") for _ in range(10)))
        assert {a.status_code for a in answers} == {200}
        assert len({a.json()["cursor"] for a in answers}) == 1
        assert await head(s.ana, s.trip) == before + 1
    creations = await asyncio.gather(*(s.ana.post("/create", {"name": "Porto"}, key="porto") for _ in range(10)))
    assert {a.status_code for a in creations} == {201}
    assert len({(a.json()["cursor"], a.json()["invite"]["code"], a.json()["trip"]["id"]) for a in creations}) == 1
    assert len((await s.ana.get("/api/social-cart/trips")).json()["trips"]) == 2


# R: T9
async def test_at_once_under_one_key_with_different_bodies_one_is_accepted_and_the_others_are_told(
    http: httpx.AsyncClient, running: Running
):
    s = await Scene.set(http)
    bodies = [{"tripId": s.trip, **POLL, "question": f"Question {n}?"} for n in range(5)]
    answers = await asyncio.gather(*(s.ana.post("/polls", b, key="one") for b in bodies))
    assert sorted(a.status_code for a in answers) == [200, 422, 422, 422, 422]


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
async def test_a_key_that_is_no_key_is_refused(ana: Person, key: str):
    answer = await ana.post("/create", {"name": "Lisbon"}, key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


async def test_the_answer_and_its_cursor_belong_together(http: httpx.AsyncClient, running: Running):
    """Who goes on from an answer's cursor gets nothing that the answer's trip has already."""
    s = await Scene.set(http)
    votes = [
        p.post("/polls/vote", {"tripId": s.trip, "pollId": s.poll, "optionIds": [f"{s.poll}.{i}"]}, key="v")
        for i, p in enumerate((s.ana, s.ben))
    ]
    for answer in await asyncio.gather(*votes):
        trip = answer.json()["trip"]
        batch = await s.ana.poll(s.trip, cursor=answer.json()["cursor"])
        events = [] if batch.status_code == 204 else batch.json()["events"]
        voted = {m for p in trip["polls"] for o in p["options"] for m in o["votes"]}
        assert voted.isdisjoint(e["by"] for e in events)
        assert voted | {e["by"] for e in events} == {s.ana.id, s.ben.id}


# R: G4 C5
async def test_what_was_accepted_is_answered_again_after_a_restart(tmp_path: Path):
    with ServerProcess(tmp_path) as process:
        async with connected(process.url) as http:
            s = await Scene.set(http)
            bodies = s.bodies()
            first = {p: await s.ana.post(p, b, key="before") for p, b in bodies.items()}
            trips = (await s.ana.get("/api/social-cart/trips")).json()
        await asyncio.to_thread(process.restart)
        async with connected(process.url) as http:
            s.ana.http = http
            for path, body in bodies.items():
                again = await s.ana.post(path, body, key="before")
                assert told(path, again) == told(path, first[path]), path
            assert (await s.ana.get("/api/social-cart/trips")).json() == trips


# --- becoming somebody -------------------------------------------------------------------------------


async def become(http: httpx.AsyncClient, how: str, key: str, **other: str) -> httpx.Response:
    body = {"name": "Ana"} if how == "guest" else {"name": "Ana", "username": "ana", "password": "correct horse"}
    return await http.post(f"/api/session/{how}", json=body | other, headers={"Idempotency-Key": key})


# R: C5 C9
@pytest.mark.parametrize("how", ["guest", "signup"])
async def test_who_becomes_somebody_twice_under_one_key_is_one_person_with_two_tokens(
    http: httpx.AsyncClient, how: str
):
    key = str(uuid.uuid4())
    first = await become(http, how, key)
    again = await become(http, how, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["user"] == again.json()["user"]
    for answer in (first, again):
        person = Person.of(http, answer.json())
        assert (await person.get("/api/session")).json()["user"] == first.json()["user"]
    other = await become(http, how, key, name="Ben")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("how", ["guest", "signup"])
async def test_who_becomes_somebody_at_once_under_one_key_is_one_person(http: httpx.AsyncClient, how: str):
    key = str(uuid.uuid4())
    answers = await asyncio.gather(*(become(http, how, key) for _ in range(5)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["user"]["id"] for a in answers}) == 1


async def test_a_key_is_no_password(http: httpx.AsyncClient):
    key = str(uuid.uuid4())
    assert (await become(http, "signup", key)).status_code == 201
    wrong = await become(http, "signup", key, password="wrong horse")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "idempotency-key-reused")
    ben = Person.of(http, (await become(http, "guest", key, name="Ben")).json())  # a key is one route's
    await ben.do("/api/session/upgrade", {"username": "ben", "password": "correct horse"})
    late = await become(http, "guest", key, name="Ben")
    assert (late.status_code, late.json()["code"]) == (409, "already-account")


async def test_a_key_that_can_be_guessed_is_not_taken_for_a_person(http: httpx.AsyncClient):
    first, second = [await become(http, "guest", "guest-1") for _ in range(2)]
    assert first.json()["user"]["id"] != second.json()["user"]["id"]
    bad = await become(http, "guest", "x" * 201)
    assert (bad.status_code, bad.json()["code"]) == (400, "bad-request")


async def test_a_sign_up_that_was_refused_can_be_sent_again_under_its_key(http: httpx.AsyncClient):
    key = str(uuid.uuid4())
    await become(http, "signup", str(uuid.uuid4()))
    taken = await become(http, "signup", key)
    assert (taken.status_code, taken.json()["code"]) == (409, "username-taken")
    assert (await become(http, "signup", key, password="short")).json()["code"] == "weak-password"
    assert (await become(http, "signup", key, username="ana2")).status_code == 201


async def test_a_sign_up_that_was_cut_off_halfway_is_finished_under_its_key(
    http: httpx.AsyncClient, running: Running, monkeypatch: pytest.MonkeyPatch
):
    key, store = str(uuid.uuid4()), running.server.store
    create = store.create

    async def failing(kind: str, *args: Any) -> bool:
        if kind == "username":
            raise StoreUnavailable("gone")
        return await create(kind, *args)

    monkeypatch.setattr(store, "create", failing)
    assert (await become(http, "signup", key)).status_code == 503
    monkeypatch.undo()
    assert (await become(http, "signup", key)).status_code == 201
    login = await http.post("/api/session/login", json={"username": "ana", "password": "correct horse"})
    assert login.status_code == 200


async def test_keys_and_passwords_of_those_who_came_are_nowhere_in_the_store(tmp_path: Path):
    key, password = str(uuid.uuid4()), "a very secret password"
    async with served(tmp_path) as running, connected(running.url) as http:
        body = {"name": "Ana", "username": "ana", "password": password}
        assert (await become(http, "signup", key, password=password)).status_code == 201
    stored = b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.is_file())  # noqa: ASYNC240 - nothing runs
    spelt = json.dumps(body, separators=(",", ":")).encode()
    for secret in (key, password, hashlib.blake2b(spelt, digest_size=16).hexdigest()):
        assert secret.encode() not in stored
