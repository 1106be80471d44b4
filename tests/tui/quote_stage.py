"""The tab of quotes on a screen, over the stand-ins: a trip with two hotels on its shortlist, and what was asked."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.tui.conftest import Stage, staged
from tests.tui.quoting import euros
from tests.tui.scenes import Scene, lisbon

from roadcrew_client.models import User
from roadcrew_domain.quotes_state import AskedHotel, Driver, QuoteRequest, Stay, Vehicle
from roadcrew_domain.trip import EditTrip
from roadcrew_tui.screens.quotes import QuotesPane

FEATURES = ("overview", "polls", "hotels", "quotes")
VIN = "1HGCM82633A004352"


def in_ten_days() -> date:
    return datetime.now(UTC).date() + timedelta(days=10)


def quotable() -> Scene:
    """A trip of four nights that begins in ten days, at a server that asks for prices."""
    scene = lisbon()
    scene.world.features = FEATURES
    day = in_ten_days()
    scene.world.do(scene.trip_id, scene.ana.id, EditTrip(starts_on=day, ends_on=day + timedelta(days=4)))
    return scene


def stay(scene: Scene, guests: int = 4) -> Stay:
    hotels = scene.world.trips[scene.trip_id].hotels
    asked = tuple(AskedHotel(h.id, h.name, h.city, h.stars) for h in (hotels[scene.azul], hotels[scene.alfama]))
    return Stay(asked, in_ten_days(), in_ten_days() + timedelta(days=4), guests)


def vehicle() -> Vehicle:
    return Vehicle(VIN, (Driver(34), Driver(41)), in_ten_days(), in_ten_days() + timedelta(days=4))


def begun(scene: Scene, request: QuoteRequest | None = None, *, by: User | None = None, **more: Any) -> str:
    """Somebody has asked; nobody has answered."""
    return scene.world.desk.begin(scene.world, by or scene.ben, request or stay(scene), scene.trip_id, **more)


def answered(scene: Scene, run: str, azul: float = 336, alfama: float = 192, direct: float = 352, **more: Any) -> None:
    """All have: two with prices, and one that fails."""
    desk, world = scene.world.desk, scene.world
    first = euros(azul, scene.azul, "Breakfast included.")
    desk.answers(world, run, "rates", first, euros(alfama, scene.alfama), **more)
    desk.answers(world, run, "stays", euros(direct, scene.azul), **more)
    desk.fails(world, run, "slow", detail="It did not answer within 20 seconds.", **more)


def pane(s: Stage) -> QuotesPane:
    return s.trip.query_one(QuotesPane)


@contextlib.asynccontextmanager
async def at_the_quotes(path: Path, scene: Scene | None = None, **more: Any) -> AsyncIterator[Stage]:
    """The app with the tab of quotes open."""
    async with staged(path, scene or quotable(), tab="quotes", **more) as s:
        yield s
