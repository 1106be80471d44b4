"""`/api/feeds/{type}/{id}`: comments, images, posts and blogs, and what is done to them. Who may read of a thing, its
trip says; what may be written, the domain's rules do. Not for how an image is sent (talk_images.py), nor for marks
(talk_marks.py).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from roadcrew_domain import feed
from roadcrew_domain.feed_state import (
    PAGE,
    EditItem,
    GiveReaction,
    Item,
    ItemAct,
    Quoted,
    RemoveItem,
    TakeReaction,
    WriteItem,
)
from roadcrew_domain.places import ListChannel
from roadcrew_domain.refusals import Refused
from roadcrew_server.endpoints import Access, Body, Call, Endpoint
from roadcrew_server.routes.talk_common import (
    NO,
    OF,
    TAG,
    answer,
    chairs,
    command_of,
    company,
    does,
    list_channel,
    mentions,
    opened,
    was_done,
    when,
)
from roadcrew_server.routes.talk_shapes import (
    BlogBody,
    CommentBody,
    EditBody,
    ItemAnswer,
    ItemsAnswer,
    PostBody,
    ReactionBody,
)
from roadcrew_server.stores.base import StoreError
from roadcrew_server.talk.entities import Entry
from roadcrew_server.topic import Done, Topic

MOST_ITEMS = 100
BLOG_BYTES = 256 * 1024
"""Of a body in which a blog is, whatever its script, and however its signs are spelt."""
ITEM = f"{OF}/{{channel}}/{{itemId}}"


async def read(call: Call) -> ItemsAnswer:
    """Some of what was written, the newest or those before a number. A page at the most."""
    channel = list_channel(call)
    before = call.number("before")
    limit = min(call.number("limit", most=MOST_ITEMS) or MOST_ITEMS, PAGE[channel])
    topic = await opened(call, channel)
    count, seq = topic.state.count, topic.head  # not of later: what happens while pages are read may be missing in them
    items = await call.server.talk.older.items(topic, before, limit)
    more = bool(items) and items[0].no > 1
    return ItemsAnswer(items, count, seq, more)


# --- writing ---------------------------------------------------------------------------------------


async def comment(call: Call) -> tuple[int, dict[str, object]]:
    """Say something of it, perhaps to what somebody else has said."""
    b: CommentBody = call.body
    topic = await _to_write(call, "comments")
    name, people = await company(call, topic)
    act = WriteItem(name, b.text, None, b.reply_to, mentions(topic, b.text, people))
    if b.reply_to is None:
        return await _written(call, topic, act)
    try:
        return await _written(call, topic, await _replying(call, topic, act, b.reply_no))
    except Refused as refused:
        if refused.code != "unknown-item":
            raise
        await call.server.hub.refresh(topic)  # it may have gone into a page, of which only another process had heard
        return await _written(call, topic, await _replying(call, topic, act, b.reply_no))


def writing(channel: ListChannel) -> Callable[[Call], Any]:
    """A handler for posts or blogs, which can be talked about themselves."""

    async def handler(call: Call) -> tuple[int, dict[str, object]]:
        b: PostBody = call.body
        topic = await _to_write(call, channel)
        name, people = await company(call, topic)
        title = b.title if isinstance(b, BlogBody) else None
        act = WriteItem(name, b.text, title, mentions=mentions(topic, b.text, people))
        entities, item_id = call.server.talk.entities, command_of(call)[0]
        entry = Entry(topic.state.trip_id, channel, call.user_id)
        new = await entities.keep_entry(item_id, entry)
        try:
            status, told = await _written(call, topic, act)
        except Refused:
            if new:
                await entities.forget_entry(item_id)
            raise
        if isinstance(item := told["item"], Item):
            with suppress(StoreError):  # without its number, its name is not known once it is old
                await entities.keep_entry(item_id, msgspec.structs.replace(entry, no=item.no))
        return status, told

    return handler


async def _to_write(call: Call, channel: str) -> Topic:
    await call.server.limits.talk(call.user_id)
    return await opened(call, channel, changes=True)


async def _written(call: Call, topic: Topic, act: WriteItem) -> tuple[int, dict[str, object]]:
    done = await does(call, topic, act)
    return done.status, await answer(call, topic, done)


async def _replying(call: Call, topic: Topic, act: WriteItem, no: int | None) -> WriteItem:
    """With what is replied to, where that is in a page; of the newest the rules know it themselves."""
    item_id = act.reply_to or ""
    if feed.found(topic.state, item_id, no) is not None:
        return act
    page = await call.server.talk.older.find(topic, item_id, no)
    if page is None:
        return act
    item = page.item
    if item.removed is not None and not await was_done(call, topic):
        raise Refused("item-removed", "gone", "This comment was removed.")
    return msgspec.structs.replace(act, quoted=Quoted(item.id, item.no, item.by, item.name))


# --- changing --------------------------------------------------------------------------------------


async def edit(call: Call) -> dict[str, object]:
    """Other words in place of mine."""
    b: EditBody = call.body
    topic = await _to_change(call)
    _, people = await company(call, topic)
    return await _changed(call, topic, EditItem(_item(call), b.text, b.title, mentions(topic, b.text, people)), b.no)


async def remove(call: Call) -> dict[str, object]:
    """Nobody can read it any more; that it was there, they can."""
    no = call.number("no")
    topic = await _to_change(call)
    name, _ = await company(call, topic)
    done, item = await _run(call, topic, RemoveItem(_item(call), name, await chairs(call, topic)), no)
    if topic.state.channel == "images" and item.removed is not None and not item.removed.kept:
        await call.server.images.gone(topic.name, [item])
    return {"item": item, **when(topic, done)}


async def react(call: Call) -> dict[str, object]:
    """A sign in answer to it."""
    b: ReactionBody = call.body
    return await _changed(call, await _to_change(call), GiveReaction(_item(call), b.reaction), b.no)  # type: ignore[arg-type]


async def unreact(call: Call) -> dict[str, object]:
    """My sign taken back."""
    no, reaction = call.number("no"), call.request.path_params["reaction"]
    return await _changed(call, await _to_change(call), TakeReaction(_item(call), reaction), no)


async def _to_change(call: Call) -> Topic:
    return await _to_write(call, list_channel(call))


def _item(call: Call) -> str:
    item_id: str = call.request.path_params["itemId"]
    return item_id


async def _changed(call: Call, topic: Topic, act: ItemAct, no: int | None) -> dict[str, object]:
    done, item = await _run(call, topic, act, no)
    return {"item": item, **when(topic, done)}


async def _run(call: Call, topic: Topic, act: ItemAct, no: int | None) -> tuple[Done, Item]:
    return await call.server.talk.change(topic, call.user_id, act, no, lambda act: does(call, topic, act))


# --- routes ----------------------------------------------------------------------------------------


def _post(path: str, handler: Callable[[Call], Any], summary: str, body: type[Body], **more: Any) -> Endpoint:
    more.setdefault("access", "reader")
    return Endpoint(
        "POST", path, handler, summary=summary, body=body, answer=ItemAnswer, takes_key=True, tag=TAG, **more
    )


def _delete(path: str, handler: Callable[[Call], Any], access: Access, summary: str) -> Endpoint:
    return Endpoint("DELETE", path, handler, access, summary, answer=ItemAnswer, query=NO, takes_key=True, tag=TAG)


ENDPOINTS = (
    Endpoint(
        "GET",
        f"{OF}/{{channel}}",
        read,
        "reader",
        "Comments, images, posts or blogs, a page at the most",
        answer=ItemsAnswer,
        query={
            "before": "The number of an item: those before it. Without it, the newest.",
            "limit": f"1 to {MOST_ITEMS}; a page has {PAGE['blogs']} blogs, of the others {PAGE['comments']}.",
        },
        tag=TAG,
    ),
    _post(f"{OF}/comments", comment, "Comment on something", CommentBody, status=201),
    _post(f"{OF}/posts", writing("posts"), "Post something on a trip", PostBody, status=201),
    _post(f"{OF}/blogs", writing("blogs"), "Write a blog of a trip", BlogBody, status=201, most=BLOG_BYTES),
    Endpoint(
        "PATCH",
        ITEM,
        edit,
        "writer",
        "Change what I wrote",
        body=EditBody,
        answer=ItemAnswer,
        takes_key=True,
        most=BLOG_BYTES,
        tag=TAG,
    ),
    _delete(ITEM, remove, "writer-or-organiser", "Remove something"),
    _post(f"{ITEM}/reactions", react, "React to something", ReactionBody),
    _delete(f"{ITEM}/reactions/{{reaction}}", unreact, "reader", "Take a reaction back"),
)
