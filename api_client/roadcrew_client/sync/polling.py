"""One batch of what is new, asked for once. Not for when to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roadcrew_client.errors import not_ours
from roadcrew_client.frames import Item, RawBatch, read_reset
from roadcrew_client.models import read

if TYPE_CHECKING:
    from roadcrew_client.transport import Reply
from roadcrew_domain.events import BadEvent, decode_event


@dataclass(frozen=True, slots=True)
class Batch:
    """`frames` in the order in which they are to be applied; `cursor` is where one stands after all of them, or None
    when nothing was new; `tag` names the presence that was told."""

    frames: tuple[Item, ...] = ()
    cursor: str | None = None
    tag: str | None = None
    more: bool = False


def batch_of(reply: Reply) -> Batch:
    """The batch in an answer. Raises `ServerTrouble`."""
    if reply.status == 204:
        return Batch()
    raw = read(reply.body, RawBatch)
    try:
        events = tuple(decode_event(e) for e in raw.events)
    except BadEvent as error:
        raise not_ours(f"The server sent an event that can't be read: {str(error)[:200]}") from error
    resets = tuple(read_reset(r) for r in raw.resets)
    return Batch((*resets, *events, *raw.gone, *raw.presence), raw.cursor, raw.presence_tag, raw.more)
