"""The calls of booking: what is asked, what is read, what is not believed, and what is counted."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from tests.api_client.booking_desk import OTHER, SLOT, Desk, Fault, Wire
from tests.api_client.scripted import FAST, Request, serving
from tests.support.jumping import jumping

import roadcrew_client as rc
from roadcrew_client.book_models import checked_cart, failure_kind, read_cart
from roadcrew_client.errors import from_reply
from roadcrew_domain.cart import encode_cart
from roadcrew_domain.cart_acts import ConfirmOrder, MarkPaid, PlaceOrder
from roadcrew_domain.money import Money

MONET = {
    "id": "monet",
    "title": "Monet",
    "venue": "Museu",
    "city": "Lisbon",
    "description": "",
    "startsOn": "2030-05-01",
    "endsOn": "2030-06-30",
    "weekdays": [1, 2, 3, 4, 5, 6],
    "closedOn": ["2030-06-10"],
    "times": ["12:00", "14:00"],
    "minutes": 120,
    "timeZone": "Europe/Lisbon",
    "capacity": 50,
    "tickets": [{"kind": "adult", "name": "Adult", "price": {"amount": 1250, "currency": "EUR"}}],
}
OFFERED = {
    "id": SLOT.slot_id,
    "startsAt": "2030-05-21T00:00:00Z",
    "endsAt": "2030-05-21T02:00:00Z",
    "capacity": 50,
    "seatsLeft": 7,
    "state": "open",
}
DAY = {"exhibitionId": "monet", "date": "2030-05-21", "closed": False, "slots": [OFFERED]}


async def asked(answer: object, ask: Callable[[rc.Client], Awaitable[Any]], status: int = 200) -> tuple[Any, Request]:
    """What a call gives for that answer, and what was asked. Raises what the call raises."""

    async def script(request: Request) -> None:
        await request.answer(status, answer)

    async with serving(script) as server, rc.Client(server.url, token="ana", settings=FAST) as client:
        found = await ask(client)
        return found, server.requests[-1]


# --- the catalogue -------------------------------------------------------------------------------


# R: C1
async def test_exhibitions_are_read_without_a_token():
    answer = {"exhibitions": [MONET], "note": "All made up.", "sample": True}
    found, request = await asked(answer, rc.Client.exhibitions)
    assert (found.note, found.sample) == ("All made up.", True)
    (monet,) = found.exhibitions
    assert monet.tickets[0].price == Money(1250, "EUR")
    assert monet.open_on(date(2030, 5, 21))
    assert (request.path, "authorization" in request.headers) == ("/api/exhibitions", False)


# R: C13
@pytest.mark.parametrize(
    "tickets",
    [
        [],
        [{"kind": kind, "name": kind, "price": {"amount": 1, "currency": kind}} for kind in ("EUR", "USD")],
        [{"kind": "adult", "name": "Adult", "price": {"amount": 10**30, "currency": "EUR"}}],
        [{"kind": "adult", "name": "Adult", "price": {"amount": 1, "currency": "\x1b]0;x\x07"}}],
    ],
)
async def test_an_exhibition_that_can_not_be_paid_for_is_not_believed(tickets: list[object]):
    with pytest.raises(rc.ServerTrouble) as caught:
        await asked({"exhibitions": [{**MONET, "tickets": tickets}]}, rc.Client.exhibitions)
    assert caught.value.certain is False


# R: C1
async def test_the_slots_of_a_day_are_read_and_say_what_a_cart_would_remember():
    found, request = await asked(DAY, lambda client: client.slots("monet", date(2030, 5, 21)))
    assert (found.exhibition_id, found.day, found.closed) == ("monet", date(2030, 5, 21), False)
    (slot,) = found.slots
    assert (slot.seats_left, slot.state) == (7, "open")
    assert (request.path, request.query) == ("/api/exhibitions/monet/slots", {"date": ["2030-05-21"]})
    catalogue, _ = await asked({"exhibitions": [MONET]}, rc.Client.exhibitions)
    assert slot.info(catalogue.exhibitions[0]) == SLOT


NO_ZONES = [
    "Asia/Atlantis",
    "Europe",
    "../../etc/passwd",
    "/etc/localtime",
    "localtime",
    "",
    "UTC\n",
    "\x1b]0;hello\x07",
    "[bold]Lisbon[/]",
    "a\x00b",
    "Europe/" + "x" * 10_000,
    "Europe/Lisbön",
]


@pytest.mark.parametrize("zone", NO_ZONES, ids=range(len(NO_ZONES)))
async def test_a_time_zone_that_is_none_is_read_as_utc_wherever_it_comes_from(zone: str):
    catalogue, _ = await asked({"exhibitions": [{**MONET, "timeZone": zone}, MONET]}, rc.Client.exhibitions)
    assert [e.time_zone for e in catalogue.exhibitions] == ["UTC", "Europe/Lisbon"]
    desk = Desk(10, msgspec.structs.replace(SLOT, time_zone=zone), OTHER)
    line, other = desk.add(2), desk.add(1, OTHER.slot_id)
    desk.do(PlaceOrder((line,), (), "venue", pays_later=True, pay_within=3600))
    again = desk.add(2)
    found, _ = await asked(desk.answer(), rc.Client.load_cart)
    assert {n.id: n.slot.time_zone for n in found.cart.lines} == {other: "Europe/Lisbon", again: "UTC"}
    assert [n.slot.time_zone for n in found.cart.orders[0].lines] == ["UTC"]
    assert checked_cart(desk.cart()) == read_cart(encode_cart(desk.cart())) == found.cart


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "America/Argentina/Salta", "Etc/GMT+3", "UTC"])
async def test_a_time_zone_that_there_is_stays_as_it_is(zone: str):
    catalogue, _ = await asked({"exhibitions": [{**MONET, "timeZone": zone}]}, rc.Client.exhibitions)
    assert catalogue.exhibitions[0].time_zone == zone


async def test_an_exhibitions_id_does_not_lead_to_another_address():
    _, request = await asked(DAY, lambda client: client.slots("../../cart/load?x=#", date(2030, 5, 21)))
    assert request.path == "/api/exhibitions/..%2F..%2Fcart%2Fload%3Fx%3D%23/slots"


async def test_the_ways_to_pay_are_told_with_the_server():
    way = {"id": "sim", "label": "Simulated", "methods": [{"id": "card", "label": "Card"}], "simulated": True}
    told = {"name": "Plan", "version": "1", "payments": [way, {"id": "venue", "label": "There", "paysLater": True}]}
    found, _ = await asked(told, rc.Client.server_info)
    assert [(p.id, p.pays_later, p.simulated) for p in found.payments] == [("sim", False, True), ("venue", True, False)]
    assert found.payments[0].methods == (rc.PaymentMethod("card", "Card"),)
    older, _ = await asked({"name": "Plan", "version": "1"}, rc.Client.server_info)
    assert older.payments == ()


# --- the cart ------------------------------------------------------------------------------------

Ask = Callable[[rc.Client, str], Awaitable[Any]]
CALLS: dict[str, tuple[Ask, dict[str, object]]] = {
    "add": (
        lambda c, key: c.add_to_cart("s", {"adult": 2}, key=key),
        {"slotId": "s", "tickets": {"adult": 2}},
    ),
    "add for a trip": (
        lambda c, key: c.add_to_cart("s", {"adult": 1}, "t", key=key),
        {"slotId": "s", "tickets": {"adult": 1}, "tripId": "t"},
    ),
    "remove": (lambda c, key: c.remove_from_cart("l", key=key), {"lineId": "l"}),
    "extend": (lambda c, key: c.extend_hold("l", key=key), {"lineId": "l"}),
    "checkout": (lambda c, key: c.checkout(key=key), {}),
    "checkout of some": (
        lambda c, key: c.checkout(("l", "m"), "venue", key=key),
        {"lineIds": ["l", "m"], "provider": "venue"},
    ),
    "pay": (lambda c, key: c.pay("o", key=key), {"orderId": "o"}),
    "pay in a way": (lambda c, key: c.pay("o", "card", key=key), {"orderId": "o", "method": "card"}),
    "cancel": (lambda c, key: c.cancel_order("o", key=key), {"orderId": "o"}),
    "paid": (lambda c, key: c.mark_paid("t", "b", key=key), {"tripId": "t", "bookingId": "b"}),
}


# R: C1 C5
@pytest.mark.parametrize("what", CALLS)
async def test_each_call_says_what_it_is_for_under_one_key_for_all_its_attempts(what: str):
    ask, body = CALLS[what]
    faults = [503, 0]

    async def script(request: Request) -> None:
        if faults.pop(0):
            await request.problem(503, "busy")
        else:
            await request.answer(200, Desk().answer("ana", lineId="l", orderId="o"))

    async with serving(script) as server, rc.Client(server.url, token="ana", settings=FAST) as client:
        await ask(client, "the-key")
        assert [r.path for r in server.requests] == [f"/api/cart/{what.partition(' ')[0]}"] * 2
        assert [r.headers["idempotency-key"] for r in server.requests] == ["the-key"] * 2
        assert [json.loads(r.body) for r in server.requests] == [body] * 2
        assert {r.headers["authorization"] for r in server.requests} == {"Bearer ana"}


# R: C1 C12 C13
async def test_an_answer_is_the_cart_its_prices_and_where_that_is_in_the_log():
    desk = Desk()
    line = desk.add(2)
    found, request = await asked(desk.answer(), rc.Client.load_cart)
    assert found.cart == desk.cart()
    assert [(p.line_id, p.amount, p.discount, p.total) for p in found.prices] == [(line, 2500, 0, 2500)]
    assert (found.line_id, found.order_id) == (None, None)
    assert request.path == "/api/cart/load"


def cart_with(**changes: Any) -> dict[str, Any]:
    """An answer with a line that can't be."""
    desk = Desk()
    desk.add(2)
    answer: dict[str, Any] = json.loads(json.dumps(desk.answer("ana", lineId="l", orderId="o")))
    (line,) = answer["cart"]["lines"]
    for name, value in changes.items():
        if name in line["tickets"][0]:
            line["tickets"][0][name] = value
        else:
            line[name] = value
    return answer


