"""Actions about the link to the server: look at it, copy what is seen. No sub-command: that is `roadcrew doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Command

if TYPE_CHECKING:
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.inspector import InspectorScreen


class ShowConnection(Command):
    id = "connection.show"
    keys = "I"
    title = "How am I connected?"
    help = "Shows how news comes from the server and how fast it answers, what came last, and what went wrong."
    group = "Everywhere"
    places = ("lobby", "trip")

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.inspector import InspectorScreen  # noqa: PLC0415 - when it is opened

        await screen.app.push_screen(InspectorScreen())


class CopyReport(Command):
    id = "connection.copy"
    keys = "c"
    title = "Copy a report"
    help = "Puts what is seen here to your clipboard, for a report of a fault; no token, code or name is in it."
    group = "Everywhere"
    places = ("connection",)
    footer = "copy report"

    def available(self, screen: InspectorScreen) -> bool:
        return screen.inspection is not None

    async def on_screen(self, screen: InspectorScreen) -> None:
        screen.copy_report()


class PrintReport(Command):
    id = "connection.print"
    keys = "p"
    title = "Print the report"
    help = "Leaves the screen for a moment and prints what was copied, for terminals without a clipboard."
    group = "Everywhere"
    places = ("connection",)

    def available(self, screen: InspectorScreen) -> bool:
        return screen.copied

    async def on_screen(self, screen: InspectorScreen) -> None:
        screen.crew_app.print_below(screen.crew_app.shared or "")
