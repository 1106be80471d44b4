"""Sends the pending commands of one trip: in order, one at a time, each under its own id until it is answered.

No limit on how long that takes; they wait in memory. Not for painting them, nor for what an answer means to a copy.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Protocol

from roadcrew_client.changes import SendState
from roadcrew_client.context import Context
from roadcrew_client.errors import NotSignedIn, RoadcrewError, SessionNotReady, TooManyRequests
from roadcrew_client.models import Answer, read_answer
from roadcrew_client.retry import is_passing
from roadcrew_client.routes import call_of
from roadcrew_client.sync.policy import jittered
from roadcrew_domain.trip import Command

logger = logging.getLogger(__name__)


class Desk(Protocol):
    """Who gave the commands."""

    def still_wanted(self, command: str) -> bool:
        """False once the command's event has arrived by another way."""
        ...

    def sending(self, command: str, state: SendState, error: RoadcrewError | None) -> None:
        """It is on its way, or waits for its turn or for better times."""
        ...

    def accepted(self, command: str, answer: Answer, seconds: float) -> None:
        """The server took it; the answer took that long."""
        ...

    def refused(self, command: str, error: RoadcrewError) -> None:
        """The server did not, for good."""
        ...


class Sender:
    """`run` is the task to start and to cancel."""

    def __init__(self, context: Context, trip_id: str, desk: Desk) -> None:
        self._context = context
        self._trip_id = trip_id
        self._desk = desk
        self._queue: deque[Command] = deque()
        self._more = asyncio.Event()
        self._kicked = asyncio.Event()

    def put(self, command: Command) -> None:
        """Send this after all before it."""
        self._queue.append(command)
        self._more.set()

    def kick(self) -> None:
        """The server has answered somebody: no use in waiting on."""
        self._kicked.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            while not self._queue:
                self._more.clear()
                await self._more.wait()
            await self._send(self._queue[0])
            self._queue.popleft()

    async def _send(self, command: Command) -> None:
        call = call_of(self._trip_id, command.act)
        tries = 0
        while self._desk.still_wanted(command.id):
            self._desk.sending(command.id, "sending", None)
            self._kicked.clear()
            started = self._context.clock.monotonic()
            try:
                headers = {"Idempotency-Key": command.id}
                reply = await self._context.session.call("POST", call.path, body=call.body, headers=headers)
                answer = read_answer(reply.body)
            except RoadcrewError as error:
                if not self._may_pass(error):
                    self._desk.refused(command.id, error)
                    return
                failed = error
            except Exception as error:
                # The command is kept, whatever happened: losing it silently is worse than sending it twice.
                logger.exception("sending failed in a way that nobody foresaw")
                failed = RoadcrewError("client-trouble", f"{type(error).__name__}: {error}"[:300])
            else:
                self._desk.accepted(command.id, answer, self._context.clock.monotonic() - started)
                return
            self._desk.sending(command.id, "waiting", failed)
            await self._wait(failed, tries)
            tries += 1

    @staticmethod
    def _may_pass(error: RoadcrewError) -> bool:
        return is_passing(error) or isinstance(error, NotSignedIn | SessionNotReady) or not error.certain

    async def _wait(self, error: RoadcrewError, tries: int) -> None:
        if isinstance(error, NotSignedIn) and error.certain:
            await self._kicked.wait()
            return
        delay = jittered(tries, self._context.chance(), self._context.settings)
        if isinstance(error, TooManyRequests) or error.retry_after is not None:
            await self._context.clock.sleep(max(delay, error.retry_after or 0.0))
            return
        sleep = asyncio.ensure_future(self._context.clock.sleep(delay))
        kick = asyncio.ensure_future(self._kicked.wait())
        try:
            await asyncio.wait({sleep, kick}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            kick.cancel()
