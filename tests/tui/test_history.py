"""What happened, on the screen: by day, filtered, older ones, new ones that wait, undo, and bringing back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.tui.conftest import Stage, folders, staged
from tests.tui.scenes import NASTY, Scene, lisbon
from tests.tui.standins import SERVER, StandInClient

from roadcrew_client.models import User
from roadcrew_domain.crew import RenameMember
from roadcrew_domain.hotels import UnshortlistHotel, VoteHotel
from roadcrew_domain.polls import CastVote, ClosePoll
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import DeleteTrip, EditTrip
from roadcrew_tui import commands
from roadcrew_tui.memory import Memory
from roadcrew_tui.oneshot import show
from roadcrew_tui.screens.deleted import DeletedScreen
from roadcrew_tui.screens.history import OLDER, HistoryScreen
from roadcrew_tui.settings import Settings, save
from roadcrew_tui.snapshot import News


def act(scene: Scene, who: User, act: Any, *, ago: timedelta = timedelta(0)) -> None:
    scene.world.do(scene.trip_id, who.id, act, at=scene.world.now() - ago)


def many(scene: Scene, times: int) -> None:
    """Ben can't decide."""
    for n in range(times):
        act(scene, scene.ben, VoteHotel(scene.alfama if n % 2 else scene.azul), ago=timedelta(minutes=times - n))


async def opened(s: Stage) -> HistoryScreen:
    await s.press("h")
    await s.until(lambda: isinstance(s.app.screen, HistoryScreen), "the history")
    screen = s.app.screen
    assert isinstance(screen, HistoryScreen)
    await s.settle()
    return screen


async def test_what_happened_is_listed_newest_first_by_day(tmp_path: Path):
    async with staged(tmp_path) as s:
        await opened(s)
        lines = [line.strip() for line in s.text.split("\n")]
        at = [
            next(n for n, line in enumerate(lines) if words in line)
            for words in (
                "WHAT HAPPENED",
                "TODAY",
                "Ben voted in When do we fly?",
                "Dev voted for Alfama",
                "Ana opened",
            )
        ]
        assert at == sorted(at)
        await s.press("end")
        assert "Ana started this trip" in s.text
        assert OLDER not in s.rows("history").ids
        await s.press("escape")
        await s.sees("NEEDS YOU")


async def test_a_clock_of_twelve_hours_is_read_to_its_end(tmp_path: Path):
    folder = folders(tmp_path)
    save(folder, Settings(), clock="12")
    async with staged(tmp_path) as s:
        await opened(s)
        assert re.search(r"\d:\d\d [ap]m +Dev voted for Alfama", s.text)


async def test_what_was_changed_of_a_trip_and_what_won_a_poll_is_said(tmp_path: Path):
    scene = lisbon()
    act(scene, scene.ben, EditTrip(name="Porto [b]"))
    act(scene, scene.ana, ClosePoll(scene.flight))
    async with staged(tmp_path, scene) as s:
        await opened(s)
        assert "Ben changed the name to Porto [b]" in s.text
        assert "Ana ended When do we fly?: Wed 20 May won" in s.text


async def test_it_opens_from_what_is_new_in_the_overview(tmp_path: Path):
    async with staged(tmp_path) as s:
        s.rows("lately").focus()
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, HistoryScreen))


async def test_older_ones_are_shown_when_somebody_wants_them(tmp_path: Path):
    scene = lisbon()
    many(scene, 210)
    async with staged(tmp_path, scene) as s:
        await opened(s)
        log = s.rows("history")
        assert len(log.ids) == 201
        assert s.world.pages == [(None, 200)]
        await s.press("end", "enter")
        await s.until(lambda: OLDER not in log.ids, "all of them")
        assert [int(i) for i in log.ids] == list(range(scene.world.heads[scene.trip_id], -1, -1))
        assert log.ids.index(log.cursor or "") == 200, "the cursor stands where the older ones begin"


async def test_what_is_not_kept_any_more_is_said(tmp_path: Path):
    scene = lisbon()
    many(scene, 40)
    scene.world.forgotten = 30
    async with staged(tmp_path, scene) as s:
        await opened(s)
        await s.sees("What was before that is not kept any more.")
        assert s.rows("history").ids[-1] == str(scene.world.heads[scene.trip_id] - 29), "those that the trip carries"


