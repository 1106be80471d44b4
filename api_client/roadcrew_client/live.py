"""A trip that stays as it is at the server: followed, changed, and drawn at once. The object that a screen holds.

The parts do the work: the replica knows what is drawn, the engine keeps it in sync, the pendings are what waits to be
sent, and listeners are told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from types import TracebackType

from roadcrew_client._followed import Followed
from roadcrew_client._listeners import Listeners
from roadcrew_client._pendings import Pendings
from roadcrew_client._trip_copy import TripCopy
from roadcrew_client._where import Where
from roadcrew_client.changes import Change, Pending, SyncState, SyncStatus
from roadcrew_client.context import Context
from roadcrew_client.copies import Copy
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.figures import Recorder, SyncFigures, figures_of
from roadcrew_client.frames import Gone, Item, Presence, Reset
from roadcrew_client.models import SessionInfo, read
from roadcrew_client.replica import Replica
from roadcrew_client.routes import call_of
from roadcrew_client.rules import TripRules
from roadcrew_client.sync import policy
from roadcrew_client.sync.cursors import place_in
from roadcrew_client.sync.engine import Engine
from roadcrew_client.sync.sides import Taken
from roadcrew_client.sync.source import SyncSource
from roadcrew_domain.events import Event
from roadcrew_domain.trip import Trip, TripAct

logger = logging.getLogger(__name__)


class LiveTrip(Followed):
    """Made by `Client.follow`; syncs between `start` and `stop`. All of it belongs to one event loop."""

    def __init__(
        self,
        context: Context,
        trip_id: str,
        where: str,
        *,
        on_start: Callable[[Pendings], Awaitable[None]],
        on_stop: Callable[[LiveTrip, Pendings], None],
    ) -> None:
        self.trip_id = trip_id
        self.topic = f"trip:{trip_id}"
        self.present: Mapping[str, str] = {}
        self._context = context
        self._on_start = on_start
        self._on_stop = on_stop
        self._replica = Replica(TripRules(trip_id))
        self._listeners = Listeners[Change]()
        self._recorder = Recorder(context.clock)
        source = SyncSource(context, (self.topic,), where)
        self._engine = Engine(
            source,
            self,
            (self.topic,),
            settings=context.settings,
            clock=context.clock,
            chance=context.chance,
            watch=self._stepped,
        )
        self._pendings = Pendings(context, self._replica, self._engine, self._recorder, self._listeners)
        self._where = Where(context, self.topic, source)
        self._copy = TripCopy(context, trip_id, self._confirmed_now)
        self._task: asyncio.Task[None] | None = None
        self._mode: policy.Mode = "stopped"
        self._since = context.clock.now()
        self._told_gone = False
        self._stopped = False

    # --- what there is to see ---------------------------------------------------------------------

    @property
    def trip(self) -> Trip | None:
        """What is drawn: the confirmed state plus pending changes; None until the first state is here."""
        return self._replica.drawn

    @property
    def confirmed(self) -> Trip | None:
        """What the server has confirmed."""
        return self._replica.confirmed

    @property
    def pending(self) -> tuple[Pending, ...]:
        """The changes that are not confirmed, in the order in which they were made."""
        return self._pendings.all

    @property
    def predicting(self) -> bool:
        """False once something came from the server that this version does not understand: from then on, until the
        trip is followed anew, only the server's own state is drawn."""
        return self._replica.predicting

    @property
    def status(self) -> SyncStatus:
        """Which of live, polling, paused … holds, and how many changes wait."""
        state = self._engine.state
        mode: SyncState = "connecting" if state.mode == "stopped" else state.mode
        if self._stopped:
            mode = "paused"
        return SyncStatus(
            state=mode,
            interval=(state.interval or self._context.settings.poll_fast) if mode == "polling" else None,
            waiting=len(self._pendings.made()),
            since=self._since,
            attempts=0 if mode == "live" else state.tries,
            last_error=self._engine.error or self._pendings.error,
            latency=self._pendings.latency,
        )

    def figures(self) -> SyncFigures:
        """What was measured so far, and what is planned. Cheap; a value that may go to another thread."""
        return figures_of(
            self._context,
            self._engine,
            self._recorder,
            self._replica,
            self._pendings.made(),
            since=self._since,
            interval=self.status.interval,
        )

    def server_now(self) -> datetime:
        """What time it is at the server, as well as we know."""
        return self._context.server_time.now()

    def listen(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call `callback` on each change, on the client's event loop. Returns what ends that."""
        return self._listeners.listen(callback)

    # --- starting and stopping --------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to sync; returns at once."""
        if self._task is None and not self._stopped:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop syncing. What is still pending stays unknown here: its `done` is cancelled. Where there is an outbox, it
        is sent all the same."""
        self._stopped = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._copy.keep_rest()
        self._pendings.let_go()
        self._on_stop(self, self._pendings)

    async def __aenter__(self) -> LiveTrip:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _run(self) -> None:
        try:
            await self._begin_with_copy()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy.run())
                group.create_task(self._engine.run())
                group.create_task(self._send())
                group.create_task(self._where.run())
                group.create_task(self._introduce())
        except Exception:
            # Nothing in there should; if it does, it must be seen and not end the program that draws.
            logger.exception("following a trip ended in a way that nobody foresaw")

    async def _send(self) -> None:
        await self._on_start(self._pendings)  # what was made before this program began goes first
        await self._pendings.sender.run()

    async def _introduce(self) -> None:
        """Learn who we are, if only a token was given: without that, nothing can be painted in our name."""
        if self._context.session.known:
            return
        try:
            reply = await self._context.session.call("GET", "/api/session")
            self._context.session.know(read(reply.body, SessionInfo))
        except RoadcrewError as error:
            logger.debug("who we are is not known yet: %s", error.code)

    # --- the copy on disk -------------------------------------------------------------------------

    async def _begin_with_copy(self) -> None:
        """What was confirmed the last time is drawn at once, and the server is asked for what came after it."""
        copy = await self._copy.load()
        if copy is not None:
            self._engine.cursor = copy.cursor
            self._replica.reset(copy.trip, copy.seq if copy.cursor is not None else -1, copy.epoch)
            self._listeners.tell(Change("reset"))

    def _confirmed_now(self) -> Copy | None:
        trip, replica = self.confirmed, self._replica
        # What is not understood may be missing from the state, so nothing leads on from there.
        cursor = self._engine.cursor if replica.predicting else None
        return None if trip is None else Copy(trip, replica.seq, replica.epoch, cursor, self._context.clock.now())

    def keep_again(self) -> None:
        """Who follows was not known to come back; now that is known."""
        self._copy.changed()

    def forget(self) -> None:
        """No copy of this trip shall stay."""
        self._copy.forget()

    # --- changing it ------------------------------------------------------------------------------

    def act(self, act: TripAct) -> Pending:
        """Change the trip: painted at once, sent in order. Raises `Refused` (of the domain) if it is malformed,
        `TypeError` for an act that is no change to a trip, `TooManyRequests` when too many wait already."""
        return self._pendings.act(act, call_of(self.trip_id, act))

    async def at_rest(self) -> None:
        """Wait until no change is on its way: each is answered, or held up by something."""
        await self._pendings.at_rest()

    def withdraw(self, commands: Collection[str], why: RoadcrewError) -> None:
        """Send these no more; what was painted of them is taken back."""
        self._pendings.withdraw(commands, why)

    # --- signals ----------------------------------------------------------------------------------

    def signed_in(self) -> None:
        """There is a token again."""
        super().signed_in()
        self._pendings.sender.kick()

    def disown(self) -> None:
        """Somebody else signs in: what waits here was not theirs, and is not sent in their name. What an outbox keeps
        waits there for who made it."""
        self._copy.disown()
        self._pendings.disown()

    def look(self, where: str) -> None:
        """The person looks at this tab now; others are told, at most once a second."""
        self._where.look(where)

    # --- from the engine --------------------------------------------------------------------------

    async def take(self, frame: Item, cursor: str | None) -> Taken:
        """Apply what the server says."""
        match frame:
            case Event():
                verdict, ended = self._replica.confirm(frame)
                if verdict in ("gap", "unknown"):
                    return "unknown"
                if verdict == "applied":
                    self._context.server_time.at_least(frame.at)
                    self._recorder.took(frame)
                    self._copy.changed()
                    self._listeners.tell(Change("events", events=(frame,)))
                self._pendings.confirm(ended)
            case Reset(state=Trip() as trip, seq=seq, now=now):
                if now is not None:
                    self._context.server_time.exactly(now)
                self._recorder.took(frame)
                place = place_in(cursor, self._pendings.topic)
                ended = self._replica.reset(trip, seq, place.epoch if place else None)
                self._copy.told_anew()
                self._listeners.tell(Change("reset"))
                self._pendings.confirm(ended)
            case Presence(present=present):
                self._recorder.took(frame)
                self.present = {p.id: p.where or "" for p in present}
                self._listeners.tell(Change("presence"))
            case Gone(reason=reason):
                self._gone(reason)
            case _:
                logger.warning("a reset for %s does not carry a trip", frame.topic[:80])
        return "applied"

    def _stepped(self, before: policy.State, signal: policy.Signal, after: policy.State) -> None:
        self._recorder.noted(self._engine.error)
        self._recorder.stepped(before, signal, after)

    def moved(self) -> None:
        """The engine's state has changed."""
        mode = self._engine.state.mode
        if mode != self._mode:
            self._mode = mode
            self._since = self._context.clock.now()
            if mode in ("live", "polling"):
                self._pendings.sender.kick()
            elif mode != "connecting" and self.present:
                # Who is here now, nobody can say who does not ask.
                self.present = {}
                self._engine.forget_presence()
                self._listeners.tell(Change("presence"))
        if mode == "gone":
            self._gone(self._engine.reason or "unknown")
        self._listeners.tell(Change("status"))

    def _gone(self, reason: str) -> None:
        if not self._told_gone:
            self._told_gone = True
            self.forget()
            self._listeners.tell(Change("gone", reason=reason))
