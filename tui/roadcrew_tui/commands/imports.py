"""Actions of the screen of imports: take a file over, look at hotels and at refused rows, shortlist one, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Command, Place

if TYPE_CHECKING:
    from roadcrew_tui.screens.imports import ImportsScreen


class ImportCommand(Command):
    """About the import that is looked at."""

    group = "Imports"
    places: ClassVar[tuple[Place, ...]] = ("imports",)

    def available(self, screen: ImportsScreen) -> bool:
        return screen.job is not None


class NewImport(ImportCommand):
    id = "import.new"
    keys = "n"
    title = "Import a file"
    help = "Takes hotels over from a CSV or JSON file: name, city, stars, price, currency."
    footer = "import a file"

    def available(self, screen: ImportsScreen) -> bool:
        return screen.trip is not None and screen.upload is None

    async def on_screen(self, screen: ImportsScreen) -> None:
        from roadcrew_tui.screens import imports_actions  # noqa: PLC0415 - when it is used

        await imports_actions.new(screen)


class Shortlist(ImportCommand):
    id = "import.shortlist"
    at_once = True
    keys = "space,s"
    title = "Put it on the shortlist"
    help = "Puts the hotel under the cursor on the trip's shortlist, for everybody to vote on."
    footer = "shortlist"

    def available(self, screen: ImportsScreen) -> bool:
        return screen.hotel is not None

    async def on_screen(self, screen: ImportsScreen) -> None:
        from roadcrew_tui.screens import imports_actions  # noqa: PLC0415 - when it is used

        await imports_actions.shortlist(screen)


class SortHotels(ImportCommand):
    id = "import.sort"
    at_once = True
    keys = "o"
    title = "Another order"
    help = "Sorts the hotels by price, stars, name, city, or as they are in the file."
    footer = "order"

    def available(self, screen: ImportsScreen) -> bool:
        return screen.job is not None and not screen.shows_refused

    async def on_screen(self, screen: ImportsScreen) -> None:
        screen.want(screen.wanted.next_order())


class FilterHotels(SortHotels):
    id = "import.filter"
    at_once = False
    keys = "slash"
    title = "Only some hotels"
    help = "Shows hotels of a name or a city, with so many stars, up to a price."
    footer = "filter"

    async def on_screen(self, screen: ImportsScreen) -> None:
        from roadcrew_tui.screens import imports_actions  # noqa: PLC0415 - when it is used

        await imports_actions.choose(screen)


class ShowRefused(ImportCommand):
    id = "import.refused"
    at_once = True
    keys = "r"
    title = "Refused rows, or hotels"
    help = "Shows which rows were not taken over, by line, and why; again shows the hotels."

    def footer_words(self, screen: ImportsScreen) -> str:
        if screen.shows_refused:
            return "hotels"
        return "refused rows" if screen.job is not None and screen.job.counts.refused else ""

    async def on_screen(self, screen: ImportsScreen) -> None:
        screen.turn(refused=not screen.shows_refused)


class ShowNew(ImportCommand):
    id = "import.fresh"
    at_once = True
    keys = "u"
    title = "Show what has come since"
    help = "Asks for the list once more; while you are in it, it does not change by itself."
    footer = "show new"

    def available(self, screen: ImportsScreen) -> bool:
        return screen.job is not None and screen.fresh > 0

    async def on_screen(self, screen: ImportsScreen) -> None:
        screen.look_again()


class CancelImport(ImportCommand):
    id = "import.cancel"
    keys = "x"
    title = "Cancel the import"
    help = "Stops an import, after asking; hotels that have come by then stay. Who began it can, and the organiser."
    footer = "cancel it"

    def available(self, screen: ImportsScreen) -> bool:
        return screen.may_cancel

    async def on_screen(self, screen: ImportsScreen) -> None:
        from roadcrew_tui.screens import imports_actions  # noqa: PLC0415 - when it is used

        await imports_actions.cancel(screen)
