"""What can be talked about, and what the topics of that are called: `feed:{type}:{id}:{channel}`. Pure.

Not for whether there is such a thing, nor for who may read of it: that is the server's to know.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Literal, get_args

from roadcrew_domain.ids import is_id
from roadcrew_domain.values import Value

EntityType = Literal["trip", "location", "post", "blog"]
"""A location is a hotel or an exhibition; posts and blogs belong to a trip."""
ListChannel = Literal["comments", "images", "posts", "blogs"]
"""Channels that are lists of items. Only a trip has posts and blogs."""
MarkChannel = Literal["rating", "likes", "saves"]
"""Channels in which everybody gives one mark, or none."""
Channel = Literal[ListChannel, MarkChannel, "presence"]

ENTITY_TYPES: frozenset[str] = frozenset(get_args(EntityType))
LIST_CHANNELS: frozenset[str] = frozenset(get_args(ListChannel))
MARK_CHANNELS: frozenset[str] = frozenset(get_args(MarkChannel))
OF_TRIPS = frozenset({"posts", "blogs"})
CHANNELS = LIST_CHANNELS | MARK_CHANNELS | {"presence"}

_HOTEL = re.compile(r"hotel\.[0-9a-f]{16}")
_EXHIBITION = re.compile(r"exhibition\.[a-z0-9-]{1,40}")


class Entity(Value, frozen=True):
    """Something that can be talked about."""

    type: EntityType
    id: str

    def topic(self, channel: str) -> str:
        """What one of its channels is called."""
        return f"feed:{self.type}:{self.id}:{channel}"

    def has(self, channel: str) -> bool:
        """Whether it has such a channel."""
        return channel in CHANNELS and (self.type == "trip" or channel not in OF_TRIPS)


def entity(kind: str, id: str) -> Entity | None:  # noqa: A002
    """The entity of this type and id; None if there can be none."""
    well_formed = is_place(id) if kind == "location" else is_id(id)
    return Entity(kind, id) if kind in ENTITY_TYPES and well_formed else None  # type: ignore[arg-type]


def parse_topic(topic: str) -> tuple[Entity, str] | None:
    """The entity and the channel that a topic's name stands for; None if it is no feed's."""
    prefix, _, rest = topic.partition(":")
    kind, _, rest = rest.partition(":")
    id_, _, channel = rest.rpartition(":")
    found = entity(kind, id_) if prefix == "feed" else None
    return (found, channel) if found is not None and found.has(channel) else None


def hotel_place(name: str, city: str) -> str:
    """The location that a hotel is: the same on all trips of a server that write its name and city the same way, but
    for case, width and space."""
    words = "\x00".join(" ".join(unicodedata.normalize("NFKC", text).casefold().split()) for text in (name, city))
    return f"hotel.{hashlib.blake2b(words.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def exhibition_place(exhibition_id: str) -> str:
    """The location that an exhibition of the catalogue is."""
    return f"exhibition.{exhibition_id}"


def is_place(text: str) -> bool:
    """True for the id of a location."""
    return (_HOTEL.fullmatch(text) or _EXHIBITION.fullmatch(text)) is not None
