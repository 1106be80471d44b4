"""The log of one topic by the plain numbers of its events: as a stream, or a batch at a time, on any process.

Who has read number 10 asks for what comes after 10; who has read nothing gets the log from its first event. Where that
is no longer kept, or has not happened, `reset` brings the state as it is. All else is as in `/api/sync`: who may read,
how a stream beats and ends. Not for several topics at once, which need a cursor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp

from roadcrew_domain.events import Event, Position
from roadcrew_server.endpoints import Call, json_response
from roadcrew_server.presence import Place
from roadcrew_server.problems import Problem
from roadcrew_server.reader import Frame, Reader
from roadcrew_server.sse import EventStream, wants_stream
from roadcrew_server.stores.base import NOTHING_YET
from roadcrew_server.topic import Entry

POLL_FRAMES = 100
"""Events in one answer to a poll; `more` says that there are others."""
NOT_EVENTS = frozenset({"reset", "presence"})

_NUMBER = re.compile(r"-1|[0-9]{1,15}")

Label = Callable[[Event], str]
"""What an event is called on the stream (`event:`)."""


async def follow(call: Call, name: str, label: Label, *, where: Place = "quotes") -> ASGIApp | Response:
    """A stream of the topic, or one batch for who wants JSON rather. `Last-Event-ID`, or else `after`, says how far
    they have read; of a topic that tells who is here, `presenceTag` what was told last. Raises `Problem` for who may
    not read it."""
    streams = call.server.streams
    streaming = wants_stream(call.headers.get("accept", ""), unsaid=True) and call.request.method != "HEAD"
    if streaming:
        streams.admit(call.user_id)
    try:
        reader = await NumberedReader.open(call.server.hub, call.user_id, [name])
    except Problem:
        await call.server.presence.polls_no_more(name, call.user_id)  # where an earlier poll may have listed them
        raise
    after = call.headers.get("last-event-id") or call.query.get("after") or str(NOTHING_YET)
    await reader.begin(label, after, call.query.get("presenceTag"))
    if not streaming:
        return await _batch(call, reader, where)
    streams.admit(call.user_id)  # many may have been let in while this one was made ready
    return EventStream(streams, reader, call.session, where)


async def _batch(call: Call, reader: NumberedReader, where: Place) -> Response:
    (topic,) = reader.topics
    await call.server.presence.polled(topic.name, call.user_id, where, call.session.user.name)
    await call.server.presence.refresh(topic)
    frames = await reader.take(POLL_FRAMES)
    if not reader.topics:  # since it was opened
        await call.server.presence.polls_no_more(topic.name, call.user_id)
        raise topic.kind.problem(topic.closed_to(reader.user, reader.now()) or "forbidden")
    if not frames:
        return json_response(None, 204)
    answer: dict[str, object] = {"seq": int(reader.cursor), "more": reader.changed.is_set()}
    answer.update({str(frame.kind): msgspec.Raw(frame.data) for frame in frames if frame.kind in NOT_EVENTS})
    if topic.kind.presence:
        answer["presenceTag"] = reader.presence_tag()
    answer["events"] = [msgspec.Raw(frame.data) for frame in frames if frame.kind not in NOT_EVENTS]
    return json_response(answer, 200)


class NumberedReader(Reader):
    """Follows one topic. Its frames carry the numbers and the labels of events."""

    form: Label

    async def begin(self, label: Label, after: str, presence_tag: str | None = None) -> None:
        """Go on after that number, -1 being before the first. One that nobody can read is as one that is not kept: it
        gets a reset, never silence."""
        (topic,) = self.topics
        self.form = label
        position = await self._hub.position(topic, int(after)) if _NUMBER.fullmatch(after) else None
        if position is None:
            self._lost.add(topic.name)
        await self.start({} if position is None else {topic.name: position}, presence_tag)

    def told(self, entry: Entry, positions: Mapping[str, Position]) -> Frame:
        """By its number and its label."""
        return Frame(self.form(entry.event), entry.body, str(entry.event.seq))

    @property
    def cursor(self) -> str:
        """The number up to which they have read; empty, where that is of no use any more."""
        return next((str(position.seq) for position in self._positions.values()), "")
