"""Ways to what can be booked, to the cart and to orders: places on the screen, and what they show without one. What is
done there, book.py has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Args, Argument
from roadcrew_tui.commands.book import DATE, EXHIBITION, ORDER, BookCommand, book_pane

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.trip import TripScreen


class GoTo(BookCommand):
    """A place of the tab of bookings; needs no trip without the screen."""

    needs_trip = False
    pane: ClassVar[str]

    async def on_screen(self, screen: TripScreen) -> None:
        pane = book_pane(screen)
        if pane is not None:
            pane.go(self.pane)


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
    examples = ("roadcrew book slots Azulejo tomorrow", 'roadcrew book slots "Big Sky" "Fri 5 June" --json')

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.exhibition is not None

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_book  # noqa: PLC0415 - for a fast start

        return await headless_book.slots(client, args)


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


class Cart(GoTo):
    id = "cart.show"
    title = "To the cart"
    help = "Goes to what you hold, and until when."
    pane = "cart"
    sub = ("cart", "show")
    sub_help = "Shows what you hold, until when, and what it costs."
    examples = ("roadcrew cart show", "roadcrew cart show --json")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.cart(client)


class Orders(GoTo):
    id = "cart.orders"
    title = "To my bookings"
    help = "Goes to your orders, and how it stands with each."
    pane = "orders"
    sub = ("cart", "orders")
    sub_help = "Lists your orders, newest first, and how it stands with each."
    examples = ("roadcrew cart orders", "roadcrew cart orders --json")

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.rows("orders").display

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.orders(client)


# --- what the screen does in other words ---------------------------------------------------------


class CheckOut(BookCommand):
    id = "cart.checkout"
    needs_trip = False
    title = "Check out"
    help = "Orders what is in your cart, and pays it. Asks before, with the sum."
    sub = ("cart", "checkout")
    sub_help = "Orders what is in your cart, or some lines of it. Pay with roadcrew cart pay, or at the venue."
    arguments = (
        Argument("line", "only these lines: numbers in roadcrew cart show, titles or ids", many=True, positional=True),
        Argument("pay", "how: the id or the name of a way to pay (default: the server's first)"),
    )
    examples = ("roadcrew cart checkout", "roadcrew cart checkout --pay venue --json", "roadcrew cart checkout 1 3")

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        return pane is not None and pane.cart is not None and len(pane.cart.lines) > 0

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        pane = book_pane(screen)
        if pane is not None:
            pane.go("cart")
            await book_actions.pay(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.checkout(client, args)


class Cancel(BookCommand):
    id = "cart.cancel"
    needs_trip = False
    title = "Cancel this order"
    help = "Gives up the order under the cursor, after asking: its seats are free again, what was paid goes back."
    sub = ("cart", "cancel")
    sub_help = "Gives up an order: its seats are free again, what was paid goes back."
    arguments = (ORDER, Argument("yes", "do not ask", kind="flag"))
    asks = "Cancel this order? Its seats are free again for others."
    examples = ("roadcrew cart cancel 5F3A90C1", "roadcrew cart cancel 5F3A90C1 --yes --json")

    def available(self, screen: TripScreen) -> bool:
        pane = book_pane(screen)
        if pane is None or pane.order is None:
            return False
        from roadcrew_domain.cart import may_cancel  # noqa: PLC0415 - for a fast start

        return may_cancel(pane.order, screen.crew_app.book.now())

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        pane = book_pane(screen)
        if pane is not None:
            pane.go("orders")
            await book_actions.drop(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.cancel(client, args)


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
