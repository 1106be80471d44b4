"""The part of `Client` that is about talk: one call for each thing that can be done with comments, ratings, likes, what
one saves, images, posts and blogs.

Not for following them, nor for changes that wait until they can be sent: that is `LiveTalk`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from roadcrew_client._calls import Calls
from roadcrew_client.models import read
from roadcrew_client.routes import FEEDS

if TYPE_CHECKING:
    from roadcrew_client.talk_models import (
        ItemAnswer,
        MarkAnswer,
        Muted,
        RemovedItems,
        SavedThings,
        TalkItems,
        TalkSummary,
    )
    from roadcrew_client.talk_routes import TalkAct
    from roadcrew_domain.feed_state import Reaction
    from roadcrew_domain.places import Entity, ListChannel

MUTES = "/api/session/mutes"
MOST_SUMMARIES = 50
"""Things whose numbers a server tells in one answer."""
MOST_TOLD = 100
"""Items that a server tells in one answer."""

ImageMedia = Literal["image/png", "image/jpeg", "image/webp"]
ImageSize = Literal["full", "thumb"]


class TalkCalls:
    """What it needs, `Client` sets. All raise `RoadcrewError`: `NotFound` (`unknown-entity`, `unknown-item`),
    `Forbidden` (`not-a-member`, `not-yours`), `Rejected` (`item-removed`, and what the rules say of texts and marks),
    `TooManyRequests`."""

    _calls: Calls

    # --- reading ------------------------------------------------------------------------------------

    async def talk_summary(self, entity: Entity) -> TalkSummary:
        """What is said and given of something, in numbers, and what of it is mine."""
        from roadcrew_client.talk_models import read_summary  # noqa: PLC0415 — only who talks needs the rules of it

        return read_summary((await self._calls.call("GET", _path(entity))).body)

    async def talk_summaries(self, entities: Collection[Entity]) -> tuple[TalkSummary, ...]:
        """The same of many things, as many requests as it takes; those that there are not, or not for us, are left
        out."""
        from roadcrew_client.talk_models import read_summaries  # noqa: PLC0415 — as above

        asked = [("of", f"{entity.type}:{entity.id}") for entity in dict.fromkeys(entities)]
        found: list[TalkSummary] = []
        for start in range(0, len(asked), MOST_SUMMARIES):
            some = asked[start : start + MOST_SUMMARIES]
            found += read_summaries((await self._calls.call("GET", f"{FEEDS}/summaries", params=some)).body)
        return tuple(found)

    async def saved_things(self, after: str | None = None, limit: int = 50) -> SavedThings:
        """Some of what I saved; `after` is the `next` of the answer before."""
        from roadcrew_client.talk_models import SavedThings  # noqa: PLC0415 — as above

        params = [("limit", str(limit)), *([] if after is None else [("after", after)])]
        return read((await self._calls.call("GET", f"{FEEDS}/saved", params=params)).body, SavedThings)

    async def talk_items(
        self, entity: Entity, channel: ListChannel, before: int | None = None, limit: int = MOST_TOLD
    ) -> TalkItems:
        """Some items, at most `limit` (1 to 100), oldest first: those just `before` that number, or the newest."""
        from roadcrew_client.talk_models import read_items  # noqa: PLC0415 — as above

        params = [("limit", str(limit)), *([] if before is None else [("before", str(before))])]
        return read_items((await self._calls.call("GET", _path(entity, channel), params=params)).body)

    async def removed_items(
        self, entity: Entity, channel: ListChannel, before: int | None = None, limit: int = MOST_TOLD
    ) -> RemovedItems:
        """Some of what was removed and I may bring back, as it was: those just `before` that number, or the newest."""
        from roadcrew_client.talk_models import RemovedItems  # noqa: PLC0415 — as above

        params = [("limit", str(limit)), *([] if before is None else [("before", str(before))])]
        told = await self._calls.call("GET", _path(entity, channel, "removed"), params=params)
        return read(told.body, RemovedItems)

    async def image_bytes(
        self, entity: Entity, item_id: str, size: ImageSize = "thumb", no: int | None = None
    ) -> bytes:
        """An image as the server made it anew: a JPEG or PNG without anything else in it. `no`: its number, which is
        needed for an old one. Raises `Rejected` (`item-removed`)."""
        path, params = _path(entity, "images", quote(item_id, safe=""), size), [] if no is None else [("no", str(no))]
        return (await self._calls.call("GET", path, params=params)).body

    async def mutes(self) -> tuple[Muted, ...]:
        """Whom I do not want to read."""
        from roadcrew_client.talk_models import Mutes  # noqa: PLC0415 — as above

        return read((await self._calls.call("GET", MUTES)).body, Mutes).muted

    # --- saying -------------------------------------------------------------------------------------

    async def talk(self, topic: str, act: TalkAct, *, no: int | None = None, key: str | None = None) -> bytes:
        """Do one thing in a channel (`feed:TYPE:ID:CHANNEL`), and wait for the answer, whose JSON is given. `no`: the
        number of the item that it is about, which is needed for an old one. Raises also `TypeError` for an act that is
        none there."""
        from roadcrew_client.talk_routes import call_of  # noqa: PLC0415 — as above

        return (await self._calls.send(call_of(topic, act, no), key)).body

    async def comment(
        self,
        entity: Entity,
        text: str,
        reply_to: str | None = None,
        reply_no: int | None = None,
        *,
        key: str | None = None,
    ) -> ItemAnswer:
        """Say something of it; `reply_to` is the comment that is replied to, `reply_no` its number if it is old."""
        from roadcrew_domain.feed_state import WriteItem  # noqa: PLC0415 — as above

        return await self._item(entity.topic("comments"), WriteItem("", text, reply_to=reply_to), reply_no, key)

    async def post(self, entity: Entity, text: str, *, key: str | None = None) -> ItemAnswer:
        """Post something short on a trip."""
        from roadcrew_domain.feed_state import WriteItem  # noqa: PLC0415 — as above

        return await self._item(entity.topic("posts"), WriteItem("", text), None, key)

    async def blog(self, entity: Entity, title: str, text: str, *, key: str | None = None) -> ItemAnswer:
        """Publish something longer on a trip, in Markdown."""
        from roadcrew_domain.feed_state import WriteItem  # noqa: PLC0415 — as above

        return await self._item(entity.topic("blogs"), WriteItem("", text, title), None, key)

    async def edit_item(
        self,
        entity: Entity,
        channel: ListChannel,
        item_id: str,
        text: str,
        title: str | None = None,
        no: int | None = None,
        *,
        key: str | None = None,
    ) -> ItemAnswer:
        """Change what I wrote: all of its text, and a blog's title."""
        from roadcrew_domain.feed_state import EditItem  # noqa: PLC0415 — as above

        return await self._item(entity.topic(channel), EditItem(item_id, text, title), no, key)

    async def remove_item(
        self, entity: Entity, channel: ListChannel, item_id: str, no: int | None = None, *, key: str | None = None
    ) -> ItemAnswer:
        """Take away what I wrote, or, as the organiser of the trip, what anybody did. That it was there stays."""
        from roadcrew_domain.feed_state import RemoveItem  # noqa: PLC0415 — as above

        return await self._item(entity.topic(channel), RemoveItem(item_id, ""), no, key)

    async def restore_item(
        self, entity: Entity, channel: ListChannel, item_id: str, no: int | None = None, *, key: str | None = None
    ) -> ItemAnswer:
        """Bring back what I took away, or, as the organiser of the trip, what an organiser did, within 30 days. Raises
        `Rejected` (`not-kept`)."""
        from roadcrew_domain.feed_state import RestoreItem  # noqa: PLC0415 — as above

        return await self._item(entity.topic(channel), RestoreItem(item_id), no, key)

    async def react(
        self,
        entity: Entity,
        channel: ListChannel,
        item_id: str,
        reaction: Reaction,
        no: int | None = None,
        *,
        key: str | None = None,
    ) -> ItemAnswer:
        """Give a reaction to an item."""
        from roadcrew_domain.feed_state import GiveReaction  # noqa: PLC0415 — as above

        return await self._item(entity.topic(channel), GiveReaction(item_id, reaction), no, key)

    async def unreact(
        self,
        entity: Entity,
        channel: ListChannel,
        item_id: str,
        reaction: Reaction,
        no: int | None = None,
        *,
        key: str | None = None,
    ) -> ItemAnswer:
        """Take a reaction back."""
        from roadcrew_domain.feed_state import TakeReaction  # noqa: PLC0415 — as above

        return await self._item(entity.topic(channel), TakeReaction(item_id, reaction), no, key)

    async def rate(self, entity: Entity, stars: int | None, *, key: str | None = None) -> MarkAnswer:
        """Give 1 to 5 stars, instead of those that I gave before; None takes them back."""
        return await self._mark(entity.topic("rating"), stars, key)

    async def like(self, entity: Entity, on: bool = True, *, key: str | None = None) -> MarkAnswer:
        """Like it, or no longer."""
        return await self._mark(entity.topic("likes"), 1 if on else None, key)

    async def save(self, entity: Entity, on: bool = True, *, key: str | None = None) -> MarkAnswer:
        """Put it on the list of what I saved, which nobody else sees, or take it off."""
        return await self._mark(entity.topic("saves"), 1 if on else None, key)

    async def _item(self, topic: str, act: TalkAct, no: int | None, key: str | None) -> ItemAnswer:
        from roadcrew_client.talk_models import ItemAnswer  # noqa: PLC0415 — as above

        return read(await self.talk(topic, act, no=no, key=key), ItemAnswer)

    async def _mark(self, topic: str, value: int | None, key: str | None) -> MarkAnswer:
        from roadcrew_client.talk_models import read_mark  # noqa: PLC0415 — as above
        from roadcrew_domain.marks_state import GiveMark, TakeMark  # noqa: PLC0415 — as above

        return read_mark(await self.talk(topic, TakeMark() if value is None else GiveMark(value), key=key))

    async def upload_image(
        self,
        entity: Entity,
        image: Path | bytes,
        media: ImageMedia,
        caption: str = "",
        *,
        sent: Callable[[int, int], None] = lambda done, size: None,
        key: str | None = None,
    ) -> ItemAnswer:
        """Show an image. A file is read piece by piece; `sent` is told how many bytes of how many the network has
        taken, from 0 again when all is sent again. Its item's id is `key`, where that is a `new_id`.

        Raises `Rejected` (`image-unreadable`, `image-empty`, `image-changed`; `image-too-large`, `bad-image`).
        """
        from roadcrew_client._feeds import Feed  # noqa: PLC0415 — only who uploads needs it
        from roadcrew_client.talk_models import ItemAnswer  # noqa: PLC0415 — as above
        from roadcrew_client.transport import Upload  # noqa: PLC0415 — loads the HTTP library

        file = await Feed.of(image, "image")
        body = Upload(media, file.size, lambda: file.pieces(lambda done: sent(done, file.size)))
        params = [("caption", caption)] if caption else []
        return read((await self._calls.upload(_path(entity, "images"), params, body, key)).body, ItemAnswer)

    # --- for nobody else, or for a moment -------------------------------------------------------------

    async def mute(self, user_id: str, name: str | None = None) -> tuple[Muted, ...]:
        """Not read somebody any more, on any terminal of mine. `name`: what they are called where they were met.
        Returns everybody whom I do not read."""
        from roadcrew_client.talk_models import Mutes  # noqa: PLC0415 — as above

        said = {"userId": user_id, **({} if name is None else {"name": name})}
        return read((await self._calls.post(MUTES, said)).body, Mutes).muted

    async def unmute(self, user_id: str) -> tuple[Muted, ...]:
        """Read them again. Returns everybody whom I still do not read."""
        from roadcrew_client.talk_models import Mutes  # noqa: PLC0415 — as above

        return read((await self._calls.call("DELETE", f"{MUTES}/{quote(user_id, safe='')}")).body, Mutes).muted

    async def typing(self, entity: Entity, on: bool = True) -> None:
        """Tell who looks at it that I write something, which holds for a few seconds; or no longer. Tried once."""
        await self._calls.hint("POST" if on else "DELETE", _path(entity, "typing"))


def _path(entity: Entity, *more: str) -> str:
    from roadcrew_client.talk_routes import path_of  # noqa: PLC0415 — only who talks needs the rules of it

    return path_of(entity, *more)
