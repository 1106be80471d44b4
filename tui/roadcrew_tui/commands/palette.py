"""The palette: what the present screen offers, found by a few letters."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from roadcrew_tui import render
from roadcrew_tui.commands.base import Command, shown_key
from roadcrew_tui.screens.base import CommandScreen


class Palette(Provider):
    """Entries are our own words; what people called things is not among them."""

    def _offered(self) -> list[Command]:
        screen = self.screen
        offered = screen.offered() if isinstance(screen, CommandScreen) else []
        # What belongs to the tab comes before what belongs to the whole trip.
        return sorted(offered, key=lambda c: "trip" in c.places)

    def _shown(self, command: Command) -> str:
        key = shown_key(command.keys)
        return f"{command.title}  ({key})" if key else command.title

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for command in self._offered():
            yield DiscoveryHit(
                render.ours(self._shown(command)),
                partial(self.screen.start, command),  # type: ignore[attr-defined]
                text=command.title,
                help=command.help,
            )

    async def search(self, query: str) -> Hits:
        """What the letters fit."""
        matcher = self.matcher(query)
        for command in self._offered():
            score = max(matcher.match(command.title), matcher.match(command.help) * 0.6)
            if score > 0:
                yield Hit(
                    score,
                    render.ours(self._shown(command)),
                    partial(self.screen.start, command),  # type: ignore[attr-defined]
                    text=command.title,
                    help=command.help,
                )
