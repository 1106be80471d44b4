"""Everything can be done without a letter key, and by mouse: each action of each place is walked to in both ways.

A new action gets its id into the table of a visit that comes by where it is offered.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Count
from tests.support import images
from tests.tui.book_stage import bookable, books, slot
from tests.tui.conftest import Stage, staged
from tests.tui.importing import hotel
from tests.tui.outbox import all_kinds
from tests.tui.quote_stage import answered, begun, quotable
from tests.tui.reaching import Begun, choose, click, keys, with_a_screen
from tests.tui.scenes import Scene, lisbon
from tests.tui.talk_stage import does, says, talked

from roadcrew_client.errors import Rejected, Unreachable
from roadcrew_client.talk_models import Muted
from roadcrew_domain.feed_state import RemoveItem, WriteItem
from roadcrew_domain.hotels import CloseHotelVoting, UnshortlistHotel
from roadcrew_domain.jobs_state import RefusedRow
from roadcrew_domain.places import Entity
from roadcrew_domain.polls import CastVote, ClosePoll, OpenPoll
from roadcrew_domain.trip import DeleteTrip
from roadcrew_tui.messages import TokenChanged
from roadcrew_tui.screens.base import CommandScreen
from roadcrew_tui.screens.picture_form import PictureForm
from roadcrew_tui.screens.places_model import of_hotel

Look = Callable[[Stage, set[str]], Awaitable[None]]

ANYWHERE = {"app.actions", "app.help", "app.jump", "app.settings", "app.look", "app.signs", "app.notices"}


def with_dates() -> tuple[Scene, str]:
    """A trip of which all kinds of polls were asked; and the one that has ended with a date."""
    scene = talked()
    do, trip, ana = scene.world.do, scene.trip_id, scene.ana.id
    poll = do(trip, ana, OpenPoll("Which day?", "single", ("21 May 2027", "22 May 2027")))
    do(trip, ana, CastVote(poll, (f"{poll}.0",)))
    do(trip, ana, ClosePoll(poll))
    return scene, poll


async def to_row(s: Stage, rows: str, wanted: str) -> None:
    """Down to a row of the list that has the focus."""
    way = s.rows(rows).ids.index(wanted) - s.rows(rows).ids.index(s.rows(rows).cursor or "")
    await keys(s, *(["down"] * way if way > 0 else ["up"] * -way))
    assert s.rows(rows).cursor == wanted


async def to_list(s: Stage, name: str) -> None:
    """By tab to a list of this screen."""
    for _ in range(12):
        if s.app.focused is not None and s.app.focused.id == name:
            return
        await keys(s, "tab")
    raise AssertionError(f"{name} is never reached by tab\n{s.text}")


# --- visits: where somebody goes without a letter, and what is looked for there --------------------

WELCOME = {"trip.new", "trip.join", "you.sign-in", "app.look-around", "app.quit", *ANYWHERE}
LOBBY = {"app.search", "trip.list", "trip.deleted", "you.rename", "you.upgrade", "you.who", "you.sign-out",
         "waiting.show", "connection.show"}  # fmt: skip
TRIP = {"trip.show", "trip.invite", "trip.share", "trip.print", "trip.export", "trip.edit", "trip.leave",
        "trip.delete", "app.back", "saved.show", "muted.show", "trip.history", "trip.undo"}  # fmt: skip
HISTORY, DELETED = {"history.since", "history.by", "hotel.restore"}, {"trip.restore"}
CREW = {"crew.member", "crew.hand-over", "crew.remove"}
POLLS = {"poll.new", "poll.end", "poll.vote"}
MATRIX, CHOICES, DECIDED = {"poll.yes", "poll.maybe", "poll.no"}, {"poll.take-back"}, {"poll.use-dates"}
HOTELS = {"hotel.vote", "hotel.add", "hotel.drop", "hotel.end", "hotel.link", "hotel.talk"}
SIGNED_OUT = {"you.sign-in-again"}
RUN, PRICES, RUNS_ON = {"quote.new", "quote.again", "import.show"}, {"quote.vote"}, {"quote.cancel"}
IMPORTS = {"import.new", "import.sort", "import.filter", "import.refused", "import.cancel"}
IMPORTED, FRESH = {"import.shortlist"}, {"import.fresh"}
BOOK = {"book.more", "book.fewer", "book.list", "book.slots", "book.hold", "book.crew", "cart.show", "book.talk"}
SEATED, HELD, WAITS = (
    {"book.sit", "book.paid"},
    {"book.extend", "cart.checkout", "book.drop", "book.pay"},
    {"book.retry"},
)
WAITS |= {"book.forget"}
ORDERED = {"cart.cancel", "cart.orders", "book.receipt"}
TALK = {"talk.comment", "talk.find", "talk.post", "talk.blog", "talk.write", "talk.rate", "talk.like", "talk.save",
        "image.show"}  # fmt: skip
SAID, MINE = {"talk.reply", "talk.react", "talk.more", "talk.mute", "talk.whole"}, {"talk.edit", "talk.remove"}
REMOVED = {"talk.restore"}
LINKED, SENDING = {"talk.links"}, {"image.stop"}
SAVED, MUTED = {"saved.turn"}, {"muted.turn"}
WAITING = {"waiting.send", "waiting.drop", "waiting.dismiss"}
REPORT, COPIED = {"connection.copy"}, {"connection.print"}
OPEN_VOTE = {"hotel.open"}
SETTINGS = {"settings.reset", "settings.edit"}

WALKED = set().union(
    WELCOME, LOBBY, TRIP, HISTORY, DELETED,
    CREW, POLLS, MATRIX, CHOICES, DECIDED, HOTELS, SIGNED_OUT, RUN, PRICES, RUNS_ON, IMPORTS,
    IMPORTED, FRESH, BOOK, SEATED, HELD, WAITS, ORDERED, TALK, SAID, MINE, REMOVED, LINKED, SENDING, SAVED, MUTED,
    WAITING, REPORT, COPIED, OPEN_VOTE, SETTINGS
)  # fmt: skip


def test_the_walk_leaves_no_action_out():
    assert {command.id for command in with_a_screen()} == WALKED


async def welcome(path: Path, look: Look) -> None:
    async with staged(path, first_run=True) as s:
        await look(s, WELCOME)


async def lobby(path: Path, look: Look) -> None:
    scene = lisbon()
    scene.world.do(scene.trip_id, scene.ana.id, DeleteTrip())
    async with staged(path, scene, in_trip=False) as s:
        await look(s, LOBBY)
        await choose(s, "app.settings")
        await s.sees("SETTINGS")
        await keys(s, "right")
        await look(s, SETTINGS)
        await keys(s, "escape")
        await choose(s, "trip.deleted")
        await s.sees("Lisbon in May")
        await look(s, DELETED)


async def history(path: Path, look: Look) -> None:
    scene = lisbon()
    scene.world.do(scene.trip_id, scene.ana.id, UnshortlistHotel(scene.azul))
    async with staged(path, scene) as s:
        await choose(s, "trip.history")
        await s.sees("Casa Azul")
        await look(s, HISTORY)


async def overview(path: Path, look: Look) -> None:
    async with staged(path, talked()) as s:
        s.app.share("Join us")
        await look(s, TRIP)
        await to_list(s, "crew")
        await keys(s, "down")
        await look(s, CREW)
        await keys(s, "3")
        await s.until(lambda: s.app.screen.query("#hotels"), "the hotels")
        await look(s, HOTELS)
        s.app.post_message(TokenChanged(False))
        await s.until(lambda: s.app.signed_out)
        await look(s, SIGNED_OUT)


async def polls(path: Path, look: Look) -> None:
    scene, ended = with_dates()
    scene.world.do(scene.trip_id, scene.ana.id, CloseHotelVoting())
    async with staged(path, scene) as s:
        await keys(s, "2")
        await s.until(lambda: s.app.focused is not None and s.app.focused.id == "polls", "the polls")
        await to_row(s, "polls", scene.flight)
        await look(s, POLLS)
        await keys(s, "enter")
        await look(s, MATRIX)
        await keys(s, "escape")
        await to_row(s, "polls", scene.drivers)
        await keys(s, "enter")
        await look(s, CHOICES)
        await keys(s, "escape")
        await to_row(s, "polls", ended)
        await look(s, DECIDED)
        await keys(s, "3")
        await s.until(lambda: s.app.screen.query("#hotels"), "the hotels")
        await look(s, OPEN_VOTE)


async def quotes(path: Path, look: Look) -> None:
    scene = quotable()
    scene.world.features = (*scene.world.features, "imports")
    answered(scene, begun(scene))
    async with staged(path, scene) as s:
        await keys(s, "4")
        await s.until(lambda: s.app.screen.query("#prices") and s.rows("runs").ids, "the runs")
        await s.sees("WHO WAS ASKED")
        await look(s, RUN)
        await to_list(s, "prices")
        await look(s, PRICES)
        begun(scene, by=scene.ana)
        await to_list(s, "runs")
        await keys(s, "up", "up")
        await s.until(lambda: "quote.cancel" in [c.id for c in s.trip.offered()], "a run that goes on")
        await look(s, RUNS_ON)


async def imports(path: Path, look: Look) -> None:
    scene = quotable()
    world = scene.world
    world.features = (*world.features, "imports")
    job = world.imports.begin(world, scene.trip_id, scene.ana, "algarve.csv")
    world.imports.connect(world, job)
    world.imports.come(world, job, hotel(2), hotel(3), RefusedRow(4, "bad-price", "-4 is none."), bytes=1000)
    async with staged(path, scene) as s:
        await keys(s, "4")
        await s.until(lambda: "algarve.csv" in s.text, "the tab")
        await choose(s, "import.show")
        await s.until(lambda: s.app.screen.query("#imported") and s.rows("imported").ids, "what was read")
        await look(s, IMPORTS)
        await to_list(s, "imported")
        await look(s, IMPORTED)
        world.imports.come(world, job, hotel(5), bytes=1000)
        await s.until(lambda: "import.fresh" in [c.id for c in s.app.screen.offered()], "what is new")  # type: ignore[attr-defined]
        await look(s, FRESH)


async def book(path: Path, look: Look) -> None:
    scene = bookable()
    books(scene, scene.ben, slot())
    world = scene.world
    world.features = (*world.features, "talk")
    async with staged(path, scene) as s:
        await keys(s, "5")
        await s.until(lambda: s.app.screen.query("#slots") and s.rows("slots").ids, "the times")
        await s.until(lambda: s.app.book.cart is not None, "the cart")
        await look(s, BOOK)
        await choose(s, "book.crew")
        await look(s, SEATED)
        await choose(s, "book.list")
        world.shop.trouble = [Unreachable("unreachable", "The server can't be reached.")]
        await keys(s, "enter", "enter", "enter", "right", "enter")
        await s.sees("Connection issue. Please try again.")
        await look(s, WAITS)
        await choose(s, "book.retry")
        await s.sees("Booking added to cart successfully!")
        await choose(s, "cart.show")
        await look(s, HELD)
        await choose(s, "cart.checkout")
        await s.sees("This orders them.")
        await keys(s, "end", "enter")
        await s.until(lambda: world.shop.cart(scene.ana.id).orders, "the order")
        await choose(s, "cart.orders")
        await look(s, ORDERED)


async def talk(path: Path, look: Look) -> None:
    scene = talked()
    world = scene.world
    world.talks.keeps = True
    mine = says(scene, scene.ana, "Mine.")
    says(scene, scene.ben, "word " * 400)
    trip = Entity("trip", scene.trip_id)
    world.talks.do(world, trip.topic("blogs"), scene.ben, WriteItem("Ben", "[map](https://a.example)", title="Day 1"))
    async with staged(path, scene) as s:
        await keys(s, "6")
        await s.until(lambda: trip.topic("comments") in s.app.talk.states, "the comments")
        await look(s, TALK)
        await look(s, SAID)
        await keys(s, "up")
        await look(s, MINE)
        does(scene, scene.ana, RemoveItem(mine, "Ana"))
        await s.sees("You can bring it back")
        await look(s, REMOVED)
        await keys(s, "right", "right")
        await s.sees("Day 1")
        await keys(s, "enter")
        await s.sees("map [1]")
        await look(s, LINKED)


async def pictures(path: Path, look: Look) -> None:
    scene = talked()
    async with staged(path, scene) as s:
        await keys(s, "6")
        await s.until(lambda: s.app.screen.query("#talk-parts"), "talk")
        scene.world.talks.refusing = Rejected("bad-image", "The image is broken.")
        beach = path / "beach.png"
        beach.write_bytes(images.png())
        await choose(s, "image.show")
        await s.until(lambda: isinstance(s.app.screen, PictureForm), "the form")
        await s.type(str(beach))
        await keys(s, "enter", "enter")
        await s.sees("The image is broken.")
        await look(s, SENDING)


async def things(path: Path, look: Look) -> None:
    scene = talked()
    world, azul = scene.world, scene.world.trips[scene.trip_id].hotels[scene.azul]
    world.talks.names[of_hotel(azul)] = azul.name
    world.talks.saved[scene.ana.id] = [of_hotel(azul)]
    world.talks.muted[scene.ana.id] = (Muted(scene.ben.id, "Ben", world.now()),)
    async with staged(path, scene) as s:
        await choose(s, "saved.show")
        await s.sees("Casa Azul")
        await look(s, SAVED)
        await keys(s, "escape")
        await choose(s, "muted.show")
        await s.sees("Ben")
        await look(s, MUTED)
        await keys(s, "escape")
        await choose(s, "connection.show")
        await s.until(lambda: getattr(s.app.screen, "inspection", None), "the report")
        await look(s, REPORT)
        await choose(s, "connection.copy")
        await look(s, COPIED)


async def waiting(path: Path, look: Look) -> None:
    scene = lisbon()
    delivery = scene.world.delivery
    delivery.waiting = all_kinds(scene)
    async with staged(path, scene) as s:
        delivery.tell()
        await choose(s, "waiting.show")
        await s.until(lambda: len(s.rows("changes").ids) == len(delivery.waiting), "all of them")
        await keys(s, "home")
        await look(s, WAITING)


VISITS = [welcome, lobby, history, overview, polls, quotes, imports, book, talk, pictures, things, waiting]


@pytest.fixture
def look(count: Count, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Look for some actions: all are listed, and they begin when they are walked to (a run that is not a full one walks
    to one in each place, in the one and the other way by turns)."""
    most = count(reduced=1, full=1000)
    start = CommandScreen.start
    ways = itertools.cycle(("keys", "mouse"))

    async def find(s: Stage, wanted: set[str]) -> None:
        begun = Begun()
        monkeypatch.setattr(CommandScreen, "start", begun.in_place_of(start))
        others = sorted(wanted - {"app.actions"})  # with which each walk begins
        walks = [(command, next(ways)) for command in others[:most]]
        if most > 1:
            walks = [(command, by) for by in ("keys", "mouse") for command in others]
        for command, by in walks:
            await choose(s, command, by=by, among=wanted)
        monkeypatch.setattr(CommandScreen, "start", start)
        assert [*begun] == [command for command, _ in walks]

    return find


