"""Actions on what one saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Command, Place
from roadcrew_tui.commands.giving import ListSavedByWords

if TYPE_CHECKING:
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.saved import SavedScreen


class ShowSaved(ListSavedByWords):
    id = "saved.show"
    keys = "B"
    title = "What you saved"
    help = "Lists the hotels, exhibitions, trips, posts and blogs that you saved. Nobody else sees it."
    group = "Talk"
    places: ClassVar[tuple[Place, ...]] = ("lobby", "trip", "place")

    def available(self, screen: CommandScreen) -> bool:
        return screen.crew_app.user is not None and "talk" in screen.crew_app.served

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.saved import SavedScreen  # noqa: PLC0415 - when it is opened

        await screen.app.push_screen(SavedScreen())


class TurnSaved(Command):
    id = "saved.turn"
    keys = "b"
    title = "Take it off the list"
    help = "Takes what is under the cursor off the list of what you saved; again puts it back."
    group = "Talk"
    places = ("saved",)
    footer = "save"

    def available(self, screen: SavedScreen) -> bool:
        return screen.thing is not None

    def footer_words(self, screen: SavedScreen) -> str:
        return "take off" if screen.is_saved else "put back"

    async def on_screen(self, screen: SavedScreen) -> None:
        await screen.turn()
