"""The envelope of an event, its JSON, and the cursor that says how far somebody has read.

Streaming and polling both carry these. What the events mean is for the module of each topic.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

from roadcrew_domain.ids import check_of
from roadcrew_domain.values import Moment, Value

SCHEMA_VERSION = 1
MAX_TOPICS = 32
"""Topics that one cursor, and so one stream, may follow."""
MAX_CURSOR_CHARS = 8192

Seq = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
"""The number of an event; never more than JSON numbers carry safely."""


class Fact(Value, frozen=True):
    """What happened: the `data` of an event. Its class name is the event's `type`."""

    types: ClassVar[dict[str, type["Fact"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Fact.types[cls.__name__] = cls


class UnknownFact(Fact, frozen=True):
    """An event of a type that this version does not know; whoever meets it asks for the state instead."""

    raw: msgspec.Raw = msgspec.Raw(b"{}")


class Event(Value, frozen=True):
    """One entry of a topic's log.

    `seq` counts from 0; `at` is the server's time, never running backwards within a topic; `by` is the
    id of the person, or None when a timer did it; `command` is the id of the command that caused it.
    """

    topic: str
    seq: int
    type: str
    at: Moment
    by: str | None
    command: str
    data: Fact
    v: int = SCHEMA_VERSION


class _Envelope(Value, frozen=True):
    topic: str
    seq: Seq
    type: str
    at: Moment
    by: str | None
    command: str
    data: msgspec.Raw
    v: int = SCHEMA_VERSION


_decoder = msgspec.json.Decoder(_Envelope)
_encoder = msgspec.json.Encoder()
_data_decoders: dict[str, msgspec.json.Decoder[Fact]] = {}


class BadEvent(ValueError):
    """Bytes that are not an event of ours."""


def event(topic: str, seq: int, at: datetime, by: str | None, command: str, data: Fact) -> Event:
    """Put a fact into its envelope."""
    return Event(topic, seq, type(data).__name__, at, by, command, data)


def encode_event(event: Event) -> bytes:
    """The event's JSON, the same in SSE `data:`, in a batch and in the store. An `UnknownFact` stays as it came."""
    if isinstance(event.data, UnknownFact):
        raw = event.data.raw
        return _encoder.encode(
            _Envelope(event.topic, event.seq, event.type, event.at, event.by, event.command, raw, event.v)
        )
    return _encoder.encode(event)


def decode_event(body: bytes | str | msgspec.Raw) -> Event:
    """An event from its JSON. An unknown type becomes an `UnknownFact`. Raises `BadEvent`."""
    try:
        e = _decoder.decode(body)
        return Event(e.topic, e.seq, e.type, e.at, e.by, e.command, _decode_data(e), e.v)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise BadEvent(f"not an event: {error}") from error


def _decode_data(envelope: _Envelope) -> Fact:
    cls = Fact.types.get(envelope.type)
    if cls is None or cls is UnknownFact or envelope.v > SCHEMA_VERSION:
        bytes(envelope.data).decode()  # what is only carried on is UTF-8 all the same
        return UnknownFact(envelope.data.copy())
    decoder = _data_decoders.get(envelope.type)
    if decoder is None:
        decoder = _data_decoders.setdefault(envelope.type, msgspec.json.Decoder(cls))
    return decoder.decode(envelope.data)


class Position(Value, frozen=True):
    """How far one topic has been read: its epoch, the last event's number, and `check_of` its command."""

    epoch: str
    seq: int
    check: str

    @classmethod
    def after(cls, epoch: str, seq: int, command: str) -> "Position":
        """The position of somebody who has read event `seq`, made by `command`."""
        return cls(epoch, seq, check_of(command))


class BadCursor(ValueError):
    """Text that is not a cursor of ours."""


_positions = msgspec.json.Decoder(list[tuple[str, str, Seq, str]])


def encode_cursor(positions: Mapping[str, Position]) -> str:
    """The opaque text of a cursor over several topics; safe in a URL, a header and an SSE id."""
    rows = [(topic, p.epoch, p.seq, p.check) for topic, p in sorted(positions.items())]
    return base64.urlsafe_b64encode(_encoder.encode(rows)).rstrip(b"=").decode()


def decode_cursor(text: str) -> dict[str, Position]:
    """The positions in a cursor. Raises `BadCursor`; a reader with a bad cursor gets `reset`."""
    if len(text) > MAX_CURSOR_CHARS:
        raise BadCursor("a cursor is shorter than that")
    try:
        rows = _positions.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise BadCursor("not a cursor") from error
    if len(rows) > MAX_TOPICS:
        raise BadCursor("a cursor of too many topics")
    positions = {topic: Position(epoch, seq, check) for topic, epoch, seq, check in rows}
    if len(positions) < len(rows):
        raise BadCursor("a cursor with two positions of one topic")
    return positions


def facts(events: Iterable[Event]) -> list[Fact]:
    """The data of events, for rules and tests that do not need the envelope."""
    return [e.data for e in events]
