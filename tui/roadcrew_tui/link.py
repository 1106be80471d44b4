"""The client's own thread. The screen asks here and gets answers and messages back; it never does I/O itself.

Everything that belongs to `roadcrew_client` (and its imports) lives on the one event loop of this thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from textual.message import Message

from roadcrew_tui.collector import spare_what_is_here
from roadcrew_tui.settings import COPIES
from roadcrew_tui.snapshot import (
    AttemptFailed,
    Inspection,
    News,
    OutboxChanged,
    Recalled,
    Refusal,
    Sending,
    SessionLooked,
    SignInNote,
    Snapshot,
    Status,
    TokenChanged,
    TripChanged,
)

if TYPE_CHECKING:
    from roadcrew_client import Change, Client, Copies, Delivery, LiveTrip, Look, Outbox, OutboxEntry, Retry, User
    from roadcrew_client.credentials import Kept
    from roadcrew_domain.trip import TripAct

T = TypeVar("T")
Signal = Literal["key_pressed", "hidden", "shown", "suspended", "resumed"]
OUTBOX = "outbox"
"""The folder of changes that wait, in the data folder."""
CLOSING = 3.0
"""Seconds that a clean leave may take before the app goes without it."""
SETTLING = 1.0
"""Seconds of these for a change that is on its way."""


class Vault(Protocol):
    """Where tokens are kept. Asked in a thread."""

    def find(self, server: str) -> Kept | None: ...
    def load(self, server: str) -> str | None: ...
    def save(self, server: str, token: str) -> object: ...
    def forget(self, server: str, token: str | None) -> object: ...


class Maker(Protocol):
    """Makes what the thread works with; tests and the demo hand in one of their own."""

    def client(self, server: str, kept: Kept | None, reload: Callable[[], Awaitable[str | None]]) -> Client: ...
    def vault(self, may_write_file: Callable[[Path, str], bool]) -> Vault: ...
    async def close(self) -> None: ...


class RealMaker:
    """The real client. Imports it on the client's thread, after the first paint."""

    def __init__(self, folder: Path, home: str | None = None) -> None:
        """`folder` for what is kept of this person; `home`, the server that `ROADCREW_TOKEN` is for."""
        self._folder = folder
        self._home = home
        self._outbox: Outbox | None = None
        self._copies: Copies | None = None

    def client(self, server: str, kept: Kept | None, reload: Callable[[], Awaitable[str | None]]) -> Client:
        from roadcrew_client import Client, Copies, Outbox  # noqa: PLC0415 - not before the first paint

        self._outbox = self._outbox or Outbox(self._folder / OUTBOX)
        self._copies = self._copies or Copies(self._folder / COPIES)
        if kept is None:
            return Client(server, reload_token=reload, outbox=self._outbox, copies=self._copies)
        return Client(
            server,
            token=kept.token,
            token_since=kept.since,
            renews=kept.ours,
            reload_token=reload,
            outbox=self._outbox,
            copies=self._copies,
        )

    def vault(self, may_write_file: Callable[[Path, str], bool]) -> Vault:
        from roadcrew_client.credentials import Credentials  # noqa: PLC0415 - not before the first paint

        return Credentials(self._folder, home=self._home, may_write_file=may_write_file)

    async def close(self) -> None:
        """Let others take over what waits."""
        if self._outbox is not None:
            await self._outbox.close()
        if self._copies is not None:
            await self._copies.close()


