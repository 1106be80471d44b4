"""`/api/feeds`: ratings, likes and saves; what was said and given of things, in numbers; and what I saved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from roadcrew_domain import places
from roadcrew_domain.marks_rules import most
from roadcrew_domain.marks_state import GiveMark, MarkAct, Marks, TakeMark
from roadcrew_domain.places import Entity, MarkChannel
from roadcrew_server.endpoints import Body, Call, Endpoint, Nothing
from roadcrew_server.problems import Problem
from roadcrew_server.routes.talk_common import OF, TAG, does, number, opened, thing_of, unknown_thing, when
from roadcrew_server.routes.talk_shapes import (
    Counted,
    Likes,
    LikesAnswer,
    Rating,
    RatingAnswer,
    RatingBody,
    SavedAnswer,
    Saves,
    SavesAnswer,
    SummariesAnswer,
    TalkSummary,
    Thing,
)
from roadcrew_server.talk.entities import Found
from roadcrew_server.talk.marks import saver
from roadcrew_server.topics import TripKind

MOST_THINGS = 50
"""Of one answer."""


# --- marks -----------------------------------------------------------------------------------------


def giving(channel: MarkChannel) -> Callable[[Call], Any]:
    """A handler by which a like is given, or as many stars as the body says."""
    return _marking(channel, lambda call: GiveMark(call.body.stars if channel == "rating" else 1))


def taking(channel: MarkChannel) -> Callable[[Call], Any]:
    """A handler by which one's mark is taken back."""
    return _marking(channel, lambda _: TakeMark())


def _marking(channel: MarkChannel, act: Callable[[Call], MarkAct]) -> Callable[[Call], Any]:
    async def handler(call: Call) -> tuple[int, dict[str, object]]:
        await call.server.limits.talk(call.user_id)
        topic = await opened(call, channel, changes=True)
        done = await does(call, topic, act(call))
        return done.status, {channel: _shown(channel, done.state, call.user_id), **when(topic, done)}

    return handler


async def save(call: Call) -> tuple[int, dict[str, object]]:
    """Note it for myself. My list comes first: it is verified when it is read."""
    thing = thing_of(call)
    await call.server.limits.talk(call.user_id)
    topic = await opened(call, "saves", changes=True)
    await call.server.talk.saved.add(call.user_id, thing)
    who = _saver(call, thing)
    done = await does(call, topic, GiveMark(1, who), named=False)
    return done.status, {"saves": _shown("saves", done.state, who), **when(topic, done)}


async def unsave(call: Call) -> tuple[int, dict[str, object]]:
    """Not noted any more."""
    thing = thing_of(call)
    await call.server.limits.talk(call.user_id)
    topic = await opened(call, "saves", changes=True)
    who, began = _saver(call, thing), call.server.store.now()
    done = await does(call, topic, TakeMark(who), named=False)
    if who not in done.state.marks:
        await call.server.talk.saved.remove(call.user_id, thing, began)
    return done.status, {"saves": _shown("saves", done.state, who), **when(topic, done)}


def _saver(call: Call, thing: Entity) -> str:
    return saver(call.server.secret, call.user_id, thing)


def _shown(channel: MarkChannel, marks: Marks | None, who: str) -> Rating | Likes | Saves:
    """Marks in numbers, and one's own. None: nobody has opened them."""
    mine = None if marks is None else marks.marks.get(who)
    count = 0 if marks is None else marks.count
    match channel:
        case "rating":
            spread = (0,) * most(channel) if marks is None else marks.spread
            return Rating(count, 0 if marks is None else marks.total, spread, mine)
        case "likes":
            return Likes(count, mine is not None)
        case "saves":
            return Saves(count, mine is not None, who)


# --- in numbers ------------------------------------------------------------------------------------


async def summary(call: Call) -> TalkSummary:
    """What was said and given of one thing."""
    thing = thing_of(call)
    found = await _found(call, thing)
    if found is None:
        raise unknown_thing()
    return await _summary(call, found)


async def summaries(call: Call) -> SummariesAnswer:
    """The same of several things. Those that there are not, or that are closed to who asks, are left out."""
    asked = list(dict.fromkeys(call.query.getlist("of")))
    if not 1 <= len(asked) <= MOST_THINGS:
        raise Problem(422, "invalid", f"Name 1 to {MOST_THINGS} things.", field="of", limit=MOST_THINGS)
    things = [places.entity(*text.partition(":")[::2]) for text in asked]
    found = await asyncio.gather(*(_summary_if_open(call, thing) for thing in things if thing is not None))
    return SummariesAnswer(tuple(one for one in found if one is not None))


