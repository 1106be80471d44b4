"""One cart at several server processes over one Valkey: begun here, gone on with there, seen everywhere; and a process
that stands still in the middle of it."""

import asyncio
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from tests.conftest import Count, Figure
from tests.support.booking import SECRET, SLOT, SMALL, add, check_out, load, order_of
from tests.support.buying import CAPACITY as SEATS
from tests.support.buying import Buyer, Outside, catalogue_in, crowd
from tests.support.cluster import started
from tests.support.people import Person, connected, eventually
from tests.support.recount import Count as Counted
from tests.support.recount import Raw, recount
from tests.support.serving import ServerProcess
from tests.support.valkey import ValkeyProcess

from roadcrew_domain.booking_ids import charge_of, reference_of
from roadcrew_server.payments.signing import HEADER, signature

LOOP = uvloop.new_event_loop
CAPACITY = 12
"""Of `SMALL`."""
HOLD = 1.2
"""Seconds."""
SETTINGS: dict[str, Any] = {
    "catalog": "sample",
    "payments": "simulated,venue",
    "payment_venue_secret": SECRET,
    "timer_interval": 0.05,
    "timer_look": 0.5,
    "snapshot_every": 10**6,
}


@dataclass
class Cluster:
    """Server processes, and a way to each."""

    servers: Sequence[ServerProcess]
    doors: Sequence[httpx.AsyncClient]

    def at(self, n: int, person: Person) -> Person:
        """The same person, who asks another process."""
        return Person(self.doors[n], person.token, person.id)


@asynccontextmanager
async def cluster(place: Path, valkey: ValkeyProcess, size: int, **settings: Any) -> AsyncIterator[Cluster]:
    """So many processes."""
    starting = started(place, [valkey.url] * size, **SETTINGS | settings)
    servers = await asyncio.to_thread(starting.__enter__)
    try:
        async with AsyncExitStack() as stack:
            yield Cluster(servers, [await stack.enter_async_context(connected(s.url)) for s in servers])
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


async def box_office(door: httpx.AsyncClient, person: Person, order_id: str) -> httpx.Response:
    """The venue says that an order was paid there."""
    names = {"charge": charge_of(person.id, order_id), "reference": reference_of(person.id, order_id)}
    body = json.dumps({"type": "paid", **names}).encode()
    headers = {HEADER: signature(SECRET.encode(), datetime.now(UTC), body)}
    return await door.post("/api/payments/venue", content=body, headers=headers)


# R: C2 C5 C11 G4
@pytest.mark.usefixtures("timed")
async def test_a_booking_begins_at_one_process_and_goes_on_at_others_and_all_show_the_same_cart_within_a_second(
    valkey: ValkeyProcess, tmp_path: Path, figure: Figure
):
    async with cluster(tmp_path, valkey, 4) as them:
        ana = await Person.guest(them.doors[0], "Ana")
        topic = f"cart:{ana.id}"
        async with them.at(1, ana).stream(topic) as phone, them.at(2, ana).stream(topic) as laptop:
            for device in (phone, laptop):
                await device.next("reset")
            waits = []

            async def shown(fact: str, change: Awaitable[Any]) -> Any:
                began = time.perf_counter()
                answer = await change
                for device in (phone, laptop):
                    await device.until(lambda frame: frame.kind == "event" and frame.data["type"] == fact)
                waits.append(time.perf_counter() - began)
                return answer

            line = (await shown("LineHeld", add(ana)))["lineId"]
            extending = them.at(1, ana).do("/api/cart/extend", {"lineId": line})
            extended = await shown("LineExtended", extending)
            assert [n["extensions"] for n in extended["cart"]["lines"]] == [1]
            order = await shown("OrderConfirmed", check_out(them.at(2, ana), "venue"))
            said = await shown("Paid", box_office(them.doors[3], ana, order["id"]))
            assert said.status_code == 204, said.text
            await eventually(lambda: phone.events() == laptop.events(), "the same on both")
        figure("s until both devices showed a change of another process, at most", f"{max(waits):.3f}")
        assert max(waits) < 1
        found = recount(Raw.of_valkey(valkey.port, [topic, f"slot:{SLOT}"]), [SLOT], [ana.id], 40)
        assert (found.sold[SLOT], found.orders) == (2, {"paid": 1})
        for n in range(4):
            assert order_of(await load(them.at(n, ana)), order["id"])["state"] == "paid"


# R: C2 C3 C5
async def test_buyers_whose_every_question_goes_to_another_process_buy_exactly_fifty_seats(
    valkey: ValkeyProcess, tmp_path: Path, count: Count, figure: Figure
):
    """By HTTP, and in real time: who walks off keeps seats from the others for a few seconds."""
    chance = random.Random(6)
    rounds, size = count(reduced=1, full=8), count(reduced=60, full=200)
    catalog, days = catalogue_in(tmp_path, rounds)
    own = {"catalog": catalog, "payment_simulated_seconds": 0.2, "hold_minutes": 4 / 60, "pay_minutes": 4 / 60}
    async with cluster(tmp_path, valkey, 3, **own) as them:
        for slots in days:
            found, buyers = await bought_out(them, valkey, slots[:1], chance, size)
            assert found.sold[slots[0]] == SEATS
            assert {b.user for b in buyers if b.told == "bought"} == {u for u, bought in found.bought.items() if bought}
    figure("oversold in rounds of buyers by HTTP", f"0 in {rounds}")


