"""Actions of the tab of quotes: ask for prices, once more too, vote for one, stop a run; and to imports of hotels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadcrew_tui.commands.base import Args, Argument
from roadcrew_tui.commands.pricing import ALONE, DAYS, NO_WAIT, OF_RUN, RUN, TRIP
from roadcrew_tui.commands.trip import TripCommand

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.quotes import QuotesPane
    from roadcrew_tui.screens.trip import TripScreen


class QuoteCommand(TripCommand):
    """An action of the tab of quotes."""

    group = "Quotes"
    places = ("quotes",)
    needs_trip = False  # a sub-command has a run, or is told which trip

    def available(self, screen: TripScreen) -> bool:
        return quotes_pane(screen) is not None


def quotes_pane(screen: TripScreen) -> QuotesPane | None:
    """The tab of quotes, while it is open."""
    if screen.trip is None or screen.tab != "quotes":
        return None
    from roadcrew_tui.screens.quotes import QuotesPane  # noqa: PLC0415 - for a fast start

    return screen.one(QuotesPane)


class NewQuote(QuoteCommand):
    id = "quote.new"
    keys = "n"
    title = "Ask for prices"
    help = "Asks all providers at once: for a stay in hotels of the shortlist, or for a vehicle."
    footer = "new"
    sub = ("quote", "stay")
    sub_help = (
        "Asks all providers at once what a stay costs, and waits for them; of hotels of the trip's shortlist, all of "
        "them if none is named. With --json a line for each event, and at the end the run."
    )
    arguments = (
        Argument("hotel", "its name, the start of it, or its id", many=True, positional=True),
        DAYS,
        Argument("guests", "how many sleep there (default: the crew)", kind="number"),
        TRIP,
        ALONE,
        NO_WAIT,
    )
    examples = (
        "roadcrew quote stay",
        'roadcrew quote stay "Casa Azul" --dates "21 to 25 May" --guests 4 --trip Lisbon',
        'roadcrew quote stay --alone --dates "21 to 25 May" --json',
    )

    def available(self, screen: TripScreen) -> bool:
        return super().available(screen) and "quotes" in screen.crew_app.served

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.new(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return await headless_quotes.stay(client, args)

    def failed(self, result: Any) -> Exception | None:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return headless_quotes.not_finished(result)


class AskAgain(QuoteCommand):
    id = "quote.again"
    keys = "r"
    title = "Run it again"
    help = "Asks the same once more, and shows what has changed since: up, down, new, gone."
    footer = "run again"
    sub = ("quote", "again")
    arguments = (RUN, TRIP, NO_WAIT)
    examples = ("roadcrew quote again", "roadcrew quote again 2 --json")

    def available(self, screen: TripScreen) -> bool:
        pane = quotes_pane(screen)
        return pane is not None and pane.may_ask_again

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.again(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return await headless_quotes.again(client, args)

    def failed(self, result: Any) -> Exception | None:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return headless_quotes.not_finished(result)


class VoteForPrice(QuoteCommand):
    id = "quote.vote"
    keys = "space"
    title = "Vote for this price"
    help = "Votes for the price under the cursor; again takes the vote back. Everybody has one vote in each run."
    footer = "vote"
    sub = ("quote", "vote")
    sub_help = "Votes for a price of a run, or moves your vote to it. Everybody has one in each; --none takes it back."
    arguments = (
        Argument("provider", "whose price: the start of the name, or the id", positional=True),
        Argument(
            "hotel", "for which hotel, where there are several: the start of its name, or its id", positional=True
        ),
        Argument("none", "take the vote back", kind="flag"),
        OF_RUN,
        TRIP,
    )
    examples = ('roadcrew quote vote "Atlas Rooms" "Casa Azul"', "roadcrew quote vote --none --quote 2")

    def available(self, screen: TripScreen) -> bool:
        pane = quotes_pane(screen)
        return pane is not None and pane.choice is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.vote(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return await headless_quotes.vote(client, args)


class CancelQuote(QuoteCommand):
    id = "quote.cancel"
    keys = "x"
    title = "Stop this run"
    help = "Stops asking, after a question. Prices that have come stay."
    footer = "stop"
    sub = ("quote", "cancel")
    sub_help = "Stops asking; prices that have come stay. Who asked can, and the organiser."
    arguments = (RUN, TRIP)
    examples = ("roadcrew quote cancel", "roadcrew quote cancel 1 --json")

    def available(self, screen: TripScreen) -> bool:
        pane = quotes_pane(screen)
        return pane is not None and pane.may_cancel

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.cancel(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_quotes  # noqa: PLC0415 - for a fast start

        return await headless_quotes.cancel(client, args)


class ShowImports(QuoteCommand):
    id = "import.show"
    keys = "f"
    title = "Import hotels from a file"
    help = "Takes over hotels with their prices from a CSV or JSON file, and shows the imports of this trip."
    footer = "file"
    sub = ("import", "list")
    sub_help = "Lists the imports of a trip, by whom, and what came of them; the newest first."
    arguments = (TRIP,)
    examples = ("roadcrew import list", "roadcrew import list --trip Lisbon --json")

    def available(self, screen: TripScreen) -> bool:
        return quotes_pane(screen) is not None and "imports" in screen.crew_app.served

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.show_imports(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_imports  # noqa: PLC0415 - for a fast start

        return await headless_imports.imports(client, args)
