"""One image in full, with what is said of it, and the way to the ones beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from roadcrew_domain.feed_state import Item
from roadcrew_tui import graphics, pictures, render, when
from roadcrew_tui.pictures import NoPicture, Pixels
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.screens.talk_parts import Talk
from roadcrew_tui.widgets.lines import Lines, Part, PartsLine
from roadcrew_tui.widgets.picture import DrawnPicture, PictureView

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp

MOST = (1024, 1024)
"""Pixels that are kept of an image in full: more than cells of any terminal."""
CAPTION_LINES = 3


class PictureScreen(Dialog[str]):
    """Dismissed with the id of the item that was looked at last."""

    CSS_PATH = "picture.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "leave", "Back", show=False),
        Binding("left,up,pageup", "step(-1)", "Image before", show=False),
        Binding("right,down,pagedown,space", "step(1)", "Next image", show=False),
    ]

    def __init__(self, talk: Talk, items: Sequence[Item], at: int) -> None:
        """`items` are those that have an image."""
        super().__init__()
        self._talk = talk
        self._items = items
        self._at = at

    @property
    def crew_app(self) -> RoadcrewApp:
        """The app, as what it is."""
        return cast("RoadcrewApp", self.app)

    @property
    def item(self) -> Item:
        """What is looked at."""
        return self._items[self._at]

    def compose(self) -> ComposeResult:
        """Picture, words, keys."""
        with Container(id="picture"):
            with Container(id="picture-room"):
                yield PictureView(id="picture-view")
            yield Lines(id="picture-words")
            yield PartsLine(id="picture-keys", gap=3)

    def on_mount(self) -> None:
        """The first one."""
        self._show()

    def _show(self) -> None:
        item = self.item
        self.query(DrawnPicture).remove()
        view = self.query_one(PictureView)
        view.display = True
        view.show(self.crew_app.thumbs.of(item) or "…")  # until all of it is here
        self.query_one("#picture-words", Lines).show(lambda width: self._words(item, width))
        parts = [Part("leave", render.key_hint("esc", "back"))]
        if len(self._items) > 1:
            place = f"{self._at + 1} of {len(self._items)}"
            parts = [
                Part("before", render.key_hint("left", "before")),
                Part("next", render.key_hint("right", "next")),
                *parts,
            ]
            parts.append(Part("place", render.ours(place, render.MUTED)))
        self.query_one("#picture-keys", PartsLine).show(parts)
        self.run_worker(partial(self._load, item), group="picture", exclusive=True)  # type: ignore[arg-type]

    def _words(self, item: Item, width: int) -> Content:
        talk = self._talk
        who = render.said(talk.name(item.by, item.name), "bold", width=render.MOST_NAME)
        at, today = item.at.astimezone(), talk.now.astimezone().date()
        ago = render.ours(
            f"  {when.day(at.date(), today)} {when.shown_time(at)}, {when.ago(item.at, talk.now)}", render.MUTED
        )
        caption = render.wrapped(render.said(item.text), width, CAPTION_LINES) if item.text else []
        return render.stack([render.join(who, ago), *caption])

    async def _load(self, item: Item) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - it is there when this runs

        entity, link = self._talk.entity, self.crew_app.link
        view = self.query_one(PictureView)
        try:
            data = await link.call(lambda client: client.image_bytes(entity, item.id, "full", item.no))
            await self._draw(await link.aside(lambda: pictures.opened(data, MOST)))
        except RoadcrewError as error:
            view.show(error.detail)
        except NoPicture as error:
            view.show(str(error))
        except TimeoutError:
            view.show("It takes too long to read.")

    async def _draw(self, pixels: Pixels) -> None:
        """As pixels where the terminal can, as half-blocks elsewhere."""
        room = self.query_one("#picture-room").size
        encoded = await self.crew_app.link.aside(lambda: graphics.encoded(pixels, room))
        view = self.query_one(PictureView)
        await self.query(DrawnPicture).remove()
        if encoded is not None:
            await self.query_one("#picture-room").mount(DrawnPicture(encoded, self.crew_app.send_terminal))
        view.display = encoded is None
        view.show(pixels)

    def on_resize(self) -> None:
        """What was made for another size is made anew; half-blocks fill any room."""
        if self.query(DrawnPicture):
            self._show()

    def action_step(self, step: int) -> None:
        """The one beside it, if there is one."""
        if 0 <= self._at + step < len(self._items):
            self._at += step
            self._show()

    def action_leave(self) -> None:
        """Back to all of them."""
        self.dismiss(self.item.id)

    @on(PartsLine.Clicked)
    def _clicked(self, event: PartsLine.Clicked) -> None:
        event.stop()
        match event.part:
            case "leave":
                self.action_leave()
            case "before":
                self.action_step(-1)
            case "next":
                self.action_step(1)

    def redraw(self) -> None:
        """With other signs or colours."""
        self._show()
