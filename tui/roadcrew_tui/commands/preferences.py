"""Actions about settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Command
from roadcrew_tui.host import HostPart
from roadcrew_tui.outside_editor import is_named

if TYPE_CHECKING:
    from roadcrew_tui.screens.own_keys import OwnKeysScreen
    from roadcrew_tui.screens.preferences import PreferencesScreen


class ResetSetting(Command):
    id = "settings.reset"
    keys = "d"
    title = "Back to the default"
    help = "Has what is under the cursor as if nobody had set it."
    group = "Everywhere"
    places = ("settings",)
    footer = "default"

    def available(self, screen: PreferencesScreen | OwnKeysScreen) -> bool:
        return screen.is_changed

    async def on_screen(self, screen: PreferencesScreen | OwnKeysScreen) -> None:
        screen.reset()


class EditSettings(Command):
    id = "settings.edit"
    keys = "e"
    title = "Edit the settings file"
    help = "Opens the settings file in your own editor; what is in it afterwards holds at once."
    group = "Everywhere"
    places = ("settings",)
    footer = "your editor"
    needs: ClassVar[frozenset[HostPart]] = frozenset(("files", "editor", "suspend"))

    def available(self, screen: PreferencesScreen | OwnKeysScreen) -> bool:
        return hasattr(screen, "edit") and is_named()

    async def on_screen(self, screen: PreferencesScreen) -> None:
        await screen.edit()
