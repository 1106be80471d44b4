"""Actions on whom one does not read. As sub-commands they are among those of talk."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Command, Place

if TYPE_CHECKING:
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.muted import MutedScreen


class ShowMuted(Command):
    id = "muted.show"
    title = "People whom you do not read"
    help = "Lists those whom you muted, on all your terminals; there you can read them again."
    group = "Talk"
    places: ClassVar[tuple[Place, ...]] = ("lobby", "trip", "place")

    def available(self, screen: CommandScreen) -> bool:
        return screen.crew_app.user is not None and "talk" in screen.crew_app.served

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.muted import MutedScreen  # noqa: PLC0415 - when it is opened

        await screen.app.push_screen(MutedScreen())


class TurnMuted(Command):
    id = "muted.turn"
    keys = "u"
    title = "Read them again"
    help = "Shows you what somebody writes again; once more hides it."
    group = "Talk"
    places = ("muted",)

    def available(self, screen: MutedScreen) -> bool:
        return screen.person is not None

    async def on_screen(self, screen: MutedScreen) -> None:
        await screen.turn()
