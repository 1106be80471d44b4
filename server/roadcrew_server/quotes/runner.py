"""The work of a quote run: all providers are asked at once, and each ends with its prices or with one failure.

A provider has its own time, tries and end: whatever one does, the others' prices are there when they are. Who has
answered stands in the run's log and is not asked again. Not for who does the work: that is running.py's.
"""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from itertools import count

from roadcrew_domain.quotes import QuoteCommand, QuoteRun, standings
from roadcrew_domain.quotes_state import (
    MAX_ACTIVITIES,
    AddFailure,
    AddResult,
    AskedProvider,
    Price,
    QuoteAct,
    QuoteRequest,
    SayActivity,
    Stay,
)
from roadcrew_domain.refusals import Refused
from roadcrew_domain.running import StartRunner, TellEnd
from roadcrew_domain.runs import NoteRun, NoteRunEnd
from roadcrew_domain.trip_state import Command
from roadcrew_server.hub import Hub
from roadcrew_server.quotes.answers import SENTENCES, Clean, checked_failure, checked_prices, said
from roadcrew_server.quotes.base import Failed
from roadcrew_server.quotes.registry import Provider, Providers
from roadcrew_server.running import Run
from roadcrew_server.stores.base import StoreError
from roadcrew_server.topic import TopicMissing
from roadcrew_server.topics import trip_topic

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.25, 2.0
"""Seconds before a provider is asked again; doubled each time, and up to half of it less by chance."""
ENDING = 1.0
"""Seconds that a question has to end when it is told to."""
MOST_STRAYS = 8
"""Questions to one provider that go on all the same. With so many, it is not asked any more."""
LONGEST_TRACE = 4_000
"""Characters of what is logged of a fault in a plug-in."""


