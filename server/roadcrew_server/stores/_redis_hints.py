"""Hints from other processes: one subscription, which is taken up again whenever it broke.

What it is not for: asking Redis for anything. Readers wait here, and no process polls for them.
"""

import asyncio
import logging
import random
from collections import Counter

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from roadcrew_server.stores._redis_errors import LINK_ERRORS, unreachable
from roadcrew_server.stores._redis_link import Link
from roadcrew_server.stores._redis_wire import heard
from roadcrew_server.stores.base import Hint, StoreError
from roadcrew_server.stores.local import HintBoard

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
"""Seconds, at the most, before the first and before the last attempts to take it up again; each is drawn at random."""

SILENCE = 300.0
"""Seconds without a message after which a PING asks whether anybody is there. The kernel's keepalive is sooner."""

REMEMBERED = 4096
"""Hints that are known again when they come once more."""


class Seen:
    """A hint of our own comes from the answer and from the channel, in either order, and one of a cluster from each
    node. The first counts."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._number = 0
        self._tokens: dict[str, None] = {}

    def token(self) -> str:
        """The name of a hint that is about to be published."""
        self._number += 1
        return f"{self._origin}.{self._number}"

    def first(self, token: str) -> bool:
        """True if it has not come before."""
        if token in self._tokens:
            return False
        self._tokens[token] = None
        if len(self._tokens) > REMEMBERED:
            del self._tokens[next(iter(self._tokens))]
        return True


class Subscription:
    """Listens from `start` until `stop`, and tells everybody at the board; `lost` when hints may have been missed."""

    def __init__(
        self,
        link: Link,
        channel: str,
        board: HintBoard,
        seen: Seen,
        *,
        chance: random.Random,
    ) -> None:
        self._link = link
        self._channel = channel
        self._board = board
        self._seen = seen
        self._chance = chance
        self._task: asyncio.Task[None] | None = None
        self._doubted = asyncio.Event()
        self._heard: Counter[AbstractConnection] = Counter()

    def doubt(self) -> None:
        """The store left something else unanswered: see whether it would still be heard here."""
        self._doubted.set()

    async def start(self) -> None:
        """Returns when it listens. Raises `StoreUnavailable` if it does not come about."""
        lines = await self._subscribed()
        self._task = asyncio.create_task(self._run(lines))

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, lines: list[AbstractConnection]) -> None:
        while True:
            try:
                await self._listen_all(lines)
            except (*LINK_ERRORS, RedisError) as error:
                log.warning("hints of the store stopped coming: %s", unreachable(self._link.address, error))
            except Exception:
                log.exception("hints of the store stopped coming")
            finally:
                await _hang_up(lines)
            self._lost()
            lines = await self._again()
            self._lost()  # what was said in between
            log.warning("hints of the store come again")

    async def _again(self) -> list[AbstractConnection]:
        wait = FIRST_WAIT
        while True:
            await asyncio.sleep(self._chance.uniform(0, wait))
            try:
                return await self._subscribed()
            except StoreError as error:
                log.info("hints of the store do not come yet: %s", error)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _subscribed(self) -> list[AbstractConnection]:
        """All lines, or none and `StoreUnavailable`."""
        lines = await self._link.lines()
        try:
            async with asyncio.timeout(self._link.options.timeout):
                for line in lines:
                    await line.connect()  # type: ignore[no-untyped-call]
                    await line.send_command("SUBSCRIBE", self._channel)
                    await line.read_response()
        except (*LINK_ERRORS, RedisError) as error:
            await _hang_up(lines)
            raise unreachable(self._link.address, error) from error
        except BaseException:
            await _hang_up(lines)
            raise
        return lines

    async def _listen_all(self, lines: list[AbstractConnection]) -> None:
        """Raises what the first line to break raises."""
        self._heard.clear()
        tasks = [asyncio.create_task(work) for work in (*map(self._listen, lines), self._watch(lines))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _listen(self, line: AbstractConnection) -> None:
        asked = False
        while True:
            message = await line.read_response(timeout=self._link.options.timeout if asked else SILENCE)
            if message is not None:
                asked = False
                self._heard[line] += 1
                if message[0] == b"message":
                    self._take(message[2])
            elif asked:
                raise TimeoutError
            else:
                async with asyncio.timeout(self._link.options.timeout):
                    await line.send_command("PING")
                asked = True

    async def _watch(self, lines: list[AbstractConnection]) -> None:
        """Raises TimeoutError for a line on which nothing comes within the time for an answer, once it is doubted."""
        while True:
            await self._doubted.wait()
            before = self._heard.copy()
            async with asyncio.timeout(self._link.options.timeout):
                for line in lines:
                    await line.send_command("PING")
            await asyncio.sleep(self._link.options.timeout)
            self._doubted.clear()
            if any(self._heard[line] == before[line] for line in lines):
                raise TimeoutError

    def _take(self, data: bytes) -> None:
        try:
            token, hint = heard(data)
        except (ValueError, UnicodeDecodeError):
            log.warning("a message on the store's channel is none of ours")
            return
        if self._seen.first(token):
            self._board.publish([hint])

    def _lost(self) -> None:
        self._board.publish([Hint("lost")])


async def _hang_up(lines: list[AbstractConnection]) -> None:
    for line in lines:
        await line.disconnect(nowait=True)
