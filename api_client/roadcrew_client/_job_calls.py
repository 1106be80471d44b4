"""The part of `Client` that is about imports: one call for each thing that can be done with one.

Not for following one: that is `LiveRun`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from roadcrew_client._calls import Calls
from roadcrew_client.models import read

if TYPE_CHECKING:
    from roadcrew_client.job_models import HotelOrder, ImportedHotels, ImportJobAnswer, ImportStarted, RefusedRows
    from roadcrew_domain.jobs_state import FeedFormat

BASE = "/api/jobs"
MEDIA = {"csv": "text/csv", "json": "application/json"}


class JobCalls:
    """What it needs, `Client` sets."""

    _calls: Calls

    async def start_import(
        self,
        trip_id: str,
        feed: Path | bytes,
        name: str,
        format: FeedFormat,  # noqa: A002 — the contract's word
        currency: str | None = None,
        *,
        sent: Callable[[int], None] = lambda size: None,
        key: str | None = None,
    ) -> ImportStarted:
        """Send a feed of hotels and have it imported into the trip. `currency` is for rows that name none; `sent` is
        told how many bytes the network has taken, from 0 again when all is sent again.

        Does not wait for the import. A file is read piece by piece. Raises `Rejected` (`feed-unreadable`,
        `feed-empty`, `feed-changed`; `feed-too-large`), `NotFound` (`no-imports`), `Forbidden` (`not-a-member`),
        `TooManyRequests`.
        """
        from roadcrew_client._feeds import Feed  # noqa: PLC0415 — only who imports needs it
        from roadcrew_client.job_models import ImportStarted  # noqa: PLC0415 — as above
        from roadcrew_client.transport import Upload  # noqa: PLC0415 — loads the HTTP library

        read_from = await Feed.of(feed)
        body = Upload(MEDIA[format], read_from.size, lambda: read_from.pieces(sent))
        params = [("tripId", trip_id), ("name", name)]
        if currency is not None:
            params.append(("currency", currency))
        return read((await self._calls.upload(BASE, params, body, key)).body, ImportStarted)

    async def import_job(self, job_id: str) -> ImportJobAnswer:
        """An import as it is now. Raises `NotFound` (`unknown-job`, `job-expired`)."""
        from roadcrew_client.job_models import read_job_answer  # noqa: PLC0415 — as above

        return read_job_answer((await self._calls.call("GET", _path(job_id))).body)

    async def cancel_import(self, job_id: str) -> ImportJobAnswer:
        """Stop it; what was imported stays. One that is over is left as it is. Raises `Forbidden`, `NotFound`."""
        from roadcrew_client.job_models import read_job_answer  # noqa: PLC0415 — as above

        return read_job_answer((await self._calls.call("DELETE", _path(job_id))).body)

    async def imported_hotels(
        self,
        job_id: str,
        sort: HotelOrder = "price",
        descending: bool = False,
        city: str | None = None,
        q: str | None = None,
        min_stars: int | None = None,
        max_price: int | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> ImportedHotels:
        """Some of the hotels that were imported. `q` is a part of the name; `max_price` in minor units; `after` is the
        `next` of the answer before. Raises `NotFound`."""
        from roadcrew_client.job_models import read_hotels  # noqa: PLC0415 — as above

        said = {"city": city, "q": q, "minStars": min_stars, "maxPrice": max_price, "after": after}
        params = [("sort", sort), ("descending", str(descending).lower()), ("limit", str(limit))]
        params += [(name, str(value)) for name, value in said.items() if value is not None]
        return read_hotels((await self._calls.call("GET", f"{_path(job_id)}/hotels", params=params)).body)

    async def refused_rows(self, job_id: str, after: int | None = None, limit: int = 50) -> RefusedRows:
        """Some of the rows that were not taken over; `after` is the `next` of the answer before. Raises `NotFound`."""
        from roadcrew_client.job_models import RefusedRows  # noqa: PLC0415 — as above

        params = [("limit", str(limit)), *([] if after is None else [("after", str(after))])]
        return read((await self._calls.call("GET", f"{_path(job_id)}/refused", params=params)).body, RefusedRows)


def _path(job_id: str) -> str:
    return f"{BASE}/{quote(job_id, safe='')}"
