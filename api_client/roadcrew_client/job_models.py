"""The shapes of imports that come from a server, as the HTTP contract (docs/api.md) says; a job and its rows are the
domain's. Not for how they are asked for.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Raw

from roadcrew_client.errors import not_ours
from roadcrew_client.models import read
from roadcrew_domain.jobs import decode_job
from roadcrew_domain.jobs_state import ImportedHotel, ImportJob, RefusedRow
from roadcrew_domain.money import checked_price
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Moment, Value

HotelOrder = Literal["price", "name", "city", "stars", "line"]


class ImportStarted(Value, frozen=True):
    """The feed is at the server, and the import has begun. `stream_url` is a path there."""

    job_id: str
    status: str
    stream_url: str


class ImportJobAnswer(Value, frozen=True):
    """An import as it was at event `seq`, without its rows; `now` is the server's time."""

    job: ImportJob
    seq: int
    now: Moment


class _RawAnswer(Value, frozen=True):
    job: Raw
    seq: int
    now: Moment


class ImportedHotels(Value, frozen=True):
    """Some of the hotels of an import. `total`: how many there are that fit; `next`: what to ask for those `after`
    these with, None for the last."""

    hotels: tuple[ImportedHotel, ...] = ()
    total: int = 0
    next: str | None = None


class RefusedRows(Value, frozen=True):
    """Some of the rows that were not taken over, by their line. `next`: the line to ask `after`, None for the last."""

    rows: tuple[RefusedRow, ...] = ()
    total: int = 0
    next: int | None = None


def read_job_answer(body: bytes) -> ImportJobAnswer:
    """The answer about an import. Raises `ServerTrouble`."""
    raw = read(body, _RawAnswer)
    return ImportJobAnswer(read_job(raw.job), raw.seq, raw.now)


def read_job(body: bytes | Raw) -> ImportJob:
    """The import in a body. Raises `ServerTrouble`."""
    try:
        return decode_job(body)
    except ValueError as error:
        raise not_ours(f"The server's answer can't be read: {str(error)[:200]}") from error


def read_hotels(body: bytes) -> ImportedHotels:
    """The hotels in a body. Raises `ServerTrouble`."""
    found = read(body, ImportedHotels)
    try:
        for hotel in found.hotels:
            checked_price(hotel.price_per_night, field="price")
            if hotel.was is not None:
                checked_price(hotel.was, field="price")
    except Refused as refused:
        raise not_ours(f"The server sent a price that can't be: {refused.detail}") from refused
    return found
