"""Sub-commands about prices and imports that no key stands for: the screen shows what they print by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadcrew_tui.commands.base import Args, Argument, Command
from roadcrew_tui.commands.pricing import ALONE, DAYS, IMPORT, NO_WAIT, RUN, TRIP

if TYPE_CHECKING:
    from roadcrew_client import Client


class WithoutScreen(Command):
    """Only a sub-command."""

    places = ()

    def available(self, screen: Any) -> bool:
        return False


class AskForVehicle(WithoutScreen):
    id = "quote.vehicle"
    title = "Ask for prices of a vehicle"
    help = "Asks all providers at once what a vehicle costs for some days, and waits for them."
    group = "Quotes"
    sub = ("quote", "vehicle")
    arguments = (
        Argument("vin", "its identification number, of 17 characters", required=True),
        Argument("driver", "how old a driver is; again for another driver", many=True),
        DAYS,
        TRIP,
        ALONE,
        NO_WAIT,
    )
    examples = (
        'roadcrew quote vehicle 1M8GDM9AXKP042788 --driver 34 --driver 29 --dates "1 to 9 June"',
        "roadcrew quote vehicle 1M8GDM9AXKP042788 --driver 34 --trip Lisbon --json",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return await headless_quotes.vehicle(client, args)

    def failed(self, result: Any) -> Exception | None:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return headless_quotes.not_finished(result)


class ListQuotes(WithoutScreen):
    id = "quote.list"
    title = "List the runs"
    help = "Lists for what prices were asked in a trip, by whom, and the lowest; the newest first."
    group = "Quotes"
    sub = ("quote", "list")
    arguments = (TRIP,)
    examples = ("roadcrew quote list", "roadcrew quote list --trip Lisbon --json")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return await headless_quotes.runs(client, args)


class ShowQuote(WithoutScreen):
    id = "quote.show"
    title = "Show a run"
    help = "Shows the prices of a run as they are now, the best first, and who has none and why."
    group = "Quotes"
    sub = ("quote", "show")
    arguments = (RUN, TRIP)
    examples = ("roadcrew quote show", "roadcrew quote show 2 --trip Lisbon", "roadcrew quote show --json")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return await headless_quotes.show_run(client, args)


class WatchQuote(WithoutScreen):
    id = "quote.watch"
    title = "Watch a run"
    help = "Waits until a run is over, and says who has answered as they do; with --json a line for each event."
    group = "Quotes"
    sub = ("quote", "watch")
    arguments = (RUN, TRIP)
    examples = ("roadcrew quote watch", "roadcrew quote watch 1 --json")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return await headless_quotes.watch(client, args)

    def failed(self, result: Any) -> Exception | None:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return headless_quotes.not_finished(result)


class ListProviders(WithoutScreen):
    id = "quote.providers"
    title = "Who is asked"
    help = "Lists whom this server asks for prices, for what, and how long it waits for each."
    group = "Quotes"
    sub = ("quote", "providers")
    examples = ("roadcrew quote providers", "roadcrew quote providers --json")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return await headless_quotes.providers(client)


class ShowImport(WithoutScreen):
    id = "import.state"
    title = "Show an import"
    help = "Shows how an import stands: how many hotels have come, and how many rows were refused for what."
    group = "Imports"
    sub = ("import", "show")
    arguments = (IMPORT, TRIP)
    examples = ("roadcrew import show", "roadcrew import show hotels.csv --json")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return await headless_imports.show_import(client, args)


class WatchImport(WithoutScreen):
    id = "import.watch"
    title = "Watch an import"
    help = "Waits until an import is over, and says how far it is; with --json a line for each event."
    group = "Imports"
    sub = ("import", "watch")
    arguments = (IMPORT, TRIP)
    examples = ("roadcrew import watch", "roadcrew import watch 1 --json")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return await headless_imports.watch(client, args)

    def failed(self, result: Any) -> Exception | None:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return headless_imports.not_finished(result)
