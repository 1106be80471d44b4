"""What the client's thread hands to the screen: immutable, complete, and all that a screen may know of a trip.

Without Textual, for models and sub-commands: `messages.py` brings it to the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from roadcrew_client import BookFigures, PaymentWay, SyncFigures
    from roadcrew_client.frames import Presence
    from roadcrew_domain.cart_state import Cart
    from roadcrew_domain.events import Event
    from roadcrew_domain.feed import FeedState
    from roadcrew_domain.feed_state import FeedAct
    from roadcrew_domain.jobs_state import ImportJob
    from roadcrew_domain.marks_state import MarkAct
    from roadcrew_domain.quotes_state import QuoteRun
    from roadcrew_domain.seats_views import SlotCount
    from roadcrew_domain.trip import Trip, TripAct

NewsKind = Literal["reset", "events", "pending", "refused", "dropped", "confirmed", "presence", "status", "gone"]


@dataclass(frozen=True)
class Sending:
    """A change of this person that the server has not confirmed. `waiting`: it is kept until the network is back."""

    id: str
    act: TripAct
    waiting: bool = False


@dataclass(frozen=True)
class Status:
    """How the link to the server is; `interval` in seconds when polling, `waiting` changes not sent yet."""

    state: str = "connecting"
    interval: float | None = None
    waiting: int = 0


@dataclass(frozen=True)
class Refusal:
    """Why a change was taken back."""

    code: str
    detail: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A trip as it is to be drawn. `ahead` is how far the server's clock is ahead of ours."""

    trip_id: str
    trip: Trip | None = None
    confirmed: Trip | None = None
    sending: tuple[Sending, ...] = ()
    present: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    status: Status = Status()
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The server's time, as well as we know it."""
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class News:
    """Why there is a new snapshot."""

    kind: NewsKind
    events: tuple[Event, ...] = ()
    refusal: Refusal | None = None
    act: TripAct | None = None
    reason: str | None = None


@dataclass(frozen=True)
class BookSnapshot:
    """A person's cart as it is to be drawn, None while it is not known; the seats of the slots that are looked at; the
    ways to pay. `state` is how it is with the link, as a `Status` has it, and `ahead` as a `Snapshot`."""

    cart: Cart | None = None
    slots: Mapping[str, SlotCount] = field(default_factory=lambda: MappingProxyType({}))
    ways: tuple[PaymentWay, ...] = ()
    state: str = "connecting"
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The server's time, as well as we know it."""
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class RunSnapshot:
    """A quote run or an import as it is to be drawn, by the name of its topic (`quote:ID`, `job:ID`). `state` is None
    while it is not known; `gone` says why nothing more will come. `ahead` as a `Snapshot`."""

    name: str
    state: QuoteRun | ImportJob | None = None
    status: Status = Status()
    gone: str | None = None
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The server's time, as well as we know it."""
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class Saying:
    """Something that this person said or gave in a topic of talk, and that the server has not confirmed. `waiting` as a
    `Sending`."""

    id: str
    topic: str
    act: FeedAct | MarkAct
    waiting: bool = False


@dataclass(frozen=True)
class TalkSnapshot:
    """What is said and given of all that is looked at, as it is to be drawn, by topic; who is `present`, by the topics
    of presence. Topics that are not known yet are missing. `gone` says why nothing more will come of some. `ahead` as a
    `Snapshot`."""

    states: Mapping[str, FeedState] = field(default_factory=lambda: MappingProxyType({}))
    present: Mapping[str, Presence] = field(default_factory=lambda: MappingProxyType({}))
    sending: tuple[Saying, ...] = ()
    gone: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    status: Status = Status()
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The server's time, as well as we know it."""
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class TalkNews:
    """Why there is a new `TalkSnapshot`, and about which topic; empty: about all. After a `reset`, what was loaded of
    older items may be out of date."""

    kind: str
    topic: str = ""
    events: tuple[Event, ...] = ()
    refusal: Refusal | None = None
    act: FeedAct | MarkAct | None = None


@dataclass(frozen=True)
class Inspection:
    """How it stands with the link, as somebody looks. `bytes_in` and `bytes_out`: since this server was opened. `sync`
    None: no trip is followed. `kept_in`: where the sign-in is
    kept, if that is known. `book`: what became of bookings."""

    server: str | None
    signed_in: bool = False
    kept_in: str | None = None
    session_attempts: int | None = None
    session_seconds: float | None = None
    sessions_given_up: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    sync: SyncFigures | None = None
    book: BookFigures | None = None
