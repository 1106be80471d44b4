"""Actions of the lobby: my trips, a new one, joining one, signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Args, Argument, Command

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.lobby import LobbyScreen


class NewTrip(Command):
    id = "trip.new"
    keys = "n"
    title = "New trip"
    help = "Plans a new trip. A name is enough; dates and the rest can follow."
    group = "Trips"
    places = ("welcome", "lobby")
    footer = "new trip"
    sub = ("trip", "new")
    arguments = (
        Argument("name", "what to call it", required=True),
        Argument("destination", "where to"),
        Argument("dates", 'such as "21 to 25 May"', kind="date"),
        Argument("members", "people needed for the group discount", kind="number"),
        Argument("discount", "per cent", kind="number"),
        Argument("as", "how the crew sees you, if this server does not know you yet"),
    )
    examples = ('roadcrew trip new "Lisbon in May"', 'roadcrew trip new Alps --dates "2 to 9 Jan" --json')

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.entry import create_trip  # noqa: PLC0415 - for a fast start

        await create_trip(screen.crew_app)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.create(client, args)


class Join(Command):
    id = "trip.join"
    keys = "j"
    title = "Join a trip"
    help = "Joins with a link or a code such as K7QM-2D4F@example.org that somebody sent you."
    group = "Trips"
    places = ("welcome", "lobby")
    footer = "join"
    sub = ("trip", "join")
    arguments = (Argument("invite", "a link, or CODE@HOST", required=True), Argument("name", "how the crew sees you"))
    examples = ("roadcrew trip join https://example.org/j/K7QM-2D4F",)

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.entry import join_trip  # noqa: PLC0415 - for a fast start

        await join_trip(screen.crew_app)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.join(client, args)


class Trips(Command):
    id = "trip.list"
    keys = "r"
    title = "Look again"
    help = "Asks the server for your trips."
    group = "Trips"
    places = ("lobby",)
    footer = "look again"
    sub = ("trip", "list")
    sub_help = "Lists your trips at a server."
    examples = ("roadcrew trip list --json",)

    def footer_words(self, screen: LobbyScreen) -> str:
        """What needs this person has more need of the room."""
        tally = screen.crew_app.tally
        return "" if tally is not None and (tally.waiting or tally.needing) else self.footer

    async def on_screen(self, screen: LobbyScreen) -> None:
        await screen.crew_app.look_again()

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.trips(client)


class SignIn(Command):
    id = "you.sign-in"
    keys = "S"
    title = "Sign in"
    help = "Signs in to your account at a server."
    group = "You"
    places = ("welcome", "lobby")
    footer = ""

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.session import sign_in  # noqa: PLC0415 - for a fast start

        await sign_in(screen.crew_app)


class LookAround(Command):
    id = "app.look-around"
    title = "Look around"
    help = "Shows a sample trip with simulated members, on this computer only."
    group = "Trips"
    places = ("welcome",)
    needs = frozenset({"processes"})

    async def on_screen(self, screen: CommandScreen) -> None:
        screen.app.exit(result="demo")
