"""What an engine stands between: a server that is asked, and who follows. Not for how either does it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from roadcrew_client.frames import Frame, Item
from roadcrew_client.sync.polling import Batch

Taken = Literal["applied", "unknown"]
Frames = AsyncGenerator[tuple[Frame, str | None], None]


class Source(Protocol):
    """A server, as far as staying in sync needs it."""

    def stream(
        self, cursor: str | None, proven: Callable[[], None], wished: Callable[[float], None]
    ) -> AbstractAsyncContextManager[Frames]:
        """Open a stream. Entering it returns when the headers are here. `proven` and `wished` are called as for
        `sse.frames`."""
        ...

    async def poll(self, cursor: str | None, tag: str | None) -> Batch:
        """Ask once."""
        ...

    async def renew(self) -> bool:
        """After a 401: True if there is another token now."""
        ...


class Reader(Protocol):
    """Who follows: gets every frame once and in order."""

    async def take(self, frame: Item, cursor: str | None) -> Taken:
        """Apply a frame; `cursor` is where one stands after it. `unknown`: give me the whole state instead."""
        ...

    def moved(self) -> None:
        """The engine's `state` or `error` has changed."""
        ...


class Reread(Exception):
    """Our place in the log is lost: connect again, with the cursor that stands now."""
