"""What booking asks the store, counted; and what it may not spare, by servers that hear nothing of each other."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.booking import NEXT, SLOT, SMALL, add, check_out, load, pay
from tests.support.hubs import two_servers
from tests.support.people import Person, connected, crew
from tests.support.serving import Running

from roadcrew_server.booking.book import UNOPENED
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.stores.watched import CALLS

OFFER: dict[str, Any] = {"catalog": "sample", "payments": "simulated,venue"}
DAY = {"date": f"{SLOT.split('.')[1][:4]}-{SLOT.split('.')[1][4:6]}-{SLOT.split('.')[1][6:]}"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What the store is asked of carts and slots, by the name of the call."""
    found: Counter[str] = Counter()

    def counted(name: str, call: Any) -> Any:
        def counting(store: SqliteStore, *given: Any, **more: Any) -> Any:
            if given and str(given[0]).startswith(("cart:", "slot:")):
                found[name] += 1
            return call(store, *given, **more)

        return counting

    for name in CALLS:
        monkeypatch.setattr(SqliteStore, name, counted(name, getattr(SqliteStore, name)))
    return found


# R: S9
async def test_an_add_is_three_changes_of_the_store_and_no_question(running: Running, ana: Person, asked: Counter[str]):
    await add(ana, NEXT)
    await add(ana)
    asked.clear()
    await add(ana, key=str(uuid.uuid4()))
    assert asked == {"append": 3}
    asked.clear()
    order = await check_out(ana)
    assert asked == {"read": 1, "append": 6}  # ordered, three lines pinned, confirmed, settled
    asked.clear()
    await pay(ana, order["id"])
    assert asked == {"append": 6}  # begun, paid, three lines sold, settled
    asked.clear()
    await load(ana)
    assert not asked


# R: S9
async def test_looking_at_a_cart_asks_the_store_once_for_each_order_that_waits_at_the_venue(
    running: Running, ana: Person, monkeypatch: pytest.MonkeyPatch
):
    found: list[str] = []
    get = SqliteStore.get

    async def counting(store: SqliteStore, kind: str, key: str) -> Any:
        found.append(kind)
        return await get(store, kind, key)

    for slot in (SLOT, NEXT):
        await add(ana, slot)
        await check_out(ana, "venue")
    monkeypatch.setattr(SqliteStore, "get", counting)
    await load(ana)
    assert [kind for kind in found if kind.startswith("payment-")] == ["payment-venue"] * 2


# R: S9
async def test_an_add_that_is_refused_costs_no_more(running: Running, ana: Person, ben: Person, asked: Counter[str]):
    await add(ana, SMALL, adult=10)
    await add(ben, SMALL, adult=2)
    asked.clear()
    answer = await ben.post("/api/cart/add", {"slotId": SMALL, "tickets": {"adult": 1}}, key=str(uuid.uuid4()))
    assert answer.json()["code"] == "seats-gone"
    assert asked == {"append": 2, "read": 1}


# R: C1
async def test_who_asks_again_and_again_for_a_day_does_not_make_the_store_look_each_time(
    running: Running, http: httpx.AsyncClient, ana: Person, asked: Counter[str]
):
    path = f"/api/exhibitions/{SLOT.split('.')[0]}/slots"
    slots = (await http.get(path, params=DAY)).json()["slots"]
    for _ in range(5):
        assert (await http.get(path, params=DAY)).json()["slots"] == slots
    assert asked == {"load": len(slots)}
    now = running.server.store.now()
    running.server.hub.store.now = lambda: now + UNOPENED  # type: ignore[method-assign]
    await http.get(path, params=DAY)
    assert asked == {"load": 2 * len(slots)}
    await add(ana)
    slots = (await http.get(path, params=DAY)).json()["slots"]
    assert {slot["capacity"] - slot["seatsLeft"] for slot in slots if slot["id"] == SLOT} == {2}


# R: C1
async def test_what_another_process_has_sold_is_seen_a_moment_later(tmp_path: Path):
    path = f"/api/exhibitions/{SLOT.split('.')[0]}/slots"
    async with apart(tmp_path) as (_, two, first, second):
        left = {slot["id"]: slot["seatsLeft"] for slot in (await second.get(path, params=DAY)).json()["slots"]}
        await add(await Person.guest(first, "Ana"))
        now = two.server.store.now()
        two.server.hub.store.now = lambda: now + UNOPENED  # type: ignore[method-assign]
        after = {slot["id"]: slot["seatsLeft"] for slot in (await second.get(path, params=DAY)).json()["slots"]}
        assert after == {**left, SLOT: left[SLOT] - 2}


@asynccontextmanager
async def apart(place: Path) -> AsyncIterator[tuple[Running, Running, httpx.AsyncClient, httpx.AsyncClient]]:
    """Two servers over one store that hear nothing of each other, and a way to each."""
    async with (
        two_servers(place, **OFFER) as (one, two),
        connected(one.url) as first,
        connected(two.url) as second,
    ):
        yield one, two, first, second


# R: C12
async def test_what_was_added_at_one_process_is_ordered_at_another_with_the_discount_of_its_trip(tmp_path: Path):
    async with apart(tmp_path) as (_, _, first, second):
        made, (ana, *_) = await crew(first, 3, requiredMembers=3, discountPercent=15)
        there = Person(second, ana.token, ana.id)
        await add(ana, adult=1)
        await load(there)
        await add(ana, NEXT, trip=made["trip"]["id"], adult=1)
        order = await check_out(there)
        assert [(line["slot"]["slotId"], line["discountPercent"]) for line in order["lines"]] == [(SLOT, 0), (NEXT, 15)]


# R: C2
async def test_what_was_added_at_one_process_is_free_at_once_when_it_is_removed_at_another(tmp_path: Path):
    async with apart(tmp_path) as (_, two, first, second):
        ana = await Person.guest(first, "Ana")
        there = Person(second, ana.token, ana.id)
        await add(ana, NEXT)
        await load(there)
        line = (await add(ana))["lineId"]
        await there.do("/api/cart/remove", {"lineId": line})
        assert (await two.server.hub.topic(f"slot:{SLOT}")).state.taken == 0