# R: S7
async def test_what_others_do_meanwhile_moves_nothing_and_is_shown_when_somebody_goes_up(tmp_path: Path):
    async with staged(tmp_path) as s:
        await opened(s)
        log = s.rows("history")
        await s.press("down")
        before = (log.ids, log.cursor, log.scroll_offset)
        act(s.scene, s.scene.carla, VoteHotel(s.scene.alfama))
        act(s.scene, s.scene.dev, VoteHotel(s.scene.azul))
        await s.sees("2 more meanwhile.")
        assert (log.ids, log.cursor, log.scroll_offset) == before
        await s.press("up", "up")
        assert len(log.ids) == len(before[0]) + 2
        assert log.cursor == log.ids[0]
        assert "2 more meanwhile." not in s.text
        assert "Dev voted for Casa Azul" in s.text


async def test_what_one_does_oneself_is_seen_at_once(tmp_path: Path):
    async with staged(tmp_path) as s:
        await opened(s)
        await s.press("down")
        here = s.rows("history").cursor
        act(s.scene, s.scene.ana, VoteHotel(s.scene.alfama))
        await s.sees("Ana voted for Alfama")
        assert s.rows("history").cursor == here


async def test_without_a_network_there_is_what_the_trip_itself_tells(tmp_path: Path):
    scene = lisbon()
    many(scene, 40)
    async with staged(tmp_path, scene) as s:
        s.world.down = True
        await s.press("h")
        await s.sees("The server can't be reached.")
        assert len(s.rows("history").ids) == 31
        s.world.down = False
        await s.press("end", "enter")
        await s.until(lambda: OLDER not in s.rows("history").ids)


async def test_a_list_that_can_not_be_looked_up_says_so_and_does_not_look_for_ever(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        s.world.down = True
        await s.press("D")
        await s.sees("That can't be looked up now.")
        assert "Looking" not in s.text


# --- filters -------------------------------------------------------------------------------------


async def test_one_person_may_be_looked_at_also_one_who_has_gone(tmp_path: Path):
    scene = lisbon()
    async with staged(tmp_path, scene) as s:
        await opened(s)
        await s.press("b", "down", "down", "enter")
        await s.sees("by Ben")
        assert "Dev voted" not in s.text
        assert "Ben asked: When do we fly?" in s.text
        await s.press("b", "enter")
        await s.sees("Dev voted")


async def test_one_may_say_since_which_day(tmp_path: Path):
    scene = lisbon()
    act(scene, scene.ben, VoteHotel(None), ago=timedelta(days=400))
    act(scene, scene.ben, VoteHotel(scene.azul))
    async with staged(tmp_path, scene) as s:
        await opened(s)
        await s.press("f", "down", "enter")
        await s.sees("Since which day?")
        await s.type("soon")
        await s.press("enter")
        await s.sees("Try yesterday")
        await s.press("ctrl+u")
        await s.type("yesterday")
        await s.press("enter")
        await s.sees("since yesterday")
        assert s.rows("history").ids[0] == str(scene.world.heads[scene.trip_id])
        assert "took a hotel vote back" not in s.text


async def test_what_came_since_one_left_is_loaded_as_far_as_needed(tmp_path: Path):
    scene = lisbon()
    seen = scene.world.heads[scene.trip_id]
    many(scene, 450)
    memory = Memory(folders(tmp_path))
    memory.keep_seen(SERVER, scene.trip_id, seen, scene.world.now() - timedelta(hours=3))
    folders(tmp_path).memory_file.parent.mkdir(parents=True)
    folders(tmp_path).memory_file.write_text(memory.written(), "utf-8")
    async with staged(tmp_path, scene) as s:
        await opened(s)
        await s.press("f")
        await s.sees("Since your last visit; you were away for 3 h")
        await s.press("enter")
        await s.until(
            lambda: len(s.rows("history").ids) == scene.world.heads[scene.trip_id] - seen,
            "all that is new and nothing else",
        )
        assert OLDER not in s.rows("history").ids
        assert [limit for _, limit in s.world.pages] == [200, 200, 200]


# --- undo, and bringing back ----------------------------------------------------------------------


async def test_the_last_change_is_undone_without_being_asked_and_once_more_does_it_again(tmp_path: Path):
    async with staged(tmp_path, tab="hotels") as s:
        await s.press("space")
        await s.until(lambda: s.world.trips[s.scene.trip_id].voting.ballots.get(s.scene.ana.id) == s.scene.azul)
        await s.press("U")
        await s.sees("You have no vote for a hotel again.")
        assert s.scene.ana.id not in s.world.trips[s.scene.trip_id].voting.ballots
        await s.press("U")
        await s.sees("Your vote is for Casa Azul again.")
        assert s.world.trips[s.scene.trip_id].voting.ballots.get(s.scene.ana.id) == s.scene.azul
        await s.press("U")
        assert [n.message for n in sorted(s.app._notifications, key=lambda n: n.raised_at)] == [
            "Your vote is for Casa Azul again.", "You have no vote for a hotel again."
        ]  # fmt: skip
        assert s.text.index("Your vote is for") < s.text.index("You have no vote")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda s: CastVote(s.flight, answers=((f"{s.flight}.0", "yes"),)),
            "Your vote in When do we fly? is taken back.",
        ),
        (lambda s: CastVote(s.drivers), "Your vote in Who drives? is back."),
        (lambda s: UnshortlistHotel(s.azul), "Casa Azul is on the list again."),
        (lambda s: EditTrip(name="Porto in June"), "What you changed of the trip is as it was."),
    ],
)
def test_what_was_undone_is_said(change: Any, words: str):
    scene = lisbon()
    act(scene, scene.ana, change(scene))
    assert run(scene, "trip.undo", {}).startswith(words)


