"""Actions on the images of a thing: show one, look at one, stop sending one. What is done to any item (its words, signs
in answer, removing it) is comments.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from roadcrew_tui.commands.base import Command, Place
from roadcrew_tui.commands.comments import view_of
from roadcrew_tui.commands.giving import ShowImageByWords

if TYPE_CHECKING:
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.gallery import ImagesPart


def images_of(screen: CommandScreen) -> ImagesPart | None:
    """The images, if they are what is looked at."""
    view = view_of(screen)
    is_open = view is not None and view.part is not None and view.part_of.channel == "images"
    return cast("ImagesPart", view.part) if view is not None and is_open else None


class ImageCommand(Command):
    group = "Talk"
    places: ClassVar[tuple[Place, ...]] = ("talk", "place")


class ShowImage(ShowImageByWords, ImageCommand):
    id = "image.show"
    keys = "u"
    title = "Show an image"
    help = "Sends a PNG, JPEG or WebP image; where and by what it was taken is removed from it."
    footer = "show an image"
    first_in_footer = True

    def available(self, screen: CommandScreen) -> bool:
        view = view_of(screen)
        return view is not None and view.talk is not None and view.talk.feed("images") is not None

    def footer_words(self, screen: CommandScreen) -> str:
        return self.footer if images_of(screen) is not None else ""

    async def on_screen(self, screen: CommandScreen) -> None:
        view = view_of(screen)
        if view is not None and images_of(screen) is None:
            await view.open("images")
        part = images_of(screen)
        if part is not None:
            await part.choose()


class GiveUp(ImageCommand):
    id = "image.stop"
    keys = "x"
    title = "Stop sending it"
    help = "Gives an image up that is on its way, or that could not be sent."
    footer = "give up"
    first_in_footer = True

    def available(self, screen: CommandScreen) -> bool:
        part = images_of(screen)
        return part is not None and part.upload is not None

    async def on_screen(self, screen: CommandScreen) -> None:
        part = images_of(screen)
        if part is not None and part.upload is not None:
            await part.give_up(part.upload)
