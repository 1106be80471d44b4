"""A person's cart and the seats of the time slots that they look at, as they are at the server. The object that a
screen of bookings holds.

Nothing is changed through it: that is done by the client's calls, whose answers are shown here at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import TracebackType

from roadcrew_client._book_replica import BookReplica
from roadcrew_client._followed import Followed
from roadcrew_client._listeners import Listeners
from roadcrew_client.book_changes import BookChange, BookKind
from roadcrew_client.book_models import CartAnswer
from roadcrew_client.changes import SyncState, SyncStatus
from roadcrew_client.context import Context
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.models import Gone, Item, Reset, SessionInfo, read
from roadcrew_client.sync import policy
from roadcrew_client.sync.backoff import jittered
from roadcrew_client.sync.engine import Engine
from roadcrew_client.sync.sides import Taken
from roadcrew_client.sync.source import SyncSource
from roadcrew_domain.cart_state import Cart
from roadcrew_domain.events import MAX_TOPICS, BadCursor, Event, Position, decode_cursor
from roadcrew_domain.seats_views import SlotCount

logger = logging.getLogger(__name__)

MAX_SLOTS = MAX_TOPICS - 1
"""Slots that are watched at once; the cart is a topic too."""


class LiveBook(Followed):
    """Made by `Client.follow_book`; syncs between `start` and `stop`. All of it belongs to one event loop."""

    def __init__(self, context: Context, *, on_stop: Callable[[LiveBook], None]) -> None:
        self._context = context
        self._on_stop = on_stop
        self._replica = BookReplica()
        self._listeners = Listeners[BookChange]()
        self._source = SyncSource(context, ())
        self._engine = Engine(
            self._source,
            _FromEngine(self),
            (),
            settings=context.settings,
            clock=context.clock,
            chance=context.chance,
        )
        self._watched: tuple[str, ...] = ()
        self._turned = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._mode: policy.Mode = "stopped"
        self._since = context.clock.now()
        self._error: RoadcrewError | None = None
        self._stopped = False

    # --- what there is to see ---------------------------------------------------------------------

    @property
    def cart(self) -> Cart | None:
        """The cart; None until it is known."""
        return self._replica.cart

    @property
    def slots(self) -> Mapping[str, SlotCount]:
        """The slots that are watched, as far as they are known, by their ids. A value: it is replaced, not changed."""
        return self._replica.slots

    @property
    def status(self) -> SyncStatus:
        """Which of live, polling, paused … holds."""
        state = self._engine.state
        mode: SyncState
        if self._stopped:
            mode = "paused"
        elif state.mode == "stopped":
            mode = "connecting" if self._context.session.token is not None else "signed-out"
        else:
            mode = state.mode
        return SyncStatus(
            state=mode,
            interval=(state.interval or self._context.settings.poll_fast) if mode == "polling" else None,
            waiting=0,
            since=self._since,
            attempts=0 if mode == "live" else state.tries,
            last_error=self._engine.error or self._error,
            latency=None,
        )

    def server_now(self) -> datetime:
        """What time it is at the server, as well as we know: what a countdown counts by."""
        return self._context.server_time.now()

    def listen(self, callback: Callable[[BookChange], None]) -> Callable[[], None]:
        """Call `callback` on each change, on the client's event loop. Returns what ends that."""
        return self._listeners.listen(callback)

    # --- what to look at --------------------------------------------------------------------------

    def watch(self, slot_ids: Collection[str]) -> None:
        """Follow the seats of these slots, at most 31, and of no others. Who goes on looking at a slot misses nothing;
        the server hears of it at most once a second. Raises `ValueError` for more."""
        wanted = tuple(dict.fromkeys(slot_ids))
        if len(wanted) > MAX_SLOTS:
            raise ValueError(f"at most {MAX_SLOTS} slots can be watched at once")
        if set(wanted) != set(self._watched):
            self._watched = wanted
            self._turned.set()

    def take(self, answer: CartAnswer) -> None:
        """Show what a call has answered, if it is newer than what came by itself. The client does so too."""
        user = self._context.session.user
        if user is None or answer.cart.user != user.id:
            return
        if self._replica.answered(answer.cart, _place(answer.cursor, f"cart:{user.id}")):
            self._tell("cart")

    # --- starting and stopping --------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to sync; returns at once."""
        if self._task is None and not self._stopped:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop syncing."""
        self._stopped = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._on_stop(self)

    async def __aenter__(self) -> LiveBook:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._introduce())
                while self._context.session.user is None:
                    await self._turned.wait()
                    self._turned.clear()
                self._turn()
                group.create_task(self._engine.run())
                while True:
                    await self._turned.wait()
                    self._turned.clear()
                    self._turn()
                    await self._context.clock.sleep(self._context.settings.look_throttle)
        except Exception:
            # Nothing in there should; if it does, it must be seen and not end the program that draws.
            logger.exception("following a cart ended in a way that nobody foresaw")

    async def _introduce(self) -> None:
        """Learn who we are, if only a token was given: what is asked for is a cart of somebody's."""
        session, s, tries = self._context.session, self._context.settings, 0
        while session.user is None and session.token is not None:
            try:
                session.know(read((await session.call("GET", "/api/session")).body, SessionInfo))
            except RoadcrewError as error:
                self._error = error
                self._tell("status")
                wait = max(jittered(tries, self._context.chance(), s), error.retry_after or 0.0)
                tries += 1
                await self._context.clock.sleep(wait)
        self._error = None

    def _turn(self) -> None:
        """Ask for what is looked at now."""
        user = self._context.session.user
        if user is None:
            return
        topics = (f"cart:{user.id}", *(f"slot:{slot}" for slot in self._watched))
        slots = self._replica.slots
        self._replica.keep_only(topics)
        self._source.topics = topics
        self._engine.follow(topics)
        if slots is not self._replica.slots:
            self._tell("slots")

    # --- signals ----------------------------------------------------------------------------------

    def known(self) -> None:
        """The server has said who we are, perhaps somebody else than before."""
        user = self._context.session.user
        if user is not None and f"cart:{user.id}" not in self._source.topics:
            self._turned.set()

    def disown(self) -> None:
        """Somebody else signs in: what is in the cart here was not theirs."""
        if self._replica.cart is not None:
            self._replica.drop(f"cart:{self._replica.cart.user}")
            self._tell("cart")

    # --- from the engine --------------------------------------------------------------------------

    def take_frame(self, frame: Item, cursor: str | None) -> Taken:
        """Apply what the server says. A cart that is not ours, as one may still be told of when somebody else has
        just signed in, is not looked at."""
        user = self._context.session.user
        if frame.topic.startswith("cart:") and (user is None or frame.topic != f"cart:{user.id}"):
            return "applied"
        match frame:
            case Event(topic=topic):
                verdict = self._replica.confirm(frame)
                if verdict in ("gap", "unknown"):
                    return "unknown"
                if verdict == "applied":
                    self._context.server_time.at_least(frame.at)
                    self._tell_of(topic)
            case Reset(topic=topic, state=Cart() | SlotCount() as state, seq=seq, now=now):
                if now is not None:
                    self._context.server_time.exactly(now)
                place = _place(cursor, topic)
                if self._replica.reset(topic, state, seq, place.epoch if place else None):
                    self._tell_of(topic)
            case Gone(topic=topic, reason=reason):
                self._replica.drop(topic)
                self._source.topics = tuple(t for t in self._source.topics if t != topic)
                self._tell("gone", topic, reason)
            case _:
                logger.debug("nothing is done about a frame of %s", frame.topic[:80])
        return "applied"

    def moved(self) -> None:
        """The engine's state has changed."""
        mode = self._engine.state.mode
        if mode != self._mode:
            self._mode = mode
            self._since = self._context.clock.now()
            if mode == "gone" and self._source.topics:
                self._tell("gone", self._source.topics[0], self._engine.reason or "unknown")
        self._tell("status")

    def _tell_of(self, topic: str) -> None:
        self._tell("cart" if topic.startswith("cart:") else "slots")

    def _tell(self, kind: BookKind, topic: str | None = None, reason: str | None = None) -> None:
        self._listeners.tell(BookChange(kind, self.cart, self.slots, topic, reason))


class _FromEngine:
    """What an engine tells goes to the book, whose own `take` is for answers."""

    def __init__(self, book: LiveBook) -> None:
        self._book = book

    async def take(self, frame: Item, cursor: str | None) -> Taken:
        return self._book.take_frame(frame, cursor)

    def moved(self) -> None:
        self._book.moved()


def _place(cursor: str | None, topic: str) -> Position | None:
    """Where a cursor says that this topic is; None where it does not say."""
    try:
        return decode_cursor(cursor or "").get(topic)
    except BadCursor:
        return None
