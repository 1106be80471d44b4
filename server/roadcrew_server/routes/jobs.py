"""`/api/jobs`: imports of hotels from a feed. What is allowed, the domain's rules say; the rows are a service's to
judge."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import Any, get_args

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp

from roadcrew_domain import hotels, jobs
from roadcrew_domain.jobs_state import CancelImport, FeedFormat, JobStatus, RequestImport
from roadcrew_domain.money import MAX_AMOUNT
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Moment, Value
from roadcrew_server.endpoints import Call, Endpoint
from roadcrew_server.jobs.feeds import WITHIN, too_large
from roadcrew_server.jobs.kinds import job_topic
from roadcrew_server.jobs.pages import MOST_ROWS, HotelPage, PageGone, Question, RefusedPage, Sort
from roadcrew_server.numbered import follow
from roadcrew_server.problems import Problem
from roadcrew_server.routes.runs import found, labelled, leads, require_member
from roadcrew_server.sse import wants_stream
from roadcrew_server.topic import KeyReused, Topic, TopicMissing

log = logging.getLogger(__name__)

FORMATS: dict[str, FeedFormat] = {"text/csv": "csv", "application/json": "json"}
SORTS: dict[str, Sort] = {sort: sort for sort in get_args(Sort)}
ROWS = 50
"""Of one answer, if it is not said."""
LABEL = labelled(
    {
        "ImportRequested": "requested",
        "ImportConnected": "connected",
        "ImportDisconnected": "disconnected",
        "RowsImported": "progress",
        "ImportFinished": "finished",
        "ImportCancelled": "cancelled",
        "ImportFailed": "failed",
        "ImportInterrupted": "interrupted",
        "ImportExpired": "expired",
    }
)


class JobStarted(Value, frozen=True):
    """What is answered before a row was read."""

    job_id: str
    status: JobStatus
    stream_url: str


class JobAnswer(Value, frozen=True):
    """An import as it is now. `seq` is the number of its newest event."""

    job_id: str
    status: JobStatus
    job: jobs.ImportJob
    seq: int
    now: Moment


async def start(call: Call) -> JobStarted:
    """Take a feed, and have it imported. What can be refused is refused before the feed is read."""
    if not call.server.settings.monitor_price_app_host:
        raise Problem(404, "no-imports", "This server imports no hotels.")
    trip_id = call.query.get("tripId", "")
    await require_member(call, trip_id)
    act = _asked(call, trip_id)
    command, key = call.command()
    jobs.decide(None, jobs.JobCommand(command, call.user_id, act), call.server.store.now())
    feeds = call.server.feeds
    size = int(call.headers.get("content-length", feeds.most))
    if size > feeds.most:
        raise too_large(feeds.most)
    await call.server.limits.send_feed(call.user_id, call.address, size)
    feed = await feeds.keep(command, call.user_id, call.chunks())
    act = msgspec.structs.replace(act, size=feed.size)
    said = hashlib.blake2b(msgspec.json.encode((act, feed.digest)), digest_size=16).hexdigest()
    name = job_topic(command)
    try:
        await require_member(call, trip_id)  # still, when all of it has come
        done = await call.server.hub.execute(
            name, jobs.JobCommand(command, call.user_id, act), key=key, body=said, status=call.endpoint.status
        )
    except (Problem, Refused, KeyReused, TopicMissing):
        await _let_go(call, command)
        raise
    if done.state.status == "processing":
        call.server.runners.begin(name)
    else:
        await feeds.drop(command)  # it was sent once more when all was done
    return JobStarted(command, done.state.status, f"/api/jobs/{command}/progress")


async def _let_go(call: Call, command: str) -> None:
    """Nobody needs the feed, unless an import under way does."""
    try:
        topic = await call.server.hub.topic(job_topic(command))
    except TopicMissing:
        needed = False
    else:
        await call.server.hub.refresh(topic)
        needed = topic.state.status == "processing"
    if not needed:
        await call.server.feeds.drop(command)


def _asked(call: Call, trip_id: str) -> RequestImport:
    """What is asked for, but for the size of what has yet to come."""
    kept = call.server.settings.job_hours * 3600
    return RequestImport(
        trip_id=trip_id,
        name=call.query.get("name", ""),
        format=FORMATS[call.kind],
        size=1,
        within=min(WITHIN.total_seconds(), kept),
        keep_for=kept,
        currency=call.query.get("currency") or None,
    )


async def _job(call: Call, *, changes: bool = False) -> Topic:
    name = job_topic(call.request.path_params["jobId"])
    return await found(call, name, timedelta(hours=call.server.settings.job_hours), changes=changes)


def _answer(call: Call, topic: Topic) -> dict[str, Any]:
    job: jobs.ImportJob = topic.state
    state = msgspec.Raw(topic.encoded())
    return {"jobId": job.id, "status": job.status, "job": state, "seq": topic.head, "now": call.server.store.now()}


async def read(call: Call) -> dict[str, Any]:
    """How it is."""
    return _answer(call, await _job(call))


async def progress(call: Call) -> ASGIApp | Response:
    """How it goes."""
    topic = await _job(call)
    if wants_stream(call.headers.get("accept", ""), unsaid=True):
        log.info("Client joining import job job=%s user=%s", topic.state.id, call.user_id)
    return await follow(call, topic.name, LABEL)


async def cancel(call: Call) -> dict[str, Any]:
    """No more of it is imported; what is in stays."""
    topic = await _job(call, changes=True)
    act = CancelImport(chair=await leads(call, topic.state.trip_id))
    command, key = call.command()
    await call.server.hub.execute(topic.name, jobs.JobCommand(command, call.user_id, act), key=key, body=call.body_hash)
    return _answer(call, topic)


async def good(call: Call) -> HotelPage:
    """Hotels that were imported, as they are asked for."""
    question = _question(call)
    topic = await _job(call)
    try:
        return await call.server.pages.hotels(topic.state.pages, question, by=call.user_id)
    except PageGone:
        raise topic.kind.problem("ended") from None


async def refused(call: Call) -> RefusedPage:
    """Rows that were refused, with the reason of each."""
    after = call.number("after", least=0) or 0
    limit = call.number("limit", most=MOST_ROWS) or ROWS
    topic = await _job(call)
    job: jobs.ImportJob = topic.state
    try:
        return await call.server.pages.refused(job.refused_pages, after, limit, job.counts.refused, by=call.user_id)
    except PageGone:
        raise topic.kind.problem("ended") from None


def _question(call: Call) -> Question:
    sort = SORTS.get(call.query.get("sort", "line"))
    if sort is None:
        raise Problem(422, "invalid", f"sort is one of {', '.join(SORTS)}.", field="sort")
    return Question(
        sort=sort,
        descending=call.query.get("descending", "") in ("true", "1"),
        city=call.query.get("city") or None,
        text=call.query.get("q") or None,
        min_stars=call.number("minStars", least=0, most=hotels.MAX_STARS) or 0,
        max_price=call.number("maxPrice", least=0, most=MAX_AMOUNT),
        limit=call.number("limit", most=MOST_ROWS) or ROWS,
        after=call.query.get("after") or None,
    )


def _of_job(method: str, path: str, handler: Any, summary: str, answer: type | None, **more: Any) -> Endpoint:
    return Endpoint(method, f"/api/jobs/{{jobId}}{path}", handler, "member", summary, answer=answer, tag="jobs", **more)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/jobs",
        start,
        "member",
        "Import hotels from a feed",
        answer=JobStarted,
        status=202,
        query={
            "tripId": "The trip that they are for.",
            "name": "What the feed is called.",
            "currency": "Of prices that name none, such as EUR.",
        },
        takes=tuple(FORMATS),
        takes_key=True,
        tag="jobs",
    ),
    _of_job("GET", "", read, "How an import is", JobAnswer),
    _of_job("DELETE", "", cancel, "Cancel an import", JobAnswer),
    _of_job(
        "GET",
        "/progress",
        progress,
        "How an import goes: a stream for text/event-stream, one batch for application/json",
        None,
        query={"after": "The number of the last event that was read; Last-Event-ID wins."},
        media=("text/event-stream", "application/json"),
    ),
    _of_job(
        "GET",
        "/hotels",
        good,
        "Hotels that were imported",
        HotelPage,
        query={
            "sort": "price, name, city, stars or line (the default).",
            "descending": "true, to begin with the highest.",
            "city": "A city's whole name.",
            "q": "A part of a hotel's or a city's name.",
            "minStars": "0 to 5.",
            "maxPrice": "A night's, in minor units of each hotel's own currency.",
            "limit": f"1 to {MOST_ROWS}; {ROWS}, if it is not said.",
            "after": "The `next` of the answer before.",
        },
    ),
    _of_job(
        "GET",
        "/refused",
        refused,
        "Rows that were refused, with the reasons",
        RefusedPage,
        query={"after": "The line to go on after.", "limit": f"1 to {MOST_ROWS}; {ROWS}, if it is not said."},
    ),
)
