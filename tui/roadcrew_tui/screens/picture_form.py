"""The form that asks which image to show: a path, with what it could mean below it, and what to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui import image_files
from roadcrew_tui.feed_files import NotAFeed
from roadcrew_tui.image_files import ImageFile
from roadcrew_tui.screens.form import Field, FormProblem, Values
from roadcrew_tui.screens.inspector_model import size
from roadcrew_tui.screens.path_form import SILENT, PathForm

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.app import RoadcrewApp


class PictureForm(PathForm):
    """`chosen` is the file, what is said of it, and the id that its item gets, once the form is dismissed with True."""

    def __init__(self, app: RoadcrewApp) -> None:
        self.chosen: tuple[ImageFile, str, str] | None = None
        fields = [
            Field("path", "Image", "PNG, JPEG or WebP. Where it was taken, and by what, is removed."),
            Field("caption", "What to say of it", optional=True),
        ]
        super().__init__(
            *(app, "Show an image", fields, self._choose),
            button="show",
            suffixes=image_files.SUFFIXES,
            kinds="PNG, JPEG or WebP",
        )

    async def _choose(self, values: Values) -> None:
        from roadcrew_domain import text  # noqa: PLC0415 - not before the first paint
        from roadcrew_domain.feed_state import MAX_TEXT  # noqa: PLC0415 - as above

        caption = text.checked_or_none(values["caption"], field="caption", limit=MAX_TEXT["images"]) or ""
        try:
            file = await self.crew_app.link.aside(lambda: image_files.image_file(values["path"], self.here))
        except NotAFeed as problem:
            raise FormProblem("path", str(problem)) from problem
        except TimeoutError as problem:
            raise FormProblem("path", SILENT, retry=True) from problem
        most, item_id = await self.crew_app.link.call(_most)
        if most is not None and file.size > most:
            raise FormProblem("path", f"It has {size(file.size)}; this server takes at most {size(most)}.")
        self.chosen = file, caption, item_id


async def _most(client: Client) -> tuple[int | None, str]:
    """Bytes that the server takes, where it says so; and a new id."""
    talk = (await client.server_info()).talk
    return None if talk is None else talk.max_image_bytes, client.new_id()
