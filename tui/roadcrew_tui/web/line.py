"""The WebSocket to one page. Who is there no more is told nothing, and who takes nothing for long is hung up on, so
that no place, no process and no end of the site waits for anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aiohttp import WSCloseCode
from aiohttp.web import WebSocketResponse

from roadcrew_tui.web.heard import MOST_BYTES

HEARTBEAT = 15.0
CLOSE_SECONDS = 3.0
"""For a browser to hear why its page is closed, and as long again to say that it heard it."""
SLOW_SECONDS = 20.0
"""For a browser to take what is sent to it."""


class Line(WebSocketResponse):
    """`wire` is what the request came by."""

    def __init__(self, wire: asyncio.Transport | None) -> None:
        super().__init__(timeout=CLOSE_SECONDS, heartbeat=HEARTBEAT, max_msg_size=MOST_BYTES, compress=False)
        self._wire = wire

    async def draw(self, data: bytes) -> None:
        """What the app writes to a terminal."""
        with self._patience(SLOW_SECONDS):
            await self.send_bytes(data)

    async def say(self, kind: str, words: str) -> None:
        """A message of ours."""
        with self._patience(SLOW_SECONDS):
            await self.send_json([kind, words])

    async def end(self, words: str, code: int = WSCloseCode.OK) -> None:
        """Close it, and say why."""
        with self._patience(CLOSE_SECONDS):
            await self.send_json(["ended", words])
        await self.shut(code)

    async def shut(self, code: int) -> None:
        """Close it without a word."""
        with self._patience(CLOSE_SECONDS):
            await self.close(code=code)

    def hang_up(self) -> None:
        """What was not taken by now never is."""
        if self._wire is not None:
            self._wire.abort()

    @contextmanager
    def _patience(self, seconds: float) -> Iterator[None]:
        enough = asyncio.get_running_loop().call_later(seconds, self.hang_up)
        try:
            with suppress(ConnectionError):
                yield
        finally:
            enough.cancel()
