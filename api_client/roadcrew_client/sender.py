"""Sends the pending commands of one topic: in order, one at a time, each under its own id until it is answered.

No limit on how long that takes. Where there is an outbox, nothing is sent before it is kept there, and nothing that was
dropped there meanwhile. Not for painting them, nor for what an answer means to a copy.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from roadcrew_client.changes import KeptIn, Refusal, SendState
from roadcrew_client.context import Context
from roadcrew_client.errors import (
    NotSignedIn,
    RoadcrewError,
    ServerTrouble,
    SessionNotReady,
    TooManyRequests,
    Unreachable,
)
from roadcrew_client.models import Answer, read_answer
from roadcrew_client.retry import is_passing
from roadcrew_client.routes import Call
from roadcrew_client.sync.backoff import after_a_cut, after_no_answer

if TYPE_CHECKING:
    from roadcrew_client.transport import Reply

logger = logging.getLogger(__name__)

DROPPED = RoadcrewError("dropped", "You took that back before it was sent.")
TOO_OLD = RoadcrewError("too-old", "That is more than a day old. It is sent when you say so.")


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

    def set_aside(self, command: str, why: RoadcrewError) -> None:
        """It was not sent: somebody dropped it from the outbox, or it waits there to be asked about."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A command on its way. `kept`: where the outbox keeps one that was just made, at `made` on the clock's own scale;
    None: it keeps it since long (`held`), as its `number`-th, or not at all."""

    command: str
    call: Call
    kept: asyncio.Future[KeptIn] | None = None
    made: float | None = None
    held: bool = False
    number: float = math.inf


class Sender:
    """`run` is the task to start and to cancel."""

    def __init__(self, context: Context, desk: Desk) -> None:
        self._context = context
        self._desk = desk
        self._queue: list[Job] = []
        self._busy = False
        """With the first of the queue."""
        self._more = asyncio.Event()
        self._kicked = asyncio.Event()
        self._call: asyncio.Timeout | None = None
        self._hurried = False

    def put(self, job: Job) -> None:
        """Send this after all before it."""
        self._queue.append(job)
        self._more.set()

    def put_in_order(self, jobs: Iterable[Job]) -> None:
        """Send these, which the outbox has held since long, each after those with a smaller number and before all that
        were made here. The one that is on its way stays the first."""
        self._queue[self._busy :] = sorted([*jobs, *self._queue[self._busy :]], key=lambda job: job.number)
        self._more.set()

    def withdraw(self, commands: Collection[str]) -> None:
        """These are not wanted any more, and the desk knows; one that is on its way may arrive all the same."""
        first = self._queue[: self._busy]
        self._queue[self._busy :] = [job for job in self._queue[self._busy :] if job.command not in commands]
        if any(job.command in commands for job in first):
            self.kick()

    def kick(self) -> None:
        """The server has answered somebody: no use in waiting on. What is on its way has a moment more, once: its
        connection may be one that died in an outage."""
        self._kicked.set()
        if not self._hurried:
            self._hurry()

    def arrived(self, command: str) -> None:
        """Its event is here. Its answer has a moment more, and then the next one is sent."""
        if self._queue and self._queue[0].command == command:
            self._hurry()

    def _hurry(self) -> None:
        if self._call is not None and not self._call.expired():
            self._hurried = True
            self._call.reschedule(asyncio.get_running_loop().time() + self._context.settings.prove_within)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            while not self._queue:
                self._more.clear()
                await self._more.wait()
            self._busy, self._hurried = True, False
            await self._send(self._queue[0])
            self._busy = False
            del self._queue[0]

    async def _send(self, job: Job) -> None:
        held = job.held or (job.kept is not None and await asyncio.shield(job.kept) != "nowhere")
        tries = 0
        while self._desk.still_wanted(job.command):
            if held and (not await self._may_go(job.command) or not self._desk.still_wanted(job.command)):
                return
            self._desk.sending(job.command, "sending", None)
            self._kicked.clear()
            started = self._context.clock.monotonic()
            try:
                answer = read_answer((await self._post(job)).body)
            except RoadcrewError as error:
                if not self._may_pass(error):
                    self._refused(job, error)
                    return
                failed = error
            except Exception as error:
                # The command is kept, whatever happened: losing it silently is worse than sending it twice.
                logger.exception("sending failed in a way that nobody foresaw")
                failed = RoadcrewError("client-trouble", f"{type(error).__name__}: {error}"[:300])
            else:
                if self._context.outbox is not None:
                    self._context.outbox.done(job.command)
                self._desk.accepted(job.command, answer, self._context.clock.monotonic() - started)
                return
            if not self._desk.still_wanted(job.command):
                return
            self._desk.sending(job.command, "waiting", failed)
            tries = 0 if await self._wait(failed, tries) else tries + 1

    async def _post(self, job: Job) -> Reply:
        headers = {"Idempotency-Key": job.command}
        try:
            async with asyncio.timeout(None) as self._call:
                call, session = job.call, self._context.session
                return await session.call(call.method, call.path, body=call.body or None, headers=headers)
        except TimeoutError as error:
            raise Unreachable("cut", "The connection was cut.") from error
        finally:
            self._call = None

    async def _may_go(self, command: str) -> bool:
        if self._context.outbox is None:
            return True
        verdict = await self._context.outbox.check(command, self._context.oldest())
        if verdict != "send":
            self._desk.set_aside(command, TOO_OLD if verdict == "asks" else DROPPED)
        return verdict == "send"

    def _refused(self, job: Job, error: RoadcrewError) -> None:
        outbox, made = self._context.outbox, job.made
        if outbox is not None:
            if made is not None and self._context.clock.monotonic() - made < self._context.settings.outbox_at_once:
                outbox.done(job.command)
            else:
                outbox.refuse(job.command, Refusal(error.code, error.detail, error.facts))
        self._desk.refused(job.command, error)

    @staticmethod
    def _may_pass(error: RoadcrewError) -> bool:
        return is_passing(error) or isinstance(error, NotSignedIn | SessionNotReady) or not error.certain

    async def _wait(self, error: RoadcrewError, tries: int) -> bool:
        """Until the next try. Whether that is because the server has answered somebody."""
        if isinstance(error, NotSignedIn) and error.certain:
            return await self._kicked.wait()
        delay = self._delay(error, tries)
        if isinstance(error, TooManyRequests) or error.retry_after is not None:
            await self._context.clock.sleep((error.retry_after or 0.0) + delay)
            return False
        sleep = asyncio.ensure_future(self._context.clock.sleep(delay))
        kick = asyncio.ensure_future(self._kicked.wait())
        try:
            await asyncio.wait({sleep, kick}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            kick.cancel()
        return self._kicked.is_set()

    def _delay(self, error: RoadcrewError, tries: int) -> float:
        """As who follows comes back (decision 11): a lost answer is asked for again soon; no answer at all, or a
        gateway's, may be an outage for everybody. A limit is ours alone."""
        c = self._context
        outage = isinstance(error, ServerTrouble) or (tries > 0 and not isinstance(error, TooManyRequests))
        return (after_no_answer if outage else after_a_cut)(tries, c.wished.spread, c.chance(), c.settings)
