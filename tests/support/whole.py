"""Everything that a store holds, as one value that can be compared with what another store holds."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from roadcrew_server.stores.base import NOTHING_YET, CommandRecord, Page, Store, StoredEvent

T = TypeVar("T")


async def walked(walk: Callable[[str], Awaitable[Page[T]]]) -> list[T]:
    """All items of a walk."""
    found: list[T] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await walk(cursor)
        found += page.items
        cursor = page.next
    return found


async def events_of(store: Store, topic: str) -> list[StoredEvent]:
    """Every event that can still be read."""
    found: list[StoredEvent] = []
    after = NOTHING_YET
    while part := await store.read(topic, after, 50):
        found += part.events
        if not part.events:
            break
        after = part.events[-1].seq
    return found


async def everything(store: Store) -> dict[str, Any]:
    """What the store holds, to the byte; what a walk gave twice counts once."""
    topics: dict[str, Any] = {}
    for name in await walked(store.walk_topics):

        async def commands(cursor: str, name: str = name) -> Page[CommandRecord]:
            return await store.walk_commands(name, cursor)

        known = {record.key: record for record in await walked(commands)}
        topics[name] = (await store.topic_facts(name), await events_of(store, name), known)
    return {
        "topics": topics,
        "records": {(r.kind, r.key): r.stored for r in await walked(store.walk_records)},
        "indexes": {(i.index, i.item): i.at for i in await walked(store.walk_indexes)},
        "due": await store.due_next(),
        "fence": await store.newest_fence(),
    }
