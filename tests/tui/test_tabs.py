"""The tabs of a trip: those that the server serves, with the same keys wherever."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.tui.conftest import Stage, staged
from tests.tui.scenes import lisbon
from textual.app import ComposeResult

from roadcrew_client.errors import NotFound
from roadcrew_domain.trip import Trip
from roadcrew_tui import render
from roadcrew_tui.screens import tabs
from roadcrew_tui.screens.pane import Pane
from roadcrew_tui.screens.tabs import Tab
from roadcrew_tui.snapshot import Snapshot
from roadcrew_tui.widgets.lines import Lines

ALL = ("overview", "polls", "hotels", "made-up")


class MadeUpPane(Pane):
    """A tab that only this test has."""

    thing = ""

    def compose(self) -> ComposeResult:
        yield Lines(id="made-up")

    def draw(self, snapshot: Snapshot, trip: Trip, me: str, now: datetime) -> None:
        self.query_one("#made-up", Lines).show(lambda width: render.ours(f"Made up. {self.thing}"))

    def start(self) -> None:
        """There is nothing that could have the focus."""

    def select(self, thing: str) -> None:
        self.thing = thing


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fourth tab, whose key is 5."""
    monkeypatch.setattr(tabs, "TABS", (*tabs.TABS, Tab("book", "made-up", f"{__name__}:MadeUpPane")))


@contextlib.asynccontextmanager
async def at(path: Path, features: tuple[str, ...], *, asked: bool = True) -> AsyncIterator[Stage]:
    """In a trip at a server with these features; `asked`: it has said so."""
    scene = lisbon()
    scene.world.features = features
    async with staged(path, scene) as s:
        if asked:
            await s.until(lambda: s.app.memory.features(s.app.server or "") is not None, "what is served")
        yield s


def tab_line(s: Stage) -> str:
    return s.text.split("\n")[1].strip()


def test_the_keys_of_tabs_are_their_numbers_and_stay_when_one_is_absent():
    assert [(tab.number, tab.title) for tab in tabs.served(ALL)] == [
        (1, "Overview"),
        (2, "Polls"),
        (3, "Hotels"),
        (5, "Book"),
    ]
    assert [tab.id for tab in tabs.served(("hotels",))] == ["overview", "hotels"]
    assert [tab.id for tab in tabs.served(("imports",))] == ["overview", "quotes"]


def test_of_what_a_server_says_only_what_there_is_a_tab_for_is_known():
    assert tabs.known((*ALL, "\x1b[2J", "x" * 100_000)) == frozenset(ALL)


@pytest.mark.parametrize("tab", tabs.TABS, ids=lambda tab: tab.id)
def test_each_tab_has_its_pane(tab: Tab):
    assert issubclass(tab.pane_class(), Pane)


# R: T1
async def test_a_tab_appears_when_the_server_has_said_that_it_serves_it(tmp_path: Path):
    async with at(tmp_path, ALL) as s:
        await s.sees("5 Book")
        assert "4 " not in tab_line(s)
        await s.press("5")
        await s.sees("[5 Book]")
        assert "Made up." in s.text
        await s.until(lambda: s.world.present[s.scene.trip_id][s.scene.ana.id] == "book", "where I am")
        assert s.world.asked == 1


async def test_what_is_not_served_has_no_tab_no_key_and_no_way_in(tmp_path: Path):
    async with at(tmp_path, ("overview", "polls")) as s:
        await s.until(lambda: "Hotels" not in tab_line(s), "two tabs")
        assert "Book" not in tab_line(s)
        for key in "3456":
            await s.press(key)
            assert s.trip.tab == "overview"
        s.trip.show_tab("book", "a thing")
        await s.settle()
        assert s.trip.tab == "overview"


async def test_a_way_to_a_tab_may_lead_to_something_in_it(tmp_path: Path):
    async with at(tmp_path, ALL) as s:
        s.trip.show_tab("book", "a thing")
        await s.settle()
        s.trip.redraw()
        await s.sees("Made up. a thing")


# R: S7
async def test_what_the_server_served_last_time_is_there_before_it_answers_and_without_a_network(tmp_path: Path):
    async with at(tmp_path, ALL):
        pass
    scene = lisbon()
    scene.world.features = ()
    async with staged(tmp_path, scene) as s:
        assert "5 Book" in tab_line(s)


async def test_a_server_that_says_nothing_of_what_it_serves_has_the_first_three_tabs(tmp_path: Path):
    async with at(tmp_path, (), asked=False) as s:
        await s.until(lambda: s.world.asked == 1, "the question")
        await s.settle()
        assert [tab.id for tab in s.trip.tabs] == ["overview", "polls", "hotels"]
        assert s.app.memory.features(s.app.server or "") is None


async def test_a_tab_that_is_no_longer_served_stays_until_it_is_left(tmp_path: Path):
    async with at(tmp_path, ALL) as s:
        await s.press("5")
        s.app.memory.keep_features(s.app.server or "", ("overview", "polls", "hotels"))
        s.app.redraw_all()
        await s.settle()
        assert "[5 Book]" in tab_line(s)
        await s.press("2")
        assert "Book" not in tab_line(s)


async def test_what_is_served_is_asked_again_only_if_nobody_could_answer(tmp_path: Path):
    async with at(tmp_path, ALL, asked=False) as s:
        await s.until(lambda: s.app.memory.features(s.app.server or "") is not None, "what is served")
        client = s.app.link._client
        assert client is not None
        s.world.down, s.app.link._asking = True, None
        s.world.set_status(state="live")
        await s.settle()
        assert s.app.link._asking is None
        s.world.down = False
        s.world.set_status(state="live")
        await s.settle()
        assert s.world.asked == 2

        async def without() -> None:
            s.world.asked += 1
            raise NotFound("not-found", "There is nothing here.")

        client.server_info = without  # type: ignore[method-assign, assignment]
        s.app.link._asking = None
        for _ in range(3):
            s.world.set_status(state="live")
            await s.settle()
        assert s.world.asked == 3
