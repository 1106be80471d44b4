"""One class an action: key, footer, palette, help and sub-command all come from it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import folders, staged
from tests.tui.scenes import Scene, lisbon
from tests.tui.standins import SERVER, StandInClient
from textual.binding import Binding

from roadcrew_client import User
from roadcrew_domain.refusals import Refused
from roadcrew_tui import commands
from roadcrew_tui.commands.base import GROUPS, Command, NeedsTrip, shown_key
from roadcrew_tui.commands.palette import Palette
from roadcrew_tui.oneshot import show
from roadcrew_tui.screens.help import HelpScreen
from roadcrew_tui.screens.tabs import TITLES
from roadcrew_tui.typed_link import whole


def test_every_action_says_what_it_is():
    ids = [c.id for c in commands.everything()]
    assert len(ids) == len(set(ids)) > 30
    for c in commands.everything():
        assert c.title
        assert c.help.endswith("."), c.id
        assert c.group in GROUPS
        assert c.places or c.sub
        assert not re.search(r"[\[\]]", c.title + c.help + c.footer), "no markup"


NEVER_TOGETHER = {("poll.no", "poll.new"), ("poll.no", "poll.take-back"), ("trip.print", "book.pay")}
"""`poll.no` is there only among the options of a poll that takes yes, maybe and no; there the key is its own.
Where there is something to pay, nothing is printed."""


def test_no_two_actions_of_one_place_want_the_same_key():
    for place in ("welcome", "lobby", "overview", "polls", "hotels", "quotes", "book", "connection"):
        wanted: dict[str, str] = {}
        here = {place, "trip"} if place in ("overview", "polls", "hotels", "quotes", "book") else {place}
        for c in commands.everything():
            if here & set(c.places):
                for key in filter(None, c.keys.split(",")):
                    if (wanted.get(key), c.id) in NEVER_TOGETHER:
                        continue
                    assert key not in wanted, f"{c.id} and {wanted[key]} both want {key} in {place}"
                    wanted[key] = c.id


def test_the_overview_has_the_key_that_its_tab_shows():
    number = list(TITLES).index("overview") + 1
    assert shown_key(commands.find("trip.show").keys) == str(number)


# R: G5
def test_sub_commands_are_complete_and_none_is_there_twice():
    subs = [c.sub for c in commands.everything() if c.sub]
    assert len(subs) == len(set(subs)) >= 20
    for c in commands.everything():
        if c.sub:
            assert c.examples, f"{c.id} has no example"
            assert type(c).run is not Command.run, f"{c.id} can't run without a screen"
            names = [a.name for a in c.arguments]
            assert len(names) == len(set(names))
            assert all(a.help for a in c.arguments)


# R: G5
def test_every_act_of_the_domain_that_a_person_can_do_has_an_action():
    covered = {"EditTrip", "DeleteTrip", "LeaveTrip", "RemoveMember", "HandOver", "OpenPoll", "CastVote", "ClosePoll",
               "ShortlistHotel", "UnshortlistHotel", "VoteHotel", "OpenHotelVoting", "CloseHotelVoting"}  # fmt: skip
    source = "".join(p.read_text("utf-8") for p in Path(commands.__file__).parent.glob("*.py"))
    assert {name for name in covered if not re.search(rf"\b{name}\(|import {name}\b|\b{name} as ", source)} == set()


async def test_the_palette_offers_what_can_be_done_here(tmp_path: Path):
    async with staged(tmp_path, tab="hotels") as s:
        await s.press("colon")
        await s.sees("Add a hotel")
        await s.type("drop")
        await s.sees("Drop this hotel")
        await s.press("enter")
        await s.sees("Drop Casa Azul?")


async def test_the_palette_puts_titles_first_and_fits_descriptions_by_the_start_of_words(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        provider = Palette(s.app.screen)

        async def found(query: str) -> list[str]:
            hits = [hit async for hit in provider.search(query)]
            return [str(hit.text) for hit in sorted(hits, key=lambda hit: -hit.score)]

        assert (await found("invite"))[0] == "Invite"
        assert (await found("deadl")) == ["New poll"]  # "with a deadline if you like"
        assert "New poll" not in await found("eadline")
        assert await found("qzx") == []
        assert (await found("yes"))[0] == "Yes"


async def test_the_palette_offers_nothing_about_somebody_when_nobody_is_chosen(tmp_path: Path):
    async with staged(tmp_path) as s:
        assert "crew.member" not in [c.id for c in s.trip.offered()]
        s.rows("crew").focus()
        await s.until(lambda: "crew.member" in [c.id for c in s.trip.offered()])


@pytest.mark.parametrize(("tab", "begins"), [("", "THIS TRIP"), ("polls", "POLLS"), ("hotels", "HOTELS")])
async def test_help_begins_with_the_tab_that_one_is_on(tmp_path: Path, tab: str, begins: str):
    async with staged(tmp_path, tab=tab) as s:
        await s.press("question_mark")
        await s.sees("MOVING ABOUT" if tab != "" else begins)
        titles = [row.strip(" ▌") for row in s.text.split("\n") if row.strip(" ▌").isupper()]
        assert titles[0] == begins


async def test_ctrl_p_opens_the_palette_too(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("ctrl+p")
        await s.sees("New poll")


async def test_help_has_a_row_for_everything_that_belongs_to_this_place(tmp_path: Path):
    async with staged(tmp_path, size=(120, 160)) as s:
        await s.press("question_mark")
        await s.until(lambda: isinstance(s.app.screen, HelpScreen))
        words = " ".join(s.text.split())
        for c in commands.everything():
            if {"trip", "overview"} & set(c.places):
                assert f"{c.title}.".replace("?.", "?") in words, c.id
        await s.press("escape")
        await s.until(lambda: not isinstance(s.app.screen, HelpScreen))


async def test_a_key_can_be_changed_in_the_settings(tmp_path: Path):
    where = folders(tmp_path).settings_file
    where.parent.mkdir(parents=True)
    where.write_text('[keymap]\n"trip.invite" = "v"\n')
    async with staged(tmp_path) as s:
        assert "v invite" in s.text
        await s.press("i")
        assert "INVITE" not in s.text.split("\n")[2]
        await s.press("v")
        await s.sees("Code")


def test_every_binding_has_the_id_of_its_action():
    from roadcrew_tui.screens.trip import TripScreen

    ids = {b.id for b in TripScreen.BINDINGS if isinstance(b, Binding)}
    assert {c.id for c in commands.of("polls") if c.keys} <= ids
    assert {"tab.overview", "tab.polls", "tab.hotels"} <= ids


# --- without a screen ------------------------------------------------------------------------------


def run(scene: Scene, command_id: str, args: Mapping[str, Any]) -> Any:
    """As a sub-command does it."""
    client: Any = StandInClient(scene.world, scene.ana)
    client.server = SERVER
    return asyncio.run(_run(commands.find(command_id), client, {"trip": scene.trip_id, **args}))


async def _run(command: Command, client: Any, args: Mapping[str, Any]) -> Any:
    return await command.run(client, args)


# R: G5
def test_a_vote_by_the_words_of_question_and_options():
    scene = lisbon()
    shape = run(scene, "poll.vote", {"poll": "when", "yes": ["wed"], "maybe": ["2"]})
    poll = next(p for p in shape["trip"]["polls"] if p["id"] == scene.flight)
    assert poll["options"][0]["votes"][scene.ana.id] == "yes"
    assert poll["options"][1]["votes"][scene.ana.id] == "maybe"


# R: G5
@pytest.mark.parametrize(
    ("command", "args", "holds"),
    [
        (
            "trip.edit",
            {"dates": "21 to 25 May", "destination": "-"},
            lambda t: t["startsOn"] and t["destination"] is None,
        ),
        ("poll.new", {"question": "Car?", "option": ["Yes", "No"], "closes": "in 2 h"}, lambda t: len(t["polls"]) == 4),
        (
            "poll.end",
            {"poll": "When"},
            lambda t: any(p["closed"] for p in t["polls"] if p["question"].startswith("When")),
        ),
        ("hotel.vote", {"hotel": "casa"}, lambda t: len(t["hotels"][0]["votes"]) == 3),
        ("hotel.add", {"name": "Sol", "city": "Lisbon", "price": "62.50 EUR"}, lambda t: len(t["hotels"]) == 3),
        (
            "hotel.add",
            {"name": "Sol", "city": "Lisbon", "price": "62 EUR", "link": "casa.example/rooms?n=2"},
            lambda t: "https://casa.example/rooms?n=2" in [h["url"] for h in t["hotels"]],
        ),
        ("hotel.drop", {"hotel": "Alfama"}, lambda t: len(t["hotels"]) == 1),
        ("hotel.end", {}, lambda t: t["hotelVoting"]["winnerId"]),
        ("crew.hand-over", {"member": "ben"}, lambda t: t["members"][1]["role"] == "organiser"),
        ("crew.remove", {"member": "Dev"}, lambda t: len(t["members"]) == 3),
        ("trip.show", {}, lambda t: t["name"] == "Lisbon in May"),
    ],
)
def test_actions_give_the_shape_of_the_contract(command: str, args: Mapping[str, Any], holds: Any):
    assert holds(run(lisbon(), command, args)["trip"])


@pytest.mark.parametrize(
    "link", ["casa", "javascript:alert(1)", "ftp://casa.example", "a casa.example", "ana@casa.example"]
)
def test_what_is_no_link_and_no_host_is_left_to_the_rules_as_it_was_typed(link: str):
    assert whole(link) == link


def test_who_joins_and_is_called_like_a_member_is_told_on_stderr(capsys: pytest.CaptureFixture[str]):
    scene = lisbon()
    invite = scene.world.trips[scene.trip_id].invite
    assert invite is not None
    ben = StandInClient(scene.world, User("zoe", "ben"))
    asyncio.run(_run(commands.find("trip.join"), ben, {"invite": f"{invite.code}@trips.example"}))
    assert "There is a Ben in this crew already: roadcrew you rename NAME changes your name." in capsys.readouterr().err


def test_a_name_that_fits_two_things_is_not_guessed_at():
    scene = lisbon()
    with pytest.raises(Refused, match="say more of it"):
        run(scene, "poll.end", {"poll": "Wh"})
    with pytest.raises(Refused, match="no hotel called Ritz"):
        run(scene, "hotel.vote", {"hotel": "Ritz"})
    with pytest.raises(NeedsTrip):
        run(scene, "poll.end", {"poll": "When", "trip": None})


def test_a_new_trip_comes_with_its_invite():
    scene = lisbon()
    made = run(scene, "trip.new", {"name": "Alps", "dates": "2026-12-02 to 2026-12-09"})
    assert made["trip"]["startsOn"] == "2026-12-02"
    assert made["invite"]["url"].endswith(made["invite"]["code"])
    assert datetime.fromisoformat(made["trip"]["createdAt"]).tzinfo in (UTC, datetime.now(UTC).tzinfo)


def test_json_says_what_a_server_says_and_a_terminal_that_shows_it_obeys_none_of_it(
    capsys: pytest.CaptureFixture[str],
):
    said = {"name": "Casa\x9b2J\x7f \u202egnol \u2066x\u2069 Ünal 東京 \x1b[2J"}
    show(said, json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert not [c for c in line if not c.isprintable()]
    assert "Ünal 東京" in line
    assert json.loads(line) == said
