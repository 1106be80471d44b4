"""An import: from the feed in the store, over a link to the price-monitor service, to pages in the store. One link for
each, however many watch. Not for who does the work: that is runner.py's.

What a link was, and the next one may be, stands in the import's log; so it goes on there, in this process or another.
Nothing is told to those who watch more than ten times a second, whatever the service does.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed

from roadcrew_domain import jobs, text
from roadcrew_domain.jobs_state import MAX_DETAIL, ImportJob, JobAct, SayConnected, SayDisconnected
from roadcrew_domain.refusals import Refused
from roadcrew_price_monitor import protocol
from roadcrew_server.jobs.checking import MOST_REFUSED, Bad, Checked
from roadcrew_server.jobs.feeds import FeedGone
from roadcrew_server.jobs.link import Gone, Link, Over, Window, linked
from roadcrew_server.stores.base import StoreError

if TYPE_CHECKING:
    from roadcrew_server.jobs.runner import JobWork
    from roadcrew_server.running import Run

log = logging.getLogger(__name__)

BETWEEN = protocol.LEAST_BETWEEN
"""Seconds between two things that are told to those who watch."""
GOODBYE = 1.0
"""Seconds to say that an import is cancelled."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0
"""Seconds before a link is tried again, at the most: at first, and after many tries. How many it is, is chance."""


