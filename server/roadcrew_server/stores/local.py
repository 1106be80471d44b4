"""What a store that lives in one process keeps in memory: who listens, and who is here.

What it is not for: anything that must survive the process, or that another process must see.
"""

import asyncio
import weakref
from collections import deque
from collections.abc import Iterable

from roadcrew_server.stores.base import Hint, Stored
from roadcrew_server.stores.clock import from_ms


class Listener:
    """The hints of one listener, from its making on. Use it in one task and from one event loop.

    It ends when it is closed here or the store is closed, and is forgotten when nobody holds it.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._hints: deque[Hint] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> Hint:
        while not self._hints:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._hints.popleft()

    async def aclose(self) -> None:
        """End it; what was not read yet is dropped."""
        self._hints.clear()
        self.end()

    def end(self) -> None:
        """No more hints will come; what is there can still be read."""
        self._closed = True
        self._wake.set()

    def push(self, hint: Hint) -> None:
        """Add a hint, or replace all by `lost` when there are too many."""
        if self._closed:
            return
        if len(self._hints) >= self._bound:
            self._hints.clear()
            hint = Hint("lost")
        self._hints.append(hint)
        self._wake.set()


class HintBoard:
    """Everybody who listens."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._listeners: weakref.WeakSet[Listener] = weakref.WeakSet()

    def listen(self) -> Listener:
        """A new listener, which gets every hint published from now on."""
        listener = Listener(self._bound)
        self._listeners.add(listener)
        return listener

    def publish(self, hints: Iterable[Hint]) -> None:
        """Tell everybody; called in the event loop's thread."""
        listeners = list(self._listeners)
        for hint in hints:
            for listener in listeners:
                listener.push(hint)

    def end(self) -> None:
        """No more hints for anybody."""
        for listener in list(self._listeners):
            listener.end()
        self._listeners.clear()

    def __len__(self) -> int:
        return len(self._listeners)


class Presence:
    """Who is here. Times are milliseconds of the store's time, given by the caller.

    What has run out is dropped when its topic is looked at, and everywhere once the entries have
    doubled since the last clearing: so the memory is at most about twice what is alive.
    """

    def __init__(self) -> None:
        self._topics: dict[str, dict[str, tuple[bytes, int]]] = {}
        self._entries = 0
        self._clear_at = 1024

    def set(self, topic: str, key: str, value: bytes, expires_at: int, now: int) -> bool:
        """True if the value is new, changed, or had run out."""
        here = self._topics.setdefault(topic, {})
        before = here.get(key)
        here[key] = (value, expires_at)
        if before is None:
            self._entries += 1
            if self._entries >= self._clear_at:
                self._clear(now)
        return before is None or before[0] != value or before[1] <= now

    def drop(self, topic: str, key: str, now: int) -> bool:
        """True if it was here."""
        here = self._topics.get(topic, {})
        before = here.pop(key, None)
        if before is None:
            return False
        self._entries -= 1
        if not here:
            del self._topics[topic]
        return before[1] > now

    def list(self, topic: str, now: int) -> dict[str, Stored]:
        """Key and value of everybody who is here."""
        self._clear_topic(topic, now)
        return {key: Stored(value, from_ms(until)) for key, (value, until) in self._topics.get(topic, {}).items()}

    def _clear(self, now: int) -> None:
        for topic in list(self._topics):
            self._clear_topic(topic, now)
        self._clear_at = max(1024, 2 * self._entries)

    def _clear_topic(self, topic: str, now: int) -> None:
        here = self._topics.get(topic)
        if here is None:
            return
        for key in [key for key, (_, expires_at) in here.items() if expires_at <= now]:
            del here[key]
            self._entries -= 1
        if not here:
            del self._topics[topic]
