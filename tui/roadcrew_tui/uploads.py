"""Images that this person is sending: shown at once, with how far they are, until the feed has them. They go on when
one looks elsewhere, and end with the app. Not for choosing them (screens/picture_form.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from textual.worker import Worker

from roadcrew_tui import pictures
from roadcrew_tui.host import must_lend
from roadcrew_tui.pictures import NoPicture, Pixels

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_domain.places import Entity
    from roadcrew_tui.image_files import ImageFile
    from roadcrew_tui.standing import Standing

State = Literal["sending", "sent", "failed"]


@dataclass(eq=False)
class Upload:
    """One image on its way. `id` is that of its item to be; `pixels` are empty where it can't be drawn here;
    `done` are the bytes that have gone, told from another thread; `trouble` is why it failed."""

    id: str
    entity: Entity
    file: ImageFile
    caption: str
    at: datetime
    pixels: Pixels | Literal[""] | None = None
    done: int = 0
    state: State = "sending"
    trouble: str = ""
    worker: Worker[None] | None = None

    @property
    def share(self) -> float:
        """How much of it has gone, from 0 to 1."""
        return min(1.0, self.done / self.file.size)


class Uploads:
    """Of one app. `on_change` is called when something about one is new, but for how far it is."""

    def __init__(self, app: Standing) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._app = app
        self._all: list[Upload] = []
        self._turn = asyncio.Lock()

    def of(self, entity: Entity) -> tuple[Upload, ...]:
        """Those of a thing, in the order in which they were begun."""
        return tuple(upload for upload in self._all if upload.entity == entity)

    def begin(self, entity: Entity, file: ImageFile, caption: str, upload_id: str) -> Upload:
        """Send an image. Raises `Refused` for visitors."""
        must_lend("files")
        upload = Upload(upload_id, entity, file, caption, datetime.now(UTC))
        self._all.append(upload)
        self._app.run_worker(self._look(upload), group="thumbs")
        self.again(upload)
        return upload

    def again(self, upload: Upload) -> None:
        """Send it, or once more: under the same id, so it is shown once."""
        upload.state, upload.trouble, upload.done = "sending", "", 0
        upload.worker = self._app.run_worker(self._send(upload), group="uploads")
        self.on_change()

    def drop(self, upload: Upload) -> None:
        """It is there, or is not wanted any more."""
        if upload in self._all:
            self._all.remove(upload)
            if upload.worker is not None and upload.state == "sending":
                upload.worker.cancel()
            self.on_change()

    async def _look(self, upload: Upload) -> None:
        try:
            upload.pixels = await self._app.link.aside(lambda: pictures.opened(upload.file.path))
        except (NoPicture, TimeoutError):
            upload.pixels = ""
        self.on_change()

    async def _send(self, upload: Upload) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - it is there when this runs

        def sent(done: int, _: int) -> None:
            upload.done = done

        async def send(client: Client) -> None:
            file = upload.file
            await client.upload_image(upload.entity, file.path, file.media, upload.caption, sent=sent, key=upload.id)

        try:
            async with self._turn:  # a server takes few of one person at once
                await self._app.link.call(send)
        except (RoadcrewError, LookupError) as error:
            upload.state = "failed"
            upload.trouble = error.detail if isinstance(error, RoadcrewError) else "No server is open."
        else:
            upload.state = "sent"
        self.on_change()
