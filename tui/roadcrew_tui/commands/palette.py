"""The palette: what the present screen offers, found by a few letters."""

from __future__ import annotations

import re
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from roadcrew_tui import render
from roadcrew_tui.commands.base import Command, shown_key
from roadcrew_tui.screens.base import CommandScreen


def _begins(query: str, text: str) -> float:
    """1 when each word that was typed begins a word of the text, else 0."""
    words = [word.casefold() for word in re.findall(r"\w+", text)]
    typed = [word.casefold() for word in re.findall(r"\w+", query)]
    return float(bool(typed) and all(any(word.startswith(t) for word in words) for t in typed))


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
            score = _begins(query, command.title) * 3
            score = score or (1 + matcher.match(command.title) / 1000 if matcher.match(command.title) else 0)
            score = score or _begins(query, command.help) / 2
            if score > 0:
                yield Hit(
                    score,
                    render.ours(self._shown(command)),
                    partial(self.screen.start, command),  # type: ignore[attr-defined]
                    text=command.title,
                    help=command.help,
                )
