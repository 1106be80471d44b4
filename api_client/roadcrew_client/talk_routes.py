"""Which call each act of talk is, and which act a call was: the one table between the domain's acts and the HTTP
contract. Pure. Not for images, which are files: `Client.upload_image` sends them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from roadcrew_client.routes import FEEDS, Call
from roadcrew_domain.feed_state import (
    EditItem,
    FeedAct,
    GiveReaction,
    Reaction,
    RemoveItem,
    RestoreItem,
    TakeReaction,
    WriteItem,
)
from roadcrew_domain.ids import is_id
from roadcrew_domain.marks_state import GiveMark, MarkAct, TakeMark
from roadcrew_domain.places import LIST_CHANNELS, Entity, entity, parse_topic
from roadcrew_domain.values import Value

TalkAct = FeedAct | MarkAct

_MARKS = {"rating": "rating", "likes": "like", "saves": "save"}
"""What the marks of a channel are called in a path."""
_CHANNELS = {word: channel for channel, word in _MARKS.items()}


class _Written(Value, frozen=True):
    text: str
    title: str | None = None
    reply_to: str | None = None


class _Edited(Value, frozen=True):
    text: str
    title: str | None = None


class _Reacted(Value, frozen=True):
    reaction: Reaction


class _Rated(Value, frozen=True):
    stars: int


def path_of(thing: Entity, *more: str) -> str:
    """Where something, and what is said of it, is at a server."""
    return "/".join((FEEDS, thing.type, thing.id, *more))


def call_of(topic: str, act: TalkAct, no: int | None = None) -> Call:
    """The call that `act` is in a channel. `no`: the number of the item that it is about, or replies to, where that is
    known; a server needs it to find an old one. Raises `TypeError` for an act that no call is."""
    place = parse_topic(topic)
    if place is None:
        raise TypeError(f"{topic[:80]!r} is no topic of talk")
    thing, channel = place
    at = {} if no is None else {"no": no}
    match act:
        case WriteItem(text=text) if channel in LIST_CHANNELS and channel != "images":
            reply = {} if act.reply_to is None or no is None else {"replyNo": no}
            said = {"title": act.title, "text": text, "replyTo": act.reply_to, **reply}
            return _post(path_of(thing, channel), said)
        case EditItem(id=item, text=text):
            said = {"text": text, "title": act.title, **at}
            return Call(path_of(thing, channel, item), _json(said), "PATCH")
        case RemoveItem(id=item):
            return _delete(path_of(thing, channel, item), at)
        case RestoreItem(id=item):
            return _post(path_of(thing, channel, item, "restore"), at)
        case GiveReaction(id=item, reaction=reaction):
            return _post(path_of(thing, channel, item, "reactions"), {"reaction": reaction, **at})
        case TakeReaction(id=item, reaction=reaction):
            return _delete(path_of(thing, channel, item, "reactions", reaction), at)
        case GiveMark(value=value) if channel in _MARKS:
            return _post(path_of(thing, _MARKS[channel]), {"stars": value} if channel == "rating" else {})
        case TakeMark() if channel in _MARKS:
            return _delete(path_of(thing, _MARKS[channel]), {})
    raise TypeError(f"{type(act).__name__} is nothing that a client sends to {channel}")


def act_of(call: Call) -> tuple[str, TalkAct]:
    """The topic and the act of a call that `call_of` has made, here or in another version of this program. What only
    the server knows, such as how its writer is called, is left empty. Raises `ValueError` for what is none."""
    path = urlsplit(call.path).path
    words = path.removeprefix(f"{FEEDS}/").split("/")
    thing = entity(words[0], words[1]) if path.startswith(f"{FEEDS}/") and len(words) > 2 else None
    if thing is None:
        raise ValueError(f"{path[:80]!r} is nothing that is done to talk")
    channel, rest = _CHANNELS.get(words[2], words[2]), words[3:]
    if not thing.has(channel) or (rest and not is_id(rest[0])):
        raise ValueError(f"{path[:80]!r} is nothing that is done to talk")
    try:
        return thing.topic(channel), _act(call, channel, rest)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"nothing that is done to talk: {str(error)[:200]}") from error


def _act(call: Call, channel: str, rest: list[str]) -> TalkAct:
    match call.method, rest:
        case "POST", [] if channel == "rating":
            return GiveMark(_read(call, _Rated).stars)
        case "POST", [] if channel in _MARKS:
            return GiveMark()
        case "DELETE", [] if channel in _MARKS:
            return TakeMark()
        case "POST", [] if channel in LIST_CHANNELS:
            written = _read(call, _Written)
            return WriteItem("", written.text, written.title, written.reply_to)
        case "PATCH", [item]:
            edited = _read(call, _Edited)
            return EditItem(item, edited.text, edited.title)
        case "DELETE", [item]:
            return RemoveItem(item, "")
        case "POST", [item, "restore"]:
            return RestoreItem(item)
        case "POST", [item, "reactions"]:
            return GiveReaction(item, _read(call, _Reacted).reaction)
        case "DELETE", [item, "reactions", reaction]:
            return TakeReaction(item, msgspec.convert(reaction, type=Reaction))
    raise ValueError(f"{call.method} {call.path[:80]!r} is nothing that is done to talk")


def _read(call: Call, shape: type[Any]) -> Any:
    return msgspec.json.decode(call.body, type=shape)


def _post(path: str, said: dict[str, Any]) -> Call:
    return Call(path, _json(said))


def _delete(path: str, asked: dict[str, Any]) -> Call:
    return Call(f"{path}?{urlencode(asked)}" if asked else path, b"", "DELETE")


def _json(said: dict[str, Any]) -> bytes:
    return msgspec.json.encode({name: value for name, value in said.items() if value is not None})
