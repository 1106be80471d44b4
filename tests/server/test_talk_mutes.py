"""Whom I don't want to read is mine to say, from all of my terminals, and nobody else's to know."""

import asyncio
import uuid

import httpx
from tests.server.conftest import Guest
from tests.support.people import Person
from tests.support.serving import Running

from roadcrew_server.routes.talk_mutes import MOST, RECORD

MUTES = "/api/session/mutes"


async def muted(who: Person) -> list[str]:
    return [m["name"] for m in (await who.get(MUTES)).json()["muted"]]


# R: F2
async def test_who_is_muted_is_so_until_they_are_heard_again_and_never_twice(ana: Person, ben: Person):
    assert await muted(ana) == []
    await ana.do(MUTES, {"userId": ben.id})
    first = (await ana.get(MUTES)).json()["muted"]
    await ana.do(MUTES, {"userId": ben.id, "name": "Benny"})
    assert (await ana.get(MUTES)).json()["muted"] == [{**first[0], "name": "Benny"}]
    assert (first[0]["id"], first[0]["name"]) == (ben.id, "Ben")
    assert await muted(ben) == []
    for _ in range(2):
        answer = await ana.request("DELETE", f"{MUTES}/{ben.id}")
        assert (answer.status_code, answer.json()) == (200, {"muted": []})


# R: F2
async def test_who_has_gone_can_be_muted_by_the_name_that_is_left_of_them(ana: Person):
    gone = str(uuid.uuid4())
    answer = await ana.post(MUTES, {"userId": gone})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-member")
    await ana.do(MUTES, {"userId": gone, "name": "Mallory"})
    assert await muted(ana) == ["Mallory"]


# R: F2
async def test_two_terminals_of_one_person_lose_nothing_of_each_other(ana: Person):
    people = [str(uuid.uuid4()) for _ in range(8)]
    answers = await asyncio.gather(*(ana.post(MUTES, {"userId": p, "name": p[:8]}) for p in people))
    assert {a.status_code for a in answers} == {200}
    assert sorted(await muted(ana)) == sorted(p[:8] for p in people)


# R: F2
async def test_what_is_no_person_is_not_muted(ana: Person):
    for body, status, code in (
        ({"userId": ana.id}, 422, "mute-self"),
        ({"userId": "x", "name": "Eve"}, 404, "unknown-member"),
        ({"userId": "../user", "name": "Eve"}, 404, "unknown-member"),
        ({"userId": "x" * 65}, 422, "invalid"),
        ({"userId": str(uuid.uuid4()), "name": "\x1b[31mEve"}, 422, "unsafe-text"),
        ({"userId": str(uuid.uuid4()), "name": "x" * 300}, 422, "text-too-long"),
    ):
        answer = await ana.post(MUTES, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
    assert await muted(ana) == []


# R: F2
async def test_nobody_mutes_without_end(ana: Person, running: Running):
    one = {"name": "Eve", "at": "2030-01-01T00:00:00Z"}
    full = httpx.Response(200, json=[{"id": str(uuid.uuid4()), **one} for _ in range(MOST)]).content
    await running.server.store.put(RECORD, ana.id, full)
    answer = await ana.post(MUTES, {"userId": str(uuid.uuid4()), "name": "Eve"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-mutes")
    assert len(await muted(ana)) == MOST


# R: F2 C9
async def test_a_guests_list_goes_with_the_guest_and_stays_with_who_becomes_an_account(guest: Guest, running: Running):
    eve = await guest("Eve")
    await eve.do(MUTES, {"userId": str(uuid.uuid4()), "name": "Mallory"})
    before = await running.server.store.get(RECORD, eve.id)
    assert before is not None
    assert before.expires_at is not None
    await eve.do("/api/session/upgrade", {"username": "eve", "password": "correct horse"})
    assert await muted(eve) == ["Mallory"]
    after = await running.server.store.get(RECORD, eve.id)
    assert after is not None
    assert after.expires_at is None
