"""Actions of `roadcrew cart`: what is held, kept longer, given back and ordered; orders, their payment and receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadcrew_tui.commands.base import Args, Argument
from roadcrew_tui.commands.booking import LINE, ORDER, BookCommand, GoTo, book_pane

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.trip import TripScreen


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
        if pane is None or pane.line is None:
            return False
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - for a fast start

        return book_actions.extensible(screen) is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.extend(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.extend(client, args)


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

    def footer_words(self, screen: TripScreen) -> str:
        pane = book_pane(screen)
        return "cancel" if pane is not None and pane.at == "orders" else self.footer

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import book_actions  # noqa: PLC0415 - when it is used

        await book_actions.drop(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.remove(client, args)


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


class Receipt(BookCommand):
    id = "book.receipt"
    keys = "c"
    title = "Receipt"
    help = "Shows what you ordered, with every price; from there it can be copied, or kept for your calendar."
    needs_trip = False
    sub = ("cart", "receipt")
    sub_help = "Prints what you ordered, with every price; with --ics it is kept for your calendar as well."
    arguments = (
        ORDER,
        Argument("ics", "a file to write, with an entry for a calendar for each time slot", needs=frozenset({"files"})),
    )
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
        from roadcrew_tui.commands import headless_cart  # noqa: PLC0415 - for a fast start

        return await headless_cart.paid(client, args)
