"""Actions of the screen of imports: take a file over, look at hotels and at refused rows, shortlist one, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from roadcrew_tui.commands.base import Args, Argument, Command, Place
from roadcrew_tui.commands.pricing import AFTER, IMPORT, LIMIT, NO_WAIT, OF_IMPORT, TRIP

if TYPE_CHECKING:
    from roadcrew_client import Client
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
    needs = frozenset({"files"})
    sub = ("import", "file")
    sub_help = (
        "Sends a CSV or JSON file of hotels (name, city, stars, price, currency), and waits until they are imported. "
        "With --json a line for each event, and at the end the import."
    )
    arguments = (
        Argument("file", "a file called .csv or .json", required=True),
        Argument("name", "what the crew sees it called (default: as the file)"),
        Argument("currency", "of prices that name none, such as EUR"),
        TRIP,
        NO_WAIT,
    )
    examples = (
        "roadcrew import hotels.csv",
        "roadcrew import hotels.json --currency EUR --trip Lisbon",
        "roadcrew import hotels.csv --json",
    )

    def available(self, screen: ImportsScreen) -> bool:
        return screen.trip is not None and screen.upload is None

    def footer_words(self, screen: ImportsScreen) -> str:
        return "" if screen.in_list else self.footer

    async def on_screen(self, screen: ImportsScreen) -> None:
        from roadcrew_tui.screens import imports_actions  # noqa: PLC0415 - when it is used

        await imports_actions.new(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return await headless_imports.start(client, args)

    def failed(self, result: Any) -> Exception | None:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return headless_imports.not_finished(result)


class Shortlist(ImportCommand):
    id = "import.shortlist"
    at_once = True
    keys = "space,s"
    title = "Put it on the shortlist"
    help = "Puts the hotel under the cursor on the trip's shortlist, for everybody to vote on."
    footer = "shortlist"
    sub = ("import", "shortlist")
    sub_help = "Puts hotels of an import on the trip's shortlist, for everybody to vote on."
    arguments = (
        Argument("hotel", "its name, or a part that no other has", required=True, many=True),
        Argument("city", "where several are called so: the one there"),
        OF_IMPORT,
        TRIP,
    )
    examples = ('roadcrew import shortlist "Casa Azul" Ritz', "roadcrew import shortlist Ritz --city Lisbon --json")

    def available(self, screen: ImportsScreen) -> bool:
        return screen.hotel is not None

    async def on_screen(self, screen: ImportsScreen) -> None:
        from roadcrew_tui.screens import imports_actions  # noqa: PLC0415 - when it is used

        await imports_actions.shortlist(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return await headless_imports.shortlist(client, args)


class SortHotels(ImportCommand):
    id = "import.sort"
    at_once = True
    keys = "o"
    title = "Another order"
    help = "Sorts the hotels by price, stars, name, city, or as they are in the file."
    footer = "order"
    sub: ClassVar[tuple[str, str] | None] = ("import", "hotels")
    sub_help = "Lists the hotels of an import, sorted and filtered as you like."
    arguments = (
        IMPORT,
        Argument("sort", "by what (default: price)", choices=("price", "name", "city", "stars", "line")),
        Argument("descending", "the other way round", kind="flag"),
        Argument("city", "only those there"),
        Argument("search", "only those with this in their name"),
        Argument("stars", "with so many at least", kind="number"),
        Argument("max", "for so much a night at the most, such as 84", kind="price"),
        LIMIT,
        AFTER,
        TRIP,
    )
    examples = (
        "roadcrew import hotels",
        "roadcrew import hotels --sort stars --descending --city Lisbon --max 120",
        "roadcrew import hotels 2 --search casa --json",
    )

    def available(self, screen: ImportsScreen) -> bool:
        return screen.job is not None and not screen.listing.refused

    def footer_words(self, screen: ImportsScreen) -> str:
        return self.footer if screen.in_list else ""

    async def on_screen(self, screen: ImportsScreen) -> None:
        screen.want(screen.listing.wanted.next_order())

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return await headless_imports.hotels(client, args)


class FilterHotels(SortHotels):
    id = "import.filter"
    at_once = False
    keys = "slash"
    title = "Only some hotels"
    help = "Shows hotels of a name or a city, with so many stars, up to a price."
    footer = "filter"
    sub: ClassVar[tuple[str, str] | None] = None  # that of the order takes both

    async def on_screen(self, screen: ImportsScreen) -> None:
        from roadcrew_tui.screens import imports_actions  # noqa: PLC0415 - when it is used

        await imports_actions.choose(screen)


class ShowRefused(ImportCommand):
    id = "import.refused"
    at_once = True
    keys = "r"
    title = "Refused rows, or hotels"
    help = "Shows which rows were not taken over, by line, and why; again shows the hotels."
    sub = ("import", "refused")
    sub_help = "Lists the rows that were not taken over, by line, and why."
    arguments = (IMPORT, LIMIT, Argument("after", "go on after this line", kind="number"), TRIP)
    examples = ("roadcrew import refused", "roadcrew import refused --after 4210 --json")

    def footer_words(self, screen: ImportsScreen) -> str:
        if screen.listing.refused:
            return "hotels"
        return "refused" if screen.job is not None and screen.job.counts.refused else ""

    async def on_screen(self, screen: ImportsScreen) -> None:
        screen.turn(refused=not screen.listing.refused)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return await headless_imports.refused(client, args)


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
    footer = "cancel"
    sub = ("import", "cancel")
    sub_help = "Stops an import; hotels that have come by then stay. Who began it can, and the organiser."
    arguments = (IMPORT, TRIP)
    examples = ("roadcrew import cancel", "roadcrew import cancel 1 --json")

    def available(self, screen: ImportsScreen) -> bool:
        return screen.may_cancel

    async def on_screen(self, screen: ImportsScreen) -> None:
        from roadcrew_tui.screens import imports_actions  # noqa: PLC0415 - when it is used

        await imports_actions.cancel(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return await headless_imports.cancel(client, args)
