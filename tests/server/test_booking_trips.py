"""Booking with a trip: its discount line by line, as of the moment of the order, and what its members see of it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.booking import NEXT, SLOT, Shop, add, cancel, check_out, load, order_of, pay, refused, shop
from tests.support.people import Person, crew

from roadcrew_domain.cart import CartCommand
from roadcrew_domain.cart_acts import PlaceOrder
from roadcrew_server.booking import ordering
from roadcrew_server.payments.base import Charge, Outcome, PaymentTrouble


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A server where one can book."""
    async with shop(tmp_path) as opened:
        yield opened


async def trip_of(shop: Shop, size: int, **more: Any) -> tuple[str, list[Person]]:
    """A trip of so many, with a discount of 15 % for three."""
    made, people = await crew(shop.http, size, **{"requiredMembers": 3, "discountPercent": 15, **more})
    return made["trip"]["id"], people


async def booked(person: Person, trip: str) -> list[tuple[str, str, int]]:
    """What a trip's members have booked: who, which slot, how many seats."""
    bookings = (await person.trip(trip)).json()["trip"]["bookings"]
    return [(b["memberId"], b["slot"]["slotId"], b["seats"]) for b in bookings]


def offs(answer: Any) -> list[tuple[int, int, int]]:
    """Amount, percent and discount of each line."""
    return [(p["amount"], p["discountPercent"], p["discount"]) for p in answer["prices"]]


# R: C12 C13
async def test_the_discount_of_a_trip_is_shown_and_ordered_line_by_line(open_shop: Shop) -> None:
    trip, (ana, _, cleo) = await trip_of(open_shop, 3)
    answer = await add(ana, trip=trip, adult=1)
    assert offs(answer) == [(1400, 15, 210)]
    answer = await add(ana, NEXT, concession=1, trip=trip)
    assert offs(answer) == [(1400, 15, 210), (950, 15, 143)]  # 142.5, half up
    answer = await add(ana, "clockmaker.20340608.1430", adult=1)
    assert offs(answer)[2] == (1850, 0, 0)
    order = await check_out(ana)
    head = (await open_shop.server.hub.topic(f"trip:{trip}")).head
    assert [(n["discountPercent"], n["discount"]) for n in order["lines"]] == [(15, 210), (15, 143), (0, 0)]
    assert [n["tripSeq"] is None for n in order["lines"]] == [False, False, True]
    assert 0 <= order["lines"][0]["tripSeq"] <= head
    assert order["total"] == 1400 + 950 + 1850 - 210 - 143
    await cleo.do("/leave", {"tripId": trip})
    assert (await pay(ana, order["id"]))["total"] == order["total"]  # what was ordered stays


# R: C12
async def test_the_number_of_the_trips_event_says_when_the_discount_was_read(open_shop: Shop) -> None:
    trip, (ana, ben, _) = await trip_of(open_shop, 3)
    await add(ana, trip=trip)
    first = await check_out(ana)
    await ben.do("/update", {"tripId": trip, "discountPercent": 5})
    await add(ana, NEXT, trip=trip)
    second = await check_out(ana)
    (one,), (two,) = first["lines"], second["lines"]
    assert (one["discountPercent"], two["discountPercent"]) == (15, 5)
    slice_ = await open_shop.server.store.read(f"trip:{trip}", one["tripSeq"], 100)
    assert slice_ is not None
    assert b'"TripEdited"' in b"".join(e.body for e in slice_.events if e.seq <= two["tripSeq"])


# R: C12
async def test_a_discount_that_unlocks_later_is_shown_when_the_cart_is_loaded_and_counts_when_it_is_ordered(
    open_shop: Shop,
) -> None:
    trip, (ana, _) = await trip_of(open_shop, 2)
    assert offs(await add(ana, trip=trip, adult=1)) == [(1400, 0, 0)]
    invite = (await ana.do("/invite", {"tripId": trip}))["invite"]["code"]
    cleo = await open_shop.guest("Cleo")
    await cleo.do("/join", {"invite": invite})
    assert offs(await load(ana)) == [(1400, 15, 210)]
    await cleo.do("/leave", {"tripId": trip})
    assert offs(await load(ana)) == [(1400, 0, 0)]
    await cleo.do("/join", {"invite": invite})
    assert (await check_out(ana))["total"] == 1190


