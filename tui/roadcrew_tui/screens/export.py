"""The plan of a trip to the clipboard, below the screen, or into a file: two questions, and a third before anything is
written over. What stands in it is plan.py's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from roadcrew_domain.refusals import Refused
from roadcrew_tui import plan, plan_file, render
from roadcrew_tui.plan import Format
from roadcrew_tui.screens.ask import CANCEL, Answer
from roadcrew_tui.screens.inspector_model import size
from roadcrew_tui.screens.invite import link_of, public_base, warning_about

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

TITLE = "Keep or mail the plan"
FORMATS = {
    "text": "Text, for a mail",
    "markdown": "Markdown, for a page",
    "json": "JSON, for a program",
    "ics": "Entries for your calendar: the trip's days, and what you have booked",
}
MOST_COPIED = 74_994
"""Bytes that most terminals take to the clipboard: some, such as hterm, read 100,000 characters of the sequence for it,
which is in base64."""
SILENT = "That folder does not answer. Look there before you try again."


async def export(screen: TripScreen) -> None:
    """Ask what is wanted, and do it."""
    answers = [Answer(fmt, render.ours(words)) for fmt, words in FORMATS.items()]
    chosen = await screen.ask(TITLE, render.ours("As what?"), answers)
    before = screen.trip
    if chosen == CANCEL or before is None:
        return
    fmt = cast("Format", chosen)
    file = Path.cwd() / plan_file.name_of(before.name, fmt)
    ways = _ways(fmt, file if screen.crew_app.host.lends("files") else None, invites=before.invite is not None)
    where = await screen.ask(TITLE, render.ours(FORMATS[fmt]), ways)
    if where == CANCEL:
        return
    way, _, joins = where.partition(" ")
    link = await _link(screen) if joins else None
    trip = screen.trip
    if trip is None:
        return
    try:
        written = plan.written(trip, fmt, screen.me, screen.snapshot.now().astimezone(), link)
    except Refused as refused:
        screen.crew_app.say(refused.detail, "warning")
        return
    if way == "copy":
        screen.crew_app.share(written)
        if (much := len(written.encode())) > MOST_COPIED:
            screen.crew_app.say(f"That is {size(much)}: many terminals take less. Then save it instead.", "warning")
    elif way == "print":
        screen.crew_app.print_below(written)
    else:
        await _save(screen, file, written)
    if link is not None and (warning := warning_about(link)) is not None:
        screen.crew_app.say(warning, "warning")


def _ways(fmt: Format, file: Path | None, *, invites: bool) -> list[Answer]:
    """An id is `copy`, `print` or `save`, with ` invite` where how to join is told. `file` None: none is written."""
    readable = fmt in ("text", "markdown")
    found = [("copy", "Copy it")]
    found += [("save", f"Save it as {file.name}, here")] if file is not None else []
    found += [("print", "Print it below the screen" if file is not None else "Show it")]
    if readable and invites:
        found += [("copy invite", "Copy it, with how to join")]
        found += [("save invite", "Save it, with how to join")] if file is not None else []
    return [Answer(way, render.ours(words)) for way, words in found]


async def _link(screen: TripScreen) -> str | None:
    base, trip = await public_base(screen), screen.trip
    return link_of(base, trip.invite.code) if trip is not None and trip.invite is not None else None


async def _save(screen: TripScreen, file: Path, written: str) -> None:
    """Where the app was started."""
    app = screen.crew_app
    try:
        try:
            await app.link.aside(lambda: plan_file.put(file, written, over=False))
        except FileExistsError:
            over = Answer("over", render.ours("Write over it"), irreversible=True)
            if await screen.ask(TITLE, render.template("{file} is there already.", file=file), [over]) == CANCEL:
                return
            await app.link.aside(lambda: plan_file.put(file, written, over=True))
    except TimeoutError:
        app.say(SILENT, "warning")
    except OSError as error:
        app.say(f"It can't be kept: {error.strerror}.", "warning")
    else:
        app.say(f"Kept in {file}.")
