"""Actions on what has happened: look at it, undo one's last change, bring back what was dropped or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Args, Argument, Command
from roadcrew_tui.commands.trip import TripCommand

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.deleted import DeletedScreen
    from roadcrew_tui.screens.history import HistoryScreen
    from roadcrew_tui.screens.lobby import LobbyScreen
    from roadcrew_tui.screens.trip import TripScreen


class ShowHistory(TripCommand):
    id = "trip.history"
    keys = "h"
    title = "What happened"
    help = "Lists what has happened in the trip, newest first, with who and when."
    group = "This trip"
    sub = ("trip", "history")
    sub_help = (
        "Prints what has happened in a trip: the last hundred things, or all since a day, or since you left.\n"
        "The newest stands last; on the screen it stands first."
    )
    arguments = (
        Argument("since", 'a day such as yesterday, Mon or "20 May"; or left: since you had it open last'),
        Argument("by", "only what this person did: their name, or the start of it"),
    )
    examples = (
        "roadcrew trip history",
        "roadcrew trip history --since yesterday --by Ben",
        "roadcrew trip history --since left --json",
    )

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.history import HistoryScreen  # noqa: PLC0415 - when it is opened

        await screen.app.push_screen(HistoryScreen(screen))

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_history  # noqa: PLC0415 - for a fast start

        return await headless_history.history(client, args)


class Undo(TripCommand):
    id = "trip.undo"
    keys = "U"
    title = "Undo my last change"
    help = "Makes a vote, the trip or its hotels as they were before. Once more does it again."
    group = "This trip"
    places = ("trip", "history")
    sub = ("trip", "undo")
    examples = ("roadcrew trip undo",)

    async def on_screen(self, screen: TripScreen | HistoryScreen) -> None:
        from roadcrew_tui.screens.history_actions import undo  # noqa: PLC0415 - when it is used

        await undo(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_history  # noqa: PLC0415 - for a fast start

        return await headless_history.undo(client, args)


class ChooseSince(Command):
    id = "history.since"
    keys = "f"
    title = "Since when"
    help = "Shows only what happened since you left, since yesterday, or since a day that you say."
    group = "This trip"
    places = ("history",)
    footer = "since when"

    async def on_screen(self, screen: HistoryScreen) -> None:
        from roadcrew_tui.screens.history_actions import choose_since  # noqa: PLC0415 - when it is used

        await choose_since(screen)


class ChoosePerson(Command):
    id = "history.by"
    keys = "b"
    title = "By whom"
    help = "Shows only what one person did, or everybody again."
    group = "This trip"
    places = ("history",)
    footer = "by whom"

    async def on_screen(self, screen: HistoryScreen) -> None:
        from roadcrew_tui.screens.history_actions import choose_person  # noqa: PLC0415 - when it is used

        await choose_person(screen)


class RestoreHotel(TripCommand):
    id = "hotel.restore"
    title = "Bring the hotel back"
    help = "Puts the dropped hotel under the cursor on the list again. Who dropped it can, and the organiser."
    group = "Hotels"
    places = ("history",)
    sub = ("hotel", "restore")
    sub_help = (
        "Puts a dropped hotel on the list again, within 30 days of its being dropped. Who dropped it can, and the "
        "organiser."
    )
    arguments = (Argument("hotel", "its name, the start of it, or its id", required=True),)
    examples = ('roadcrew hotel restore "Casa Azul"',)

    def available(self, screen: HistoryScreen) -> bool:  # type: ignore[override]
        return screen.dropped is not None

    async def on_screen(self, screen: HistoryScreen) -> None:
        await screen.restore()

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_history  # noqa: PLC0415 - for a fast start

        return await headless_history.restore_hotel(client, args)


class ShowDeleted(Command):
    id = "trip.deleted"
    keys = "D"
    title = "Deleted trips"
    help = "Lists the trips that you deleted and can bring back, with until when."
    group = "Trips"
    places = ("lobby",)
    sub = ("trip", "deleted")
    examples = ("roadcrew trip deleted", "roadcrew trip deleted --json")

    def available(self, screen: LobbyScreen) -> bool:
        return screen.crew_app.user is not None

    async def on_screen(self, screen: LobbyScreen) -> None:
        from roadcrew_tui.screens.deleted import DeletedScreen  # noqa: PLC0415 - when it is opened

        await screen.app.push_screen(DeletedScreen())

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_history  # noqa: PLC0415 - for a fast start

        return await headless_history.deleted(client)


class RestoreTrip(Command):
    id = "trip.restore"
    title = "Bring the trip back"
    help = "Brings the deleted trip under the cursor back for everybody who was in it, with all that was in it."
    group = "Trips"
    places = ("deleted",)
    sub = ("trip", "restore")
    sub_help = "Brings a trip that you deleted back for everybody who was in it, with all that was in it."
    arguments = (Argument("deleted", "its name, the start of it, or its id", required=True),)
    examples = ('roadcrew trip restore "Lisbon in May"',)

    def available(self, screen: DeletedScreen) -> bool:
        return screen.deleted is not None

    async def on_screen(self, screen: DeletedScreen) -> None:
        await screen.restore()

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_history  # noqa: PLC0415 - for a fast start

        return await headless_history.restore_trip(client, args)
