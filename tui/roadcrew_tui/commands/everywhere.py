"""Actions of every screen: help, the palette, going back, quitting, looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Args, Argument, Command, Place

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.base import CommandScreen

FIRST: tuple[Place, ...] = ("welcome", "lobby")
BEYOND: tuple[Place, ...] = (
    "trip",
    "imports",
    "place",
    "saved",
    "muted",
    "waiting",
    "connection",
    "history",
    "deleted",
    "settings",
)
EVERYWHERE: tuple[Place, ...] = (*FIRST, *BEYOND)


class Actions(Command):
    id = "app.actions"
    keys = "colon,f2"
    title = "Find an action"
    help = "Lists everything that can be done here; type to narrow it down. Also F2 and ctrl+p."
    group = "Everywhere"
    places = EVERYWHERE
    footer = "actions"
    always_in_footer = True

    async def on_screen(self, screen: CommandScreen) -> None:
        screen.app.action_command_palette()


class Search(Command):
    id = "app.search"
    keys = "slash,ctrl+f"
    title = "Search"
    help = "Finds trips, polls, hotels, prices and what was said, by words in any order, and goes there."
    group = "Everywhere"
    places = ("lobby", *BEYOND)
    sub = ("trip", "find")
    sub_help = (
        "Finds trips, polls, hotels and prices by words in any order; case and accents do not matter.\n"
        "With --in, only in that trip, and in what was said there too. Exit status 1 if nothing fits."
    )
    arguments = (
        Argument("words", "what to look for", required=True, many=True),
        Argument("in", "look in this trip alone: its id, its name, or the start of it"),
    )
    examples = ("roadcrew trip find tram", "roadcrew trip find casa azul --in Lisbon --json")

    def available(self, screen: CommandScreen) -> bool:
        return screen.crew_app.server is not None

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.search_actions import search  # noqa: PLC0415 - when it is opened

        await search(screen.crew_app)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_find  # noqa: PLC0415 - for a fast start

        return await headless_find.find(client, args)

    def failed(self, result: object) -> Exception | None:
        from roadcrew_domain.refusals import Refused  # noqa: PLC0415 - for a fast start

        found = isinstance(result, dict) and result["found"]
        return None if found else Refused("nothing-found", "missing", "Nothing has all of these words.")


class Jump(Command):
    id = "app.jump"
    keys = "ctrl+o,f3"
    title = "Jump"
    help = "Puts a label on all that can be clicked; type it to be there. F3 again: digits for letters."
    group = "Everywhere"
    places = EVERYWHERE

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.jump import jump  # noqa: PLC0415 - when it is used

        await jump(screen)


class Help(Command):
    id = "app.help"
    keys = "question_mark,f1"
    title = "Help"
    help = "Shows the keys of this screen and what each does."
    group = "Everywhere"
    places = EVERYWHERE
    footer = "help"
    always_in_footer = True

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.help import HelpScreen  # noqa: PLC0415 - shown rarely

        await screen.app.push_screen(HelpScreen(screen.places))


class ChangeLook(Command):
    id = "app.look"
    keys = "ctrl+t"
    title = "Change colours"
    help = "Goes from dark to light to the terminal's own colours, and keeps your choice."
    group = "Everywhere"
    places = EVERYWHERE

    async def on_screen(self, screen: CommandScreen) -> None:
        screen.crew_app.next_look()


class ChangeSigns(Command):
    id = "app.signs"
    title = "Change signs"
    help = "Draws with Unicode signs or with plain ASCII ones, and keeps your choice."
    group = "Everywhere"
    places = EVERYWHERE

    async def on_screen(self, screen: CommandScreen) -> None:
        screen.crew_app.next_symbols()


class ChangeNotices(Command):
    id = "app.notices"
    title = "Change notices"
    help = "For mentions and closing polls while you look away: a bell, a desktop notice, or nothing."
    group = "Everywhere"
    places = EVERYWHERE

    async def on_screen(self, screen: CommandScreen) -> None:
        screen.crew_app.next_notices()


class ShowSettings(Command):
    id = "app.settings"
    keys = "comma"
    title = "Settings"
    help = "Colours, signs, clock, notices, keys and all else that you can have your way; changes hold at once."
    group = "Everywhere"
    places = tuple(place for place in EVERYWHERE if place != "settings")

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.preferences import PreferencesScreen  # noqa: PLC0415 - shown rarely

        await screen.app.push_screen(PreferencesScreen())


class Back(Command):
    id = "app.back"
    keys = "q,escape"
    title = "Go back"
    help = "Leaves this screen."
    group = "Everywhere"
    places = BEYOND
    footer = "back"
    always_in_footer = True

    async def on_screen(self, screen: CommandScreen) -> None:
        await screen.go_back()


class Quit(Command):
    id = "app.quit"
    keys = "q"
    title = "Quit"
    help = "Ends the app. What still waits is kept, and sent next time."
    group = "Everywhere"
    places = FIRST
    footer = "quit"
    always_in_footer = True

    async def on_screen(self, screen: CommandScreen) -> None:
        screen.app.exit()
