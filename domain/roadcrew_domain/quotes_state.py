"""A quote run as a value: its state, what can happen to it (facts) and what can be asked (commands).

What is allowed is for quotes.py, and so is what a fact changes.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from datetime import date
from typing import Literal

import msgspec
from rpds import HashTrieMap

from roadcrew_domain.events import Fact
from roadcrew_domain.money import Money
from roadcrew_domain.running import InterruptedBecause, StartRunner, TellEnd
from roadcrew_domain.values import Moment, Value

MAX_PROVIDERS = 32
MAX_ASKED_HOTELS = 20
MAX_GUESTS = 50
MAX_DRIVERS = 8
MAX_NIGHTS = 90
MAX_PRICES = 40
"""That one provider may answer with."""
MAX_ACTIVITIES = 8
"""Things that one provider may say in a run; more are not kept."""
MAX_SAID = 120
"""Characters of one."""
MAX_DETAIL = 240
"""Characters of why there is no price."""
MAX_VOTES = 2_000
"""Changes of votes in a run."""

QuoteStatus = Literal["processing", "finished", "cancelled", "interrupted"]
FailureCode = Literal[
    "timeout", "unreachable", "http-status", "too-large", "nonsense", "not-covered", "refused", "internal"
]
"""Why a provider has no price. `not-covered`: it has none for what was asked, and nothing went wrong."""
"""The run's time was over; or too many processes have died while they did it."""


class AskedHotel(Value, frozen=True):
    """A hotel as it was when it was asked for; `id` is the shortlist's, or the rate tables' own."""

    id: str
    name: str
    city: str
    stars: int
    price_per_night: Money | None = None


class Stay(Value, frozen=True, tag="stay", tag_field="kind"):
    """Nights in hotels. `hotels` are copied from the shortlist by the server."""

    hotels: tuple[AskedHotel, ...]
    check_in: date
    check_out: date
    guests: int


class Driver(Value, frozen=True):
    age: int


class Vehicle(Value, frozen=True, tag="vehicle", tag_field="kind"):
    """Insurance or rent of a vehicle for some days, the last one included."""

    vin: str
    drivers: tuple[Driver, ...]
    begins: date = msgspec.field(name="from")
    ends: date = msgspec.field(name="to")


QuoteRequest = Stay | Vehicle


class AskedProvider(Value, frozen=True):
    """Who is asked. `simulated` is shown with every price of theirs; `timeout` is in seconds, all tries together."""

    id: str
    name: str
    simulated: bool
    timeout: float


class Price(Value, frozen=True):
    """A price for the whole request: all guests or drivers, all nights or days. `hotel_id` None: for a vehicle."""

    total: Money
    hotel_id: str | None = None
    note: str | None = None


class Answer(Value, frozen=True):
    """Where one provider stands. `seconds` since the run began when it ended; `said` is what it said last."""

    state: Literal["waiting", "working", "priced", "failed"] = "waiting"
    prices: tuple[Price, ...] = ()
    failure: FailureCode | None = None
    detail: str | None = None
    seconds: float | None = None
    said: str | None = None
    activities: int = 0


class Choice(Value, frozen=True):
    """A price that one may vote for: a provider's, for a hotel (None: for the vehicle)."""

    provider: str
    hotel_id: str | None = None


class QuoteRun(Value, frozen=True):
    """The state of a run. `answers` by provider id; `ballots` maps a member to a choice; `keep_until` is its end. The
    process that does it took it up at `runner_at` and last wrote something at `alive_at`."""

    id: str
    by: str
    trip_id: str | None
    request: QuoteRequest
    providers: tuple[AskedProvider, ...]
    again_of: str | None
    started_at: Moment
    ends_by: Moment
    keep_until: Moment
    status: QuoteStatus = "processing"
    ended_at: Moment | None = None
    because: InterruptedBecause | None = None
    expired: bool = False
    told: bool = False
    fence: int = 0
    runners: int = 0
    runner_at: Moment | None = None
    alive_at: Moment | None = None
    answers: HashTrieMap[str, Answer] = HashTrieMap()
    ballots: HashTrieMap[str, Choice] = HashTrieMap()
    votes: int = 0


# --- facts ---------------------------------------------------------------------------------------


class QuoteRequested(Fact, frozen=True):
    """Who asked is the event's `by`; the run's id is the event's command. At `ends_by` it is over in any case; until
    `keep_until` it can be read."""

    request: QuoteRequest
    providers: tuple[AskedProvider, ...]
    ends_by: Moment
    keep_until: Moment
    trip_id: str | None = None
    again_of: str | None = None


class QuoteActivity(Fact, frozen=True):
    """A provider said something. The first of a provider says that it was asked."""

    provider: str
    text: str


class QuoteResult(Fact, frozen=True):
    provider: str
    prices: tuple[Price, ...]
    seconds: float


class QuoteFailure(Fact, frozen=True):
    """`detail` is a sentence for people; it holds no secret and nothing that a provider sent."""

    provider: str
    failure: FailureCode
    detail: str
    seconds: float


class QuoteProgress(Fact, frozen=True):
    """Comes with each result and each failure."""

    done: int
    total: int


class QuoteFinished(Fact, frozen=True):
    """All have answered or failed."""

    priced: int
    failed: int


class QuoteCancelled(Fact, frozen=True):
    """Who cancelled is the event's `by`."""


class QuoteInterrupted(Fact, frozen=True):
    because: InterruptedBecause


class QuoteExpired(Fact, frozen=True):
    """It can no longer be read."""


class QuoteVoted(Fact, frozen=True):
    """The voter is the event's `by`. None takes the vote back."""

    choice: Choice | None


# --- commands ------------------------------------------------------------------------------------


class RequestQuote(Value, frozen=True):
    """Sent by the server, which has looked up the hotels and the providers; times are in seconds."""

    request: QuoteRequest
    providers: tuple[AskedProvider, ...]
    within: float
    keep_for: float
    trip_id: str | None = None
    again_of: str | None = None


class SayActivity(Value, frozen=True):
    """From the runner, as are the two below."""

    fence: int
    provider: str
    text: str


class AddResult(Value, frozen=True):
    fence: int
    provider: str
    prices: tuple[Price, ...]


class AddFailure(Value, frozen=True):
    fence: int
    provider: str
    failure: FailureCode
    detail: str


class CancelRun(Value, frozen=True):
    """`chair`: the server knows that it is the organiser of the run's trip who cancels."""

    chair: bool = False


class VoteQuote(Value, frozen=True):
    choice: Choice | None


class QuoteTick(Value, frozen=True):
    """Time has passed. Sent by the server's timer, by nobody else."""


QuoteAct = (
    RequestQuote | StartRunner | SayActivity | AddResult | AddFailure | CancelRun | VoteQuote | TellEnd | QuoteTick
)


class QuoteCommand(Value, frozen=True):
    """Who (`by`, None for the server) wants what, under an id that makes it safe to send twice."""

    id: str
    by: str | None
    act: QuoteAct
