"""Actions on a trip as a whole: edit, invite, share, leave, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Args, Argument, Command, Place, trip_of

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.trip import TripScreen

FORMATS = ("text", "markdown", "json", "ics")
TRIP = Argument("trip", "the trip's id; else the one that was used last")


class TripCommand(Command):
    """An action of somebody who has a trip on the screen."""

    needs_trip = True
    places: ClassVar[tuple[Place, ...]] = ("trip",)

    def available(self, screen: TripScreen) -> bool:
        return screen.trip is not None


def is_organiser(screen: TripScreen) -> bool:
    """Whether this person may do what only the organiser may."""
    return screen.trip is not None and screen.trip.organiser == screen.me


class ShowTrip(TripCommand):
    id = "trip.show"
    title = "Overview"
    help = "Goes to the overview: what needs you, what is decided, who is here."
    group = "This trip"
    keys = "1,0"
    sub = ("trip", "show")
    examples = ("roadcrew trip show --json",)

    async def on_screen(self, screen: TripScreen) -> None:
        screen.show_tab("overview")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return headless.trip_shape(await client.trip(trip_of(args)))


class Invite(TripCommand):
    id = "trip.invite"
    keys = "i"
    title = "Invite"
    help = "Shows the code, the link and a QR code that let others in; makes a new invite or ends it."
    group = "This trip"
    footer = "invite"
    sub = ("trip", "invite")
    arguments = (
        Argument("expires", 'when a new invite ends, such as "in 2 d"', kind="time"),
        Argument("uses", "how many people a new invite lets in", kind="number"),
        Argument("revoke", "end the invite and make no new one", kind="flag"),
    )
    examples = ("roadcrew trip invite --json", 'roadcrew trip invite --expires "in 2 d" --uses 3')

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.invite import show_invite  # noqa: PLC0415 - when it is opened

        await show_invite(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.invite(client, args)


class Share(TripCommand):
    id = "trip.share"
    keys = "s"
    title = "Share"
    help = "Puts a line to your clipboard that says how to join, ready for a chat."
    group = "This trip"
    footer = "share"

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.invite import share  # noqa: PLC0415 - when it is used

        await share(screen)


class PrintShared(TripCommand):
    id = "trip.print"
    keys = "p"
    title = "Print what was shared"
    help = "Leaves the screen for a moment and prints the line, for terminals without a clipboard."
    group = "This trip"

    def available(self, screen: TripScreen) -> bool:
        from roadcrew_tui import commands  # noqa: PLC0415 - they are all there by then

        return bool(screen.crew_app.shared) and not commands.find("book.pay").available(screen)

    async def on_screen(self, screen: TripScreen) -> None:
        screen.crew_app.print_below(screen.crew_app.shared or "")


class Export(TripCommand):
    id = "trip.export"
    keys = "K"
    title = "Keep or mail the plan"
    help = "Copies, prints or saves what is planned, as text, Markdown, JSON, or entries for your calendar."
    group = "This trip"
    sub = ("trip", "export")
    sub_help = (
        "Prints what is planned, or writes it to a file, as text, Markdown, JSON, or entries for your calendar.\n"
        "Those are the days of the trip and what you have booked. How to join is told only with --invite."
    )
    arguments = (
        Argument("file", "a file to write; - prints it, as does none", positional=True, needs=frozenset({"files"})),
        Argument("format", "what it is written as (default: by the file's ending, else text)", choices=FORMATS),
        Argument("invite", "tell how to join as well", kind="flag"),
        Argument("force", "write over a file without asking", kind="flag"),
    )
    examples = (
        "roadcrew trip export",
        "roadcrew trip export lisbon.ics --trip Lisbon",
        "roadcrew trip export --format markdown --invite",
    )

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.export import export  # noqa: PLC0415 - when it is used

        await export(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_plan  # noqa: PLC0415 - for a fast start

        return await headless_plan.export(client, args)


class Edit(TripCommand):
    id = "trip.edit"
    keys = "E"
    title = "Edit the trip"
    help = "Changes name, destination, dates, or what the group discount needs."
    group = "This trip"
    sub = ("trip", "edit")
    arguments = (
        Argument("name", "what to call it"),
        Argument("destination", "where to; - clears it"),
        Argument("dates", 'such as "21 to 25 May"; - clears them', kind="date"),
        Argument("members", "people needed for the group discount", kind="number"),
        Argument("discount", "per cent", kind="number"),
    )
    examples = ('roadcrew trip edit --dates "21 to 25 May"',)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.entry import edit_trip  # noqa: PLC0415 - when it is opened

        await edit_trip(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.edit(client, args)


class Leave(TripCommand):
    id = "trip.leave"
    title = "Leave this trip"
    help = "Takes you out of the crew. Your votes in what is open go with you."
    group = "This trip"
    sub = ("trip", "leave")
    examples = ("roadcrew trip leave --trip ID",)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui import render  # noqa: PLC0415 - for a fast start
        from roadcrew_tui.screens.ask import CANCEL, Answer  # noqa: PLC0415 - for a fast start

        trip = screen.trip
        if trip is None:
            return
        words = "Leave {trip}? Your votes in open polls go with you."
        if is_organiser(screen) and len(trip.members) > 1:
            words += " Whoever has been here longest becomes organiser."
        elif len(trip.members) == 1:
            words = "Leave {trip}? You are the last one: the trip ends and is removed."
        leave = Answer("leave", render.ours("Leave this trip"), irreversible=True)
        if await screen.ask("Leave", render.template(words, trip=trip.name), [leave], cancel="Stay") != CANCEL:
            await screen.end_with("leave")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_domain.crew import LeaveTrip  # noqa: PLC0415 - for a fast start
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.do(client, trip_of(args), LeaveTrip())


class Delete(TripCommand):
    id = "trip.delete"
    title = "Delete this trip"
    help = "Ends the trip for everybody. Only the organiser can."
    group = "This trip"
    sub = ("trip", "delete")
    arguments = (Argument("yes", "do not ask", kind="flag"),)
    asks = "Delete this trip for everybody? For 30 days you can bring it back."
    examples = ("roadcrew trip delete --trip ID --yes",)

    def available(self, screen: TripScreen) -> bool:
        return is_organiser(screen)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui import render  # noqa: PLC0415 - for a fast start
        from roadcrew_tui.screens.ask import CANCEL, Answer  # noqa: PLC0415 - for a fast start

        if screen.trip is None:
            return
        question = render.template(
            "Delete {trip} for all {n} people, with its polls and hotels? For 30 days you can bring it back:"
            " D in the list of trips.",
            trip=screen.trip.name,
            n=len(screen.trip.members),
        )
        delete = Answer("delete", render.ours("Delete it for everybody"), irreversible=True)
        if await screen.ask("Delete", question, [delete], cancel="Keep it") != CANCEL:
            await screen.end_with("delete")

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_domain.trip import DeleteTrip  # noqa: PLC0415 - for a fast start
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.do(client, trip_of(args), DeleteTrip())
