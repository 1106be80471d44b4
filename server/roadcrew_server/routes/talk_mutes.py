"""`/api/session/mutes`: whom I don't want to read. Their words are left out by my terminals when they draw; nobody else
is told, and what they write stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
from pydantic import Field

from roadcrew_domain.crew import person_name
from roadcrew_domain.ids import is_id
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Moment, Value
from roadcrew_server.endpoints import Body, Call, Endpoint
from roadcrew_server.problems import Problem
from roadcrew_server.sessions import GUEST_SLACK

RECORD = "mutes"
MOST = 500
"""People whom one person can mute."""
TRIES = 10
"""Times that it is tried again because another terminal of the same person was faster."""


class MuteBody(Body):
    """`name` is what they are called where they were met; without it, what they are called now."""

    user_id: str = Field(min_length=1, max_length=64)
    name: str | None = Field(None, max_length=400)


class Muted(Value, frozen=True):
    """Somebody who is muted, since when."""

    id: str
    name: str
    at: Moment


class MutesAnswer(Value, frozen=True):
    """In the order in which they were muted."""

    muted: tuple[Muted, ...] = ()


List = tuple[Muted, ...]
_decoder = msgspec.json.Decoder(List)


async def read(call: Call) -> MutesAnswer:
    """Whom I have muted. The list is kept for as long as I am."""
    stored = await call.server.store.get(RECORD, call.user_id)
    if stored is None:
        return MutesAnswer()
    expires = _kept_until(call)
    if stored.expires_at is not None and (expires is None or stored.expires_at < expires - GUEST_SLACK):
        await call.server.store.replace(RECORD, call.user_id, stored.value, stored.value, expires)
    return MutesAnswer(_decoder.decode(stored.value))


async def mute(call: Call) -> MutesAnswer:
    """Read no more of somebody."""
    b: MuteBody = call.body
    if b.user_id == call.user_id:
        raise Refused("mute-self", "invalid", "You can't mute yourself.", field="userId")
    new = Muted(b.user_id, await _called(call, b), call.server.store.now())

    def added(muted: List) -> List:
        before = next((m for m in muted if m.id == new.id), None)
        if before is not None:
            return tuple(msgspec.structs.replace(new, at=m.at) if m is before else m for m in muted)
        if len(muted) >= MOST:
            raise Refused(
                "too-many-mutes", "full", f"You have muted {MOST} people. Hear one of them first.", limit=MOST
            )
        return (*muted, new)

    return await _changed(call, added)


async def _called(call: Call, b: MuteBody) -> str:
    """What they are called. Raises `Refused`."""
    if b.name is not None and is_id(b.user_id):
        return person_name(b.name)
    user = await call.server.sessions.user(b.user_id)
    if user is None:
        raise Refused("unknown-member", "missing", "There is no such person.", field="userId")
    return user.name


async def unmute(call: Call) -> MutesAnswer:
    """Read them again."""
    user_id = call.request.path_params["userId"]
    return await _changed(call, lambda muted: tuple(m for m in muted if m.id != user_id))


async def _changed(call: Call, change: Callable[[List], List]) -> MutesAnswer:
    """The list as it was changed, whatever other terminals of mine do to it meanwhile."""
    store, expires = call.server.store, _kept_until(call)
    for _ in range(TRIES):
        stored = await store.get(RECORD, call.user_id)
        before = () if stored is None else _decoder.decode(stored.value)
        after = change(before)
        if after == before:
            return MutesAnswer(after)
        value = msgspec.json.encode(after)
        if stored is None:
            written = await store.create(RECORD, call.user_id, value, expires)
        else:
            written = await store.replace(RECORD, call.user_id, stored.value, value, expires)
        if written:
            return MutesAnswer(after)
    raise Problem(409, "busy", "Somebody else is changing this account right now. Try again.")


def _kept_until(call: Call) -> datetime | None:
    """A guest's list goes with the guest."""
    return call.server.sessions.guest_until() if call.session.user.guest else None


ENDPOINTS = (
    Endpoint("GET", "/api/session/mutes", read, "signed-in", "Whom I have muted", answer=MutesAnswer, tag="session"),
    Endpoint(
        "POST",
        "/api/session/mutes",
        mute,
        "signed-in",
        "Mute somebody",
        body=MuteBody,
        answer=MutesAnswer,
        tag="session",
    ),
    Endpoint(
        "DELETE",
        "/api/session/mutes/{userId}",
        unmute,
        "signed-in",
        "Hear somebody again",
        answer=MutesAnswer,
        tag="session",
    ),
)
