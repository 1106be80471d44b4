"""The work of imports: who may link to the price-monitor service, and what is to be done before and afterwards. The way
of one import over its links is bridge.py's.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from roadcrew_domain import jobs, trip
from roadcrew_domain.jobs_state import FailImport, FinishImport, ImportJob
from roadcrew_domain.refusals import Refused
from roadcrew_domain.running import StartRunner, TellEnd
from roadcrew_domain.runs import NoteRun, NoteRunEnd
from roadcrew_server.jobs.bridge import Import
from roadcrew_server.jobs.feeds import Feeds
from roadcrew_server.jobs.link import Over
from roadcrew_server.jobs.pages import Pages
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import StoreError
from roadcrew_server.topic import TopicMissing
from roadcrew_server.topics import trip_topic

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub
    from roadcrew_server.running import Run

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Imports of one process that have a link; others wait for their turn."""

_random = secrets.SystemRandom()


class JobWork:
    """What is done for imports."""

    prefix = "job"

    def __init__(
        self,
        hub: Hub,
        feeds: Feeds,
        pages: Pages,
        settings: Settings,
        *,
        chance: Callable[[float, float], float] = _random.uniform,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.feeds = feeds
        self.pages = pages
        self.settings = settings
        self.chance = chance
        self.monotonic = monotonic
        self.sleep = sleep
        self.hub = hub
        self._room = asyncio.Semaphore(AT_ONCE)

    def wants(self, state: ImportJob) -> bool:
        """Until it is over."""
        return state.status == "processing"

    def start(self, command_id: str, fence: int) -> jobs.JobCommand:
        """Take it up."""
        return jobs.JobCommand(command_id, None, StartRunner(fence))

    def tell_end(self, command_id: str) -> jobs.JobCommand:
        """The trip knows what came of it."""
        return jobs.JobCommand(command_id, None, TellEnd())

    async def run(self, run: Run) -> None:
        """Import until all is in, or it can't be, or somebody cancels it."""
        with suppress(Refused, TopicMissing, StoreError):  # then it is told when it is over
            await self._note(run.state)
        importing, ended = asyncio.create_task(self._import(run)), asyncio.create_task(run.ended())
        try:
            await asyncio.wait({importing, ended}, return_when=asyncio.FIRST_COMPLETED)
            if importing.done():
                importing.result()
        finally:
            importing.cancel()
            ended.cancel()
            await asyncio.gather(importing, ended, return_exceptions=True)

    async def over(self, name: str, state: ImportJob) -> None:
        """Nobody needs the feed any more, and the trip is told what came of it."""
        await self.feeds.drop(state.id)
        with suppress(Refused):  # whoever began it has left since
            await self._note(state)
        if state.status != "processing":
            end = NoteRunEnd(state.id, state.status, state.counts.good)
            await self.hub.execute(trip_topic(state.trip_id), trip.Command(self.hub.new_id(), None, end))

    async def _note(self, job: ImportJob) -> None:
        begin = NoteRun(job.id, "import", name=job.name)
        await self.hub.execute(trip_topic(job.trip_id), trip.Command(self.hub.new_id(), job.by, begin))

    async def _import(self, run: Run) -> None:
        act: FinishImport | FailImport
        try:
            async with self._room:
                await Import(self, run).go_through()
            act = FinishImport(run.fence)
        except Over as over:
            log.info("Import failed job=%s failure=%s", run.state.id, over.failure)
            act = FailImport(run.fence, over.failure, over.detail)
        await run.act(lambda command, _: jobs.JobCommand(command, None, act))
