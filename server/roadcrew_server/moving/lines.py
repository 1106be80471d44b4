"""What stands in an exported file: one JSON object a line, bytes as base64, times as milliseconds since 1970 in UTC.

The first line is a `Header`, the last an `End`. A topic's events follow it in the order of their numbers, then the
commands that are remembered in it. What it is not for: the order of lines and what they mean together (`reading`).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated

import msgspec

VERSION = 1
MAX_LINE = 32 * 1024 * 1024
"""Bytes of the longest line that is written or read. The longest is a topic's, whose snapshot may be 24 MB."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
Epoch = Annotated[str, msgspec.Meta(pattern=r"\A[!-~]{1,128}\Z")]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Time = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]


class Line(msgspec.Struct, frozen=True, tag_field="is", forbid_unknown_fields=True):
    """Any line."""


class Header(Line, frozen=True, tag="roadcrew-export"):
    """Which form the file has, and who made it when."""

    version: int
    made: Time
    by: Text


class Fence(Line, frozen=True, tag="fence"):
    """The newest fence of any lease: those after the move must be greater."""

    newest: Number


class Record(Line, frozen=True, tag="record"):
    """A keyed record."""

    kind: Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9-]{0,31}\Z")]
    key: Text
    value: bytes
    expires: Time | None


class Item(Line, frozen=True, tag="index"):
    """One item of an index."""

    index: Text
    item: Text
    at: Time


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topic's state after event `seq`."""

    seq: Number
    command: Text
    body: bytes


class Topic(Line, frozen=True, tag="topic"):
    """A topic; `head - first + 1` events follow."""

    topic: Text
    epoch: Epoch
    head: Number
    first: Number
    keep: Time
    due: Time | None
    snapshot: Snapshot | None


class Event(Line, frozen=True, tag="event"):
    """An event of the topic above it."""

    seq: Number
    command: Text
    body: bytes


class Command(Line, frozen=True, tag="command"):
    """A command that is remembered in the topic above it."""

    key: Text
    outcome: bytes
    keep: Time


class End(Line, frozen=True, tag="end"):
    """How many lines there are before this one, and the SHA-256 of all their bytes in hexadecimal."""

    lines: Number
    sha256: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


Content = Fence | Record | Item | Topic | Event | Command
AnyLine = Header | Content | End

encode: Callable[[AnyLine], bytes] = msgspec.json.Encoder().encode
decode: Callable[[bytes], AnyLine] = msgspec.json.Decoder(AnyLine).decode


@dataclass(slots=True)
class Counts:
    """What was moved. `run_out` are things whose time was over meanwhile, which were left behind."""

    topics: int = 0
    events: int = 0
    commands: int = 0
    records: int = 0
    items: int = 0
    run_out: int = 0

    def count(self, line: Content) -> None:
        """One more of its kind."""
        name = _COUNTED.get(type(line))
        if name is not None:
            setattr(self, name, getattr(self, name) + 1)

    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        topics = "1 topic" if self.topics == 1 else f"{self.topics:,} topics"
        return (
            f"{topics} (events: {self.events:,}, remembered commands: {self.commands:,}), "
            f"records: {self.records:,}, index entries: {self.items:,}"
        )


_COUNTED: dict[type, str] = {
    Topic: "topics",
    Event: "events",
    Command: "commands",
    Record: "records",
    Item: "items",
}
