"""What the client's thread hands to the screen: immutable, complete, and all that a screen may know of a trip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from textual.message import Message

if TYPE_CHECKING:
    from roadcrew_client import BookFigures, OutboxNews, PaymentWay, SyncFigures, User
    from roadcrew_client.booking import Outcome
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


class TripChanged(Message):
    """Something about a followed trip is new."""

    def __init__(self, snapshot: Snapshot, news: News) -> None:
        super().__init__()
        self.snapshot, self.news = snapshot, news


class BookChanged(Message):
    """Something about the cart, or the seats that are looked at, is new."""

    def __init__(self, book: BookSnapshot) -> None:
        super().__init__()
        self.book = book


class RunChanged(Message):
    """Something about a run or an import that is looked at is new."""

    def __init__(self, run: RunSnapshot) -> None:
        super().__init__()
        self.run = run


class TalkChanged(Message):
    """Something about what is said of the things that are looked at is new."""

    def __init__(self, talk: TalkSnapshot, news: TalkNews) -> None:
        super().__init__()
        self.talk, self.news = talk, news


class Mentioned(Message):
    """Somebody has mentioned this person in what they wrote: who (`by`), what they are called, and in which item."""

    def __init__(self, item: str, by: str, name: str) -> None:
        super().__init__()
        self.item, self.by, self.name = item, by, name


class BookingStepped(Message):
    """A booking, of a slot of this `title`, has come to another step; `words` say which."""

    def __init__(self, words: str, title: str) -> None:
        super().__init__()
        self.words, self.title = words, title


class BookingEnded(Message):
    """What became of a booking."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class TokenChanged(Message):
    """The session was got, renewed or lost; `asked`: this person wanted it to end."""

    def __init__(self, signed_in: bool, *, asked: bool = False) -> None:
        super().__init__()
        self.signed_in, self.asked = signed_in, asked


class Recalled(Message):
    """Who we were at a server, when it said so last; it has not been asked yet."""

    def __init__(self, server: str, user: User) -> None:
        super().__init__()
        self.server, self.user = server, user


class ServerTold(Message):
    """A server has said what it serves, in its own words."""

    def __init__(self, server: str, features: tuple[str, ...]) -> None:
        super().__init__()
        self.server, self.features = server, features


class SessionLooked(Message):
    """The `number`-th look `of` so many whether a new session can be used, and what was `seen`."""

    def __init__(self, number: int, of: int, seen: str) -> None:
        super().__init__()
        self.number, self.of, self.seen = number, of, seen


class AttemptFailed(Message):
    """The `attempt`-th `of` so many attempts of a call has failed, and there is another."""

    def __init__(self, attempt: int, of: int) -> None:
        super().__init__()
        self.attempt, self.of = attempt, of


class SignInNote(Message):
    """Something to say, once, about where the sign-in is kept."""

    def __init__(self, words: str, severity: Literal["information", "warning"] = "information") -> None:
        super().__init__()
        self.words, self.severity = words, severity


class NotKept(Message):
    """Something that was to be kept on disk was not, or not as it should, and why."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class OutboxChanged(Message):
    """There is news of the changes that wait to be sent."""

    def __init__(self, news: OutboxNews) -> None:
        super().__init__()
        self.news = news
