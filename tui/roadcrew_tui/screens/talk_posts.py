"""The posts of a trip: short updates, newest at the bottom, written in a line as comments are. Each is talked about on
a screen of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_domain.feed_state import Item
from roadcrew_domain.places import ListChannel
from roadcrew_tui import render
from roadcrew_tui.screens.ask import CANCEL, Answer, Ask
from roadcrew_tui.screens.talk_blogs import BlogsPart, open_item
from roadcrew_tui.screens.talk_comments import CommentsPart

if TYPE_CHECKING:
    from roadcrew_tui.screens.talk_view import TalkView


class PostsPart(CommentsPart):
    """A stream; enter opens what is said of a post."""

    channel: ClassVar[ListChannel] = "posts"
    nothing: ClassVar[str] = "Nobody has posted anything yet. Enter writes the first post, and so does W."
    opens: ClassVar[str] = "open"
    invites: ClassVar[str] = "Write a post"

    def choose(self, item: Item) -> None:
        """What is said of it; of one that was removed, to bring it back."""
        if self.may_restore(item):
            super().choose(item)
        elif self.view.talk is not None:
            open_item(self.view.talk, self, item, "post")


async def write(view: TalkView, channel: str) -> None:
    """Go to the posts or the blogs, and begin a new one."""
    await view.open(channel)
    part = view.part
    if isinstance(part, PostsPart | BlogsPart):
        part.write()


async def ask_and_write(view: TalkView) -> None:
    """Where one is, if that is posts or blogs; else ask which of them."""
    channel: str = view.part_of.channel
    if channel not in ("posts", "blogs"):
        answers = [
            Answer("posts", render.ours("A post: a few lines on what is new")),
            Answer("blogs", render.ours("A blog: something longer, in Markdown")),
        ]
        channel = await view.app.push_screen_wait(Ask("Write", render.ours("What will it be?"), answers))
    if channel != CANCEL:
        await write(view, channel)
