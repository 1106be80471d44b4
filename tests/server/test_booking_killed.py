"""The same with processes that really end between two steps of a booking, and people who ask again over HTTP."""

import asyncio
import random
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from tests.conftest import Figure
from tests.support.mortal import KILLED
from tests.support.people import Person, connected
from tests.support.serving import ServerProcess

SLOT, NEXT = "azulejo-light.20340608.1000", "azulejo-light.20340608.1130"
SETTINGS: dict[str, Any] = {"catalog": "sample", "payments": "simulated", "timer_interval": 0.05}
ORDINARILY = 2
"""Deaths of each kind in an ordinary run; `--full` dies everywhere."""
FEWEST = 20
"""The booking takes at least so many calls."""
LATER = 15
"""Seconds after which a process takes up what another has begun."""


class Mortal(ServerProcess):
    """A server that dies at its `dies_at`-th call to the store for a cart, with a clock that is `ahead`."""

    def __init__(self, place: Path, dies_at: int, when: str, ahead: float = 0) -> None:
        program = ("-m", "tests.support.mortal", str(dies_at), when, str(ahead))
        super().__init__(place, program=program, **SETTINGS)

    @property
    def status(self) -> int | None:
        """With which it has ended."""
        assert self.process is not None
        return self.process.wait(10)


async def book(person: Person, keys: list[str], begin: int) -> int:
    """Two slots, an order, its payment and its end, from that step on; how many steps were answered."""
    line, other, order, *_ = keys
    steps: list[tuple[str, Any]] = [
        ("add", {"slotId": SLOT, "tickets": {"adult": 2}}),
        ("add", {"slotId": NEXT, "tickets": {"adult": 3}}),
        ("checkout", {"lineIds": [line, other]}),
        ("pay", {"orderId": order, "method": "accept"}),
        ("cancel", {"orderId": order}),
    ]
    for n in range(begin, len(steps)):
        what, body = steps[n]
        try:
            answer = await person.post(f"/api/cart/{what}", body, key=keys[n])
        except httpx.HTTPError:
            return n
        assert answer.status_code == 200, (what, answer.text)
    return len(steps)


async def left(http: httpx.AsyncClient) -> list[int]:
    """Seats that are left in both slots."""
    answer = await http.get("/api/exhibitions/azulejo-light/slots", params={"date": "2034-06-08"})
    return [slot["seatsLeft"] for slot in answer.json()["slots"][:2]]


async def killed_at(place: Path, dies_at: int, when: str) -> bool:
    """Book with a server that dies, and go on with another; whether the first died."""
    keys = [str(uuid.uuid4()) for _ in range(5)]
    with suppress(ProcessLookupError), Mortal(place, dies_at, when) as process:
        async with connected(process.url) as http:
            ana = await Person.guest(http, "Ana")
            reached = await book(ana, keys, 0)
        died = reached < len(keys)
        if died:
            assert await asyncio.to_thread(lambda: process.status) == KILLED
    with Mortal(place, 0, "before", LATER) as process:
        async with connected(process.url) as http:
            ana = Person(http, ana.token, ana.id)
            assert await book(ana, keys, reached) == len(keys)
            cart = (await ana.get("/api/cart/load")).json()["cart"]
            assert await left(http) == [40, 40]
    (order,) = cart["orders"]
    assert (cart["lines"], order["state"], order["settled"]) == ([], "cancelled", True)
    came = [attempt["state"] for attempt in order["attempts"]], [refund["state"] for refund in order["refunds"]]
    # Whoever came first after a death between asking and being charged: she herself, or the server that tidies up.
    assert came in ((["succeeded"], ["done"]), (["declined"], []))
    return died


# R: C2
async def test_a_booking_goes_on_where_a_killed_process_left_it(tmp_path: Path, full: bool, figure: Figure) -> None:
    deaths = 0
    for when in ("before", "after"):
        somewhere = random.Random(6).sample(range(1, FEWEST), ORDINARILY)
        for n in range(1, 200) if full else somewhere:
            place = tmp_path / f"{when}-{n}"
            await asyncio.to_thread(place.mkdir)
            if not await killed_at(place, n, when):
                assert n >= FEWEST, f"nobody died at the call {n}"
                break
            deaths += 1
    figure("real deaths of a server in the middle of a booking", deaths)
    assert deaths >= 2 * (FEWEST if full else ORDINARILY)
