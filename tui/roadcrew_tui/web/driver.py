"""How an app draws behind a page: Textual's driver for that, but it does not go on without anybody at the other end."""

from __future__ import annotations

from textual import messages
from textual.drivers.web_driver import WebDriver


class VisitDriver(WebDriver):
    """It ends the app when its input ends, so nothing is left of a site that was killed."""

    def run_input_thread(self) -> None:
        """Read what the page says, until it says no more."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(messages.ExitApp())
