"""A trip on a screen, over stand-ins for client and server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.tui.scenes import Scene, lisbon
from tests.tui.standins import SERVER, StandInMaker, World
from textual.pilot import Pilot

from roadcrew_client.models import User
from roadcrew_tui import symbols
from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.screens.trip import TripScreen
from roadcrew_tui.settings import Folders
from roadcrew_tui.widgets.rows import RowList

SIZES = [(80, 24), (120, 36)]


def folders(path: Path) -> Folders:
    return Folders(path / "config", path / "state", path / "data")


@dataclass
class Stage:
    """A running app with one person at it."""

    app: RoadcrewApp
    pilot: Pilot[str]
    scene: Scene
    world: World

    @property
    def trip(self) -> TripScreen:
        assert isinstance(self.app.screen, TripScreen)
        return self.app.screen

    @property
    def text(self) -> str:
        """What is on the screen, line by line."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    def rows(self, id: str) -> RowList:  # noqa: A002
        return self.app.screen.query_one(f"#{id}", RowList)

    async def until(self, holds: Callable[[], Any], why: str = "") -> None:
        """Wait until something holds; fail after five seconds, showing the screen."""
        for _ in range(250):
            await self.pilot.pause()
            if holds():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never came true: {why}\n{self.text}")

    async def sees(self, words: str) -> None:
        await self.until(lambda: words in self.text, f"{words!r} on the screen")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*("space" if c == " " else c for c in text))


@contextlib.asynccontextmanager
async def staged(
    path: Path,
    scene: Scene | None = None,
    *,
    me: User | None = None,
    size: tuple[int, int] = (80, 24),
    tab: str = "",
    in_trip: bool = True,
) -> AsyncIterator[Stage]:
    """The app in the scene's trip as its organiser, unless said otherwise."""
    scene = scene or lisbon()
    me = me or scene.ana
    app = RoadcrewApp(
        server=SERVER,
        folders=folders(path),
        maker=StandInMaker(scene.world, me),
        trip=scene.trip_id if in_trip else None,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, pilot, scene, scene.world)
        if in_trip:
            await stage.until(lambda: isinstance(app.screen, TripScreen) and app.screen.trip is not None, "the trip")
            await stage.until(lambda: app.focused is not None, "a focus")
            if tab:
                await stage.press({"polls": "2", "hotels": "3"}[tab])
                await stage.until(lambda: app.screen.query(f"#tab-{tab}"), tab)
                await stage.until(lambda: isinstance(app.focused, RowList) and app.focused.id == tab, tab)
        else:
            await stage.until(lambda: app.trips is not None, "the list of trips")
        yield stage


@pytest.fixture(autouse=True)
def _unicode() -> Any:
    symbols.use("unicode")
    yield
    symbols.use("unicode")