def order_with(**changes: Any) -> dict[str, Any]:
    """An answer with an order that can't be."""
    desk = Desk()
    desk.add(2)
    desk.do(PlaceOrder((), (), "sim", pays_later=False, pay_within=900))
    answer: dict[str, Any] = json.loads(json.dumps(desk.answer("ana", lineId="l", orderId="o")))
    (order,) = answer["cart"]["orders"]
    order.update(changes)
    return answer


def priced(*prices: tuple[str, int, int]) -> dict[str, Any]:
    """An answer with other prices."""
    desk = Desk()
    line = desk.add(2)
    rows = [
        {"lineId": of or line, "amount": amount, "discountPercent": 10, "discount": discount}
        for of, amount, discount in prices
    ]
    return {**desk.answer("ana", lineId="l", orderId="o"), "prices": rows}


NOT_OURS: dict[str, object] = {
    "no JSON": b"<html>",
    "no object": [],
    "no cart": {"prices": [], "cursor": ""},
    "another shape": {**Desk().answer(), "cart": {"user": 7}},
    "no tickets": cart_with(tickets=[]),
    "half a ticket": cart_with(count=0.5),
    "less than none": cart_with(count=-1),
    "a price that is a float": cart_with(price={"amount": 12.5, "currency": "EUR"}),
    "a price below nothing": cart_with(price={"amount": -1, "currency": "EUR"}),
    "no currency": cart_with(price={"amount": 1, "currency": "\x1b[31m"}),
    "a time without a zone": cart_with(until="2030-05-01T00:00:00"),
    "a time of no calendar": cart_with(until="2030-02-31T00:00:00Z"),
    "no price": priced(),
    "two prices": priced(("", 2500, 0), ("", 2500, 0)),
    "a price of something else": priced(("elsewhere", 2500, 0)),
    "a discount above the price": priced(("", 2500, 2501)),
    "a discount below nothing": priced(("", 2500, -1)),
    "an order of nothing": order_with(lines=[]),
    "an order in no currency": order_with(currency="euro"),
    "deep": b'{"cart":' + b"[" * 20_000,
}


