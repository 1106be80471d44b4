"""`/api/feeds/{type}/{id}/images`: an image is sent, and read in two sizes. What is said of it, and that it is removed,
is the same as for comments (talk_items.py)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.responses import Response

from roadcrew_domain import feed
from roadcrew_domain.feed import FeedCommand
from roadcrew_domain.feed_state import Item, Picture, WriteItem
from roadcrew_domain.refusals import Refused
from roadcrew_server.endpoints import Call, Endpoint
from roadcrew_server.problems import Problem
from roadcrew_server.routes.talk_common import (
    NO,
    OF,
    TAG,
    answer,
    command_of,
    company,
    mentions,
    opened,
    said,
    was_done,
)
from roadcrew_server.routes.talk_shapes import ItemAnswer
from roadcrew_server.talk.darkroom import MEDIA
from roadcrew_server.talk.images import named
from roadcrew_server.topic import KeyReused, Topic, TopicMissing

UPLOADS = 16
"""Images that come in at the same time, each held in memory until it was made anew."""
MINE = 2
"""Of one person."""
FROM_THERE = 8
"""From one address, whoever it is: a few guests of one stranger, who send slowly, keep nobody else from it."""
_YET_TO_BE_MADE = Picture("0" * 64, "0" * 64, 1, 1, 1, "image/png")
_HEADERS = {"Cache-Control": "private, max-age=31536000, immutable", "Content-Security-Policy": "sandbox"}


class Uploads:
    """Who sends images just now, to one process."""

    def __init__(self) -> None:
        self.now = 0
        """How many images come in."""
        self._senders: Counter[tuple[str, str]] = Counter()

    @asynccontextmanager
    async def place(self, user: str, address: str) -> AsyncIterator[None]:
        """Room for one more image. Raises `Problem`, 429 or 503."""
        senders = (("user", user), ("address", address))
        if self._senders["user", user] >= MINE or self._senders["address", address] >= FROM_THERE:
            raise Problem(429, "too-many-requests", "Wait until the images that you send have come.", retry_after=2)
        if self.now >= UPLOADS:
            raise Problem(503, "unavailable", "Too many images come in just now. Try again shortly.", retry_after=5)
        self.now += 1
        self._senders.update(senders)
        try:
            yield
        finally:
            self.now -= 1
            self._senders.subtract(senders)
            self._senders += Counter()  # forgets who sends none


async def show(call: Call) -> tuple[int, dict[str, object]]:
    """Show an image. What can be refused is refused before it is read."""
    server = call.server
    topic = await opened(call, "images", changes=True)
    command, key = command_of(call)
    item = named(topic.name, call.user_id, command)
    name, people = await company(call, topic)
    caption = call.query.get("caption", "")
    act = WriteItem(name, caption, mentions=mentions(topic, caption, people), picture=_YET_TO_BE_MADE)
    most = server.settings.max_image_bytes
    if int(call.headers.get("content-length", 0)) > most:
        raise _too_large(most)
    if not await was_done(call, topic):
        feed.decide(topic.state, FeedCommand(command, call.user_id, act), server.store.now())
        await server.limits.show_image(call.user_id, call.address)
    async with server.uploads.place(call.user_id, call.address):
        data = await _whole(call, most)
        body = said(call, hashlib.sha256(data).digest() + caption.encode(errors="surrogatepass"))
        done = None if key is None else await server.hub.replayed(topic.name, key, body)
        if done is None:
            picture = await server.images.take(item, data, call.kind)
            del data
            act = WriteItem(name, caption, mentions=act.mentions, picture=picture)
            try:
                await opened(call, "images", changes=True)  # still, when all of it has come
                done = await server.hub.execute(
                    *(topic.name, FeedCommand(command, call.user_id, act)), key=key, body=body, status=201
                )
            except (Problem, Refused, KeyReused, TopicMissing):
                if not await was_done(call, topic):
                    await server.images.let_go(item)
                raise
    return done.status, await answer(call, topic, done)


async def _whole(call: Call, most: int) -> bytes:
    data = bytearray()
    async for chunk in call.chunks():
        data += chunk
        if len(data) > most:
            raise _too_large(most)
    return bytes(data)


def _too_large(most: int) -> Problem:
    return Problem(413, "image-too-large", f"An image has at most {most} bytes.", limit=most)


async def full(call: Call) -> Response:
    """An image, as it was made anew."""
    picture = await _picture(call)
    return await _bytes(call, picture.full, picture)


async def thumb(call: Call) -> Response:
    """An image in small."""
    picture = await _picture(call)
    return await _bytes(call, picture.thumb, picture)


async def _picture(call: Call) -> Picture:
    topic = await opened(call, "images")
    item = await _item(call, topic)
    if item is not None and item.removed is not None:
        raise Problem(410, "item-removed", "That was removed.")
    if item is None or item.picture is None:
        raise Problem(404, "unknown-item", "There is no such image. Say its number (no) if it is an old one.")
    return item.picture


async def _item(call: Call, topic: Topic) -> Item | None:
    """The item of the path, also if only another process has heard of it."""
    item_id, no = call.request.path_params["itemId"], call.number("no")
    item = await call.server.talk.older.item(topic, item_id, no)
    if item is None:
        await call.server.hub.refresh(topic)
        item = await call.server.talk.older.item(topic, item_id, no)
    return item


async def _bytes(call: Call, name: str, picture: Picture) -> Response:
    headers = {**_HEADERS, "ETag": f'"{name}"'}
    if headers["ETag"] in call.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    data = await call.server.images.blobs.get(name)
    if data is None:
        raise Problem(404, "unknown-item", "That image is not kept any more.")
    return Response(data, headers=headers, media_type=picture.media)


ENDPOINTS = (
    Endpoint(
        "POST",
        f"{OF}/images",
        show,
        "reader",
        "Show an image",
        answer=ItemAnswer,
        status=201,
        query={"caption": "What is said of it."},
        takes=MEDIA,
        takes_key=True,
        tag=TAG,
    ),
    Endpoint(
        "GET",
        f"{OF}/images/{{itemId}}/full",
        full,
        "reader",
        "An image",
        query=NO,
        media=("image/jpeg", "image/png"),
        tag=TAG,
    ),
    Endpoint(
        "GET",
        f"{OF}/images/{{itemId}}/thumb",
        thumb,
        "reader",
        "An image in small",
        query=NO,
        media=("image/jpeg", "image/png"),
        tag=TAG,
    ),
)
