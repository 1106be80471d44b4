"""What some simulated members do once, beside voting: book seats, ask for prices, take hotels over from a file. Where a
server does not offer that, nothing."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from roadcrew_client import Client
from roadcrew_domain.trip import Trip

BOOKED_WITHIN = 5
"""Days of a trip that are looked at for seats."""
NIGHTS = 4
"""Of a stay, where the trip has no dates."""
ROWS = 400
"""Hotels in a file, and what is wrong with some of them."""
FEED_NAME = "lisbon-hotels.csv"
QUARTERS = ("Alfama", "Baixa", "Belém", "Bica", "Chiado", "Estrela", "Graça", "Lapa", "Mouraria", "Santos")
HOUSES = ("Casa {}", "Pensão {}", "{} Rooms", "Residencial {}")

Errand = Callable[[Client, Trip, random.Random], Awaitable[str | None]]
"""Returns the id of what goes on in the trip by itself from then on, if anything does. Raises `RoadcrewError`."""


async def book(client: Client, trip: Trip, chance: random.Random) -> None:
    """Seats of an exhibition during the trip, to be paid at the venue."""
    offered = (await client.exhibitions()).exhibitions
    if not offered:
        return
    exhibition = chance.choice(offered)
    day = trip.starts_on or client.server_now().date()
    for n in range(BOOKED_WITHIN):
        slots = (await client.slots(exhibition.id, day + timedelta(days=n))).slots
        free = [slot for slot in slots if slot.state == "open"]
        if free:
            slot = chance.choice(free)
            tickets = {exhibition.tickets[0].kind: min(slot.seats_left, chance.randint(1, 3))}
            await client.add_to_cart(slot.id, tickets, trip.id)
            await client.checkout(provider="venue")
            return


async def ask_for_prices(client: Client, trip: Trip, chance: random.Random) -> str | None:
    """What the crew would pay for the hotels of the shortlist."""
    if not trip.hotels:
        return None
    begins = trip.starts_on or client.server_now().date() + timedelta(days=30)
    ends = trip.ends_on if trip.ends_on and trip.ends_on > begins else begins + timedelta(days=NIGHTS)
    hotels = sorted(trip.hotels)[:3]
    return (await client.request_stay(hotels, begins, ends, len(trip.members), trip.id)).run_id


async def import_hotels(client: Client, trip: Trip, chance: random.Random) -> str | None:
    """A file as somebody might have one: some of its rows can't be used."""
    return (await client.start_import(trip.id, feed(chance), FEED_NAME, "csv", "EUR")).job_id


def feed(chance: random.Random) -> bytes:
    """Made up."""
    rows = ["name,city,stars,price"]
    for n in range(ROWS):
        price = "on request" if n % 57 == 41 else f"{chance.randint(38, 220)}"
        city = "" if n % 83 == 60 else "Lisbon"
        name = chance.choice(HOUSES).format(f"{chance.choice(QUARTERS)} {n + 1}")
        rows.append(f"{name},{city},{chance.randint(1, 5)},{price}")
    return "\n".join(rows).encode()


async def stop(client: Client, trip: Trip, run_id: str) -> None:
    """What would go on without its member does not."""
    run = trip.runs.get(run_id)
    if run is not None and run.ended is None and run.kind != "import":
        await client.cancel_quote(run_id)
