"""Carts and slots in `/api/sync`: live on all devices of a person, and seats without a word of whose they are."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.support.booking import NEXT, SLOT, SMALL, Shop, add, cancel, check_out, load, pay, shop
from tests.support.people import Frame, Person, crew

from roadcrew_client.book_models import read_count
from roadcrew_domain import cart, seats_views
from roadcrew_domain.events import decode_event
from roadcrew_domain.ids import is_id

SECOND = 1.0


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A server where one can book."""
    async with shop(tmp_path) as opened:
        yield opened


def body(data: Any) -> bytes:
    return json.dumps(data).encode()


def folded(frames: Iterable[Frame], topic: str) -> Any:
    """What somebody knows of a cart or a slot who has read these frames."""
    decode, evolve = (
        (cart.decode_cart, cart.evolve) if topic.startswith("cart:") else (read_count, seats_views.evolve_count)
    )
    state: Any = None
    for frame in frames:
        if frame.kind == "reset" and frame.data["topic"] == topic:
            state = decode(body(frame.data["state"]))
        elif frame.kind == "event" and frame.data["topic"] == topic:
            state = evolve(state, decode_event(body(frame.data)))
    return state


async def do_everything(person: Person, trip: str, key: str) -> Any:
    """Add, keep longer, give back, order, pay, cancel; the last answer."""
    await add(person, trip=trip, key=key)
    gone = (await add(person, NEXT))["lineId"]
    await person.do("/api/cart/remove", {"lineId": gone})
    order = (await check_out(person))["id"]
    await pay(person, order, "refuse")
    await pay(person, order)
    await cancel(person, order)
    await add(person, SMALL, adult=3)
    return await load(person)


# R: C11
@pytest.mark.usefixtures("timed")
async def test_two_devices_of_one_person_have_the_same_cart_within_a_second(open_shop: Shop) -> None:
    made, (ana, _) = await crew(open_shop.http, 2)
    topic = f"cart:{ana.id}"
    async with ana.stream(topic) as stream:
        last = await do_everything(ana, made["trip"]["id"], str(uuid.uuid4()))
        began = time.monotonic()
        await stream.until(lambda _: folded(stream.frames, topic) == cart.decode_cart(body(last["cart"])), SECOND)
        assert time.monotonic() - began < SECOND
        assert stream.frames[0].kind == "reset"
        assert stream.frames[0].data["state"]["lines"] == []


