"""Hints from other processes: one subscription, which is taken up again whenever it broke.

What it is not for: asking Redis for anything. Readers wait here, and no process polls for them.
"""

import asyncio
import logging
import random

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from roadcrew_server.stores._redis_errors import LINK_ERRORS, unreachable
from roadcrew_server.stores._redis_link import Link
from roadcrew_server.stores._redis_wire import heard
from roadcrew_server.stores.base import Hint, StoreError, StoreUnavailable
from roadcrew_server.stores.local import HintBoard

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
"""Seconds, at the most, before the first and before the last attempts to take it up again; each is drawn at random."""

SILENCE = 300.0
"""Seconds without a message after which a PING asks whether anybody is there. The kernel's keepalive is sooner."""

UNANSWERED = 4096
"""Hints of our own that are remembered until they are heard a second time."""

CLUSTER_DOUBT = 60.0
"""Seconds after which hints of a cluster are taken for lost in any case: between nodes they may be lost unnoticed."""


class Echoes:
    """Everything that this process publishes, it hears too: from the answer and from the channel, in either order.
    The first counts."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._number = 0
        self._once: dict[str, None] = {}

    def token(self) -> str:
        """The name of a hint that is about to be published."""
        self._number += 1
        return f"{self._origin}.{self._number}"

    def first(self, token: str) -> bool:
        """False if this was heard before, or True and it is remembered. Those of others come once."""
        if not token.startswith(self._origin):
            return True
        if token in self._once:
            del self._once[token]
            return False
        self._once[token] = None
        if len(self._once) > UNANSWERED:
            del self._once[next(iter(self._once))]
        return True

    def forget(self) -> None:
        """The channel was cut: what has been heard once will not come again."""
        self._once.clear()


class Subscription:
    """Listens from `start` until `stop`, and tells everybody at the board; `lost` when hints may have been missed."""

    def __init__(
        self,
        link: Link,
        channel: str,
        board: HintBoard,
        echoes: Echoes,
        *,
        chance: random.Random,
    ) -> None:
        self._link = link
        self._channel = channel
        self._board = board
        self._echoes = echoes
        self._chance = chance
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when it listens. Raises `StoreUnavailable` if it does not come about."""
        line = await self._subscribed()
        self._task = asyncio.create_task(self._run(line))

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, line: AbstractConnection) -> None:
        while True:
            try:
                await self._listen(line)
            except (*LINK_ERRORS, RedisError) as error:
                log.warning("hints of the store stopped coming: %s", unreachable(self._link.address, error))
            finally:
                await line.disconnect(nowait=True)
            self._lost()
            line = await self._again()
            self._lost()  # what was said in between
            log.warning("hints of the store come again")

    async def _again(self) -> AbstractConnection:
        wait = FIRST_WAIT
        while True:
            await asyncio.sleep(self._chance.uniform(0, wait))
            try:
                return await self._subscribed()
            except StoreError as error:
                log.info("hints of the store do not come yet: %s", error)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _subscribed(self) -> AbstractConnection:
        line = await self._link.line()
        try:
            async with asyncio.timeout(self._link.options.timeout):
                await line.connect()  # type: ignore[no-untyped-call]
                await line.send_command("SUBSCRIBE", self._channel)
                answer = await line.read_response()
        except (*LINK_ERRORS, RedisError) as error:
            await line.disconnect(nowait=True)
            raise unreachable(self._link.address, error) from error
        except BaseException:
            await line.disconnect(nowait=True)
            raise
        if not isinstance(answer, list) or answer[0] != b"subscribe":
            await line.disconnect(nowait=True)
            raise StoreUnavailable(f"The store at {self._link.address} takes no subscriptions.")
        return line

    async def _listen(self, line: AbstractConnection) -> None:
        loop = asyncio.get_running_loop()
        doubt = loop.time() + CLUSTER_DOUBT if self._link.address.cluster else float("inf")
        asked = False
        while True:
            wait = self._link.options.timeout if asked else SILENCE
            message = await line.read_response(timeout=min(wait, max(doubt - loop.time(), 0.001)))
            if loop.time() >= doubt:
                doubt = loop.time() + CLUSTER_DOUBT
                self._lost()
            elif message is None:
                if asked:
                    raise TimeoutError
                async with asyncio.timeout(self._link.options.timeout):
                    await line.send_command("PING")
                asked = True
                continue
            if message is not None:
                asked = False
                if message[0] == b"message":
                    self._take(message[2])

    def _take(self, data: bytes) -> None:
        try:
            token, hint = heard(data)
        except (ValueError, UnicodeDecodeError):
            log.warning("a message on the store's channel is none of ours")
            return
        if self._echoes.first(token):
            self._board.publish([hint])

    def _lost(self) -> None:
        self._echoes.forget()
        self._board.publish([Hint("lost")])