@pytest.mark.parametrize("what", NOT_OURS)
async def test_an_answer_that_no_server_of_ours_gives_is_not_believed(what: str):
    with pytest.raises(rc.ServerTrouble) as caught:
        await asked(NOT_OURS[what], lambda client: client.remove_from_cart("l"))
    assert caught.value.certain is False


async def test_what_a_sound_server_says_is_believed():
    found, _ = await asked(order_with(), lambda client: client.remove_from_cart("l"))
    assert len(found.cart.orders) == 1
    found, _ = await asked(priced(("", 2500, 250)), lambda client: client.remove_from_cart("l"))
    assert [price.total for price in found.prices] == [2250]


@pytest.mark.parametrize(("what", "lacks"), [("add", "lineId"), ("checkout", "orderId")])
async def test_an_answer_that_does_not_say_what_was_made_is_not_believed(what: str, lacks: str):
    answer = {k: v for k, v in Desk().answer("ana", lineId="l", orderId="o").items() if k != lacks}
    with pytest.raises(rc.ServerTrouble):
        await asked(answer, lambda client: CALLS[what][0](client, "k"))


# R: C6
@pytest.mark.parametrize(("faults", "times"), [(["lost"], [0, 0.5]), (["lost", (503, "busy")], [0, 0.5, 1.5])])
def test_loading_the_cart_is_tried_three_times_with_half_a_second_more_each_time(
    faults: list[object], times: list[float]
):
    client, wire = a_client(lambda path: faults.pop(0) if faults else None)
    found, _ = jumping(client.load_cart)
    assert found is not None
    assert wire.times("/api/cart/load") == pytest.approx(times, abs=0.05)


