"""`trip find`: what fits some words in the trips of a person and in what was said in one of them. What fits, and in
which order, is screens/search_model.py's.

Raises the client's `RoadcrewError` and the domain's `Refused`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadcrew_domain.feed_state import Item
from roadcrew_domain.places import Entity, ListChannel
from roadcrew_domain.refusals import Refused
from roadcrew_tui.commands.base import Args
from roadcrew_tui.oneshot import which_trip
from roadcrew_tui.screens import search_model as model

if TYPE_CHECKING:
    from roadcrew_client import Client

MOST_TRIPS = 20
"""Trips that are asked for in full, the newest."""


async def find(client: Client, args: Args) -> Any:
    """`{found: [{kind, id, tripId, text, more, trip}], looked}`, the best first. With `in` only in that trip, and in
    what was said there."""
    query = " ".join(args["words"])
    if not model.wanted(query):
        raise Refused("no-words", "invalid", "Say which words.")
    only = await which_trip(client, args["in"]) if args.get("in") else None
    listed = [trip for trip in await client.trips() if only in (None, trip.id)]
    things = model.of_list([(trip.id, trip.name, trip.destination or "") for trip in listed])
    for trip in listed[:MOST_TRIPS]:
        things += model.of_trip(await client.trip(trip.id), client.server_now(), within=only is None)
    heard = said = None
    if only is not None and "talk" in (await client.server_info()).features:
        heard = said = 0
        muted = {person.id for person in await client.mutes()}
        for channel in model.SAID:
            items, count = await _said(client, only, channel)
            things += model.of_talk(only, channel, items, muted)
            heard, said = heard + len(items), said + count
    hits = model.find(things, query)[: model.MOST_SHOWN]
    looked = model.Looked(len(listed), min(len(listed), MOST_TRIPS), heard or 0, said)
    names = {trip.id: trip.name for trip in listed}
    return {"found": [_shape(hit, names[hit.trip_id]) for hit in hits], "looked": looked.words}


async def _said(client: Client, trip_id: str, channel: ListChannel) -> tuple[list[Item], int]:
    """The newest pages of one part of talk, newest first; and how many things there are in all."""
    found: list[Item] = []
    while True:
        before = found[-1].no if found else None
        page = await client.talk_items(Entity("trip", trip_id), channel, before, model.PAGE)
        found += reversed(page.items)
        if not page.more or not page.items or len(found) >= model.PAGES * model.PAGE:
            return found, page.count


def _shape(thing: model.Thing, trip: str) -> dict[str, str]:
    return {
        "kind": thing.kind,
        "id": thing.id,
        "tripId": thing.trip_id,
        "text": thing.words,
        "more": thing.more,
        "trip": trip,
    }
