"""Looking for something by words: what fits, in which order, and where it leads."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.tui.conftest import SIZES, Stage, staged
from tests.tui.quote_stage import answered, begun, quotable
from tests.tui.scenes import NASTY, Scene
from tests.tui.standins import SERVER, StandInClient
from tests.tui.talk_stage import chatter, in_pages, says, stream, talked
from textual.widgets import Input

from roadcrew_client.talk_models import Muted
from roadcrew_domain.feed_state import WriteItem
from roadcrew_domain.places import Entity
from roadcrew_domain.polls import OpenPoll
from roadcrew_domain.trip import EditTrip
from roadcrew_tui import commands
from roadcrew_tui.screens import search_model as model
from roadcrew_tui.screens.search import NO_HIT, OLDER, Search
from roadcrew_tui.screens.search_model import Thing
from roadcrew_tui.screens.trip import TripScreen


def things(*words: str, **more: Any) -> list[Thing]:
    return [Thing("comment", str(n), text, "t", **more) for n, text in enumerate(words)]


def found(query: str, *words: str) -> list[str]:
    return [thing.words for thing in model.find(things(*words), query)]


@pytest.mark.parametrize(
    ("query", "fits", "does_not"),
    [
        ("azul casa", "Casa Azul", "Casa Verde"),
        ("CASA", "casa", "caso"),
        ("cafe", "Café Ünal", "coffee"),
        ("Café", "cafe", "tea"),
        ("strasse", "Hauptstraße 3", "Hauptstr. 3"),
        ("oresund", "Øresund", "sound"),
        ("lodz", "Łódź", "Lód"),
        ("ﬁ", "fish", "dish"),
        ("٣", "٣ nights", "3"),
    ],
)
def test_words_fit_in_any_order_and_whatever_their_case_and_accents(query: str, fits: str, does_not: str):
    assert found(query, fits, does_not) == [fits]


def test_signs_that_stand_for_a_sentence_each_make_no_text_many_times_as_long():
    assert len(model.fold("\ufdfa" * 20_000)) <= 60_000
    assert model.fold("Tiếng Việt, 한국어") == model.fold("TIENG VIET, 한국어")


def test_what_begins_with_a_word_comes_before_what_has_it_inside_and_what_was_typed_comes_first():
    assert found("tram", "the bigtram", "a tram stop", "Tram") == ["Tram", "a tram stop", "the bigtram"]
    beside = Thing("hotel", "h", "Alfama", "t", more="Lisbon")
    assert [t.words for t in model.find([beside, Thing("trip", "t", "Lisbon in May", "t")], "lisbon")] == [
        "Lisbon in May",
        "Alfama",
    ]


@pytest.mark.parametrize("query", ["", "   ", "\n"])
def test_no_words_find_nothing(query: str):
    assert found(query, "anything") == []


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("Casa Azul", "azul casa", ["Casa", "Azul"]),
        ("Hauptstraße", "strasse", ["straße"]),
        ("Cafe\u0301s", "cafe", ["Cafe"]),
        ("İstanbul", "istanbul", ["İstanbul"]),
        ("aaaa", "aa", ["aa", "aa"]),
        ("nothing", "x", []),
    ],
)
def test_what_fits_is_marked_in_the_persons_own_spelling(text: str, query: str, marked: list[str]):
    assert [text[begins:ends] for begins, ends in model.marks(text, query)] == marked


@pytest.mark.parametrize("before", [10, 100, 10_000])
def test_of_a_long_text_the_part_that_fits_is_shown(before: int):
    words = model.excerpt("wörd " * before + "tram at nine", "tram", 40)
    assert words.startswith("…")
    assert "tram at nine" in words[:40]


@pytest.mark.parametrize(
    ("looked", "words"),
    [
        (model.Looked(3, 2), "Looked through the names of 3 trips and what is planned in 2 of them."),
        (
            model.Looked(1, 1, 5, 5),
            "Looked through the names of 1 trip, what is planned in 1 of them and all 5 things that were said in this "
            "trip.",
        ),
        (model.Looked(0, 0), "There was nothing to look through."),
    ],
)
def test_what_was_looked_through_is_said(looked: model.Looked, words: str):
    assert looked.words == words


# --- on the screen ---------------------------------------------------------------------------------


async def opened(s: Stage, words: str, key: str = "slash") -> Search:
    await s.press(key)
    await s.until(lambda: isinstance(s.app.screen, Search), "the search")
    await s.settle()
    await s.type(words)
    assert isinstance(s.app.screen, Search)
    return s.app.screen


@pytest.mark.parametrize("size", SIZES)
async def test_it_says_what_to_do_and_when_nothing_fits(tmp_path: Path, size: tuple[int, int]):
    async with staged(tmp_path, size=size) as s:
        await opened(s, "")
        assert "Type some words, in any order." in s.text
        await s.type("qzx")
        assert "Nothing has all of these words." in s.text
        assert "Looked through the names of 1 trip" in s.text
        await s.press("escape")
        await s.until(lambda: isinstance(s.app.screen, TripScreen), "the trip")


async def test_without_a_list_of_trips_those_that_are_remembered_are_looked_through_whatever_is_in_that_file(
    tmp_path: Path,
):
    async with staged(tmp_path) as s:
        s.app.trips = None
        s.app.memory.keep_trips(SERVER, [{"name": "Lisbon of nobody"}, {"id": 1}, {"id": "p", "name": "Porto"}])
        await opened(s, "porto")
        assert "Looked through the names of 1 trip" in s.text
        assert "trip:p" in s.rows("found").ids


@pytest.mark.parametrize(
    ("words", "tab", "rows", "row"),
    [
        ("drives", "polls", "polls", "drivers"),
        ("train", "polls", "options", "drivers.2"),
        ("alfama", "hotels", "hotels", "alfama"),
    ],
)
async def test_it_leads_to_the_tab_and_the_row(tmp_path: Path, words: str, tab: str, rows: str, row: str):
    async with staged(tmp_path) as s:
        await opened(s, words)
        await s.press("enter")
        await s.until(lambda: s.app.screen.query(f"#tab-{tab}"), "the tab")
        await s.settle()
        name, _, option = row.partition(".")
        wanted = getattr(s.scene, name) + (f".{option}" if option else "")
        assert s.trip.tab == tab
        assert s.rows(rows).cursor == wanted


async def test_it_leads_to_a_run_of_prices(tmp_path: Path):
    scene = quotable()
    runs = [begun(scene), begun(scene, by=scene.carla)]
    for run in runs:
        answered(scene, run)
    async with staged(tmp_path, scene) as s:
        await opened(s, "stay ben")
        await s.press("enter")
        await s.until(lambda: s.app.screen.query("#runs") and s.rows("runs").cursor == runs[0], "the run")


async def test_the_cursor_moves_while_one_types_and_a_click_goes_there(tmp_path: Path):
    async with staged(tmp_path) as s:
        screen = await opened(s, "casa")
        assert len(screen.query_one("#found").ids) == 1  # type: ignore[attr-defined]
        await s.press(*["backspace"] * 4)
        await s.type("a")
        rows = s.rows("found")
        await s.press("down", "down", "up")
        assert rows.cursor == rows.ids[1]
        assert isinstance(s.app.focused, Input)
        y = next(n for n, line in enumerate(s.text.split("\n")) if "Alfama" in line)
        for _ in range(2):
            await s.pilot.click(offset=(20, y))
            await s.settle()
        await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.trip.tab == "hotels", "the hotel")
        assert s.rows("hotels").cursor == s.scene.alfama


async def test_what_others_do_meanwhile_moves_nothing(tmp_path: Path):
    async with staged(tmp_path) as s:
        await opened(s, "a")
        await s.press("down")
        before, cursor = s.rows("found").ids, s.rows("found").cursor
        s.world.do(s.scene.trip_id, s.scene.ben.id, OpenPoll("Aardvarks?", "single", ("a", "b")))
        s.world.do(s.scene.trip_id, s.scene.ana.id, EditTrip(name="A trip"))
        await s.settle()
        assert (s.rows("found").ids, s.rows("found").cursor) == (before, cursor)


async def test_copies_of_other_trips_are_looked_through_too_and_one_comes_to_them(tmp_path: Path):
    async def at(s: Stage) -> None:
        await opened(s, "rucksack")
        await s.sees("Alps")
        assert "what is planned in 2 of them" in " ".join(s.text.split())
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.app.screen.trip is not None, "the other trip")
        await s.until(lambda: s.trip.trip_id == other.id and s.trip.tab == "polls", "its polls")
        assert sum(isinstance(screen, TripScreen) for screen in s.app.screen_stack) == 1

    scene = talked()
    other = scene.world.create(scene.ana, "Alps")
    scene.world.do(other.id, scene.ana.id, OpenPoll("Rucksack or bag?", "single", ("One", "Two")))
    scene.world.kept[other.id] = scene.world.trips[other.id]
    async with staged(tmp_path, scene) as s:
        await at(s)


async def test_trips_are_found_in_the_list_of_trips(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        await opened(s, "may lis")
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen), "the trip")
        assert s.trip.trip_id == s.scene.trip_id


# --- what was said ---------------------------------------------------------------------------------


async def in_talk(s: Stage) -> None:
    topic = Entity("trip", s.scene.trip_id).topic("comments")
    await s.until(lambda: topic in s.app.talk.states, "the comments")


async def test_what_was_said_is_found_but_for_what_was_removed_or_is_not_read(tmp_path: Path):
    scene = talked()
    said = says(scene, scene.ben, "We take the tram")
    says(scene, scene.carla, "No tram for me")
    scene.world.talks.muted[scene.ana.id] = (Muted(scene.carla.id, "Carla", scene.world.now()),)
    async with staged(tmp_path, scene) as s:
        await in_talk(s)
        await s.app.muting.load()
        await opened(s, "tram")
        assert "No tram for me" not in s.text
        assert "all 2 things that were said in this trip" in " ".join(s.text.split())
        await s.press("enter")
        await s.until(lambda: s.app.screen.query("#co-stream") and stream(s).cursor == said, "the comment")


async def test_older_ones_are_asked_for_when_one_wants_them_and_one_comes_to_what_was_found(tmp_path: Path):
    scene = talked()
    first = says(scene, scene.ben, "The ferry leaves at nine", at=scene.world.now() - timedelta(days=2))
    chatter(scene, 120)
    in_pages(scene, 20)
    async with staged(tmp_path, scene) as s:
        await in_talk(s)
        await opened(s, "ferry")
        assert "the newest 20 of 121 things that were said" in " ".join(s.text.split())
        assert s.rows("found").ids == [OLDER]
        await s.press("enter")
        await s.sees("The ferry leaves at nine")
        assert "all 121 things" in " ".join(s.text.split())
        await s.press("home", "enter")
        await s.until(lambda: s.app.screen.query("#co-stream") and stream(s).cursor == first, "the comment")


async def test_where_the_server_can_not_be_asked_for_older_ones_that_is_said(tmp_path: Path):
    scene = talked()
    chatter(scene, 30)
    in_pages(scene, 10)
    async with staged(tmp_path, scene) as s:
        await in_talk(s)
        await opened(s, "ferry")
        scene.world.down = True
        await s.press("enter")
        await s.sees("Older ones can't be asked for now.")


async def test_what_people_called_things_is_nothing_but_words(tmp_path: Path):
    scene = talked()
    trip = scene.world.trips[scene.trip_id]
    for n, text in enumerate(NASTY.values()):
        asked = replace(trip.polls[scene.drivers], id=f"nasty-{n}", question=f"findme {text}")
        trip = replace(trip, polls=trip.polls.insert(asked.id, asked))
    scene.world.trips[trip.id] = trip
    async with staged(tmp_path, scene, size=(120, 36)) as s:
        await opened(s, "findme")
        assert sum(" poll " in row and "findme" in row for row in s.text.split("\n")) == len(NASTY)
        assert "\x1b" not in s.text
        assert "\u202e" not in s.text
        assert NASTY["click"] in s.text
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.trip.tab == "polls", "the poll")


async def test_where_a_place_has_a_key_of_that_name_ctrl_f_searches(tmp_path: Path):
    scene = talked()
    says(scene, scene.ben, "We take the tram")
    async with staged(tmp_path, scene, tab="talk") as s:
        await in_talk(s)
        await s.press("slash")
        await s.sees("FIND IN THE COMMENTS")
        await s.press("escape")
        await s.until(lambda: isinstance(s.app.screen, TripScreen), "the talk")
        await opened(s, "tram", key="ctrl+f")
        assert "comment" in s.text


# --- without a screen ------------------------------------------------------------------------------


def run(scene: Scene, **args: Any) -> Any:
    client: Any = StandInClient(scene.world, scene.ana)
    client.server = SERVER
    return asyncio.run(commands.find("app.search").run(client, args))


# R: G5
def test_without_a_screen_it_tells_what_fits_and_what_was_looked_through():
    scene = talked()
    scene.world.create(scene.ana, "Alps")
    said = says(scene, scene.ben, "The Casa is full")
    scene.world.talks.do(
        scene.world, Entity("trip", scene.trip_id).topic("blogs"), scene.ben, WriteItem("", "word", title="Day")
    )
    told = run(scene, words=["casa"])
    assert told["found"][0] == {
        "kind": "hotel",
        "id": scene.azul,
        "tripId": scene.trip_id,
        "text": "Casa Azul",
        "more": "Lisbon",
        "trip": "Lisbon in May",
    }
    assert said not in [hit["id"] for hit in told["found"]]
    assert said in [hit["id"] for hit in run(scene, words=["casa"], **{"in": scene.trip_id})["found"]]
    assert commands.find("app.search").failed(told) is None
    nothing = run(scene, words=["zzz"])
    assert (nothing["found"], str(commands.find("app.search").failed(nothing))) == ([], NO_HIT)
    assert "all 2 things that were said" in run(scene, words=["x"], **{"in": scene.trip_id})["looked"]
