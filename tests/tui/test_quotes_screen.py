"""The tab of quotes: what a person sees, and what their keys do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.tui.conftest import SIZES, Stage, staged
from tests.tui.quote_stage import VIN, answered, at_the_quotes, begun, in_ten_days, pane, quotable, stay, vehicle
from tests.tui.quoting import euros
from tests.tui.scenes import NASTY, lisbon

from roadcrew_domain.hotels import UnshortlistHotel
from roadcrew_domain.quotes_state import AskedProvider, Choice, Stay, Vehicle, VoteQuote
from roadcrew_domain.running import StartRunner
from roadcrew_tui import symbols
from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.screens.form import Form
from roadcrew_tui.snapshot import RunSnapshot
from roadcrew_tui.widgets.checks import Checks


def toasts(app: RoadcrewApp) -> list[str]:
    return [n.message for n in app._notifications]


def newest(s: Stage) -> str:
    """The id of the run that was asked for last."""
    return s.world.desk.asked[-1]


async def ask(s: Stage, *keys: str) -> None:
    """To the form of a new request; `keys` choose of what kind."""
    await s.press("n", *keys, "enter")
    await s.until(lambda: isinstance(s.app.screen, Form), "the form")


# --- asking --------------------------------------------------------------------------------------


# R: Q5 Q8
async def test_who_has_asked_for_nothing_asks_by_enter_and_then_sees_the_run_begin(tmp_path: Path):
    async with at_the_quotes(tmp_path) as s:
        await s.press("enter", "enter")
        await s.until(lambda: isinstance(s.app.screen, Form), "the form")
        await s.press("ctrl+s")
        await s.sees("0 of 3 answered")
        run = s.world.desk.run(newest(s))
        day = in_ten_days()
        assert isinstance(run.request, Stay)
        assert (run.request.check_in, run.request.check_out, run.request.guests) == (day, day + timedelta(days=4), 4)
        assert {hotel.name for hotel in run.request.hotels} == {"Casa Azul", "Alfama"}
        assert "[4 Quotes •1]" in s.text
        assert s.app.focused is s.rows("runs")


# R: Q5
async def test_hotels_are_put_on_and_off_by_space_and_by_the_mouse(tmp_path: Path):
    async with at_the_quotes(tmp_path) as s:
        await ask(s)
        assert "[x] Casa Azul, Lisbon" in s.text
        await s.press("space", "down", "space")
        assert s.text.count("[ ]") == 2
        await s.press("ctrl+s")
        await s.sees("Choose at least one hotel.")
        at = s.app.screen.query_one(Checks).content_region
        await s.pilot.click(offset=(at.x + 4, at.y + 1))
        await s.settle()
        assert "[x] Alfama, Lisbon" in s.text
        await s.press("ctrl+s")
        await s.sees("0 of 3 answered")
        request = s.world.desk.run(newest(s)).request
        assert isinstance(request, Stay)
        assert [hotel.name for hotel in request.hotels] == ["Alfama"]


# R: Q5
@pytest.mark.parametrize(
    ("keys", "typed", "words"),
    [
        (("tab",), "whenever", "Which day?"),
        (("tab",), "2020-01-01", "1 to 90 days after the first"),
        (("tab", "tab"), "tomorrow", "1 to 90 days after the first"),
        (("tab", "tab", "tab"), "some", "A number, please."),
        (("tab", "tab", "tab"), "51", "1 to 50 guests"),
    ],
)
async def test_a_stay_that_can_not_be_says_why_where_it_is_before_anybody_is_asked(
    tmp_path: Path, keys: tuple[str, ...], typed: str, words: str
):
    async with at_the_quotes(tmp_path) as s:
        await ask(s)
        await s.press(*keys)
        await s.type(typed)
        await s.press("ctrl+s")
        await s.until(lambda: words in " ".join(s.text.split()), words)
        assert s.world.desk.asked == []


# R: Q5
async def test_a_vin_is_judged_while_it_is_typed_and_a_vehicle_is_asked_for(tmp_path: Path):
    async with at_the_quotes(tmp_path) as s:
        await ask(s, "down")
        for typed, words in (("1HG", "3 of 17 characters."), ("O", "no I, O or Q."), ("\b", "3 of 17 characters.")):
            await (s.press("backspace") if typed == "\b" else s.type(typed))
            await s.sees(words)
        await s.type(VIN[3:])
        await s.sees("The check digit fits. Honda (uncertain), 2003.")
        await s.press("enter")
        await s.type("34, forty")
        await s.press("ctrl+s")
        await s.sees("How old are they?")
        await s.press(*["backspace"] * 5, "4", "1", "ctrl+s")
        await s.sees("0 of 3 answered")
        request = s.world.desk.run(newest(s)).request
        assert isinstance(request, Vehicle)
        assert (request.vin, [driver.age for driver in request.drivers]) == (VIN, [34, 41])


# R: Q5
async def test_a_vin_with_a_wrong_check_digit_is_not_sent(tmp_path: Path):
    async with at_the_quotes(tmp_path) as s:
        await ask(s, "down")
        await s.type(VIN.replace("3A", "4A"))
        await s.press("enter")
        await s.type("34")
        await s.press("ctrl+s")
        assert "The check digit, the ninth character" in " ".join(s.text.split())
        assert isinstance(s.app.screen, Form)
        assert s.world.desk.asked == []


async def test_a_request_that_was_not_answered_is_sent_again_under_the_same_key(tmp_path: Path):
    async with at_the_quotes(tmp_path) as s:
        await ask(s)
        s.world.down = True
        await s.press("ctrl+s")
        await s.sees("The server can't be reached.")
        s.world.down = False
        await s.press("enter")
        await s.sees("0 of 3 answered")
        assert len(s.world.trips[s.scene.trip_id].runs) == 1


async def test_without_hotels_it_says_what_to_do_first(tmp_path: Path):
    scene = quotable()
    for hotel in (scene.azul, scene.alfama):
        scene.world.do(scene.trip_id, scene.ana.id, UnshortlistHotel(hotel))
    async with at_the_quotes(tmp_path, scene) as s:
        await s.press("n", "enter")
        await s.until(lambda: "The shortlist is empty. Add a hotel first: 3, then a." in toasts(s.app))


# --- a run as it goes on -------------------------------------------------------------------------


# R: Q4 Q8
@pytest.mark.parametrize("size", SIZES)
async def test_prices_come_one_by_one_and_the_lowest_stands_first(tmp_path: Path, size: tuple[int, int]):
    scene = quotable()
    run = begun(scene)
    desk, world = scene.world.desk, scene.world
    async with at_the_quotes(tmp_path, scene, size=size) as s:
        await s.sees("None yet.")
        desk.says(world, run, "slow", "Asking a partner")
        await s.sees("Asking a partner")
        desk.answers(world, run, "rates", euros(336, scene.azul))
        await s.sees("1 of 3 answered")
        desk.answers(world, run, "stays", euros(192, scene.alfama), euros(352, scene.azul))
        await s.sees("2 of 3 answered")
        assert s.rows("prices").ids == [f"stays/{scene.alfama}", f"rates/{scene.azul}", f"stays/{scene.azul}"]
        assert "€12" in s.text
        desk.fails(world, run, "slow", detail="It did not answer within 20 seconds.")
        await s.sees("2 of 3 answered, 1 failed")
        for words in ("It did not answer within 20 seconds.", "[4 Quotes]", "€192", "best"):
            assert words in s.text, words


# R: Q7
async def test_a_run_that_another_server_goes_on_with_says_so(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.sees("0 of 3 answered")
        scene.world.desk.do(scene.world, run, StartRunner(2))
        await s.sees("Taken over by another server, now.")


# R: Q8
async def test_what_others_do_moves_neither_focus_nor_cursor_and_the_order_stays_while_one_chooses(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    desk, world = scene.world.desk, scene.world
    desk.answers(world, run, "rates", euros(336, scene.azul), euros(400, scene.alfama))
    async with at_the_quotes(tmp_path, scene) as s:
        await s.press("enter", "down")
        before = s.rows("prices").ids
        assert (s.app.focused, s.rows("prices").cursor) == (s.rows("prices"), f"rates/{scene.alfama}")
        desk.answers(world, run, "stays", euros(99, scene.azul))
        begun(scene, by=scene.carla)
        await s.sees("€6.19")
        assert s.rows("prices").ids == [*before, f"stays/{scene.azul}"]
        assert (s.app.focused, s.rows("prices").cursor) == (s.rows("prices"), f"rates/{scene.alfama}")
        assert s.rows("runs").cursor == run
        await s.press("escape")
        assert s.rows("prices").ids[0] == f"stays/{scene.azul}"


# R: Q8
async def test_a_vote_is_one_key_is_seen_by_all_and_is_taken_back_by_the_same_key(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    answered(scene, run)
    best = Choice("rates", scene.alfama)
    async with at_the_quotes(tmp_path, scene) as s:
        assert "space vote" not in s.text
        await s.press("enter", "space")
        await s.sees("Votes: you")
        assert dict(s.world.desk.run(run).ballots.items()) == {scene.ana.id: best}
        s.world.desk.do(s.world, run, VoteQuote(best), by=scene.carla.id)
        await s.sees("Votes: you, Carla")
        await s.press("enter")
        await s.sees("Votes: Carla")
        await s.press("down", "space")
        await s.until(lambda: s.world.desk.run(run).ballots.get(scene.ana.id) == Choice("rates", scene.azul))


async def test_a_run_as_it_was_before_my_vote_was_answered_does_not_take_the_vote_away(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    answered(scene, run)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.sees("2 of 3 answered")
        before = RunSnapshot(f"quote:{run}", s.world.desk.run(run))
        await s.press("enter", "space")
        await s.sees("Votes: you")
        pane(s).show_run(before)
        await s.settle()
        assert "Votes: you" in s.text


async def test_a_run_that_is_not_kept_any_more_stays_on_the_screen_and_says_so(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    answered(scene, run)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.sees("2 of 3 answered")
        s.world.desk.put(f"quote:{run}", None)
        await s.sees("It is no longer kept.")
        s.world.desk.lives[0].tell("status")
        await s.settle()
        assert "It is no longer kept." in s.text
        assert "2 of 3 answered" in s.text
        await s.press("enter", "space")
        await s.until(lambda: "This quote run is no longer kept." in toasts(s.app))


async def test_a_vote_that_is_refused_is_taken_back_and_says_why(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    answered(scene, run)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.press("enter")
        s.world.down = True
        await s.press("space")
        await s.until(lambda: "The server can't be reached." in toasts(s.app))
        assert "Nobody has voted for it." in s.text


# R: Q8
async def test_a_run_is_stopped_after_a_question_whose_first_answer_is_no(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    scene.world.desk.answers(scene.world, run, "rates", euros(336, scene.azul))
    async with at_the_quotes(tmp_path, scene) as s:
        await s.press("x", "enter")
        assert s.world.desk.run(run).status == "processing"
        await s.press("x", "down", "enter")
        await s.sees("Stopped. Prices that had come are here.")
        assert "was not asked" in s.text
        assert "stopped" in s.text.split("\n")[5]
        assert "x stop" not in s.text


async def test_who_did_not_ask_and_does_not_organise_is_not_offered_to_stop_it(tmp_path: Path):
    scene = quotable()
    begun(scene)
    async with at_the_quotes(tmp_path, scene, me=scene.carla) as s:
        await s.sees("0 of 3 answered")
        assert "x stop" not in s.text


# R: Q8
async def test_asking_again_asks_nothing_of_the_person_and_shows_what_has_changed(tmp_path: Path):
    scene = quotable()
    first = begun(scene)
    answered(scene, first)
    async with at_the_quotes(tmp_path, scene, size=(120, 36)) as s:
        await s.press("r")
        await s.until(lambda: s.rows("runs").cursor == newest(s), "the new run")
        run = newest(s)
        assert s.world.desk.run(run).again_of == first
        assert s.world.desk.run(run).request == stay(scene)
        answered(scene, run, azul=300, alfama=200, direct=352)
        for words in ("down €36", "up €8", "Compared with the run of"):
            await s.sees(words)


async def test_a_run_that_repeats_one_that_is_not_kept_any_more_says_that_nothing_is_compared(tmp_path: Path):
    scene = quotable()
    first = begun(scene)
    answered(scene, first)
    begun(scene, again_of=first)
    scene.world.desk.put(f"quote:{first}", None)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.sees("The run before is no longer kept")
        await s.press("down")
        await s.sees("This run is no longer kept")


# R: Q8
async def test_a_run_goes_on_while_another_tab_is_open_and_is_followed_only_while_this_one_is(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.until(lambda: [live.name for live in s.world.desk.lives] == [f"quote:{run}"], "followed")
        await s.press("1")
        await s.until(lambda: s.world.desk.lives == [], "let go")
        answered(scene, run)
        await s.press("4")
        await s.sees("2 of 3 answered, 1 failed")


async def test_the_run_under_the_cursor_is_the_one_that_is_followed(tmp_path: Path):
    scene = quotable()
    first, second = begun(scene), begun(scene, vehicle(), by=scene.carla)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.until(lambda: [live.name for live in s.world.desk.lives] == [f"quote:{second}"], "the newest")
        await s.press("down")
        await s.until(lambda: [live.name for live in s.world.desk.lives] == [f"quote:{first}"], "the one below")
        await s.press("escape")
        await s.until(lambda: s.world.desk.lives == [], "none")


async def test_what_has_come_meanwhile_stands_below_and_is_reached_by_going_up_from_the_top(tmp_path: Path):
    scene = quotable()
    first = begun(scene)
    async with at_the_quotes(tmp_path, scene) as s:
        second = begun(scene, vehicle(), by=scene.carla)
        await s.until(lambda: s.rows("runs").ids == [first, second], "it has come")
        await s.press("up")
        assert s.rows("runs").ids == [second, first]
        assert s.rows("runs").cursor == second
        await s.sees(VIN)


async def test_a_run_with_fewer_prices_is_shown_after_one_with_many_that_was_hidden_meanwhile(tmp_path: Path):
    scene = quotable()
    first = begun(scene)
    answered(scene, first)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.sees("2 of 3 answered")
        second = begun(scene, by=scene.carla)
        state = s.world.desk.states.pop(f"quote:{second}")
        await s.sees("Carla, now")
        await s.press("down")
        await s.sees("This run is no longer kept")
        s.world.desk.put(f"quote:{second}", state)
        s.world.desk.answers(s.world, second, "rates", euros(99, scene.azul))
        await s.sees("1 of 3 answered")


# R: S2 S3
async def test_a_run_learns_that_nobody_looks_as_a_trip_does(tmp_path: Path):
    scene = quotable()
    begun(scene)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.until(lambda: s.world.desk.lives, "followed")
        (live,) = s.world.desk.lives
        s.app.link.signal("hidden")
        await s.until(lambda: live.signals[-1:] == ["hidden"])


async def test_offline_says_so_and_shows_what_was_seen(tmp_path: Path):
    scene = quotable()
    begun(scene)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.sees("0 of 3 answered")
        (live,) = s.world.desk.lives
        live.status.state = "offline"
        live.tell("status")
        await s.sees("Offline: as it was seen here last.")
        assert "0 of 3 answered" in s.text


# R: Q8
async def test_seconds_are_counted_while_a_run_is_under_way_and_not_after_it(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    async with at_the_quotes(tmp_path, scene) as s:
        await s.sees("0 of 3 answered")
        s.world.ahead = timedelta(seconds=17)
        s.world.desk.lives[0].tell("status")
        await s.sees("answered, 17 s")
        answered(scene, run)
        s.world.ahead = timedelta(minutes=5)
        s.world.desk.lives[0].tell("status")
        await s.sees("1 failed, 17 s")


# --- all the rest --------------------------------------------------------------------------------


# R: G8
@pytest.mark.parametrize("size", SIZES)
async def test_what_providers_are_called_and_say_is_drawn_as_it_is(tmp_path: Path, size: tuple[int, int]):
    scene = quotable()
    desk, world = scene.world.desk, scene.world
    desk.providers = tuple(
        AskedProvider(f"p{n}", text[:60], simulated=n % 2 == 0, timeout=9.0) for n, text in enumerate(NASTY.values())
    )
    run = begun(scene)
    for n, text in enumerate(NASTY.values()):
        if n % 3:
            desk.answers(world, run, f"p{n}", euros(10 * n, scene.azul, text[:100]))
        else:
            desk.fails(world, run, f"p{n}", "refused", text)
    async with at_the_quotes(tmp_path, scene, size=size) as s:
        seen = ""
        for key in ("enter", *["down"] * 6, "tab", "home", "end"):
            await s.press(key)
            assert s.app.is_running
            assert all(line.isprintable() for line in s.text.split("\n"))
            seen += s.text
        for literal in ("[@click=", "[/]", "[bold"):
            assert literal in seen, literal


async def test_with_plain_signs_and_without_colours_all_is_said_in_ascii(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NO_COLOR", "1")
    scene = quotable()
    answered(scene, begun(scene))
    begun(scene, vehicle())
    async with at_the_quotes(tmp_path, scene) as s:
        symbols.use("ascii")
        s.app.redraw_all()
        await s.press("down", "enter", "space")
        await s.sees("Votes: you")
        below_the_title = "\n".join(s.text.split("\n")[1:])
        assert {c for c in below_the_title if not c.isascii()} == {"€"}
        for words in ("best", "failed", "under way"):
            assert words in s.text, words


async def test_the_tab_is_there_only_where_prices_can_be_asked_for(tmp_path: Path):
    async with staged(tmp_path, lisbon()) as s:
        await s.until(lambda: s.world.asked, "what is served")
        await s.press("4")
        assert s.trip.tab == "overview"
        assert "Quotes" not in s.text


async def test_files_are_offered_only_where_hotels_can_be_imported(tmp_path: Path):
    scene = quotable()
    async with at_the_quotes(tmp_path, scene) as s:
        assert "f file" not in s.text
        await s.press("f")
        assert s.app.screen is s.trip
    scene.world.features = (*scene.world.features, "imports")
    async with at_the_quotes(tmp_path / "with", scene) as s:
        await s.sees("f file")


# R: J1
async def test_where_hotels_can_be_imported_and_nobody_is_asked_for_prices_the_tab_offers_files_alone(tmp_path: Path):
    scene = quotable()
    scene.world.features = ("overview", "polls", "hotels", "imports")
    async with at_the_quotes(tmp_path, scene) as s:
        await s.sees("No hotels were imported yet.")
        assert "n new" not in s.text
        await s.press("n")
        assert s.app.screen is s.trip
        await s.press("enter")
        await s.sees("IMPORTS OF HOTELS")


# R: T14
async def test_who_was_elsewhere_is_told_that_a_run_began_and_ended(tmp_path: Path):
    scene = quotable()
    async with staged(tmp_path, scene) as s:
        run = begun(scene)
        await s.until(lambda: any(words.startswith("Ben asked for prices") for words in toasts(s.app)), "it began")
        await s.sees("4 Quotes •1")
        answered(scene, run)
        await s.until(lambda: "4 Quotes •" not in s.text, "it ended")


async def test_rows_are_chosen_by_the_mouse_too(tmp_path: Path):
    scene = quotable()
    run = begun(scene)
    answered(scene, run)
    async with at_the_quotes(tmp_path, scene) as s:
        lines = s.text.split("\n")
        y = next(n for n, line in enumerate(lines) if "Stays direct €22" in line)
        x = lines[y].index("Stays direct")
        await s.pilot.click(offset=(x, y))
        await s.settle()
        assert pane(s).choice == Choice("stays", scene.azul)
        await s.pilot.click(offset=(x, y))
        await s.sees("Votes: you")
