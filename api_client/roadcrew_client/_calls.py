"""How one client calls its server once: the connection, loaded when it is first wanted, and up to three attempts under
one key. Not for staying in sync, nor for changes that wait until they can be sent: those have patience of their own.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import msgspec

from roadcrew_client.cable import Cable
from roadcrew_client.context import Context
from roadcrew_client.delivery import Delivery
from roadcrew_client.routes import Call
from roadcrew_client.settings import ClientSettings, ServerTime
from roadcrew_client.waiting import Figures

if TYPE_CHECKING:
    from roadcrew_client.retry import Retry
    from roadcrew_client.transport import HttpTransport, Params, Reply, Upload

T = TypeVar("T")


class Connection:
    """The transport of one client. Belongs to one event loop."""

    def __init__(
        self, server: str, settings: ClientSettings, server_time: ServerTime, cable: Cable | None, figures: Figures
    ) -> None:
        self._server = server
        self._settings = settings
        self._time = server_time
        self._cable = cable
        self._figures = figures
        self._transport: HttpTransport | None = None

    async def transport(self) -> HttpTransport:
        """The one transport there is."""
        if self._transport is None:
            # Loading the HTTP library takes a while; a screen goes on being drawn.
            module = await asyncio.to_thread(importlib.import_module, "roadcrew_client.transport")
            if self._transport is None:
                self._transport = module.HttpTransport(
                    self._server, self._settings, self._time, self._cable, self._figures
                )
        return self._transport

    async def close(self) -> None:
        """Close all connections."""
        if self._transport is not None:
            await self._transport.close()


class Calls:
    """Calls that are tried again when they fail for now; `on_retry` is told of each attempt that did. All raise
    `RoadcrewError`."""

    def __init__(self, context: Context, connection: Connection, delivery: Delivery | None) -> None:
        """`delivery` learns that the server answers."""
        self.on_retry: Callable[[Retry], None] | None = None
        self._context = context
        self._connection = connection
        self._delivery = delivery

    async def call(self, method: str, path: str, *, body: bytes | None = None, params: Params = ()) -> Reply:
        """A call in our name."""
        return await self.retry(lambda: self._context.session.call(method, path, body=body, params=params))

    async def hint(self, method: str, path: str) -> None:
        """Tell something that is not worth telling twice."""
        await self._context.session.call(method, path, body=b"{}" if method == "POST" else None)

    async def post(self, path: str, body: Mapping[str, object] | bytes, key: str | None = None) -> Reply:
        """Post in our name, which stays the same person's; all attempts carry `key`, by default a new one."""
        encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.send(Call(path, encoded), key)

    async def send(self, call: Call, key: str | None = None) -> Reply:
        """Make a change in our name, as `post` does."""
        headers = {"Idempotency-Key": key or self._context.new_id()}
        session, body = self._context.session, call.body or None
        who = session.user
        return await self.retry(lambda: session.call(call.method, call.path, body=body, headers=headers, who=who))

    async def upload(self, path: str, params: Params, body: Upload, key: str | None = None) -> Reply:
        """Post a file in our name, as `post` does; each attempt sends all of it, and all have a file's time."""
        headers = {"Idempotency-Key": key or self._context.new_id()}
        session = self._context.session
        who, total = session.user, self._context.settings.upload_timeout
        return await self.retry(
            lambda: session.call("POST", path, body=body, params=params, headers=headers, who=who), total
        )

    async def open_get(self, path: str, params: Params = ()) -> Reply:
        """Ask for what everybody may see. Needs no token."""
        transport = await self._connection.transport()
        return await self.retry(lambda: transport.call("GET", path, params=params))

    async def load(self, path: str) -> Reply | None:
        """Ask in our name, for a screen (C6): None after a 401, which is no news to it."""
        from roadcrew_client.retry import load_with_retry  # noqa: PLC0415 — only when something is sent

        s = self._context.settings
        return await load_with_retry(
            lambda: self._context.session.call("GET", path),
            attempts=s.attempts,
            step=s.load_step,
            total=s.retry_total,
            chance=self._context.chance,
            progress=self.on_retry,
        )

    async def retry(self, action: Callable[[], Awaitable[T]], total: float | None = None) -> T:
        """Do `action`, again if need be, within `total` seconds. Returns what it does."""
        from roadcrew_client.retry import execute_with_retry  # noqa: PLC0415 — only when something is sent

        s = self._context.settings
        done = await execute_with_retry(
            action,
            attempts=s.attempts,
            initial=s.retry_initial,
            cap=s.retry_cap,
            total=s.retry_total if total is None else total,
            chance=self._context.chance,
            progress=self.on_retry,
        )
        if self._delivery is not None:
            self._delivery.kick()
        return done