# R: C11 S1
async def test_a_device_that_polls_has_the_same_cart_too_and_goes_on_from_an_answers_cursor(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    topic = f"cart:{ana.id}"
    answer = await add(ana)
    batch = (await ana.poll(topic)).json()
    assert batch["resets"][0]["state"] == answer["cart"]
    assert (await ana.poll(topic, cursor=answer["cursor"])).status_code == 204
    more = await add(ana, NEXT)
    batch = (await ana.poll(topic, cursor=answer["cursor"])).json()
    assert (batch["resets"], [e["type"] for e in batch["events"]]) == ([], ["AddStarted", "LineHeld"])
    assert (await ana.poll(topic, cursor=more["cursor"])).status_code == 204
    loaded = await load(ana)
    assert (await ana.poll(topic, cursor=loaded["cursor"])).status_code == 204


# R: C2 C11
async def test_who_looks_at_a_slot_sees_its_seats_go_and_come_back(open_shop: Shop) -> None:
    ana, ben = await open_shop.guest("Ana"), await open_shop.guest("Ben")
    topic = f"slot:{SMALL}"
    async with ben.stream(topic) as stream:
        first = (await stream.next()).data["state"]
        assert set(first) == {"id", "capacity", "taken", "startsAt", "endsAt"}
        assert (first["capacity"], first["taken"]) == (12, 0)
        line = (await add(ana, SMALL, adult=3))["lineId"]
        await stream.until(lambda _: folded(stream.frames, topic).left == 9)
        await ana.do("/api/cart/remove", {"lineId": line})
        await stream.until(lambda _: folded(stream.frames, topic).left == 12)
        await add(ana, SMALL, adult=2)
        await stream.until(lambda _: folded(stream.frames, topic).left == 10)
        await open_shop.later(minutes=15)
        await stream.until(lambda _: folded(stream.frames, topic).left == 12)


# R: C2
async def test_nothing_that_is_told_of_a_slot_leads_to_who_has_its_seats(open_shop: Shop) -> None:
    made, (_, ana) = await crew(open_shop.http, 2)
    eve, key, trip = await open_shop.guest("Eve"), str(uuid.uuid4()), made["trip"]["id"]
    topic = f"slot:{SLOT}"
    before = (await eve.poll(topic)).json()["cursor"]
    async with eve.stream(topic) as stream:
        last = await do_everything(ana, trip, key)
        await stream.until(lambda frame: frame.kind == "event" and frame.data["type"] == "SeatsFreed")
        streamed = json.dumps([(f.kind, f.id, f.data) for f in stream.frames])
    polled = (await eve.poll(topic, cursor=before)).text
    whole = (await eve.poll(topic)).text
    mine = json.dumps(last)
    (order,) = last["cart"]["orders"]
    secrets = [ana.id, ana.name, key, trip, order["id"], *(a["id"] for a in order["attempts"])]
    assert all(secret in mine or secret == ana.name for secret in secrets)
    for told in (streamed, polled, whole):
        assert [secret for secret in secrets if secret in told] == []
    assert {e["by"] for e in json.loads(polled)["events"]} == {None}
    assert len(json.loads(polled)["events"]) >= 4


# R: C2
async def test_what_one_person_orders_of_several_slots_can_not_be_told_to_be_one_persons(open_shop: Shop) -> None:
    ana, eve = await open_shop.guest("Ana"), await open_shop.guest("Eve")
    told = []
    slots = (SLOT, SMALL)
    before = {slot: (await eve.poll(f"slot:{slot}")).json()["cursor"] for slot in slots}
    for slot in slots:
        await add(ana, slot)
    await cancel(ana, (await check_out(ana))["id"])
    for slot in slots:
        events = (await eve.poll(f"slot:{slot}", cursor=before[slot])).json()["events"]
        assert {"SeatsPinned", "SeatsFreed"} <= {e["type"] for e in events}
        told.append({e["command"] for e in events} | {v for e in events for v in e["data"].values() if is_id(str(v))})
    assert told[0]
    assert not told[0] & told[1]


# R: C11
async def test_nobody_is_told_who_else_looks_at_a_cart_or_a_slot(open_shop: Shop) -> None:
    made, (ana, ben) = await crew(open_shop.http, 2)
    mine, slot, trip = f"cart:{ana.id}", f"slot:{SLOT}", f"trip:{made['trip']['id']}"
    async with ana.stream(mine, slot, trip) as stream, ben.stream(slot), ana.stream(mine, slot):
        await ben.poll(slot)
        answer = await ben.post("/api/sync/where", {"topic": slot, "where": "book"})
        assert answer.status_code == 204
        await add(ana)
        await stream.until(lambda frame: frame.kind == "event" and frame.data["topic"] == slot)
        async with ben.stream(trip):
            await stream.until(lambda frame: frame.kind == "presence" and ben.id in json.dumps(frame.data))
        assert {frame.data["topic"] for frame in stream.frames if frame.kind == "presence"} == {trip}
    assert (await ana.poll(mine, slot)).json()["presence"] == []
    both = (await ana.poll(trip, slot)).json()
    assert [present["topic"] for present in both["presence"]] == [trip]


# R: C1 C11
async def test_a_cart_that_is_followed_with_another_persons_is_followed_and_the_other_is_not(open_shop: Shop) -> None:
    ana, eve = await open_shop.guest("Ana"), await open_shop.guest("Eve")
    await add(ana)
    batch = (await eve.poll(f"cart:{ana.id}", f"cart:{eve.id}", "slot:none.20340608.1000")).json()
    assert [reset["topic"] for reset in batch["resets"]] == [f"cart:{eve.id}"]
    assert batch["gone"] == [
        {"topic": f"cart:{ana.id}", "reason": "unknown"},
        {"topic": "slot:none.20340608.1000", "reason": "unknown"},
    ]
    assert (await eve.poll(f"cart:{ana.id}")).json()["code"] == "unknown-cart"
    nobody = str(uuid.uuid4())
    answers = [(await eve.poll(f"cart:{who}")).json() for who in (ana.id, nobody)]
    assert [{**a, "requestId": ""} for a in answers] == [{**answers[0], "requestId": ""}] * 2
