"""Carries out what the policy says: opens streams, asks for batches, keeps the cursor, sets timers.

The cursor moves only after a frame is applied. Not for what a frame does to a copy: that is the reader's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from contextlib import aclosing

from roadcrew_client.errors import Forbidden, NotFound, NotSignedIn, RoadcrewError
from roadcrew_client.frames import Bye, Gone, Item, Presence, Reset
from roadcrew_client.settings import ClientSettings, Clock
from roadcrew_client.sync import policy
from roadcrew_client.sync.cursors import usable, without
from roadcrew_client.sync.doubts import Doubts
from roadcrew_client.sync.failures import signal_of
from roadcrew_client.sync.sides import Reader, Reread, Source
from roadcrew_domain.events import Event

logger = logging.getLogger(__name__)


class Engine:
    """Follows `topics`, or others after `follow`, until they are gone or it is stopped. `run` is the one task to start
    and to cancel; signals are given by `signal`, from the same event loop."""

    def __init__(
        self,
        source: Source,
        reader: Reader,
        topics: tuple[str, ...],
        *,
        settings: ClientSettings,
        clock: Clock,
        chance: Callable[[], float],
        cursor: str | None = None,
        watch: Callable[[policy.State, policy.Signal, policy.State], None] = lambda before, signal, after: None,
    ) -> None:
        """`watch` is shown each step of the policy."""
        self.state = policy.State()
        self.cursor = cursor
        self.error: RoadcrewError | None = None
        self.reason: str | None = None
        """Why the topics are gone."""
        self._source = source
        self._reader = reader
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._watch = watch
        self._topics = frozenset(topics)
        self._left = set(topics)
        self._seqs: dict[str, int] = {}
        self._gaps = 0
        self._tag: str | None = None
        self._work: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Task[None] | None = None
        self._timer_at: float | None = None
        self._expecting: asyncio.Task[None] | None = None
        self._doubts = Doubts(self, settings, clock)
        self._over = asyncio.Event()
        self._closed = False

    async def run(self) -> None:
        """Follow until stopped, or cancelled; whatever was started has ended when this returns."""
        self._keep(asyncio.create_task(self._doubts.watch_for_sleep()))
        try:
            if not self._over.is_set():
                self.signal(policy.Started())
            await self._over.wait()
        finally:
            self.signal(policy.Stopped())
            self._closed = True
            await self._end_all()

    def stop(self) -> None:
        """Let `run` return."""
        self._over.set()

    def signal(self, signal: policy.Signal) -> None:
        """Tell the policy, and do what it says."""
        if self._closed:
            return
        before = self.state
        self.state, effects = policy.step(before, signal, self._clock.monotonic(), self._chance(), self._settings)
        self._watch(before, signal, self.state)
        for effect in effects:
            self._carry_out(effect)
        self._set_timer()
        if (self.state.mode, self.state.interval, self.state.tries) != (before.mode, before.interval, before.tries):
            self._reader.moved()

    def pace(self, settings: ClientSettings) -> None:
        """How often is asked from now on; what is under way or waits already is left as it is."""
        self._settings = settings

    def doubt(self) -> None:
        """Something speaks against the stream that is open, if one is: look whether it is of use."""
        self.signal(policy.Doubted(self.state.n))

    def expect(self, left: Callable[[], Collection[str]]) -> None:
        """The server has told elsewhere of what has not come through here; `left` names what that is by now. A stream
        that does not bring it within the time of a first frame is held back."""
        if not self._closed and (self._expecting is None or self._expecting.done()):
            self._expecting = self._keep(asyncio.create_task(self._doubts.look_for(left)))

    def follow(self, topics: Collection[str]) -> None:
        """Follow these from now on, with one catch-up at once: what stays goes on where it is, what is new begins with
        its state. With none it rests until there are others. Tell the source before."""
        wanted = frozenset(topics)
        if wanted == self._topics:
            return
        dropped = self._topics - wanted
        self._topics, self._left = wanted, set(wanted)
        for topic in dropped:
            self._seqs.pop(topic, None)
        self.cursor = without(self.cursor, dropped)
        if not wanted:
            self.signal(policy.Ended("gone"))
        elif self.state.mode == "gone":  # others may well be there
            self.signal(policy.Ended("signed-out"))
            self.signal(policy.SignedIn())
        elif self.state.mode not in policy.SLEEPING:
            # What is under way asks for the others: as if one had looked away and back.
            hidden = self.state.hidden
            self.signal(policy.Hidden(at_once=True))
            self.signal(policy.Shown())
            if hidden:
                self.signal(policy.Hidden())

    def forget_presence(self) -> None:
        """The next request asks who is here, whether that has changed or not."""
        self._tag = None

    def forget_place(self) -> None:
        """The next request asks for the whole state."""
        self.cursor, self._tag = None, None
        self._seqs.clear()

    # --- effects ----------------------------------------------------------------------------------

    def _carry_out(self, effect: policy.Effect) -> None:
        match effect:
            case policy.Open(n=n):
                self._start(self._stream(n, self._work))
            case policy.Poll(n=n):
                self._start(self._poll(n, self._work))
            case policy.Drop():
                if self._work is not None:
                    self._work.cancel()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._work = self._keep(asyncio.create_task(work))

    def _set_timer(self) -> None:
        due = self.state.due
        if due == self._timer_at and (due is None or (self._timer is not None and not self._timer.done())):
            return
        if self._timer is not None and self._timer is not asyncio.current_task():
            self._timer.cancel()
        self._timer_at = due
        self._timer = None if due is None else self._keep(asyncio.create_task(self._wait_until(due)))

    async def _wait_until(self, due: float) -> None:
        while (left := due - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self._timer_at = None
        self.signal(policy.Tick())

    def _keep(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _end_all(self) -> None:
        """Cancel all that was started, and wait until it has ended."""
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # --- the two transports -----------------------------------------------------------------------

    async def _stream(self, n: int, before: asyncio.Task[None] | None) -> None:
        await self._after(before)

        def proven() -> None:
            self.error = None
            self.signal(policy.Proven(n))

        def wished(spread: float) -> None:
            self.signal(policy.Wished(n, spread))

        try:
            async with self._source.stream(self.cursor, proven, wished) as frames:
                self.signal(policy.Opened(n))
                async with aclosing(frames):
                    async for frame, cursor in frames:
                        if isinstance(frame, Bye):
                            self.signal(policy.Closed(n, "bye", frame.wait))
                            return
                        await self._take(frame, cursor)
                        self.cursor = usable(cursor) or self.cursor
                        self.error = None
                        if not self._left:
                            self.signal(policy.Ended("gone"))
                            return
            self.signal(policy.Closed(n, "cut"))
        except Reread:
            self.signal(policy.Closed(n, "reread"))
        except RoadcrewError as error:
            await self._failed(n, error)
        except Exception as error:
            # Whatever it is, following goes on after a wait; a dead task would leave the person with an old picture.
            logger.exception("a stream failed in a way that nobody foresaw")
            self._note(error)
            self.signal(policy.Closed(n, "trouble"))

    async def _poll(self, n: int, before: asyncio.Task[None] | None) -> None:
        await self._after(before)
        try:
            batch = await self._source.poll(self.cursor, self._tag)
            for frame in batch.frames:
                await self._take(frame, batch.cursor)
            self.cursor = usable(batch.cursor) or self.cursor
            self._tag = batch.tag or self._tag
            self.error = None
            if not self._left:
                self.signal(policy.Ended("gone"))
                return
            news = any(not isinstance(f, Presence) for f in batch.frames)
            self.signal(policy.Polled(n, news, batch.more))
        except Reread:
            self.signal(policy.PollFailed(n, "reread"))
        except RoadcrewError as error:
            await self._failed(n, error)
        except Exception as error:
            # As above.
            logger.exception("a poll failed in a way that nobody foresaw")
            self._note(error)
            self.signal(policy.PollFailed(n, "trouble"))

    @staticmethod
    async def _after(before: asyncio.Task[None] | None) -> None:
        """Never two requests at once: the one before has let go of its connection."""
        if before is not None and before is not asyncio.current_task() and not before.done():
            await asyncio.wait([before])

    # --- applying ---------------------------------------------------------------------------------

    async def _take(self, frame: Item, cursor: str | None) -> None:
        if frame.topic not in self._topics:
            return
        match frame:
            case Event(topic=topic, seq=seq):
                last = self._seqs.get(topic)
                if last is not None and seq <= last:
                    return
                if last is not None and seq != last + 1:
                    self._gaps += 1
                    if self._gaps > 1:
                        self.forget_place()
                    raise Reread
                if await self._reader.take(frame, cursor) == "unknown":
                    self.forget_place()
                    raise Reread
                self._seqs[topic], self._gaps = seq, 0
            case Reset(topic=topic, seq=seq):
                await self._reader.take(frame, cursor)
                self._seqs[topic], self._gaps = seq, 0
            case Presence():
                self._tag = None
                await self._reader.take(frame, cursor)
            case Gone(topic=topic, reason=reason):
                self._left.discard(topic)
                self.reason = reason
                await self._reader.take(frame, cursor)

    async def _failed(self, n: int, error: RoadcrewError) -> None:
        self._note(error)
        stream = self.state.out == "stream"
        match error:
            case NotSignedIn() if error.certain:
                await self._signed_out(n, stream=stream)
            case Forbidden() | NotFound() if error.certain:
                self._gone("forbidden" if isinstance(error, Forbidden) else "unknown")
            case _ if error.status == 410 and error.certain:
                self._gone("ended")
            case _:
                self.signal(signal_of(error, n, stream=stream, answered=self.state.answered))

    async def _signed_out(self, n: int, *, stream: bool) -> None:
        try:
            renewed = await self._source.renew()
        except RoadcrewError as error:
            wait = error.retry_after
            self.signal(policy.Closed(n, "trouble", wait=wait) if stream else policy.PollFailed(n, "trouble", wait))
            return
        if not renewed:
            self.signal(policy.Ended("signed-out"))
        else:
            self.signal(policy.Closed(n, "renewed") if stream else policy.PollFailed(n, "renewed"))

    def _gone(self, reason: str) -> None:
        self.reason = reason
        self.signal(policy.Ended("gone"))

    def _note(self, error: Exception) -> None:
        if not isinstance(error, RoadcrewError):
            error = RoadcrewError("client-trouble", f"{type(error).__name__}: {error}"[:300])
        self.error = error
        self._reader.moved()
