"""What a stranger can do with what they may come to know of a booking, its ids above all: nothing."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.booking import (
    NEXT,
    SECRET,
    SLOT,
    SMALL,
    Shop,
    add,
    box_office,
    charges,
    check_out,
    load,
    money,
    order_of,
    pay,
    refused,
    shop,
    states,
)
from tests.support.people import Person, crew


@pytest.fixture
async def open_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    """A server where one can book, with a box office, that soon forgets keys."""
    monkeypatch.setenv("ROADCREW_PAYMENT_VENUE_SECRET", SECRET)
    async with shop(tmp_path, command_ids_days=0.5) as opened:
        yield opened


async def ids_of_slot(shop: Shop, looker: Person) -> set[str]:
    """Every id that can be read off a slot."""
    events = (await shop.server.store.read(f"slot:{SLOT}", -1, 100)) or pytest.fail("no slot")
    batch = await looker.poll(f"slot:{SLOT}")
    assert batch.status_code == 200
    found = {entry.command for entry in events.events}
    for hold in (await shop.slot()).holds.values():
        found |= {hold.id, hold.order or hold.id}
    return found


# R: C2
async def test_who_knows_the_id_of_a_line_an_order_or_a_hold_can_do_nothing_with_it(open_shop: Shop) -> None:
    ana, eve = await open_shop.guest("Ana"), await open_shop.guest("Eve")
    line = (await add(ana, adult=3))["lineId"]
    ordered = (await add(ana, adult=2))["lineId"]
    order = (await check_out(ana, "venue", lineIds=[ordered]))["id"]
    known = {line, ordered, order} | await ids_of_slot(open_shop, eve)
    before = (await open_shop.cart(ana), dict((await open_shop.slot()).holds))
    for some in known:
        for path in ("remove", "extend"):
            refused(await eve.post(f"/api/cart/{path}", {"lineId": some}, key=some), 404, "unknown-line")
        refused(await eve.post("/api/cart/checkout", {"lineIds": [some]}, key=some), 404, "unknown-line")
        for path in ("pay", "cancel"):
            refused(await eve.post(f"/api/cart/{path}", {"orderId": some}, key=some), 404, "unknown-order")
    assert (await open_shop.cart(ana), dict((await open_shop.slot()).holds)) == before


# R: C2
async def test_who_sends_somebody_elses_ids_as_keys_has_seats_of_their_own_and_touches_no_others(
    open_shop: Shop,
) -> None:
    ana, eve = await open_shop.guest("Ana"), await open_shop.guest("Eve")
    key = str(uuid.uuid4())
    await add(ana, key=key)
    order = (await check_out(ana, "venue"))["id"]
    mine = dict((await open_shop.slot()).holds)
    taken = 2
    for some in {key, order} | await ids_of_slot(open_shop, eve):
        answer = await add(eve, key=some, adult=1)
        assert [line["id"] for line in answer["cart"]["lines"]] == [some]
        taken += 1
        assert (await open_shop.slot()).taken == taken
        checked_out = await eve.do("/api/cart/checkout", {"provider": "simulated"}, key=some)
        assert checked_out["orderId"] == some
        await eve.do("/api/cart/pay", {"orderId": some}, key=some)
        answer = await eve.do("/api/cart/cancel", {"orderId": some}, key=some)
        assert order_of(answer, some)["state"] == "cancelled"
        taken -= 1
        holds = dict((await open_shop.slot()).holds)
        assert holds == mine
    assert ((await load(ana))["cart"]["orders"][0]["state"], await money(open_shop)) == ("awaiting", 0)


# R: C1
async def test_a_key_under_which_one_order_was_paid_long_ago_does_not_pay_for_another(open_shop: Shop) -> None:
    ana, key = await open_shop.guest("Ana"), str(uuid.uuid4())
    await add(ana, infant=1, child=1)
    cheap = (await check_out(ana))["id"]
    await ana.do("/api/cart/pay", {"orderId": cheap}, key=key)
    assert await money(open_shop) == 500
    await open_shop.later(days=1)  # the key is forgotten
    await add(ana, SMALL, adult=10)
    dear = (await check_out(ana))["id"]
    paid = order_of(await ana.do("/api/cart/pay", {"orderId": dear}, key=key), dear)
    assert (paid["state"], paid["total"], await money(open_shop)) == ("paid", 18500, 500 + 18500)


# R: C2
async def test_a_key_under_which_seats_were_ordered_long_ago_puts_none_into_the_cart_that_are_not_held(
    open_shop: Shop,
) -> None:
    ana, key = await open_shop.guest("Ana"), str(uuid.uuid4())
    await add(ana, key=key)
    await pay(ana, (await check_out(ana))["id"])
    await open_shop.later(days=1)
    answer = await add(ana, key=key, adult=5)
    assert (answer["cart"]["lines"], await states(open_shop), await open_shop.left()) == ([], ["sold"], 38)


# R: C1
async def test_a_word_of_payment_that_is_not_the_box_offices_or_not_of_that_order_is_not_taken(
    open_shop: Shop,
) -> None:
    ana, eve = await open_shop.guest("Ana"), await open_shop.guest("Eve")
    await add(ana)
    first = (await check_out(ana, "venue"))["id"]
    (hers,) = await charges(open_shop, "venue")
    await add(eve, SMALL, adult=1)
    other = (await check_out(eve, "venue"))["id"]
    (eves,) = set(await charges(open_shop, "venue")) - {hers}
    reference, mine = f"{ana.id}_{first}", f"{eve.id}_{other}"
    nobodys = str(uuid.uuid4())
    for charge, of, secret in (
        (hers, reference, "a secret of somebody"),
        (hers, mine, SECRET),
        (eves, reference, SECRET),
        (first, reference, SECRET),
        (nobodys, reference, SECRET),
        (hers, f"{ana.id}_{other}", SECRET),
        (hers, f"{ana.id}", SECRET),
        (hers, f"cart:{ana.id}_{first}", SECRET),
        (hers, "_", SECRET),
    ):
        answer = await box_office(open_shop, charge, of, secret)
        refused(answer, 400, "bad-notice")
    body = {"charge_id": hers, "reference": reference, "outcome": {"type": "Succeeded", "reference": "x"}}
    refused(await open_shop.http.post("/api/payments/simulated", json=body), 400, "bad-notice")
    assert [order.state for who in (ana, eve) for order in (await open_shop.cart(who)).orders] == ["awaiting"] * 2


# R: C1
async def test_an_organiser_gives_their_word_for_orders_of_their_own_trip_alone(open_shop: Shop) -> None:
    made, (ana, ben) = await crew(open_shop.http, 2)
    eve = await open_shop.guest("Eve")
    trip, eves = made["trip"]["id"], (await eve.create())["trip"]["id"]
    await eve.do("/join", {"invite": made["invite"]["code"]})
    await add(ben, trip=trip)
    await check_out(ben, "venue")
    (booking,) = [b["id"] for b in (await ana.trip(trip)).json()["trip"]["bookings"]]
    refused(await eve.post("/api/cart/paid", {"tripId": trip, "bookingId": booking}), 403, "not-organiser")
    refused(await eve.post("/api/cart/paid", {"tripId": eves, "bookingId": booking}), 404, "unknown-order")
    refused(await ana.post("/api/cart/paid", {"tripId": eves, "bookingId": booking}), 403, "not-a-member")
    refused(await ana.post("/api/cart/paid", {"tripId": trip, "bookingId": str(uuid.uuid4())}), 404, "unknown-order")
    assert [order.state for order in (await open_shop.cart(ben)).orders] == ["awaiting"]


# R: C1
@pytest.mark.parametrize(
    ("word", "own", "of_ben"), [(None, 403, 204), ("others", 403, 204), ("all", 204, 204), ("none", 403, 403)]
)
async def test_whose_word_is_taken_for_which_order_the_server_says(
    tmp_path: Path, word: str | None, own: int, of_ben: int
) -> None:
    settings: dict[str, Any] = {} if word is None else {"organisers_word": word}
    async with shop(tmp_path, **settings) as opened:
        made, (ana, ben) = await crew(opened.http, 2)
        trip = made["trip"]["id"]
        for who, slot, status in ((ana, SMALL, own), (ben, NEXT, of_ben)):
            await add(who, slot, trip=trip)
            await check_out(who, "venue")
            booked = (await ana.trip(trip)).json()["trip"]["bookings"]
            booking = next(b["id"] for b in booked if b["memberId"] == who.id)
            answer = await ana.post("/api/cart/paid", {"tripId": trip, "bookingId": booking})
            assert (answer.status_code, b"word-not-taken" in answer.content) == (status, status == 403), answer.text
            assert (await opened.cart(who)).orders[0].state == ("paid" if status == 204 else "awaiting")


# R: C1
@pytest.mark.parametrize("other", ["another trip's", "nobody's"])
async def test_an_organiser_gives_no_word_for_an_order_that_is_not_all_of_their_trip(
    open_shop: Shop, other: str
) -> None:
    made, (ana, eve) = await crew(open_shop.http, 2)
    trip, eves = made["trip"]["id"], (await eve.create())["trip"]["id"]
    await add(eve, trip=eves)
    await add(eve, NEXT, trip=trip if other == "another trip's" else None)
    await check_out(eve, "venue")
    for organiser, of in ((ana, trip), (eve, eves)):
        for booking in (await organiser.trip(of)).json()["trip"]["bookings"]:
            answer = await organiser.post("/api/cart/paid", {"tripId": of, "bookingId": booking["id"]})
            refused(answer, 403, "order-of-several")
    assert [order.state for order in (await open_shop.cart(eve)).orders] == ["awaiting"]


# R: C1
async def test_an_organiser_gives_no_word_for_what_is_not_paid_at_the_venue(open_shop: Shop) -> None:
    made, (ana,) = await crew(open_shop.http, 1)
    trip = made["trip"]["id"]
    await add(ana, trip=trip)
    await check_out(ana)
    (booking,) = (await ana.trip(trip)).json()["trip"]["bookings"]
    refused(await ana.post("/api/cart/paid", {"tripId": trip, "bookingId": booking["id"]}), 404, "unknown-order")
    assert (await open_shop.cart(ana)).orders[0].state == "awaiting"
