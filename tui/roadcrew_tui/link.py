"""The client's own thread. The screen asks here and gets answers and messages back; it never does I/O itself.

Everything that belongs to `roadcrew_client` (and its imports) lives on the one event loop of this thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from textual.message import Message

from roadcrew_tui.snapshot import News, Refusal, Sending, Snapshot, Status, TokenChanged, TripChanged

if TYPE_CHECKING:
    from roadcrew_client import Change, Client, LiveTrip, User
    from roadcrew_domain.trip import TripAct

T = TypeVar("T")
Signal = Literal["key_pressed", "hidden", "shown", "suspended", "resumed"]
CLOSING = 3.0
"""Seconds that a clean leave may take before the app goes without it."""


class Vault(Protocol):
    """Where tokens are kept."""

    def load(self, server: str) -> str | None: ...
    def save(self, server: str, token: str) -> object: ...
    def forget(self, server: str) -> object: ...


class Maker(Protocol):
    """Makes what the thread works with; tests hand in a maker of stand-ins."""

    def client(self, server: str, token: str | None) -> Client: ...
    def vault(self) -> Vault: ...


class RealMaker:
    """The real client. Imports it on the client's thread, after the first paint."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def client(self, server: str, token: str | None) -> Client:
        from roadcrew_client import Client  # noqa: PLC0415 - not before the first paint

        return Client(server, token=token)

    def vault(self) -> Vault:
        from roadcrew_client.credentials import Credentials  # noqa: PLC0415 - not before the first paint

        return Credentials(self._folder)


class Link:
    """One client at a time, one followed trip at a time."""

    def __init__(self, post: Callable[[Message], object], maker: Maker) -> None:
        self._post = post
        self._maker = maker
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roadcrew-client", daemon=True)
        self._client: Client | None = None
        self._live: LiveTrip | None = None
        self._unlisten: Callable[[], None] | None = None
        self._server: str | None = None

    # --- the thread ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread. Cheap; the client's imports happen over there."""
        self._thread.start()

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        self._loop = loop
        loop.call_soon(self._ready.set)
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _over_there(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the client's loop and wait for it here."""
        if not self._ready.is_set():
            await asyncio.to_thread(self._ready.wait)
        if self._loop is None:
            raise LookupError("the link has not been started")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _soon(self, call: Callable[[], object]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _say(self, message: Message) -> None:
        try:
            self._post(message)
        except RuntimeError:  # the app's loop has just closed; nobody is left to be told
            return

    async def close(self) -> None:
        """Leave cleanly, but never hold up the exit."""
        if self._loop is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over_there(self._shut()), CLOSING)
        self._soon(self._loop.stop)

    async def _shut(self) -> None:
        await self._unfollow()
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    # --- server and person -----------------------------------------------------------------------

    async def open(self, server: str) -> User | None:
        """Work with this server. Returns who we are there, or None when nobody is signed in.

        Raises the client's `RoadcrewError` when the server can't be asked.
        """
        return await self._over_there(self._open(server))

    async def _open(self, server: str) -> User | None:
        from roadcrew_client import errors  # noqa: PLC0415 - not before the first paint

        await self._shut()
        token = await asyncio.to_thread(self._maker.vault().load, server)
        self._client = self._maker.client(server, token)
        self._server = server
        self._client.on_token = self._token_changed
        await self._client.__aenter__()
        if token is None:
            return None
        try:
            return await self._client.whoami()
        except errors.NotSignedIn:
            return None

    def _token_changed(self, token: str | None) -> None:
        server = self._server
        if server is None or self._loop is None:
            return
        vault = self._maker.vault()
        work = (
            asyncio.to_thread(vault.forget, server) if token is None else asyncio.to_thread(vault.save, server, token)
        )
        self._keeping = self._loop.create_task(work)
        self._say(TokenChanged(token is not None))

    async def call(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Run `work(client)` on the client's loop. Raises what it raises."""

        async def run() -> T:
            if self._client is None:
                raise LookupError("no server is open")
            return await work(self._client)

        return await self._over_there(run())

    # --- a trip ----------------------------------------------------------------------------------

    async def follow(self, trip_id: str, where: str) -> None:
        """Follow a trip; `TripChanged` comes from now on. What was followed before is left."""
        await self._over_there(self._follow(trip_id, where))

    async def _follow(self, trip_id: str, where: str) -> None:
        await self._unfollow()
        if self._client is None:
            raise LookupError("no server is open")
        live = self._client.follow(trip_id, where=where)
        self._live = live
        self._unlisten = live.listen(lambda change: self._changed(live, change))
        await live.start()
        self._say(TripChanged(_snapshot(live), News("status")))

    async def unfollow(self) -> None:
        """Leave the trip that is followed."""
        await self._over_there(self._unfollow())

    async def _unfollow(self) -> None:
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        if self._live is not None:
            live, self._live = self._live, None
            await live.stop()

    def _changed(self, live: LiveTrip, change: Change) -> None:
        refusal = change.refusal
        news = News(
            change.kind,
            tuple(change.events),
            Refusal(refusal.code, refusal.detail, MappingProxyType(dict(refusal.facts))) if refusal else None,
            change.pending.act if change.pending else None,
            change.reason,
        )
        self._say(TripChanged(_snapshot(live), news))

    async def act(self, act: TripAct) -> Snapshot:
        """Do something to the followed trip. Returns the trip with it painted.

        Raises `Refused` when it is malformed; other refusals come as `TripChanged` with the reason.
        """

        async def run() -> Snapshot:
            if self._live is None:
                raise LookupError("no trip is followed")
            self._live.act(act)
            return _snapshot(self._live)

        return await self._over_there(run())

    def look(self, where: str) -> None:
        """Tell which tab is seen."""
        self._soon(lambda: self._live.look(where) if self._live is not None else None)

    def signal(self, what: Signal) -> None:
        """Tell what the policy of syncing wants to know."""
        self._soon(lambda: getattr(self._live, what)() if self._live is not None else None)


def _snapshot(live: LiveTrip) -> Snapshot:
    status = live.status
    # While the link is live, what is on its way is marked where it stands; only what is held back is counted.
    held = sum(p.state == "waiting" for p in live.pending) if status.state == "live" else status.waiting
    return Snapshot(
        trip_id=live.trip_id,
        trip=live.trip,
        confirmed=live.confirmed,
        sending=tuple(Sending(p.id, p.act, p.state == "waiting") for p in live.pending),
        present=MappingProxyType(dict(live.present)),
        status=Status(status.state, status.interval, held),
        ahead=live.server_now() - datetime.now(UTC),
    )
