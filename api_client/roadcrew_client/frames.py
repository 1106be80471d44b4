"""What a server says about topics, on either transport: what has happened, the whole of a state, who is here, and that
nothing more will come. Not for the answers to calls (models.py), nor for how frames are cut out of a stream (sync/).
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Raw

from roadcrew_client.models import read, read_trip
from roadcrew_domain.events import Event
from roadcrew_domain.values import Moment, Value


class Reset(Value, frozen=True):
    """The whole state of a topic as of event `seq`. `state` is a `Trip` for a trip, a `Cart` for a cart, a `SlotCount`
    for a slot, a `QuoteRun` for a quote run, an `ImportJob` for an import, a `Feed`, `Marks` or `Watching` for a
    channel of talk, else plain JSON values."""

    topic: str
    seq: int
    state: object
    now: datetime | None = None


class Here(Value, frozen=True):
    """Somebody who is here, and which tab they look at. Where talk is, also what they are called, and whether they are
    writing something."""

    id: str
    where: str | None = None
    name: str | None = None
    typing: bool = False


class LastSeen(Value, frozen=True):
    """Somebody who was here, and when that was last so."""

    id: str
    at: Moment
    name: str | None = None


class Presence(Value, frozen=True):
    """Everybody who is here now; where talk is, also who was lately and is not any more, the latest first. Of a crowd
    there, not all are told of one by one: so many `others` are here."""

    topic: str
    present: tuple[Here, ...] = ()
    seen: tuple[LastSeen, ...] = ()
    others: int = 0


class Gone(Value, frozen=True):
    """Nothing more will come of this topic."""

    topic: str
    reason: str = "unknown"


class Bye(Value, frozen=True):
    """The server closes the stream; come back, `wait` seconds from now if it said when."""

    reason: str = ""
    wait: float | None = None


Item = Event | Reset | Presence | Gone
"""What happens in a topic, on either transport."""

Frame = Item | Bye
"""What a stream carries."""


class RawBye(Value, frozen=True):
    reason: str = ""


class RawReset(Value, frozen=True):
    topic: str
    seq: int
    state: Raw
    now: datetime | None = None


class RawBatch(Value, frozen=True):
    cursor: str
    events: tuple[Raw, ...] = ()
    resets: tuple[RawReset, ...] = ()
    gone: tuple[Gone, ...] = ()
    presence: tuple[Presence, ...] = ()
    presence_tag: str | None = None
    more: bool = False


def read_reset(raw: RawReset) -> Reset:
    """A reset with its state decoded. Raises `ServerTrouble`."""
    state: object
    match raw.topic.partition(":")[0]:
        case "trip":
            state = read_trip(raw.state)
        case "cart" | "slot" as kind:
            from roadcrew_client import book_models  # noqa: PLC0415 — only who books needs the rules of it

            state = book_models.read_cart(raw.state) if kind == "cart" else book_models.read_count(raw.state)
        case "quote":
            from roadcrew_client import quote_models  # noqa: PLC0415 — only who asks for prices needs the rules of it

            state = quote_models.read_run(raw.state)
        case "job":
            from roadcrew_client import job_models  # noqa: PLC0415 — only who imports needs the rules of it

            state = job_models.read_job(raw.state)
        case "feed":
            from roadcrew_client import talk_models  # noqa: PLC0415 — only who talks needs the rules of it

            state = talk_models.read_state(raw.state)
        case _:
            state = read(raw.state, object)
    return Reset(raw.topic, raw.seq, state, raw.now)
