"""The people and trips in the pictures: four friends on their way to Lisbon, and what else they plan.

Everything happens at moments that are counted from the time of the pictures, so that a scene is the same on every
computer and every day. Not for tests: those have scenes of their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.tui.bookings import exhibition
from tests.tui.importing import hotel
from tests.tui.quoting import euros
from tests.tui.scenes import Scene
from tests.tui.standins import StandInClient, StandInMaker, World

from roadcrew_client.models import TripSummary, User
from roadcrew_domain.bookings import NoteBooking
from roadcrew_domain.cart_acts import ConfirmOrder, PlaceOrder
from roadcrew_domain.crew import RenewInvite
from roadcrew_domain.exhibitions import TicketKind
from roadcrew_domain.feed_state import GiveReaction, Picture, RemoveItem, WriteItem
from roadcrew_domain.hotels import OpenHotelVoting, ShortlistHotel, UnshortlistHotel, VoteHotel
from roadcrew_domain.jobs_state import RefusedRow
from roadcrew_domain.marks_state import GiveMark
from roadcrew_domain.money import Money
from roadcrew_domain.places import Entity, hotel_place
from roadcrew_domain.polls import Answer, CastVote, ClosePoll, OpenPoll
from roadcrew_domain.quotes_state import AskedHotel, AskedProvider, Choice, Stay, VoteQuote
from roadcrew_domain.trip import EditTrip
from roadcrew_tui.small_talk import HEIGHT, WIDTH, picture

SERVER, CODE = "https://trips.example.org", "K7QM-2D4F"
SUNSET = Picture("5" * 64, "7" * 64, WIDTH, HEIGHT, 1643, "image/png")
LEGEND: dict[str, Answer] = {"y": "yes", "m": "maybe", "n": "no"}


class Telling:
    """Tells a trip in the order in which it happened: `at(minutes ago)`, then who did what."""

    def __init__(self) -> None:
        self.world = World(public_url=SERVER)
        self.ana, self.ben, self.carla, self.dev = (self.world.user(n) for n in ("Ana", "Ben", "Carla", "Dev"))
        self._now = datetime.now(UTC)
        self._at = self._now
        self.trip_id = ""

    def ago(self, **time: float) -> Telling:
        self._at = self.world.at = self._now - timedelta(**time)
        return self

    def begin(self, name: str, **more: Any) -> None:
        self.trip_id = self.world.create(self.ana, name, **more).id
        self.do(self.ana, RenewInvite(CODE, self._now + timedelta(days=7), 5))
        for who in (self.ben, self.carla, self.dev):
            self.world.join(self.trip_id, who)

    def do(self, who: User, act: object) -> str:
        self._at += timedelta(seconds=5)
        return self.world.do(self.trip_id, who.id, act, at=self._at)

    def ask(self, who: User, question: str, kind: Any, *options: str, hours: float | None = None) -> str:
        closes = None if hours is None else self._now + timedelta(hours=hours)
        return self.do(who, OpenPoll(question, kind, options, closes))

    def pick(self, who: User, poll: str, *options: int) -> None:
        self.do(who, CastVote(poll, tuple(f"{poll}.{n}" for n in options)))

    def answer(self, who: User, poll: str, letters: str) -> None:
        """`answer(ben, poll, "ynm")`: yes to the first, no to the second, maybe to the third; `-` says nothing."""
        said = tuple((f"{poll}.{n}", LEGEND[letter]) for n, letter in enumerate(letters) if letter != "-")
        self.do(who, CastVote(poll, answers=said))


def lisbon() -> Scene:
    """A trip in the middle of being planned: some is decided, some is close, one thing is a tie."""
    t = Telling()
    ana, ben, carla, dev = t.ana, t.ben, t.carla, t.dev
    t.ago(days=3).begin("Lisbon in May", destination="Lisbon", required_members=6, discount_percent=10)

    where = t.ask(ana, "Where to?", "single", "Lisbon", "Porto", "Naples")
    for who in (ana, ben, carla, dev):
        t.pick(who, where, 0 if who is not carla else 2)
    t.do(ana, ClosePoll(where))
    long = t.ask(carla, "How many nights?", "single", "Three", "Four", "A whole week")
    for who in (ana, carla, dev):
        t.pick(who, long, 1)
    t.ago(days=2).do(carla, ClosePoll(long))
    flat = t.ask(dev, "A flat, or rooms?", "single", "A flat with a terrace", "Rooms, and breakfast")
    t.pick(dev, flat, 0)
    t.pick(ben, flat, 1)
    t.pick(ana, flat, 1)
    t.do(ana, ClosePoll(flat))

    t.ago(hours=5)
    flight = t.ask(
        ben, "When do we fly?", "yes-maybe-no", "Wed 19 May", "Thu 20 May", "Fri 21 May", "Sat 22 May", hours=2
    )
    see = t.ask(carla, "What must we see?", "multiple", "Belém, for the tarts", "Sintra, by train",
                "The tile museum", "Surfing at Caparica", "A night of fado")  # fmt: skip
    t.pick(carla, see, 1, 2, 4)
    t.pick(ben, see, 0, 3)
    t.pick(dev, see, 0, 1)
    seats = t.ask(dev, "Train or car?", "single", "Train", "Dev drives")
    t.pick(dev, seats, 1)
    t.pick(ben, seats, 0)
    t.pick(ana, seats, 0)
    t.pick(carla, seats, 1)

    t.ago(hours=1)
    azul = t.do(ana, ShortlistHotel("Casa Azul", "Alfama", 4, Money(8400, "EUR"), "https://azul.example"))
    t.do(dev, ShortlistHotel("Hotel Mira", "Graça", 3, Money(6150, "EUR"), "https://mira.example"))
    t.ago(minutes=52).do(ben, ShortlistHotel("The Lantern", "Bairro Alto", 2, Money(4800, "EUR")))
    t.ago(minutes=48).do(carla, ShortlistHotel("Quinta da Luz", "Belém", 5, Money(13900, "EUR"), "https://luz.example"))
    lumi = t.ago(minutes=44).do(dev, ShortlistHotel("Pensão Lumi", "Mouraria", 2, Money(3950, "EUR")))
    t.ago(minutes=40).do(ana, OpenHotelVoting("cheapest"))
    t.ago(minutes=31).do(carla, VoteHotel(azul))
    t.ago(minutes=26).do(ben, VoteHotel(azul))
    t.ago(minutes=22).answer(carla, flight, "nyym")
    t.ago(minutes=9).do(dev, VoteHotel(lumi))
    t.ago(minutes=4).answer(dev, flight, "yymn")
    t.ago(minutes=0.2).answer(ben, flight, "-yyn")

    s = Scene(t.world, t.trip_id, ana, ben, carla, dev, flight, see, where, azul, lumi)
    t.world.at = None
    t.world.look(s.trip_id, ben.id, "polls")
    t.world.look(s.trip_id, carla.id, "hotels")
    return s


def deciding() -> Scene:
    """The same trip a moment before its dates are decided: everybody is there, and Ana has one answer left to give."""
    s = lisbon()
    for who, letters in ((s.ana, "ny-n"), (s.ben, "myym"), (s.carla, "nyyn"), (s.dev, "ymyn")):
        said = tuple((f"{s.flight}.{n}", LEGEND[letter]) for n, letter in enumerate(letters) if letter != "-")
        s.world.do(s.trip_id, who.id, CastVote(s.flight, answers=said))
    s.world.look(s.trip_id, s.dev.id, "polls")
    s.world.look(s.trip_id, s.carla.id, "polls")
    return s


def dropping() -> Scene:
    """The same trip, of which Ana has just taken a hotel off the list."""
    s = lisbon()
    lantern = next(h for h in s.world.trips[s.trip_id].hotels.values() if h.name == "The Lantern")
    s.world.do(s.trip_id, s.ana.id, UnshortlistHotel(lantern.id))
    return s


def booking() -> Scene:
    """The same trip with its dates, at a server where one can book: two of the crew have, and Ana holds seats."""
    s = lisbon()
    world, day = s.world, date(datetime.now(UTC).year, 5, 21)
    edit: dict[str, Any] = {"starts_on": day, "ends_on": day + timedelta(days=4), "required_members": 4}
    world.do(s.trip_id, s.ana.id, EditTrip(**edit))
    world.features = (*world.features, "book")
    world.shop.note = "Fictional: a sample."
    kinds = (
        TicketKind("adult", "Adult", Money(1400, "EUR")),
        TicketKind("reduced", "Students, over 65", Money(950, "EUR")),
        TicketKind("child", "Child", Money(500, "EUR")),
    )
    world.shop.exhibitions = [
        exhibition("azulejo", "Azulejo: Walls of Light", times=("10:00", "11:30", "14:00", "15:30"), tickets=kinds,
                   weekdays=(1, 2, 3, 4, 5, 6), venue="Casa dos Oleiros", city="Vila Azul"),
        exhibition("river", "The River Cartographers", times=("09:30", "11:00"), venue="Museu da Foz", city="Vila Azul",
                   tickets=kinds),
        exhibition("clocks", "The Clockmaker's Attic", times=("10:30", "17:00"), venue="Sete Voltas",
                   city="Ponte Branca", tickets=kinds),
    ]  # fmt: skip
    saturday = day + timedelta(days=1)
    for hour, taken in (("1000", 9), ("1130", 38), ("1400", 40), ("1530", 17)):
        world.shop.taken[f"azulejo.{day:%Y%m%d}.{hour}"] = taken
    for who, name, seats in ((s.ben, f"azulejo.{day:%Y%m%d}.1000", 2), (s.dev, f"clocks.{saturday:%Y%m%d}.1700", 1)):
        world.do(s.trip_id, who.id, NoteBooking(world.new_id(), world.shop.info(name, world.now()), seats))
    line, held = world.new_id(), world.new_id()
    world.shop.add(world, s.ana.id, line, f"river.{saturday:%Y%m%d}.1100", {"adult": 2}, s.trip_id)
    order = world.new_id()
    world.shop.do(s.ana.id, order, PlaceOrder((line,), (), "venue", True, 900), world.now(), by=s.ana.id)
    world.shop.do(s.ana.id, f"{order}-on", ConfirmOrder(order), world.now())
    world.shop.hold_for = timedelta(seconds=102)
    world.shop.add(world, s.ana.id, held, f"clocks.{saturday:%Y%m%d}.1700", {"adult": 2, "child": 1}, s.trip_id)
    return s


def talking() -> Scene:
    """The same trip at a server where one can talk: of the trip, of its hotels, and with pictures."""
    s = lisbon()
    world = s.world
    world.features = (*world.features, "talk")
    trip = Entity("trip", s.trip_id)

    def do(who: User, thing: Entity, channel: str, act: Any, ago: float) -> str:
        return world.talks.do(world, thing.topic(channel), who, act, at=world.now() - timedelta(minutes=ago))[0]

    def say(who: User, text: str, ago: float, reply_to: str | None = None, mentions: tuple[str, ...] = ()) -> str:
        return do(who, trip, "comments", WriteItem(who.name, text, reply_to=reply_to, mentions=mentions), ago)

    asked = say(s.ben, "Who wants to see Belém on the first day?", 190)
    say(s.carla, "Me! But not before ten.", 184, asked)
    do(s.dev, trip, "comments", GiveReaction(asked, "thumbs-up"), 180)
    do(s.ana, trip, "comments", GiveReaction(asked, "thumbs-up"), 178)
    unkind = say(s.dev, "You always sleep until ten.", 176)
    do(s.ana, trip, "comments", RemoveItem(unkind, s.ana.name, chair=True), 170)
    mine = say(s.ana, "Ten it is. I found a guide to the tiles.", 60)
    do(s.carla, trip, "comments", GiveReaction(mine, "heart"), 55)
    say(s.dev, "@Ana shall we take the metro from the airport?", 2, None, (s.ana.id,))
    for who, stars in ((s.ben, 5), (s.carla, 4), (s.dev, 5)):
        do(who, trip, "rating", GiveMark(stars), 40)
        do(who, trip, "likes", GiveMark(), 40)
    place = Entity("location", hotel_place("Casa Azul", "Alfama"))
    for who, stars in ((s.ben, 5), (s.carla, 4)):
        do(who, place, "rating", GiveMark(stars), 30)
    do(s.ben, place, "comments", WriteItem("Ben", "Quiet, and a breakfast to remember."), 29)
    shown = do(s.ben, trip, "images", WriteItem("Ben", "The river from Graça", picture=SUNSET), 20)
    world.talks.images[shown] = picture()
    return s


def pricing() -> Scene:
    """The same trip with its dates, at a server that asks for prices: once they were asked for, and now again, which
    goes on and has votes."""
    s = lisbon()
    world, desk, day = s.world, s.world.desk, date(datetime.now(UTC).year, 5, 21)
    world.do(s.trip_id, s.ana.id, EditTrip(starts_on=day, ends_on=day + timedelta(days=4)))
    world.features = (*world.features, "quotes")
    desk.providers = tuple(
        AskedProvider(name, title, simulated=simulated, timeout=20.0)
        for name, title, simulated in (
            ("tables", "House rates", False), ("quick", "Quickbed (simulated)", True),
            ("slow", "Slowcoach (simulated)", True), ("silent", "Silent Partner (simulated)", True),
        )
    )  # fmt: skip
    hotels = sorted(world.trips[s.trip_id].hotels.values(), key=lambda h: h.added_at)[:3]
    azul, mira, lantern = (h.id for h in hotels)
    stay = Stay(tuple(AskedHotel(h.id, h.name, h.city, h.stars) for h in hotels), day, day + timedelta(days=4), 4)
    then, lately = world.now() - timedelta(minutes=50), world.now() - timedelta(seconds=7)
    first = desk.begin(world, s.dev, stay, s.trip_id, at=then)
    desk.answers(world, first, "tables", euros(672, azul), euros(492, mira), euros(384, lantern), at=then)
    desk.answers(world, first, "quick", euros(640, azul), euros(455, mira), at=then)
    for name in ("slow", "silent"):
        desk.fails(world, first, name, "timeout", "No answer within 20 s.", at=then)
    run = desk.begin(world, s.ben, stay, s.trip_id, first, at=lately)
    ahead = lately + timedelta(seconds=2)
    desk.answers(world, run, "tables", euros(672, azul), euros(468, mira), euros(396, lantern), at=ahead)
    desk.answers(world, run, "quick", euros(612, azul), euros(455, mira), euros(428, lantern), at=ahead)
    desk.fails(world, run, "silent", "unreachable", "The service can't be reached.", at=ahead)
    desk.says(world, run, "slow", "Asking the front desk of The Lantern.")
    for who, choice in (
        (s.carla, Choice("tables", mira)),
        (s.dev, Choice("tables", mira)),
        (s.ben, Choice("quick", azul)),
    ):
        desk.do(world, run, VoteQuote(choice), by=who.id)
    return s


def importing() -> Scene:
    """The same trip: Dev has sent a file of hotels, which is half read; one of before was read to its end."""
    s = pricing()
    world, desk = s.world, s.world.imports
    world.features = (*world.features, "imports")
    then = world.now() - timedelta(days=2)
    world.at = then
    old = desk.begin(world, s.trip_id, s.ana, "alfama.json", 21_000)
    desk.connect(world, old)
    desk.come(world, old, *(hotel(n) for n in range(1, 61)), bytes=21_000)
    desk.finish(world, old)
    world.at = datetime.now(UTC) - timedelta(seconds=20)
    job = desk.begin(world, s.trip_id, s.dev, "lisbon-hotels.csv", 4_200_000)
    desk.connect(world, job)
    known = [(h.name, h.city, h.stars, h.price_per_night.amount) for h in world.trips[s.trip_id].hotels.values()]
    rows = [*known, *HOTELS]
    good = [
        hotel(n, name, city=city, stars=stars, price_per_night=Money(price, "EUR"), was=WAS.get(name))
        for n, (name, city, stars, price) in enumerate(rows, 2)
    ]
    rest = [hotel(n, f"Pensão {n}", price_per_night=Money(9_000 + n, "EUR")) for n in range(100, 1_300)]
    bad = [RefusedRow(n, *REFUSED[n % len(REFUSED)]) for n in range(40, 58)]
    desk.come(world, job, *good, *rest, *bad, bytes=2_400_000)
    world.at = None
    return s


HOTELS = (
    ("Residencial Graça", "Lisbon", 1, 3900),
    ("Baixa Rooms", "Lisbon", 2, 4650),
    ("Estrela House", "Lisbon", 3, 5800),
    ("Tram 28 Guesthouse", "Lisbon", 2, 6100),
    ("Cais do Sodré Inn", "Lisbon", 3, 6900),
    ("Jardim Suites", "Sintra", 4, 8200),
)
WAS = {"Estrela House": Money(6400, "EUR"), "Baixa Rooms": Money(4200, "EUR")}
REFUSED = (
    ("bad-price", "“on request” is no price."),
    ("no-city", "There is no city."),
    ("duplicate", "The same hotel is on line 12."),
)


class Maker(StandInMaker):
    """With a longer list of trips than the one that is told."""

    def client(self, server: str, kept: Any, reload: Callable[[], Awaitable[str | None]]) -> Any:
        return Traveller(self.world, self.world.users.get(kept.token if kept else ""))


class Traveller(StandInClient):
    """Somebody with more than one trip."""

    async def trips(self) -> list[TripSummary]:
        year = datetime.now(UTC).year
        first = (await super().trips())[0]
        return [
            TripSummary(first.id, first.name, "Lisbon", None, None, 4, 6, needs_me=3, role="organiser"),
            TripSummary(
                "2", "Hut to hut in the Dolomites", None, date(year, 7, 9), date(year, 7, 16), 7, 6, True, needs_me=1
            ),
            TripSummary("3", "Grandma is 80", None, date(year, 8, 21), date(year, 8, 22), 14, 10, True),
            TripSummary("4", "Climbing in Fontainebleau", None, date(year, 9, 24), date(year, 9, 27), 3, 4),
            TripSummary("5", "Team days by the sea", None, None, None, 11, 12, needs_me=2),
            TripSummary("6", "Skiing at Easter", None, date(year + 1, 4, 8), date(year + 1, 4, 17), 5, 8),
        ]
