"""Actions on what one writes on a trip besides comments: posts, blogs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.comments import ItemCommand, TalkCommand, part_of, view_of
from roadcrew_tui.commands.talk import BlogByWords, PostByWords

if TYPE_CHECKING:
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.talk_text import TextPart


class Writing(TalkCommand):
    """Something that is more than a comment."""

    channel = "posts"

    def available(self, screen: CommandScreen) -> bool:
        view = view_of(screen)
        return view is not None and view.entity.has(self.channel)

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.talk_posts import write  # noqa: PLC0415 - when it is used

        view = view_of(screen)
        if view is not None:
            await write(view, self.channel)


class WritePost(PostByWords, Writing):
    id = "talk.post"
    title = "Write a post"
    help = "Tells the crew what is new on the trip, in a few lines."


class WriteBlog(BlogByWords, Writing):
    id = "talk.blog"
    title = "Write a blog"
    help = "Something longer on the trip, in Markdown: in the app, or in your own editor."
    channel = "blogs"


class Write(Writing):
    id = "talk.write"
    keys = "W"
    title = "Write a post or a blog"
    help = "On a trip: a post among posts, a blog among blogs; elsewhere it asks which of them."
    footer = "write"

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.talk_posts import ask_and_write  # noqa: PLC0415 - when it is used

        view = view_of(screen)
        if view is not None:
            await ask_and_write(view)


class OpenLinks(ItemCommand):
    id = "talk.links"
    keys = "o"
    title = "Open a link"
    help = "Of the post or blog that you read: shows where a link leads, and asks before it opens anything."

    def available(self, screen: CommandScreen) -> bool:
        text = text_of(screen)
        return super().available(screen) and text is not None and bool(text.addresses)

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.links import open_link  # noqa: PLC0415 - when it is used

        text = text_of(screen)
        if text is not None:
            await open_link(screen.crew_app, text.addresses)


def text_of(screen: CommandScreen) -> TextPart | None:
    """The text of a post or a blog, while it is read."""
    from roadcrew_tui.screens.talk_text import TextPart  # noqa: PLC0415 - for a fast start

    part = part_of(screen)
    return part if isinstance(part, TextPart) else None
