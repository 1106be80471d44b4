"""What actions of bookings have in common: their place, and the arguments that several of them take. The actions are
book.py's and cart.py's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Argument
from roadcrew_tui.commands.trip import TripCommand

if TYPE_CHECKING:
    from roadcrew_tui.screens.book import BookPane
    from roadcrew_tui.screens.trip import TripScreen

EXHIBITION = Argument("exhibition", "the start of its title or of its id", required=True)
DATE = Argument("date", 'a day at the venue, such as tomorrow, Wed, "5 June" or 2027-06-05', kind="date", required=True)
AS = Argument("as", "if you are not signed in: book as a guest who is called so")
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

    return screen.one(BookPane)


class GoTo(BookCommand):
    """A place of the tab of bookings; needs no trip without the screen."""

    needs_trip = False
    pane: ClassVar[str]

    async def on_screen(self, screen: TripScreen) -> None:
        pane = book_pane(screen)
        if pane is not None:
            pane.go(self.pane)
