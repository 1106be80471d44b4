"""The books of one trip: what people were told was accepted, against the server's log as a witness reads it.

Every change that was accepted must be in the log exactly once. One that the server says changed nothing must change
nothing by the rules, and not be there. Pure, and of a fixed size: what is settled is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from roadcrew_domain.events import Event
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Command, Trip, decide, evolve

REMEMBERED = 5_000
"""Commands of the log that are remembered, to tell one that comes again; far more than anybody has on the way."""
STATES = 256
"""States that are kept, to look at what changed nothing."""


@dataclass(slots=True)
class Counts:
    """How the books of one trip, or of all, stand."""

    entries: int = 0
    """Events of the log."""
    accepted: int = 0
    unchanged: int = 0
    """Accepted without changing anything, such as closing a poll that is closed."""
    missing: int = 0
    """Accepted, and not in the log."""
    doubled: int = 0
    """Twice in the log."""
    contradicted: int = 0
    """Refused, or said to change nothing, and in the log; or said to change nothing when it should have."""
    unverified: int = 0
    """Accepted where the witness saw no log: it was reset, or had not begun."""

    def add(self, other: Counts) -> None:
        """Count those in."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def wrong(self) -> int:
        """What must be 0."""
        return self.missing + self.doubled + self.contradicted


class Ledger:
    """Told by people what was accepted or refused, by the witness what is in the log."""

    def __init__(self) -> None:
        self.seq = -1
        self.state: Trip | None = None
        self._counts = Counts()
        self._logged: OrderedDict[str, None] = OrderedDict()
        self._last = ""
        self._denied: OrderedDict[str, None] = OrderedDict()
        self._awaited: dict[str, int] = {}
        self._claims: deque[tuple[int, Command]] = deque()
        self._states: OrderedDict[int, Trip] = OrderedDict()
        self._blind_until = -1

    def counts(self, *, whole: bool) -> Counts:
        """As it stands now. `whole`: the log has been read to its end, so what is still awaited is missing."""
        counts = Counts()
        counts.add(self._counts)
        counts.unverified += len(self._claims)
        if whole:
            counts.missing += len(self._awaited)
        else:
            counts.unverified += len(self._awaited)
        return counts

    # --- from people ------------------------------------------------------------------------------

    def accepted(self, command: str, seq: int) -> None:
        """It was accepted, and is in the log at `seq` or just before."""
        self._counts.accepted += 1
        if command in self._logged:
            return
        if seq <= self._blind_until:
            self._counts.unverified += 1
        else:
            self._awaited[command] = seq

    def unchanged(self, command: Command, seq: int) -> None:
        """It was accepted without changing anything, when `seq` was the last event."""
        self._counts.accepted += 1
        self._counts.unchanged += 1
        self._deny(command.id)
        self._claims.append((seq, command))
        self._look_at_claims()

    def refused(self, command: str) -> None:
        """It was refused."""
        self._deny(command)

    def _deny(self, command: str) -> None:
        self._counts.contradicted += command in self._logged
        _remember(self._denied, command)

    # --- from the witness -------------------------------------------------------------------------

    def begin(self, seq: int, trip: Trip) -> None:
        """The witness starts reading after `seq`, where the trip is this one. Once more, if it was reset."""
        skipped = [c for c, at in self._awaited.items() if at <= seq]
        for command in skipped:
            del self._awaited[command]
        self._counts.unverified += len(skipped)
        self._blind_until = seq
        self._keep(seq, trip)

    def log(self, event: Event) -> None:
        """The next event of the log. Raises `ValueError` for one that can't follow the state."""
        self._counts.entries += 1
        command = event.command
        if command != self._last:  # the events of one command stand together
            self._counts.doubled += command in self._logged
            self._counts.contradicted += command in self._denied
        self._last = command
        _remember(self._logged, command)
        self._awaited.pop(command, None)
        self._keep(event.seq, evolve(self.state, event))

    def _keep(self, seq: int, trip: Trip) -> None:
        self.seq, self.state = seq, trip
        self._states[seq] = trip
        if len(self._states) > STATES:
            self._states.popitem(last=False)
        self._look_at_claims()

    def _look_at_claims(self) -> None:
        for _ in range(len(self._claims)):
            seq, command = self._claims.popleft()
            if seq > self.seq:
                self._claims.append((seq, command))
                continue
            state = self._states.get(seq)
            if state is None:
                self._counts.unverified += 1
            elif not _changes_nothing(state, command):
                self._counts.contradicted += 1


def _changes_nothing(state: Trip, command: Command) -> bool:
    """Whether the rules say so too. As of the state's last event: a deadline that came later ended nothing yet."""
    try:
        return decide(state, command, state.recent[-1].at) == ()
    except Refused:
        return False


def _remember(commands: OrderedDict[str, None], command: str) -> None:
    commands[command] = None
    if len(commands) > REMEMBERED:
        commands.popitem(last=False)
