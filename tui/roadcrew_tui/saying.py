"""What the app tells its person beside its screens: toasts, the terminal's title, its clipboard, what is printed below
the screen, and the last words after a fault.

Not for notices while somebody looks away: notices.py says what is in those.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import App, SuspendNotSupported
from textual.notifications import Notify

from roadcrew_tui import host, plain
from roadcrew_tui.messages import NotKept

if TYPE_CHECKING:
    from roadcrew_tui.host import Host
    from roadcrew_tui.notices import Notices
    from roadcrew_tui.settings import Folders

MOST_TOASTS = 3


class Saying(App[str]):
    """`shared` is what was sent to the clipboard last, to be printed where that did not work."""

    folders: Folders
    host: Host
    notices: Notices

    def __init__(self) -> None:
        super().__init__()
        self.shared: str | None = None
        self._window_title = "Roadcrew"
        self._farewell = ""

    # --- toasts ----------------------------------------------------------------------------------

    def say(self, words: str, severity: str = "information", *, seconds: float | None = None) -> None:
        """A toast. The only way to one: it never reads markup. What is still there is not there twice: it is the last
        one now."""
        told = plain.safe(self.host.told(words))
        for former in [shown for shown in self._notifications if shown.message == told]:
            self._unnotify(former)
        self.notify(
            told,
            severity=severity,  # type: ignore[arg-type]
            timeout=seconds,
            markup=False,
        )

    def on_notify(self, _: Notify) -> None:
        """Room for one more: the oldest goes, news before warnings."""
        shown = sorted(self._notifications, key=lambda n: (n.severity != "information", n.raised_at))
        for old in shown[: max(0, len(shown) + 1 - MOST_TOASTS)]:
            self._unnotify(old, refresh=False)

    @on(NotKept)
    def _told_not_kept(self, event: NotKept) -> None:
        self.say(event.words, "warning")

    # --- the terminal ----------------------------------------------------------------------------

    def window_title(self, trip: object = None, needs: int = 0) -> None:
        """Say in the terminal's title which trip this is and how many things need me."""
        words = plain.sentence("{trip} - Roadcrew", trip=trip) if trip is not None else "Roadcrew"
        self._window_title = f"({needs}) {words}" if needs else words
        self.title_again()

    def title_again(self) -> None:
        """The title as it is to be now: a notice stands before it until somebody looks."""
        notice = self.notices.words
        self.send_terminal(f"\x1b]2;{f'* {notice} - Roadcrew' if notice else self._window_title}\x07")

    def send_terminal(self, sequence: str) -> None:
        """What a terminal obeys and does not draw. Of people's words only what `render` has cleaned may be in it."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def copy(self, text: str) -> None:
        """To the clipboard by OSC 52; nobody can know whether it arrived."""
        self.copy_to_clipboard(text)

    def share(self, text: str) -> None:
        """To the clipboard, with a way out when that did not work."""
        self.shared = text
        self.copy(text)
        self.say("Sent to your clipboard. If pasting fails, press p to print it.", seconds=8)

    def print_below(self, text: str) -> None:
        """Leave the screen for a moment and print, for terminals whose clipboard can't be reached. Whoever can't leave
        it sees the text on it."""
        if not self.host.lends("suspend") or self._driver is None or not self._driver.can_suspend:
            from roadcrew_tui.screens.shown_text import ShownText  # noqa: PLC0415 - seldom

            self.push_screen(ShownText(text))
            return
        with self.suspend():
            sys.stdout.write(f"\n{text}\n\nPress enter to go back. ")
            sys.stdout.flush()
            sys.stdin.readline()

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """As Textual has it; raises `SuspendNotSupported` also for visitors, who would be at the host's shell.

        What goes wrong meanwhile is raised when the screen is back: Textual would leave the terminal as it is then.
        """
        if not self.host.lends("suspend"):
            raise SuspendNotSupported(host.refusal("suspend"))
        failed: BaseException | None = None
        with super().suspend():
            try:
                yield
            except BaseException as error:  # noqa: BLE001 - also ctrl+c; raised again below
                failed = error
        if failed is not None:
            raise failed

    def action_suspend_process(self) -> None:
        """Likewise."""
        if self.host.lends("suspend"):
            super().action_suspend_process()

    # --- a fault of ours -------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """Textual would print the traceback with all locals, and passwords are among them."""
        from roadcrew_tui.faults import keep_traceback  # noqa: PLC0415 - let us hope never

        self._farewell = self.host.told(keep_traceback(self.folders.state, self._exception))
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:
        """Nor what an error draws of itself."""
        self._fatal_error()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
        if self._farewell:
            self.error_console.print(self._farewell, markup=False, highlight=False, soft_wrap=True)
            self._farewell = ""
