"""The outbox: changes on disk until the server has answered them, for all programs of one person on this computer.

The disk is touched by one thread of its own, in the order in which it was asked; nothing here blocks an event loop, and
every wait has an end. What the disk will not keep is held in memory, and that is said once. Not for sending.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from roadcrew_client._outbox_db import OutboxTrouble
from roadcrew_client._outbox_file import OutboxFile
from roadcrew_client._outbox_rows import OutboxEntry, Tally, Verdict, dependents
from roadcrew_client.changes import KeptIn, Refusal

__all__ = ["Outbox", "OutboxChange", "OutboxEntry", "Tally", "Verdict", "dependents"]

T = TypeVar("T")

WITHIN = 5.0
"""Seconds for which the disk is waited for."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxChange:
    """Something in the outbox is other than before; or, with `words`, the disk is in trouble."""

    words: str = ""


class Outbox:
    """Changes in `folder`. Any number of clients may share one, and any number of programs a folder. Used from one
    event loop; `close` lets others take over at once what is left, as the end of the program does."""

    def __init__(self, folder: Path, *, within: float = WITHIN) -> None:
        """`within`: seconds for which the disk is waited for."""
        self.folder = folder
        self._within = within
        self._disk = OutboxFile(folder)
        self._memory = OutboxFile(None)
        self._in_hand: set[str] = set()
        self._in_trouble = False
        self._listeners: dict[object, Callable[[OutboxChange], None]] = {}
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def listen(self, callback: Callable[[OutboxChange], None]) -> Callable[[], None]:
        """Call `callback` on each change that this program makes, on a thread of its own. Returns what ends that."""
        mark = object()
        self._listeners[mark] = callback
        return lambda: self._listeners.pop(mark, None) and None

    # --- one change -------------------------------------------------------------------------------

    def keep(self, entry: OutboxEntry) -> asyncio.Future[KeptIn]:
        """Keep a change that was just made here, and is in hand. Says where it is once it is there: on disk it outlives
        this program, come what may."""

        def job() -> KeptIn:
            self._in_hand.add(entry.id)
            try:
                self._disk.keep(entry)
            except OutboxTrouble as trouble:
                self._trouble(trouble)
                with suppress(OutboxTrouble):
                    self._memory.keep(entry)
                    return "memory"
                return "nowhere"
            self._in_trouble = False
            return "disk"

        return self._ask(job, "nowhere", changes=True)

    async def check(self, command: str, oldest: datetime) -> Verdict:
        """What may become of a change in hand that is about to be sent: `gone` if somebody dropped it, `asks` if it was
        made before `oldest` and nobody has said that it may be sent."""

        def job() -> Verdict:
            found = self._both(lambda file: file.check(command, oldest))
            if len(found) < 2 and not any(found):
                return "send"  # it may well be there, where we can't look
            verdict: Verdict = next(filter(None, found), "gone")
            if verdict != "send":
                self._in_hand.discard(command)
                self._changed()
            return verdict

        return await self._ask(job, "send")

    def done(self, command: str) -> None:
        """It has arrived."""
        self._settle([command], lambda file: file.remove(command))

    def refuse(self, command: str, refusal: Refusal) -> None:
        """The server did not take it. It stays, with the reason, until it is dropped."""
        self._settle([command], lambda file: file.refuse(command, refusal))

    def release(self, commands: Iterable[str]) -> None:
        """They are no longer in hand; whoever takes next has them."""
        self._settle(tuple(commands), lambda _: None)

    def _settle(self, commands: Collection[str], work: Callable[[OutboxFile], None]) -> None:
        def job() -> None:
            self._in_hand.difference_update(commands)
            self._both(work)

        if commands:
            self._put(job, changes=True)

    # --- many -------------------------------------------------------------------------------------

    async def take(self, server: str, person: str, oldest: datetime) -> list[OutboxEntry]:
        """What waits for a person at a server and is in nobody's hand is in ours from now on, in the order in which it
        was made; what was made before `oldest` asks instead."""

        def job() -> list[OutboxEntry]:
            found = self._both(lambda file: file.take(server, person, oldest, self._in_hand))
            taken = [entry for some in found for entry in some]
            self._in_hand.update(entry.id for entry in taken)
            return taken

        def came_late(taken: list[OutboxEntry]) -> None:
            self.release(entry.id for entry in taken)

        return await self._ask(job, [], late=came_late)

    async def entries(self, server: str, person: str | None = None) -> list[OutboxEntry]:
        """All changes of a person (None: of everybody) at a server, in the order in which they were made."""

        def job() -> list[OutboxEntry]:
            found = self._both(lambda file: file.entries(server, person, self._in_hand))
            return [entry for some in found for entry in some]

        return await self._ask(job, [])

    async def tally(self, server: str, person: str | None = None) -> Tally:
        """How many there are of each kind."""

        def job() -> Tally:
            return sum(self._both(lambda file: file.tally(server, person)), Tally())

        return await self._ask(job, Tally())

    async def lasting(self, server: str, person: str) -> int:
        """How many wait for the next program, should this one end now."""

        def job() -> int:
            with suppress(OutboxTrouble):
                return self._disk.tally(server, person).waiting
            return 0

        return await self._ask(job, 0)

    async def drop(self, ids: Collection[str]) -> tuple[str, ...]:
        """Send them no more, nor what makes no sense without them. Returns the ids of all that are gone."""

        def job() -> tuple[str, ...]:
            gone = [i for some in self._both(lambda file: file.drop(ids)) for i in some]
            self._in_hand.difference_update(gone)
            return tuple(gone)

        return await self._ask(job, (), changes=True)

    async def agree(self, ids: Collection[str]) -> tuple[str, ...]:
        """Send what asks, and what it needs. Returns the ids of all that wait to be sent now."""

        def job() -> tuple[str, ...]:
            return tuple(i for some in self._both(lambda file: file.agree(ids)) for i in some)

        return await self._ask(job, (), changes=True)

    def _both(self, work: Callable[[OutboxFile], T]) -> list[T]:
        """What the disk gives, and then what memory does; nothing from one that can't."""
        found = []
        for file in (self._disk, self._memory):
            try:
                found.append(work(file))
            except OutboxTrouble as trouble:
                self._trouble(trouble)
        return found

    # --- ending -----------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Wait until all that was asked for is done, or the disk has had its time."""
        if self._thread is not None:
            await self._ask(lambda: None, None)

    async def close(self) -> None:
        """Finish, and let go of the file."""
        if self._thread is None:
            return

        def job() -> None:
            self._in_hand.clear()
            self._disk.close()
            self._memory.close()

        await self._ask(job, None)
        self._jobs.put(None)
        self._thread = None

    # --- the thread -------------------------------------------------------------------------------

    def _put(self, job: Callable[[], object], *, changes: bool = False) -> None:
        def run() -> None:
            job()
            if changes:
                self._changed()
            if (aside := self._disk.put_aside()) is not None:
                self._tell(
                    OutboxChange(f"The file with your waiting changes was damaged. It was put aside as {aside}.")
                )

        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="roadcrew-outbox", daemon=True)
            self._thread.start()
        self._jobs.put(run)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                # Nothing in there should; whoever waits for an answer has a time limit, and the next job its turn.
                logger.exception("the outbox failed in a way that nobody foresaw")

    def _ask(
        self,
        job: Callable[[], T],
        otherwise: T,
        *,
        changes: bool = False,
        late: Callable[[T], None] | None = None,
    ) -> asyncio.Future[T]:
        """What `job` gives; `otherwise` if the disk takes too long, and then `late` is told what it gave after all."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def give(result: T) -> None:
            timer.cancel()
            if not answer.done():
                answer.set_result(result)
            elif late is not None:
                late(result)

        def give_up() -> None:
            if not answer.done():
                self._trouble(OutboxTrouble("the disk does not answer"))
                answer.set_result(otherwise)

        def run() -> None:
            result = otherwise
            try:
                result = job()
            finally:
                with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                    loop.call_soon_threadsafe(give, result)

        timer = loop.call_later(self._within, give_up)
        self._put(run, changes=changes)
        return answer

    def _changed(self) -> None:
        self._tell(OutboxChange())

    def _trouble(self, trouble: OutboxTrouble) -> None:
        """Said once, until a change could be kept again."""
        logger.debug("the outbox's disk: %s", trouble)
        if not self._in_trouble:
            self._in_trouble = True
            self._tell(
                OutboxChange(
                    f"What you change can't be kept on disk, because {trouble}. It is sent all the same, but what still"
                    " waits when the program ends is lost."
                )
            )

    def _tell(self, change: OutboxChange) -> None:
        for callback in tuple(self._listeners.values()):
            try:
                callback(change)
            except Exception:
                # A listener's fault is its own.
                logger.exception("a listener failed")
