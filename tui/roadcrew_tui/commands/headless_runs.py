"""What quote runs and imports have in common without a screen: which one is meant, and following one to its end. What
is asked for is headless_quotes.py's and headless_imports.py's.

Raises the client's `RoadcrewError` and the domain's `Refused`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from roadcrew_client.errors import NotFound, NotSignedIn, Unreachable
from roadcrew_domain.refusals import Refused
from roadcrew_domain.runs import RunKind, RunNote
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import run_order, to_view
from roadcrew_tui.commands.base import Args
from roadcrew_tui.commands.headless import find, shape
from roadcrew_tui.oneshot import which_trip

if TYPE_CHECKING:
    from roadcrew_client import Client, LiveRun, RunChange

LOOK = 0.5
"""Seconds between two looks at how it goes, while nothing new is told."""
PATIENCE = 60.0
"""Seconds without the server after which a sub-command no longer waits. What it waits for goes on there."""
AWAY = "The server can't be reached, trying again."
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GONE = {"ended": "It is kept no longer.", "forbidden": "It is not yours to see.", "removed": "It is not yours to see."}


async def its_trip(client: Client, args: Args) -> Trip:
    """The trip that a sub-command is about: the one that was said, or the only one. Raises `NeedsTrip`."""
    said = args.get("trip")
    return await client.trip(await which_trip(client, str(said) if said else None))


def notes(trip: Trip, kinds: Collection[RunKind]) -> list[RunNote]:
    """The trip's runs of these kinds, newest first: as they are numbered in lists."""
    return [note for note in reversed(run_order(trip)) if note.kind in kinds]


def listed(trip: Trip, kinds: Collection[RunKind], name: str) -> Any:
    """`{tripId, members, …}`, newest first."""
    return {"tripId": trip.id, "members": shape(to_view(trip).members), name: shape(notes(trip, kinds))}


async def meant(client: Client, args: Args, kinds: Collection[RunKind], what: str) -> str:
    """The id of a `quote` or an `import`: by its id, its number from 1 in the list, or its name; without any, the
    newest."""
    said = str(args.get(what) or "")
    if _ID.fullmatch(said):
        return said
    known = notes(await its_trip(client, args), kinds)
    if not known:
        raise Refused(f"unknown-{what}", "missing", f"This trip has no {what} yet. See: roadcrew {what} --help")
    if not said:
        return known[0].id
    if said.isdecimal() and 1 <= int(said) <= len(known):
        return known[int(said) - 1].id
    return find(said, known, lambda note: note.name or "", lambda note: note.id, what).id


def is_away(live: LiveRun) -> bool:
    """Whether what is known may be old, since the server does not answer."""
    return live.status.state == "offline"


async def follow(client: Client, name: str, tell: Callable[[LiveRun, RunChange | None], bool]) -> None:
    """Until `tell`, which is shown each change, and None now and then, says that it is over. Raises `Unreachable` when
    the server is away for long."""
    turned, over, gone = asyncio.Event(), False, ""
    broken: OSError | None = None

    def heard(change: RunChange) -> None:
        nonlocal over, gone, broken
        if change.kind == "gone":
            gone = change.reason or "unknown"
        try:
            over = over or tell(live, change)
        except OSError as error:  # whoever read our lines has gone; a listener that fails would not end anything
            broken = error
        turned.set()

    loop = asyncio.get_running_loop()
    async with client.follow_run(name) as live:
        live.listen(heard)
        there = loop.time()
        while not over:
            turned.clear()
            try:
                async with asyncio.timeout(LOOK):
                    await turned.wait()
            except TimeoutError:
                over = tell(live, None)
            if broken is not None:
                raise broken
            if gone:
                raise NotFound("unknown", GONE.get(gone, "There is no such thing on this server."))
            state = live.status.state
            if state == "signed-out":
                raise NotSignedIn("not-signed-in", "Sign in first.")
            if state in ("live", "polling"):
                there = loop.time()
            elif loop.time() - there > PATIENCE:
                raise Unreachable("no-connection", "The server can't be reached. What you began goes on there.")
