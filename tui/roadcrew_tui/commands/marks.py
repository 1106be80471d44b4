"""Actions on what is given to a thing that one talks about: stars, a like, a place among what one saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from roadcrew_tui.commands.base import Command, Place
from roadcrew_tui.commands.giving import LikeByWords, RateByWords, SaveByWords

if TYPE_CHECKING:
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.widgets.marks import MarksLine


def marks_of(screen: CommandScreen) -> MarksLine | None:
    """The line of marks that is seen."""
    from roadcrew_tui.widgets.marks import MarksLine  # noqa: PLC0415 - for a fast start

    line = screen.one(MarksLine)
    return line if line is not None and line.is_seen else None


class MarkCommand(Command):
    """About the thing that is talked about."""

    group = "Talk"
    places: ClassVar[tuple[Place, ...]] = ("talk", "place")

    def available(self, screen: CommandScreen) -> bool:
        return marks_of(screen) is not None


class Rate(RateByWords, MarkCommand):
    id = "talk.rate"
    keys = "asterisk"
    title = "Rate it"
    help = "Gives 1 to 5 stars, instead of those that you gave before."
    footer = "rate"

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.marks_actions import rate  # noqa: PLC0415 - when it is used

        line = marks_of(screen)
        if line is not None:
            await rate(line)


class Like(LikeByWords, MarkCommand):
    id = "talk.like"
    keys = "l"
    title = "Like it"
    help = "Likes it; again takes that back."
    footer = "like"

    def footer_words(self, screen: CommandScreen) -> str:
        line = marks_of(screen)
        return "unlike" if line is not None and line.standing.liked else self.footer

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.marks_actions import like  # noqa: PLC0415 - when it is used

        line = marks_of(screen)
        if line is not None:
            await like(line)


class Save(SaveByWords, MarkCommand):
    id = "talk.save"
    keys = "b"
    title = "Save it"
    help = "Puts it on the list of what you saved, which nobody else sees; again takes it off."
    footer = "save"

    def footer_words(self, screen: CommandScreen) -> str:
        line = marks_of(screen)
        return "unsave" if line is not None and line.standing.saved else self.footer

    async def on_screen(self, screen: CommandScreen) -> None:
        from roadcrew_tui.screens.marks_actions import save  # noqa: PLC0415 - when it is used

        line = marks_of(screen)
        if line is not None:
            await save(line)
