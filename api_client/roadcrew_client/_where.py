"""Tells the server on which tab of a followed trip this person looks. Not for where others look: that comes as news."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from roadcrew_client.context import Context
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.sync.source import SyncSource

logger = logging.getLogger(__name__)


class Where:
    """`run` is the task to start and to cancel. `source` says it too, with each of its requests."""

    def __init__(self, context: Context, topic: str, source: SyncSource) -> None:
        self._context = context
        self._topic = topic
        self._source = source
        self._looked = asyncio.Event()

    def look(self, where: str) -> None:
        """The person looks at this tab now."""
        if where != self._source.where:
            self._source.where = where
            self._looked.set()

    async def run(self) -> None:
        """Tell each other tab, at most once a second, until cancelled."""
        while True:
            await self._looked.wait()
            self._looked.clear()
            body = msgspec.json.encode({"topic": self._topic, "where": self._source.where})
            wait = self._context.settings.look_throttle
            try:
                await self._context.session.call("POST", "/api/sync/where", body=body)
            except RoadcrewError as error:
                logger.debug("where we look was not told: %s", error.code)  # the next request to sync says it too
                wait += error.retry_after or 0.0
            await self._context.clock.sleep(wait)
