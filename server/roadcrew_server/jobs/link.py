"""A link to the price-monitor service: a WebSocket whose every wait has an end, and whose messages have bounds.

Not for what the messages mean (bridge.py), nor for what rows may be (checking.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from roadcrew_domain.jobs_state import JobFailure
from roadcrew_price_monitor import protocol
from roadcrew_server.jobs.checking import Bad
from roadcrew_server.settings import Settings

OPENING = 10.0
"""Seconds in which a link must be there."""
SILENCE = 60.0
"""Seconds in which the service must say something, and must take what it is sent; then the link is given up."""
MOST_PARTS = 2_000
"""Frames of one message."""
LEAST_KEY = 8
"""Characters of a key that is looked for in what the service says; a shorter one could be a word."""
OURS = frozenset({1002, 1007, 1009})
"""Close codes by which our own end says that the other one did what it must not."""

_quiet = logging.getLogger("roadcrew_server.jobs.websocket")
_quiet.setLevel(logging.WARNING)  # the library tells every header of its requests to those who want to know all


class Gone(Exception):
    """The link is no more, or never was; another one may do better."""


class Over(Exception):
    """The import can't go on, and another link would not help. `detail` is a sentence for people."""

    def __init__(self, failure: JobFailure, detail: str) -> None:
        super().__init__(detail)
        self.failure: JobFailure = failure
        self.detail = detail


class Link:
    """One link, for one task that says and one that hears."""

    def __init__(self, socket: ClientConnection, key: str, patience: float) -> None:
        self._socket = socket
        self._key = key if len(key) >= LEAST_KEY else None
        self._silence = min(SILENCE, patience)

    async def say(self, message: protocol.FromServer) -> None:
        """Say that. Raises `Gone`."""
        await self._sent(protocol.written(message))

    async def send(self, chunk: bytes) -> None:
        """Send a part of the feed. Raises `Gone`."""
        await self._sent(chunk)

    async def _sent(self, message: str | bytes) -> None:
        try:
            async with asyncio.timeout(self._silence):
                await self._socket.send(message)
        except TimeoutError:
            raise Gone("it takes nothing") from None

    async def hear(self) -> protocol.FromService:
        """The next thing that the service says. Raises `Gone` and `Bad`."""
        parts: list[str] = []
        try:
            async with asyncio.timeout(self._silence):
                async for part in self._socket.recv_streaming():
                    if not isinstance(part, str):
                        raise Bad("a message is no text")
                    parts.append(part)
                    if len(parts) > MOST_PARTS:
                        raise Bad("a message comes in too many parts")
        except TimeoutError:
            raise Gone("it says nothing") from None
        text = "".join(parts)
        if self._key is not None and self._key in text:
            raise Bad("it repeats the key")
        try:
            return protocol.from_service(text)
        except ValueError:
            raise Bad("a message can't be read") from None


class Window:
    """How far the feed may be sent ahead: `ahead` bytes further than the service is known to be."""

    def __init__(self, *, known: int, sent: int, ahead: int) -> None:
        self.sent = sent
        self._known = known
        self._ahead = ahead
        self._moved = asyncio.Event()

    async def room(self) -> int:
        """How many bytes may be sent now; waits until that is one at least."""
        while (room := self._known + self._ahead - self.sent) <= 0:
            self._moved.clear()
            await self._moved.wait()
        return room

    def move(self, known: int) -> None:
        """The service is known to be there."""
        self._known = known
        self._moved.set()


class _Straight(connect):
    """It goes where it was sent, and nowhere else: a redirect is a refusal."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """What came in place of a WebSocket."""
        return exc


@asynccontextmanager
async def linked(settings: Settings) -> AsyncIterator[Link]:
    """A link to the service. Whatever goes wrong with it, and `Bad` that is raised while it is there, raises `Gone` or
    `Over`."""
    key = settings.price_monitor_api_key.get_secret_value()
    if not settings.monitor_price_app_host:
        raise Over("unreachable", "This server has no price-monitor service any more.")
    try:
        async with _Straight(
            settings.monitor_price_app_host + protocol.PATH,
            additional_headers={"Authorization": f"Bearer {key}"},
            user_agent_header="roadcrew",
            compression=None,
            proxy=None,
            open_timeout=min(OPENING, settings.monitor_patience),
            close_timeout=1,
            max_size=protocol.MOST_ANSWER,
            max_queue=2,
            logger=_quiet,
        ) as socket:
            yield Link(socket, key, settings.monitor_patience)
    except Bad as bad:
        raise _misbehaved(str(bad)) from None
    except InvalidStatus as error:
        raise _refusal(error.response.status_code) from None
    except ConnectionClosed as closed:
        if closed.sent is not None and closed.sent.code in OURS and not closed.rcvd_then_sent:
            raise _misbehaved("a message is too large, or none at all") from None
        raise Gone("it hung up") from None
    except (InvalidHandshake, OSError, TimeoutError) as error:
        raise Gone(type(error).__name__) from None


def _misbehaved(how: str) -> Over:
    return Over("protocol", f"The price-monitor service said what it must not: {how}.")


def _refusal(status: int) -> Gone | Over:
    """What a status in place of a WebSocket means."""
    if status in (401, 403):
        return Over("service-refused", "The price-monitor service does not take this server's key.")
    if status < 500 and status not in (408, 425, 429):
        return Over("service-refused", f"What answers in place of a price-monitor service is none (status {status}).")
    return Gone(f"status {status}")
