"""What one saved, whom one does not read, what was given to something, and links that others wrote."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import Stage, staged
from tests.tui.talking import token

from roadcrew_client.talk_models import Counted, LikesOf, Muted, RatingOf, SavesOf, TalkSummary
from roadcrew_domain.events import event
from roadcrew_domain.feed import FeedCommand, decide, evolve
from roadcrew_domain.feed_state import OpenFeed
from roadcrew_domain.marks_state import GiveMark, Marks, TakeMark
from roadcrew_domain.places import Entity
from roadcrew_tui import symbols
from roadcrew_tui.screens import links
from roadcrew_tui.screens.links import has_desktop, open_link
from roadcrew_tui.screens.marks_draw import beside, parts
from roadcrew_tui.screens.marks_model import Standing, average_words, rated, standing, turned
from roadcrew_tui.screens.muted import MutedScreen
from roadcrew_tui.screens.saved import SavedScreen

HOTEL = Entity("location", "hotel.0123456789abcdef")
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def marks(channel: Any, given: dict[str, int]) -> Marks:
    topic, state = HOTEL.topic(channel), None
    acts: list[tuple[str | None, OpenFeed | GiveMark]] = [(None, OpenFeed(channel))]
    acts += [(who, GiveMark(value)) for who, value in given.items()]
    for seq, (by, act) in enumerate(acts):
        if channel == "saves" and by is not None:
            act, by = GiveMark(who=by), None
        (fact,) = decide(state, FeedCommand(f"c{seq}", by, act), NOW)
        state = evolve(state, event(topic, seq, NOW, by, f"c{seq}", fact))
    assert isinstance(state, Marks)
    return state


# --- what was given ----------------------------------------------------------------------------------


# R: F2
def test_stars_likes_and_saves_are_summed_and_mine_are_known() -> None:
    states = {
        HOTEL.topic("rating"): marks("rating", {"ana": 5, "ben": 4, "eva": 4}),
        HOTEL.topic("likes"): marks("likes", {"ben": 1}),
        HOTEL.topic("saves"): marks("saves", {"a-word": 1}),
    }
    summary = TalkSummary("location", HOTEL.id, saves=SavesOf(0, False, "a-word"), comments=Counted(3))
    found = standing(HOTEL, states, "ana", summary)
    assert (found.rated, found.mine, found.likes, found.liked, found.saved) == (3, 5, 1, False, True)
    assert found.average == pytest.approx(13 / 3)
    assert found.comments == 3


def test_what_is_not_followed_yet_is_as_the_server_told_it() -> None:
    told = TalkSummary(
        "location", HOTEL.id, None, None, Counted(2), Counted(1), RatingOf(1, 4, (0, 0, 0, 1, 0), 4),
        LikesOf(2, True), SavesOf(1, True, "w"),
    )  # fmt: skip
    assert standing(HOTEL, {}, "ana", told) == Standing(1, 4, 4, 2, True, 1, True, 2, 1)
    assert standing(HOTEL, {}, "ana", None) == Standing()


def test_averages_are_short() -> None:
    assert [average_words(x) for x in (4.0, 4.25, 13 / 3, 5.0)] == ["4", "4.2", "4.3", "5"]


def test_what_one_presses_is_what_it_turns_into() -> None:
    assert turned(True) == TakeMark()
    assert turned(False) == GiveMark()
    assert rated(None) == TakeMark()
    assert rated(9) == GiveMark(5)


# R: F2
def test_what_was_given_is_said_in_a_line_and_beside_a_row() -> None:
    s = Standing(rated=5, stars=21, mine=5, likes=3, liked=True, saved=True, comments=1_234)
    assert [part.content.plain for part in parts(s)] == ["★★★★☆ 4.2 (5), you 5", "♥ 3, you too", "⚑ saved"]
    assert beside(s, wide=True).plain == "★ 4.2 (5) ❝1k"
    assert beside(s, wide=False).plain == "★4.2 ❝1k"
    assert [part.content.plain for part in parts(Standing())] == ["☆☆☆☆☆ not rated yet", "♥ 0", "⚑ save"]
    assert not beside(Standing(), wide=True)
    assert not beside(None, wide=True)
    halves = [parts(Standing(rated=2, stars=total))[0].content.plain for total in (3, 5, 7, 9)]
    assert halves == ["★★☆☆☆ 1.5 (2)", "★★★☆☆ 2.5 (2)", "★★★★☆ 3.5 (2)", "★★★★★ 4.5 (2)"]
    symbols.use("ascii")
    assert all(part.content.plain.isascii() for part in parts(s))
    assert beside(s, wide=True).plain.isascii()


# --- what one saved ----------------------------------------------------------------------------------


async def saved(s: Stage, *things: Entity) -> None:
    s.world.talks.saved[s.scene.ana.id] = list(things)
    for thing in things:
        s.world.talks.open(thing, NOW)
    s.app.push_screen(SavedScreen())
    await s.until(lambda: isinstance(s.app.screen, SavedScreen))


# R: F2
async def test_what_was_saved_is_listed_page_by_page_and_taken_off_and_put_back(tmp_path: Path) -> None:
    things = [Entity("location", f"hotel.{n:016x}") for n in range(7)]
    async with staged(tmp_path) as s:
        s.world.talks.names = {thing: f"Hotel {n}" for n, thing in enumerate(things)}
        await saved(s, *things)
        await s.sees("Hotel 4")
        assert "Hotel 5" not in s.text
        await s.press("end", "enter")
        await s.sees("Hotel 6")
        await s.press("home", "b")
        await s.sees("hotel, no longer saved")
        topic = things[0].topic("saves")
        rows = s.world.talks.states
        await s.press("b")
        await s.until(lambda: "no longer saved" not in s.text)
        assert token(s.scene.ana.id, things[0]) in rows[topic].marks  # type: ignore[union-attr]


async def test_an_empty_list_says_how_to_save_something(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        await saved(s)
        await s.sees("Press b where you read about")


async def test_a_name_that_somebody_gave_is_only_text_in_the_list(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        s.world.talks.names[HOTEL] = "[@click=app.quit]x[/] \x1b[31m[/]"
        await saved(s, HOTEL)
        await s.sees("[@click=app.quit]x[/] [31m[/]")


# --- whom one does not read ----------------------------------------------------------------------------


# R: F2
async def test_people_who_are_muted_are_listed_and_read_again(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        ana = s.scene.ana.id
        s.world.talks.muted[ana] = (Muted("ben", "Ben", NOW),)
        s.app.push_screen(MutedScreen())
        await s.sees("Ben")
        assert s.app.muting.ids == {"ben"}
        await s.press("enter")
        await s.sees("you read them again")
        assert s.app.muting.ids == frozenset()
        assert s.world.talks.muted[ana] == ()
        await s.press("u")
        await s.until(lambda: s.app.muting.ids == {"ben"})


async def test_nobody_is_muted_for_somebody_else(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        s.world.talks.muted[s.scene.ana.id] = (Muted("ben", "Ben", NOW),)
        await s.app.muting.load()
        assert s.app.muting.ids == {"ben"}
        s.app.be(s.scene.ben)
        assert s.app.muting.people is None
        assert s.app.muting.ids == frozenset()


# --- links ---------------------------------------------------------------------------------------------


# R: F6
async def test_a_link_is_shown_whole_and_opened_only_by_who_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def browse(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    monkeypatch.setattr(links, "has_desktop", lambda: True)
    address = "https://evil.example/[bold]/login"
    async with staged(tmp_path) as s:
        s.app.run_worker(open_link(s.app, [address, "javascript:alert(1)"]))
        await s.sees(address)
        await s.press("enter")
        await s.sees("Sent to your clipboard")
        assert opened == []
        s.app.run_worker(open_link(s.app, [address]))
        await s.sees("Open it?")
        await s.press("down", "enter")
        await s.until(lambda: opened == [address])


# R: F6
async def test_what_is_no_address_of_the_web_is_not_even_asked_about(tmp_path: Path) -> None:
    async with staged(tmp_path) as s:
        await open_link(s.app, ["javascript:alert(1)", "file:///etc/passwd", "https://x@evil.example"])
        assert s.app.screen is s.trip


# R: F6
async def test_of_several_links_one_is_chosen_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "has_desktop", lambda: False)
    async with staged(tmp_path) as s:
        s.app.run_worker(open_link(s.app, ["https://one.example", "https://two.example"]))
        await s.sees("Which one?")
        await s.press("down", "enter")
        await s.sees("This leads to a page outside")
        assert "https://two.example" in s.text
        assert "Open it in the browser" not in s.text


def test_a_browser_that_would_draw_over_the_terminal_is_not_started() -> None:
    assert not has_desktop({}, "linux")
    assert has_desktop({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert has_desktop({}, "darwin")
