"""Seats that run out in the very moment in which they are ordered: one of both wins, and the person is told which."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path

from tests.conftest import Count, Figure
from tests.support.booking import BEGIN, CAPACITY, Clock, do_what_is_due, hall, timed_store
from tests.support.serving import settings_for

from roadcrew_domain.booking_ids import hold_of, order_of
from roadcrew_domain.cart import Cart
from roadcrew_domain.refusals import Refused
from roadcrew_domain.seats import Slot
from roadcrew_server.app import Server
from roadcrew_server.booking.book import Asked

LATE = 200
"""Turns of the event loop by which somebody may be late: a few milliseconds, in which an order is made."""


def asked(user: str) -> Asked:
    """Something new that they ask."""
    key = str(uuid.uuid4())
    return Asked(user, key, f"{user}:{key}", "body")


async def after(turns: int, work: Awaitable[object]) -> str:
    """Do it when so many turns have passed; how it was refused, nothing if it was not."""
    for _ in range(turns):
        await asyncio.sleep(0)
    try:
        await work
    except Refused as refused:
        return refused.code
    return ""


async def race(server: Server, clock: Clock, chance: random.Random, slot_id: str) -> tuple[str, str]:
    """Somebody orders all seats of a slot, their time runs out, and somebody else wants them. How both were refused."""
    ana, ben = str(uuid.uuid4()), str(uuid.uuid4())
    assert server.catalogue is not None
    slot, booking = server.catalogue.slot(slot_id), server.booking
    added, ordered = asked(ana), asked(ana)
    await booking.add(added, slot, {"adult": CAPACITY}, None)
    clock.later(minutes=15, milliseconds=-1)

    async def time_is_up() -> None:
        clock.later(milliseconds=1)
        await do_what_is_due(server)

    said, _, rival = await asyncio.gather(
        after(chance.randrange(LATE), booking.check_out(ordered, (added.command,), None)),
        after(chance.randrange(LATE), time_is_up()),
        after(chance.randrange(LATE), booking.add(asked(ben), slot, {"adult": CAPACITY}, None)),
    )
    await do_what_is_due(server)
    cart: Cart = (await server.hub.topic(f"cart:{ana}")).state
    state: Slot = (await server.hub.topic(f"slot:{slot_id}")).state
    holds = {hold.id: (hold.state, hold.order) for hold in state.holds.values()}
    hers = hold_of(ana, added.command)
    if said == "":
        assert [(order.state, order.settled) for order in cart.orders] == [("awaiting", True)]
        assert (cart.lines, cart.ended) == ((), ())
        assert holds == {hers: ("pinned", order_of(ana, ordered.command, added.command))}
        assert rival == "seats-gone"
    else:
        assert said in ("hold-expired", "seats-gone")
        assert [order.state for order in cart.orders if order.has_seats] == []
        assert (cart.lines, cart.ended_as(added.command)) == (
            (),
            "expired" if said == "hold-expired" else "seats-gone",
        )
        assert hers not in holds
        assert [state for state, _ in holds.values()] == (["held"] if rival == "" else [])
        assert rival in ("", "seats-gone")
    return said, rival


# R: C2
async def test_of_an_order_and_the_end_of_its_hold_one_wins_and_the_person_is_told_which(
    tmp_path: Path, count: Count, figure: Figure
) -> None:
    clock, chance, rounds = Clock(), random.Random(6), count(reduced=150, full=1000)
    server = Server(timed_store(tmp_path, clock), settings_for(tmp_path, timer_interval=60), catalogue=hall())
    await server.start()
    outcomes: Counter[tuple[str, str]] = Counter()
    try:
        for n in range(rounds):
            day = BEGIN + timedelta(days=2 + n // 48)
            outcomes[await race(server, clock, chance, f"hall.{day:%Y%m%d}.{n % 48 // 2:02}{n % 2 * 30:02}")] += 1
    finally:
        await server.stop()
    figure("orders racing the end of their hold", dict(outcomes))
    ordered = sum(times for (said, _), times in outcomes.items() if said == "")
    assert 0 < ordered < rounds
    assert outcomes["hold-expired", ""] > 0
