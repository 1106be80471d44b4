"""What else belongs to talk, by sub-commands: ratings, likes, what one saved, images, who is here, whom one reads.

What is called `…ByWords` is the half of an action that needs no screen; the action itself, with its key, builds on it
in the module of its screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Args, Argument, Command
from roadcrew_tui.commands.prices import WithoutScreen
from roadcrew_tui.commands.pricing import AFTER, LIMIT
from roadcrew_tui.commands.talking import ABOUT, IMAGE

if TYPE_CHECKING:
    from roadcrew_client import Client

NONE = Argument("none", "take yours back", kind="flag")


class RateByWords(Command):
    sub_help = "Gives 1 to 5 stars, instead of those that you gave before."
    sub = ("talk", "rate")
    arguments = (Argument("stars", "1 to 5", kind="number", positional=True), NONE, *ABOUT)
    examples = (
        'roadcrew talk rate 4 --hotel "Casa Azul"',
        "roadcrew talk rate --none --exhibition Monet --json",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.rate(client, args)


class LikeByWords(Command):
    sub_help = "Likes it; --none takes that back."
    sub = ("talk", "like")
    arguments = (NONE, *ABOUT)
    examples = (
        "roadcrew talk like --post 3",
        "roadcrew talk like --none",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.like(client, args)


class SaveByWords(Command):
    sub_help = "Puts it on the list of what you saved, which nobody else sees; --none takes it off."
    sub = ("talk", "save")
    arguments = (NONE, *ABOUT)
    examples = (
        'roadcrew talk save --hotel "Casa Azul"',
        "roadcrew talk save --none --exhibition Monet",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.save(client, args)


class ListSavedByWords(Command):
    sub_help = "Lists the trips, hotels, exhibitions, posts and blogs that you saved."
    sub = ("talk", "saved")
    arguments = (AFTER, LIMIT)
    examples = (
        "roadcrew talk saved",
        "roadcrew talk saved --json",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.saved(client, args)


class Summarise(WithoutScreen):
    id = "say.summary"
    title = "In numbers"
    help = "Shows how many comments, images, stars, likes and saves there are, and which are yours."
    group = "Talk"
    sub = ("talk", "summary")
    arguments = ABOUT
    examples = (
        "roadcrew talk summary",
        'roadcrew talk summary --hotel "Casa Azul" --json',
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.summary(client, args)


class ShowImageByWords(Command):
    sub_help = "Shows a PNG, JPEG or WebP file; the server makes the image anew, without what a camera put into it."
    needs = frozenset({"files"})
    sub = ("talk", "image")
    arguments = (
        Argument("file", "the image", required=True),
        Argument("caption", "what is said of it"),
        *ABOUT,
    )
    examples = (
        'roadcrew talk image beach.jpg --caption "The first evening"',
        'roadcrew talk image room.png --hotel "Casa Azul"',
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.show_image(client, args)


class FetchImage(WithoutScreen):
    id = "say.fetch"
    title = "Fetch an image"
    help = "Writes an image into a file that there is not yet."
    group = "Talk"
    needs = frozenset({"files"})
    sub = ("talk", "fetch")
    arguments = (
        IMAGE,
        Argument("file", "where it is written", required=True),
        Argument("small", "as small as in a list", kind="flag"),
        *ABOUT,
    )
    examples = (
        "roadcrew talk fetch 3 beach.jpg",
        "roadcrew talk fetch 3 small.jpg --small",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.fetch_image(client, args)


class WhoIsHere(WithoutScreen):
    id = "say.here"
    title = "Who is looking"
    help = "Shows who is looking at it now, who writes something, and who was there in the last days."
    group = "Talk"
    sub = ("talk", "here")
    arguments = ABOUT
    examples = (
        "roadcrew talk here",
        "roadcrew talk here --exhibition Monet --json",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.here(client, args)


class MuteByWords(Command):
    sub_help = "Hides what somebody writes, on all your terminals. They are not told."
    sub = ("talk", "mute")
    arguments = (Argument("person", "the name, the start of it, or the id", required=True), *ABOUT)
    examples = (
        "roadcrew talk mute Ben",
        'roadcrew talk mute Eve --hotel "Casa Azul"',
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.mute(client, args)


class UnmuteByWords(Command):
    sub_help = "Shows you what somebody writes again."
    sub = ("talk", "unmute")
    arguments = (Argument("person", "the name, the start of it, or the id", required=True),)
    examples = ("roadcrew talk unmute Ben",)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.unmute(client, args)


class ListMutedByWords(Command):
    sub_help = "Lists those whom you do not read."
    sub = ("talk", "muted")
    arguments = ()
    examples = (
        "roadcrew talk muted",
        "roadcrew talk muted --json",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.muted(client)
