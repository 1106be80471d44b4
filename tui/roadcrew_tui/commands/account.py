"""Actions about oneself: name, account, signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Args, Argument, Command, Place

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.base import CommandScreen


class AccountCommand(Command):
    """An action of somebody whom the server knows."""

    group = "You"
    places: ClassVar[tuple[Place, ...]] = ("lobby", "trip")

    def available(self, screen: CommandScreen) -> bool:
        return screen.crew_app.user is not None


class Rename(AccountCommand):
    id = "you.rename"
    keys = "N"
    title = "Change your name"
    help = "Changes how you are called, in all your trips."
    sub = ("you", "rename")
    arguments = (Argument("name", "the new name", required=True),)
    examples = ("roadcrew you rename Ana",)

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.entry import rename  # noqa: PLC0415 - when it is opened

        await rename(screen.crew_app)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return headless.user_shape(await client.rename(str(args["name"])))


class Upgrade(AccountCommand):
    id = "you.upgrade"
    title = "Make this an account"
    help = "Gives you a user name and a password, so that you can sign in elsewhere. Your trips stay."
    sub = ("you", "upgrade")
    arguments = (Argument("username", "the name to sign in with", required=True),)
    examples = ("roadcrew you upgrade ana",)
    secrets = ("password",)

    def available(self, screen: CommandScreen) -> bool:
        user = screen.crew_app.user
        return user is not None and user.guest

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.entry import upgrade  # noqa: PLC0415 - when it is opened

        await upgrade(screen.crew_app)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return headless.user_shape(await client.upgrade(str(args["username"]), str(args["password"])))


class WhoAmI(AccountCommand):
    id = "you.who"
    title = "Who am I"
    help = "Says how this server knows you."

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui import plain  # noqa: PLC0415 - for a fast start

        user = screen.crew_app.user
        if user is not None:
            kind = "a guest here" if user.guest else "signed in as {username}"
            words = plain.sentence(f"You are {{name}}, {kind}.", name=user.name, username=user.username or "")
            screen.crew_app.say(words)


class SignOut(AccountCommand):
    id = "you.sign-out"
    title = "Sign out"
    help = "Ends this session. A guest can't come back to their trips, except by a new invite."
    places = ("lobby",)

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.session import sign_out  # noqa: PLC0415 - when it is used

        await sign_out(screen.crew_app)


class SignInAgain(Command):
    id = "you.sign-in-again"
    keys = "S"
    title = "Sign in again"
    help = "Signs in after your session has ended; the trip goes on where it was."
    group = "You"
    places = ("trip",)
    footer = "sign in"
    first_in_footer = True

    def available(self, screen: CommandScreen) -> bool:
        return screen.crew_app.signed_out

    async def on_screen(self, screen: CommandScreen) -> None:
        screen.crew_app.ask_to_sign_in()
