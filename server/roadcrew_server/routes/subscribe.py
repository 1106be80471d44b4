"""`/api/subscribe`: one channel of something that people talk about, by the plain numbers of its events. Not for
following several at once, which is for `/api/sync`."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp

from roadcrew_server import numbered
from roadcrew_server.endpoints import Call, Endpoint
from roadcrew_server.routes.runs import labelled
from roadcrew_server.routes.talk_common import TAG, no_such_channel, thing_of

LABELS = {
    "FeedOpened": "opened",
    "ItemWritten": "written",
    "ItemEdited": "edited",
    "ItemRemoved": "removed",
    "ItemRestored": "restored",
    "ReactionGiven": "reaction",
    "ReactionTaken": "reaction",
    "PageClosed": "page",
    "MarkGiven": "given",
    "MarkTaken": "taken",
    "FeedKept": "kept",
}
"""What events are called on the stream."""


async def subscribe(call: Call) -> ASGIApp | Response:
    """A stream or one batch, by `Accept`."""
    thing, channel = thing_of(call), call.request.path_params["channel"]
    if not thing.has(channel):
        raise no_such_channel()
    return await numbered.follow(call, thing.topic(channel), labelled(LABELS), where="talk")


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/subscribe/{type}/{id}/{channel}",
        subscribe,
        "reader",
        "Follow one channel of something: a stream for text/event-stream, one batch for application/json",
        query={
            "after": "Where to go on: the number of the last event that was read; Last-Event-ID wins.",
            "presenceTag": "Polling the presence only: the last answer's presenceTag.",
        },
        media=("text/event-stream", "application/json"),
        tag=TAG,
    ),
)