async def _summary_if_open(call: Call, thing: Entity) -> TalkSummary | None:
    try:
        found = await _found(call, thing)
    except Problem:
        return None
    return None if found is None else await _summary(call, found)


async def _found(call: Call, thing: Entity) -> Found | None:
    """What it is, None if there is no such thing. Raises `Problem` for who may not read of it."""
    entities = call.server.talk.entities
    found = await entities.find(thing)
    if found is not None and found.trip_id is not None:
        closed = await entities.closed_to(found.trip_id, call.user_id)
        if closed is not None:
            raise TripKind.problem(closed)
    return found


async def _summary(call: Call, found: Found) -> TalkSummary:
    thing = found.entity

    async def state(channel: str) -> Any:
        topic = await call.server.talk.unopened.topic(thing.topic(channel))
        return None if topic is None else topic.state

    comments, images, rating, likes, saves = await asyncio.gather(
        *(state(channel) for channel in ("comments", "images", "rating", "likes", "saves"))
    )
    return TalkSummary(
        thing.type,
        thing.id,
        await _name(call, found),
        found.trip_id,
        Counted(0 if comments is None else comments.count),
        Counted(0 if images is None else images.count),
        _shown("rating", rating, call.user_id),  # type: ignore[arg-type]
        _shown("likes", likes, call.user_id),  # type: ignore[arg-type]
        _shown("saves", saves, _saver(call, thing)),  # type: ignore[arg-type]
    )


async def _name(call: Call, found: Found) -> str | None:
    """What it is called: of a blog, its title; a post, or a blog that was removed, has no name."""
    if found.entry is None:
        return found.name
    if found.entry.channel != "blogs":
        return None
    trip = Entity("trip", found.entry.trip_id)
    topic = await call.server.talk.unopened.topic(trip.topic(found.entry.channel))
    item = None if topic is None else await call.server.talk.older.item(topic, found.entity.id, found.entry.no)
    return None if item is None else item.title


async def saved(call: Call) -> SavedAnswer:
    """What I saved and may read of, the latest first."""
    limit = number(call, "limit", MOST_THINGS) or MOST_THINGS
    after = call.query.get("after") or None
    entities, more = await call.server.talk.saved.entities(call.server.secret, call.user_id, after, limit)
    found = [await call.server.talk.entities.find(thing) for thing in entities]
    return SavedAnswer(tuple([await _thing(call, one) for one in found if one is not None]), more)


async def _thing(call: Call, found: Found) -> Thing:
    return Thing(found.entity.type, found.entity.id, await _name(call, found), found.trip_id)


# --- routes ----------------------------------------------------------------------------------------


def _mark(word: str, channel: MarkChannel, body: type[Body], answer: type[Any]) -> tuple[Endpoint, Endpoint]:
    """Giving a mark, and taking it back."""
    give, take = (save, unsave) if channel == "saves" else (giving(channel), taking(channel))
    path = f"{OF}/{word}"
    shared: dict[str, Any] = {"answer": answer, "takes_key": True, "tag": TAG}
    return (
        Endpoint("POST", path, give, "reader", f"Give my {word}", body=body, **shared),
        Endpoint("DELETE", path, take, "reader", f"Take my {word} back", **shared),
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/feeds/summaries",
        summaries,
        "signed-in",
        "What was said and given of several things, in numbers",
        answer=SummariesAnswer,
        query={"of": f"TYPE:ID of a thing; up to {MOST_THINGS} times."},
        tag=TAG,
    ),
    Endpoint(
        "GET",
        "/api/feeds/saved",
        saved,
        "signed-in",
        "What I saved",
        answer=SavedAnswer,
        query={"after": "The `next` of the answer before.", "limit": f"1 to {MOST_THINGS}, which it is if not said."},
        tag=TAG,
    ),
    Endpoint("GET", OF, summary, "reader", "What was said and given of a thing", answer=TalkSummary, tag=TAG),
    *_mark("rating", "rating", RatingBody, RatingAnswer),
    *_mark("like", "likes", Nothing, LikesAnswer),
    *_mark("save", "saves", Nothing, SavesAnswer),
)
