"""Actions of `roadcrew book`: to what can be booked, how many, hold seats, sit with somebody, go on or give up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Args, Argument
from roadcrew_tui.commands.booking import AS, DATE, EXHIBITION, TICKET, BookCommand, GoTo, book_pane

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.trip import TripScreen


class MoreTickets(BookCommand):
    id = "book.more"
    at_once = True
    keys = "plus,equals_sign"
    title = "One ticket more"
    help = "One more of the kind under the cursor; so does the right arrow, or a click on its sign."
    footer = "more"

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.exhibition is not None

    def footer_words(self, screen: TripScreen) -> str:
        pane = book_pane(screen)
        return self.footer if pane is not None and pane.at in ("slots", "tickets") else ""

    async def on_screen(self, screen: TripScreen) -> None:
        pane = book_pane(screen)
        if pane is not None:
            pane.step(None, 1)


class FewerTickets(MoreTickets):
    id = "book.fewer"
    keys = "minus"
    title = "One ticket fewer"
    help = "One fewer of the kind under the cursor; so does the left arrow, or a click on its sign."
    footer = "fewer"

    async def on_screen(self, screen: TripScreen) -> None:
        pane = book_pane(screen)
        if pane is not None:
            pane.step(None, -1)


class Exhibitions(GoTo):
    id = "book.list"
    title = "To the exhibitions"
    help = "Goes to what can be booked."
    pane = "exhibitions"
    sub = ("book", "list")
    sub_help = "Lists what can be booked: where, on which days, at what times, and what tickets cost."
    examples = ("roadcrew book list", "roadcrew book list --json")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.exhibitions(client)


class Slots(GoTo):
    id = "book.slots"
    title = "To the times"
    help = "Goes to the time slots of the day under the cursor, with the seats that are left."
    pane = "slots"
    sub = ("book", "slots")
    sub_help = "Lists the time slots of a day, by the clock of the venue, with the seats that are left."
    arguments = (EXHIBITION, DATE)
    examples = ("roadcrew book slots Azulejo tomorrow", 'roadcrew book slots "Big Sky" "5 June" --json')

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.exhibition is not None

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.slots(client, args)


class Hold(BookCommand):
    id = "book.hold"
    title = "Hold these seats"
    help = "Puts the tickets that you chose into your cart: their seats are yours for a while. So does enter."
    needs_trip = False
    sub = ("book", "add")
    sub_help = (
        "Holds seats: puts tickets into your cart. If that breaks off, the booking waits on this computer, and "
        "roadcrew book resume goes on with it; the seats are held once."
    )
    arguments = (
        EXHIBITION,
        DATE,
        Argument("time", "when it begins, by the clock of the venue, such as 14:00", kind="time", required=True),
        TICKET,
        Argument("trip", "for which trip, whose discount it then has: its id or a part of its name"),
        AS,
    )
    examples = (
        "roadcrew book add Azulejo tomorrow 14:00 --ticket adult=2 --ticket child",
        'roadcrew book add "Big Sky" "5 June" 20:30 --ticket adult=4 --trip Lisbon --json',
        "roadcrew book add Clockmaker 2027-06-05 10:30 --ticket adult --as Ana",
    )

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.exhibition is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.hold(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.add(client, args)


class Crew(GoTo):
    id = "book.crew"
    needs_trip = True
    title = "To what the crew has booked"
    help = "Goes to the bookings of the others of this trip."
    pane = "crew-bookings"
    sub = ("book", "crew")
    sub_help = "Lists what the others of a trip have booked."
    examples = ("roadcrew book crew", "roadcrew book crew --trip Lisbon --json")

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.rows("crew-bookings").display

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.crew(client, args)


class SitWith(BookCommand):
    id = "book.sit"
    keys = "j"
    title = "Sit with them"
    help = "Holds seats at the same time as the booking of the crew under the cursor, if there are any left."
    footer = "sit with them"
    sub = ("book", "with")
    sub_help = "Holds seats at the same time as a booking of somebody of the crew, if there are any left."
    arguments = (
        Argument("member", "their name or id, or the id of the booking", required=True),
        Argument("exhibition", "which of their bookings: the start of its title"),
        TICKET,
    )
    examples = (
        "roadcrew book with Ben --ticket adult=2",
        "roadcrew book with Ben --exhibition Azulejo --ticket child --json",
    )

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.crew_booking is not None

    def footer_words(self, screen: TripScreen) -> str:
        pane = book_pane(screen)
        return self.footer if pane is not None and pane.at not in ("slots", "tickets") else ""

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.sit_with(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.sit_with(client, args)


class Retry(BookCommand):
    id = "book.retry"
    title = "Go on with the booking"
    help = "Tries the booking again that waits for you, under its own key: your seats are held once."
    needs_trip = False
    sub = ("book", "resume")
    sub_help = "Goes on with the booking that could not be finished: after signing in, or when the network is back."
    arguments = (AS,)
    examples = ("roadcrew book resume", "roadcrew book resume --as Ana", "roadcrew book resume --json")

    def available(self, screen: TripScreen) -> bool:
        flow = screen.crew_app.flow
        return book_pane(screen) is not None and flow is not None and flow.waits

    async def on_screen(self, screen: TripScreen) -> None:
        await screen.crew_app.resume_booking()

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.resume(client)


class Forget(BookCommand):
    id = "book.forget"
    needs_trip = False
    title = "Give up the booking that waits"
    help = "Drops the booking that could not go on: it is not tried again."
    sub = ("book", "forget")
    examples = ("roadcrew book forget",)

    def available(self, screen: TripScreen) -> bool:
        flow = screen.crew_app.flow
        return book_pane(screen) is not None and flow is not None and flow.waits

    async def on_screen(self, screen: TripScreen) -> None:
        await screen.crew_app.give_up_booking()

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.forget(client)
