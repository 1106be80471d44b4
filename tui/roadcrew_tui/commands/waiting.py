"""Actions on the changes that wait to be sent: look, drop, send what is old, dismiss what was refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from roadcrew_tui.commands.base import Args, Argument, Command, Place

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.waiting import WaitingScreen

CHANGES = Argument("change", "which: its id, or the start or end of it", many=True, positional=True)


class ShowWaiting(Command):
    id = "waiting.show"
    keys = "w"
    title = "Waiting changes"
    help = "Shows what you did that the server has not answered yet, or has not accepted; there you can drop it."
    group = "Everywhere"
    places = ("lobby", "trip")
    sub = ("waiting", "list")
    sub_help = "Lists your changes that wait to be sent to a server, and those that it did not accept."
    examples = ("roadcrew waiting list", "roadcrew waiting list --json")

    def footer_words(self, screen: CommandScreen) -> str:
        tally = screen.crew_app.tally
        if tally is None or tally.needing:
            return "" if tally is None else "needs you"
        # In a trip, what is just on its way is marked where it stands.
        held = getattr(screen, "snapshot", None)
        return "waiting" if (tally.waiting if held is None else held.status.waiting) else ""

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.waiting import WaitingScreen  # noqa: PLC0415 - when it is opened

        await screen.app.push_screen(WaitingScreen())

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import outbox  # noqa: PLC0415 - for a fast start

        return await outbox.listed(client)


class WaitingCommand(Command):
    """About the change under the cursor."""

    group = "Waiting changes"
    places: ClassVar[tuple[Place, ...]] = ("waiting",)


class Send(WaitingCommand):
    id = "waiting.send"
    keys = "s"
    title = "Send it all the same"
    help = "Sends a change that is more than a day old, or all of these."
    footer = "send"
    sub = ("waiting", "send")
    sub_help = (
        "Sends what waits, and waits for the answers. Old changes are sent if they are named, or with --old; what a "
        "running app has in hand is left to it."
    )
    arguments = (CHANGES, Argument("old", "those that are more than a day old too", kind="flag"))
    examples = ("roadcrew waiting send", "roadcrew waiting send --old --json")

    def available(self, screen: WaitingScreen) -> bool:
        return screen.entry is not None and screen.entry.state == "asks"

    async def on_screen(self, screen: WaitingScreen) -> None:
        await screen.send()

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import outbox  # noqa: PLC0415 - for a fast start

        return await outbox.sent(client, args.get("change") or (), old=bool(args.get("old")))

    def failed(self, result: Any) -> Exception | None:
        from roadcrew_tui.commands import outbox  # noqa: PLC0415 - for a fast start

        return outbox.not_sent(result)


class Drop(WaitingCommand):
    id = "waiting.drop"
    keys = "d,delete"
    title = "Drop it"
    help = "Sends a change no more, nor what makes no sense without it; or takes one off the list that was refused."
    footer = "drop"
    sub = ("waiting", "drop")
    arguments = (replace(CHANGES, required=True), Argument("yes", "do not ask", kind="flag"))
    asks = "Drop these changes, and what makes no sense without them? They will not be sent."
    examples = ("roadcrew waiting drop 5675eca7", "roadcrew waiting drop 5675eca7 --yes --json")

    def available(self, screen: WaitingScreen) -> bool:
        return screen.entry is not None

    def footer_words(self, screen: WaitingScreen) -> str:
        entry = screen.entry
        return "dismiss" if entry is not None and entry.state in ("refused", "unreadable") else self.footer

    async def on_screen(self, screen: WaitingScreen) -> None:
        await screen.drop()

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import outbox  # noqa: PLC0415 - for a fast start

        return await outbox.dropped(client, args["change"])


class DismissRefused(WaitingCommand):
    id = "waiting.dismiss"
    keys = "D"
    title = "Dismiss all that were not accepted"
    help = "Takes all changes off the list that the server did not accept."
    footer = "dismiss all"
    sub = ("waiting", "dismiss")
    examples = ("roadcrew waiting dismiss --json",)

    def available(self, screen: WaitingScreen) -> bool:
        return sum(e.state == "refused" for e in screen.entries) > 1

    async def on_screen(self, screen: WaitingScreen) -> None:
        await screen.dismiss_refused()

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import outbox  # noqa: PLC0415 - for a fast start

        return await outbox.dismissed(client)
