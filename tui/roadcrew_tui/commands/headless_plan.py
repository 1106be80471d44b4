"""`trip export`: a trip's plan on stdout or in a file. What stands in it is plan.py's.

Raises the client's `RoadcrewError` and the domain's `Refused`.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadcrew_domain.refusals import Refused
from roadcrew_tui import plan, plan_file
from roadcrew_tui.commands.base import Args, trip_of
from roadcrew_tui.commands.headless import invite
from roadcrew_tui.oneshot import confirmed, hint

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_domain.trip import Trip


async def export(client: Client, args: Args) -> Any:
    """`{trip}`, where `--json` asks for no more than that; else `{format, text}`, or `{format, file}` for what is in a
    file now. Asks before it writes over one."""
    file = plan_file.file_of(args.get("file"))
    fmt = args.get("format") or (plan_file.format_of(file) if file else "json" if args.get("json") else "text")
    over = file is not None and _may_write_over(file, force=bool(args.get("force")))
    trip = await client.trip(trip_of(args))
    link = await _link(client, trip) if args.get("invite") else None
    if file is None and args.get("json") and fmt == "json":
        return plan.as_shape(trip, invite=link is not None)
    me = (await client.whoami()).id if fmt == "ics" else ""
    written = plan.written(trip, fmt, me, datetime.now().astimezone(), link)
    if file is None:
        return {"format": fmt, "text": written.removesuffix("\n")}  # a printed line ends by itself
    try:
        await asyncio.to_thread(plan_file.put, file, written, over=over)
    except FileExistsError as error:
        raise _there(file) from error
    except OSError as error:
        raise Refused("not-written", "invalid", f"{file} can't be written: {error.strerror}.") from error
    return {"format": fmt, "file": str(file)}


def _may_write_over(file: Path, *, force: bool) -> bool:
    if force or not file.exists():
        return force
    if not sys.stdin.isatty():
        raise _there(file)
    if not confirmed(f"{file} is there already. Write over it?"):
        raise Refused("file-kept", "conflict", f"{file} is as it was.")
    return True


def _there(file: Path) -> Refused:
    return Refused("file-exists", "conflict", f"{file} is there already. Add --force to write over it.")


async def _link(client: Client, trip: Trip) -> str:
    """Of the invite that there is; to write a plan makes no new one."""
    if trip.invite is None:
        raise Refused("no-invite", "missing", "There is no invite now. The organiser makes one: roadcrew trip invite")
    link = str((await invite(client, {"trip": trip.id}))["invite"]["url"])
    from roadcrew_tui.screens.invite import warning_about  # noqa: PLC0415 - only where a link is told

    if (warning := warning_about(link)) is not None:
        hint(warning)
    return link
