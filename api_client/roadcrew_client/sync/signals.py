"""What the policy is told (signals) and what it says (effects). Values only; what follows from what is in policy.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# --- signals -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """Begin."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """End for good."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The time in `State.due` has come."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The headers of stream `n` are here."""

    n: int


@dataclass(frozen=True, slots=True)
class Proven:
    """The first frame of stream `n` is here, so nothing on the way holds frames back."""

    n: int


@dataclass(frozen=True, slots=True)
class Wished:
    """Stream `n` says over how many seconds the server wants all its clients to come back, should it lose them."""

    n: int
    spread: float


@dataclass(frozen=True, slots=True)
class Doubted:
    """Something speaks against stream `n`: what the server said elsewhere should have come through it by now, or the
    server gave no answer elsewhere."""

    n: int


CloseReason = Literal["cut", "silent", "bye", "unreachable", "trouble", "full", "renewed", "reread"]


@dataclass(frozen=True, slots=True)
class Closed:
    """Stream `n` ended, not by us. `cut`: the connection ended; `silent`: nothing came for too long; `bye`: the
    server said so; `unreachable`: it never was; `trouble`: refused, or nonsense; `full`: the server has no room for
    a stream of ours; `renewed`: our token is a new one; `reread`: our place was lost, and the engine has dealt with
    that. `wait`: its `Retry-After`; with a `bye`, after how many seconds this client shall come back."""

    n: int
    reason: CloseReason
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Polled:
    """Poll `n` is answered; `news`: something was new; `more`: the next batch is ready."""

    n: int
    news: bool
    more: bool = False


@dataclass(frozen=True, slots=True)
class PollFailed:
    """Poll `n` is not. `unreachable`: no answer; `trouble`: a bad one; `reread`, `renewed`: as for a stream."""

    n: int
    reason: Literal["unreachable", "trouble", "reread", "renewed"]
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The server will tell us nothing more: the topics are gone, or our session is."""

    mode: Literal["gone", "signed-out"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """There is a token again."""


@dataclass(frozen=True, slots=True)
class Key:
    """The person did something."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The server has given a good answer to something else than this stream or poll: it is there."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """Nobody looks; `at_once`: nor will anybody soon (suspended), so no grace."""

    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """Somebody looks again."""


Signal = (
    Started
    | Stopped
    | Tick
    | Opened
    | Proven
    | Wished
    | Doubted
    | Closed
    | Polled
    | PollFailed
    | Ended
    | SignedIn
    | Key
    | Answered
    | Hidden
    | Shown
)

# --- effects -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """Open a stream, and call it `n` in signals."""

    n: int


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask once, and call it `n` in signals."""

    n: int


@dataclass(frozen=True, slots=True)
class Drop:
    """End request `n`; signals about it are not heard any more."""

    n: int


Effect = Open | Poll | Drop
