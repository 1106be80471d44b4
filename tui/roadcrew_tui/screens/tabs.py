"""The tabs of a trip: which there are, their keys, and what a server must serve for them to be seen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from roadcrew_tui.screens.pane import Pane

TITLES = {
    "overview": "Overview",
    "polls": "Polls",
    "hotels": "Hotels",
    "quotes": "Quotes",
    "book": "Book",
    "talk": "Talk",
}
"""In the order of their keys, 1 to 6. Others may look at one that this terminal or this server does not have."""


@dataclass(frozen=True)
class Tab:
    """`feature` is what the server calls it. `pane` is `module:class`, imported when the tab is opened."""

    id: str
    feature: str
    pane: str

    @property
    def number(self) -> int:
        """Its key: the same, whichever other tabs there are."""
        return list(TITLES).index(self.id) + 1

    @property
    def title(self) -> str:
        return TITLES[self.id]

    def pane_class(self) -> type[Pane]:
        module, name = self.pane.split(":")
        return cast("type[Pane]", getattr(import_module(module), name))


TABS = (
    Tab("overview", "overview", "roadcrew_tui.screens.overview:OverviewPane"),
    Tab("polls", "polls", "roadcrew_tui.screens.polls:PollsPane"),
    Tab("hotels", "hotels", "roadcrew_tui.screens.hotels:HotelsPane"),
    Tab("quotes", "quotes", "roadcrew_tui.screens.quotes:QuotesPane"),
    Tab("book", "book", "roadcrew_tui.screens.book:BookPane"),
    Tab("talk", "talk", "roadcrew_tui.screens.talk:TalkPane"),
)
FIRST = TABS[0]
"""The tab that a trip begins with, and that is always there."""
PARTS = {"imports": "quotes"}
"""What a server may serve besides, or alone, and the tab that it is a part of."""
UNTIL_KNOWN = frozenset(("overview", "polls", "hotels"))
"""What every server serves, as long as one has not said what it does."""


def served(features: Collection[str]) -> list[Tab]:
    """The tabs for what a server serves."""
    wanted = {*features, *(PARTS[part] for part in features if part in PARTS)}
    return [tab for tab in TABS if tab is FIRST or tab.feature in wanted]


def known(features: Collection[str]) -> frozenset[str]:
    """Of what a server says that it serves, what there is a tab for, or a part of one. The rest is for later versions,
    or not meant."""
    return frozenset(tab.feature for tab in TABS if tab.feature in features) | PARTS.keys() & features


def import_all() -> None:
    """Import the screen of a trip and all its tabs, before somebody waits for it."""
    import_module("roadcrew_tui.screens.trip")
    for tab in TABS:
        tab.pane_class()