async def test_what_can_not_be_undone_is_said_in_the_rules_own_words(tmp_path: Path):
    scene = lisbon()
    async with staged(tmp_path, scene, me=scene.carla) as s:
        act(scene, scene.carla, EditTrip(name="Porto"))
        act(scene, scene.ben, EditTrip(name="Faro"))
        await s.sees("Faro")
        await s.press("U")
        await s.until(lambda: s.app._notifications, "why")
        assert any("Ben" in n.message for n in s.app._notifications)


async def test_a_dropped_hotel_is_brought_back_where_it_was_dropped(tmp_path: Path):
    scene = lisbon()
    act(scene, scene.ana, UnshortlistHotel(scene.azul))
    act(scene, scene.ben, VoteHotel(scene.alfama))
    async with staged(tmp_path, scene) as s:
        await opened(s)
        assert "bring back" not in s.text.split("\n")[-1]
        await s.press("down")
        assert "can be brought back" in s.text
        assert "enter bring back" in s.text.split("\n")[-1]
        await s.press("enter")
        await s.sees("Ana brought Casa Azul back")
        await s.sees("Casa Azul is on the list again. Votes for it begin anew.")
        assert "can be brought back" not in s.text
        assert scene.azul in s.world.trips[scene.trip_id].hotels


async def test_who_neither_dropped_it_nor_leads_is_offered_no_way_back(tmp_path: Path):
    scene = lisbon()
    act(scene, scene.ana, UnshortlistHotel(scene.azul))
    async with staged(tmp_path, scene, me=scene.carla) as s:
        await opened(s)
        assert "Ana dropped Casa Azul" in s.text
        assert "can be brought back" not in s.text


async def test_enter_on_a_dropped_hotel_says_who_can_bring_it_back(tmp_path: Path):
    scene = lisbon()
    act(scene, scene.dev, UnshortlistHotel(scene.alfama))
    async with staged(tmp_path, scene, me=scene.ben) as s:
        await opened(s)
        await s.press("enter")
        await s.sees("Only Ana or Dev can bring it back.")
        act(scene, scene.ana, UnshortlistHotel(scene.azul))
        await s.press("home", "up", "home", "enter")
        await s.sees("Only Ana can bring it back.")


async def test_a_deleted_trip_is_brought_back_after_asking(tmp_path: Path):
    scene = lisbon()
    act(scene, scene.ana, DeleteTrip())
    async with staged(tmp_path, scene, in_trip=False) as s:
        await s.press("D")
        await s.until(lambda: isinstance(s.app.screen, DeletedScreen))
        await s.sees("deleted now, kept until")
        await s.press("enter")
        await s.sees("Bring Lisbon in May back, for its 4 people?")
        await s.press("escape")
        assert s.world.trips[scene.trip_id].ended == "deleted"
        await s.press("enter", "enter")
        await s.sees("Lisbon in May is back.")
        assert s.world.trips[scene.trip_id].ended is None
        await s.sees("Nothing that can be brought back.")
        await s.press("escape")
        await s.until(lambda: s.rows("trips").ids == [scene.trip_id], "it is listed again")


