"""One trip of the simulation: who created it lets the others in, and a witness reads its log from beginning to end.

The witness is a second terminal of whoever created the trip, and its network is never taken away.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from roadcrew_client import Client, Event, Gone, Reset
from roadcrew_domain.trip import Trip
from roadcrew_tui.simulation.ledger import Ledger
from roadcrew_tui.simulation.talker import Said

REMEMBERED = 5_000
"""Changes of which it is remembered when they were made, so that others can say how soon they saw them."""

BEGINS = 10.0
"""Seconds for which the others wait until the witness reads."""


class Actor(Protocol):
    """Who made a change."""

    @property
    def uncut(self) -> int | None:
        """A number that is the same for as long as their network holds; None while they are not in touch."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """A change: who made it, when (on the loop's clock), and their network then."""

    by: Actor
    at: float
    uncut: int | None

    @property
    def steady(self) -> bool:
        """Whether its maker's network has held since: if not, how long it took says nothing about the server."""
        return self.uncut is not None and self.by.uncut == self.uncut


class Crew:
    """A trip: known once somebody has created it."""

    def __init__(self, *, talks: bool = False) -> None:
        """`talks`: the server has talk."""
        self.talks = talks
        self.said = Said()
        self.trip_id = ""
        self.code = ""
        self.founded = asyncio.Event()
        self.ledger = Ledger()
        self.blind: str | None = None
        """Why the witness sees nothing any more."""
        self.client: Client | None = None
        self._made: OrderedDict[str, Made] = OrderedDict()
        self._witness: asyncio.Task[None] | None = None
        self._open = AsyncExitStack()
        self._grown = asyncio.Event()

    async def found(self, trip_id: str, code: str, witness: Client) -> None:
        """The trip is there; `witness` will read its log."""
        self.trip_id, self.code = trip_id, code
        self.client = await self._open.enter_async_context(witness)
        self._witness = asyncio.create_task(self._read(witness))
        await self.reads(0, BEGINS)  # so that it sees everything from the first joining on
        self.founded.set()

    async def opens(self, over: asyncio.Event) -> bool:
        """Wait until the trip is there, no longer than until `over`; whether it is."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (self.founded, over)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return self.founded.is_set()

    async def close(self) -> None:
        """Let go of the witness."""
        if self._witness is not None:
            self._witness.cancel()
            await asyncio.wait([self._witness])
        await self._open.aclose()

    def remember(self, command: str, made: Made) -> None:
        """Somebody makes a change."""
        self._made[command] = made
        if len(self._made) > REMEMBERED:
            self._made.popitem(last=False)

    def made(self, command: str) -> Made | None:
        """When it was made; None if it was no change of ours, or long ago."""
        return self._made.get(command)

    async def reads(self, seq: int, seconds: float) -> bool:
        """Wait until the witness has read that far; whether it has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.ledger.seq < seq and self.blind is None:
                    self._grown.clear()
                    await self._grown.wait()
        return self.ledger.seq >= seq

    async def _read(self, client: Client) -> None:
        try:
            async for item in client.events(self.trip_id):
                match item:
                    case Reset(state=Trip() as trip, seq=seq):
                        self.ledger.begin(seq, trip)
                    case Event():
                        self.ledger.log(item)
                    case Gone(reason=reason):
                        self.blind = f"the trip is gone: {reason}"
                self._grown.set()
        except Exception as error:  # noqa: BLE001 - whatever it is, the report says it
            self.blind = f"{type(error).__name__}: {error}"
            self._grown.set()
