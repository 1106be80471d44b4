"""An event loop whose time jumps, over real stores: it waits for their answers as long as they take, and for no timer.

A store's own time is shifted along (`sqlite_store`, `valkey_store`). `Way` is one process's way to a store: it can be
cut for good, as by a `kill -9`, or held, as for a process that is stopped. Not for programs and sockets of ours.
"""

import asyncio
import contextlib
import selectors
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from redis.asyncio.connection import AbstractConnection

from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.base import Store, StoreFacts, StoreUnavailable
from roadcrew_server.stores.clock import StoreClock
from roadcrew_server.stores.redis import RedisStore
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.stores.watched import CALLS

BEGAN = datetime(2034, 6, 1, 9, tzinfo=UTC)
LOOKS = 4
"""Milliseconds of real time that something else may need, after somebody has spoken to a store."""


class _Selector(selectors.DefaultSelector):
    """Does not sit out a wait, unless a store is asked something."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.pending = 0
        self.looks = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        if self.pending or timeout is None:
            self.looks = 0
            return super().select(1.0 if timeout is None else min(timeout, 1.0))
        self.looks += 1
        look = min(timeout, 0.001) if self.looks < LOOKS else 0.0
        if ready := super().select(look):
            self.looks = 0
        else:
            self.now += max(0.0, timeout - look)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A module of tests takes it as its `LOOP`."""

    def __init__(self) -> None:
        self.selector = _Selector()
        super().__init__(self.selector)

    def time(self) -> float:
        """Virtual seconds."""
        return self.selector.now

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """A store is asked something: time stands still, or goes as slowly as the real one."""
        self.selector.pending += 1
        try:
            yield
        finally:
            self.selector.pending -= 1


def here() -> VirtualLoop:
    """The loop that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def sqlite_store(place: Path) -> SqliteStore:
    """A store in a folder, in virtual time."""
    loop = here()
    clock = StoreClock(lambda: BEGAN + timedelta(seconds=loop.time()), loop.time)
    return SqliteStore(place / "store.sqlite", clock=clock, synchronous="NORMAL")


def valkey_store(url: str) -> RedisStore:
    """A store over a Valkey, in virtual time."""
    loop = here()
    return RedisStore(
        address_of(url), shift_ms=lambda: int(loop.time() * 1000), monotonic=lambda: time.monotonic() + loop.time()
    )


def tell_of_valkey(patch: Callable[..., None]) -> None:
    """Have the loop know when something was sent to a Valkey, also where nobody waits for the answer. `patch` is
    `monkeypatch.setattr`."""
    send = AbstractConnection.send_packed_command

    async def telling(self: AbstractConnection, *given: Any, **more: Any) -> None:
        here().selector.looks = 0
        await send(self, *given, **more)

    patch(AbstractConnection, "send_packed_command", telling)


class Way:
    """One process's way to a store that the test has opened."""

    def __init__(self, store: Store) -> None:
        self.dead = False
        self.calls: list[str] = []
        self._open = asyncio.Event()
        self._open.set()
        self._store = store

    async def open(self) -> StoreFacts:
        """It is open."""
        return StoreFacts("shared", "", durable=True)

    async def close(self) -> None:
        """Others go on with it."""

    def hold(self) -> None:
        """Nothing more gets through, until `release`."""
        self._open.clear()

    def release(self) -> None:
        """All that was held gets through."""
        self._open.set()

    def __getattr__(self, name: str) -> Any:
        done = getattr(self._store, name)
        if name not in CALLS:
            return done

        async def call(*given: Any, **more: Any) -> Any:
            await self._open.wait()
            self._require_life()
            self.calls.append(name)
            with here().asking():
                result = await done(*given, **more)
                if name == "append":
                    await self._store.ping()  # by its answer, what was published has been sent to everybody
            self._require_life()  # or it died before it heard of that
            return result

        return call

    def _require_life(self) -> None:
        if self.dead:
            raise StoreUnavailable("this process is dead")
