"""A session that is ended or renewed by one process is so for all of them, whichever store they share."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.hubs import OpenedOnce
from tests.support.people import Person, connected
from tests.support.serving import Running, served
from tests.support.valkey import ValkeyProcess

from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.base import Store, StoreUnavailable
from roadcrew_server.stores.redis import RedisStore

Two = tuple[Running, Running]


@pytest.fixture(params=["sqlite", "valkey"])
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Two]:
    """Two servers over one store, which hear each other. What is renewed is no longer good at once."""
    stores: list[Store]
    if request.param == "sqlite":
        stores = [OpenedOnce(tmp_path / "store.sqlite", synchronous="NORMAL")] * 2
    else:
        valkey: ValkeyProcess = request.getfixturevalue("valkey")
        stores = [RedisStore(address_of(valkey.url)) for _ in range(2)]
    async with (
        served(tmp_path, store=stores[0], renewal_grace=0) as one,
        served(tmp_path, store=stores[1], renewal_grace=0) as other,
    ):
        yield one, other


async def refused(person: Person) -> None:
    """Wait until this token is no longer good."""
    async with asyncio.timeout(5):
        while (await person.get("/api/session")).status_code != 401:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


# R: T9 T10
async def test_a_session_that_was_renewed_elsewhere_is_looked_at_again_and_its_streams_go_on(two: Two):
    one, other = two
    async with connected(one.url) as here, connected(other.url) as there:
        ana = await Person.guest(here, "Ana")
        trip = (await ana.create())["trip"]["id"]
        there_ana = Person(there, ana.token)
        async with there_ana.stream(trip) as stream:
            await stream.next("reset")
            assert (await there_ana.get("/api/session")).status_code == 200
            new = Person.of(here, (await ana.post("/api/session/renew")).json())
            await refused(there_ana)
            await new.do("/update", {"tripId": trip, "name": "Porto"})
            assert (await stream.next("event")).data["type"] == "TripEdited"
            assert (await Person(there, new.token).get("/api/session")).status_code == 200


# R: T9 T10
async def test_a_process_that_dies_while_it_signs_somebody_out_has_told_the_others(
    two: Two, monkeypatch: pytest.MonkeyPatch
):
    one, other = two
    revoke = one.server.store.revoke

    async def last_deed(kind: str, key: str) -> None:
        await revoke(kind, key)
        raise StoreUnavailable("killed")

    async with connected(one.url) as here, connected(other.url) as there:
        ana = await Person.guest(here, "Ana")
        trip = (await ana.create())["trip"]["id"]
        there_ana = Person(there, ana.token)
        async with there_ana.stream(trip) as stream:
            await stream.next("reset")
            monkeypatch.setattr(one.server.store, "revoke", last_deed)
            assert (await ana.request("DELETE", "/api/session")).status_code == 503
            assert (await stream.next("bye")).data == {"reason": "signed-out"}
        assert (await there_ana.get("/api/session")).status_code == 401


# R: T9
async def test_a_session_that_is_renewed_elsewhere_while_it_is_being_read_is_not_kept_as_it_was(
    two: Two, monkeypatch: pytest.MonkeyPatch
):
    one, other = two
    read, go, told = asyncio.Event(), asyncio.Event(), asyncio.Event()
    get, forget = other.server.store.get, other.server.hub.on_changed

    async def slow(kind: str, key: str) -> Any:
        """The record arrives when it has been renewed meanwhile."""
        found = await get(kind, key)
        if kind == "session" and not read.is_set():
            read.set()
            await go.wait()
        return found

    def hear(token_hash: str) -> None:
        forget(token_hash)
        told.set()

    monkeypatch.setattr(other.server.store, "get", slow)
    monkeypatch.setattr(other.server.hub, "on_changed", hear)
    async with connected(one.url) as here, connected(other.url) as there:
        ana = await Person.guest(here, "Ana")
        there_ana = Person(there, ana.token)
        asking = asyncio.create_task(there_ana.get("/api/session"))
        await read.wait()
        assert (await ana.post("/api/session/renew")).status_code == 200
        await told.wait()
        go.set()
        assert (await asking).status_code == 200  # as it was when it asked
        assert (await there_ana.get("/api/session")).status_code == 401


# R: T9
async def test_who_got_no_answer_to_signing_out_can_ask_again_until_all_their_tokens_are_gone(
    two: Two, monkeypatch: pytest.MonkeyPatch
):
    one, _ = two
    revoke, left = one.server.store.revoke, 1

    async def failing(kind: str, key: str) -> None:
        nonlocal left
        if not left:
            raise StoreUnavailable("gone")
        left -= 1
        await revoke(kind, key)

    async with connected(one.url) as here:
        ana = await Person.guest(here, "Ana")
        new = Person.of(here, (await ana.post("/api/session/renew")).json())
        monkeypatch.setattr(one.server.store, "revoke", failing)
        assert (await new.request("DELETE", "/api/session")).status_code == 503
        left = 2
        assert (await new.request("DELETE", "/api/session")).status_code == 204
        assert (await new.get("/api/session")).status_code == 401


# R: T9
async def test_a_new_name_does_not_bring_back_a_session_that_was_renewed_meanwhile(two: Two):
    one, other = two
    async with connected(one.url) as here, connected(other.url) as there:
        ana = await Person.guest(here, "Ana")
        under_way = await other.server.sessions.session(ana.token or "")
        assert (await ana.post("/api/session/renew")).status_code == 200
        await refused(Person(there, ana.token))
        assert (await other.server.auth.rename(under_way, "Anna")).user.name == "Anna"
        assert (await Person(there, ana.token).get("/api/session")).status_code == 401
