"""The story that simulated members tell in a sample trip: what they bring up, do and say, and when. Not for how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from roadcrew_client import LiveTrip
from roadcrew_domain.hotels import OpenHotelVoting, ShortlistHotel
from roadcrew_domain.money import Money
from roadcrew_domain.polls import OpenPoll
from roadcrew_domain.trip import TripAct
from roadcrew_tui import errands, small_talk
from roadcrew_tui.errands import Errand

POLLS: tuple[OpenPoll, ...] = (
    OpenPoll("When do we fly?", "yes-maybe-no", ("Wed 20 May", "Thu 21 May", "Fri 22 May")),
    OpenPoll("Who drives from the airport?", "single", ("Nobody, metro", "A taxi", "Rent a car")),
    OpenPoll("What must we see?", "multiple", ("Belém", "Sintra", "LX Factory", "Tile museum")),
)
HOTELS: tuple[ShortlistHotel, ...] = (
    ShortlistHotel("Casa Azul", "Lisbon", 4, Money(8400, "EUR"), "https://example.org/casa-azul"),
    ShortlistHotel("Alfama Rooms", "Lisbon", 2, Money(4800, "EUR")),
    ShortlistHotel("Pensão Miradouro", "Lisbon", 3, Money(6150, "EUR")),
)


@dataclass(frozen=True)
class Idea:
    """Something that one of the crowd brings up, once there are enough people for it."""

    after: float
    act: Callable[[LiveTrip], TripAct]


IDEAS = (
    Idea(1.0, lambda live: msgspec.structs.replace(POLLS[0], closes_at=live.server_now() + timedelta(hours=2))),
    Idea(1.6, lambda _: HOTELS[0]),
    Idea(2.4, lambda _: HOTELS[1]),
    Idea(3.0, lambda _: OpenHotelVoting("cheapest")),
    Idea(4.2, lambda _: POLLS[1]),
    Idea(5.4, lambda _: HOTELS[2]),
    Idea(7.0, lambda _: POLLS[2]),
)
ERRANDS: dict[int, tuple[tuple[float, Errand], ...]] = {
    0: (
        (2.0, small_talk.says("Who wants to see Belém on the first day?")),
        (4.5, errands.book),
        (6.0, small_talk.rates(5, "I stayed there once: quiet, and a breakfast to remember.")),
    ),
    1: (
        (3.0, errands.ask_for_prices),
        (3.2, small_talk.says("Me! But not before ten.", reply=True)),
        (8.0, small_talk.rates(4)),
    ),
    2: ((4.0, small_talk.likes), (5.0, small_talk.posts), (7.5, errands.book)),
    3: ((4.5, small_talk.shows), (6.0, errands.import_hotels)),
    4: ((5.5, small_talk.says("@{organiser} shall we take the metro from the airport?")),),
}
"""What some of them do beside voting, by their numbers, each once and after so many seconds."""
