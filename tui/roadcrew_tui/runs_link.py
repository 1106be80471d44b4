"""The quote runs and imports that somebody looks at: followed as long as they do, and told as snapshots.

As link.py, it has two sides: screens call `look` on theirs, and the rest is done on the client's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from roadcrew_tui.client_thread import ClientThread
from roadcrew_tui.following import Signal
from roadcrew_tui.messages import RunChanged
from roadcrew_tui.snapshot import RunSnapshot, Status

if TYPE_CHECKING:
    from textual.message import Message

    from roadcrew_client import Client, LiveRun, RunChange


class RunsLink:
    """One run for each place of the screen that shows one."""

    def __init__(
        self, thread: ClientThread, say: Callable[[Message], None], opened: Callable[[], Client | None]
    ) -> None:
        self._thread = thread
        self._say = say
        self._opened = opened
        self._wanted: dict[str, str] = {}
        self._lives: dict[str, tuple[LiveRun, Callable[[], None]]] = {}
        self._turning: asyncio.Task[None] | None = None
        self._gone: dict[str, str] = {}
        """Why nothing more comes of some that are looked at."""
        self._away: Signal | None = None

    # --- for screens -----------------------------------------------------------------------------

    def look(self, place: str, name: str | None) -> None:
        """A place shows the run of this topic now (None: nothing). `RunChanged` comes as long as it does."""

        def run() -> None:
            if name is None:
                self._wanted.pop(place, None)
            else:
                self._wanted[place] = name
            if self._turning is None or self._turning.done():
                self._turning = asyncio.get_running_loop().create_task(self._turn())

        self._thread.soon(run)

    # --- on the client's thread ------------------------------------------------------------------

    async def forget_server(self) -> None:
        """The client is about to be closed; nothing there is looked at any more."""
        self._wanted.clear()
        if self._turning is not None:
            await asyncio.wait([self._turning])
        await self._turn()

    def signal(self, what: Signal) -> None:
        """Tell what the policy of syncing wants to know."""
        self._away = what if what in ("hidden", "suspended") else None
        for live, _ in self._lives.values():
            getattr(live, what)()

    async def _turn(self) -> None:
        """Until what is followed is what is looked at."""
        while (wanted := set(self._wanted.values())) != set(self._lives):
            for name in set(self._lives) - wanted:
                live, unlisten = self._lives.pop(name)
                unlisten()
                await live.stop()
                self._gone.pop(name, None)
            for name in wanted - set(self._lives):
                await self._begin(name)

    async def _begin(self, name: str) -> None:
        client = self._opened()
        if client is None:
            self._wanted.clear()
            return
        live = client.follow_run(name)
        if self._away is not None:
            getattr(live, self._away)()
        self._lives[name] = (live, live.listen(lambda change: self._tell(name, live, change)))
        await live.start()
        self._tell(name, live)

    def _tell(self, name: str, live: LiveRun, change: RunChange | None = None) -> None:
        if change is not None and change.kind == "gone":
            self._gone[name] = change.reason or "unknown"
        elif live.state is not None:
            self._gone.pop(name, None)
        status, ahead = Status(live.status.state, live.status.interval), live.server_now() - datetime.now(UTC)
        self._say(RunChanged(RunSnapshot(name, live.state, status, self._gone.get(name), ahead)))
