"""What runs behind one page: the app, as a visitor, spoken to over pipes. terminal.py starts it, perhaps with an
invite, in an environment made from nothing. It ends when its input does, so nothing is left of a site that was killed.
"""

from __future__ import annotations

import sys

from textual import messages
from textual.drivers.web_driver import WebDriver


class VisitDriver(WebDriver):
    """Textual's own, but it does not go on without anybody at the other end."""

    def run_input_thread(self) -> None:
        """Read what the page says, until it says no more."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(messages.ExitApp())


def main() -> int:
    """Open the app, with an invite if there is one. Returns the exit status."""
    from roadcrew_tui.app import RoadcrewApp  # noqa: PLC0415 - this module is imported by the app's driver too

    RoadcrewApp(invite=sys.argv[1] if len(sys.argv) > 1 else None).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
