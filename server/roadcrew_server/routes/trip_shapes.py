"""The shapes of `/api/social-cart`: what is sent, and what is answered. The limits of texts are the domain's."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from roadcrew_domain import crew, hotels, polls
from roadcrew_domain.money import MAX_AMOUNT
from roadcrew_domain.values import Value
from roadcrew_domain.views import TripView
from roadcrew_server.endpoints import Body

LONG = 4_000
"""Characters that a field may have before the domain looks at it; its own limits are far lower."""


def _to_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("that time is not in the calendar") from None


Text = Annotated[str, Field(max_length=LONG)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Moment = Annotated[AwareDatetime, AfterValidator(_to_utc)]


# --- bodies ----------------------------------------------------------------------------------------


class InviteBody(Body):
    expires_at: Moment | None = None
    max_uses: int | None = Field(None, ge=1, le=crew.MAX_MEMBERS)


class CreateBody(Body):
    name: Text
    destination: Text | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    required_members: int | None = Field(None, ge=0, le=100_000)
    discount_percent: int | None = Field(None, ge=0, le=100)
    invite: InviteBody | None = None


class JoinBody(Body):
    invite: Text
    name: Text | None = None


class TripBody(Body):
    trip_id: Id


class UpdateBody(TripBody):
    """Only the fields that are there change; null clears destination and dates."""

    name: Text = ""
    destination: Text | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    required_members: int = Field(0, ge=0, le=100_000)
    discount_percent: int = Field(0, ge=0, le=100)


class RenewInviteBody(TripBody):
    expires_at: Moment | None = None
    max_uses: int | None = Field(None, ge=1, le=crew.MAX_MEMBERS)
    revoke: bool = False


class MemberBody(TripBody):
    member_id: Id


class PollBody(TripBody):
    question: Text
    kind: polls.PollKind
    options: list[Text] = Field(max_length=1000)
    closes_at: Moment | None = None


class VoteBody(TripBody):
    poll_id: Id
    option_ids: list[Id] = Field([], max_length=1000)
    answers: dict[Id, polls.Answer] = Field({}, max_length=1000)


class ClosePollBody(TripBody):
    poll_id: Id
    option_id: Id | None = None


class MoneyBody(Body):
    amount: int = Field(ge=0, le=MAX_AMOUNT)
    currency: str = Field(max_length=3)


class ShortlistBody(TripBody):
    name: Text
    city: Text
    stars: int = Field(ge=0, le=hotels.MAX_STARS)
    price_per_night: MoneyBody
    url: Text | None = None


class HotelBody(TripBody):
    hotel_id: Id


class HotelVoteBody(TripBody):
    hotel_id: Id | None


class OpenVotingBody(TripBody):
    tie_rule: hotels.TieRule


class CloseVotingBody(TripBody):
    winner_id: Id | None = None


# --- answers ---------------------------------------------------------------------------------------


class TripAnswer(Value, frozen=True):
    """The trip as it is now, and a cursor at or after the change."""

    trip: TripView
    cursor: str


class LeftAnswer(Value, frozen=True):
    trip_id: str
    cursor: str


class InviteView(Value, frozen=True):
    code: str
    url: str
    expires_at: datetime | None
    max_uses: int | None


class CreatedAnswer(Value, frozen=True):
    trip: TripView
    invite: InviteView
    cursor: str


class InviteAnswer(Value, frozen=True):
    trip: TripView
    invite: InviteView | None
    cursor: str


class Summary(Value, frozen=True):
    """A line of "my trips". `needs_me` counts open polls and hotel votes that wait for this person."""

    id: str
    name: str
    destination: str | None
    starts_on: date | None
    ends_on: date | None
    member_count: int
    required_members: int
    is_discount_unlocked: bool
    open_polls: int
    voting_open: bool
    needs_me: int
    role: Literal["organiser", "member"]
    changed_at: datetime
    ends_at: datetime


class TripsAnswer(Value, frozen=True):
    trips: list[Summary]


class DeletedSummary(Value, frozen=True):
    """A trip that its organiser has deleted and can bring back. `members` counts them."""

    id: str
    name: str
    destination: str | None
    starts_on: date | None
    ends_on: date | None
    members: int
    deleted_at: datetime
    restorable_until: datetime


class DeletedAnswer(Value, frozen=True):
    trips: list[DeletedSummary]