async def bought_out(
    them: Cluster, valkey: ValkeyProcess, slots: Sequence[str], chance: random.Random, size: int
) -> tuple[Counted, list[Buyer]]:
    """Buyers go on until there is nothing left; what the logs say then."""
    people = await asyncio.gather(*(Person.guest(them.doors[n % len(them.doors)], f"Buyer {n}") for n in range(size)))
    shop = Outside(them.doors, {person.id: person for person in people}, chance)
    users = [person.id for person in people]
    buyers = crowd(chance, users, slots, methods=("accept", "accept", "refuse", "slow", "twice"))
    topics = [f"slot:{slots[0]}", *(f"cart:{user}" for user in users)]
    deadline, found = time.monotonic() + 60, Counted()
    while time.monotonic() < deadline:
        await asyncio.gather(*(buyer.go(shop, random.Random(chance.random())) for buyer in buyers))
        found = recount(Raw.of_valkey(valkey.port, topics), slots, users, SEATS)
        assert not found.wrong
        if found.sold[slots[0]] == SEATS and not found.undone and all(buyer.told for buyer in buyers):
            return found, buyers
        await asyncio.sleep(0.3)
    raise AssertionError(f"sold {found.sold}; {found.undone[:5]}")


# R: C2 C5 C7
async def test_a_process_that_stood_still_in_the_middle_of_bookings_past_the_end_of_all_holds_does_no_harm(
    valkey: ValkeyProcess, tmp_path: Path, count: Count, figure: Figure
):
    chance = random.Random(6)
    async with cluster(tmp_path, valkey, 2, hold_minutes=HOLD / 60, pay_minutes=HOLD / 60) as them:
        caught = 0
        for _ in range(count(reduced=1, full=15)):
            caught += await stands_still(them, valkey, chance)
            valkey.say("FLUSHALL")
            for server in them.servers:
                await asyncio.to_thread(server.restart)
    assert caught > 0
    figure("bookings that stood still, and seats that were sold twice or lost, or charged and refused", f"{caught}, 0")


async def stands_still(them: Cluster, valkey: ValkeyProcess, chance: random.Random) -> int:
    """People book at both processes; the first stops in the middle, and meanwhile the others want all of its seats. How
    many bookings that stopped."""
    people = await asyncio.gather(*(Person.guest(them.doors[n % 2], f"Person {n}") for n in range(30)))
    here, there = people[::2], people[1::2]
    answers: list[str] = []
    going = [asyncio.create_task(books(person, answers)) for person in here]
    some = chance.randint(1, CAPACITY)  # half of them have seats in the end, and are answered three times each
    await eventually(lambda: len(answers) >= some, "some answers", every=0.001)
    them.servers[0].pause()
    caught = sum(not booking.done() for booking in going)
    try:
        taking = [asyncio.create_task(books(person, answers)) for person in there]
        await asyncio.sleep(2 * HOLD)
    finally:
        them.servers[0].resume()
    told = dict(zip((p.id for p in (*here, *there)), await asyncio.gather(*going, *taking), strict=True))
    users = [person.id for person in people]

    def counted() -> Counted:
        topics = [f"slot:{SMALL}", *(f"cart:{user}" for user in users)]
        found = recount(Raw.of_valkey(valkey.port, topics), [SMALL], users, CAPACITY)
        assert not found.wrong
        return found

    found = await eventually(lambda: None if counted().undone else counted(), "the end of all", 30, every=0.2)
    assert {user for user, bought in found.bought.items() if bought} == {user for user, paid in told.items() if paid}
    assert found.sold[SMALL] == sum(seats for bought in found.bought.values() for _, seats in bought) <= CAPACITY
    return caught


async def books(person: Person, answers: list[str]) -> bool:
    """Whether they have what they wanted in the end; what is refused, they leave. Each answer is noted."""
    order, said = "", {}
    wants: dict[str, dict[str, Any]] = {
        "add": {"slotId": SMALL, "tickets": {"adult": 2}},
        "checkout": {"provider": "simulated"},
        "pay": {"method": "accept"},
    }
    for what, body in wants.items():
        named = {"orderId": order} if what == "pay" else {}
        answer = await person.post(f"/api/cart/{what}", body | named, key=str(uuid.uuid4()))
        said = answer.json()
        answers.append(what)
        if not answer.is_success:
            assert said["code"] in {"seats-gone", "hold-gone", "hold-expired", "cart-empty", "order-lapsed"}, said
            return False
        order = said.get("orderId", "")
    return bool(order_of(said, order)["state"] == "paid")
