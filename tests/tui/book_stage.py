"""The tab of bookings on a screen, over the stand-ins: what can be booked, and a crew with a discount."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.tui.bookings import exhibition
from tests.tui.conftest import Stage, staged
from tests.tui.scenes import Scene, lisbon

from roadcrew_client.models import User
from roadcrew_domain.bookings import NoteBooking
from roadcrew_domain.trip import EditTrip
from roadcrew_tui.screens.book import BookPane
from roadcrew_tui.widgets.month import Month

FEATURES = ("overview", "polls", "hotels", "book")


def in_ten_days() -> date:
    return datetime.now().astimezone().date() + timedelta(days=10)


def bookable(make: Callable[[], Scene] = lisbon, *, unlocked: bool = True) -> Scene:
    """A trip whose server offers two exhibitions; it begins in ten days."""
    scene = make()
    world = scene.world
    world.features = FEATURES
    world.shop.exhibitions = [exhibition(), exhibition("boats", "Boats of the Tagus", city="Porto", capacity=6)]
    day = in_ten_days()
    edit: dict[str, Any] = {"starts_on": day, "ends_on": day + timedelta(days=4)}
    if unlocked:
        edit["required_members"] = 3
    world.do(scene.trip_id, scene.ana.id, EditTrip(**edit))
    return scene


def slot(hour: str = "0930", name: str = "tiles", day: date | None = None) -> str:
    return f"{name}.{day or in_ten_days():%Y%m%d}.{hour}"


def books(scene: Scene, who: User, name: str, seats: int = 2) -> str:
    """Somebody of the crew has booked."""
    world = scene.world
    world.shop.take(name, seats)
    booking = world.new_id()
    world.do(scene.trip_id, who.id, NoteBooking(booking, world.shop.info(name, world.now()), seats))
    return booking


def pane(s: Stage) -> BookPane:
    return s.trip.query_one(BookPane)


def month(s: Stage) -> Month:
    return s.trip.query_one(Month)


@contextlib.asynccontextmanager
async def at_the_desk(path: Path, scene: Scene | None = None, **more: Any) -> AsyncIterator[Stage]:
    """The app with the tab of bookings open, and the times of a first day on it."""
    async with staged(path, scene or bookable(), tab="book", **more) as s:
        await s.until(lambda: s.rows("slots").ids, "the times")
        await s.until(lambda: s.app.book.cart is not None or s.world.down, "the cart")
        yield s


async def hold(s: Stage, *keys: str) -> None:
    """From the exhibitions to a hold of the first time: `keys` choose the tickets."""
    await s.press("enter", "enter", "enter", *keys, "enter")
