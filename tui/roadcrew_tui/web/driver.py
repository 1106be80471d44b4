"""How an app draws behind a page: Textual's driver for that, but it does not go on without anybody at the other end,
and does not pile up what comes faster than it can be taken."""

from __future__ import annotations

from asyncio import run_coroutine_threadsafe
from collections.abc import Iterator
from concurrent.futures import wait
from typing import Any

from textual import messages
from textual.drivers._input_reader import InputReader
from textual.drivers.web_driver import WebDriver
from textual.message import Message
from textual.message_pump import MessagePump

MOST_WAITING = 200
"""Keys, moves and sizes that the app has not come to; who says more waits, and so does the site, for a while."""
PAUSE = 0.02
MOST_UNHEARD = 1_000_000
"""Bytes that make no key: of something pasted that never ends, which is kept until it does."""


class BoundedReader(InputReader):
    """What comes in, until too much of it led to nothing."""

    unheard = 0

    def __iter__(self) -> Iterator[bytes]:
        for data in super().__iter__():
            self.unheard += len(data)
            if self.unheard > MOST_UNHEARD:
                return
            yield data


class VisitDriver(WebDriver):
    """It ends the app when its input ends, so nothing is left of a site that was killed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._input_reader = self._read = BoundedReader()

    def run_input_thread(self) -> None:
        """Read what the page says, until it says no more."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(messages.ExitApp())

    def process_message(self, message: Message) -> None:
        """Something was understood."""
        self._read.unheard = 0
        super().process_message(message)

    def send_message(self, message: Message) -> None:
        """Hand a key, or what the mouse did, to the app once it has come so far. Called by the thread that reads."""
        posted = run_coroutine_threadsafe(self._app._post_message(message), self._loop)
        while not posted.done() and not self.exit_event.is_set():
            wait([posted], PAUSE)
        self._keep_pace()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """What the site says besides: another size, whether somebody looks, that it is over."""
        super().on_meta(packet_type, payload)
        self._keep_pace()

    def _keep_pace(self) -> None:
        while sum(pump.message_queue_size for pump in self._busy()) > MOST_WAITING and not self.exit_event.wait(PAUSE):
            pass

    def _busy(self) -> Iterator[MessagePump]:
        """Those by whom a key goes."""
        yield self._app
        for screen in self._app.screen_stack[-1:]:
            yield screen
            if screen.focused is not None:
                yield screen.focused
