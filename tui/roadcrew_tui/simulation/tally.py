"""What came of a run so far, counted. Of a fixed size, however long it runs and whatever a server says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from roadcrew_client import SyncStatus
from roadcrew_tui.simulation.latency import Latencies

MOST_KEYS = 60
"""Different codes or names that are counted each for itself."""
OTHERS = "others"


def count(counter: Counter[str], key: str) -> None:
    """One more of these."""
    counter[key if key in counter or len(counter) < MOST_KEYS else OTHERS] += 1


@dataclass
class Tally:
    """Everybody counts in here."""

    actions: Counter[str] = field(default_factory=Counter)
    idle: Counter[str] = field(default_factory=Counter)
    """Steps for which there was nothing to do: a vote where no poll is open."""
    refusals: Counter[str] = field(default_factory=Counter)
    too_many_requests: int = 0
    failed_calls: int = 0
    """Calls that nobody answered, or a server in trouble, while signing in, creating, joining or leaving."""
    left_out: int = 0
    """Steps for which there was no time left."""
    unknown: int = 0
    """Changes of which nobody heard any more, since who made them left."""
    accepted: Latencies = field(default_factory=Latencies)
    seen: Latencies = field(default_factory=Latencies)
    late: Latencies = field(default_factory=Latencies)
    """How much later than planned steps were taken."""
    switches: int = 0
    modes: Counter[str] = field(default_factory=Counter)
    losses: int = 0
    bad_times: int = 0
    hidden: int = 0
    events: int = 0
    resets: int = 0
    """Resets after the first one of a client."""
    skipped: int = 0
    """Events that a reset stood for."""
    lost: int = 0
    doubled: int = 0
    faulty: Counter[str] = field(default_factory=Counter)
    """Names of those who lost something or were given it twice, and how often."""
    crashed: Counter[str] = field(default_factory=Counter)

    def refuse(self, code: str) -> None:
        """A server, or the rules here, said no."""
        count(self.refusals, code)

    def fault(self, name: str, *, lost: int = 0, doubled: int = 0) -> None:
        """Somebody was not given an event, or was given it twice."""
        self.lost += lost
        self.doubled += doubled
        count(self.faulty, name)


class Reading:
    """What one client was given of one trip: every event once, in order."""

    def __init__(self, name: str, tally: Tally) -> None:
        self.last: int | None = None
        self._name = name
        self._tally = tally

    def reset(self, seq: int) -> None:
        """The whole state, as of event `seq`: a new start. One that goes back has taken events away."""
        if self.last is not None:
            self._tally.resets += 1
            self._tally.skipped += max(0, seq - self.last)
            if seq < self.last:
                self._tally.fault(self._name, lost=self.last - seq)
        self.last = seq

    def event(self, seq: int) -> None:
        """An event."""
        self._tally.events += 1
        wanted = seq if self.last is None else self.last + 1
        if seq < wanted:
            self._tally.fault(self._name, doubled=1)
            return
        if seq > wanted:
            self._tally.fault(self._name, lost=seq - wanted)
        self.last = seq

    def end(self, head: int) -> None:
        """There will be no more; the log goes to `head`."""
        if self.last is not None and self.last < head:
            self._tally.fault(self._name, lost=head - self.last)


class Modes:
    """The ways in which one client keeps in touch, one after the other."""

    def __init__(self, tally: Tally) -> None:
        self.state = ""
        self._tally = tally
        self._transport = ""

    def now(self, status: SyncStatus) -> bool:
        """Hear what holds now; True if it is another than before."""
        if status.state == self.state:
            return False
        self.state = status.state
        count(self._tally.modes, status.state)
        transport = {"live": "stream", "polling": "poll"}.get(status.state)
        if transport is not None:
            self._tally.switches += self._transport not in ("", transport)
            self._transport = transport
        return True
