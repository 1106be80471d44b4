"""What the key for searching does: it asks for words, and goes to what was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from roadcrew_tui.screens.search import Search
from roadcrew_tui.screens.trip import TripScreen

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.screens.search_model import Thing


async def search(app: RoadcrewApp) -> None:
    """From wherever one is. What was said is looked through in the trip that is open."""
    here = next((screen for screen in reversed(app.screen_stack) if isinstance(screen, TripScreen)), None)
    thing = await app.push_screen_wait(Search(app, here))
    if thing is not None:
        # The app's, since the screen that asked may end on the way, and with it its own workers.
        app.run_worker(app.guarded(_go(app, thing)), group="commands")


async def _go(app: RoadcrewApp, thing: Thing) -> None:
    """To the trip that it is in, its tab, and its row."""
    if app.user is None:
        app.say("One moment: the server has not answered yet.")
        return
    shown = any(_is_of(screen, thing.trip_id) for screen in app.screen_stack)
    while len(app.screen_stack) > 1 and not (shown and _is_of(app.screen, thing.trip_id)):
        await app.pop_screen()
    if isinstance(app.screen, TripScreen):
        app.screen.show_tab(thing.tab or "overview", thing.thing or None)
    else:
        await app.push_screen(TripScreen(thing.trip_id, goes_to=(thing.tab, thing.thing) if thing.tab else None))


def _is_of(screen: Screen[object], trip_id: str) -> bool:
    return isinstance(screen, TripScreen) and screen.trip_id == trip_id
