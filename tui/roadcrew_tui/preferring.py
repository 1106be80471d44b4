"""What this person likes, as the app has it: kept in the settings file, and worn at once by what is on the screen.

Not for which settings there are (settings_model.py), nor for reading and writing their file (settings.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual import constants
from textual.filter import LineFilter, Monochrome, NoColor

from roadcrew_tui import settings as prefs
from roadcrew_tui import symbols, when
from roadcrew_tui.messages import NotKept
from roadcrew_tui.notices import CHOSEN
from roadcrew_tui.saying import Saying
from roadcrew_tui.screens.base import CommandScreen
from roadcrew_tui.settings import Settings, SettingsFile
from roadcrew_tui.themes import THEMES, look

if TYPE_CHECKING:
    from roadcrew_tui.keeping import Keeper
    from roadcrew_tui.link import Link

NO_COLOURS = NoColor()
SETTLED = 3.0
"""Seconds for what is to be kept of settings, before their file is read by others, or again."""


class Preferring(Saying):
    """`settings` are what holds; they are read when this is made."""

    keeper: Keeper
    link: Link

    def __init__(self) -> None:
        self.settings: Settings = prefs.load(self.folders)
        self._settings_file = SettingsFile(self.folders, self.settings)
        symbols.use(self.settings.symbols)
        when.use(self.settings.clock, self.settings.locale)
        super().__init__()
        for theme in THEMES.values():
            self.register_theme(theme)
        self.wear(self.settings.theme)
        if not self.settings.animations:
            self.animation_level = "none"

    # --- keeping ---------------------------------------------------------------------------------

    def change_settings(self, **changes: object) -> None:
        """Keep a choice; a disk that won't is told of, and the choice holds until the app ends."""
        now = prefs.changed(self.settings, **changes)
        if now != self.settings:
            self.settings = now
            self.keeper.do(self.folders.settings_file, lambda: self._keep_settings(now), self._not_kept)

    def _keep_settings(self, now: Settings) -> None:
        trouble = self._settings_file.keep(now)
        if trouble:
            self.post_message(NotKept(trouble))

    def _not_kept(self, error: OSError) -> None:
        self.post_message(NotKept(f"Your settings can't be kept: {error.strerror}."))

    async def settings_settled(self) -> None:
        """Wait until their file has all that was chosen, unless the disk takes long."""
        await asyncio.to_thread(self.keeper.settle, SETTLED)

    async def read_settings_again(self) -> None:
        """Have what the file says now, which somebody has edited; what is wrong with it is said."""
        await self.settings_settled()
        now = await asyncio.to_thread(prefs.load, self.folders)
        self._settings_file = SettingsFile(self.folders, now)
        self.settings = now
        self.set_now()
        if now.trouble:
            self.say(now.trouble, "warning")

    # --- wearing ---------------------------------------------------------------------------------

    def set_now(self, **changes: object) -> None:
        """Change settings as `change_settings` does, and have what changes on the screens at once."""
        self.change_settings(**changes)
        mine = self.settings
        self.wear(mine.theme)
        self.animation_level = constants.TEXTUAL_ANIMATIONS if mine.animations else "none"
        symbols.use(mine.symbols)
        when.use(mine.clock, mine.locale)
        self.link.pace(mine.poll_fastest, mine.poll_slowest)
        self.link.keeps(mine.keep_sign_in is not False)
        for screen in self.open_screens:
            if isinstance(screen, CommandScreen):
                screen.map_keys()
        self.redraw_all()

    def wear(self, name: str) -> None:
        """Have the look of this name."""
        self.register_theme(look(name))
        self.theme = name

    def get_line_filters(self) -> Sequence[LineFilter]:
        """As Textual has them. With `NO_COLOR` it chose greys before it knew our look, and of the terminal's own
        colours those make black on black."""
        filters = super().get_line_filters()
        if not (self.no_color and self.native_ansi_color):
            return filters
        return [NO_COLOURS if isinstance(each, Monochrome) else each for each in filters]

    def redraw_all(self) -> None:
        """Draw every screen anew."""
        for screen in self.open_screens:
            if hasattr(screen, "redraw") and screen.is_mounted:
                screen.redraw()

    @property
    def open_screens(self) -> list[Any]:
        """The screens, from the lowest; none while the app ends, when they are taken apart and answers still come."""
        return list(self.screen_stack) if self.is_running else []

    # --- one after the other ---------------------------------------------------------------------

    def next_look(self) -> None:
        """Dark, light, the terminal's own, and round again; any other is followed by dark."""
        at = prefs.LOOKS.index(self.theme) if self.theme in prefs.LOOKS else -1
        self.set_now(theme=prefs.LOOKS[(at + 1) % len(prefs.LOOKS)])

    def next_symbols(self) -> None:
        """Unicode or ASCII signs."""
        self.set_now(symbols="unicode" if self.settings.symbols == "ascii" else "ascii")

    def next_notices(self) -> None:
        """A bell, a notice on the desktop, nothing, and round again."""
        chosen = prefs.NOTICES[(prefs.NOTICES.index(self.settings.notices) + 1) % len(prefs.NOTICES)]
        self.change_settings(notices=chosen)
        self.say(CHOSEN[chosen])
