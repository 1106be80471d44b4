"""One topic as this terminal knows it, a trip or a channel of talk: what the server has confirmed, and the changes that
it has not. Pure.

What is drawn is the fold of both. Nothing here sends, waits or draws.

After the first event that this version of the rules does not know, nothing is predicted any more until the topic is
followed anew: the server's state is drawn as it comes. An unknown event may have changed what is allowed, a reset does
not say that it is over, and a picture that is late is better than one that is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Literal, TypeVar

from roadcrew_client.rules import AnyCommand, Rules
from roadcrew_domain.events import Event, Position, UnknownFact, event
from roadcrew_domain.refusals import Refused

S = TypeVar("S")

Verdict = Literal["applied", "old", "gap", "unknown"]

BROKEN = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError)
"""What the rules may raise for a state or an event that does not fit them."""

_BY_CLOCK = frozenset({"deadline-past"})
"""Refusals as malformed that hang on what time it is; the server's clock decides, not the estimate here."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that is not confirmed. `at`: the server's time, as estimated when it was made; `answer`: where the
    server's answer says that it is in the log, None until then; `answered` says that the answer is here."""

    command: AnyCommand
    at: datetime
    answered: bool = False
    answer: Position | None = None


class Replica(Generic[S]):
    """The confirmed state of one topic plus the pending commands, in the order in which they were made."""

    def __init__(self, rules: Rules[S]) -> None:
        self.rules = rules
        self.confirmed: S | None = None
        self.seq = -1
        self.epoch: str | None = None
        self.predicting = True
        self._pending: dict[str, Waiting] = {}
        self._drawn: S | None = None
        self._stale = False

    @property
    def pending(self) -> tuple[Waiting, ...]:
        """What is not confirmed, in order."""
        return tuple(self._pending.values())

    def holds(self, command: str) -> bool:
        """Whether the command is still pending."""
        return command in self._pending

    @property
    def drawn(self) -> S | None:
        """The confirmed state with what is pending painted onto it. Folds the pending commands only, and only when
        something has changed since the last look."""
        if self._stale:
            self._drawn, self._stale = self._paint(), False
        return self._drawn

    # --- what the server says ---------------------------------------------------------------------

    def reset(self, state: S, seq: int, epoch: str | None = None) -> tuple[str, ...]:
        """Replace what is confirmed. Returns the ids of the commands that this ends.

        In another epoch numbers mean something else, so a command that was answered in the old one ends.
        """
        self.confirmed, self.seq = state, seq
        if epoch is not None:
            self.epoch = epoch
        self._stale = True
        return self._settle()

    def confirm(self, e: Event) -> tuple[Verdict, tuple[str, ...]]:
        """Apply an event. `gap` and `unknown` change nothing: the state must be read again. Also returns the ids of
        the commands that this ends."""
        if e.seq <= self.seq:
            return "old", ()
        if e.seq != self.seq + 1:
            return "gap", ()
        if isinstance(e.data, UnknownFact):
            self.predicting, self._stale = False, True
            return "unknown", ()
        try:
            after = self.rules.evolve(self.confirmed, e)
        except BROKEN:
            self.predicting, self._stale = False, True
            return "unknown", ()
        self.confirmed, self.seq, self._stale = after, e.seq, True
        own = (e.command,) if self._pending.pop(e.command, None) is not None else ()
        return "applied", (*own, *self._settle())

    def revise(self, better: Callable[[S], S]) -> None:
        """What is confirmed is known better than before, though nothing has happened."""
        if self.confirmed is not None:
            self.confirmed, self._stale = better(self.confirmed), True

    def forget(self) -> None:
        """Nothing is known of it any more; what is pending stays so."""
        self.confirmed, self.seq, self.epoch = None, -1, None
        self.predicting = self._stale = True

    def answered(self, command: str, position: Position | None) -> tuple[str, ...]:
        """The server has accepted a command; it is in the log at or before `position` (None: not said, so it ends
        here and now). Returns the ids of the commands that this ends."""
        waiting = self._pending.get(command)
        if waiting is None:
            return ()
        if position is None:
            del self._pending[command]
            self._stale = True
            return (command,)
        self._pending[command] = replace(waiting, answered=True, answer=position)
        return self._settle()

    def refuse(self, command: str) -> bool:
        """Take a command back. False if it was not pending."""
        self._stale = True
        return self._pending.pop(command, None) is not None

    def _settle(self) -> tuple[str, ...]:
        ended = [i for i, w in self._pending.items() if w.answer is not None and self._covers(w.answer)]
        for i in ended:
            del self._pending[i]
            self._stale = True
        return tuple(ended)

    def _covers(self, answer: Position) -> bool:
        if self.confirmed is None:
            return False
        if self.epoch is not None and answer.epoch != self.epoch:
            return True
        return answer.seq <= self.seq

    # --- what the person does ---------------------------------------------------------------------

    def add(self, command: AnyCommand, at: datetime) -> Waiting:
        """Make a change pending. Raises `Refused` if it is malformed, which no server would think otherwise of; any
        other doubt is the server's to decide."""
        before = self.drawn
        if before is not None:
            try:
                self.rules.decide(before, command, at)
            except Refused as refused:
                if refused.kind == "invalid" and refused.code not in _BY_CLOCK:
                    raise
            except BROKEN:
                pass  # a state that the rules do not fit is no reason to keep a change from the server
        waiting = Waiting(command, at)
        self._pending[command.id] = waiting
        self._stale = True
        return waiting

    def restore(self, made_before: Iterable[Waiting]) -> None:
        """Make changes pending that were made before all that are; whatever there is against them, the server says."""
        self._pending = {**{w.command.id: w for w in made_before}, **self._pending}
        self._stale = True

    def _paint(self) -> S | None:
        state = self.confirmed
        if state is None or not self.predicting:
            return state
        seq = self.seq
        for waiting in self._pending.values():
            state, seq = self._predicted(state, waiting, seq)
        return state

    def _predicted(self, state: S, waiting: Waiting, seq: int) -> tuple[S, int]:
        rules, command, painted, n = self.rules, waiting.command, state, seq
        if not rules.paints(state, command):
            return state, seq
        try:
            for fact in rules.decide(state, command, waiting.at):
                n += 1
                e = event(rules.topic, n, waiting.at, command.by, command.id, fact)
                painted = rules.evolve(painted, e)
        except (Refused, *BROKEN):
            return state, seq
        return painted, n