class QuoteWork:
    """`Work` of quote runs."""

    prefix = "quote"

    def __init__(
        self,
        hub: Hub,
        providers: Providers,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`chance` gives numbers from 0 to 1."""
        self._hub = hub
        self._providers = providers
        self._sleep = sleep
        self._chance = chance
        self._strays: dict[str, dict[asyncio.Task[tuple[Price, ...] | Failed], float]] = defaultdict(dict)

    def wants(self, state: QuoteRun) -> bool:
        """Somebody has not answered yet."""
        return state.status == "processing"

    def start(self, command_id: str, fence: int) -> QuoteCommand:
        """Take it up."""
        return QuoteCommand(command_id, None, StartRunner(fence))

    def tell_end(self, command_id: str) -> QuoteCommand:
        """The trip knows what came of it."""
        return QuoteCommand(command_id, None, TellEnd())

    async def run(self, run: Run) -> None:
        """Ask whoever has not answered. Ends at once when the run does."""
        asking = asyncio.create_task(self._ask_all(run))
        ending = asyncio.create_task(run.ended())
        try:
            await asyncio.wait({asking, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            ending.cancel()
            await asyncio.gather(asking, ending, return_exceptions=True)
        if not asking.cancelled():
            asking.result()

    async def over(self, name: str, state: QuoteRun) -> None:
        """Tell the trip what came of it."""
        if state.trip_id is None or state.status == "processing":
            return
        with suppress(Refused):  # who asked may have left the trip since
            await self._note_begun(state)
        best = next(iter(standings(state)), None)
        ended = NoteRunEnd(
            state.id,
            state.status,
            _heads(state.request),
            None if best is None else best.total,
            None if best is None else best.provider.name,
        )
        await self._hub.execute(trip_topic(state.trip_id), Command(self._hub.new_id(), None, ended))

    async def _note_begun(self, state: QuoteRun) -> None:
        if state.trip_id is None:
            return
        request = state.request
        if isinstance(request, Stay):
            note = NoteRun(state.id, "stay", None, request.check_in, request.check_out, _heads(request))
        else:
            note = NoteRun(state.id, "vehicle", request.vin, request.begins, request.ends, _heads(request))
        command = Command(self._hub.new_id(), state.by, note)
        await self._hub.execute(trip_topic(state.trip_id), command)

    # --- asking --------------------------------------------------------------------------------------

    async def _ask_all(self, run: Run) -> None:
        state: QuoteRun = run.state
        waiting = [asked for asked in state.providers if state.answers[asked.id].state in ("waiting", "working")]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._told_that_it_began(run.name, state))
            for asked in waiting:
                group.create_task(self._ask(run, state, asked))

    async def _told_that_it_began(self, name: str, state: QuoteRun) -> None:
        try:
            await self._note_begun(state)
        except (Refused, TopicMissing, StoreError) as error:
            log.info("the trip of %r was not told that it began: %s", name, error)

    async def _ask(self, run: Run, state: QuoteRun, asked: AskedProvider) -> None:
        """From its first activity to its one answer."""
        provider = self._providers.find(asked.id)
        try:
            await _act(run, lambda fence: SayActivity(fence, asked.id, "Asked."))
            outcome: tuple[Price, ...] | Failed
            if provider is None:
                outcome = Failed("internal", "It is not asked any more by this server.")
            else:
                outcome = await self._answered(run, state, asked, provider)
            await _ended(run, asked.id, outcome)
        except Refused as refused:  # another process does it now, and says the same of the others
            log.info("the answer of %s in %r is not kept: %s", asked.id, run.name, refused.code)

    async def _answered(
        self, run: Run, state: QuoteRun, asked: AskedProvider, provider: Provider
    ) -> tuple[Price, ...] | Failed:
        saying = Saying(state.id, provider.secrets.clean)
        telling = asyncio.create_task(_tell(run, asked.id, saying))
        try:
            outcome = await self._tried(state.request, asked, provider, saying)
            saying.end()
            await telling
            return outcome
        finally:
            telling.cancel()

    async def _tried(
        self, request: QuoteRequest, asked: AskedProvider, provider: Provider, saying: Saying
    ) -> tuple[Price, ...] | Failed:
        """What came of it, in all its time and tries."""
        clock = asyncio.get_running_loop().time
        until = clock() + asked.timeout
        for tried in count(1):
            saying.tried = tried
            outcome = await self._once(request, provider, saying, until - clock())
            if outcome is None:
                return Failed("timeout", f"No answer within {asked.timeout:g} s.")
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tried - 1)) * (1 - self._chance() / 2)
            if not isinstance(outcome, Failed) or not outcome.passing or tried >= provider.tries:
                return outcome
            if clock() + wait >= until:
                return outcome
            saying(f"{outcome.sentence} It is asked again.")
            await self._sleep(wait)
        raise AssertionError("unreachable")

    async def _once(
        self, request: QuoteRequest, provider: Provider, saying: Saying, seconds: float
    ) -> tuple[Price, ...] | Failed | None:
        """What came of it; None if its time was over. A plug-in that does not end when it is told to is left behind."""
        strays, now = self._strays[provider.id], asyncio.get_running_loop().time()
        if sum(told < now - ENDING for told in strays.values()) >= MOST_STRAYS:
            return Failed("internal", "Earlier questions to it have not come to an end.")
        asking = asyncio.create_task(_contained(provider, request, saying))
        try:
            await asyncio.wait({asking}, timeout=seconds)
            if not asking.done():
                return None
            return Failed("internal", SENTENCES["internal"]) if asking.cancelled() else asking.result()
        finally:
            if not asking.done():
                asking.cancel()
                strays[asking] = asyncio.get_running_loop().time()
                asking.add_done_callback(strays.pop)


async def _contained(provider: Provider, request: QuoteRequest, saying: Saying) -> tuple[Price, ...] | Failed:
    """What came of one question. Nothing that a plug-in raises gets out, not even what would end the server."""
    clean = provider.secrets.clean
    try:
        try:
            return checked_prices(request, await provider.inner.quote(request, saying), clean)
        except Failed as failed:
            return checked_failure(failed, clean)
    except GeneratorExit:
        raise
    except BaseException as error:  # somebody else's code
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        trace = "".join(traceback.format_exception(error, limit=8))
        log.error("the quote provider %s failed: %s", provider.id, clean(trace)[-LONGEST_TRACE:])  # without secrets
        return Failed("internal", SENTENCES["internal"])


class Saying:
    """`Say`: what one provider said in one run and was not told yet, from any thread, in a bounded list."""

    def __init__(self, run: str, clean: Clean) -> None:
        self.run = run
        self.tried = 1
        self._clean = clean
        self._room = MAX_ACTIVITIES
        self._loop = asyncio.get_running_loop()
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()

    def __call__(self, text: str, /) -> None:
        """Keep it, if there is room."""
        if self._room > 0 and (tidy := said(text, self._clean)):
            self._room -= 1
            with suppress(RuntimeError):  # the server has stopped, and a thread of a plug-in goes on
                self._loop.call_soon_threadsafe(self._texts.put_nowait, tidy)

    def end(self) -> None:
        """Nothing more is kept."""
        self._room = 0
        self._loop.call_soon_threadsafe(self._texts.put_nowait, None)

    async def next(self) -> str | None:
        """What it said; None at the end."""
        return await self._texts.get()


async def _tell(run: Run, provider: str, saying: Saying) -> None:
    try:
        while (text := await saying.next()) is not None:
            await _act(run, partial(SayActivity, provider=provider, text=text))
    except Refused as refused:
        log.info("what %s says in %r is not kept: %s", provider, run.name, refused.code)


async def _ended(run: Run, provider: str, outcome: tuple[Price, ...] | Failed) -> None:
    if not isinstance(outcome, Failed):
        prices = outcome
        try:
            await _act(run, lambda fence: AddResult(fence, provider, prices))
        except Refused as refused:
            if refused.code == "fenced-off":
                raise
            outcome = Failed("nonsense", SENTENCES["nonsense"])
        else:
            return
    failed = outcome
    await _act(run, lambda fence: AddFailure(fence, provider, failed.code, failed.sentence))


async def _act(run: Run, make: Callable[[int], QuoteAct]) -> None:
    await run.act(lambda command_id, fence: QuoteCommand(command_id, None, make(fence)))


def _heads(request: QuoteRequest) -> int:
    return request.guests if isinstance(request, Stay) else len(request.drivers)
