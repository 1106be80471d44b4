"""A trip that stays as it is at the server: followed, changed, and drawn at once. The object that a screen holds.

The parts do the work: the replica knows what is drawn, the engine keeps it in sync, the sender sends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime
from types import TracebackType

import msgspec

from roadcrew_client._trip_copy import TripCopy
from roadcrew_client.about import about
from roadcrew_client.changes import Change, KeptIn, Outcome, Pending, Refusal, SendState, SyncState, SyncStatus
from roadcrew_client.context import Context
from roadcrew_client.copies import Copy
from roadcrew_client.errors import RoadcrewError, TooManyRequests, Unreachable
from roadcrew_client.figures import Recorder, SyncFigures
from roadcrew_client.models import Answer, Gone, Item, Presence, Reset, SessionInfo, read
from roadcrew_client.outbox import OutboxEntry
from roadcrew_client.replica import Replica, Waiting
from roadcrew_client.routes import Call, call_of
from roadcrew_client.sender import Job, Sender
from roadcrew_client.sync import policy
from roadcrew_client.sync.engine import Engine, Taken
from roadcrew_client.sync.source import SyncSource
from roadcrew_domain.events import BadCursor, Event, Position, decode_cursor
from roadcrew_domain.trip import Command, Trip, TripAct

logger = logging.getLogger(__name__)


class LiveTrip:
    """Made by `Client.follow`; syncs between `start` and `stop`. All of it belongs to one event loop."""

    def __init__(
        self,
        context: Context,
        trip_id: str,
        where: str,
        *,
        on_start: Callable[[LiveTrip], Awaitable[None]],
        on_stop: Callable[[LiveTrip], None],
    ) -> None:
        self.trip_id = trip_id
        self.topic = f"trip:{trip_id}"
        self.present: Mapping[str, str] = {}
        self._context = context
        self._on_start = on_start
        self._on_stop = on_stop
        self._replica = Replica()
        self._pendings: dict[str, Pending] = {}
        self._answered: set[str] = set()
        self._source = SyncSource(context, (self.topic,), where)
        self._sender = Sender(context, self)
        self._recorder = Recorder(context.clock)
        self._engine = Engine(
            self._source,
            self,
            (self.topic,),
            settings=context.settings,
            clock=context.clock,
            chance=context.chance,
            watch=self._stepped,
        )
        self._listeners: dict[object, Callable[[Change], None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()
        self._latency: float | None = None
        self._send_error: RoadcrewError | None = None
        self._mode: policy.Mode = "stopped"
        self._since = context.clock.now()
        self._told_gone = False
        self._stopped = False
        self._copy = TripCopy(context, trip_id, self._confirmed_now)

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
        return tuple(self._pendings[w.command.id] for w in self._replica.pending)

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
            waiting=len(self._pendings) - len(self._answered),
            since=self._since,
            attempts=0 if mode == "live" else state.tries,
            last_error=self._engine.error or self._send_error,
            latency=self._latency,
        )

    def figures(self) -> SyncFigures:
        """What was measured so far, and what is planned. Cheap; a value that may go to another thread."""
        state, recorder, clock = self._engine.state, self._recorder, self._context.clock
        now, monotonic, ahead = clock.now(), clock.monotonic(), self.server_now() - clock.now()
        made = [pending.since for pending in self._pendings.values() if pending.id not in self._answered]
        return SyncFigures(
            at=now,
            began=recorder.began,
            state=state.mode,
            since=self._since,
            transport=state.out or state.prefer,
            interval=self.status.interval,
            next_in=None if state.next_at is None else max(0.0, state.next_at - monotonic),
            probe_in=None if state.probe_at is None else max(0.0, state.probe_at - monotonic),
            tries=state.tries,
            error=recorder.error,
            epoch=self._replica.epoch,
            seq=self._replica.seq if self._replica.seq >= 0 else None,
            cursor=self._engine.cursor,
            waiting=len(made),
            oldest=min(made) - ahead if made else None,
            reconnects=recorder.reconnects,
            switches=recorder.switches,
            streams=recorder.streams,
            polls=recorder.polls,
            frames=recorder.frames,
            ahead=ahead.total_seconds(),
            answers=tuple(recorder.answers),
            moves=tuple(recorder.moves),
            events=tuple(recorder.events),
        )

    def server_now(self) -> datetime:
        """What time it is at the server, as well as we know."""
        return self._context.server_time.now()

    def listen(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call `callback` on each change, on the client's event loop. Returns what ends that."""
        mark = object()
        self._listeners[mark] = callback
        return lambda: self._listeners.pop(mark, None) and None

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
        for pending in self._pendings.values():
            pending.done.cancel()
        self._release(self._pendings)
        self._on_stop(self)

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
                group.create_task(self._tell_where())
                group.create_task(self._introduce())
        except Exception:
            # Nothing in there should; if it does, it must be seen and not end the program that draws.
            logger.exception("following a trip ended in a way that nobody foresaw")

    async def _send(self) -> None:
        await self._on_start(self)  # what was made before this program began goes first
        await self._sender.run()

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
            self._tell(Change("reset"))

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
        call = call_of(self.trip_id, act)
        if len(self._pendings) >= self._context.settings.max_pending:
            raise TooManyRequests("too-many-pending", "Too many changes wait already. Wait until some are sent.")
        user = self._context.session.user
        command = Command(self._context.new_id(), None if user is None else user.id, act)
        at = self._context.server_time.now()
        self._replica.add(command, at)
        kept = self._keep(command, call)
        pending = Pending(command.id, act, at, asyncio.get_running_loop().create_future())
        pending.kept = None if kept is None else asyncio.shield(kept)
        self._pendings[command.id] = pending
        self._sender.put(Job(command.id, call, kept, self._context.clock.monotonic()))
        self._engine.signal(policy.Key())
        self._tell(Change("pending", pending=pending))
        return pending

    def _keep(self, command: Command, call: Call) -> asyncio.Future[KeptIn] | None:
        """Put it into the outbox, if there is one and we know in whose name."""
        outbox = self._context.outbox
        if outbox is None or command.by is None:
            return None
        made_at, what = self._context.clock.now(), about(self.trip, command.act)
        return outbox.keep(
            OutboxEntry(command.id, self._context.server, command.by, self.trip_id, call, what, made_at, command.act)
        )

    def restore(self, entries: Iterable[OutboxEntry]) -> None:
        """Go on with what the outbox has kept from before; it is sent before all that waits here."""
        at, loop = self._context.server_time.now(), asyncio.get_running_loop()
        fresh = [(e, e.act) for e in entries if e.act is not None and e.id not in self._pendings]
        self._replica.restore(Waiting(Command(e.id, e.user, act), at) for e, act in fresh)
        self._sender.put_in_order(Job(e.id, e.call, held=True, number=e.number) for e, _ in fresh)
        for entry, act in fresh:
            self._pendings[entry.id] = Pending(entry.id, act, at, loop.create_future())
        for entry, _ in fresh:  # who is told of one looks at all of them
            self._tell(Change("pending", pending=self._pendings[entry.id]))

    async def at_rest(self) -> None:
        """Wait until no change is on its way: each is answered, or held up by something."""
        moved = asyncio.Event()
        unlisten = self.listen(lambda _: moved.set())
        try:
            while len(self._pendings) > len(self._answered) and self._send_error is None:
                moved.clear()
                await moved.wait()
        finally:
            unlisten()

    def withdraw(self, commands: Collection[str], why: RoadcrewError) -> None:
        """Send these no more; what was painted of them is taken back."""
        mine = [command for command in commands if command in self._pendings and command not in self._answered]
        self._sender.withdraw(mine)
        for command in mine:
            self.set_aside(command, why)

    def _release(self, commands: Iterable[str]) -> None:
        if self._context.outbox is not None:
            self._context.outbox.release(commands)

    # --- signals ----------------------------------------------------------------------------------

    def key_pressed(self) -> None:
        """The person did something; who was hidden is seen."""
        self._engine.signal(policy.Key())

    def hidden(self) -> None:
        """Nobody looks at the terminal. After a grace time, no more requests."""
        self._engine.signal(policy.Hidden())

    def shown(self) -> None:
        """Somebody looks again: one catch-up at once."""
        self._engine.signal(policy.Shown())

    def suspended(self) -> None:
        """The program is about to be stopped: no requests from now on."""
        self._engine.signal(policy.Hidden(at_once=True))

    def resumed(self) -> None:
        """The program runs again."""
        self._engine.signal(policy.Shown())

    def signed_in(self) -> None:
        """There is a token again."""
        self._engine.signal(policy.SignedIn())
        self._sender.kick()

    def disown(self) -> None:
        """Somebody else signs in: what waits here was not theirs, and is not sent in their name. What an outbox keeps
        waits there for who made it."""
        self._copy.disown()
        why = RoadcrewError("another-person", "You signed in as somebody else, so that was not sent.")
        mine = [pending.id for pending in self.pending if pending.id not in self._answered]
        self._release(mine)
        for command in mine:
            self.refused(command, why)

    def signed_out(self) -> None:
        """There is no token any more."""
        self._engine.signal(policy.Ended("signed-out"))

    def look(self, where: str) -> None:
        """The person looks at this tab now; others are told, at most once a second."""
        if where != self._source.where:
            self._source.where = where
            self._looked.set()

    async def _tell_where(self) -> None:
        while True:
            await self._looked.wait()
            self._looked.clear()
            body = msgspec.json.encode({"topic": self.topic, "where": self._source.where})
            wait = self._context.settings.look_throttle
            try:
                await self._context.session.call("POST", "/api/sync/where", body=body)
            except RoadcrewError as error:
                logger.debug("where we look was not told: %s", error.code)  # the next request to sync says it too
                wait += error.retry_after or 0.0
            await self._context.clock.sleep(wait)

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
                    self._tell(Change("events", events=(frame,)))
                self._confirm(ended)
            case Reset(state=Trip() as trip, seq=seq, now=now):
                if now is not None:
                    self._context.server_time.exactly(now)
                self._recorder.took(frame)
                place = self._place(cursor)
                ended = self._replica.reset(trip, seq, place.epoch if place else None)
                self._copy.told_anew()
                self._tell(Change("reset"))
                self._confirm(ended)
            case Presence(present=present):
                self._recorder.took(frame)
                self.present = {p.id: p.where or "" for p in present}
                self._tell(Change("presence"))
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
                self._sender.kick()
            elif mode != "connecting" and self.present:
                # Who is here now, nobody can say who does not ask.
                self.present = {}
                self._engine.forget_presence()
                self._tell(Change("presence"))
        if mode == "gone":
            self._gone(self._engine.reason or "unknown")
        self._tell(Change("status"))

    def _gone(self, reason: str) -> None:
        if not self._told_gone:
            self._told_gone = True
            self.forget()
            self._tell(Change("gone", reason=reason))

    # --- from the sender --------------------------------------------------------------------------

    def still_wanted(self, command: str) -> bool:
        """Whether it is still pending."""
        return self._replica.holds(command)

    def sending(self, command: str, state: SendState, error: RoadcrewError | None) -> None:
        """It is on its way, or waits."""
        self._send_error = error
        if error is not None:
            self._recorder.noted(error)
        if isinstance(error, Unreachable) and error.code != "cut":
            self._engine.doubt()
        pending = self._pendings.get(command)
        if pending is not None and pending.state != state:
            pending.state = state
            self._tell(Change("pending", pending=pending))

    def accepted(self, command: str, answer: Answer, seconds: float) -> None:
        """The server took it. It stays painted until what we have read covers it."""
        self._latency, self._send_error = seconds, None
        self._recorder.answered(seconds)
        pending = self._pendings.get(command)
        if pending is None:
            return
        self._answered.add(command)
        _resolve(pending, Outcome(accepted=True, cursor=answer.cursor))
        self._confirm(self._replica.answered(command, self._place(answer.cursor)))
        if self._answered:
            self._engine.expect(lambda: self._answered)
        self._tell(Change("status"))

    def refused(self, command: str, error: RoadcrewError) -> None:
        """The server did not take it: it is taken back, with the reason."""
        pending = self._pendings.pop(command, None)
        if pending is None or not self._replica.refuse(command):
            return
        refusal = Refusal(error.code, error.detail, error.facts)
        _resolve(pending, Outcome(accepted=False, refusal=refusal))
        self._tell(Change("refused", pending=pending, refusal=refusal))

    def set_aside(self, command: str, why: RoadcrewError) -> None:
        """It is not sent, because the person does not want it, or has to be asked: it is taken back."""
        pending = self._pendings.pop(command, None)
        if pending is None or not self._replica.refuse(command):
            return
        _resolve(pending, Outcome(accepted=False, refusal=Refusal(why.code, why.detail, why.facts)))
        self._tell(Change("dropped", pending=pending))

    # --- telling ----------------------------------------------------------------------------------

    def _confirm(self, ended: tuple[str, ...]) -> None:
        for command in ended:
            if command not in self._answered:  # its event was here before its answer
                self._sender.arrived(command)
                if self._context.outbox is not None:
                    self._context.outbox.done(command)
            self._answered.discard(command)
            pending = self._pendings.pop(command)
            _resolve(pending, Outcome(accepted=True))
            self._tell(Change("confirmed", pending=pending))

    def _place(self, cursor: str | None) -> Position | None:
        try:
            return decode_cursor(cursor).get(self.topic) if cursor is not None else None
        except BadCursor:
            return None

    def _tell(self, change: Change) -> None:
        for callback in tuple(self._listeners.values()):
            try:
                callback(change)
            except Exception:
                # A listener's fault is its own; it must not stop the others, nor the sync.
                logger.exception("a listener failed")


def _resolve(pending: Pending, outcome: Outcome) -> None:
    if not pending.done.done():
        pending.done.set_result(outcome)
