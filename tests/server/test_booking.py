"""Booking over HTTP, from the empty cart to the receipt's facts: what is promised to any client. # R: C1, C2"""

from __future__ import annotations

from typing import Any

from tests.support.people import Person
from tests.support.serving import Running

SLOT = "azulejo-light.20270105.1000"
"""A Tuesday; 40 seats. An adult is 14.00 €, a child 5.00 €."""


async def added(person: Person, slot: str = SLOT, **tickets: int) -> dict[str, Any]:
    """The answer to adding seats."""
    return await person.do("/api/cart/add", {"slotId": slot, "tickets": tickets or {"adult": 2}})


async def test_seats_are_added_ordered_and_paid(running: Running, ana: Person) -> None:
    answer = await added(ana, adult=2, child=1)
    line = answer["cart"]["lines"][0]
    assert (line["id"], line["state"], line["slot"]["title"]) == (answer["lineId"], "held", "Azulejo: Walls of Light")
    assert answer["prices"] == [{"lineId": line["id"], "amount": 3300, "discountPercent": 0, "discount": 0}]
    day = (await ana.get("/api/exhibitions/azulejo-light/slots", date="2027-01-05")).json()
    assert [slot["seatsLeft"] for slot in day["slots"]] == [37, 40, 40, 40]
    ordered = await ana.do("/api/cart/checkout", {"provider": "simulated"})
    order = ordered["cart"]["orders"][0]
    assert (order["state"], order["total"], order["currency"]) == ("awaiting", 3300, "EUR")
    assert ordered["cart"]["lines"] == []
    paid = await ana.do("/api/cart/pay", {"orderId": order["id"], "method": "accept"})
    assert paid["cart"]["orders"][0]["state"] == "paid"
    slot = running.server.hub.topics[f"slot:{SLOT}"].state
    assert [(hold.seats, hold.state) for hold in slot.holds.values()] == [(3, "sold")]


async def test_looking_at_an_empty_cart_writes_nothing(running: Running, ana: Person) -> None:
    loaded = (await ana.get("/api/cart/load")).json()
    assert (loaded["cart"]["lines"], loaded["cart"]["user"], loaded["cursor"]) == ([], ana.id, "")
    assert f"cart:{ana.id}" not in running.server.hub.topics
