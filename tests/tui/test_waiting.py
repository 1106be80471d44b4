"""The changes that wait, on the screen: in words, dropped, sent, dismissed, and a way on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import SIZES, Stage, folders, staged
from tests.tui.outbox import StandInDelivery, made, too_late, vote
from tests.tui.scenes import Scene, lisbon
from tests.tui.standins import SERVER, StandInMaker

from roadcrew_client import ClientSettings, User
from roadcrew_client.about import About
from roadcrew_client.changes import Refusal
from roadcrew_client.client import Client
from roadcrew_client.errors import Unreachable
from roadcrew_client.outbox import Outbox, OutboxEntry, Tally
from roadcrew_domain import crew, dropped, hotels, polls
from roadcrew_domain.feed_state import EditItem, GiveReaction, RemoveItem, RestoreItem, TakeReaction, WriteItem
from roadcrew_domain.marks_state import GiveMark, TakeMark
from roadcrew_domain.money import Money
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import DeleteTrip, EditTrip, TripAct
from roadcrew_tui import commands
from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.screens import waiting_model as model
from roadcrew_tui.screens.ask import Ask
from roadcrew_tui.screens.trip import TripScreen
from roadcrew_tui.screens.waiting import WaitingScreen

HOSTILE = "[@click=app.quit]Azul[/] \x1b[31m\u202e"


def waiting_scene(*entries: Callable[[Scene], OutboxEntry]) -> tuple[Scene, StandInDelivery]:
    """The trip, and what waits."""
    scene = lisbon()
    scene.world.delivery.waiting = [entry(scene) for entry in entries]
    return scene, scene.world.delivery


async def opened(s: Stage, delivery: StandInDelivery) -> WaitingScreen:
    delivery.tell()
    await s.press("w")
    await s.until(lambda: isinstance(s.app.screen, WaitingScreen), "the waiting changes")
    await s.until(lambda: len(s.rows("changes").ids) == len(delivery.waiting), "all of them")
    assert isinstance(s.app.screen, WaitingScreen)
    return s.app.screen


SAID: list[tuple[TripAct | None, About, str]] = [
    (polls.CastVote("p", ("p.0",)), About("L", "Where?", (("Sea", "yes"), ("Sun", "yes"))), "Vote Sea, Sun in Where?"),
    (polls.CastVote("p", answers=(("p.0", "no"),)), About("L", "When?", (("Wed", "no"),)), "Vote Wed no in When?"),
    (polls.CastVote("p"), About("L", "When?"), "Take the vote back in When?"),
    (polls.OpenPoll("When?", "single", ("a", "b")), About("L", "When?"), "Ask When?"),
    (polls.ClosePoll("p"), About("L", "When?"), "End the poll When?"),
    (polls.ClosePoll("p", "p.0"), About("L", "When?", (("Wed", "yes"),)), "Settle When? for Wed"),
    (hotels.VoteHotel("h"), About("L", "Casa Azul"), "Vote Casa Azul"),
    (hotels.VoteHotel(None), About("L"), "Take the hotel vote back"),
    (hotels.ShortlistHotel("Casa", "Porto", 3, Money(1, "EUR")), About("L", "Casa"), "Add Casa"),
    (hotels.UnshortlistHotel("h"), About("L", "Casa"), "Drop Casa"),
    (dropped.RestoreHotel("h"), About("L", "Casa"), "Bring Casa back"),
    (hotels.OpenHotelVoting("cheapest"), About("L"), "Open the vote on hotels"),
    (hotels.CloseHotelVoting(), About("L"), "End the vote on hotels"),
    (crew.RemoveMember("m"), About("L", "Dev"), "Remove Dev"),
    (crew.HandOver("m"), About("L", "Dev"), "Hand over to Dev"),
    (crew.RenewInvite(""), About("L"), "Make a new invite"),
    (crew.RevokeInvite(), About("L"), "End the invite"),
    (crew.LeaveTrip(), About("L"), "Leave the trip"),
    (DeleteTrip(), About("L"), "Delete the trip"),
    (EditTrip(name="x"), About("L", "x"), "Change the trip"),
    (None, About(), "Something that this version can't read"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "about", "words"), SAID, ids=[words for _, _, words in SAID])
def test_every_change_is_said_in_words(act: TripAct | None, about: About, words: str):
    entry = made(lisbon(), 7, act, about)
    place = " · L" if about.trip else ""
    assert model.as_text(entry, datetime.now(UTC)) == f"{words}{place} · 3 min ago · waits"


COMMENTS, RATING, LIKES, SAVES = (f"feed:trip:t:{channel}" for channel in ("comments", "rating", "likes", "saves"))


@pytest.mark.parametrize(
    ("topic", "act", "about", "words"),
    [
        (COMMENTS, WriteItem("", "Hi"), "Hi", "Say Hi"),
        (COMMENTS, EditItem("i", "Ho"), "Ho", "Say instead Ho"),
        (COMMENTS, RemoveItem("i", ""), "Hi", "Remove Hi"),
        (COMMENTS, RestoreItem("i"), "Hi", "Bring Hi back"),
        (COMMENTS, GiveReaction("i", "heart"), "Hi", "React to Hi"),
        (COMMENTS, TakeReaction("i", "heart"), "Hi", "Take the reaction to Hi back"),
        (RATING, GiveMark(4), "", "Give 4 of 5 stars"),
        (RATING, TakeMark(), "", "Take the stars back"),
        (LIKES, GiveMark(), "", "Like it"),
        (LIKES, TakeMark(), "", "Like it no more"),
        (SAVES, GiveMark(), "", "Save it"),
        (SAVES, TakeMark(), "", "Save it no more"),
    ],
)
def test_what_is_said_and_given_is_said_in_words_as_well_and_leads_to_the_talk(
    topic: str, act: Any, about: str, words: str
):
    entry = replace(made(lisbon(), 7, None, About(what=about)), topic=topic, act=act)
    assert model.as_text(entry, datetime.now(UTC)) == f"{words} · 3 min ago · waits"
    assert (entry.trip_id, model.leads_to(entry)) == ("t", ("talk", None))


def test_what_wants_something_of_the_person_is_counted_in_words():
    assert model.need_words(Tally(5)) == ""
    assert model.need_words(Tally(0, 2, 1)) == "1 change was not accepted, 2 changes are more than a day old"
    assert model.need_words(Tally(unreadable=1)) == "1 change can't be read"


# R: S5 S7
@pytest.mark.parametrize("size", SIZES)
async def test_each_change_is_shown_with_how_it_stands_and_why(tmp_path: Path, size: tuple[int, int]):
    scene, delivery = waiting_scene(
        lambda s: vote(s, 7),
        lambda s: too_late(s, 2),
        lambda s: made(s, 1, hotels.VoteHotel("h"), About("Lisbon in May", "Casa Azul"), state="asks"),
        lambda s: made(s, 3, None, About(), state="unreadable"),
    )
    async with staged(tmp_path, scene, size=size) as s:
        await opened(s, delivery)
        lines = [line.strip() for line in s.text.split("\n")]
        for start, end in (("› Vote Casa Azul · Lisbon in May ", " 9 min ago · old, not sent"),
                           ("Vote Wed 20 May yes in When do we fly? · Lisbon", " 3 min ago · waits"),
                           ("Something that this version can't read ", " 7 min ago · not sent")):  # fmt: skip
            assert [line for line in lines if line.startswith(start) and line.endswith(end)], start
        assert any(line.startswith("That poll closed at") for line in lines)
        assert "before your vote arrived. It was not counted." in s.text
        order = ["Vote Casa Azul", "That poll closed", "can't read", "3 min ago · waits"]
        places = [next(n for n, line in enumerate(lines) if words in line) for words in order]
        assert places == sorted(places)
        assert "1 change waits" in lines[0]


async def test_where_nothing_waits_that_is_said(tmp_path: Path):
    scene, delivery = waiting_scene()
    async with staged(tmp_path, scene, in_trip=False) as s:
        await opened(s, delivery)
        assert "Nothing waits: the server has answered all that you did." in s.text
        await s.press("d", "s", "D", "enter")
        await s.press("escape")
        await s.sees("MY TRIPS")


async def test_what_people_called_things_is_drawn_as_data(tmp_path: Path):
    scene, delivery = waiting_scene(
        lambda s: made(s, 1, hotels.VoteHotel("h"), About(HOSTILE, HOSTILE)),
        lambda s: replace(too_late(s, 2), refusal=Refusal("x", HOSTILE, {})),
    )
    async with staged(tmp_path, scene) as s:
        await opened(s, delivery)
        assert "Vote [@click=app.quit]Azul[/]" in s.text
        assert "\x1b" not in s.text
        assert "\u202e" not in s.text
        await s.press("down", "d")
        await s.until(lambda: isinstance(s.app.screen, Ask))
        assert s.text.count("Vote [@click=app.quit]Azul[/]") == 2


# --- dropping ------------------------------------------------------------------------------------


# R: S7
async def test_dropping_asks_says_what_goes_with_it_and_begins_on_the_safe_answer(tmp_path: Path):
    def asked(s: Scene) -> OutboxEntry:
        return made(
            s, 1, polls.OpenPoll("Train?", "single", ("Yes", "No")), About("Lisbon in May", "Train?"), running=True
        )

    def on_it(s: Scene) -> OutboxEntry:
        act = polls.CastVote(asked(s).id, (f"{asked(s).id}.0",))
        return made(s, 2, act, About("Lisbon in May", "Train?", (("Yes", "yes"),)))

    scene, delivery = waiting_scene(asked, on_it, lambda s: vote(s, 3))
    async with staged(tmp_path, scene) as s:
        await opened(s, delivery)
        await s.press("d")
        for words in ("Ask Train?: drop that? It will not be sent.", "may still arrive", "1 change makes no sense",
                      "dropped too: Vote Yes in Train?.", "› Keep it", "Drop them all"):  # fmt: skip
            assert words in " ".join(s.text.replace("▌", " ").split())
        await s.press("enter")
        assert len(delivery.waiting) == 3
        await s.press("d", "down", "enter")
        await s.until(lambda: [e.number for e in delivery.waiting] == [3], "both are gone")
        await s.until(lambda: s.rows("changes").ids == [delivery.waiting[0].id])
        await s.press("d", "escape")
        assert len(delivery.waiting) == 1


# R: S6 S7
async def test_what_was_refused_is_dismissed_without_being_asked_one_or_all(tmp_path: Path):
    scene, delivery = waiting_scene(*(lambda s, n=n: too_late(s, n) for n in (1, 2, 3)), lambda s: vote(s, 4))
    async with staged(tmp_path, scene) as s:
        await opened(s, delivery)
        assert "d dismiss" in s.text
        assert "D dismiss all" in s.text
        await s.press("d")
        await s.until(lambda: [e.number for e in delivery.waiting] == [2, 3, 4])
        await s.press("D")
        await s.until(lambda: [e.number for e in delivery.waiting] == [4])
        await s.until(lambda: "d drop" in s.text)
        assert "dismiss" not in s.text


# --- sending -------------------------------------------------------------------------------------


# R: S7
async def test_old_changes_are_sent_when_the_person_says_so_one_or_all(tmp_path: Path):
    old = [lambda s, n=n: vote(s, n, state="asks") for n in (1, 2, 3)]
    scene, delivery = waiting_scene(*old)
    async with staged(tmp_path, scene) as s:
        await opened(s, delivery)
        ids = [e.id for e in delivery.waiting]
        await s.press("s")
        await s.sees("3 changes are more than a day old.")
        await s.press("enter")
        await s.until(lambda: delivery.sent == ids[:1])
        await s.press("home", "s", "down", "enter")
        await s.until(lambda: delivery.sent == ids)
        await s.until(lambda: "s send" not in s.text)


# --- ways there and on ---------------------------------------------------------------------------


# R: S5
async def test_the_words_about_what_waits_lead_there_by_key_by_mouse_and_by_palette(tmp_path: Path):
    scene, delivery = waiting_scene(lambda s: too_late(s, 1))
    async with staged(tmp_path, scene) as s:
        assert "needs you" not in s.text.split("\n")[0]
        delivery.tell()
        await s.sees("● live · 1 change needs you · you are Ana")
        assert "w needs you" in s.text
        await s.pilot.click("#title", offset=(60, 0))
        await s.until(lambda: isinstance(s.app.screen, WaitingScreen))
        await s.press("escape", "colon")
        await s.type("waiting")
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, WaitingScreen))
        await s.press("q", "q")
        await s.sees("MY TRIPS")
        assert "1 change needs you" in s.text


async def test_a_click_on_the_title_leads_nowhere_while_nothing_waits(tmp_path: Path):
    scene, _ = waiting_scene()
    async with staged(tmp_path, scene) as s:
        await s.pilot.click("#title", offset=(70, 0))
        assert not isinstance(s.app.screen, WaitingScreen)


# R: S7
@pytest.mark.parametrize("in_trip", [True, False])
async def test_enter_leads_to_what_a_change_is_about(tmp_path: Path, in_trip: bool):
    scene, delivery = waiting_scene(
        lambda s: too_late(s, 1), lambda s: made(s, 2, hotels.VoteHotel("h"), About("Lisbon in May", "Casa Azul"))
    )
    async with staged(tmp_path, scene, in_trip=in_trip) as s:
        await opened(s, delivery)
        await s.press("enter")
        await s.until(lambda: s.app.screen.query("#tab-polls"), "the polls")
        await s.until(lambda: s.rows("polls").cursor == s.scene.flight, "the poll")
        await opened(s, delivery)
        await s.press("down", "enter")
        await s.until(lambda: s.trip.tab == "hotels", "the hotels")
        assert sum(type(screen).__name__ == "TripScreen" for screen in s.app.screen_stack) == 1


# --- what is said --------------------------------------------------------------------------------


def toasts(s: Stage) -> list[str]:
    return [str(n.message) for n in s.app._notifications]


# R: S6 S7
async def test_refusals_of_trips_that_nobody_looks_at_are_told_one_by_its_reason_and_several_by_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("roadcrew_tui.standing.GATHERED_WITHIN", 0.05)
    scene, delivery = waiting_scene()
    async with staged(tmp_path, scene, in_trip=False) as s:
        refused = too_late(scene, 1)
        delivery.waiting.append(refused)
        delivery.tell("refused", entry=refused)
        delivery.tell()
        await s.until(lambda: toasts(s) != [])
        (said,) = toasts(s)
        assert said.startswith("Lisbon in May: That poll closed at")
        assert said.endswith("It was not counted.")
        s.app.clear_notifications()
        delivery.waiting += [too_late(scene, 2), too_late(scene, 3)]
        for entry in delivery.waiting[1:]:
            delivery.tell("refused", entry=entry)
        delivery.tell()
        await s.until(lambda: toasts(s) == ["2 changes were not accepted. Press w to see why."])


# R: S7
async def test_what_was_left_from_before_is_told_once(tmp_path: Path):
    scene, delivery = waiting_scene(lambda s: too_late(s, 1), lambda s: vote(s, 2, state="asks"))
    async with staged(tmp_path, scene, in_trip=False) as s:
        delivery.tell()
        delivery.tell()
        await s.until(lambda: toasts(s) != [])
        await s.settle()
        assert toasts(s) == ["1 change was not accepted, 1 change is more than a day old. Press w to look."]


# R: S7
async def test_a_disk_that_keeps_nothing_is_told(tmp_path: Path):
    scene, delivery = waiting_scene()
    async with staged(tmp_path, scene) as s:
        delivery.tell("trouble", words="What you change can't be kept on disk, because the disk is full.")
        await s.until(lambda: "because the disk is full." in "".join(toasts(s)))


# R: S5 S7
async def test_who_started_without_a_network_gets_their_trips_as_soon_as_it_is_known_who_they_are(tmp_path: Path):
    scene, delivery = waiting_scene(lambda s: vote(s, 1))
    scene.world.down = True
    app = RoadcrewApp(server=SERVER, folders=folders(tmp_path), maker=StandInMaker(scene.world, scene.ana))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        await s.sees("○ offline")
        delivery.tell()
        await s.sees("○ offline · 1 change waits")
        scene.world.down = False
        delivery.tell("known", user=scene.ana)
        await s.sees("you are Ana")
        await s.sees("Lisbon in May")


# R: S5 S7
@pytest.mark.parametrize("recalls", [True, False])
async def test_who_is_remembered_opens_a_trip_without_a_network_and_nobody_else_does(tmp_path: Path, recalls: bool):
    scene, delivery = waiting_scene()
    async with staged(tmp_path, scene, in_trip=False):
        pass  # the list of trips is kept for the next time
    scene.world.down, scene.world.recalls = True, recalls
    async with staged(tmp_path, scene, in_trip=False) as s:
        await s.sees("○ offline")
        assert "Lisbon in May" in s.text
        await s.press("enter")
        assert isinstance(s.app.screen, TripScreen) == recalls
        if recalls:
            await s.sees("you are Ana")
            await s.press("q")
        scene.world.down = False
        delivery.tell("known", user=scene.ana)
        await s.until(lambda: s.app.trips is not None and s.app.trouble is None, "the list of trips")
        await s.sees("127.0.0.1:8787 · you are Ana")


async def kept_here(tmp_path: Path, *entries: OutboxEntry) -> None:
    """These wait in the outbox of a home that is `tmp_path`."""
    outbox = Outbox(tmp_path / "data" / "outbox")
    for entry in entries:
        await outbox.keep(replace(entry, server=SERVER))
        if entry.refusal is not None:
            outbox.refuse(entry.id, entry.refusal)
    await outbox.close()


def signed_in(person: User) -> Client:
    client = Client(SERVER, token="a token")
    client._session.recall(person)
    return client


# R: G5
async def test_what_was_refused_is_dismissed_without_a_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path))
    scene = lisbon()
    await kept_here(tmp_path, too_late(scene, 1), vote(scene, 2))
    client = signed_in(User(scene.ana.id, "Ana"))
    for gone, left in ((["refused"], ["waiting"]), ([], ["waiting"])):
        dismissed: Any = await commands.find("waiting.dismiss").run(client, {})
        assert [c["state"] for c in dismissed["changes"]] == gone
        listed: Any = await commands.find("waiting.show").run(client, {})
        assert [c["state"] for c in listed["changes"]] == left
    with pytest.raises(Refused, match="No waiting change has the id nonsense"):
        await commands.find("waiting.drop").run(client, {"change": ["nonsense"]})


# R: G5, T12
async def test_what_another_person_left_is_counted_and_neither_shown_nor_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path))
    scene = lisbon()
    of_ben = [replace(e, user="ben") for e in (vote(scene, 2), too_late(scene, 3))]
    await kept_here(tmp_path, vote(scene, 1), *of_ben)
    ana, nobody = signed_in(User(scene.ana.id, "Ana")), Client(SERVER)
    own = vote(scene, 1).id
    for who, seen in ((ana, [own]), (nobody, [])):
        listed: Any = await commands.find("waiting.show").run(who, {})
        assert [c["id"] for c in listed["changes"]] == seen
        assert f"{3 - len(seen)} changes of another person wait too." in capsys.readouterr().err
        dismissed: Any = await commands.find("waiting.dismiss").run(who, {})
        assert dismissed == {"changes": []}
        with pytest.raises(Refused, match="No waiting change has the id"):
            await commands.find("waiting.drop").run(who, {"change": [of_ben[0].id]})
    dropped: Any = await commands.find("waiting.drop").run(ana, {"change": [own]})
    assert [c["id"] for c in dropped["changes"]] == [own]
    listed = await commands.find("waiting.show").run(signed_in(User("ben", "Ben")), {})
    assert {c["state"] for c in listed["changes"]} == {"waiting", "refused"}
    assert capsys.readouterr().err == ""


# R: G5, T12
async def test_without_a_network_nobody_unknown_is_shown_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path))
    await kept_here(tmp_path, vote(lisbon(), 1))
    async with Client("http://127.0.0.1:9", token="a token", settings=ClientSettings(attempts=1)) as somebody:
        with pytest.raises(Unreachable):
            await commands.find("waiting.show").run(somebody, {})
