"""Two whole stories, each told by somebody whose keyboard sends no Latin letters, and by somebody who has a mouse only.
Both type into lines that ask for words, and nowhere else."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.tui.book_stage import bookable
from tests.tui.conftest import SIZES, Stage, folders, staged
from tests.tui.reaching import Fingers, Mouse
from tests.tui.scenes import lisbon
from tests.tui.standins import SERVER, StandInMaker

from roadcrew_domain.feed_state import Feed
from roadcrew_domain.places import Entity
from roadcrew_domain.polls import OpenPoll
from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.screens.trip import TripScreen

HANDS = [Fingers, Mouse]


@pytest.mark.parametrize("size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.only_full)])
@pytest.mark.parametrize("hand", HANDS, ids=["no letters", "mouse"])
async def test_somebody_joins_votes_in_each_kind_of_poll_talks_and_leaves(
    tmp_path: Path, hand: type[Fingers], size: tuple[int, int]
):
    scene = lisbon()
    world, trip = scene.world, scene.trip_id
    world.features = ("overview", "polls", "hotels", "talk")
    single = world.do(trip, scene.ben.id, OpenPoll("Which train?", "single", ("Early", "Late")))
    code = world.trips[trip].invite
    assert code is not None
    app = RoadcrewApp(folders=folders(tmp_path), maker=StandInMaker(world))
    async with app.run_test(size=size, notifications=True) as pilot:
        s = Stage(app, pilot, scene, world)
        me = hand(s)
        await me.do("trip.join")
        await s.sees("JOIN A TRIP")
        await me.write(f"{SERVER}/j/{code.code}", "next")
        await me.write("Zoë", "join")
        await s.until(lambda: isinstance(app.screen, TripScreen) and app.screen.trip is not None, "the trip")
        mine = next(member.id for member in world.trips[trip].members.values() if member.name == "Zoë")

        def ballot(poll: str) -> dict[str, str]:
            return dict(world.trips[trip].polls[poll].ballots.get(mine, ()))

        def has_chosen(poll: str, many: int) -> bool:
            return len(ballot(poll)) == many

        def comments() -> Feed:
            found = world.talks.states[Entity("trip", trip).topic("comments")]
            assert isinstance(found, Feed)
            return found

        await me.tab(2, "Polls")
        await me.open("polls", scene.flight)
        first, second = f"{scene.flight}.0", f"{scene.flight}.1"
        await me.row("options", first)
        await me.do("poll.yes")
        await me.row("options", second)
        await me.do("poll.maybe")
        await s.until(lambda: ballot(scene.flight) == {first: "yes", second: "maybe"}, "yes and maybe")
        await me.open("options", second)
        await s.until(lambda: ballot(scene.flight)[second] == "no", "the next answer, by opening the row")
        for poll, options in ((single, [1]), (scene.drivers, [0, 2])):
            await me.open("polls", poll)
            for n in options:
                await me.open("options", f"{poll}.{n}")
            await s.until(partial(has_chosen, poll, len(options)), "the choice")
        await me.tab(3, "Hotels")
        await me.open("hotels", scene.azul)
        await s.until(lambda: world.trips[trip].voting.ballots.get(mine) == scene.azul, "the hotel")
        await me.tab(6, "Talk")
        await s.until(lambda: Entity("trip", trip).topic("comments") in app.talk.states, "the comments")
        await me.do("talk.comment")
        await me.write("See you there", "send")
        await s.until(lambda: [item.text for item in comments().items] == ["See you there"], "what was said")
        await me.leave()
        await me.do("app.settings")
        await s.sees("SETTINGS")
        await me.open("settings", "clock")
        await s.until(lambda: app.settings.clock == "12", "the other clock")
        await me.back()
        await s.until(lambda: isinstance(app.screen, TripScreen), "the trip once more")
        await me.do("trip.leave")
        await me.answer("Leave this trip")
        await s.until(lambda: mine not in world.trips[trip].members, "gone")
        await s.sees("MY TRIPS")


@pytest.mark.parametrize(
    "hand", [pytest.param(Fingers, marks=pytest.mark.only_full), Mouse], ids=["no letters", "mouse"]
)
async def test_somebody_books_and_pays(tmp_path: Path, hand: type[Fingers]):
    scene = bookable()
    shop = scene.world.shop
    async with staged(tmp_path, scene) as s:
        me = hand(s)
        await me.tab(5, "Book")
        await s.until(lambda: s.app.screen.query("#slots") and s.rows("slots").ids, "the times")
        await s.until(lambda: s.app.book.cart is not None, "the cart")
        await me.open("exhibitions", "tiles")
        await me.row("slots", s.rows("slots").ids[0])
        await me.do("book.more")
        await me.do("book.hold")
        await s.sees("Booking added to cart successfully!")
        await me.do("book.pay")
        await s.sees("CHECK OUT")
        await me.answer("Succeeds")
        await s.until(lambda: [order.state for order in shop.cart(scene.ana.id).orders] == ["paid"], "paid")
        await me.do("cart.orders")
        await me.do("book.receipt")
        await s.sees("RECEIPT")
