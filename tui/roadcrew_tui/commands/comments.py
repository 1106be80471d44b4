"""Actions on what people say of a thing: write, reply, change, remove, react, find; and all of them, for one item."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Command, Place
from roadcrew_tui.commands.talk import (
    CommentByWords,
    EditByWords,
    ReactByWords,
    RemoveByWords,
    RestoreByWords,
)

if TYPE_CHECKING:
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.talk_comments import CommentsPart
    from roadcrew_tui.screens.talk_parts import TalkPart
    from roadcrew_tui.screens.talk_view import TalkView


def view_of(screen: CommandScreen) -> TalkView | None:
    """What is said of a thing, while that is open."""
    from roadcrew_tui.screens.talk_view import TalkView  # noqa: PLC0415 - for a fast start

    view = screen.one(TalkView)
    return view if view is not None and view.is_open else None


def part_of(screen: CommandScreen) -> TalkPart | None:
    """The part of it that is open."""
    view = view_of(screen)
    return None if view is None else view.part


def comments_of(screen: CommandScreen) -> CommentsPart | None:
    """The comments, while they are open."""
    from roadcrew_tui.screens.talk_comments import CommentsPart  # noqa: PLC0415 - for a fast start

    part = part_of(screen)
    return part if isinstance(part, CommentsPart) else None


class TalkCommand(Command):
    """About what is said of a thing."""

    group = "Talk"
    places: ClassVar[tuple[Place, ...]] = ("talk", "place")

    def available(self, screen: CommandScreen) -> bool:
        return view_of(screen) is not None


class ItemCommand(TalkCommand):
    """About the item under the cursor."""

    def available(self, screen: CommandScreen) -> bool:
        part = part_of(screen)
        return part is not None and part.item is not None and part.item.removed is None


class Comment(CommentByWords, TalkCommand):
    id = "talk.comment"
    keys = "c"
    title = "Write a comment"
    help = "Goes to the line to write in. Enter sends, ctrl+j begins a new line; @ and the start of a name mentions."
    footer = "comment"
    first_in_footer = True
    at_once = True

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens import talk_actions  # noqa: PLC0415 - when it is used

        await talk_actions.comment(screen)


class Reply(ItemCommand):
    id = "talk.reply"
    keys = "R"
    title = "Reply to this comment"
    help = "Writes a comment that says which one it answers."
    footer = "reply"
    first_in_footer = True
    at_once = True

    def available(self, screen: CommandScreen) -> bool:
        part = comments_of(screen)
        return super().available(screen) and part is not None and part.channel == "comments"

    async def on_screen(self, screen: CommandScreen) -> None:
        part = comments_of(screen)
        if part is not None and part.item is not None:
            part.reply(part.item)


class EditItem(EditByWords, ItemCommand):
    id = "talk.edit"
    keys = "E"
    title = "Change what you wrote"
    help = "Only your own. That it was edited, and when, is shown."
    footer = "edit"
    first_in_footer = True
    at_once = True

    def available(self, screen: CommandScreen) -> bool:
        part = part_of(screen)
        mine = part is not None and part.item is not None and part.item.by == part.me
        return super().available(screen) and mine

    async def on_screen(self, screen: CommandScreen) -> None:
        part = part_of(screen)
        if part is not None and part.item is not None:
            part.edit(part.item)


class RemoveItem(RemoveByWords, ItemCommand):
    id = "talk.remove"
    keys = "x"
    title = "Remove this"
    help = "What you wrote yourself; the organiser can remove anything. That it was there stays, and it can come back."
    footer = "remove"
    first_in_footer = True

    def available(self, screen: CommandScreen) -> bool:
        part = part_of(screen)
        mine = part is not None and part.item is not None and (part.chair or part.item.by == part.me)
        return super().available(screen) and mine

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens import talk_actions  # noqa: PLC0415 - when it is used

        await talk_actions.remove(screen)


class RestoreItem(RestoreByWords, TalkCommand):
    id = "talk.restore"
    title = "Bring this back"
    help = "What you removed yourself, for 30 days; as the organiser, what one removed. All of it is as it was."

    def available(self, screen: CommandScreen) -> bool:
        part = part_of(screen)
        return part is not None and part.item is not None and part.may_restore(part.item)

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens import talk_actions  # noqa: PLC0415 - when it is used

        await talk_actions.restore(screen)


class React(ReactByWords, ItemCommand):
    id = "talk.react"
    keys = "plus"
    title = "React to this"
    help = "Gives one of eight signs, or takes it back."
    footer = "react"
    first_in_footer = True

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens import talk_actions  # noqa: PLC0415 - when it is used

        await talk_actions.react(screen)


class ShowWhole(ItemCommand):
    id = "talk.whole"
    title = "Show all of this, or less"
    help = "Of a long comment only the beginning is shown at first."

    def available(self, screen: CommandScreen) -> bool:
        part = comments_of(screen)
        return super().available(screen) and part is not None and part.item is not None and part.is_long(part.item)

    async def on_screen(self, screen: CommandScreen) -> None:
        part = comments_of(screen)
        if part is not None and part.item is not None:
            part.show_whole(part.item)


class FindInTalk(TalkCommand):
    id = "talk.find"
    keys = "slash"
    title = "Find in the comments"
    help = "Goes to the newest comment with these words above the cursor; older ones are loaded for it."
    footer = "find"

    def available(self, screen: CommandScreen) -> bool:
        part = comments_of(screen)
        return part is not None and bool(part.shelf.items)

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens import talk_actions  # noqa: PLC0415 - when it is used

        await talk_actions.find(screen)


class More(ItemCommand):
    id = "talk.more"
    title = "What can be done about this"
    help = "Lists it, to be chosen by arrows and enter."

    def available(self, screen: CommandScreen) -> bool:
        part = part_of(screen)
        back = part is not None and part.item is not None and part.may_restore(part.item)
        return back or super().available(screen)

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens import talk_actions  # noqa: PLC0415 - when it is used

        await talk_actions.more(screen)
