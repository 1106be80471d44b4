"""Walking over all that is in a Redis or Valkey, and restoring it there (docs/decisions/0016).

A walk is a SCAN, on a cluster of one node after the other; its cursor is `number` or `node number`.
What it is not for: what a server does while it serves.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

from roadcrew_server.stores import _redis_scripts as scripts
from roadcrew_server.stores._redis_keys import Keys
from roadcrew_server.stores._redis_link import Answer, Link
from roadcrew_server.stores._redis_scripts import Script
from roadcrew_server.stores.base import (
    CommandRecord,
    IndexItem,
    KeyedRecord,
    Page,
    Snapshot,
    Stored,
    StoredEvent,
    TopicFacts,
)
from roadcrew_server.stores.clock import from_ms, to_ms

_CURSOR = re.compile(r"(?:(?P<node>\S+) )?(?P<number>[0-9]{1,20})")

Run = Callable[..., Awaitable[list[Answer]]]
"""Run a script: `run(script, keys, *arguments)`."""


class Whole:
    """Everything under one prefix. `most`: about how many items a page has."""

    def __init__(self, link: Link, keys: Keys, run: Run, most: int) -> None:
        self._link = link
        self._keys = keys
        self._run = run
        self._most = most

    async def in_use(self, channel: str) -> bool:
        """Every process that has the store open listens on every node; one of them are we."""
        node = (await self._link.nodes())[0]
        _, listeners = await self._link.send_to(node, "PUBSUB", "NUMSUB", channel)
        return int(listeners) > 1

    async def topics(self, cursor: str) -> Page[str]:
        """The names of those that have not expired."""
        found, following = await self._scan(cursor, self._keys.any_topic, "hash")
        names = [name[len(self._keys.topic_starts[0]) :] for name in found]
        lives = await self._each(scripts.READ, [(self._keys.log(name), (0, 0)) for name in names])
        return Page(tuple(name for name, answer in zip(names, lives, strict=True) if answer), following)

    async def facts(self, topic: str) -> TopicFacts | None:
        """As one view."""
        facts, _, _, _, due_key = self._keys.topic(topic)
        answer = await self._run(scripts.TOPIC_FACTS, (facts, due_key), topic)
        if not answer:
            return None
        epoch, head, first, until, due, upto, command, state = (*answer, None, None)[:8]
        snapshot = Snapshot(int(upto), command.decode(), state) if upto else None
        ends = from_ms(int(until))
        return TopicFacts(topic, epoch.decode(), head, first, ends, from_ms(int(due)) if due else None, snapshot)

    async def commands(self, topic: str, cursor: str) -> Page[CommandRecord]:
        """Those of one topic that are remembered still."""
        node, number = _place(cursor)
        if node:
            raise ValueError("not a cursor of this walk")
        keys = self._keys.log(topic)[0], self._keys.done(topic)
        following, *pairs = await self._run(scripts.WALK_COMMANDS, keys, number, self._most)
        records = []
        for key, stored in zip(pairs[::2], pairs[1::2], strict=True):
            until, _, outcome = stored.partition(b":")
            records.append(CommandRecord(key.decode(), outcome, from_ms(int(until))))
        return Page(tuple(records), None if following == b"0" else following.decode())

    async def records(self, cursor: str) -> Page[KeyedRecord]:
        """Those that have not expired."""
        found, following = await self._scan(cursor, self._keys.record("*", "*"), "string")
        start = len(self._keys.record("", "")) - 1
        answers = await self._each(scripts.GET, [((name,), ()) for name in found])
        records = []
        for name, answer in zip(found, answers, strict=True):
            if answer:
                kind, _, key = name[start:].partition(":")
                records.append(KeyedRecord(kind, key, stored(answer[0])))
        return Page(tuple(records), following)

    async def indexes(self, cursor: str) -> Page[IndexItem]:
        """Each index whole."""
        found, following = await self._scan(cursor, self._keys.index("*"), "zset")
        start = len(self._keys.index(""))
        answers = await self._each(scripts.INDEX_ALL, [((name,), ()) for name in found])
        items = []
        for name, [pairs] in zip(found, answers, strict=True):
            for item, at in zip(pairs[::2], pairs[1::2], strict=True):
                items.append(IndexItem(name[start:], item.decode(), from_ms(int(at))))
        return Page(tuple(items), following)

    async def restore_topic(self, given: TopicFacts) -> None:
        """In place of what is there under its name."""
        due = "" if given.due is None else to_ms(given.due)
        kept: tuple[str | bytes | int, ...] = ("",)
        if given.snapshot is not None:
            kept = given.snapshot.seq, given.snapshot.command, given.snapshot.body
        ends = to_ms(given.keep_until)
        arguments = (given.topic, given.epoch, given.head, given.first_kept, ends, due, *kept)
        await self._run(scripts.RESTORE_TOPIC, self._keys.topic(given.topic), *arguments)

    async def restore_log(
        self, given: TopicFacts, events: Sequence[StoredEvent], commands: Sequence[CommandRecord]
    ) -> None:
        """Raises ValueError if the topic is not there in this epoch."""
        parts: list[str | bytes | int] = [len(events)]
        for event in events:
            parts += (event.seq, event.command, event.body)
        for command in commands:
            parts += (command.key, to_ms(command.keep_until), command.outcome)
        keys = self._keys.topic(given.topic)[:4]
        [done] = await self._run(scripts.RESTORE_LOG, keys, given.epoch, *parts)
        if not done:
            raise ValueError(f"{given.topic} is not there in the epoch {given.epoch}")

    async def newest_fence(self) -> int:
        """Of all leases; 0 if there was none."""
        return int(await self._link.send("GET", self._keys.fence) or 0)

    async def restore_fence(self, newest: int) -> None:
        """At least this."""
        await self._run(scripts.RESTORE_FENCE, (self._keys.fence,), newest)

    async def _scan(self, cursor: str, pattern: str, kind: str) -> tuple[list[str], str | None]:
        """Keys, and the cursor of the next page."""
        node, number = _place(cursor)
        nodes = await self._link.nodes()
        if not node:
            node = nodes[0]
        elif node not in nodes:
            raise ValueError("not a cursor of this store as it is now")
        answer = await self._link.send_to(
            node, "SCAN", str(number), "MATCH", pattern, "COUNT", str(self._most), "TYPE", kind
        )
        following = int(answer[0])
        if not following:
            later = nodes[nodes.index(node) + 1 :]
            return _names(answer[1]), f"{later[0]} 0" if later else None
        return _names(answer[1]), f"{node} {following}".lstrip()

    async def _each(self, script: Script, calls: Sequence[tuple[Sequence[str], Sequence[int]]]) -> list[list[Answer]]:
        """The answers of a script for many keys, several at a time."""
        answers: list[list[Answer]] = []
        at_once = max(self._link.options.connections // 2, 1)
        for first in range(0, len(calls), at_once):
            part = calls[first : first + at_once]
            answers += await asyncio.gather(*(self._run(script, keys, *more) for keys, more in part))
        return answers


def stored(text: bytes) -> Stored:
    """A record from `until:value`."""
    until, _, value = text.partition(b":")
    return Stored(value, from_ms(int(until)) if until else None)


def _place(cursor: str) -> tuple[str, int]:
    """The node and its own cursor. Raises ValueError."""
    if not cursor:
        return "", 0
    found = _CURSOR.fullmatch(cursor)
    if found is None or int(found["number"]) >= 2**64:
        raise ValueError("not a cursor of this walk")
    return found["node"] or "", int(found["number"])


def _names(keys: Sequence[bytes]) -> list[str]:
    return [key.decode() for key in keys]
