"""Actions of the tab of quotes: ask for prices, once more too, vote for one, stop a run; and to imports of hotels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.trip import TripCommand

if TYPE_CHECKING:
    from roadcrew_tui.screens.quotes import QuotesPane
    from roadcrew_tui.screens.trip import TripScreen


class QuoteCommand(TripCommand):
    """An action of the tab of quotes."""

    group = "Quotes"
    places = ("quotes",)

    def available(self, screen: TripScreen) -> bool:
        return quotes_pane(screen) is not None


def quotes_pane(screen: TripScreen) -> QuotesPane | None:
    """The tab of quotes, while it is open."""
    if screen.trip is None or screen.tab != "quotes":
        return None
    from roadcrew_tui.screens.quotes import QuotesPane  # noqa: PLC0415 - for a fast start

    return next(iter(screen.query(QuotesPane)), None)


class NewQuote(QuoteCommand):
    id = "quote.new"
    keys = "n"
    title = "Ask for prices"
    help = "Asks all providers at once: for a stay in hotels of the shortlist, or for a vehicle."
    footer = "new"

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.new(screen)


class AskAgain(QuoteCommand):
    id = "quote.again"
    keys = "r"
    title = "Run it again"
    help = "Asks the same once more, and shows what has changed since: up, down, new, gone."
    footer = "run again"

    def available(self, screen: TripScreen) -> bool:
        pane = quotes_pane(screen)
        return pane is not None and pane.may_ask_again

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.again(screen)


class VoteForPrice(QuoteCommand):
    id = "quote.vote"
    keys = "space"
    title = "Vote for this price"
    help = "Votes for the price under the cursor; again takes the vote back. Everybody has one vote in each run."
    footer = "vote"

    def available(self, screen: TripScreen) -> bool:
        pane = quotes_pane(screen)
        return pane is not None and pane.choice is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.vote(screen)


class CancelQuote(QuoteCommand):
    id = "quote.cancel"
    keys = "x"
    title = "Stop this run"
    help = "Stops asking, after a question. Prices that have come stay."
    footer = "stop"

    def available(self, screen: TripScreen) -> bool:
        pane = quotes_pane(screen)
        return pane is not None and pane.may_cancel

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.cancel(screen)


class ShowImports(QuoteCommand):
    id = "import.show"
    keys = "f"
    title = "Import hotels from a file"
    help = "Takes over hotels with their prices from a CSV or JSON file, and shows the imports of this trip."
    footer = "file"

    def available(self, screen: TripScreen) -> bool:
        return quotes_pane(screen) is not None and "imports" in screen.crew_app.served

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens import quotes_actions  # noqa: PLC0415 - when it is used

        await quotes_actions.show_imports(screen)
