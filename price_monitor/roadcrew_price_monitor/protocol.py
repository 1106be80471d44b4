"""What a server and a price-monitor service say to each other: messages, limits, and how they are written and read.

Not for sockets, nor for what a feed may look like. In words, with an example: docs/price-monitor.md.

    server → service    Hello, then the feed from `Ready.offset` on as binary messages, End; Ack, Cancel
    service → server    Ready, Rows, Done or Failed

Three rules keep both ends small:

- The server never sends more of the feed than `Ready.ahead` bytes beyond the newest checkpoint that it knows (at first
  that of its `Hello`). So neither end ever waits for the other with an `Ack` behind what can't be sent.
- The service has at most `MOST_UNACKNOWLEDGED` `Rows` under way that no `Ack` has named.
- A checkpoint is good for ever: a `Hello` with it, at any later time, on any connection, goes on there.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from roadcrew_domain.jobs_state import Checkpoint, FeedFormat, ImportedHotel, RefusedRow
from roadcrew_domain.values import Value, read

VERSION = 1

PATH = "/v1/imports"
"""Where the service listens; the key goes as `Authorization: Bearer KEY`, or the answer is 401."""

CHUNK = 64 * 1024
"""Bytes of the feed in one binary message; more than `MOST_CHUNK` are refused."""

MOST_CHUNK = 256 * 1024

MOST_TEXT = 8 * 1024
"""Characters in a message from the server that is no piece of the feed."""

MOST_ANSWER = 16 * 1024 * 1024
"""Bytes in a message from the service: `MOST_ROWS` rows with the longest names there can be."""

MOST_ROWS = 4_000
"""Rows in one `Rows`, good and refused together."""

MOST_UNACKNOWLEDGED = 2

LEAST_BETWEEN = 0.1
"""Seconds between two `Rows` of a job."""

REPLACED = 4409
"""Close code: the same job was begun on another connection."""

SILENT = 4408
"""Close code: a wait for the server had its end. It may come again with its checkpoint."""

FailCode = Literal["bad-feed", "protocol", "version"]
"""Of these only `bad-feed` is the feed's fault. None gets better by trying again."""


class Message(Value, frozen=True, tag_field="type", tag=str.lower):
    """Written as JSON with its name in small letters as `type`."""


class Hello(Message, frozen=True):
    """The first message on a connection. `job` is an id; `bytes` the size of the whole feed; `currency` is for rows
    that name none; `checkpoint` the newest one whose rows are kept. `history` says whose prices are compared: `was` is
    of an import with the same one, so that nobody reads, or makes up, what others have found."""

    version: int
    job: str
    format: FeedFormat
    bytes: int
    currency: str | None = None
    checkpoint: Checkpoint = Checkpoint()
    history: Annotated[str, msgspec.Meta(max_length=64)] = ""


class End(Message, frozen=True):
    """The feed ends here."""


class Ack(Message, frozen=True):
    """The rows up to there are kept: those of the `Rows` that said this checkpoint, and of all before it."""

    checkpoint: Checkpoint


class Cancel(Message, frozen=True):
    """No more is wanted. The service closes."""


class Ready(Message, frozen=True):
    """Send the feed from this byte on: mostly where the checkpoint stands; earlier, even from 0, where the service has
    lost what it knew of the job. Rows before the checkpoint are not said again in any case."""

    offset: int
    ahead: int


class Rows(Message, frozen=True):
    """A part of the feed, in its order; both lists may be empty, then it says only how far it is. `rows` are all rows
    of the feed so far, good and refused; `bytes` what was read of it. Send no more than `Ready.ahead` bytes beyond
    `checkpoint.offset`."""

    hotels: tuple[ImportedHotel, ...]
    refused: tuple[RefusedRow, ...]
    checkpoint: Checkpoint
    rows: int
    bytes: int


class Done(Message, frozen=True):
    """The whole feed was read, and every `Rows` acknowledged. `rows` as in `Rows`. The service closes."""

    rows: int


class Failed(Message, frozen=True):
    """It ends here. `detail` is a sentence for people. The service closes."""

    code: FailCode
    detail: str


FromServer = Hello | End | Ack | Cancel
FromService = Ready | Rows | Done | Failed

_encoder = msgspec.json.Encoder()
_from_server: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)
_from_service: msgspec.json.Decoder[FromService] = msgspec.json.Decoder(FromService)


def written(message: FromServer | FromService) -> str:
    """The text message to send."""
    return _encoder.encode(message).decode()


def from_server(message: str) -> FromServer:
    """What a server said. Raises `ValueError` for anything else."""
    return read(_from_server, message)


def from_service(message: str) -> FromService:
    """What a service said. Raises `ValueError` for anything else."""
    return read(_from_service, message)
