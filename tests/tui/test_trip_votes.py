"""Polls and hotels on the screen of a trip: voting, opening, ending, and what is decided."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.tui.conftest import SIZES, staged
from tests.tui.scenes import lisbon
from tests.tui.standins import tick
from textual import events

from roadcrew_domain.hotels import ShortlistHotel
from roadcrew_domain.money import Money
from roadcrew_domain.polls import CastVote, ClosePoll, OpenPoll, PollKind
from roadcrew_tui.screens import polls_model
from roadcrew_tui.screens.ask import Ask


# R: T4 S6
async def test_my_vote_is_painted_at_once_marked_and_then_confirmed(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        s.world.hold = True
        await s.press("enter", "y")
        await s.sees("sending")
        assert s.world.trips[s.scene.trip_id].polls[s.scene.flight].ballots.get(s.scene.ana.id) is None
        s.world.release()
        await s.until(lambda: "sending" not in s.text)
        assert dict(s.world.trips[s.scene.trip_id].polls[s.scene.flight].ballots[s.scene.ana.id]) == {
            f"{s.scene.flight}.0": "yes"
        }


# R: S6
async def test_a_vote_that_came_too_late_is_taken_back_with_the_reason(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        s.world.hold = True
        await s.press("enter", "y")
        await s.sees("sending")
        s.world.do(s.scene.trip_id, s.scene.ben.id, ClosePoll(s.scene.flight))
        s.world.release()
        await s.sees("before your vote arrived")
        assert "sending" not in s.text


async def test_keys_typed_in_a_hurry_vote_for_what_the_cursor_was_on(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("enter")
        for key in ("y", "down", "m"):
            s.app.post_message(events.Key(key, key if len(key) == 1 else None))

        def mine() -> dict[str, str]:
            return dict(s.world.trips[s.scene.trip_id].polls[s.scene.flight].ballots.get(s.scene.ana.id, ()))

        want = {f"{s.scene.flight}.0": "yes", f"{s.scene.flight}.1": "maybe"}
        await s.until(lambda: mine() == want, "both votes")


@pytest.mark.parametrize("size", SIZES)
async def test_the_matrix_shows_who_said_what_and_whom_we_wait_for(tmp_path: Path, size: tuple[int, int]):
    async with staged(tmp_path, size=size, tab="polls") as s:
        row = next(line for line in s.text.split("\n") if "Wed 20 May" in line)
        assert row.split("Wed 20 May")[1].split()[:5] == ["?", "✓", "✓", "·", "2"]
        row = next(line for line in s.text.split("\n") if "Thu 21 May" in line)
        assert row.split("Thu 21 May")[1].split()[:6] == ["?", "✓", "~", "·", "1", "+1~"]
        assert "Waiting for you and Dev." in s.text
        assert ("DECIDED" in s.text) == (size[0] >= 100)


# R: T4
async def test_space_goes_through_the_answers_and_takes_the_vote_back(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("enter")

        def mine() -> dict[str, str]:
            assert s.trip.trip is not None
            return dict(s.trip.trip.polls[s.scene.flight].ballots.get(s.scene.ana.id, ()))

        option = f"{s.scene.flight}.0"
        answers: list[dict[str, str]] = [{option: "yes"}, {option: "maybe"}, {option: "no"}, {}]
        for want in answers:
            await s.press("space")
            await s.until(partial(lambda want: mine() == want, want), str(want))


async def test_the_options_of_each_poll_begin_at_the_first_or_at_my_own_vote(tmp_path: Path):
    scene = lisbon()
    mine = scene.world.do(scene.trip_id, scene.ana.id, OpenPoll("Train?", "single", ("Yes", "No", "Maybe")))
    scene.world.do(scene.trip_id, scene.ana.id, CastVote(mine, (f"{mine}.1",)))
    async with staged(tmp_path, scene, tab="polls") as s:
        await s.press("enter", "down", "escape", "down")
        assert s.rows("options").cursor == f"{scene.drivers}.2"
        await s.press("down")
        assert s.rows("options").cursor == f"{mine}.1"
        await s.press("up", "up")
        assert s.rows("options").cursor == f"{scene.flight}.0"


# R: T4
async def test_n_says_no_among_the_options_of_a_yes_maybe_no_poll_and_asks_anew_elsewhere(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        assert "n new poll" in s.text.split("\n")[-1]
        await s.press("enter")
        await s.sees("y yes  m maybe  n no")
        assert "n new poll" not in s.text.split("\n")[-1]

        def mine() -> dict[str, str]:
            return dict(s.world.trips[s.scene.trip_id].polls[s.scene.flight].ballots.get(s.scene.ana.id, ()))

        await s.press("n", "down", "x")
        await s.until(lambda: mine() == {f"{s.scene.flight}.0": "no", f"{s.scene.flight}.1": "no"})
        await s.press("escape", "down", "enter")
        await s.sees("space vote")
        await s.press("n")
        await s.sees("ASK THE CREW")


# R: T4
@pytest.mark.parametrize("key", ["y", "m", "space"])
async def test_a_vote_in_the_list_of_polls_only_leads_into_the_options(tmp_path: Path, key: str):
    async with staged(tmp_path, tab="polls") as s:
        await s.press(key)
        await s.until(lambda: s.app.focused is s.rows("options"))
        assert s.scene.ana.id not in s.world.trips[s.scene.trip_id].polls[s.scene.flight].ballots
        assert not s.trip.snapshot.sending


async def test_what_ended_promises_no_vote(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("end")
        assert "enter look" in s.text.split("\n")[-1]
        await s.press("enter")
        last = s.text.split("\n")[-1]
        assert "vote" not in last
        assert "n new poll" in last


async def test_polls_stand_in_the_same_order_for_everybody_and_no_vote_moves_them(tmp_path: Path):
    scene = lisbon()
    soon = scene.world.now() + timedelta(minutes=5)
    late = scene.world.do(scene.trip_id, scene.dev.id, OpenPoll("Now?", "single", ("A", "B"), soon))
    order = [scene.flight, scene.drivers, late, scene.where]
    for who in (scene.ana, scene.ben, scene.carla):
        async with staged(tmp_path / who.name, scene, me=who, tab="polls") as s:
            assert s.rows("polls").ids == order
            s.rows("polls").move_to(late)
            await s.press("enter", "space")
            await s.until(partial(lambda who: who.id in scene.world.trips[scene.trip_id].polls[late].ballots, who))
            await s.press("escape", "1", "2")
            await s.until(lambda: s.rows("polls").has_focus)
            assert s.rows("polls").ids == order


async def test_the_cursor_goes_to_a_poll_that_i_have_opened(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("end", "n")
        await s.sees("ASK THE CREW")
        await s.type("Beach?")
        await s.press("enter", "right", "enter")
        await s.type("Yes")
        await s.press("enter")
        await s.type("No")
        await s.press("enter", "enter", "enter")
        await s.until(lambda: len(s.world.trips[s.scene.trip_id].polls) == 4)
        new = max(s.world.trips[s.scene.trip_id].polls.values(), key=lambda p: p.opened_at).id
        await s.until(lambda: s.rows("polls").cursor == new)
        assert s.rows("polls").ids == [s.scene.flight, s.scene.drivers, new, s.scene.where]
        assert s.app.focused is s.rows("polls")


async def test_all_have_answered_only_when_every_option_has_an_answer(tmp_path: Path):
    scene = lisbon()
    first, second = f"{scene.flight}.0", f"{scene.flight}.1"
    scene.world.do(scene.trip_id, scene.dev.id, CastVote(scene.flight, answers=((first, "yes"),)))
    async with staged(tmp_path, scene, tab="polls", size=(120, 36)) as s:
        await s.sees("Waiting for you, and for Dev to answer the rest.")
        await s.press("enter", "y")
        await s.sees("Waiting for you and Dev to answer the rest.")
        await s.press("down", "n")
        await s.sees("Waiting for Dev to answer the rest.")
        scene.world.do(scene.trip_id, scene.dev.id, CastVote(scene.flight, answers=((first, "yes"), (second, "no"))))
        await s.sees("All have answered.")


# R: T4
async def test_a_poll_is_opened_by_form_with_a_deadline(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("n")
        await s.sees("ASK THE CREW")
        await s.type("Beach or town?")
        await s.press("enter", "right", "enter")
        await s.type("Beach")
        await s.press("enter")
        await s.type("Town")
        await s.press("enter", "enter")
        await s.type("in 2 h")
        await s.press("enter")
        await s.until(lambda: len(s.world.trips[s.scene.trip_id].polls) == 4)
        poll = max(s.world.trips[s.scene.trip_id].polls.values(), key=lambda p: p.opened_at)
        assert (poll.question, poll.kind, [o.text for o in poll.options]) == (
            "Beach or town?", "single", ["Beach", "Town"],
        )  # fmt: skip
        assert poll.closes_at is not None
        await s.sees("Beach or town?")


async def test_a_form_says_under_the_field_what_was_not_right_and_keeps_what_was_typed(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("n")
        await s.sees("ASK THE CREW")
        await s.type("Where")
        await s.press("enter", "enter", "enter")
        await s.type("someday")
        await s.press("enter")
        await s.sees("Try 18:00, in 2 h")
        assert "Where" in s.text
        await s.press("escape")
        await s.until(lambda: "ASK THE CREW" not in s.text)
        assert len(s.world.trips[s.scene.trip_id].polls) == 3


async def test_in_an_input_only_esc_tab_and_enter_act(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("n")
        await s.sees("ASK THE CREW")
        await s.type("q:?123eij")
        assert "q:?123eij" in s.text
        await s.press("ctrl+p")
        assert "ASK THE CREW" in s.text


# R: T4
async def test_ending_a_poll_asks_first_and_cancel_has_the_cursor(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("e")
        await s.sees("END THE POLL")
        assert s.rows("ask-answers").cursor == "cancel"
        await s.press("enter")
        await s.until(lambda: not isinstance(s.app.screen, Ask))
        assert not s.world.trips[s.scene.trip_id].polls[s.scene.flight].closed


# R: T1 T4
async def test_a_poll_whose_winner_is_a_date_offers_to_set_the_trips_dates(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("e")
        await s.sees("END THE POLL")
        await s.press("down", "enter")
        await s.sees("Shall the trip be")
        assert s.rows("ask-answers").cursor == "set"
        await s.press("enter")
        await s.until(lambda: s.world.trips[s.scene.trip_id].starts_on is not None)
        starts = s.world.trips[s.scene.trip_id].starts_on
        assert starts is not None
        assert (starts.day, starts.month) == (20, 5)


# R: T1 T4
@pytest.mark.parametrize("by", ["deadline", "member"])
async def test_dates_that_won_are_asked_about_under_needs_you_until_they_are_set_or_not_wanted(tmp_path: Path, by: str):
    scene = lisbon()
    if by == "deadline":
        scene.world.ahead = timedelta(hours=3)
        tick(scene.world, scene.trip_id)
    else:
        scene.world.do(scene.trip_id, scene.ben.id, ClosePoll(scene.flight))
    asked = "Wed 20 May won: make it the trip's dates?"
    async with staged(tmp_path / "dev", scene, me=scene.dev) as s:
        assert "make it the trip's dates?" not in s.text
    for size in SIZES:
        async with staged(tmp_path / "no", scene, size=size) as s:
            await s.sees("Wed 20 May won: make it the trip's")
    async with staged(tmp_path / "no", scene) as s:
        row = s.rows("needs").ids.index(f"dates:{scene.flight}")
        await s.press(*["down"] * row, "enter")
        await s.sees("Shall the trip be")
        await s.press("escape")
        await s.sees(asked)
        await s.press("enter")
        await s.sees("Shall the trip be")
        await s.press("down", "enter")
        await s.until(lambda: asked not in s.text)
    async with staged(tmp_path / "no", scene) as s:
        assert asked not in s.text
    async with staged(tmp_path / "yes", scene) as s:
        await s.sees(asked)
        await s.press(*["down"] * s.rows("needs").ids.index(f"dates:{scene.flight}"), "enter")
        await s.sees("Shall the trip be")
        await s.press("enter")
        await s.until(lambda: scene.world.trips[scene.trip_id].starts_on is not None)
        await s.until(lambda: asked not in s.text)


# R: T4
async def test_a_tie_is_settled_by_whoever_ends_the_poll(tmp_path: Path):
    scene = lisbon()
    tied = scene.world.do(scene.trip_id, scene.ana.id, OpenPoll("Train?", "single", ("Yes please", "No thanks")))
    scene.world.do(scene.trip_id, scene.ana.id, CastVote(tied, (f"{tied}.0",)))
    scene.world.do(scene.trip_id, scene.ben.id, CastVote(tied, (f"{tied}.1",)))
    async with staged(tmp_path, scene, tab="polls") as s:
        s.rows("polls").move_to(tied)
        await s.press("e")
        await s.sees("Which one shall it be")
        assert s.rows("ask-answers").cursor == f"{tied}.0"
        await s.press("down", "enter")
        await s.until(lambda: s.world.trips[scene.trip_id].polls[tied].closed)
        outcome = s.world.trips[scene.trip_id].polls[tied].outcome
        assert outcome is not None
        assert outcome.winners == (f"{tied}.1",)
        assert outcome.chosen_by == scene.ana.id


# R: T5
@pytest.mark.parametrize("size", SIZES)
async def test_the_shortlist_shows_stars_prices_and_votes(tmp_path: Path, size: tuple[int, int]):
    async with staged(tmp_path, size=size, tab="hotels") as s:
        row = next(line for line in s.text.split("\n") if "Casa Azul" in line)
        assert "★★★★" in row
        assert "84" in row
        assert "●●" in row
        assert "3 of 4 voted, waiting for you. A tie goes to the cheapest." in s.text
        assert ("Ben, Carla" in row) == (size[0] >= 100)
        assert ("casa-azul.exa" in row) == (size[0] >= 100)


# R: T5
async def test_one_vote_each_and_a_second_press_takes_it_back(tmp_path: Path):
    async with staged(tmp_path, tab="hotels") as s:
        await s.press("down", "space")

        def mine() -> str | None:
            return s.world.trips[s.scene.trip_id].voting.ballots.get(s.scene.ana.id)

        await s.until(lambda: mine() == s.scene.alfama)
        await s.sees("your vote")
        await s.press("space")
        await s.until(lambda: mine() is None)


# R: T5
async def test_hotels_are_added_dropped_and_their_vote_ended(tmp_path: Path):
    async with staged(tmp_path, tab="hotels") as s:
        await s.press("a")
        await s.sees("ADD A HOTEL")
        await s.type("Pensao Sol")
        await s.press("enter", "enter")
        await s.type("62,50")
        await s.press("enter", "right", "right", "enter")
        await s.type("sol.example")
        await s.press("enter")
        await s.until(lambda: len(s.world.trips[s.scene.trip_id].hotels) == 3)
        added = max(s.world.trips[s.scene.trip_id].hotels.values(), key=lambda h: h.added_at)
        assert (added.name, added.city, added.stars, added.price_per_night.amount) == ("Pensao Sol", "Lisbon", 2, 6250)
        assert added.url == "https://sol.example"
        await s.sees("Pensao Sol")
        await s.until(lambda: s.rows("hotels").cursor == added.id, "the cursor on the new one")
        await s.press("d")
        await s.sees("DROP")
        await s.press("down", "enter")
        await s.until(lambda: len(s.world.trips[s.scene.trip_id].hotels) == 2)
        await s.press("e")
        await s.sees("Casa Azul would win")
        await s.press("down", "enter")
        await s.sees("Casa Azul won.")
        await s.press("o")
        await s.sees("What shall a tie mean?")
        assert s.rows("ask-answers").cursor == "cheapest"


LONG = "By night train over Hendaye, with a morning in San Sebastian and lunch"


@pytest.mark.parametrize("kind", ["single", "yes-maybe-no"])
@pytest.mark.parametrize("size", [*SIZES, (200, 50)])
async def test_long_options_have_the_room_that_there_is_and_no_word_of_them_is_cut(
    tmp_path: Path, size: tuple[int, int], kind: PollKind
):
    scene = lisbon()
    poll = scene.world.do(scene.trip_id, scene.ana.id, OpenPoll("How?", kind, (LONG, "By air")))
    async with staged(tmp_path, scene, size=size, tab="polls") as s:
        s.trip.show_tab("polls", poll)
        await s.until(lambda: "By night" in s.text)
        words = " ".join(row[30:] for row in s.text.split("\n"))
        assert [w for w in LONG.split() if w not in words] == []
        if size[0] == 200:
            assert LONG in s.text


async def test_a_vote_before_hotels_can_be_voted_on_says_what_to_do(tmp_path: Path):
    scene = lisbon()
    trip = scene.world.create(scene.ana, "Alps")
    scene.trip_id = trip.id
    scene.world.do(trip.id, scene.ana.id, ShortlistHotel("Sol", "Bern", 3, Money(9000, "EUR")))
    async with staged(tmp_path, scene, tab="hotels") as s:
        assert "vote" not in s.text.split("\n")[-1].replace("o open vote", "")
        await s.press("space")
        await s.sees("Voting isn't open yet. Press o to open it.")


async def test_what_was_decided_last_stands_first(tmp_path: Path):
    scene = lisbon()
    asked = [f"Question {n}?" for n in range(12)]
    for question in asked:
        poll = scene.world.do(scene.trip_id, scene.ana.id, OpenPoll(question, "single", ("A", "B")))
        scene.world.ahead += timedelta(minutes=1)
        scene.world.do(scene.trip_id, scene.ana.id, ClosePoll(poll))
    async with staged(tmp_path, scene, size=(120, 36), tab="polls") as s:
        shown = [row[-26:].strip() for row in s.text.split("\n")]
        assert [row for row in shown if row in asked] == asked[:3:-1]


def test_of_one_who_has_not_voted_is_said_so_in_the_singular():
    scene = lisbon()

    def said() -> str:
        trip = scene.world.trips[scene.trip_id]
        return polls_model.turnout(trip, trip.polls[scene.flight])

    assert said() == "2 of 4 have not voted."
    first, second = f"{scene.flight}.0", f"{scene.flight}.1"
    scene.world.do(scene.trip_id, scene.dev.id, CastVote(scene.flight, answers=((first, "yes"), (second, "no"))))
    assert said() == "1 of 4 has not voted."
    scene.world.do(scene.trip_id, scene.ana.id, CastVote(scene.flight, answers=((first, "yes"),)))
    assert said() == "1 has not answered every option."
