"""A trip on a screen, over stand-ins for client and server."""

from __future__ import annotations

import asyncio
import contextlib
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.tui.scenes import Scene, lisbon
from tests.tui.standins import SERVER, StandInMaker, World
from textual import events
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen

from roadcrew_client.models import User
from roadcrew_tui import symbols, when
from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.screens.trip import TripScreen
from roadcrew_tui.settings import Folders
from roadcrew_tui.widgets.rows import RowList

SIZES = [(80, 24), (120, 36)]
SETTLED_WITHIN, COMES_WITHIN = 20.0, 15.0
"""Seconds, on the busiest computer."""


def folders(path: Path) -> Folders:
    return Folders(path / "config", path / "state", path / "data")


def _parsing_once(parse: Callable[..., list[RuleSet]]) -> Callable[..., list[RuleSet]]:
    """The same rules for the same sheet with the same variables."""
    parsed: dict[object, list[RuleSet]] = {}

    def parse_rules(sheet: Stylesheet, *given: Any, **named: Any) -> list[RuleSet]:
        key = (given, tuple(named.items()), frozenset(sheet._variables.items()))
        if key not in parsed:
            parsed[key] = parse(sheet, *given, **named)
        return parsed[key]

    return parse_rules


@pytest.fixture(scope="session", autouse=True)
def sheets_are_parsed_once() -> Iterator[None]:
    """Each app reads all sheets, and again with each new screen: a tenth of the work of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", _parsing_once(Stylesheet._parse_rules))
        yield


@pytest.fixture(autouse=True)
def an_editor_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As most people have one."""
    monkeypatch.setenv("EDITOR", "true")


def has_work(pump: MessagePump) -> bool:
    return bool(pump.message_queue_size or pump._next_callbacks)


_render_update = Compositor.render_update


def _leave_undrawn(
    compositor: Compositor, full: bool = False, screen_stack: list[Screen[Any]] | None = None, simplify: bool = False
) -> Any:
    screen = compositor.root
    if full or screen is None or not isinstance(screen.app, RoadcrewApp):
        return _render_update(compositor, full, screen_stack, simplify)
    visible_screen_stack.set(screen_stack or [])
    compositor._dirty_regions.clear()
    return None


@pytest.fixture(scope="session", autouse=True)
def frames_that_nobody_sees_are_drawn_with_full_only(pytestconfig: pytest.Config) -> Iterator[None]:
    """An app without a terminal draws each of its frames all the same, and throws it away: up to a sixth of the work of
    these tests. What a test looks at is drawn for it, and what it ends with."""
    with pytest.MonkeyPatch.context() as patch:
        if not pytestconfig.getoption("full"):
            patch.setattr(Compositor, "render_update", _leave_undrawn)
        yield


