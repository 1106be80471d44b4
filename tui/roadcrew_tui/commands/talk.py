"""What is said, by sub-commands: comments, posts and blogs, and what is done to them.

What is called `…ByWords` is the half of an action that needs no screen, as in giving.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Args, Argument, Command
from roadcrew_tui.commands.prices import WithoutScreen
from roadcrew_tui.commands.talking import ABOUT, CHANNEL, ITEM, TEXT, TRIP

if TYPE_CHECKING:
    from roadcrew_client import Client

REACTION = Argument(
    "reaction",
    "which one",
    required=True,
    choices=("thumbs-up", "heart", "laugh", "surprised", "sad", "celebrate", "eyes", "done"),
)


class ListTalk(WithoutScreen):
    id = "say.list"
    title = "List what was said"
    help = "Lists comments, images, posts or blogs, the newest last."
    group = "Talk"
    sub = ("talk", "list")
    arguments = (
        CHANNEL,
        Argument("before", "only what is older than this number", kind="number"),
        Argument("limit", "how many at the most, 1 to 100 (default 30)", kind="number"),
        *ABOUT,
    )
    examples = (
        "roadcrew talk list",
        'roadcrew talk list --hotel "Casa Azul"',
        "roadcrew talk list --channel posts --trip Lisbon --json",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.listed(client, args)


class ReadItem(WithoutScreen):
    id = "say.read"
    title = "Read one in full"
    help = "Prints one comment, post or blog in full; a blog as the Markdown that it is."
    group = "Talk"
    sub = ("talk", "read")
    arguments = (ITEM, CHANNEL, *ABOUT)
    examples = (
        "roadcrew talk read 7",
        "roadcrew talk read 2 --channel blogs > blog.md",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.read(client, args)


class CommentByWords(Command):
    sub_help = "Comments on a trip, a hotel, an exhibition, a post or a blog. @name mentions somebody."
    sub = ("talk", "comment")
    arguments = (TEXT, Argument("reply", "to which comment: its number or its id"), *ABOUT)
    examples = (
        'roadcrew talk comment "Shall we meet at nine, @Ben?"',
        'roadcrew talk comment "Lovely rooms" --hotel "Casa Azul"',
        'roadcrew talk comment "At ten" --reply 7 --json',
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.comment(client, args)


class PostByWords(Command):
    sub_help = "Posts a short update on a trip."
    sub = ("talk", "post")
    arguments = (TEXT, TRIP)
    examples = (
        'roadcrew talk post "Landed"',
        "roadcrew talk post - --trip Lisbon < note.txt",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.post(client, args)


class BlogByWords(Command):
    sub_help = "Publishes something longer on a trip, in Markdown."
    sub = ("talk", "blog")
    arguments = (Argument("title", "what it is called", required=True), TEXT, TRIP)
    examples = ('roadcrew talk blog "Day one" - < day-one.md',)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.blog(client, args)


class EditByWords(Command):
    sub_help = "Changes a comment, a caption, a post or a blog of yours; others see that it was edited."
    sub = ("talk", "edit")
    arguments = (ITEM, TEXT, Argument("title", "another title, of a blog"), CHANNEL, *ABOUT)
    examples = (
        'roadcrew talk edit 7 "At ten"',
        'roadcrew talk edit 2 - --channel blogs --title "Day two" < day-two.md',
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.edit(client, args)


class RemoveByWords(Command):
    sub_help = "Removes what you wrote; as the organiser of the trip, what anybody did. That it was there stays."
    sub = ("talk", "remove")
    arguments = (ITEM, CHANNEL, Argument("yes", "do not ask", kind="flag"), *ABOUT)
    examples = (
        "roadcrew talk remove 7",
        "roadcrew talk remove 3 --channel images --yes --json",
    )
    asks = "Remove this for everybody? For 30 days it can be brought back."

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.remove(client, args)


class RestoreByWords(Command):
    sub_help = "Brings back what you removed; as the organiser of the trip, what one did. For 30 days that can be done."
    sub = ("talk", "restore")
    arguments = (ITEM, CHANNEL, *ABOUT)
    examples = (
        "roadcrew talk restore 7",
        "roadcrew talk restore 3 --channel images --json",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.restore(client, args)


class ListRemoved(WithoutScreen):
    id = "say.removed"
    title = "List what can be brought back"
    help = "Lists what was removed and you may bring back, as it was. Nobody else can read it."
    group = "Talk"
    sub = ("talk", "removed")
    arguments = (
        CHANNEL,
        Argument("before", "only what is older than this number", kind="number"),
        Argument("limit", "how many at the most, 1 to 100 (default 30)", kind="number"),
        *ABOUT,
    )
    examples = (
        "roadcrew talk removed",
        "roadcrew talk removed --channel posts --trip Lisbon --json",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.removed(client, args)


class ReactByWords(Command):
    sub_help = "Gives a reaction to a comment, an image, a post or a blog."
    sub = ("talk", "react")
    arguments = (ITEM, REACTION, CHANNEL, *ABOUT)
    examples = (
        "roadcrew talk react 7 heart",
        "roadcrew talk react 3 celebrate --channel images",
    )

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.react(client, args, on=True)


class UnreactTo(WithoutScreen):
    id = "say.unreact"
    title = "Take a reaction back"
    help = "Takes a reaction of yours back."
    group = "Talk"
    sub = ("talk", "unreact")
    arguments = (ITEM, REACTION, CHANNEL, *ABOUT)
    examples = ("roadcrew talk unreact 7 heart",)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless_talk  # noqa: PLC0415 - for a fast start

        return await headless_talk.react(client, args, on=False)
