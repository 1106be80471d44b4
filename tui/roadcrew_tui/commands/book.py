"""Actions on bookings: hold seats, keep them longer, pay, give them back, sit with somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadcrew_tui.commands.base import Args, Argument
from roadcrew_tui.commands.trip import TripCommand

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.book import BookPane
    from roadcrew_tui.screens.trip import TripScreen

EXHIBITION = Argument("exhibition", "the start of its title or of its id", required=True)
DATE = Argument("date", 'a day at the venue, such as tomorrow, "Fri 5 June" or 2027-06-05', kind="date", required=True)
TICKET = Argument("ticket", "a kind and how many of it, such as adult=2; again for another kind", many=True)
LINE = Argument(
    "line", "its number in roadcrew cart show, its title, or its id (default: the only one)", positional=True
)
ORDER = Argument("order", "its number or its id (default: the only one)", positional=True)


class BookCommand(TripCommand):
    """An action of the tab of bookings."""

    group = "Booking"
    places = ("book",)

    def available(self, screen: TripScreen) -> bool:
        return book_pane(screen) is not None


def book_pane(screen: TripScreen) -> BookPane | None:
    """The tab of bookings, while it is open."""
    if screen.trip is None or screen.tab != "book":
        return None
    from roadcrew_tui.screens.book import BookPane  # noqa: PLC0415 - for a fast start

    return next(iter(screen.query(BookPane)), None)


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
        Argument("as", "if you are not signed in: book as a guest who is called so"),
    )
    examples = (
        "roadcrew book add Azulejo tomorrow 14:00 --ticket adult=2 --ticket child",
        'roadcrew book add "Big Sky" "Fri 5 June" 20:30 --ticket adult=4 --trip Lisbon --json',
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


class Extend(BookCommand):
    id = "book.extend"
    keys = "x"
    title = "Keep the seats longer"
    help = "Gives you more time for the seats under the cursor of the cart, as often as the server allows."
    footer = "extend"
    needs_trip = False
    sub = ("cart", "extend")
    sub_help = "Holds seats of your cart for longer, as often as the server allows."
    arguments = (LINE,)
    examples = ("roadcrew cart extend", "roadcrew cart extend 2 --json")

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.line is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.extend(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.extend(client, args)


class Pay(BookCommand):
    id = "book.pay"
    keys = "p"
    title = "Pay"
    help = "Checks out what is in your cart, or pays the order under the cursor. Asks before, with the sum."
    footer = "pay"
    needs_trip = False
    sub = ("cart", "pay")
    sub_help = (
        "Pays an order. What came of it is printed; it ends with 1 if that was declined, with 4 if it is not known yet."
    )
    arguments = (ORDER, Argument("method", "how: the id or the name of a method (default: the first)"))
    examples = ("roadcrew cart pay", "roadcrew cart pay 5F3A90C1 --method card --json")

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        if pane is None or pane.cart is None:
            return False
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - for a fast start

        return book_actions.payable(screen)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.pay(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.pay(client, args)

    def failed(self, result: Any) -> Exception | None:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return headless_cart.not_paid(result)


class Drop(BookCommand):
    id = "book.drop"
    keys = "d"
    title = "Give seats back"
    help = "Takes the seats under the cursor out of the cart; of an order, cancels it after asking."
    footer = "give back"
    needs_trip = False
    sub = ("cart", "remove")
    sub_help = "Takes seats out of your cart: they are free again for others. Of orders: roadcrew cart cancel."
    arguments = (LINE,)
    examples = ("roadcrew cart remove 1", "roadcrew cart remove Azulejo --json")

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        if pane is None or pane.cart is None:
            return False
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - for a fast start

        return book_actions.droppable(screen) is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.drop(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.remove(client, args)


class Receipt(BookCommand):
    id = "book.receipt"
    keys = "c"
    title = "Receipt"
    help = "Shows what you ordered, with every price; from there it can be copied, or kept for your calendar."
    needs_trip = False
    sub = ("cart", "receipt")
    sub_help = "Prints what you ordered, with every price; with --ics it is kept for your calendar as well."
    arguments = (ORDER, Argument("ics", "a file to write, with an entry for a calendar for each time slot"))
    examples = (
        "roadcrew cart receipt",
        "roadcrew cart receipt 5F3A90C1 --ics visit.ics",
        "roadcrew cart receipt --json",
    )

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.order is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.receipt(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.receipt(client, args)


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

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.sit_with(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.sit_with(client, args)


class MarkPaid(BookCommand):
    id = "book.paid"
    title = "Was paid at the venue"
    help = "Says, as the organiser, that the booking under the cursor was paid at the venue. Asks before."
    sub = ("cart", "paid")
    sub_help = "Says, as the organiser, that a booking of the crew was paid at the venue."
    arguments = (
        Argument("booking", "whose: their name or id, or the id of the booking", required=True),
        Argument("exhibition", "which of their bookings: the start of its title"),
    )
    examples = ("roadcrew cart paid Ben", "roadcrew cart paid Ben --exhibition Azulejo --trip Lisbon")

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        leads = screen.trip is not None and screen.trip.organiser == screen.me
        return leads and pane is not None and pane.crew_booking is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.mark_paid(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.paid(client, args)


class Retry(BookCommand):
    id = "book.retry"
    title = "Go on with the booking"
    help = "Tries the booking again that waits for you, under its own key: your seats are held once."
    needs_trip = False
    sub = ("book", "resume")
    sub_help = "Goes on with the booking that could not be finished: after signing in, or when the network is back."
    examples = ("roadcrew book resume", "roadcrew book resume --json")

    def available(self, screen: TripScreen) -> bool:
        flow = screen.crew_app.flow
        return book_pane(screen) is not None and flow is not None and flow.waits

    async def on_screen(self, screen: TripScreen) -> None:
        await screen.crew_app.resume_booking()

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.resume(client)
