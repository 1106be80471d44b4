"""What each fact changes in an import: `evolve` gives the next state. Pure."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from roadcrew_domain.events import Event
from roadcrew_domain.jobs_state import (
    MAX_REASONS,
    OTHER_REASONS,
    SHOWN_REFUSED,
    ImportCancelled,
    ImportConnected,
    ImportDisconnected,
    ImportExpired,
    ImportFailed,
    ImportFinished,
    ImportInterrupted,
    ImportJob,
    ImportRequested,
    ReasonCount,
    RowsImported,
)
from roadcrew_domain.running import EndTold, RunnerStarted


def evolve(job: ImportJob | None, event: Event) -> ImportJob:
    """The state after `event`. Raises `ValueError` for an event that can't follow this state."""
    if isinstance(event.data, ImportRequested):
        if job is not None:
            raise ValueError("an import is requested once")
        return _requested(event, event.data)
    if job is None:
        raise ValueError(f"an import begins with ImportRequested, not {event.type}")
    return msgspec.structs.replace(job, **_changes(job, event))


def _requested(event: Event, f: ImportRequested) -> ImportJob:
    if event.by is None:
        raise ValueError("somebody requests an import")
    return ImportJob(
        id=event.command,
        by=event.by,
        trip_id=f.trip_id,
        name=f.name,
        format=f.format,
        size=f.size,
        currency=f.currency,
        started_at=event.at,
        ends_by=f.ends_by,
        keep_until=f.keep_until,
    )


def _changes(job: ImportJob, event: Event) -> dict[str, object]:
    match event.data:
        case ImportExpired():
            return {"expired": True}
        case EndTold():
            return {"told": True}
    if job.status != "processing":
        raise ValueError(f"{event.type} in an import that is over")
    ended: dict[str, object] = {"ended_at": event.at, "connected": False, "retry_at": None}
    match event.data:
        case RunnerStarted(fence=fence):
            taken = {"fence": fence, "runners": job.runners + 1, "runner_at": event.at}
            return {**taken, "alive_at": event.at, "connected": False, "retry_at": None}
        case ImportConnected():
            return {"connected": True, "retry_at": None, "alive_at": event.at}
        case ImportDisconnected(retry_in=seconds):
            return {"connected": False, "retry_at": event.at + timedelta(seconds=seconds), "alive_at": event.at}
        case RowsImported() as f:
            return {**_rows(job, f), "alive_at": event.at}
        case ImportFinished():
            return {"status": "finished", **ended}
        case ImportCancelled():
            return {"status": "cancelled", **ended}
        case ImportFailed(failure=failure, detail=detail):
            return {"status": "failed", "failure": failure, "detail": detail, **ended}
        case ImportInterrupted(because=because):
            return {"status": "interrupted", "because": because, **ended}
        case _:
            raise ValueError(f"no rule for {event.type}")


def _rows(job: ImportJob, f: RowsImported) -> dict[str, object]:
    return {
        "counts": f.counts,
        "checkpoint": f.checkpoint,
        "pages": job.pages if f.page is None else (*job.pages, f.page),
        "refused_pages": job.refused_pages if f.refused_page is None else (*job.refused_pages, f.refused_page),
        "reasons": _counted(job.reasons, f.reasons),
        "refused": (*job.refused, *f.shown)[:SHOWN_REFUSED],
    }


def _counted(before: tuple[ReasonCount, ...], more: tuple[ReasonCount, ...]) -> tuple[ReasonCount, ...]:
    """In the order in which they were met; what is past `MAX_REASONS` is counted together."""
    rows = {reason.code: reason.rows for reason in before}
    for reason in more:
        code = reason.code if reason.code in rows or len(rows) < MAX_REASONS else OTHER_REASONS
        rows[code] = rows.get(code, 0) + reason.rows
    return tuple(ReasonCount(code, count) for code, count in rows.items())