# R: C12
@pytest.mark.parametrize("how", ["somebody left", "it was lowered", "the trip ended", "they left", "they were removed"])
async def test_a_discount_that_is_lost_between_adding_and_ordering_is_not_given(open_shop: Shop, how: str) -> None:
    trip, (organiser, ana, cleo) = await trip_of(open_shop, 3)
    assert offs(await add(ana, trip=trip, adult=1)) == [(1400, 15, 210)]
    match how:
        case "somebody left":
            await cleo.do("/leave", {"tripId": trip})
        case "it was lowered":
            await organiser.do("/update", {"tripId": trip, "discountPercent": 0})
        case "the trip ended":
            await organiser.do("/delete", {"tripId": trip})
        case "they left":
            await ana.do("/leave", {"tripId": trip})
        case "they were removed":
            await organiser.do("/remove-member", {"tripId": trip, "memberId": ana.id})
    assert offs(await load(ana)) == [(1400, 0, 0)]
    order = await check_out(ana)
    assert (order["total"], order["lines"][0]["discount"]) == (1400, 0)


# R: C1
async def test_a_booking_for_a_trip_is_its_members_alone(open_shop: Shop) -> None:
    trip, (ana, ben) = await trip_of(open_shop, 2)
    eve = await open_shop.guest("Eve")
    body = {"slotId": SLOT, "tickets": {"adult": 1}, "tripId": trip}
    refused(await eve.post("/api/cart/add", body), 403, "not-a-member")
    await ben.do("/leave", {"tripId": trip})
    refused(await ben.post("/api/cart/add", body), 403, "not-a-member")
    await ana.do("/delete", {"tripId": trip})
    refused(await ana.post("/api/cart/add", body), 403, "not-a-member")
    assert await open_shop.left() == 40


# R: C1
async def test_a_trip_sees_what_its_members_ordered_until_that_is_over(open_shop: Shop) -> None:
    trip, (ana, ben) = await trip_of(open_shop, 2)
    await add(ana, trip=trip, adult=3)
    assert await booked(ben, trip) == []
    order = (await check_out(ana))["id"]
    assert await booked(ben, trip) == [(ana.id, SLOT, 3)]
    await pay(ana, order)
    assert await booked(ben, trip) == [(ana.id, SLOT, 3)]
    await add(ben, NEXT, trip=trip)
    await check_out(ben)
    assert len(await booked(ana, trip)) == 2
    await open_shop.later(minutes=15)
    assert await booked(ben, trip) == [(ana.id, SLOT, 3)]
    await cancel(ana, order)
    assert await booked(ben, trip) == []


# R: C1
async def test_what_one_has_booked_goes_with_one_who_leaves_and_stays_paid(open_shop: Shop) -> None:
    trip, (ana, ben) = await trip_of(open_shop, 2)
    await add(ben, trip=trip)
    order = (await check_out(ben))["id"]
    await ben.do("/leave", {"tripId": trip})
    assert await booked(ana, trip) == []
    assert (await pay(ben, order))["state"] == "paid"
    assert await booked(ana, trip) == []
    assert (await cancel(ben, order))["state"] == "cancelled"
    assert await open_shop.left() == 40


# R: C1
async def test_an_organiser_says_that_a_member_paid_at_the_venue(open_shop: Shop) -> None:
    trip, (ana, ben) = await trip_of(open_shop, 2)
    await add(ben, trip=trip)
    order = (await check_out(ben, "venue"))["id"]
    (booking,) = (await ana.trip(trip)).json()["trip"]["bookings"]
    body = {"tripId": trip, "bookingId": booking["id"]}
    refused(await ben.post("/api/cart/paid", body), 403, "not-organiser")
    for key in ("one", "one", "another"):
        assert (await ana.post("/api/cart/paid", body, key=key)).status_code == 204
    assert order_of(await load(ben), order)["state"] == "paid"
    assert [hold.state for hold in (await open_shop.slot()).holds.values()] == ["sold"]


# R: C2 C12
async def test_a_trip_hears_of_an_order_whose_process_died_before_it_said_so_when_its_first_payment_comes_to_nothing(
    open_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    trip, (ana, *_) = await trip_of(open_shop, 3)
    server, order = open_shop.server, str(uuid.uuid4())
    line = (await add(ana, trip=trip, adult=1))["lineId"]
    place = PlaceOrder((line,), (), "simulated", pays_later=False, pay_within=900)
    state = (await server.hub.execute(f"cart:{ana.id}", CartCommand(order, ana.id, place))).state
    await ordering._pin(server.booking._desk, ana.id, state.order(order))

    async def out_of_reach(_: Charge) -> Outcome:
        raise PaymentTrouble("nothing was asked")

    provider: Any = server.payments.providers["simulated"]
    monkeypatch.setattr(provider.inner, "charge", out_of_reach)
    assert (await pay(ana, order))["state"] == "paying"
    assert await booked(ana, trip) == []
    await open_shop.later(seconds=11)
    assert (await open_shop.cart(ana)).orders[0].state == "awaiting"
    assert await booked(ana, trip) == [(ana.id, SLOT, 1)]
