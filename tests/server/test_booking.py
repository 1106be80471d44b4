"""Seats in a cart over HTTP: added, kept longer, given back, run out; and what is refused, which holds nothing."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.booking import (
    BEGIN,
    NEXT,
    SLOT,
    SMALL,
    YEN,
    Clock,
    Shop,
    add,
    cancel,
    check_out,
    load,
    pay,
    refused,
    shop,
)
from tests.support.people import Person, crew

from roadcrew_server.catalogue import SAMPLE_FILE

FIFTEEN = timedelta(minutes=15)


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A server where one can book, and where an organiser is taken at their word for themselves, too."""
    async with shop(tmp_path, organisers_word="all") as opened:
        yield opened


def until(line: Any) -> datetime:
    return datetime.fromisoformat(line["until"])


# R: C1 C2
async def test_seats_are_added_ordered_and_paid(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    answer = await add(ana, adult=2, child=1)
    line = answer["cart"]["lines"][0]
    assert (line["id"], line["state"], line["slot"]["title"]) == (answer["lineId"], "held", "Azulejo: Walls of Light")
    assert until(line) == BEGIN + FIFTEEN
    assert answer["prices"] == [{"lineId": line["id"], "amount": 3300, "discountPercent": 0, "discount": 0}]
    assert await open_shop.left() == 37
    order = await check_out(ana)
    assert (order["state"], order["total"], order["currency"]) == ("awaiting", 3300, "EUR")
    assert (await load(ana))["cart"]["lines"] == []
    assert (await pay(ana, order["id"]))["state"] == "paid"
    assert [(hold.seats, hold.state) for hold in (await open_shop.slot()).holds.values()] == [(3, "sold")]


# R: C1
async def test_a_cart_that_was_never_used_is_empty(open_shop: Shop) -> None:
    answer = await load(await open_shop.guest("Ana"))
    assert (answer["cart"]["lines"], answer["cart"]["orders"], answer["prices"]) == ([], [], [])


BAD: list[tuple[str, Any, int, str]] = [
    ("a negative count", {"tickets": {"adult": -1}}, 422, "invalid"),
    ("a negative count beside a good one", {"tickets": {"adult": 3, "child": -2}}, 422, "invalid"),
    ("a huge count", {"tickets": {"adult": 10**9}}, 422, "invalid"),
    ("a count that no number holds", {"tickets": {"adult": 10**400}}, 422, "invalid"),
    ("more than one line takes", {"tickets": {"adult": 21}}, 422, "bad-tickets"),
    ("more than one person may have", {"tickets": {"adult": 11}}, 409, "too-many-seats"),
    ("half a person", {"tickets": {"adult": 1.5}}, 422, "invalid"),
    ("a count as text", {"tickets": {"adult": "1"}}, 422, "invalid"),
    ("a count that is true", {"tickets": {"adult": True}}, 422, "invalid"),
    ("no tickets", {"tickets": {}}, 422, "bad-tickets"),
    ("none of each", {"tickets": {"adult": 0, "child": 0}}, 422, "bad-tickets"),
    ("a kind that is not sold", {"tickets": {"duke": 1}}, 422, "bad-tickets"),
    ("a kind of another exhibition", {"tickets": {"companion": 1}}, 422, "bad-tickets"),
    ("many kinds", {"tickets": {f"k{n}": 1 for n in range(51)}}, 422, "invalid"),
    ("no slot", {"slotId": ""}, 422, "invalid"),
    ("an exhibition that is not there", {"slotId": "louvre.20340608.1000"}, 404, "unknown-slot"),
    ("a date that does not exist", {"slotId": "azulejo-light.20340230.1000"}, 404, "unknown-slot"),
    ("a date that is none", {"slotId": "azulejo-light.99999999.1000"}, 404, "unknown-slot"),
    ("a time at which nothing begins", {"slotId": "azulejo-light.20340608.1001"}, 404, "unknown-slot"),
    ("a closed day", {"slotId": "azulejo-light.20340605.1000"}, 404, "unknown-slot"),
    ("before it opens for good", {"slotId": "azulejo-light.20250605.1000"}, 404, "unknown-slot"),
    ("after it has closed for good", {"slotId": "azulejo-light.20360605.1000"}, 404, "unknown-slot"),
    ("a slot in the past", {"slotId": "azulejo-light.20340531.1000"}, 410, "slot-past"),
    ("a slot by another's spelling", {"slotId": "azulejo-light.２０３４0608.1000"}, 404, "unknown-slot"),
    ("a trip that is not there", {"tripId": str(uuid.uuid4())}, 403, "not-a-member"),
    ("a trip that is none", {"tripId": "../cart:1"}, 404, "unknown-trip"),
    ("a price of one's own", {"price": 1}, 422, "invalid"),
    ("a cart of somebody else", {"user": "eve"}, 422, "invalid"),
]


# R: C1 C2
async def test_what_is_wrong_is_refused_with_a_code_and_nothing_is_held(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    wrong = []
    for what, change, status, code in BAD:
        answer = await ana.post("/api/cart/add", {"slotId": SLOT, "tickets": {"adult": 2}, **change})
        if (answer.status_code, answer.json().get("code")) != (status, code):
            wrong.append((what, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert (await load(ana))["cart"]["lines"] == []
    assert {name for name in open_shop.server.hub.topics if name.startswith("slot:")} == set()
    assert await open_shop.left() == 40


# R: C2
async def test_what_one_person_may_have_unpaid_is_the_servers_to_say(tmp_path: Path) -> None:
    async with shop(tmp_path, unpaid_seats_per_person=3) as opened:
        ana = await opened.guest("Ana")
        await add(ana)
        order = (await check_out(ana, "venue"))["id"]
        body = {"slotId": NEXT, "tickets": {"adult": 2}}
        problem = refused(await ana.post("/api/cart/add", body), 409, "too-many-seats")
        assert (problem["limit"], problem["unpaid"]) == (3, 2)
        await cancel(ana, order)
        await add(ana, NEXT)


# R: C1 C2
async def test_what_is_too_far_ahead_is_not_offered_nor_booked_until_it_is_near_enough(tmp_path: Path) -> None:
    async with shop(tmp_path, book_ahead_days=6) as opened:
        ana = await opened.guest("Ana")
        day = {"date": "2034-06-08"}
        body = {"slotId": SLOT, "tickets": {"adult": 1}}
        assert (await opened.http.get("/api/exhibitions/azulejo-light/slots", params=day)).json()["slots"] == []
        assert refused(await ana.post("/api/cart/add", body), 409, "slot-too-far")["limit"] == 6
        assert (await load(ana))["cart"]["lines"] == []
        await opened.later(days=1)
        offered = (await opened.http.get("/api/exhibitions/azulejo-light/slots", params=day)).json()["slots"]
        assert [slot["id"] for slot in offered] == [SLOT]
        await add(ana)
        refused(await ana.post("/api/cart/add", {**body, "slotId": NEXT}), 409, "slot-too-far")


LONG = "x" * 5_000
OTHERS: list[tuple[str, str, Any, int, str]] = [
    ("nothing to remove", "remove", {}, 422, "invalid"),
    ("a line of many letters", "remove", {"lineId": LONG}, 422, "invalid"),
    ("a line that is a number", "extend", {"lineId": 7}, 422, "invalid"),
    ("a line that is none", "extend", {"lineId": "../cart"}, 404, "unknown-line"),
    ("a field that nobody asked for", "extend", {"lineId": "1", "until": "2099-01-01T00:00:00Z"}, 422, "invalid"),
    ("lines that are no list", "checkout", {"lineIds": "all"}, 422, "invalid"),
    ("more lines than a cart has", "checkout", {"lineIds": ["x"] * 21}, 422, "invalid"),
    ("a total of one's own", "checkout", {"total": 0}, 422, "invalid"),
    ("a provider without a name", "checkout", {"provider": ""}, 422, "invalid"),
    ("a provider of many letters", "checkout", {"provider": LONG}, 422, "invalid"),
    ("an unknown provider", "checkout", {"provider": "__class__"}, 422, "unknown-provider"),
    ("nothing to pay", "pay", {}, 422, "invalid"),
    ("a method of many letters", "pay", {"orderId": "1", "method": LONG}, 422, "invalid"),
    ("an amount of one's own", "pay", {"orderId": "1", "amount": 1}, 422, "invalid"),
    ("an order that is none", "cancel", {"orderId": "\x00"}, 404, "unknown-order"),
    ("a booking of no trip", "paid", {"tripId": "1", "bookingId": "1"}, 404, "unknown-trip"),
]


# R: C1
async def test_what_is_wrong_with_the_other_changes_is_refused_and_the_cart_stays_as_it_was(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    before = (await add(ana))["cart"]
    wrong = []
    for what, path, body, status, code in OTHERS:
        answer = await ana.post(f"/api/cart/{path}", body)
        if (answer.status_code, answer.json().get("code")) != (status, code):
            wrong.append((what, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert (await load(ana))["cart"] == before


# R: C1 C13
async def test_one_cart_has_one_currency(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    await add(ana)
    body = {"slotId": YEN, "tickets": {"adult": 1}}
    refused(await ana.post("/api/cart/add", body), 409, "currency-mix")
    assert await open_shop.left(YEN) == 30
    await check_out(ana)
    assert (await add(ana, YEN, adult=1))["prices"][0]["amount"] == 1800


# R: C2
async def test_one_person_has_so_many_seats_of_a_slot_whether_they_are_held_or_ordered(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    await add(ana, adult=6)
    body = {"slotId": SLOT, "tickets": {"adult": 5}}
    assert refused(await ana.post("/api/cart/add", body), 409, "too-many-seats")["limit"] == 10
    await check_out(ana)
    refused(await ana.post("/api/cart/add", body), 409, "too-many-seats")
    await add(ana, adult=4)
    await add(ana, NEXT, adult=10)
    assert (await open_shop.left(), await open_shop.left(NEXT)) == (30, 30)


# R: C2
async def test_a_cart_has_room_for_so_many_lines(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    days = [f"2034060{n}" for n in (6, 7, 8, 9)] + ["20340610"]
    slots = [f"azulejo-light.{day}.{time}" for day in days for time in ("1000", "1130", "1400", "1530")]
    for slot in slots:
        await add(ana, slot, adult=1)
    body = {"slotId": SMALL, "tickets": {"adult": 1}}
    assert refused(await ana.post("/api/cart/add", body), 409, "cart-full")["limit"] == len(slots) == 20
    assert await open_shop.left(SMALL) == 12


# R: C2
async def test_when_seats_are_gone_that_is_said_with_how_many_are_left(open_shop: Shop) -> None:
    ana, ben = await open_shop.guest("Ana"), await open_shop.guest("Ben")
    await add(ana, SMALL, adult=10)
    body, key = {"slotId": SMALL, "tickets": {"adult": 3}}, str(uuid.uuid4())
    problem = refused(await ben.post("/api/cart/add", body, key=key), 409, "seats-gone")
    assert problem["left"] == 2
    assert problem["detail"] == "Seats are no longer available. Please select different tickets."
    again = refused(await ben.post("/api/cart/add", body, key=key), 409, "seats-gone")
    assert (again["detail"], again["left"]) == (problem["detail"], 2)
    assert (await load(ben))["cart"]["lines"] == []
    await add(ben, SMALL, adult=2)
    assert await open_shop.left(SMALL) == 0


# R: C2
async def test_a_hold_is_kept_longer_up_to_its_limit_and_never_past_it(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    line = (await add(ana))["lineId"]
    ends = []
    for _ in range(9):
        await open_shop.later(minutes=13)
        now = (await ana.do("/api/cart/extend", {"lineId": line}))["cart"]["lines"][0]
        ends.append(until(now))
        (hold,) = (await open_shop.slot()).holds.values()
        assert (hold.until, hold.extensions) == (until(now), now["extensions"])
    assert ends[0] == BEGIN + timedelta(minutes=13) + FIFTEEN
    assert max(ends) == BEGIN + timedelta(hours=2)
    await open_shop.later(minutes=1)
    answer = await ana.post("/api/cart/extend", {"lineId": line})
    assert refused(answer, 409, "hold-limit")["until"].startswith("2034-06-01T11:00:00")
    await open_shop.later(minutes=13)
    assert await open_shop.left() == 40
    refused(await ana.post("/api/cart/extend", {"lineId": line}), 410, "hold-expired")


# R: C2
async def test_a_hold_is_kept_longer_at_most_ten_times(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    line = (await add(ana))["lineId"]
    for n in range(1, 11):
        await open_shop.later(minutes=1)
        answer = await ana.do("/api/cart/extend", {"lineId": line})
        assert answer["cart"]["lines"][0]["extensions"] == n
    await open_shop.later(minutes=1)
    refused(await ana.post("/api/cart/extend", {"lineId": line}), 409, "hold-limit")


# R: C2
async def test_no_hold_outlasts_the_beginning_of_its_slot(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    await open_shop.later(days=7, minutes=-5)
    line = (await add(ana))["cart"]["lines"][0]
    assert until(line) == BEGIN + timedelta(days=7)
    refused(await ana.post("/api/cart/extend", {"lineId": line["id"]}), 409, "hold-limit")
    await open_shop.later(minutes=5)
    refused(await ana.post("/api/cart/checkout", {"lineIds": [line["id"]]}), 410, "hold-expired")
    refused(await ana.post("/api/cart/add", {"slotId": SLOT, "tickets": {"adult": 1}}), 410, "slot-past")


# R: C2
async def test_seats_that_are_given_back_are_free_at_once(open_shop: Shop) -> None:
    ana, ben = await open_shop.guest("Ana"), await open_shop.guest("Ben")
    line = (await add(ana, SMALL, adult=10))["lineId"]
    answer = await ana.do("/api/cart/remove", {"lineId": line})
    assert (answer["cart"]["lines"], answer["prices"]) == ([], [])
    await add(ben, SMALL, adult=10)
    refused(await ana.post("/api/cart/remove", {"lineId": line}), 404, "unknown-line")


# R: C2
async def test_a_hold_that_runs_out_frees_its_seats_without_anyone_asking(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    line = (await add(ana))["lineId"]
    await open_shop.later(minutes=14, seconds=59)
    assert await open_shop.left() == 38
    await open_shop.later(seconds=1)
    counted = open_shop.server.hub.counters.by_type
    assert (counted["SeatsFreed"], counted["LineRemoved"]) == (1, 1)
    assert len((await open_shop.slot()).holds) == 0
    assert (await open_shop.cart(ana)).lines == ()
    for path, body in (("remove", {"lineId": line}), ("extend", {"lineId": line}), ("checkout", {"lineIds": [line]})):
        refused(await ana.post(f"/api/cart/{path}", body), 410, "hold-expired")
    refused(await ana.post("/api/cart/checkout", {}), 409, "cart-empty")


# R: C2
async def test_seats_that_ran_out_are_somebody_elses_also_before_that_is_announced(open_shop: Shop) -> None:
    ana, ben = await open_shop.guest("Ana"), await open_shop.guest("Ben")
    line = (await add(ana, SMALL, adult=10))["lineId"]
    open_shop.clock.later(minutes=15)
    assert await open_shop.left(SMALL) == 12
    await add(ben, SMALL, adult=10)
    refused(await ana.post("/api/cart/checkout", {}), 410, "hold-expired")
    refused(await ana.post("/api/cart/extend", {"lineId": line}), 410, "hold-gone")


# R: C2
async def test_the_timers_free_seats_by_themselves(tmp_path: Path) -> None:
    async with shop(tmp_path, timer_interval=0.01) as opened:
        ana = await opened.guest("Ana")
        await add(ana)
        async with ana.stream(f"slot:{SLOT}", f"cart:{ana.id}") as stream:
            await stream.next("reset")
            await stream.next("reset")
            opened.clock.later(minutes=15)
            seen = {(await stream.next("event")).data["type"] for _ in range(2)}
        assert seen == {"SeatsFreed", "LineRemoved"}


# R: C9
async def test_a_guest_who_becomes_an_account_has_their_cart_still(open_shop: Shop) -> None:
    ana = await open_shop.guest("Ana")
    line = (await add(ana))["lineId"]
    await ana.do("/api/session/upgrade", {"username": "ana", "password": "correct horse battery"})
    assert [n["id"] for n in (await load(ana))["cart"]["lines"]] == [line]
    issued = await Person(open_shop.http).do(
        "/api/session/login", {"username": "ana", "password": "correct horse battery"}
    )
    elsewhere = Person.of(open_shop.http, issued)
    assert (await check_out(elsewhere))["lines"][0]["id"] == line


# R: C1 C2
async def test_what_is_held_stands_when_the_catalogue_says_something_else(tmp_path: Path) -> None:
    async with shop(tmp_path, clock=(clock := Clock())) as before:
        ana = await before.guest("Ana")
        await add(ana, adult=3)
        await add(ana, SMALL, adult=2)
    other = tmp_path / "other.toml"
    text = SAMPLE_FILE.read_text("utf-8").replace("capacity = 40", "capacity = 2")
    other.write_text(text.replace('id = "clockmaker"', 'id = "watchmaker"'), "utf-8")
    async with shop(tmp_path, clock=clock, catalog=str(other)) as after:
        ana, ben = Person(after.http, ana.token), await after.guest("Ben")
        body = {"slotId": SLOT, "tickets": {"adult": 1}}
        assert await after.left() == 0
        assert refused(await ben.post("/api/cart/add", body), 409, "seats-gone")["left"] == 0
        refused(await ana.post("/api/cart/add", {**body, "slotId": SMALL}), 404, "unknown-slot")
        order = await check_out(ana)
        assert (await pay(ana, order["id"]))["state"] == "paid"
        for slot, seats in ((SLOT, 3), (SMALL, 2)):
            assert [(hold.seats, hold.state) for hold in (await after.slot(slot)).holds.values()] == [(seats, "sold")]


async def test_a_server_without_a_catalogue_books_nothing(tmp_path: Path) -> None:
    async with shop(tmp_path, catalog="") as opened:
        ana = await opened.guest("Ana")
        refused(await ana.post("/api/cart/add", {"slotId": SLOT, "tickets": {"adult": 1}}), 404, "no-catalogue")
        assert (await load(ana))["cart"]["lines"] == []
        about = (await opened.http.get("/api/server")).json()
        assert ("book" in about["features"], about["payments"]) == (False, [])


async def test_a_server_says_how_it_can_be_paid(open_shop: Shop) -> None:
    about = (await open_shop.http.get("/api/server")).json()
    assert "book" in about["features"]
    simulated, venue = about["payments"]
    assert (simulated["id"], simulated["simulated"], simulated["paysLater"]) == ("simulated", True, False)
    assert simulated["methods"][0] == {"id": "accept", "label": "Succeeds at once"}
    assert venue == {
        "id": "venue",
        "label": "Pay at the venue",
        "methods": [],
        "paysLater": True,
        "simulated": False,
    }


# R: C2 C5
async def test_the_same_add_fifty_times_under_one_key_is_one_hold_and_fifty_equal_answers(open_shop: Shop) -> None:
    ana, key = await open_shop.guest("Ana"), str(uuid.uuid4())
    body = {"slotId": SLOT, "tickets": {"adult": 2, "child": 1}}
    answers = await asyncio.gather(*(ana.post("/api/cart/add", body, key=key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["lineId"] == key
    assert [hold.seats for hold in (await open_shop.slot()).holds.values()] == [3]
    other = {**body, "tickets": {"adult": 3}}
    refused(await ana.post("/api/cart/add", other, key=key), 422, "idempotency-key-reused")
    assert await open_shop.left() == 37


async def twice(person: Person, path: str, body: Any, other: Any) -> Any:
    """The answer to a request that is sent twice under one key; and with another body, which is refused."""
    key = str(uuid.uuid4())
    first, second = [await person.post(f"/api/cart/{path}", body, key=key) for _ in range(2)]
    assert first.is_success, first.text
    assert (first.status_code, first.content) == (second.status_code, second.content)
    refused(await person.post(f"/api/cart/{path}", other, key=key), 422, "idempotency-key-reused")
    return json.loads(first.content or b"null")


# R: C5
async def test_every_other_change_can_be_sent_twice_too(open_shop: Shop) -> None:
    made, (ana,) = await crew(open_shop.http, 1)
    trip = made["trip"]["id"]
    lines = [(await add(ana, slot, trip=trip))["lineId"] for slot in (SLOT, NEXT, SMALL, "big-sky.20340608.1100")]
    await open_shop.later(minutes=1)
    extended = await twice(ana, "extend", {"lineId": lines[0]}, {"lineId": lines[1]})
    assert extended["cart"]["lines"][0]["extensions"] == 1
    assert next(iter((await open_shop.slot()).holds.values())).extensions == 1
    removed = await twice(ana, "remove", {"lineId": lines[1]}, {"lineId": lines[0]})
    assert [line["id"] for line in removed["cart"]["lines"]] == [lines[0], *lines[2:]]
    body = {"lineIds": [lines[0]], "provider": "simulated"}
    order = (await twice(ana, "checkout", body, {**body, "lineIds": [lines[2]]}))["orderId"]
    refuse = {"orderId": order, "method": "refuse"}
    tried = await twice(ana, "pay", refuse, {"orderId": order, "method": "accept"})
    assert [a["state"] for a in tried["cart"]["orders"][0]["attempts"]] == ["declined"]
    await twice(ana, "cancel", {"orderId": order}, {"orderId": lines[1]})
    await check_out(ana, "venue", lineIds=[lines[2]])
    await check_out(ana, "venue", lineIds=[lines[3]])
    ids = [b["id"] for b in (await ana.trip(trip)).json()["trip"]["bookings"]]
    await twice(ana, "paid", {"tripId": trip, "bookingId": ids[0]}, {"tripId": trip, "bookingId": ids[1]})
    assert sorted(order.state for order in (await open_shop.cart(ana)).orders) == ["awaiting", "cancelled", "paid"]