class Link:
    """One client at a time, one followed trip at a time."""

    def __init__(self, post: Callable[[Message], object], maker: Maker, *, keeps: bool = True) -> None:
        """`keeps` False: no token goes into a file, where no keyring works."""
        self._post = post
        self._maker = maker
        self._keeps = keeps
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roadcrew-client", daemon=True)
        self._vault: Vault | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._server: str | None = None
        self._leaving = False
        self._spared = False
        self._opening: asyncio.Task[Any] | None = None
        self._away: Signal | None = None
        self._kept_in: str | None = None
        self._live: LiveTrip | None = None
        self._unlisten: Callable[[], None] | None = None
        self._waits = 0

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

    async def close(self) -> int:
        """Leave cleanly, but never hold up the exit. Returns how many changes wait for the next time."""
        if self._loop is None:
            return 0
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over_there(self._end()), CLOSING)
        self._soon(self._loop.stop)
        return self._waits

    async def _end(self) -> None:
        if self._client is not None:
            self._waits = await self._client.settle(SETTLING)
        await self._shut()
        await self._maker.close()

    async def _shut(self) -> None:
        await self._unfollow()
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()
        if self._keeping is not None:
            await asyncio.wait([self._keeping])

    # --- server and person -----------------------------------------------------------------------

    @property
    def server(self) -> str | None:
        """The server that was opened last."""
        return self._server

    async def open(self, server: str) -> User | None:
        """Work with this server. Returns who we are there, or None when nobody is signed in; `Recalled` comes before,
        if that is known from the last time.

        Raises the client's `RoadcrewError` when the server can't be asked, or does not honour the session in time.
        Cancelled when another is opened meanwhile.
        """
        return await self._over_there(self._open(server))

    async def _open(self, server: str) -> User | None:
        """The newest one counts: whoever waits for one that is under way is cancelled."""
        former, self._opening = self._opening, asyncio.current_task()
        if former is not None and not former.done():
            former.cancel()
            await asyncio.wait([former])
        return await self._open_now(server)

    async def _open_now(self, server: str) -> User | None:
        from roadcrew_client import errors  # noqa: PLC0415 - not before the first paint
        from roadcrew_client.credentials import CredentialsError  # noqa: PLC0415 - not before the first paint

        await self._shut()
        self._server = server
        if self._vault is None:
            self._vault = self._maker.vault(self._may_write)
        vault = self._vault
        try:
            kept = await asyncio.to_thread(vault.find, server)
        except CredentialsError as error:
            raise errors.RoadcrewError("credentials", str(error)) from error
        self._kept_in = None if kept is None else kept.place
        client = self._maker.client(server, kept, lambda: asyncio.to_thread(vault.load, server))
        client.on_token = lambda token: self._token_changed(vault, server, client, token)
        client.on_retry = self._attempted
        if client.delivery is not None:
            client.delivery.listen(lambda news: self._say(OutboxChanged(news)))
        self._client = client
        if not self._spared:  # after the client's imports, once
            self._spared = True
            spare_what_is_here()
        await client.__aenter__()
        if kept is None:
            return None
        recalled = await client.recall()
        if recalled is not None:
            self._say(Recalled(server, recalled))
        try:
            return await client.whoami()
        except errors.NotSignedIn:
            return None
        except errors.SessionNotReady:
            await client.wait_for_session(progress=self._looked)
            return client.user

    async def establish(self) -> None:
        """Wait until a new session can be used; `SessionLooked` comes after each look. Raises `SessionNotReady`,
        `Unreachable`; the session is kept all the same."""
        await self.call(lambda client: client.wait_for_session(progress=self._looked))

    def _looked(self, look: Look) -> None:
        self._say(SessionLooked(look.number, look.of, look.seen))

    def _attempted(self, retry: Retry) -> None:
        if retry.wait is not None:
            self._say(AttemptFailed(retry.attempt, retry.of))

    async def sign_out(self) -> None:
        """End the session, because this person wants that."""
        self._leaving = True
        try:
            await self.call(lambda client: client.logout())
        finally:
            self._leaving = False

    def _may_write(self, file: Path, why: str) -> bool:
        """Told, not asked: docs/decisions/0010-where-tokens-are-kept.md."""
        if self._keeps:
            self._say(SignInNote(f"{why} Your sign-in is kept in {file}, readable by you only.".strip()))
        else:
            self._say(SignInNote("Your settings say keep_sign_in = false: this sign-in ends with the app.", "warning"))
        return self._keeps

    def _token_changed(self, vault: Vault, server: str, client: Client, token: str | None) -> None:
        if self._loop is None:
            return
        self._keeping = self._loop.create_task(
            self._keep(vault, server, token, client, client.lost_token, self._keeping)
        )
        if client is self._client:
            self._say(TokenChanged(token is not None, asked=self._leaving))

    async def _keep(
        self,
        vault: Vault,
        server: str,
        token: str | None,
        client: Client,
        lost: str | None,
        before: asyncio.Task[None] | None,
    ) -> None:
        """Keep or forget a token, one after the other in the order in which they came."""
        from roadcrew_client.credentials import CredentialsError  # noqa: PLC0415 - not before the first paint

        if before is not None:
            await asyncio.wait([before])
        try:
            if token is None:
                self._kept_in = None
                await asyncio.to_thread(vault.forget, server, lost)
            else:
                place = await asyncio.to_thread(vault.save, server, token)
                self._kept_in = place if isinstance(place, str) else None
                if place in ("keyring", "file"):
                    client.token_is_kept(token)
        except CredentialsError as error:
            self._say(SignInNote(str(error), "warning"))

    async def call(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Run `work(client)` on the client's loop. Raises what it raises."""

        async def run() -> T:
            if self._client is None:
                raise LookupError("no server is open")
            return await work(self._client)

        return await self._over_there(run())

    # --- what waits ------------------------------------------------------------------------------

    async def waiting(self) -> tuple[OutboxEntry, ...]:
        """The changes of this person that wait, ask, or were refused."""
        found = await self._over_there(self._delivered(lambda delivery: delivery.entries()))
        return () if found is None else tuple(found)

    async def drop(self, ids: Collection[str]) -> None:
        """Send these no more, nor what hangs on them."""
        await self._over_there(self._delivered(lambda delivery: delivery.drop(ids)))

    async def send_old(self, ids: Collection[str]) -> None:
        """Send these, though they are old, and what they need."""
        await self._over_there(self._delivered(lambda delivery: delivery.send(ids)))

    async def _delivered(self, work: Callable[[Delivery], Awaitable[T]]) -> T | None:
        delivery = None if self._client is None else self._client.delivery
        return None if delivery is None else await work(delivery)

    # --- how it goes -----------------------------------------------------------------------------

    async def inspect(self) -> Inspection:
        """How it stands with the link. Asks no server, and is counted whether anybody looks or not."""

        async def run() -> Inspection:
            client, live = self._client, self._live
            if client is None:
                return Inspection(self._server)
            figures = client.figures
            return Inspection(
                self._server,
                client.user is not None,
                self._kept_in,
                figures.session_attempts,
                figures.session_seconds,
                figures.sessions_given_up,
                figures.bytes_in,
                figures.bytes_out,
                None if live is None else live.figures(),
            )

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
        if self._away is not None:
            getattr(live, self._away)()
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
        """Tell what the policy of syncing wants to know. Who is away is so in the next trip too."""
        self._soon(lambda: self._signalled(what))

    def _signalled(self, what: Signal) -> None:
        self._away = what if what in ("hidden", "suspended") else None
        if self._live is not None:
            getattr(self._live, what)()


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