async def test_what_people_call_themselves_and_their_hotels_is_drawn_as_data(tmp_path: Path):
    scene = lisbon()
    act(scene, scene.ben, RenameMember(NASTY["click"]))
    async with staged(tmp_path, scene) as s:
        await opened(s)
        assert f"Ben is now {NASTY['click']}" in s.text
        await s.press("b")
        await s.sees(NASTY["click"])


# --- without a screen ----------------------------------------------------------------------------


def run(scene: Scene, command: str, args: Mapping[str, Any], who: User | None = None) -> Any:
    client: Any = StandInClient(scene.world, who or scene.ana)
    return asyncio.run(commands.find(command).run(client, {"trip": scene.trip_id, **args}))


# R: G5
def test_history_prints_the_shape_of_http_or_sentences_by_day(capsys: pytest.CaptureFixture[str]):
    scene = lisbon()
    shape = run(scene, "trip.history", {"json": True})
    assert [e["seq"] for e in shape["events"]] == list(range(scene.world.heads[scene.trip_id] + 1))
    assert shape["more"] is False
    assert json.loads(json.dumps(shape)) == shape
    show(run(scene, "trip.history", {"by": "dev"}), json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(("Today:", "Yesterday:"))
    assert [line.split(" ", 4)[-1] for line in lines if line.startswith("  -")] == [
        "Dev joined", "Dev voted in Who drives?", "Dev added Alfama", "Dev voted for Alfama"
    ]  # fmt: skip


# R: G5
def test_history_since_a_day_asks_for_pages_until_that_day():
    scene = lisbon()
    many(scene, 450)
    assert len(run(scene, "trip.history", {"json": True})["events"]) == 100
    since = run(scene, "trip.history", {"json": True, "since": "yesterday"})
    assert len(since["events"]) == scene.world.heads[scene.trip_id] + 1
    with pytest.raises(Refused, match="not come yet"):
        run(scene, "trip.history", {"since": "tomorrow"})


def test_since_left_is_known_where_the_trip_was_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path))
    scene = lisbon()
    with pytest.raises(Refused, match="not open on this computer yet"):
        run(scene, "trip.history", {"since": "left"})


# R: G5
def test_undo_and_bringing_back_without_a_screen(capsys: pytest.CaptureFixture[str]):
    scene = lisbon()
    act(scene, scene.ana, UnshortlistHotel(scene.azul))
    shape = run(scene, "hotel.restore", {"hotel": "casa"})
    assert [h["name"] for h in shape["trip"]["hotels"]] == ["Casa Azul", "Alfama"]
    with pytest.raises(Refused, match="no dropped hotel called casa"):
        run(scene, "hotel.restore", {"hotel": "casa"})
    show(run(scene, "trip.undo", {}), json=False)
    assert capsys.readouterr().out == "Casa Azul is off the list again.\n"
    act(scene, scene.ana, DeleteTrip())
    (gone,) = run(scene, "trip.deleted", {"json": True})["trips"]
    assert (gone["name"], gone["members"]) == ("Lisbon in May", 4)
    show({"trips": [gone]}, json=False)
    assert "Lisbon in May 4 people, kept until " in capsys.readouterr().out
    assert run(scene, "trip.restore", {"deleted": "lisbon"})["trip"]["id"] == scene.trip_id


async def test_after_a_reset_it_is_asked_anew(tmp_path: Path):
    scene = lisbon()
    many(scene, 40)
    async with staged(tmp_path, scene) as s:
        screen = await opened(s)
        screen.feed(s.app.screen_stack[-2].snapshot, News("reset"))  # type: ignore[attr-defined]
        await s.settle()
        assert s.world.pages == [(None, 200), (None, 200)]
        assert len(s.rows("history").ids) == scene.world.heads[scene.trip_id] + 1


async def test_what_the_trip_carries_is_there_while_a_page_fills_a_gap(tmp_path: Path):
    scene = lisbon()
    async with staged(tmp_path, scene) as s:
        screen = await opened(s)
        before = s.rows("history").ids
        recent = s.world.trips[scene.trip_id].recent[-1]
        screen._known |= {n: replace(recent, seq=n) for n in range(recent.seq + 40, recent.seq + 70)}
        screen.redraw()
        assert s.rows("history").ids == [*before, OLDER], "nothing is listed over a gap"
        assert screen.fresh == 30
