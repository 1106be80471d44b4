"""What is allowed in an import: `decide` turns a command into facts or refuses it. Pure.

The rows have been judged by the price-monitor service; here is only that they come in order, each part once.
"""

from __future__ import annotations

from datetime import datetime

from roadcrew_domain import text
from roadcrew_domain.events import Fact
from roadcrew_domain.jobs_state import (
    LONGEST_PAUSE,
    MAX_CODE,
    MAX_DETAIL,
    MAX_FEED_NAME,
    MAX_PAGES,
    SHOWN_REFUSED,
    AddRows,
    CancelImport,
    Counts,
    FailImport,
    FinishImport,
    ImportCancelled,
    ImportConnected,
    ImportDisconnected,
    ImportExpired,
    ImportFailed,
    ImportFinished,
    ImportInterrupted,
    ImportJob,
    ImportRequested,
    JobCommand,
    JobTick,
    ReasonCount,
    RefusedRow,
    RequestImport,
    RowsImported,
    SayConnected,
    SayDisconnected,
)
from roadcrew_domain.money import is_currency
from roadcrew_domain.refusals import Refused, id_taken
from roadcrew_domain.running import (
    MOST_RUNNERS,
    EndTold,
    RunnerStarted,
    StartRunner,
    TellEnd,
    kept,
    require_fence,
    time_passed,
    untold,
)

RunnersAct = StartRunner | SayConnected | SayDisconnected | AddRows | FinishImport | FailImport


def decide(job: ImportJob | None, command: JobCommand, now: datetime) -> tuple[Fact, ...]:
    """What happens if `command` is accepted at `now`; nothing, if it changes nothing.

    Raises `Refused`: `unknown-job`, `job-expired`, `id-taken`, `fenced-off`, `out-of-order`, `not-yours-to-cancel`,
    `bad-feed`, `bad-currency`, `bad-limit`, or a text's.
    """
    act = command.act
    if isinstance(act, JobTick):
        return () if job is None else _tick(job, now)
    if isinstance(act, RequestImport):
        return _requested(job, command, act, now)
    if job is None:
        raise Refused("unknown-job", "missing", "There is no such import.")
    if isinstance(act, TellEnd):
        return (EndTold(),) if untold(job) else ()
    if job.expired or now >= job.keep_until:
        raise Refused("job-expired", "missing", "This import is no longer kept.")
    if isinstance(act, CancelImport):
        return _cancelled(job, command.by, act, now)
    return _by_runner(job, act, now)


def _requested(job: ImportJob | None, command: JobCommand, act: RequestImport, now: datetime) -> tuple[Fact, ...]:
    if command.by is None:
        raise Refused("forbidden", "forbidden", "Somebody imports hotels.")
    if job is not None:
        if job.by == command.by:
            return ()
        raise id_taken()
    if act.size <= 0:
        raise Refused("bad-feed", "invalid", "The feed is empty.")
    if act.currency is not None and not is_currency(act.currency):
        sentence = "A currency has three letters, such as EUR."
        raise Refused("bad-currency", "invalid", sentence, field="currency")
    name = text.checked(act.name, field="feed's name", limit=MAX_FEED_NAME)
    ends_by, keep_until = kept(now, act.within, act.keep_for)
    return (ImportRequested(act.trip_id, name, act.format, act.size, ends_by, keep_until, act.currency),)


def _tick(job: ImportJob, now: datetime) -> tuple[Fact, ...]:
    return time_passed(job, now, ImportInterrupted("too-long"), ImportExpired())


def _cancelled(job: ImportJob, by: str | None, act: CancelImport, now: datetime) -> tuple[Fact, ...]:
    if by is None or not (act.chair or by == job.by):
        raise Refused("not-yours-to-cancel", "forbidden", "Only the organiser or who began an import can cancel it.")
    if job.status != "processing":
        return ()
    return _tick(job, now) or (ImportCancelled(),)


# --- the runner ----------------------------------------------------------------------------------


def _by_runner(job: ImportJob, act: RunnersAct, now: datetime) -> tuple[Fact, ...]:
    """Nothing, when the job is over: who did the work finds that out by the state."""
    if isinstance(act, StartRunner):
        if act.fence == job.fence:
            return ()  # the same once more: no two leases have one fence
        require_fence(max(job.fence, act.fence), act.fence)
    else:
        require_fence(job.fence, act.fence)
    if job.status != "processing":
        return ()
    if now >= job.ends_by:
        return _tick(job, now)
    match act:
        case StartRunner(fence=fence):
            return (ImportInterrupted("too-often"),) if job.runners >= MOST_RUNNERS else (RunnerStarted(fence),)
        case SayConnected():
            return () if job.connected else (ImportConnected(),)
        case SayDisconnected(retry_in=seconds):
            return (ImportDisconnected(round(min(max(0.0, seconds), LONGEST_PAUSE), 1)),)
        case AddRows():
            return _rows(job, act)
        case FinishImport():
            return (ImportFinished(job.counts),)
        case FailImport(failure=failure, detail=detail):
            return (ImportFailed(failure, text.cut(detail, MAX_DETAIL)),)


def _rows(job: ImportJob, act: AddRows) -> tuple[Fact, ...]:
    if act.checkpoint == job.checkpoint or (act.page in job.pages or act.refused_page in job.refused_pages):
        return ()  # this part is in already
    _check_order(job, act)
    if len(job.pages) + (act.page is not None) > MAX_PAGES:
        return (_too_many(job.counts.good),)
    if len(job.refused_pages) + (act.refused_page is not None) > MAX_PAGES:
        return (_too_many(job.counts.refused),)
    counts = Counts(job.counts.good + act.good, job.counts.refused + act.refused, act.bytes)
    room = max(0, SHOWN_REFUSED - len(job.refused))
    shown = tuple(
        RefusedRow(row.line, text.cut(row.code, MAX_CODE), text.cut(row.detail, MAX_DETAIL)) for row in act.shown[:room]
    )
    reasons = tuple(ReasonCount(text.cut(reason.code, MAX_CODE), reason.rows) for reason in act.reasons)
    return (RowsImported(counts, act.checkpoint, act.page, act.refused_page, reasons, shown),)


def _check_order(job: ImportJob, act: AddRows) -> None:
    """Raises `Refused` (`out-of-order`) for what can't follow what is there: then the service, or who talks to it, is
    at fault."""
    forward = job.counts.bytes <= act.bytes <= job.size and job.checkpoint.offset <= act.checkpoint.offset <= job.size
    if not forward:
        raise Refused("out-of-order", "conflict", "An import goes on in its feed, and not past its end.")
    paged = act.good >= 0 <= act.refused and (act.good > 0, act.refused > 0) == (
        act.page is not None,
        act.refused_page is not None,
    )
    told = all(reason.rows > 0 for reason in act.reasons) and sum(r.rows for r in act.reasons) == act.refused
    if not (paged and told):
        raise Refused("out-of-order", "conflict", "Rows of an import have a page, and refused ones a reason.")


def _too_many(rows: int) -> ImportFailed:
    return ImportFailed("too-many-rows", f"The feed has more rows than an import takes over; {rows} are in.")
