"""`/api/sync`: streaming and polling, one cursor."""

from collections.abc import Iterable

from pydantic import Field
from starlette.responses import Response
from starlette.types import ASGIApp

from roadcrew_domain.events import MAX_TOPICS, BadCursor, Position, decode_cursor
from roadcrew_server.endpoints import Body, Call, Endpoint, json_response
from roadcrew_server.presence import PLACES, Place
from roadcrew_server.problems import Problem
from roadcrew_server.reader import Reader
from roadcrew_server.sse import EventStream, encode_batch, wants_stream

POLL_FRAMES = 100
"""Frames in one answer to a poll; `more` says that there are others. Few, so that a bad network lets some through."""


class WhereBody(Body):
    topic: str = Field(min_length=1, max_length=200)
    where: Place


async def sync(call: Call) -> ASGIApp | Response:
    """A stream or one batch, by `Accept`."""
    names = call.query.getlist("topic")
    if not 1 <= len(set(names)) <= MAX_TOPICS:
        raise Problem(422, "invalid", f"Name 1 to {MAX_TOPICS} topics.", field="topic", limit=MAX_TOPICS)
    where = call.query.get("where", "overview")
    if where not in PLACES:
        raise Problem(422, "invalid", "where is one of " + ", ".join(PLACES) + ".", field="where")
    streaming = wants_stream(call.headers.get("accept", "")) and call.request.method != "HEAD"
    if streaming:
        call.server.streams.admit(call.user_id)
    try:
        reader = await Reader.open(call.server.hub, call.user_id, names)
    except Problem:
        await _leave(call, names)
        raise
    positions = _positions(call)
    if streaming:
        await reader.start(positions)
        call.server.streams.admit(call.user_id)  # many may have been let in while this one was made ready
        return EventStream(call.server.streams, reader, call.session, where)
    return await _batch(call, reader, positions, where)


async def _batch(call: Call, reader: Reader, positions: dict[str, Position], where: str) -> Response:
    await reader.start(positions, call.query.get("presenceTag"))
    for topic in reader.topics:
        await call.server.presence.polled(topic.name, call.user_id, where, call.session.user.name)
        await call.server.presence.refresh(topic)
    frames = await reader.take(POLL_FRAMES)
    await _leave(call, set(call.query.getlist("topic")).difference(topic.name for topic in reader.topics))
    if not frames:
        return json_response(None, 204)
    return json_response(encode_batch(reader, frames, more=reader.changed.is_set()), 200)


async def _leave(call: Call, names: Iterable[str]) -> None:
    """They may be listed there by an earlier poll, and may no longer read it."""
    for name in names:
        await call.server.presence.polls_no_more(name, call.user_id)


def _positions(call: Call) -> dict[str, Position]:
    """Where this reader was. A cursor that we can't read is no cursor: it gets a reset, never silence."""
    text = call.headers.get("last-event-id") or call.query.get("cursor") or ""
    if not text:
        return {}
    try:
        return decode_cursor(text)
    except BadCursor:
        return {}


async def where(call: Call) -> None:
    """Somebody looks at another tab now."""
    topic, closed = await call.server.hub.look(call.body.topic, call.user_id)
    if closed is not None:
        raise topic.kind.problem(closed)
    await call.server.presence.look(topic.name, call.user_id, call.body.where)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/sync",
        sync,
        "member",
        "Follow topics: a stream for text/event-stream, one batch for application/json",
        query={
            "topic": "A topic such as trip:ID; up to 32 times.",
            "cursor": "Where to go on; Last-Event-ID wins.",
            "where": "The tab that this person looks at.",
            "presenceTag": "Polling only: the last batch's presenceTag.",
        },
        media=("text/event-stream",),
        tag="sync",
    ),
    Endpoint(
        "POST", "/api/sync/where", where, "member", "Say which tab I look at", body=WhereBody, status=204, tag="sync"
    ),
)
