"""The changes to one followed topic that the server has not confirmed: made, kept, sent, and what became of each.

It is the desk of the topic's sender. Not for what the server says of its own accord: that is for who follows, who tells
here which changes that ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from roadcrew_client._listeners import Listeners
from roadcrew_client.about import About
from roadcrew_client.changes import Change, ChangeKind, KeptIn, Outcome, Pending, Refusal, SendState
from roadcrew_client.context import Context
from roadcrew_client.errors import RoadcrewError, TooManyRequests, Unreachable
from roadcrew_client.figures import Recorder
from roadcrew_client.models import Answer
from roadcrew_client.outbox import OutboxEntry
from roadcrew_client.replica import Replica, Waiting
from roadcrew_client.routes import Call
from roadcrew_client.rules import Act, AnyCommand
from roadcrew_client.sender import Job, Sender
from roadcrew_client.sync import policy
from roadcrew_client.sync.cursors import place_in
from roadcrew_client.sync.engine import Engine


class Pendings:
    """Belongs to one event loop. `sender` is for who follows to run and to kick; `error` is what stands against
    sending, None when nothing does; `latency`: seconds that the last answer took."""

    def __init__(
        self,
        context: Context,
        replica: Replica[Any],
        engine: Engine,
        recorder: Recorder,
        listeners: Listeners[Change],
        answered: set[str] | None = None,
    ) -> None:
        """`answered`: one set for all whose topics one engine follows, in which they put what was accepted and is not
        read yet."""
        self.topic = replica.rules.topic
        self.sender = Sender(context, self)
        self.error: RoadcrewError | None = None
        self.latency: float | None = None
        self._context = context
        self._replica = replica
        self._engine = engine
        self._recorder = recorder
        self._listeners = listeners
        self._pendings: dict[str, Pending] = {}
        self._answered: set[str] = set() if answered is None else answered

    @property
    def all(self) -> tuple[Pending, ...]:
        """What is not confirmed, in the order in which it was made."""
        return tuple(self._pendings[w.command.id] for w in self._replica.pending)

    def made(self) -> list[datetime]:
        """When each was made that no answer has come for, by the server's time as estimated then."""
        return [pending.since for pending in self._pendings.values() if pending.id not in self._answered]

    # --- from the person --------------------------------------------------------------------------

    def act(self, act: Act, call: Call) -> Pending:
        """As `LiveTrip.act`; `call` is what is sent."""
        if len(self._pendings) >= self._context.settings.max_pending:
            raise TooManyRequests("too-many-pending", "Too many changes wait already. Wait until some are sent.")
        user = self._context.session.user
        command = self._replica.rules.command(self._context.new_id(), None if user is None else user.id, act)
        at, before = self._context.server_time.now(), self._replica.drawn
        self._replica.add(command, at)
        kept = self._keep(command, call, self._replica.rules.about(before, act))
        pending = Pending(command.id, act, at, asyncio.get_running_loop().create_future(), topic=self.topic)
        pending.kept = None if kept is None else asyncio.shield(kept)
        self._pendings[command.id] = pending
        self.sender.put(Job(command.id, call, kept, self._context.clock.monotonic()))
        self._engine.signal(policy.Key())
        self._tell("pending", pending)
        return pending

    def _keep(self, command: AnyCommand, call: Call, what: About) -> asyncio.Future[KeptIn] | None:
        """Put it into the outbox, if there is one and we know in whose name."""
        outbox = self._context.outbox
        if outbox is None or command.by is None:
            return None
        made_at = self._context.clock.now()
        return outbox.keep(
            OutboxEntry(command.id, self._context.server, command.by, self.topic, call, what, made_at, command.act)
        )

    def restore(self, entries: Iterable[OutboxEntry]) -> None:
        """Go on with what the outbox has kept from before; it is sent before all that waits here."""
        at, loop = self._context.server_time.now(), asyncio.get_running_loop()
        fresh = [(e, e.act) for e in entries if e.act is not None and e.id not in self._pendings]
        command = self._replica.rules.command
        self._replica.restore(Waiting(command(e.id, e.user, act), at) for e, act in fresh)
        self.sender.put_in_order(Job(e.id, e.call, held=True, number=e.number) for e, _ in fresh)
        for entry, act in fresh:
            self._pendings[entry.id] = Pending(entry.id, act, at, loop.create_future(), topic=self.topic)
        for entry, _ in fresh:  # who is told of one looks at all of them
            self._tell("pending", self._pendings[entry.id])

    async def at_rest(self) -> None:
        """Wait until no change is on its way: each is answered, or held up by something."""
        moved = asyncio.Event()
        unlisten = self._listeners.listen(lambda _: moved.set())
        try:
            while self.made() and self.error is None:
                moved.clear()
                await moved.wait()
        finally:
            unlisten()

    def withdraw(self, commands: Collection[str], why: RoadcrewError) -> None:
        """Send these no more; what was painted of them is taken back."""
        mine = [command for command in commands if command in self._pendings and command not in self._answered]
        self.sender.withdraw(mine)
        for command in mine:
            self.set_aside(command, why)

    def disown(self) -> None:
        """Somebody else signs in: what waits here was not theirs, and is not sent in their name. What an outbox keeps
        waits there for who made it."""
        why = RoadcrewError("another-person", "You signed in as somebody else, so that was not sent.")
        mine = [pending.id for pending in self.all if pending.id not in self._answered]
        self._release(mine)
        for command in mine:
            self.refused(command, why)

    def let_go(self) -> None:
        """Nobody follows any more: what is still pending stays unknown here."""
        for pending in self._pendings.values():
            pending.done.cancel()
        self._answered.difference_update(self._pendings)  # nobody reads any more whether they have come
        self._release(self._pendings)

    def _release(self, commands: Iterable[str]) -> None:
        if self._context.outbox is not None:
            self._context.outbox.release(commands)

    # --- from the server's news -------------------------------------------------------------------

    def confirm(self, ended: tuple[str, ...]) -> None:
        """What we have read covers these."""
        for command in ended:
            if command not in self._answered:  # its event was here before its answer
                self.sender.arrived(command)
                if self._context.outbox is not None:
                    self._context.outbox.done(command)
            self._answered.discard(command)
            pending = self._pendings.pop(command)
            _resolve(pending, Outcome(accepted=True))
            self._tell("confirmed", pending)

    # --- from the sender --------------------------------------------------------------------------

    def still_wanted(self, command: str) -> bool:
        """Whether it is still pending."""
        return self._replica.holds(command)

    def sending(self, command: str, state: SendState, error: RoadcrewError | None) -> None:
        """It is on its way, or waits."""
        self.error = error
        if error is not None:
            self._recorder.noted(error)
        if isinstance(error, Unreachable) and error.code != "cut":
            self._engine.doubt()
        pending = self._pendings.get(command)
        if pending is not None and pending.state != state:
            pending.state = state
            self._tell("pending", pending)

    def accepted(self, command: str, answer: Answer, seconds: float) -> None:
        """The server took it. It stays painted until what we have read covers it."""
        self.latency, self.error = seconds, None
        self._recorder.answered(seconds)
        pending = self._pendings.get(command)
        if pending is None:
            return
        self._answered.add(command)
        _resolve(pending, Outcome(accepted=True, cursor=answer.cursor))
        self.confirm(self._replica.answered(command, place_in(answer.cursor, self.topic)))
        if self._answered:
            self._engine.expect(lambda: self._answered)
        self._tell("status")

    def refused(self, command: str, error: RoadcrewError) -> None:
        """The server did not take it: it is taken back, with the reason."""
        pending = self._pendings.pop(command, None)
        if pending is None or not self._replica.refuse(command):
            return
        refusal = Refusal(error.code, error.detail, error.facts)
        _resolve(pending, Outcome(accepted=False, refusal=refusal))
        self._tell("refused", pending, refusal)

    def set_aside(self, command: str, why: RoadcrewError) -> None:
        """It is not sent, because the person does not want it, or has to be asked: it is taken back."""
        pending = self._pendings.pop(command, None)
        if pending is None or not self._replica.refuse(command):
            return
        _resolve(pending, Outcome(accepted=False, refusal=Refusal(why.code, why.detail, why.facts)))
        self._tell("dropped", pending)

    def _tell(self, kind: ChangeKind, pending: Pending | None = None, refusal: Refusal | None = None) -> None:
        self._listeners.tell(Change(kind, pending=pending, refusal=refusal, topic=self.topic))


def _resolve(pending: Pending, outcome: Outcome) -> None:
    if not pending.done.done():
        pending.done.set_result(outcome)
