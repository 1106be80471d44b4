"""The form that asks which file to import: a path, with what it could mean below it, and a currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui import feed_files, money
from roadcrew_tui.feed_files import Feed, NotAFeed
from roadcrew_tui.screens.form import Field, FormProblem, Values
from roadcrew_tui.screens.inspector_model import size
from roadcrew_tui.screens.path_form import SILENT, PathForm

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.app import RoadcrewApp


class FileForm(PathForm):
    """`chosen` is the file, and the currency of rows that name none, once the form is dismissed with True."""

    def __init__(self, app: RoadcrewApp, currency: str) -> None:
        self.chosen: tuple[Feed, str | None] | None = None
        fields = [
            Field("path", "File", "CSV or JSON, with name, city, stars, price, and perhaps currency."),
            Field("currency", "Currency of rows that name none", "", currency, optional=True),
        ]
        super().__init__(
            *(app, "Import hotels", fields, self._choose),
            button="import",
            suffixes=feed_files.FORMATS,
            kinds="CSV or JSON",
        )

    async def _choose(self, values: Values) -> None:
        currency = values["currency"].strip().upper() or None
        if currency is not None and not money.is_known(currency):
            raise FormProblem("currency", "A currency has three letters, such as EUR.")
        try:
            feed = await self.crew_app.link.aside(lambda: feed_files.feed(values["path"], self.here))
        except NotAFeed as problem:
            raise FormProblem("path", str(problem)) from problem
        except TimeoutError as problem:
            raise FormProblem("path", SILENT, retry=True) from problem
        most = await self.crew_app.link.call(_most)
        if most is not None and feed.size > most:
            raise FormProblem("path", f"It has {size(feed.size)}; this server takes at most {size(most)}.")
        self.chosen = feed, currency


async def _most(client: Client) -> int | None:
    """Bytes that the server takes, where it says so."""
    imports = (await client.server_info()).imports
    return None if imports is None else imports.max_bytes