def a_client(fault: Fault) -> tuple[rc.Client, Wire]:
    """Ana's, without a network."""
    wire = Wire(Desk(), fault, latency=0.01)
    client = rc.Client("http://book.example.org", token="ana", random=Random(1))
    client._connection._transport = wire  # type: ignore[assignment]
    return client, wire


# R: C6
@pytest.mark.parametrize("code", ["not-signed-in", "session-not-ready"])
def test_a_cart_that_can_not_be_loaded_for_a_401_is_none_at_once(code: str):
    client, wire = a_client(lambda path: (401, code))
    found, _ = jumping(client.load_cart)
    assert found is None
    assert len(wire.times("/api/cart/load")) == 1


# R: C6
def test_after_the_third_failure_loading_the_cart_says_why():
    client, wire = a_client(lambda path: "lost")

    async def main() -> None:
        with pytest.raises(rc.Unreachable):
            await client.load_cart()

    _, took = jumping(main)
    assert len(wire.times("/api/cart/load")) == 3
    assert took == pytest.approx(1.5, abs=0.1)


# --- what is counted, and what a failure is ------------------------------------------------------


# R: C10
async def test_orders_are_counted_from_placed_to_paid():
    desk = Desk()
    desk.add(2)
    order = desk.do(PlaceOrder((), (), "sim", pays_later=False, pay_within=900))
    desk.do(ConfirmOrder(order))

    async def script(request: Request) -> None:
        if request.path.endswith("pay"):
            desk.do(MarkPaid(order, None, "p1"))
        await request.answer(200, desk.answer("ana", orderId=order))

    async with serving(script) as server, rc.Client(server.url, token="ana", settings=FAST) as client:
        await client.checkout()
        assert (client.figures.book.orders_placed, client.figures.book.orders_paid) == (1, 0)
        await client.pay(order)
        assert (client.figures.book.orders_placed, client.figures.book.orders_paid) == (1, 1)
        await client.cancel_order(order)
        assert client.figures.book.orders_paid == 1


def said(status: int, code: str) -> rc.RoadcrewError:
    return from_reply(status, {}, json.dumps({"code": code}).encode())


def given_up_after(error: rc.RoadcrewError) -> rc.RoadcrewError:
    late = rc.SessionNotReady("session-not-ready", "Not yet.")
    late.__cause__ = error
    return late


# R: C8
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (rc.Unreachable("cut", ""), "connection"),
        (said(429, "too-many-requests"), "connection"),
        (said(503, "busy"), "connection"),
        (said(500, ""), "connection"),
        (said(302, ""), "connection"),
        (said(409, ""), "connection"),
        (said(401, ""), "connection"),
        (said(401, "session-not-ready"), "connection"),
        (said(401, "not-signed-in"), "auth"),
        (given_up_after(said(401, "not-signed-in")), "auth"),
        (given_up_after(said(401, "")), "connection"),
        (given_up_after(said(401, "session-not-ready")), "connection"),
        (said(409, "seats-gone"), "seats-gone"),
        (said(410, "slot-past"), "seats-gone"),
        (said(410, "hold-expired"), "seats-gone"),
        (said(404, "unknown-slot"), "seats-gone"),
        (said(404, "no-catalogue"), "refused"),
        (said(403, "not-a-member"), "refused"),
        (said(409, "cart-full"), "refused"),
        (said(422, "key-reused"), "refused"),
    ],
)
def test_each_error_is_of_one_kind(error: rc.RoadcrewError, kind: str):
    assert failure_kind(error) == kind


# R: C10
def test_a_failed_add_is_counted_once_and_by_its_kind():
    faults = [*[(503, "busy")] * 3, (409, "seats-gone"), (401, "not-signed-in")]
    client, _ = a_client(lambda path: faults.pop(0) if faults else None)

    async def main() -> None:
        for _ in range(3):
            with pytest.raises(rc.RoadcrewError):
                await client.add_to_cart(SLOT.slot_id, {"adult": 1})
        client._session.adopt(rc.Session("ana", rc.User("ana", "Ana"), datetime(2031, 1, 1, tzinfo=UTC)))
        await client.add_to_cart(SLOT.slot_id, {"adult": 1})

    jumping(main)
    book = client.figures.book
    assert (book.adds_tried, book.adds_done) == (4, 1)
    assert book.adds_failed == {"connection": 1, "seats-gone": 1, "auth": 1}


def test_a_program_that_books_nothing_does_not_load_the_rules_of_it():
    script = (
        "import sys, roadcrew_client as rc\n"
        "rc.Client('http://127.0.0.1:1', token='t').follow('t')\n"
        "print('roadcrew_domain.cart_decide' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
