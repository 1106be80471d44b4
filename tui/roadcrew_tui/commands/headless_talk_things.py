"""Which thing, which item and which person a sub-command of talk means, and how things are found without a screen. What
is done to them is headless_talk.py's.

Raises the client's `RoadcrewError` and the domain's `Refused`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_domain import places
from roadcrew_domain.feed_state import Item
from roadcrew_domain.hotels import Hotel
from roadcrew_domain.ids import is_id
from roadcrew_domain.places import Entity, ListChannel
from roadcrew_domain.refusals import Refused
from roadcrew_domain.views import crew_order, hotel_order
from roadcrew_tui.commands.base import Args
from roadcrew_tui.commands.headless import find
from roadcrew_tui.commands.headless_runs import its_trip

if TYPE_CHECKING:
    from roadcrew_client import Client


async def thing_of(client: Client, args: Args) -> Entity:
    """What is talked about: a hotel of the trip, an exhibition, a post or a blog, else the trip itself."""
    said = {name: str(args[name]) for name in ("hotel", "exhibition", "post", "blog") if args.get(name)}
    if len(said) > 1:
        raise Refused("invalid", "invalid", f"Say one thing to talk about, not {' and '.join(said)}.")
    if "exhibition" in said:
        return await _exhibition(client, said["exhibition"])
    for kind in ("post", "blog"):
        if kind in said:
            return Entity(kind, await _entry(client, args, said[kind], "posts" if kind == "post" else "blogs"))
    trip = await its_trip(client, args)
    if "hotel" in said:
        hotel: Hotel = find(said["hotel"], hotel_order(trip), lambda h: h.name, lambda h: h.id, "hotel")
        return Entity("location", places.hotel_place(hotel.name, hotel.city))
    return Entity("trip", trip.id)


async def _exhibition(client: Client, said: str) -> Entity:
    listed = (await client.exhibitions()).exhibitions
    found = find(said, listed, lambda e: e.title, lambda e: e.id, "exhibition")
    return Entity("location", places.exhibition_place(found.id))


async def _entry(client: Client, args: Args, said: str, channel: ListChannel) -> str:
    """The id of a post or a blog, by that or by its number in the trip."""
    if is_id(said):
        return said
    trip = Entity("trip", (await its_trip(client, args)).id)
    return (await item_of(client, trip, channel, said)).id


async def item_of(client: Client, thing: Entity, channel: ListChannel, said: str) -> Item:
    """The item with that number, or with that id among the newest."""
    number = int(said) if said.isdecimal() and len(said) < 16 else None
    told = await client.talk_items(thing, channel, None if number is None else number + 1)
    for item in reversed(told.items):
        if said == item.id or item.no == number:
            return item
    raise Refused("unknown-item", "missing", f"There is none of number {said}. See: roadcrew talk list")


async def person_of(client: Client, args: Args, said: str) -> tuple[str, str]:
    """The id and the name of somebody in the trip, or who said something lately."""
    thing = await thing_of(client, args)
    people = {item.by: item.name for item in (await client.talk_items(thing, "comments")).items}
    if thing.type == "trip":
        people |= {member.id: member.name for member in crew_order(await client.trip(thing.id))}
    return find(said, people.items(), lambda person: person[1], lambda person: person[0], "person")
