"""What of an import is listed, hotels or refused rows: asked of the server page by page, a few pages kept. Not for how
it is drawn, nor for when somebody wants more of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.worker import Worker

from roadcrew_domain.jobs_state import ImportedHotel, ImportJob, RefusedRow
from roadcrew_tui.screens import imports_model as model

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.screens.base import CommandScreen


class Listing:
    """Of one import at a time. `trouble` is why the server did not answer the last question; `waits`: it is being
    asked."""

    def __init__(self, screen: CommandScreen, show: Callable[[int], None]) -> None:
        """`show` is called when something has come, with how many rows have come above what was there (less than 0:
        gone)."""
        self._screen = screen
        self._tell = show
        self.wanted = model.Wanted()
        self.refused = False
        """Refused rows are listed, not hotels."""
        self.hotels: model.Window[ImportedHotel] = model.Window()
        self.bad_rows: model.Window[RefusedRow] = model.Window()
        self.trouble = ""
        self.waits = False
        self._seen = 0
        self._worker: Worker[None] | None = None

    @property
    def window(self) -> model.Window[Any]:
        """The pages of what is listed."""
        return self.bad_rows if self.refused else self.hotels

    def fresh(self, job: ImportJob | None) -> int:
        """Rows that have come since the list was asked for from its beginning."""
        return max(0, self._rows(job) - self._seen)

    def _rows(self, job: ImportJob | None) -> int:
        if job is None:
            return 0
        return job.counts.refused if self.refused else job.counts.good

    def forget(self) -> None:
        """What is listed is about to be something else."""
        self.hotels, self.bad_rows = model.Window(), model.Window()
        self._seen, self.trouble, self.waits = 0, "", False
        if self._worker is not None:
            self._worker.cancel()

    def begin(self, job: ImportJob) -> None:
        """From the beginning, unless that is being asked for."""
        if not self.waits:
            self._ask(job, 0, anew=True)

    def below(self, job: ImportJob) -> None:
        """One page more at the end, if there is one and nothing is being asked."""
        if self.window.below is not None and not self.waits:
            self._ask(job, self.window.below)

    def above(self, job: ImportJob) -> None:
        """One page more at the beginning, likewise."""
        if self.window.above is not None and not self.waits:
            self._ask(job, self.window.above)

    def _ask(self, job: ImportJob, number: int, *, anew: bool = False) -> None:
        self.waits = True
        self._worker = self._screen.run_worker(self._asked(job, number, anew=anew), group="listing")

    async def _asked(self, job: ImportJob, number: int, *, anew: bool) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - not before the first paint

        before: model.Window[Any] = model.Window() if anew else self.window
        try:
            rows, total, following = await self._page(job.id, before.starts[number])
        except RoadcrewError as error:
            self.trouble, self.waits = error.detail, False
            self._tell(0)
            return
        now = before.put(number, rows, total, following)
        if self.refused:
            self.bad_rows = now
        else:
            self.hotels = now
        self._seen = self._rows(job) if anew else self._seen
        self.trouble, self.waits = "", False
        came = len(now.pages[0]) if now.first < before.first else 0
        went = len(before.pages[0]) if now.first > before.first else 0
        self._tell(0 if anew else came - went)

    async def _page(self, job_id: str, after: Any) -> tuple[Any, int, Any]:
        w, refused = self.wanted, self.refused

        async def ask(client: Client) -> tuple[Any, int, Any]:
            if refused:
                bad = await client.refused_rows(job_id, after=after, limit=model.PAGE)
                return bad.rows, bad.total, bad.next
            good = await client.imported_hotels(
                job_id,
                sort=w.order.sort,
                descending=w.order.descending,
                city=w.city or None,
                q=w.q or None,
                min_stars=w.min_stars or None,
                max_price=w.max_price.amount if w.max_price is not None else None,
                limit=model.PAGE,
                after=after,
            )
            return good.hotels, good.total, good.next

        crew_app = self._screen.crew_app
        return await crew_app.link.call(ask)
