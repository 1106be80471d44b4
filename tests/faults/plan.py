"""What a proxy does to what passes through it. Values only; they may be replaced while it runs."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["stream", "poll", "call"]
"""What a request is: for an event stream, for a batch of `/api/sync`, or any other."""
Side = Literal["answers", "requests", "either"]
How = Literal["rst", "fin", "either"]
"""How a connection ends: reset, as by a crash or a middlebox; or closed, as by a host that has had enough. `either`:
chance decides."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A connection dies after `least` to `most` bytes of one side, or of both together, wherever in a header or a frame
    that falls."""

    least: int = 1
    most: int = 4000
    side: Side = "either"
    how: How = "either"

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise ValueError(f"{self.least}-{self.most} is no range of bytes")


@dataclass(frozen=True, slots=True)
class Hold:
    """Event streams that begin from now on are buffered: passed on each time that `until` bytes have gathered (None:
    only when the stream ends); `headers` too, as a proxy does that keeps the whole answer until it is complete."""

    until: int | None = None
    headers: bool = False

    def __post_init__(self) -> None:
        if self.until is not None and self.until < 1:
            raise ValueError("a buffer holds at least one byte")


@dataclass(frozen=True, slots=True)
class Answer:
    """Requests of a kind (None: all) get this status from the proxy itself; the server never sees them. `retry_after`:
    seconds, said as a number, or `as_date` as the HTTP date at which they are over, by a clock that is `skew` seconds
    ahead of ours (as its `Date` is)."""

    status: int = 503
    retry_after: float | None = None
    as_date: bool = False
    skew: float = 0.0
    kind: Kind | None = None

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599:
            raise ValueError(f"{self.status} is no status to answer with")


@dataclass(frozen=True, slots=True)
class Faults:
    """All that may be wrong at once; by default nothing is. Times in seconds."""

    latency: float = 0.0
    """Each byte arrives so much later, in both directions …"""
    jitter: float = 0.0
    """… and up to so much later still; the order of bytes stays."""
    rate: int | None = None
    """Bytes a second, in each direction of each connection."""
    cut: Cut | None = None
    hold: Hold | None = None
    stream_life: float | None = None
    """An event stream is cut so long after its headers, as some hosts do after 60 s."""
    cut_streams_by: How = "fin"
    refuse: bool = False
    """Nobody listens: connecting is refused, and what is open is reset."""
    answer: Answer | None = None
    silent: bool = False
    """Connections are accepted and nothing is ever answered; open ones say nothing from now on. No end is told. One
    that went silent stays so."""

    def __post_init__(self) -> None:
        if min(self.latency, self.jitter, self.stream_life or 0.0) < 0 or (self.rate is not None and self.rate < 1):
            raise ValueError("times and rates are not negative")

    @property
    def delays(self) -> bool:
        """Whether bytes arrive later than they could."""
        return bool(self.latency or self.jitter or self.rate)
