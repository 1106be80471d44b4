"""One person's network as the plan has it: there, gone, or so bad that no connection holds. The server never knows."""

from __future__ import annotations

import asyncio

from roadcrew_client import Cable

TEARING = (0.15, 0.3, 0.45)
"""Seconds for which connections hold in a bad network, in turn: each is a short close to the client's policy."""


class Network:
    """Good to begin with. `cable` is for the client."""

    def __init__(self) -> None:
        self.cable = Cable()
        self.cuts = 0
        """How often it was lost or went bad."""
        self._weather: asyncio.Task[None] | None = None

    @property
    def good(self) -> bool:
        """Whether everything gets through."""
        return self.cable.plugged and self._weather is None

    def lose(self) -> None:
        """Nothing gets through."""
        self.cuts += 1
        self.cable.unplug()

    def worsen(self) -> None:
        """Everything gets through, and is cut before long."""
        self.cuts += 1
        self._weather = asyncio.create_task(self._tear())

    def mend(self) -> None:
        """Be good again."""
        if self._weather is not None:
            self._weather.cancel()
            self._weather = None
        self.cable.plug()

    async def _tear(self) -> None:
        while True:
            for seconds in TEARING:
                await asyncio.sleep(seconds)
                self.cable.tear()
