"""Whose a mark is: of ratings and likes the person's, of saves a word that only the server can make. And the list of
what somebody saved, which is an index of their own, verified against the saves whenever it is read."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from roadcrew_domain import places
from roadcrew_domain.marks_state import Marks
from roadcrew_domain.places import Entity
from roadcrew_server.stores.base import StoreError
from roadcrew_server.topic import TopicMissing

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub

SAVED = 1_000
"""Entries in one person's list, the newest."""
UNPROVEN = timedelta(seconds=60)
"""An entry that is younger may wait for its event still."""


def saver(secret: bytes, user: str, entity: Entity) -> str:
    """The word that stands for a person among those who saved something; another one for each thing."""
    return hmac.digest(secret, f"{user} {entity.topic('saves')}".encode(), hashlib.sha256).hex()[:24]


def saved_index(user: str) -> str:
    """The index of what a person saved."""
    return f"saved:{user}"


class Saved:
    """What people saved. Every method may raise `StoreUnavailable`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._store = hub.store

    async def add(self, user: str, entity: Entity) -> None:
        """It is to be saved; before the event. What is saved no more goes when the list is read: who saves it again
        meanwhile, at another terminal, does not lose it."""
        await self._store.index_add(saved_index(user), _item(entity), self._store.now())

    async def entities(
        self, secret: bytes, user: str, after: str | None, limit: int
    ) -> tuple[list[Entity], str | None]:
        """At most `limit` of what somebody saved and may read of, newest first, and what to go on `after` (None: that
        was all). An old entry that is not true goes."""
        listed = await self._store.index_list(saved_index(user), SAVED)
        begin = listed.index(after) + 1 if after in listed else 0
        found: list[Entity] = []
        for place, item in enumerate(listed[begin:], begin):
            if len(found) == limit:
                return found, listed[place - 1]
            entity = _entity(item)
            standing = "gone" if entity is None else await self._standing(secret, user, entity)
            if entity is not None and standing == "saved":
                found.append(entity)
            elif standing == "gone":
                with suppress(StoreError):
                    await self._store.index_remove(saved_index(user), item, self._store.now() - UNPROVEN)
        return found, None

    async def _standing(self, secret: bytes, user: str, entity: Entity) -> Literal["saved", "hidden", "gone"]:
        """Whether it is saved. Hidden: its trip has ended, which may come back."""
        try:
            topic, closed = await self._hub.look(entity.topic("saves"), user)
        except TopicMissing:
            return "gone"
        if closed == "ended":
            return "hidden"
        state: Marks = topic.state
        return "saved" if closed is None and saver(secret, user, entity) in state.marks else "gone"


def _item(entity: Entity) -> str:
    return f"{entity.type}:{entity.id}"


def _entity(item: str) -> Entity | None:
    kind, _, id_ = item.partition(":")
    return places.entity(kind, id_)
