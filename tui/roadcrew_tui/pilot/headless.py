"""The app behind Textual's headless driver, as a terminal. No pseudo-terminal, no other process, and nothing is written
anywhere: what would be painted is kept.

Keys come as the bytes that a terminal sends, through Textual's own parser, so that a key is here what it is there. Not
for tapes, nor for who the person is: that is in the environment, as for the true command.
"""

from __future__ import annotations

import asyncio
import contextlib
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from textual._compositor import LayoutUpdate
from textual._xterm_parser import XTermParser
from textual.pilot import Pilot

from roadcrew_tui import app as the_app
from roadcrew_tui.pilot import picture
from roadcrew_tui.pilot.keys import key_bytes
from roadcrew_tui.pilot.terminal import Ended, Screen

START_SECONDS = 30.0
CLOSE_SECONDS = 5.0
TURNS = 20
"""How many turns a key may take before it is said to be dealt with: other people's news may keep the app busy."""
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"


class KeptApp(the_app.RoadcrewApp):
    """The app. Instead of being written to a terminal, what is painted is kept, also when the app has ended."""

    # A sheet is looked for beside the class that asks for it.
    CSS_PATH = [Path(the_app.__file__).parent / sheet for sheet in the_app.RoadcrewApp.CSS_PATH]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.seen: LayoutUpdate | None = None
        self.cursor_row = 0
        self.painted = asyncio.Event()

    def post_display_hook(self) -> None:
        """Textual has painted: see all of it, the screens behind a form included."""
        if self._batch_count:
            return
        seen = self.screen._compositor.render_update(full=True, screen_stack=self._background_screens, simplify=True)
        self.seen = seen if isinstance(seen, LayoutUpdate) else None
        self.cursor_row = self.cursor_position.y
        self.painted.set()

    @property
    def lines(self) -> tuple[str, ...]:
        """The last paint."""
        strips = self.seen.strips if self.seen is not None else []
        return tuple("".join(part.text for part in line).rstrip() for line in strips)

    def picture(self) -> str:
        """The last paint as SVG."""
        lines = self.seen.strips if self.seen is not None else []
        return picture.svg(map(chain.from_iterable, lines), self.size.width, self.size.height, self.TITLE or "")


class HeadlessTerminal:
    """A `Terminal`."""

    def __init__(self, columns: int, rows: int) -> None:
        self._size = (columns, rows)
        self._app = KeptApp()
        self._open = contextlib.ExitStack()
        self._pilot: Pilot[object] | None = None
        self._running: asyncio.Task[str | None] | None = None

    async def __aenter__(self) -> Self:
        """Start the app and wait for its first screen. Raises `Ended`."""
        ready = asyncio.Event()

        async def begin(pilot: Pilot[object]) -> None:
            self._pilot = pilot
            ready.set()

        work = self._app.run_async(headless=True, size=self._size, auto_pilot=begin)
        self._running = asyncio.create_task(work, name="app")
        begun = asyncio.create_task(ready.wait())
        await asyncio.wait({begun, self._running}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if not ready.is_set():
            await self._close()
            raise Ended(self._how())
        self._open.enter_context(self._app._context())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave, as `q` in the lobby does: others see at once that we are gone."""
        self._open.close()
        await self._close()

    async def _close(self) -> None:
        if self._running is not None and not self._running.done():
            self._app.exit()
            await asyncio.wait({self._running}, timeout=CLOSE_SECONDS)
            self._running.cancel()

    def _alive(self) -> asyncio.Task[str | None]:
        if self._running is None or self._running.done() or not self._app.is_running:
            raise Ended(self._how())
        return self._running

    def _how(self) -> str:
        if self._app.return_value == "demo":
            return "Roadcrew has ended to show the demo, which only a real terminal can: play the tape with --pty."
        if self._app.return_code:
            return "Something went wrong in Roadcrew, and it had to stop."
        return "Roadcrew has ended."

    async def press(self, key: str) -> None:
        """Press a key, and wait until no widget has anything left to do."""
        await self._send(key_bytes(key).decode())

    async def paste(self, text: str) -> None:
        """Paste in one piece."""
        await self._send(f"{PASTE_BEGINS}{text}{PASTE_ENDS}")

    async def _send(self, data: str) -> None:
        running = self._alive()
        parser = XTermParser()
        for event in (*parser.feed(data), *parser.feed("")):  # the empty one: nothing follows
            self._app.post_message(event)
        for _ in range(TURNS):
            turn = asyncio.create_task(self._turn())
            await asyncio.wait({turn, running}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():  # nobody is there any more to take it
                turn.cancel()
                return
            if turn.result():
                return

    async def _turn(self) -> bool:
        """Let everybody do what has come to them so far. Whether nobody has anything left."""
        if self._pilot is None or not self._app.screen_stack:
            return True
        await self._pilot.pause(0)
        if not self._app.screen_stack:
            return True
        return not any(pump.message_queue_size for pump in (self._app, *self._app.screen.walk_children(with_self=True)))

    async def changed(self, seconds: float) -> bool:
        """Wait for the next paint."""
        running = self._alive()
        painted = asyncio.create_task(self._app.painted.wait())
        await asyncio.wait({painted, running}, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        painted.cancel()
        if not painted.done():
            self._alive()
            return False
        self._app.painted.clear()
        return True

    def screen(self) -> Screen:
        """What was painted last."""
        return Screen(self._app.lines, self._app.cursor_row)

    def svg(self) -> str:
        """That as a picture."""
        return self._app.picture()

    @property
    def copied(self) -> str | None:
        """Textual keeps what it sends to a clipboard."""
        return self._app.clipboard or None
