"""Trips to look at: the one of the wireframes, and one whose people called themselves nasty things."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tests.tui.standins import World

from roadcrew_client.models import User
from roadcrew_domain.hotels import OpenHotelVoting, ShortlistHotel, VoteHotel
from roadcrew_domain.money import Money
from roadcrew_domain.polls import CastVote, ClosePoll, OpenPoll


@dataclass
class Scene:
    world: World
    trip_id: str
    ana: User
    ben: User
    carla: User
    dev: User
    flight: str = ""
    drivers: str = ""
    where: str = ""
    azul: str = ""
    alfama: str = ""


def lisbon() -> Scene:
    """Four people, an open poll about dates, one about drivers, one that is decided, and a vote on two hotels."""
    world = World()
    start = datetime.now(UTC) - timedelta(minutes=40)
    ana, ben, carla, dev = (world.user(n) for n in ("Ana", "Ben", "Carla", "Dev"))
    world.at = start
    trip = world.create(ana, "Lisbon in May", destination="Lisbon", required_members=6, discount_percent=10)
    s = Scene(world, trip.id, ana, ben, carla, dev)

    def do(minutes: float, who: User, act: object) -> str:
        return world.do(trip.id, who.id, act, at=start + timedelta(minutes=minutes))

    for who in (ben, carla, dev):
        world.join(trip.id, who)
    world.at = None
    closes = datetime.now(UTC) + timedelta(hours=2, minutes=1)
    s.where = do(5, ana, OpenPoll("Where to?", "single", ("Lisbon", "Porto")))
    do(6, ana, CastVote(s.where, (f"{s.where}.0",)))
    do(7, ben, CastVote(s.where, (f"{s.where}.0",)))
    do(8, ana, ClosePoll(s.where))
    s.flight = do(9, ben, OpenPoll("When do we fly?", "yes-maybe-no", ("Wed 20 May", "Thu 21 May"), closes))
    s.drivers = do(10, ana, OpenPoll("Who drives?", "multiple", ("Ben", "Dev", "We take the train")))
    do(11, ana, CastVote(s.drivers, (f"{s.drivers}.2",)))
    first, second = f"{s.flight}.0", f"{s.flight}.1"
    do(12, carla, CastVote(s.flight, answers=((first, "yes"), (second, "maybe"))))
    do(13, dev, CastVote(s.drivers, (f"{s.drivers}.1", f"{s.drivers}.2")))
    s.azul = do(
        14, ana, ShortlistHotel("Casa Azul", "Lisbon", 4, Money(8400, "EUR"), "https://casa-azul.example/rooms")
    )
    s.alfama = do(15, dev, ShortlistHotel("Alfama", "Lisbon", 2, Money(4800, "EUR")))
    do(16, ana, OpenHotelVoting("cheapest"))
    do(17, carla, VoteHotel(s.azul))
    do(18, ben, VoteHotel(s.azul))
    do(37, dev, VoteHotel(s.alfama))
    do(40, ben, CastVote(s.flight, answers=((first, "yes"), (second, "yes"))))
    world.look(trip.id, ben.id, "polls")
    return s


def dated() -> date:
    """A day of next year, far from now."""
    return date(datetime.now(UTC).year + 1, 5, 21)


NASTY = {
    "click": "[@click=app.quit]x[/]",
    "stray": "[/]",
    "bold": "[bold red]loud[/bold red]",
    "escape": "a\x1b[31mred\x1b]2;owned\x07",
    "bidi": "abc\u202etxt.exe",
    "zalgo": "Z" + "\u0301" * 60 + "algo",
    "wide": "宿" * 200,
}
