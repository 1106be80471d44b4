"""`/api/feeds/{type}/{id}/typing`: that I write something just now. It is told of who is here, and kept nowhere."""

from __future__ import annotations

from roadcrew_server.endpoints import Call, Endpoint, Nothing
from roadcrew_server.routes.talk_common import OF, TAG, opened

PATH = f"{OF}/typing"


async def begin(call: Call) -> None:
    """For some seconds; who goes on says so again."""
    topic = await opened(call, "presence")
    await call.server.presence.typing(topic.name, call.user_id, on=True)


async def end(call: Call) -> None:
    """No more."""
    topic = await opened(call, "presence")
    await call.server.presence.typing(topic.name, call.user_id, on=False)


ENDPOINTS = (
    Endpoint("POST", PATH, begin, "reader", "Say that I write something", body=Nothing, status=204, tag=TAG),
    Endpoint("DELETE", PATH, end, "reader", "Say that I don't write any more", status=204, tag=TAG),
)
