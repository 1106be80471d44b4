"""`/api/sync` as the engine asks it: which topics, which tab, with whose token."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from roadcrew_client.context import Context
from roadcrew_client.sync.polling import Batch, batch_of

if TYPE_CHECKING:
    from roadcrew_client.sync.sides import Frames

PATH = "/api/sync"


class SyncSource:
    """`topics` are what is asked for; `where` is the tab that the person looks at. Both may change, and hold from the
    next request on."""

    def __init__(self, context: Context, topics: tuple[str, ...], where: str | None = None) -> None:
        self.topics = topics
        self.where = where
        self._context = context
        self._used: str | None = None

    def _params(self) -> list[tuple[str, str]]:
        params = [("topic", t) for t in self.topics]
        return params if self.where is None else [*params, ("where", self.where)]

    @asynccontextmanager
    async def stream(
        self, cursor: str | None, proven: Callable[[], None], wished: Callable[[float], None]
    ) -> AsyncGenerator[Frames, None]:
        """Open a stream; the cursor goes where the standard puts it."""
        from roadcrew_client.sync import sse  # noqa: PLC0415 — loads the HTTP library, which the first paint does not wait for

        def heard(spread: float) -> None:
            self._context.wished.spread = spread
            wished(spread)

        headers = {} if cursor is None else {"Last-Event-ID": cursor}
        self._used = self._context.session.token
        async with self._context.session.stream(PATH, self._params(), headers) as opened:
            most = self._context.settings.max_body
            yield sse.frames(opened, most=most, proven=proven, wished=heard, anew=cursor is None)

    async def poll(self, cursor: str | None, tag: str | None) -> Batch:
        """One batch. A 401 has been tried with a renewed token already."""
        params = self._params()
        if cursor is not None:
            params.append(("cursor", cursor))
        if tag is not None:
            params.append(("presenceTag", tag))
        self._used = self._context.session.token
        return batch_of(await self._context.session.call("GET", PATH, params=params))

    async def renew(self) -> bool:
        """After a 401."""
        return await self._context.session.renew_after(self._used)
