"""History, undoing and bringing back without a screen. Returns the shapes of HTTP; raises the client's `RoadcrewError`
and the domain's `Refused`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from roadcrew_domain.dropped import RestoreHotel
from roadcrew_domain.events import Event, encode_event
from roadcrew_domain.history import tell
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Recent, RestoreTrip, Trip
from roadcrew_tui import dates, when
from roadcrew_tui.commands import headless
from roadcrew_tui.commands.base import Args, trip_of
from roadcrew_tui.memory import Memory
from roadcrew_tui.plain import sentence
from roadcrew_tui.screens import history_model as model
from roadcrew_tui.screens.history_model import ALL, Since
from roadcrew_tui.settings import Folders

if TYPE_CHECKING:
    from roadcrew_client import Client

LATEST = 100
"""Events that are printed unless it is said since when."""


async def history(client: Client, args: Args) -> Any:
    """`trip history`: `{events, more}`, oldest first; for people, sentences by day."""
    trip = await client.trip(trip_of(args))
    since = _since(client, trip, args.get("since"))
    events, more = await _events(client, trip, since)
    recents = tell(trip, events)
    by = _person(trip, recents, str(args["by"])) if args.get("by") else None
    kept = [r for r in recents if since.takes(r) and by in (None, r.by)]
    if args.get("json"):
        numbers = {r.seq for r in kept}
        return {"events": [json.loads(encode_event(e)) for e in events if e.seq in numbers], "more": more}
    days = model.by_day(reversed(kept), trip, (await client.whoami()).id, datetime.now(UTC))
    if not days:
        return "Nothing so far."
    return {day.title: [_said(line) for line in reversed(day.lines)] for day in reversed(days)}


def _said(line: model.Line) -> str:
    back = " (can be brought back)" if line.dropped is not None else ""
    return f"{line.time} {sentence(line.happening.words, **line.happening.people)}{back}"


def _since(client: Client, trip: Trip, said: object) -> Since:
    if not said:
        return ALL
    if str(said).strip().lower() == "left":
        seen = Memory(Folders.of_this_person()).seen(client.server, trip.id)
        if seen is None:
            words = "This trip was not open on this computer yet. Say a day, such as --since yesterday."
            raise Refused("never-left", "invalid", words)
        return Since("left", seq=seen[0])
    try:
        return Since("day", day=model.parse_since(str(said), when.day_of(datetime.now(UTC))))
    except dates.NotADate as problem:
        raise Refused("bad-dates", "invalid", str(problem)) from problem


async def _events(client: Client, trip: Trip, since: Since) -> tuple[list[Event], bool]:
    """The events since then, or the latest ones, oldest first; and whether the server keeps older ones."""
    if since.kind == "all":
        page = await client.history(trip.id, limit=LATEST)
        return list(page.events), page.more
    events: list[Event] = []
    more = True
    for _ in range(model.MOST_PAGES):
        page = await client.history(trip.id, before=events[0].seq if events else None, limit=model.PAGE)
        events, more = [*page.events, *events], page.more
        if not more or not events or not all(since.takes(r) for r in tell(trip, page.events)):
            break
    return events, more


def _person(trip: Trip, recents: tuple[Recent, ...], said: str) -> str:
    """The id of somebody who is in the trip, or has done something there."""
    people = model.people(trip, model.merged({}, recents))
    return headless.find(said, people, lambda p: p[1], lambda p: p[0], "member")[0]


async def undo(client: Client, args: Args) -> Any:
    """`trip undo`."""
    trip_id = trip_of(args)
    done = await client.undo(trip_id)
    words, what = model.undone(done.act, done.about.what)
    if args.get("json"):
        return headless.trip_shape(await client.trip(trip_id))
    return sentence(words, what=what)


async def restore_hotel(client: Client, args: Args) -> Any:
    """`hotel restore`."""
    trip = await client.trip(trip_of(args))
    dropped = sorted(trip.dropped.values(), key=lambda d: d.at, reverse=True)
    named = [(d.hotel.id, d.hotel.name) for d in dropped]
    hotel = headless.find(str(args["hotel"]), named, lambda d: d[1], lambda d: d[0], "dropped hotel")[0]
    return await headless.do(client, trip.id, RestoreHotel(hotel))


async def deleted(client: Client) -> Any:
    """`trip deleted`."""
    return {"trips": [headless.shape(t) for t in await client.deleted_trips()]}


async def restore_trip(client: Client, args: Args) -> Any:
    """`trip restore`."""
    trips = await client.deleted_trips()
    trip = headless.find(str(args["deleted"]), trips, lambda t: t.name, lambda t: t.id, "deleted trip")
    return await headless.do(client, trip.id, RestoreTrip())
