"""The server at which tapes are played, with its price-monitor. Not for when it is stopped: tapes say that."""

from __future__ import annotations

import asyncio
from pathlib import Path

from roadcrew_tui.demo import ENVIRONMENT, OFFERED
from roadcrew_tui.pilot.player import Missed
from roadcrew_tui.serving import CantServe, OwnMonitor, OwnServer

UNLIMITED = {**ENVIRONMENT, "ROADCREW_REQUESTS_PER_USER": "1000000/minute"}
"""All terminals come from one address, and type faster than people."""


class Venue:
    """The server at which the tapes play: the pilot's own, which they may stop and start, or one that is there."""

    def __init__(self, address: str | None, folder: Path) -> None:
        self._address = address
        self._monitor = OwnMonitor(folder)
        self._own = OwnServer(["--port", "0", "--store", f"sqlite:///{folder / 'pilot.db'}", *OFFERED], UNLIMITED)
        self._starting: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._wanted = True

    async def __aenter__(self) -> Venue:
        """Begin to start it. `address` waits for it."""
        if self._address is None:
            self._starting = asyncio.create_task(asyncio.to_thread(self._start))
        return self

    def _start(self) -> None:
        self._monitor.start()
        self._own.environment.update(self._monitor.known_as)
        self._own.start()

    async def __aexit__(self, *_: object) -> None:
        """Nobody is left who would mind: it is not asked."""
        if self._starting is not None:
            await asyncio.wait({self._starting})
            await asyncio.to_thread(self._own.kill)
            await asyncio.to_thread(self._monitor.kill)

    async def address(self) -> str:
        """Where it is. Raises `CantServe`."""
        if self._starting is not None:
            await asyncio.shield(self._starting)
        return self._address or self._own.url

    async def do(self, action: str) -> None:
        """Stop, kill or start it. Raises `Missed`."""
        async with self._one_at_a_time:
            if self._wanted is (action == "start"):
                raise Missed(f"The server {'runs already' if self._wanted else 'is not running'}.")
            self._wanted = action == "start"
            calls = {"stop": self._own.stop, "kill": self._own.kill, "start": self._own.start}
            try:
                await asyncio.to_thread(calls[action])
            except CantServe as error:
                raise Missed(f"The server did not start: {error}") from None

    def trouble(self) -> str | None:
        """What there is to say of a server that ended though nobody wanted it to."""
        if self._starting is None or not self._wanted or self._own.runs():
            return None
        return f"The pilot's server ended by itself. {self._own.said()}".strip()
