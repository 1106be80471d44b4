"""Trips that are hard to draw: whose people mean harm, and whose people have no end of everything.

The domain's door is held open for both, as if an old server had let it all through: the screen does not lean on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.tui.bookings import exhibition
from tests.tui.scenes import NASTY, Scene
from tests.tui.standins import World

from roadcrew_client.models import PaymentMethod, PaymentWay, User
from roadcrew_domain.bookings import NoteBooking
from roadcrew_domain.cart_acts import ConfirmOrder, PlaceOrder
from roadcrew_domain.exhibitions import TicketKind
from roadcrew_domain.hotels import OpenHotelVoting, ShortlistHotel, VoteHotel
from roadcrew_domain.money import Money
from roadcrew_domain.polls import Answer, CastVote, ClosePoll, OpenPoll
from roadcrew_domain.quotes_state import (
    AskedHotel,
    AskedProvider,
    CancelRun,
    Choice,
    Driver,
    Price,
    Stay,
    Vehicle,
    VoteQuote,
)
from roadcrew_domain.running import StartRunner

MANY = 100
HOUR = timedelta(hours=1)
ANSWERS: tuple[Answer, ...] = ("yes", "maybe", "no")
SENTENCE = (
    "By the night train over Hendaye, with a long morning in San Sebastian, lunch in the old town of Burgos, "
    "two nights among the storks of Salamanca, and the slow line along the Douro down to Porto and the sea"
)
ONE_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
WIDE = "东京都千代田区永田町一丁目七番一号の宿屋と温泉旅館" * 10
FAMILY = "👩‍👩‍👧‍👦🇵🇹" * 30


@contextmanager
def open_door() -> Iterator[None]:
    """Nothing is refused or cleaned for what it says or how much there is of it."""
    from roadcrew_domain import crew, hotels, polls, text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "checked", lambda given, **_: given)
        patch.setattr(text, "checked_or_none", lambda given, **_: given)
        patch.setattr(hotels, "_link", lambda url: url)
        for module, what in ((crew, "MEMBERS"), (hotels, "HOTELS"), (polls, "POLLS"), (polls, "OPTIONS")):
            patch.setattr(module, f"MAX_{what}", 10_000)
        yield


class Story:
    """A trip that is lived through second by second, from some minutes before now."""

    def __init__(self, ana: str, trip: str, destination: str, *, minutes: int, required: int) -> None:
        self.world = World()
        self._at = datetime.now(UTC) - timedelta(minutes=minutes)
        self.world.at = self._at
        self.ana = self.world.user(ana)
        wants: dict[str, Any] = {"required_members": required, "discount_percent": 10}
        self.trip_id = self.world.create(self.ana, trip, destination=destination, **wants).id

    def member(self, name: str) -> User:
        user = self.world.user(name)
        self.world.join(self.trip_id, user)
        return user

    def do(self, who: User, act: object) -> str:
        self._at += timedelta(seconds=1)
        return self.world.do(self.trip_id, who.id, act, at=self._at)

    def scene(self, ben: User, carla: User, dev: User, **ids: str) -> Scene:
        self.world.at = None
        return Scene(self.world, self.trip_id, self.ana, ben, carla, dev, **ids)


def hostile() -> Scene:
    """Everybody is called something that wants to be markup, an escape sequence or more than its place."""
    texts = list(NASTY.values())
    with open_door():
        story = Story(NASTY["stray"], NASTY["click"], NASTY["bold"], minutes=20, required=12)
        crew = [story.member(text) for text in texts]
        where = story.do(story.ana, OpenPoll(NASTY["escape"], "single", tuple(texts)))
        story.do(crew[0], CastVote(where, (f"{where}.0",)))
        story.do(story.ana, ClosePoll(where))
        closes = datetime.now(UTC) + timedelta(hours=2)
        flight = story.do(crew[1], OpenPoll(NASTY["click"], "yes-maybe-no", tuple(texts), closes))
        for n, who in enumerate(crew[:-1]):
            said = tuple((f"{flight}.{o}", ANSWERS[(n + o) % 3]) for o in range(len(texts)))
            story.do(who, CastVote(flight, answers=said))
        drivers = story.do(crew[2], OpenPoll(NASTY["zalgo"], "multiple", tuple(texts)))
        for n, who in enumerate(crew):
            story.do(who, CastVote(drivers, tuple(f"{drivers}.{o}" for o in {n, n * n % len(texts)})))
        for text in texts:
            story.do(story.ana, OpenPoll(text, "single", (text, text + "2")))
        hotels = [
            story.do(who, ShortlistHotel(text, text, n % 6, Money(100 * 7**n, "EUR"), "https://x.example/" + text))
            for n, (who, text) in enumerate(zip(crew, texts, strict=True))
        ]
        story.do(story.ana, OpenHotelVoting("cheapest"))
        for n, who in enumerate(crew[:-1]):
            story.do(who, VoteHotel(hotels[n * n % len(hotels)]))
        scene = story.scene(*crew[:3], flight=flight, drivers=drivers, where=where, azul=hotels[0], alfama=hotels[1])
        for n, who in enumerate(crew[:4]):
            scene.world.look(scene.trip_id, who.id, ("overview", "polls", "hotels", NASTY["click"])[n])
    return scene


def endless() -> Scene:
    """A hundred people with long names, a hundred polls, options and hotels, and no short word among them."""
    kinds = (SENTENCE, ONE_WORD, WIDE, FAMILY)
    with open_door():
        story = Story(ONE_WORD[:40], SENTENCE[:80], WIDE[:80], minutes=50, required=50)
        crew = [story.member(f"{kinds[n % 4][:36]} {n}") for n in range(1, MANY)]
        options = tuple(f"{n} {kinds[n % 4][:77]}" for n in range(MANY))
        where = story.do(story.ana, OpenPoll(SENTENCE, "single", options))
        story.do(crew[0], CastVote(where, (f"{where}.1",)))
        story.do(story.ana, ClosePoll(where))
        closes = datetime.now(UTC) + timedelta(days=400)
        flight = story.do(crew[1], OpenPoll(SENTENCE, "yes-maybe-no", options, closes))
        for n, who in enumerate(crew[:-3]):
            story.do(who, CastVote(flight, answers=tuple((f"{flight}.{o}", ANSWERS[(n + o) % 3]) for o in range(MANY))))
        drivers = story.do(crew[2], OpenPoll(WIDE, "multiple", options))
        for n, who in enumerate(crew):
            story.do(who, CastVote(drivers, tuple(f"{drivers}.{o}" for o in {n, n * 3 % MANY, 7})))
        for n in range(MANY - 3):
            story.do(crew[n % 9], OpenPoll(f"{n} {kinds[n % 4]}"[:200], "single", options[:2]))
        hotels = [
            story.do(
                crew[n % len(crew)],
                ShortlistHotel(
                    f"{n} {kinds[n % 4]}"[:120],
                    kinds[(n + 1) % 4][:80],
                    n % 6,
                    Money(10 ** (n % 13), ("EUR", "JPY", "KWD", "XTS")[n % 4]),
                    f"https://long.example/{ONE_WORD}/{n}"[:500],
                ),
            )
            for n in range(MANY)
        ]
        story.do(story.ana, OpenHotelVoting("first-shortlisted"))
        for n, who in enumerate(crew[:-5]):
            story.do(who, VoteHotel(hotels[n * n % 7]))
        scene = story.scene(*crew[:3], flight=flight, drivers=drivers, where=where, azul=hotels[0], alfama=hotels[1])
        for n, who in enumerate(crew[::2]):
            scene.world.look(scene.trip_id, who.id, ("overview", "polls", "hotels")[n % 3])
    return scene


def quoting(scene: Scene, texts: Sequence[str]) -> Scene:
    """The scene's server asks providers that are called so and say such things: a run that is over, a vehicle's that
    was stopped, and one that asks the same once more and goes on, which another server has taken over."""
    world, desk = scene.world, scene.world.desk
    world.features = (*world.features, "quotes")
    desk.providers = tuple(
        AskedProvider(f"p{n}", f"{text}{n}"[:60], simulated=n % 2 == 1, timeout=9.0)
        for n, text in enumerate((*texts, *texts, *texts))
    )
    now, day = world.now(), world.now().date() + timedelta(days=20)
    hotels = sorted(world.trips[scene.trip_id].hotels.values(), key=lambda h: (h.added_at, h.id))[:4]
    asked = tuple(AskedHotel(h.id, h.name, h.city, h.stars) for h in hotels)
    with open_door():
        first = desk.begin(world, scene.ben, Stay(asked, day, day + timedelta(days=4), 4), scene.trip_id, at=now - HOUR)
        for n, provider in enumerate(desk.providers):
            price = Price(Money(7 ** (n % 14), ("EUR", "JPY")[n % 2]), hotels[n % 4].id, texts[n % len(texts)])
            if n % 3:
                desk.answers(world, first, provider.id, price, at=now - HOUR)
            else:
                desk.fails(world, first, provider.id, "refused", texts[n % len(texts)], at=now - HOUR)
        car = Vehicle("1HGCM82633A004352", (Driver(34), Driver(41)), day, day)
        stopped = desk.begin(world, scene.ana, car, scene.trip_id, at=now - HOUR / 2)
        desk.do(world, stopped, CancelRun(), by=scene.ana.id, at=now - HOUR / 2)
        again = desk.begin(world, scene.ana, desk.run(first).request, scene.trip_id, first, at=now - HOUR / 200)
        desk.do(world, again, StartRunner(2))
        for n, provider in enumerate(desk.providers[:-3]):
            price = Price(Money(7 ** (n % 14) + n % 5, ("EUR", "JPY")[n % 2]), hotels[(n + n % 4 // 3) % 4].id)
            if n % 5:
                desk.answers(world, again, provider.id, price)
                desk.do(world, again, VoteQuote(Choice(provider.id, price.hotel_id)), by=scene.carla.id)
            else:
                desk.says(world, again, provider.id, texts[n % len(texts)])
        for who in (scene.ana, scene.dev):
            desk.do(world, again, VoteQuote(Choice("p1", hotels[1].id)), by=who.id)
    return scene


def booking(scene: Scene, texts: Sequence[str]) -> Scene:
    """The scene's server has a catalogue of such texts too, and its people have booked, ordered and hold some of it."""
    world = scene.world
    world.features = (*world.features, "book")
    world.ways = (PaymentWay("far", texts[0], tuple(PaymentMethod(str(n), t) for n, t in enumerate(texts))),)
    world.shop.note = texts[1]
    kinds = tuple(TicketKind(f"k{n}", text, Money(7**n, "EUR")) for n, text in enumerate(texts))
    world.shop.exhibitions = [
        exhibition(f"e{n}", text, venue=text, city=text, description=text, tickets=kinds, capacity=9 + n)
        for n, text in enumerate(texts)
    ]
    day = world.now().date() + timedelta(days=20)
    for n, who in enumerate((scene.ana, scene.ana, scene.ana, scene.ben, scene.carla, scene.dev)):
        name = f"e{n % 2}.{day:%Y%m%d}.1100"
        line = f"00000000-0000-7000-9000-{n:012x}"
        world.shop.add(world, who.id, line, name, {"k0": 1, f"k{1 + n % 3}": 1}, scene.trip_id)
        if who is not scene.ana:
            world.do(scene.trip_id, who.id, NoteBooking(line, world.shop.info(name, world.now()), 2))
    for n, provider in enumerate(("far", "venue")):
        order = f"00000000-0000-7000-a000-{n:012x}"
        lines = (f"00000000-0000-7000-9000-{n:012x}",)
        act = PlaceOrder(lines, (), provider, provider == "venue", 900)
        world.shop.do(scene.ana.id, order, act, world.now(), by=scene.ana.id)
        world.shop.do(scene.ana.id, f"{order}-on", ConfirmOrder(order), world.now())
    return scene