@pytest.fixture
def each_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """All frames are drawn."""
    monkeypatch.setattr(Compositor, "render_update", _render_update)


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

    async def settle(self) -> None:
        """Wait until nobody has anything left to do: no widget, no request on its way over the link, no animation.

        Textual's own pilot naps for 20 ms at a time until the processor is idle; this looks into the queues instead.
        """
        quiet = 0
        async with asyncio.timeout(SETTLED_WITHIN):
            while quiet < 2:
                await self.pilot.pause(0)
                moves = self.app._animator._animations or self.app._animator._scheduled
                lays_out = any(w.group == "layout" and not w.is_finished for w in self.app.workers)
                busy = await self._link_works() or moves or lays_out
                quiet = (
                    0 if busy or any(p.message_queue_size or p._next_callbacks for p in self._pumps()) else quiet + 1
                )

    def _pumps(self) -> list[MessagePump]:
        return [self.app, *self.app._registry]

    async def _link_works(self) -> bool:
        loop = self.app.link._thread.loop
        if loop is None or loop.is_closed():
            return False

        async def others() -> bool:
            for _ in range(3):  # what was called soon may call soon itself
                await asyncio.sleep(0)
            return len(asyncio.all_tasks()) > 1

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(others(), loop))

    async def until(self, holds: Callable[[], Any], why: str = "") -> None:
        """Wait until something holds; fail after `COMES_WITHIN`, showing the screen."""
        end = monotonic() + COMES_WITHIN
        while not holds():
            if monotonic() > end:
                raise AssertionError(f"never came true: {why}\n{self.text}")
            await asyncio.sleep(0.005)
            await self.settle()

    async def resize(self, columns: int, rows: int) -> None:
        if self.app.size == (columns, rows):
            return
        await self.pilot.resize_terminal(columns, rows)
        await self.settle()

    async def sees(self, words: str) -> None:
        await self.until(lambda: words in self.text, f"{words!r} on the screen")

    async def press(self, *keys: str) -> None:
        """Press keys, each once the app has done what the one before asked for."""
        for key in keys:
            self._send(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type a text in one go, as fast as a terminal can send it."""
        await self.burst(*text)

    async def burst(self, *keys: str) -> None:
        """Press keys as fast as a terminal can send them."""
        for key in keys:
            self._send(key)
        await self.settle()

    async def paste(self, text: str) -> None:
        assert self.app._driver is not None
        self.app._driver.send_message(events.Paste(text))
        await self.settle()

    def _send(self, key: str) -> None:
        name = _character_to_key(key) if len(key) == 1 else key
        character = key if len(key) == 1 else None
        if character is None:
            with contextlib.suppress(KeyError):
                character = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(key, key)))
        assert self.app._driver is not None
        self.app._driver.send_message(events.Key(name, character))


@contextlib.asynccontextmanager
async def staged(
    path: Path,
    scene: Scene | None = None,
    *,
    me: User | None = None,
    size: tuple[int, int] = (80, 24),
    tab: str = "",
    in_trip: bool = True,
    first_run: bool = False,
    invite: str | None = None,
    server: str = SERVER,
    maker: type[StandInMaker] = StandInMaker,
) -> AsyncIterator[Stage]:
    """The app in the scene's trip as its organiser, unless said otherwise; in a first run as nobody."""
    scene = scene or lisbon()
    me = None if first_run else me or scene.ana
    in_trip = in_trip and not first_run
    app = RoadcrewApp(
        server=None if first_run else server,
        invite=invite,
        folders=folders(path),
        maker=maker(scene.world, me),
        trip=scene.trip_id if in_trip else None,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, pilot, scene, scene.world)
        if in_trip:
            await stage.until(lambda: isinstance(app.screen, TripScreen) and app.screen.trip is not None, "the trip")
            await stage.until(lambda: app.focused is not None, "a focus")
            if tab:
                await stage.until(lambda: any(there.id == tab for there in stage.trip.tabs), tab)
                await stage.press({"polls": "2", "hotels": "3", "quotes": "4", "book": "5", "talk": "6"}[tab])
                await stage.until(lambda: app.screen.query(f"#tab-{tab}"), tab)
                first = {"quotes": "runs", "book": "exhibitions", "talk": "co-stream"}.get(tab, tab)
                await stage.until(lambda: app.focused is not None and app.focused.id == first, tab)
        elif not first_run:
            await stage.until(lambda: app.trips is not None or app.trouble, "the list of trips")
        yield stage
        if app.screen_stack:
            assert stage.text  # what it has come to can be drawn


@pytest.fixture(autouse=True)
def _soon_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others do is gathered for a shorter time than people need to read it."""
    monkeypatch.setattr("roadcrew_tui.screens.trip_toasts.GATHERED", 0.2)


@pytest.fixture(autouse=True)
def _unicode(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("LC_ALL", "LC_TIME", "LC_MONETARY", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    symbols.use("unicode")
    when.use("24", None)
    yield
    symbols.use("unicode")
    when.use("24", None)


def leaving(s: Stage, patch: pytest.MonkeyPatch) -> list[str]:
    """Have a terminal that can be left; returns what becomes of it: `left`, `back`."""
    steps: list[str] = []
    driver = s.app._driver
    assert driver is not None
    patch.setattr(type(driver), "can_suspend", True)
    patch.setattr(driver, "suspend_application_mode", lambda: steps.append("left"))
    patch.setattr(driver, "resume_application_mode", lambda: steps.append("back"))
    return steps
