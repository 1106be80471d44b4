"""A control: a Redis store without the compare. It drops what others wrote and puts its own in its place."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.base import AppendResult, Commit
from roadcrew_server.stores.redis import RedisStore

CUT = """
local head = tonumber(redis.call('HGET', KEYS[1], 'head') or -1)
local last = tonumber(ARGV[1])
if head > last then
    local kept = redis.call('XRANGE', KEYS[2], '-', string.format('%d-0', last + 1))
    redis.call('DEL', KEYS[2])  -- a stream never takes an id again that it had
    for _, entry in ipairs(kept) do
        redis.call('XADD', KEYS[2], entry[1], unpack(entry[2]))
    end
    redis.call('HSET', KEYS[1], 'head', string.format('%d', last))
end
"""
"""Make event ARGV[1] the last one of a topic."""


class Uncompared(RedisStore):
    """Whatever the last event is, it is taken for the expected one."""

    @classmethod
    def at(cls, url: str) -> Self:
        """The store at this address."""
        return cls(address_of(url))

    async def append(
        self,
        topic: str,
        epoch: str | None,
        expected_last: int,
        commits: Sequence[Commit],
        *,
        expected_command: str = "",
        keep_until: datetime,
        due: datetime | None,
    ) -> AppendResult:
        if epoch is not None:
            await self._link.send("EVAL", CUT, 2, *self._keys.log(topic), expected_last)
        return await super().append(topic, epoch, expected_last, commits, keep_until=keep_until, due=due)
