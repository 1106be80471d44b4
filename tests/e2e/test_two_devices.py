"""Two devices of one person, one of them with a clock that is an hour wrong."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from tests.api_client.scripted import until
from tests.conftest import Figure
from tests.support.serving import served

import roadcrew_client as rc
from roadcrew_client.live_book import LiveBook
from roadcrew_client.settings import SystemClock

SLOT = "azulejo-light.20270105.1000"
SECOND = timedelta(seconds=1)


class WrongClock(SystemClock):
    """The machine's clock, set wrong."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        """So much off."""
        return super().now() + self._by


def states(book: LiveBook) -> list[str] | None:
    """How the lines of the cart stand; None until it is known."""
    return None if book.cart is None else [line.state for line in book.cart.lines]


def left(book: LiveBook) -> timedelta:
    """What the countdown of the one line shows."""
    assert book.cart is not None
    return book.cart.lines[0].until - book.server_now()


# R: C11
async def test_a_cart_and_its_countdown_are_the_same_on_two_devices_though_one_clock_is_an_hour_wrong(
    tmp_path: Path, figure: Figure
) -> None:
    async with (
        served(tmp_path, catalog="sample") as running,
        rc.Client(running.url) as phone,
    ):
        await phone.guest("Ana")
        for wrong in (timedelta(hours=1), -timedelta(hours=1)):
            await compared(phone, rc.Client(running.url, token=phone.token, clock=WrongClock(wrong)), figure)


async def compared(phone: rc.Client, laptop: rc.Client, figure: Figure) -> None:
    async with laptop, phone.follow_book() as one, laptop.follow_book() as two:
        await until(lambda: None not in (states(one), states(two)))
        began = asyncio.get_running_loop().time()
        line = (await phone.add_to_cart(SLOT, {"adult": 2})).line_id
        await until(lambda: states(two) == ["held"])
        seconds = asyncio.get_running_loop().time() - began
        apart = abs(left(one) - left(two))
        figure(
            "s until the other device has it, s between the countdowns",
            (round(seconds, 3), apart.total_seconds()),
        )
        assert (one.cart, seconds < 1, apart < SECOND) == (two.cart, True, True)
        assert line is not None
        await laptop.remove_from_cart(line)
        await until(lambda: states(one) == [])
