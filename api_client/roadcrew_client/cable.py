"""The cable between a client and its server, for who must be able to pull it out: a simulation, a test.

    cable = Cable()
    client = Client("https://plan.example.org", cable=cable)
    cable.unplug()

To the client that is a network that is gone: a call ends at once, a stream is cut, and the answer to a change that the
server has made already is lost. It stands in for no server and needs no proxy, so it works with any address. Not for
slow networks, nor for what TCP does by itself: the server sees a connection that was closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from roadcrew_client.errors import Unreachable


class Cable:
    """Plugged in to begin with. Belongs to one event loop; several clients may hang on one cable."""

    def __init__(self) -> None:
        self._plugged = True
        self._running: set[asyncio.Timeout] = set()

    @property
    def plugged(self) -> bool:
        """Whether anything gets through."""
        return self._plugged

    def unplug(self) -> None:
        """From now on nothing gets through, and what is under way is torn down."""
        self._plugged = False
        self.tear()

    def plug(self) -> None:
        """From now on everything gets through."""
        self._plugged = True

    def tear(self) -> None:
        """Tear down what is under way; what comes next gets through as before."""
        now = asyncio.get_running_loop().time()
        for running in self._running:
            running.reschedule(now)
        self._running.clear()

    @asynccontextmanager
    async def through(self) -> AsyncGenerator[None, None]:
        """What is done in this `with` goes through the cable. Raises `Unreachable` if nothing does, or once it is
        torn down."""
        if not self._plugged:
            raise Unreachable("no-connection", "The server can't be reached.")
        running = asyncio.timeout(None)
        try:
            async with running:
                self._running.add(running)
                try:
                    yield
                finally:
                    self._running.discard(running)
        except TimeoutError as error:
            if not running.expired():
                raise  # somebody else's, from inside
            raise Unreachable("cut", "The connection was cut.") from error
