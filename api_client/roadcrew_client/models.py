"""The shapes that come from and go to a server, as the HTTP contract (docs/api.md) says; a trip itself is the
domain's. Reading them is strict in type and lenient in fields: what a newer server adds is passed over."""

from __future__ import annotations  # the mapping fields are only read by type checkers

from datetime import date, datetime
from typing import TypeVar

import msgspec
from msgspec import Raw

from roadcrew_client.errors import ServerTrouble, not_ours
from roadcrew_domain.events import Event
from roadcrew_domain.trip import Trip
from roadcrew_domain.values import Value
from roadcrew_domain.views import BadView, decode_trip

T = TypeVar("T")


class User(Value, frozen=True):
    """A person at a server; `username` is None for a guest."""

    id: str
    name: str
    username: str | None = None
    guest: bool = False


class Session(Value, frozen=True):
    """What signing in gives."""

    token: str
    user: User
    expires_at: datetime | None = None


class SessionInfo(Value, frozen=True):
    """Who the token belongs to."""

    user: User
    expires_at: datetime | None = None


class PaymentMethod(Value, frozen=True):
    """One way to pay with a provider; `label` is for people."""

    id: str
    label: str


class PaymentWay(Value, frozen=True):
    """Somebody who takes money. `pays_later`: at the venue; `simulated`: no money moves."""

    id: str
    label: str
    methods: tuple[PaymentMethod, ...] = ()
    pays_later: bool = False
    simulated: bool = False


class QuoteProvider(Value, frozen=True):
    """Somebody whom a server asks for prices. `kinds`: `stay`, `vehicle`; `timeout` in seconds, all tries together."""

    id: str
    name: str
    simulated: bool = False
    kinds: tuple[str, ...] = ()
    timeout: float | None = None


class QuotesInfo(Value, frozen=True):
    """Whom the server asks for prices."""

    providers: tuple[QuoteProvider, ...] = ()


class ImportsInfo(Value, frozen=True):
    """`max_bytes`: the largest feed that the server takes."""

    max_bytes: int | None = None


class TalkInfo(Value, frozen=True):
    """The largest image that the server takes, in bytes of its file and in pixels."""

    max_image_bytes: int | None = None
    max_image_pixels: int | None = None


class ServerInfo(Value, frozen=True):
    """`features` names the tabs that the server serves, and `imports`; `time` is its clock; `payments` are the ways to
    pay there; `quotes`, `imports` and `talk` None: there are none."""

    name: str
    version: str
    public_url: str | None = None
    features: tuple[str, ...] = ()
    time: datetime | None = None
    payments: tuple[PaymentWay, ...] = ()
    quotes: QuotesInfo | None = None
    imports: ImportsInfo | None = None
    talk: TalkInfo | None = None


class InviteLink(Value, frozen=True):
    """An invite that lets people in; `max_uses` None: as many as the crew has room for."""

    code: str
    url: str
    expires_at: datetime | None = None
    max_uses: int | None = None


class InvitePreview(Value, frozen=True):
    """What an invite shows to somebody who has not signed in."""

    trip_name: str
    code: str
    active: bool
    starts_on: date | None = None
    ends_on: date | None = None
    invited_by: str | None = None


class TripSummary(Value, frozen=True):
    """A trip as the list of trips shows it."""

    id: str
    name: str
    destination: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    member_count: int = 0
    required_members: int = 0
    is_discount_unlocked: bool = False
    open_polls: int = 0
    voting_open: bool = False
    needs_me: int | bool = 0
    role: str = "member"
    changed_at: datetime | None = None
    ends_at: datetime | None = None


class InviteRequest(Value, frozen=True):
    """Ask for a new invite, which ends the former one; or, with `revoke`, only end it."""

    expires_at: datetime | None = None
    max_uses: int | None = None
    revoke: bool = False


class Created(Value, frozen=True):
    """A new trip, its invite, and the cursor at which it was read."""

    trip: Trip
    invite: InviteLink
    cursor: str


class Answer(Value, frozen=True):
    """What a change gave: the trip as it is now (None once left or deleted), and a cursor at or after the change."""

    trip: Trip | None
    cursor: str
    invite: InviteLink | None = None


class RawAnswer(Value, frozen=True):
    cursor: str
    trip: Raw = Raw(b"null")
    invite: InviteLink | None = None


class History(Value, frozen=True):
    """A part of a trip's log, oldest first; `more`: there is something before it that the server still has."""

    events: tuple[Event, ...]
    more: bool


class HistoryAnswer(Value, frozen=True):
    events: tuple[Raw, ...] = ()
    more: bool = False


class DeletedTrip(Value, frozen=True):
    """A trip that I have deleted. `members` counts them; from `restorable_until` on it can't be brought back."""

    id: str
    name: str
    deleted_at: datetime
    restorable_until: datetime
    members: int = 0
    destination: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class DeletedTrips(Value, frozen=True):
    trips: tuple[DeletedTrip, ...] = ()


class TripList(Value, frozen=True):
    trips: tuple[TripSummary, ...] = ()


def read(body: bytes | Raw | str, shape: type[T]) -> T:
    """The value in a body. Raises `ServerTrouble`."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise _unreadable(error) from error


def read_trip(body: bytes | Raw) -> Trip:
    """The trip in a body. Raises `ServerTrouble`."""
    try:
        return decode_trip(body)
    except (BadView, ValueError) as error:
        raise _unreadable(error) from error


def read_answer(body: bytes) -> Answer:
    """The answer to a change. Raises `ServerTrouble`."""
    raw = read(body, RawAnswer)
    trip = None if bytes(raw.trip) == b"null" else read_trip(raw.trip)
    return Answer(trip, raw.cursor, raw.invite)


def _unreadable(error: Exception) -> ServerTrouble:
    return not_ours(f"The server's answer can't be read: {str(error)[:200]}")
