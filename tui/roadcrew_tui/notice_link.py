"""What people say in a trip while nobody looks at this terminal: only whether this person is mentioned.

It is one stream that tells nobody that they are here; where nothing can be streamed, one question a minute. Not for
what is drawn, which rests meanwhile. As link.py, it has two sides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from roadcrew_tui.client_thread import ClientThread
from roadcrew_tui.messages import Mentioned

if TYPE_CHECKING:
    from textual.message import Message

    from roadcrew_client import Client
    from roadcrew_domain.events import Event

ASKED_EVERY = 60.0
"""Seconds, where nothing can be streamed."""
CHANNELS = ("comments", "posts")


class NoticeLink:
    """Listens to one trip at a time."""

    def __init__(
        self, thread: ClientThread, say: Callable[[Message], None], opened: Callable[[], Client | None]
    ) -> None:
        self._thread = thread
        self._say = say
        self._opened = opened
        self._listening: asyncio.Task[None] | None = None

    def listen(self, trip_id: str) -> None:
        """`Mentioned` comes from now on."""
        self._thread.soon(lambda: self._begin(trip_id))

    def end(self) -> None:
        """No more of it."""
        self._thread.soon(self._cancel)

    async def forget_server(self) -> None:
        """The client is about to be closed."""
        task = self._listening
        self._cancel()
        if task is not None:
            await asyncio.wait([task])

    def _begin(self, trip_id: str) -> None:
        self._cancel()
        client = self._opened()
        if client is not None and client.user is not None:
            self._listening = asyncio.get_running_loop().create_task(self._listen(client, client.user.id, trip_id))

    def _cancel(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None

    async def _listen(self, client: Client, me: str, trip_id: str) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - on the client's thread
        from roadcrew_domain.events import Event  # noqa: PLC0415
        from roadcrew_domain.places import Entity  # noqa: PLC0415

        topics = [Entity("trip", trip_id).topic(channel) for channel in CHANNELS]
        try:
            async with aclosing(client.events(*topics, poll_every=ASKED_EVERY)) as told:
                async for item in told:
                    if isinstance(item, Event) and (mentioned := mention(item, me)) is not None:
                        self._say(mentioned)
        except RoadcrewError:
            return  # who is back is told why


def mention(event: Event, me: str) -> Mentioned | None:
    """Whether an event is that somebody else has mentioned this person."""
    from roadcrew_domain.feed_state import ItemWritten  # noqa: PLC0415 - only where there is talk

    match event.data:
        case ItemWritten(name=name, mentions=mentions) if me in mentions and event.by not in (None, me):
            return Mentioned(event.command, event.by or "", name)
    return None
