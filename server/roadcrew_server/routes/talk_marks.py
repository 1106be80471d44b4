"""`/api/feeds`: ratings, likes and saves; what was said and given of things, in numbers; and what I saved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from roadcrew_domain import places
from roadcrew_domain.marks_state import MOST_STARS, GiveMark, Marks, TakeMark
from roadcrew_domain.places import Entity, MarkChannel
from roadcrew_domain.values import Value
from roadcrew_server.endpoints import Body, Call, Endpoint, Nothing
from roadcrew_server.problems import Problem
from roadcrew_server.routes.talk_common import OF, TAG, does, opened, thing_of, unknown_thing, when
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
from roadcrew_server.topic import Topic
from roadcrew_server.topics import TripKind

MOST_THINGS = 50
"""Of one answer."""


# --- marks -----------------------------------------------------------------------------------------


async def give(call: Call, channel: MarkChannel) -> tuple[int, dict[str, object]]:
    """My mark: as many stars as the body says, a like, a place on my list. That list comes before the event, and is
    verified whenever it is read."""
    topic = await _to_mark(call, channel)
    if channel == "saves":
        await call.server.talk.saved.add(call.user_id, thing_of(call))
    value = call.body.stars if channel == "rating" else 1
    return await _marked(call, topic, channel, GiveMark(value, _word(call, channel)))


async def take(call: Call, channel: MarkChannel) -> tuple[int, dict[str, object]]:
    """My mark taken back."""
    return await _marked(call, await _to_mark(call, channel), channel, TakeMark(_word(call, channel)))


async def _to_mark(call: Call, channel: MarkChannel) -> Topic:
    await call.server.limits.talk(call.user_id)
    return await opened(call, channel, changes=True)


async def _marked(
    call: Call, topic: Topic, channel: MarkChannel, act: GiveMark | TakeMark
) -> tuple[int, dict[str, object]]:
    done = await does(call, topic, act, named=act.who is None)
    return done.status, {channel: _SHOWN[channel](done.state, act.who or call.user_id), **when(topic, done)}


def _word(call: Call, channel: MarkChannel) -> str | None:
    """What stands for who asks among those who saved something; None where they are named."""
    return saver(call.server.secret, call.user_id, thing_of(call)) if channel == "saves" else None


def _rating(marks: Marks | None, who: str) -> Rating:
    """In numbers, and one's own. None: nobody has opened it; so in the two that follow."""
    if marks is None:
        return Rating(0, 0, (0,) * MOST_STARS, None)
    return Rating(marks.count, marks.total, marks.spread, marks.marks.get(who))


def _likes(marks: Marks | None, who: str) -> Likes:
    return Likes(0, mine=False) if marks is None else Likes(marks.count, who in marks.marks)


def _saves(marks: Marks | None, who: str) -> Saves:
    return Saves(0, mine=False, me=who) if marks is None else Saves(marks.count, who in marks.marks, who)


_SHOWN: dict[MarkChannel, Callable[[Marks, str], Value]] = {"rating": _rating, "likes": _likes, "saves": _saves}


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
        _rating(rating, call.user_id),
        _likes(likes, call.user_id),
        _saves(saves, saver(call.server.secret, call.user_id, thing)),
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
    limit = call.number("limit", most=MOST_THINGS) or MOST_THINGS
    after = call.query.get("after") or None
    entities, more = await call.server.talk.saved.entities(call.server.secret, call.user_id, after, limit)
    found = [await call.server.talk.entities.find(thing) for thing in entities]
    return SavedAnswer(tuple([await _thing(call, one) for one in found if one is not None]), more)


async def _thing(call: Call, found: Found) -> Thing:
    return Thing(found.entity.type, found.entity.id, await _name(call, found), found.trip_id)


# --- routes ----------------------------------------------------------------------------------------


def _mark(word: str, channel: MarkChannel, body: type[Body], answer: type[Any]) -> tuple[Endpoint, Endpoint]:
    """Giving a mark, and taking it back."""
    path = f"{OF}/{word}"
    shared: dict[str, Any] = {"answer": answer, "takes_key": True, "tag": TAG}
    return (
        Endpoint("POST", path, partial(give, channel=channel), "reader", f"Give my {word}", body=body, **shared),
        Endpoint("DELETE", path, partial(take, channel=channel), "reader", f"Take my {word} back", **shared),
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
