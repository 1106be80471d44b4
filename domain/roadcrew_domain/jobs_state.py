"""An import of hotels as a value: its state, what can happen to it (facts) and what can be asked (commands).

The rows themselves are too many for a state: they are kept in pages (records of the store), which the facts name. What
is allowed is for jobs.py, and so is what a fact changes.
"""

from __future__ import annotations

from typing import Literal

from roadcrew_domain.events import Fact
from roadcrew_domain.money import Money
from roadcrew_domain.running import InterruptedBecause, StartRunner, TellEnd
from roadcrew_domain.values import Moment, Value

SNAPSHOT_VERSION = 1
MAX_FEED_NAME = 120
MAX_PAGES = 2_000
"""Of good rows and of refused ones, each."""
MAX_REASONS = 50
"""Kinds of reasons that the state counts apart."""
OTHER_REASONS = "other"
SHOWN_REFUSED = 20
"""Refused rows that the state itself carries; the others are in pages."""

LONGEST_PAUSE = 3600.0
"""Seconds until a service that went away is tried again."""
MAX_CODE = 40
MAX_DETAIL = 240
"""Characters of why a row, or the whole feed, was refused."""

FeedFormat = Literal["csv", "json"]
JobStatus = Literal["processing", "finished", "cancelled", "failed", "interrupted"]
JobFailure = Literal["unreachable", "service-refused", "bad-feed", "too-many-rows", "protocol"]


class ImportedHotel(Value, frozen=True):
    """A good row, made clean by the price-monitor service. `line` is where it stands in the feed (of JSON: which
    element, from 1); `was` is the price that the service knew before, where that is another."""

    line: int
    name: str
    city: str
    stars: int
    price_per_night: Money
    was: Money | None = None


class RefusedRow(Value, frozen=True):
    """A bad row. `code` is one of a few (such as `bad-price`, `duplicate`), `detail` a sentence."""

    line: int
    code: str
    detail: str


class Checkpoint(Value, frozen=True):
    """Where the service can go on: the byte of the feed to send from, and what only the service understands."""

    offset: int = 0
    token: str = ""


class Counts(Value, frozen=True):
    """`bytes` of the feed that were read so far."""

    good: int = 0
    refused: int = 0
    bytes: int = 0


class ReasonCount(Value, frozen=True):
    """So many rows were refused for that reason."""

    code: str
    rows: int


class ImportJob(Value, frozen=True):
    """The state of an import. `pages` and `refused_pages` are keys of records, in the order of the feed; `reasons`
    counts refused rows by code. `retry_at`: while the service is away, when it is tried again. The process that does it
    took it up at `runner_at` and last wrote something at `alive_at`."""

    id: str
    by: str
    trip_id: str
    name: str
    format: FeedFormat
    size: int
    currency: str | None
    started_at: Moment
    ends_by: Moment
    keep_until: Moment
    status: JobStatus = "processing"
    connected: bool = False
    retry_at: Moment | None = None
    ended_at: Moment | None = None
    failure: JobFailure | None = None
    detail: str | None = None
    because: InterruptedBecause | None = None
    expired: bool = False
    told: bool = False
    fence: int = 0
    runners: int = 0
    runner_at: Moment | None = None
    alive_at: Moment | None = None
    counts: Counts = Counts()
    checkpoint: Checkpoint = Checkpoint()
    pages: tuple[str, ...] = ()
    refused_pages: tuple[str, ...] = ()
    reasons: tuple[ReasonCount, ...] = ()
    refused: tuple[RefusedRow, ...] = ()
    v: int = SNAPSHOT_VERSION


# --- facts ---------------------------------------------------------------------------------------


class ImportRequested(Fact, frozen=True):
    """Who asked is the event's `by`; the job's id is the event's command. `size` in bytes; `currency` is for rows that
    name none."""

    trip_id: str
    name: str
    format: FeedFormat
    size: int
    ends_by: Moment
    keep_until: Moment
    currency: str | None = None


class ImportConnected(Fact, frozen=True):
    """The price-monitor service reads the feed, from `counts` on."""


class ImportDisconnected(Fact, frozen=True):
    """The service went away; it is tried again in `retry_in` seconds."""

    retry_in: float


class RowsImported(Fact, frozen=True):
    """A part of the feed was read. `page` and `refused_page` are the keys of the records with its rows (None: it had
    none of that sort); `shown` are the first of the refused ones. `counts` are of the whole job."""

    counts: Counts
    checkpoint: Checkpoint
    page: str | None = None
    refused_page: str | None = None
    reasons: tuple[ReasonCount, ...] = ()
    shown: tuple[RefusedRow, ...] = ()


class ImportFinished(Fact, frozen=True):
    counts: Counts


class ImportCancelled(Fact, frozen=True):
    """Who cancelled is the event's `by`."""


class ImportFailed(Fact, frozen=True):
    """`detail` is a sentence for people, and holds no secret."""

    failure: JobFailure
    detail: str


class ImportInterrupted(Fact, frozen=True):
    because: InterruptedBecause


class ImportExpired(Fact, frozen=True):
    """It can no longer be read."""


# --- commands ------------------------------------------------------------------------------------


class RequestImport(Value, frozen=True):
    """Sent by the server once the whole feed is kept; times are in seconds."""

    trip_id: str
    name: str
    format: FeedFormat
    size: int
    within: float
    keep_for: float
    currency: str | None = None


class SayConnected(Value, frozen=True):
    """From the runner, as are those below."""

    fence: int


class SayDisconnected(Value, frozen=True):
    fence: int
    retry_in: float


class AddRows(Value, frozen=True):
    """`good` and `refused` are numbers of rows; their pages have been written."""

    fence: int
    good: int
    refused: int
    checkpoint: Checkpoint
    bytes: int
    page: str | None = None
    refused_page: str | None = None
    reasons: tuple[ReasonCount, ...] = ()
    shown: tuple[RefusedRow, ...] = ()


class FinishImport(Value, frozen=True):
    fence: int


class FailImport(Value, frozen=True):
    fence: int
    failure: JobFailure
    detail: str


class CancelImport(Value, frozen=True):
    """`chair`: the server knows that it is the organiser of the job's trip who cancels."""

    chair: bool = False


class JobTick(Value, frozen=True):
    """Time has passed. Sent by the server's timer, by nobody else."""


JobAct = (
    RequestImport
    | StartRunner
    | SayConnected
    | SayDisconnected
    | AddRows
    | FinishImport
    | FailImport
    | CancelImport
    | TellEnd
    | JobTick
)


class JobCommand(Value, frozen=True):
    """Who (`by`, None for the server) wants what, under an id that makes it safe to send twice."""

    id: str
    by: str | None
    act: JobAct
