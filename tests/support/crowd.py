"""A crowd of clients under a virtual clock: the real policy of each, and a stand-in for their server and the way to it.

What is counted is when requests of theirs reach the server after it was away. No sockets, no waiting.
"""

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from roadcrew_client.settings import ClientSettings
from roadcrew_client.sync import policy as p

Away = Literal["killed", "asked to end", "behind a gateway"]
"""Connections just end; or `bye` comes first, each with a moment of its own; or a gateway in front answers 502."""

TRIP_TIME = 0.03
"""Seconds from a request to its answer."""


@dataclass
class Member:
    """One client. `back` is when it reached the server again, and `synced` when it had its answer."""

    dice: random.Random
    state: p.State
    back: float | None = None
    synced: float | None = None


class Crowd:
    """`size` clients, live since long ago, at a server that says `retry:` as the real one does."""

    def __init__(self, size: int, *, seed: int = 0, settings: ClientSettings | None = None) -> None:
        self.now = 1000.0
        self.settings = settings or ClientSettings()
        self.arrivals: list[float] = []
        self.members = [Member(random.Random(f"{seed}/{n}"), p.State()) for n in range(size)]
        self._dice = random.Random(seed)
        self._down = False
        self._away: Away = "killed"
        self._order = itertools.count()
        self._queue: list[tuple[float, int, Member, p.Signal]] = []
        for member in self.members:
            self._tell(member, p.Started())
        self._run(self.now + 60)
        assert all(m.state.mode == "live" for m in self.members)

    def away(self, seconds: float, how: Away = "killed", *, follow: float = 90.0) -> None:
        """Take the server away for so long, then let the crowd come back for at most `follow` seconds."""
        self._down, self._away, self.arrivals = True, how, []
        for member in self.members:
            member.back = member.synced = None
            wait = self._dice.uniform(0.1, 0.1 + max(0.4, 0.002 * len(self.members)))
            bye = how == "asked to end"
            signal = p.Closed(member.state.n, "bye", wait) if bye else p.Closed(member.state.n, "cut")
            self._later(self._dice.uniform(0, 0.01), member, signal)
        self._run(self.now + seconds)
        self._down, self.returned = False, self.now
        self._run(self.now + follow)

    @property
    def worst_second(self) -> float:
        """The largest share of the crowd that came back within any one second."""
        back = sorted(m.back - self.returned for m in self.members if m.back is not None)
        ahead, most = 0, 0
        for n, moment in enumerate(back):
            while back[ahead] <= moment - 1:
                ahead += 1
            most = max(most, n - ahead + 1)
        return most / len(self.members)

    @property
    def last(self) -> float:
        """Seconds until all were in sync again."""
        assert all(m.synced is not None for m in self.members), "somebody never came back"
        return max((m.synced or 0.0) - self.returned for m in self.members)

    @property
    def modes(self) -> Counter[str]:
        """How many are in which mode."""
        return Counter(m.state.mode for m in self.members)

    # --- what happens -----------------------------------------------------------------------------

    def _run(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            self.now, _, member, signal = heapq.heappop(self._queue)
            if isinstance(signal, p.Tick) and (member.state.due is None or member.state.due > self.now):
                continue
            self._tell(member, signal)
        self.now = until

    def _later(self, seconds: float, member: Member, signal: p.Signal) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._order), member, signal))

    def _tell(self, member: Member, signal: p.Signal) -> None:
        member.state, effects = p.step(member.state, signal, self.now, member.dice.random(), self.settings)
        for effect in effects:
            if isinstance(effect, p.Open | p.Poll):
                self._ask(member, effect)
        if member.state.due is not None:
            self._later(max(0.0, member.state.due - self.now), member, p.Tick())

    def _ask(self, member: Member, asked: p.Open | p.Poll) -> None:
        streams = isinstance(asked, p.Open)
        if self._down:
            gateway = self._away == "behind a gateway"
            reason: Literal["trouble", "unreachable"] = "trouble" if gateway else "unreachable"
            failed = p.Closed(asked.n, reason) if streams else p.PollFailed(asked.n, reason)
            self._later(TRIP_TIME, member, failed)
            return
        self.arrivals.append(self.now)
        if member.back is None:
            member.back, member.synced = self.now, self.now + TRIP_TIME
        if not streams:
            self._later(TRIP_TIME, member, p.Polled(asked.n, news=True))
            return
        self._later(TRIP_TIME, member, p.Opened(asked.n))
        self._later(TRIP_TIME, member, p.Proven(asked.n))
        # As with each heartbeat; how many are here when all are.
        self._later(TRIP_TIME, member, p.Wished(asked.n, max(0.1, 0.002 * len(self.members))))
