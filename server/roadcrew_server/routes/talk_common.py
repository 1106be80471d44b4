"""What the routes of talk share: what a path is about, whether it is open to who asks, what they are called there, and
the way of a command.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from roadcrew_domain import feed, places
from roadcrew_domain.events import encode_cursor
from roadcrew_domain.feed import FeedCommand
from roadcrew_domain.feed_state import MAX_TEXT, Feed, FeedAct
from roadcrew_domain.marks_state import MarkAct
from roadcrew_domain.places import LIST_CHANNELS, Entity
from roadcrew_server.endpoints import Call
from roadcrew_server.problems import Problem
from roadcrew_server.topic import Done, Topic

TAG = "talk"
OF = "/api/feeds/{type}/{id}"
NO = {"no": "The item's number, which is needed where it is in a page."}


def thing_of(call: Call) -> Entity:
    """What the path is about, if there can be such a thing. Raises `Problem`."""
    found = places.entity(call.request.path_params["type"], call.request.path_params["id"])
    if found is None:
        raise unknown_thing()
    return found


def unknown_thing() -> Problem:
    """There is no such thing, or can be none."""
    return Problem(404, "unknown-entity", "There is no such thing to talk about.")


def list_channel(call: Call) -> str:
    """The channel of items that the path names. Raises `Problem`."""
    channel: str = call.request.path_params["channel"]
    if channel not in LIST_CHANNELS:
        raise no_such_channel()
    return channel


def no_such_channel() -> Problem:
    """It has none that is called so."""
    return Problem(422, "no-such-channel", "There is no such channel of that.")


async def opened(call: Call, channel: str, *, changes: bool = False) -> Topic:
    """A channel of what the path is about, for whom it is open; for who `changes` something, also by what only other
    processes have heard of its trip. Raises `Problem` and `TopicMissing`."""
    thing = thing_of(call)
    if not thing.has(channel):
        raise no_such_channel()
    return await call.server.talk.found(call.user_id, thing, channel, changes=changes)


async def company(call: Call, topic: Topic) -> tuple[str, dict[str, str]]:
    """What who asks is called there, and the names, by id, of those whom a text can mention: a trip's crew; of a
    location, those who have said something lately."""
    guard = await call.server.hub.guard(topic)
    if guard is None:
        lately = topic.state.items if isinstance(topic.state, Feed) else ()
        return (await call.server.sessions.fresh(call.session)).user.name, {item.by: item.name for item in lately}
    people = {member.id: member.name for member in guard.state.members.values()}
    return people.get(call.user_id, call.session.user.name), people


def mentions(topic: Topic, text: str, people: Mapping[str, str]) -> tuple[str, ...]:
    """Whom a text names. What is longer than it may be is not looked through: that takes time, and it is refused."""
    return feed.mentioned(text[: MAX_TEXT[topic.state.channel]], people)


async def chairs(call: Call, topic: Topic) -> bool:
    """Whether who asks may remove what others said there: a trip's organiser, or a moderator of locations."""
    guard = await call.server.hub.guard(topic)
    if guard is None:
        return call.user_id in call.server.settings.moderator_ids
    return bool(guard.state.organiser == call.user_id)


async def does(call: Call, topic: Topic, act: FeedAct | MarkAct, *, named: bool = True) -> Done:
    """Execute one act for who asks, who is not `named` in what is saved: nor can the command's id, which everybody
    reads, be found again from their id and a key that is easy to guess."""
    path = call.request.url.path
    command, key = command_of(call) if named else call.command(path, call.server.secret.hex())
    done = await call.server.hub.execute(
        topic.name,
        FeedCommand(command, call.user_id if named else None, act),
        key=key,
        body=said(call),
        status=call.endpoint.status,
    )
    call.server.talk.upkeep.wrote(topic)
    return done


def command_of(call: Call) -> tuple[str, str | None]:
    """The command's id, which is also that of the item that it writes, and the key under which it is recorded."""
    return call.command(call.request.url.path)


async def was_done(call: Call, topic: Topic) -> bool:
    """Whether this very command was accepted before. What is refused before it is decided must ask: it is none then."""
    _, key = command_of(call)
    return key is not None and await call.server.store.recorded(topic.name, key) is not None


def said(call: Call, body: bytes | None = None) -> str:
    """Tells one request from another that has the same key: by what is done to what, and by what was sent (`body`,
    where that was no JSON of ours)."""
    what = f"{call.request.method} {call.request.url.path}\n".encode(errors="surrogatepass")
    return hashlib.blake2b(what + (call.raw if body is None else body), digest_size=16).hexdigest()


async def answer(call: Call, topic: Topic, done: Done) -> dict[str, object]:
    """What was written by this command, also when it is answered for a second time."""
    command, _ = command_of(call)
    item = feed.found(done.state, command) or await call.server.talk.older.item(topic, command)
    return {"item": item, **when(topic, done)}


def when(topic: Topic, done: Done) -> dict[str, object]:
    """The part of an answer that says where in the log it is true."""
    return {"seq": done.position.seq, "cursor": encode_cursor({topic.name: done.position})}
