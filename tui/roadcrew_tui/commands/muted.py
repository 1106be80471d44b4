"""Actions on whom one does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Place
from roadcrew_tui.commands.comments import ItemCommand, part_of
from roadcrew_tui.commands.giving import ListMutedByWords, MuteByWords, UnmuteByWords

if TYPE_CHECKING:
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.muted import MutedScreen


class ShowMuted(ListMutedByWords):
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


class TurnMuted(UnmuteByWords):
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


class Mute(MuteByWords, ItemCommand):
    id = "talk.mute"
    keys = "M"
    title = "Mute who wrote this, or read them again"
    help = "Hides what they write from you alone, on all your terminals. They are not told."

    def available(self, screen: CommandScreen) -> bool:
        part = part_of(screen)
        return super().available(screen) and part is not None and part.item is not None and part.item.by != part.me

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.muted import turn_writer  # noqa: PLC0415 - when it is used

        part = part_of(screen)
        if part is not None and part.item is not None:
            await turn_writer(screen.crew_app, part.item.by, part.name_of(part.item))