@pytest.mark.parametrize("visit", VISITS, ids=[visit.__name__ for visit in VISITS])
async def test_each_action_is_walked_to_without_a_letter_and_by_mouse(tmp_path: Path, visit: Any, look: Look):
    await visit(tmp_path, look)


@pytest.mark.parametrize("by", ["keys", "mouse"])
async def test_what_an_invite_can_do_is_done_without_a_letter_and_by_mouse(tmp_path: Path, by: str):
    async with staged(tmp_path) as s:
        invite = s.scene.world.trips[s.scene.trip_id].invite
        assert invite is not None
        await choose(s, "trip.invite", by=by)
        await s.sees("new invite")
        await (keys(s, "right", "enter") if by == "keys" else click(s, "c copy"))
        assert str(s.app.shared).endswith(invite.code)
        await (keys(s, "left", "left", "enter") if by == "keys" else click(s, "x end it"))
        await s.sees("The present link and code will let nobody in any more.")
        await (keys(s, "escape") if by == "keys" else click(s, "Cancel"))
        await s.until(lambda: "Cancel" not in s.text and "Code" in s.text, "the invite once more")
        await (keys(s, "escape") if by == "keys" else click(s, "esc close"))
        await s.until(lambda: s.app.screen is s.app.screen_stack[1], "the trip")


async def test_help_is_left_by_mouse(tmp_path: Path):
    async with staged(tmp_path) as s:
        await click(s, "? help", row=-1)
        await s.sees("THIS TRIP")
        await click(s, "esc close")
        await s.until(lambda: "esc close" not in s.text)
