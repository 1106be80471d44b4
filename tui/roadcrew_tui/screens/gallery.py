"""The images of a thing: a stream of small pictures with what is said of them, and those that this person is sending.
One in full is screens/picture.py's; what the parts of one look like, gallery_draw.py's.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from roadcrew_domain.feed import mentioned
from roadcrew_domain.feed_state import EditItem, Feed, Item
from roadcrew_domain.places import ListChannel
from roadcrew_tui import pictures, render
from roadcrew_tui.screens import gallery_draw as look
from roadcrew_tui.screens import talk_draw
from roadcrew_tui.screens import talk_model as model
from roadcrew_tui.screens.ask import Answer, Ask
from roadcrew_tui.screens.form import Field, Form, Values
from roadcrew_tui.screens.talk_parts import Talk
from roadcrew_tui.screens.talk_stream import AGAIN, FIRST, StreamPart
from roadcrew_tui.uploads import Upload
from roadcrew_tui.widgets.stream import Entry, Stream

OFTEN = 0.2
"""Seconds between two drawings of how far an image is."""
NOTHING = "Nobody has shown an image yet."
CHOOSE = "Enter chooses one of yours, and so does u."


class ImagesPart(StreamPart):
    """A stream alone; what is being sent stands under what there is."""

    channel: ClassVar[ListChannel] = "images"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._sent = ""
        """The newest image of this person's that was begun to be sent, until it is in sight."""

    def compose(self) -> ComposeResult:
        """The stream alone."""
        yield Stream(id="im-stream")

    def on_mount(self) -> None:
        """What is being sent moves on."""
        self.set_interval(OFTEN, self._step)

    @property
    def _cursor(self) -> str | None:
        """The id of what is under the cursor; None while there is none."""
        return self.stream.cursor if self.query(Stream) else None

    # --- coming and going ------------------------------------------------------------------------

    def start(self) -> None:
        """Among the images."""
        self.crew_app.thumbs.ask_again()
        self.screen.set_focus(self.stream)
        self._draw()

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does."""
        upload = self.upload
        if upload is not None:
            return [("open", "enter", "try again")] if upload.state == "failed" else []
        if self._cursor != FIRST:
            back = self.item is not None and self.may_restore(self.item)
            return [("open", "enter", "more" if back else "look at it")]
        return [("open", "enter", "choose one")] if self.crew_app.host.lends("files") else []

    # --- what is chosen --------------------------------------------------------------------------

    @property
    def item(self) -> Item | None:
        """The image under the cursor."""
        return self.shelf.find(self._cursor)

    @property
    def upload(self) -> Upload | None:
        """What is being sent, under the cursor."""
        return next((upload for upload in self._uploads() if upload.id == self._cursor), None)

    def _uploads(self) -> tuple[Upload, ...]:
        return self.crew_app.uploads.of(self.view.entity)

    # --- drawing ---------------------------------------------------------------------------------

    def draw(self, talk: Talk) -> None:
        """Draw all of it, and again whenever something of a picture is new."""
        self.crew_app.thumbs.on_come = self.crew_app.uploads.on_change = self._draw
        super().draw(talk)

    def draw_items(self, talk: Talk, feed: Feed) -> None:
        """Draw what is on the shelf, and what is on its way there."""
        for upload in self._uploads():
            if self.shelf.find(upload.id) is not None:
                self.crew_app.uploads.drop(upload)
        self._draw()

    def _draw(self) -> None:
        talk = self._talk
        if talk is None or talk.feed(self.channel) is None or not self.query(Stream):
            return
        on_way = model.on_their_way(talk.sending(self.channel))
        rows = model.rows(self.shelf.items, self._reader(talk), on_way, talk.now.astimezone().date(), None)
        entries = [self._entry(row, talk) for row in rows]
        name = talk.name(talk.me, self.crew_app.me.name if self.crew_app.me is not None else "You")
        waiting = [look.waiting(upload, name) for upload in self._uploads()]
        lead = self._lead() if entries or waiting else [self._nothing()]
        self.stream.show([*lead, *entries, *waiting], before=self.shelf.before, follow=self.view.is_seen)
        if not self._begun or self._sent:
            self._begun, self._sent = True, ""
            self.stream.to_end()
        self._mark_read()
        self.view.show_keys()

    def _entry(self, row: model.Row, talk: Talk) -> Entry:
        if not isinstance(row, model.Said) or row.item.removed is not None:
            return talk_draw.entry(row, talk.now)
        thumbs, item = self.crew_app.thumbs, row.item
        return look.entry(row, thumbs.of(item), talk.now, lambda: thumbs.ask(talk.entity, item))

    def _lead(self) -> list[Entry]:
        lead = [] if pictures.can_draw() else [talk_draw.lead(pictures.MISSING)]
        return [*lead, *self._older_ones()]

    def _nothing(self) -> Entry:
        words = f"{NOTHING} {CHOOSE}" if self.crew_app.host.lends("files") else NOTHING
        words = words if pictures.can_draw() else f"{words}\n{pictures.MISSING}"
        return Entry(FIRST, lambda width: render.ours(words, render.MUTED).wrap(width), words)

    def _step(self) -> None:
        if self.is_on_screen and any(upload.state == "sending" for upload in self._uploads()):
            self._draw()

    # --- what the person does --------------------------------------------------------------------

    @on(Stream.Below)
    def _below(self, event: Stream.Below) -> None:
        event.stop()

    @on(Stream.Chosen)
    def _chosen(self, event: Stream.Chosen) -> None:
        event.stop()
        upload = self.upload
        if event.entry == FIRST:
            self.run_worker(self.crew_app.guarded(self.choose()), group="commands")
        elif event.entry == AGAIN:
            self.load_older()
        elif upload is not None:
            if upload.state == "failed":
                self.crew_app.uploads.again(upload)
        else:
            self.look_at()

    def look_at(self) -> None:
        """The image under the cursor, in full."""
        item, talk = self.item, self._talk
        if item is not None and self.may_restore(item):
            self.view.choose()
        if item is None or item.picture is None or talk is None:
            return
        from roadcrew_tui.screens.picture import PictureScreen  # noqa: PLC0415 - when somebody looks

        shown = [each for each in self.shelf.items if each.picture is not None and each.by not in talk.muted]
        if item in shown:
            self.app.push_screen(PictureScreen(talk, shown, shown.index(item)), self._looked_at)

    def _looked_at(self, item_id: str | None) -> None:
        if item_id is not None:
            self.stream.move_to(item_id)

    def edit(self, item: Item) -> None:
        """What is said of it."""

        async def change(values: Values) -> None:
            words, people = values["caption"], {} if self._talk is None else self._talk.people
            act = EditItem(item.id, words, mentions=mentioned(words, people))
            await self.crew_app.link.talk.act(self.topic, act, item.no)

        field = Field("caption", "What to say of it", "", item.text, optional=True)
        self.app.push_screen(Form("Change what is said", [field], change, button="change"))

    async def choose(self) -> None:
        """Choose an image, and send it."""
        from roadcrew_tui.screens.picture_form import PictureForm  # noqa: PLC0415 - when somebody chooses

        form = PictureForm(self.crew_app)
        if await self.app.push_screen_wait(form) and form.chosen is not None:
            file, caption, item_id = form.chosen
            self._sent = item_id
            self.crew_app.uploads.begin(self.view.entity, file, caption, item_id)
            self._draw()

    async def give_up(self, upload: Upload) -> None:
        """Send it no more."""
        if upload.state != "failed":
            question = render.template("{name} is still being sent. Stop that?", name=upload.file.name)
            stop = Answer("stop", render.ours("Stop"), irreversible=True)
            if await self.app.push_screen_wait(Ask("An image", question, [stop])) != "stop":
                return
        self.crew_app.uploads.drop(upload)
