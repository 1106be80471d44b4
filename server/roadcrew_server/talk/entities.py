"""What there is to talk about (trips, their posts and blogs, hotels that were shortlisted once, exhibitions of the
catalogue), whose it is, and what it is called. Not for what is said of it.

Posts, blogs and hotels are known by records of the store, which are written before what they are of: one without it
does no harm.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from roadcrew_domain import hotels, text
from roadcrew_domain.places import Entity, ListChannel, hotel_place
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Value
from roadcrew_server.catalogue import Catalogue
from roadcrew_server.topic import TopicMissing
from roadcrew_server.topics import Closed, trip_topic

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub

PLACE = "place"
ENTRY = "entry"
HOTELS = 10_000
"""Hotels that this process remembers: a record of one is never written again."""


class Place(Value, frozen=True):
    """The record of a hotel: as it was first written."""

    name: str
    city: str


class Entry(Value, frozen=True):
    """The record of a post or a blog: the trip that it belongs to, who writes it, and its number there, once that is
    known."""

    trip_id: str
    channel: ListChannel
    by: str
    no: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """There is such an entity. `trip_id`: whose members alone may read of it. `name` is a trip's, a hotel's or an
    exhibition's; `entry` a post's or blog's."""

    entity: Entity
    trip_id: str | None
    name: str | None = None
    entry: Entry | None = None


class Entities:
    """Those of one server. Every method may raise `StoreUnavailable`."""

    def __init__(self, hub: Hub, catalogue: Catalogue | None) -> None:
        self._hub = hub
        self._store = hub.store
        self._catalogue = catalogue
        self._hotels: dict[str, str] = {}

    async def find(self, entity: Entity) -> Found | None:
        """What it is; None if there is nothing of that name. Not whether somebody may read of it."""
        match entity.type:
            case "trip":
                return await self._trip(entity)
            case "location":
                name = await self._place(entity.id)
                return None if name is None else Found(entity, None, name)
            case _:
                entry = await self.entry(entity.id)
                of_it = entry is not None and entry.channel == f"{entity.type}s"
                return Found(entity, entry.trip_id, entry=entry) if entry is not None and of_it else None

    async def closed_to(self, trip_id: str, user: str) -> Closed | None:
        """Why this person may not read a trip; None if they may. One that is not there any more has ended."""
        try:
            return (await self._hub.look(trip_topic(trip_id), user))[1]
        except TopicMissing:
            return "ended"

    async def entry(self, item_id: str) -> Entry | None:
        """The record of a post or a blog."""
        stored = await self._store.get(ENTRY, item_id)
        return None if stored is None else msgspec.json.decode(stored.value, type=Entry)

    async def keep_entry(self, item_id: str, entry: Entry) -> bool:
        """A post or blog is to be written, or was: then its number is known. Whether nothing was known of it. Raises
        `Refused` (`id-taken`)."""
        value = msgspec.json.encode(entry)
        if await self._store.create(ENTRY, item_id, value):
            return True
        there = await self.entry(item_id)
        if there is None or msgspec.structs.replace(there, no=entry.no) != entry:
            raise Refused("id-taken", "conflict", "Somebody else has used this id. Try again.")
        if there.no is None and entry.no is not None:
            await self._store.put(ENTRY, item_id, value)
        return False

    async def forget_entry(self, item_id: str) -> None:
        """A post or blog was not written after all, or has gone with its trip."""
        await self._store.delete(ENTRY, item_id)

    async def keep_hotel(self, name: str, city: str) -> None:
        """A hotel is to be shortlisted. A name that none can have is left to the rules of trips."""
        with suppress(Refused):
            name = text.checked(name, field="hotel's name", limit=hotels.MAX_NAME)
            city = text.checked(city, field="city", limit=hotels.MAX_CITY)
            await self._store.create(PLACE, _hotel_key(hotel_place(name, city)), msgspec.json.encode(Place(name, city)))

    async def _trip(self, entity: Entity) -> Found | None:
        try:
            topic = await self._hub.topic(trip_topic(entity.id))
        except TopicMissing:
            return None
        return Found(entity, entity.id, topic.state.name)

    async def _place(self, place_id: str) -> str | None:
        """What a location is called; None if there is none of that id."""
        kind, _, rest = place_id.partition(".")
        if kind == "exhibition":
            exhibition = None if self._catalogue is None else self._catalogue.find(rest)
            return None if exhibition is None else exhibition.title
        if place_id not in self._hotels:
            stored = await self._store.get(PLACE, _hotel_key(place_id))
            if stored is None:
                return None
            if len(self._hotels) >= HOTELS:
                self._hotels.clear()
            self._hotels[place_id] = msgspec.json.decode(stored.value, type=Place).name
        return self._hotels[place_id]


def _hotel_key(place_id: str) -> str:
    return place_id.partition(".")[2]