class Import:
    """One import while this process does it: link after link."""

    def __init__(self, work: JobWork, run: Run) -> None:
        self._work = work
        self._run = run
        self._job: ImportJob = run.state
        self._written = 0
        self._told_at = work.monotonic() - BETWEEN
        self._moved_at = work.monotonic()

    async def go_through(self) -> None:
        """Until all of it is in. Raises `Over`."""
        tries = 0
        while True:
            before = self._moved_at
            try:
                await self._over_a_link()
                return
            except Gone as gone:
                log.info("Lost external service for job job=%s: %s", self._job.id, gone)
            except StoreError as error:
                log.warning("rows of %r not kept: %s", self._run.name, error)
                self._moved_at = self._work.monotonic()  # for that the service can't be blamed
            tries = 0 if self._moved_at > before else tries + 1
            left = self._left()
            if left <= 0:
                raise _unreachable(self._work.settings.monitor_patience)
            wait = self._work.chance(0, min(FIRST_WAIT * 2 ** min(tries, 10), LONGEST_WAIT, left))
            await self._tell(SayDisconnected(self._run.fence, wait))
            await self._work.sleep(wait)

    def _left(self) -> float:
        """Seconds until the service has had its time to get on."""
        return self._moved_at + self._work.settings.monitor_patience - self._work.monotonic()

    async def _over_a_link(self) -> None:
        """Until all of it is in. Raises `Gone`, `Over` and `StoreError`."""
        topic = await self._work.hub.topic(self._run.name)
        await self._work.hub.refresh(topic)  # it goes on from what stands in the log
        self._job = topic.state
        async with linked(self._work.settings) as link:
            job = self._job
            history = hashlib.blake2b(job.trip_id.encode(), digest_size=16).hexdigest()  # no other trip's prices
            about = (job.id, job.format, job.size, job.currency, job.checkpoint, history)
            await link.say(protocol.Hello(protocol.VERSION, *about))
            ready = await link.hear()
            if not isinstance(ready, protocol.Ready):
                raise _end(ready)
            if not 0 <= ready.offset <= job.checkpoint.offset or ready.ahead < 1:
                raise Bad("it wants the feed from where it can't go on")
            log.info("Connected to external service for job job=%s offset=%d", job.id, ready.offset)
            await self._tell(SayConnected(self._run.fence))
            window = Window(known=job.checkpoint.offset, sent=ready.offset, ahead=ready.ahead)
            sending = asyncio.create_task(self._send(link, window))
            hearing = asyncio.create_task(self._hear(link, window))
            try:
                await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
                # What hung up may have said why before.
                if sending.done() and not isinstance(sending.exception(), ConnectionClosed):
                    sending.result()
                await hearing
            except asyncio.CancelledError:
                if self._run.is_over:
                    with suppress(Gone, ConnectionClosed, TimeoutError):
                        async with asyncio.timeout(GOODBYE):
                            await link.say(protocol.Cancel())
                raise
            finally:
                sending.cancel()
                hearing.cancel()
                await asyncio.gather(sending, hearing, return_exceptions=True)

    async def _send(self, link: Link, window: Window) -> None:
        """The feed, as far ahead as the service takes it."""
        try:
            async for piece in self._work.feeds.read(self._job.id, window.sent):
                at = 0
                while at < len(piece):
                    chunk = piece[at : at + min(protocol.CHUNK, await window.room())]
                    await link.send(chunk)
                    at += len(chunk)
                    window.sent += len(chunk)
        except FeedGone:
            raise Over("bad-feed", "The feed is no longer kept. Send it again.") from None
        await link.say(protocol.End())

    async def _hear(self, link: Link, window: Window) -> None:
        """What the service makes of it, until that is all."""
        last = await self._work.pages.last_line(self._job.pages, self._job.refused_pages)
        while True:
            said = await link.hear()
            match said:
                case protocol.Rows():
                    checked = await Checked.of(said, self._job, sent=window.sent, last=last)
                    await self._keep(checked)
                    last = checked.last
                    with suppress(ConnectionClosed):  # what hung up may have said more before
                        await link.say(protocol.Ack(said.checkpoint))
                    window.move(said.checkpoint.offset)
                    if self._left() <= 0:
                        raise Gone("it does not get on")
                case protocol.Done(rows=rows):
                    counts = self._job.counts
                    if rows != counts.good + counts.refused or window.sent < self._job.size:
                        raise Bad("it is done, and not with what was sent")
                    return
                case _:
                    raise _end(said)

    async def _keep(self, checked: Checked) -> None:
        """The rows into pages, and then into the log."""
        job, page, refused_page = self._job, None, None
        if job.counts.refused + len(checked.refused) > MOST_REFUSED:
            raise Over("too-many-rows", f"More than {MOST_REFUSED} rows of the feed were refused.")
        if checked.hotels:
            page = self._page()
            await self._work.pages.write(page, checked.hotels, job.keep_until)
        if checked.refused:
            refused_page = self._page()
            await self._work.pages.write(refused_page, checked.refused, job.keep_until)
        try:
            await self._tell(checked.act(self._run.fence, page, refused_page))
        except Refused as refused:
            if refused.code != "out-of-order":
                raise
            raise Bad("its rows do not follow those before") from None
        if checked.moves:
            self._moved_at = self._work.monotonic()
        log.info(
            "Forwarding progress update for job job=%s rows=%d bytes=%d of=%d",
            *(job.id, checked.rows, checked.bytes, job.size),
        )

    def _page(self) -> str:
        """A name that no other page has."""
        self._written += 1
        return f"{self._job.id}/{self._run.fence}/{self._written}"

    async def _tell(self, act: JobAct) -> None:
        """Those who watch; not too often."""
        wait = self._told_at + BETWEEN - self._work.monotonic()
        if wait > 0:
            await self._work.sleep(wait)
        self._told_at = self._work.monotonic()
        self._job = await self._run.act(lambda command, _: jobs.JobCommand(command, None, act))


def _end(said: protocol.FromService) -> Exception:
    """What ends an import that is not done, or should not have been said now."""
    if not isinstance(said, protocol.Failed):
        return Bad("a message comes out of turn")
    detail = text.cut(said.detail, MAX_DETAIL) or "It did not say why."
    if said.code == "bad-feed":
        return Over("bad-feed", detail)
    return Over("protocol", f"The price-monitor service does not understand this server: {detail}")


def _unreachable(seconds: float) -> Over:
    return Over(
        "unreachable",
        f"The price-monitor service could not be reached, was too busy, or did not get on, for {seconds:.0f} s. "
        "What was imported until then is kept.",
    )
