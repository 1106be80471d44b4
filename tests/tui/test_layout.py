"""Every widget hears of its size, whatever is asked of the screen meanwhile."""

import pytest
from textual import events
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from roadcrew_tui.screens.dialog import Dialog


class Hears(Widget):
    """Knows only what it was told."""

    height = 0

    def on_resize(self, event: events.Resize) -> None:
        self.height = event.size.height


async def height_of_a_new_one(screen: Screen[None]) -> int:
    """How high a widget believes to be that was looked for between its mounting and the next layout."""
    async with App[None]().run_test() as pilot:
        await pilot.app.push_screen(screen)
        with pilot.app.batch_update():
            new = Hears()
            mounting = screen.mount(new)
            while not new.is_attached or not new._running:
                await pilot.pause(0)
            screen._compositor.update_widgets({new})  # as each refresh does it
            assert new.region.height
        await mounting
        await pilot.pause()
        return new.height


async def test_a_new_widget_hears_of_its_size_though_somebody_asked_where_it_is():
    assert await height_of_a_new_one(Dialog[None]()) == 24


@pytest.mark.xfail(strict=True, reason="Textualize/textual#5024; once it is mended, screens/layout.py can go")
async def test_in_a_screen_of_textual_s_own_it_does_not():
    assert await height_of_a_new_one(Screen[None]()) == 24
