"""Talk about what a tab lists: the hotel or the exhibition under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from roadcrew_tui.commands.base import Command, Place
from roadcrew_tui.commands.booking import book_pane
from roadcrew_tui.commands.hotels import shown_hotel

if TYPE_CHECKING:
    from roadcrew_domain.places import Entity
    from roadcrew_tui.screens.book import BookPane
    from roadcrew_tui.screens.hotels import HotelsPane
    from roadcrew_tui.screens.trip import TripScreen


def place_of(screen: TripScreen) -> tuple[Entity, str, str] | None:
    """The place under the cursor, what it is called, and where it is."""
    from roadcrew_tui.screens.places_model import of_exhibition, of_hotel  # noqa: PLC0415 - for a fast start

    hotel = shown_hotel(screen)
    if hotel is not None:
        return of_hotel(hotel), hotel.name, hotel.city
    pane = book_pane(screen)
    shown = None if pane is None else pane.exhibition
    return None if shown is None else (of_exhibition(shown), shown.title, f"{shown.venue}, {shown.city}")


class TalkOfHotel(Command):
    id = "hotel.talk"
    keys = "T"
    title = "Talk about this hotel"
    help = "Shows what people say of it, here and on other trips, its stars and images."
    group = "Hotels"
    places: ClassVar[tuple[Place, ...]] = ("hotels",)
    footer = "talk"

    def available(self, screen: TripScreen) -> bool:
        return "talk" in screen.crew_app.served and place_of(screen) is not None

    async def on_screen(self, screen: TripScreen) -> None:
        found = place_of(screen)
        if found is not None:
            entity, name, where = found
            sums = cast("HotelsPane | BookPane", screen.pane).sums
            screen.crew_app.open_talk(entity, name, of=where, left=sums.forget)


class TalkOfExhibition(TalkOfHotel):
    id = "book.talk"
    title = "Talk about this exhibition"
    help = "Shows what people say of it, its stars and images."
    group = "Booking"
    places = ("book",)
