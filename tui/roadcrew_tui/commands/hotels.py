"""Actions on hotels: shortlist, vote, open and end the vote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Args, Argument, trip_of
from roadcrew_tui.commands.trip import TripCommand

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_domain.hotels import Hotel
    from roadcrew_tui.screens.trip import TripScreen

HOTEL = Argument("hotel", "its name, the start of it, or its id", required=True)


class HotelCommand(TripCommand):
    """An action of the hotels tab."""

    group = "Hotels"
    places = ("hotels",)

    def available(self, screen: TripScreen) -> bool:
        return screen.trip is not None and screen.tab == "hotels"


def shown_hotel(screen: TripScreen) -> Hotel | None:
    """The hotel under the cursor."""
    from roadcrew_tui.screens.hotels import HotelsPane  # noqa: PLC0415 - for a fast start

    if screen.trip is None or screen.tab != "hotels" or (pane := screen.one(HotelsPane)) is None:
        return None
    return screen.trip.hotels.get(pane.hotel_id or "")


class VoteHotel(HotelCommand):
    id = "hotel.vote"
    at_once = True
    keys = "space"
    title = "Vote for this hotel"
    help = "Votes for the hotel under the cursor; again takes the vote back. Everybody has one vote."
    footer = "vote"
    sub = ("hotel", "vote")
    sub_help = "Votes for a hotel, or moves your vote to it. Everybody has one; --none takes it back."
    arguments = (
        Argument("hotel", "its name, the start of it, or its id", positional=True),
        Argument("none", "take the vote back", kind="flag"),
    )
    examples = ('roadcrew hotel vote "Casa Azul"', "roadcrew hotel vote --none")

    def available(self, screen: TripScreen) -> bool:
        return shown_hotel(screen) is not None

    def footer_words(self, screen: TripScreen) -> str:
        return self.footer if screen.trip is not None and screen.trip.voting.open else ""

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_domain.hotels import VoteHotel as Act  # noqa: PLC0415 - for a fast start

        hotel = shown_hotel(screen)
        if screen.trip is not None and not screen.trip.voting.open:
            ended = screen.trip.voting.outcome is not None
            screen.crew_app.say(
                "The vote has ended. Press o to start a new one."
                if ended
                else "Voting isn't open yet. Press o to open it."
            )
        elif hotel is not None and screen.trip is not None:
            mine = screen.trip.voting.ballots.get(screen.me)
            await screen.act(Act(None if mine == hotel.id else hotel.id))

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.vote_hotel(client, args)


class AddHotel(HotelCommand):
    id = "hotel.add"
    keys = "a"
    title = "Add a hotel"
    help = "Puts a hotel on the shortlist: name, city, stars, price for a night, link."
    footer = "add"
    sub = ("hotel", "add")
    arguments = (
        Argument("name", "its name", required=True),
        Argument("city", "where it is", required=True),
        Argument("price", 'for a night, such as "84 EUR"', kind="price", required=True),
        Argument("stars", "0 to 5", kind="number"),
        Argument("link", "its page"),
    )
    examples = ('roadcrew hotel add "Casa Azul" Lisbon "84 EUR" --stars 4',)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.hotel_actions import add_hotel  # noqa: PLC0415 - when it is opened

        await add_hotel(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.add_hotel(client, args)


class DropHotel(HotelCommand):
    id = "hotel.drop"
    keys = "d"
    title = "Drop this hotel"
    help = "Takes the hotel under the cursor off the shortlist, with its votes."
    footer = "drop"
    sub = ("hotel", "drop")
    sub_help = "Takes a hotel off the shortlist. Who added it can, and the organiser."
    arguments = (HOTEL,)
    examples = ('roadcrew hotel drop "Alfama"',)

    def available(self, screen: TripScreen) -> bool:
        hotel = shown_hotel(screen)
        return hotel is not None and screen.trip is not None and screen.me in (screen.trip.organiser, hotel.added_by)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.hotel_actions import drop_hotel  # noqa: PLC0415 - when it is used

        await drop_hotel(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_domain.hotels import UnshortlistHotel  # noqa: PLC0415 - for a fast start
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        trip = await client.trip(trip_of(args))
        return await headless.do(client, trip.id, UnshortlistHotel(headless.hotel_id(trip, str(args["hotel"]))))


class OpenVoting(HotelCommand):
    id = "hotel.open"
    keys = "o"
    title = "Open the vote"
    help = "Lets the crew vote on the shortlist. You choose beforehand what a tie means."
    footer = "open vote"
    sub = ("hotel", "open-voting")
    arguments = (
        Argument("tie", "what a tie means", choices=("cheapest", "first-shortlisted", "organiser"), required=False),
    )
    examples = ("roadcrew hotel open-voting --tie cheapest",)

    def available(self, screen: TripScreen) -> bool:
        trip = screen.trip
        return trip is not None and screen.tab == "hotels" and not trip.voting.open and len(trip.hotels) > 0

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.hotel_actions import open_voting  # noqa: PLC0415 - when it is used

        await open_voting(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_domain.hotels import OpenHotelVoting  # noqa: PLC0415 - for a fast start
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.do(client, trip_of(args), OpenHotelVoting(args.get("tie") or "cheapest"))


class EndVoting(HotelCommand):
    id = "hotel.end"
    keys = "e"
    title = "End the vote"
    help = "Closes the vote on hotels; the winner stands. Only the organiser or who opened it can."
    footer = "end vote"
    sub = ("hotel", "end-voting")
    arguments = (Argument("winner", "the organiser's choice in a tie: its name or id"),)
    examples = ("roadcrew hotel end-voting",)

    def available(self, screen: TripScreen) -> bool:
        trip = screen.trip
        if trip is None or screen.tab != "hotels" or not trip.voting.open:
            return False
        return screen.me in (trip.organiser, trip.voting.opened_by)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.hotel_actions import end_voting  # noqa: PLC0415 - when it is used

        await end_voting(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_domain.hotels import CloseHotelVoting  # noqa: PLC0415 - for a fast start
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        trip = await client.trip(trip_of(args))
        winner = args.get("winner")
        return await headless.do(client, trip.id, CloseHotelVoting(headless.hotel_id(trip, winner) if winner else None))


class ShowHotels(HotelCommand):
    id = "hotel.link"
    keys = "c"
    title = "Copy the link"
    help = "Puts the link of the hotel under the cursor to your clipboard."

    def available(self, screen: TripScreen) -> bool:
        hotel = shown_hotel(screen)
        return hotel is not None and hotel.url is not None

    async def on_screen(self, screen: TripScreen) -> None:
        hotel = shown_hotel(screen)
        if hotel is not None and hotel.url is not None:
            screen.crew_app.copy(hotel.url)
