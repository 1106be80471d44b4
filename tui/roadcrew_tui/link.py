"""The one thing that screens ask for what a client does: they get answers and messages back, and never do I/O.

Everything that belongs to `roadcrew_client` (and its imports) lives on the one event loop of the client's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message

from roadcrew_tui.booking_link import BookingLink
from roadcrew_tui.client_thread import ClientThread
from roadcrew_tui.collector import spare_what_is_here
from roadcrew_tui.following import Following, Signal
from roadcrew_tui.messages import (
    AttemptFailed,
    OutboxChanged,
    Recalled,
    ServerTold,
    SessionLooked,
    TokenChanged,
    TripChanged,
)
from roadcrew_tui.notice_link import NoticeLink
from roadcrew_tui.runs_link import RunsLink
from roadcrew_tui.snapshot import Inspection, Snapshot
from roadcrew_tui.talk_link import TalkLink
from roadcrew_tui.token_keeping import TokenKeeping

if TYPE_CHECKING:
    from roadcrew_client import Client, Delivery, Look, OutboxEntry, Retry, User
    from roadcrew_domain.trip import TripAct
    from roadcrew_tui.maker import Maker

T = TypeVar("T")
Pace = tuple[float, float] | None
CLOSING = 3.0
"""Seconds that a clean leave may take before the app goes without it."""
ASIDE = 3.0
"""Seconds that a disk may take to answer somebody who waits for it."""
SETTLING = 1.0
"""Seconds of these for a change that is on its way."""


class Link:
    """One client at a time, one followed trip at a time."""

    def __init__(
        self, post: Callable[[Message], object], maker: Maker, *, keeps: bool = True, pace: Pace = None
    ) -> None:
        """`keeps` False: no token goes into a file, where no keyring works. `pace`: as `Client.pace` has it."""
        self._post = post
        self._maker = maker
        self._thread = ClientThread()
        self._tokens = TokenKeeping(maker, self._say, keeps=keeps)
        self._following = Following(self._followed)
        self.booking = BookingLink(self._thread, self._say, maker, self._opened)
        self.runs = RunsLink(self._thread, self._say, lambda: self._client)
        self.talk = TalkLink(self._thread, self._say, lambda: self._client)
        self.notices = NoticeLink(self._thread, self._say, lambda: self._client)
        self._pace = pace
        self._client: Client | None = None
        self._server: str | None = None
        self._leaving = False
        self._spared = False
        self._opening: asyncio.Task[Any] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._waits = 0

    def start(self) -> None:
        """Start the client's thread. Cheap; the client's imports happen over there."""
        self._thread.start()

    def _say(self, message: Message) -> None:
        try:
            self._post(message)
        except RuntimeError:  # the app's loop has just closed; nobody is left to be told
            return

    async def close(self) -> int:
        """Leave cleanly, but never hold up the exit. Returns how many changes wait for the next time."""
        if self._thread.loop is None:
            return 0
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._thread.run(self._end()), CLOSING)
        self._thread.stop()
        return self._waits

    async def _end(self) -> None:
        if self._client is not None:
            self._waits = await self._client.settle(SETTLING)
        await self._shut()
        await self._maker.close()

    async def _shut(self) -> None:
        await self._following.end()
        await self.booking.forget_server()
        await self.runs.forget_server()
        await self.talk.forget_server()
        await self.notices.forget_server()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
            self._asking = None
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()
        await self._tokens.settle()

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
        return await self._thread.run(self._open(server))

    async def _open(self, server: str) -> User | None:
        """The newest one counts: whoever waits for one that is under way is cancelled."""
        former, self._opening = self._opening, asyncio.current_task()
        if former is not None and not former.done():
            former.cancel()
            await asyncio.wait([former])
        return await self._open_now(server)

    async def _open_now(self, server: str) -> User | None:
        from roadcrew_client import errors  # noqa: PLC0415 - not before the first paint

        await self._shut()
        self._server = server
        kept = await self._tokens.find(server)
        client = self._maker.client(server, kept, lambda: self._tokens.load(server))
        client.on_token = lambda token: self._token_changed(server, client, token)
        client.on_retry = self._attempted
        if self._pace is not None:
            client.pace(*self._pace)
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

    def _followed(self, changed: TripChanged) -> None:
        """Ask a server once what it serves, when a trip there is followed and it is within reach."""
        self._say(changed)
        if self._asking is None and changed.snapshot.status.state in ("live", "polling"):
            self._asking = asyncio.get_running_loop().create_task(self._ask(self._opened(), self._server or ""))

    async def _ask(self, client: Client, server: str) -> None:
        from roadcrew_client.errors import RoadcrewError, Unreachable  # noqa: PLC0415 - not before the first paint

        try:
            info = await client.server_info()
        except Unreachable:
            self._asking = None  # the next news of the trip is a reason to ask again
        except RoadcrewError:
            return
        else:
            self._say(ServerTold(server, info.features))
            if "book" in info.features:
                self.booking.offered(info.payments)
                if self._following.follows:
                    await self.booking.begin(client)

    def pace(self, fastest: float, slowest: float) -> None:
        """How often a server is asked that can't be listened to, in seconds, from now on."""
        self._pace = (fastest, slowest)
        self._thread.soon(lambda: None if self._client is None else self._client.pace(fastest, slowest))

    def keeps(self, yes: bool) -> None:
        """Whether a token may go into a file where no keyring works, from the next one on."""
        self._thread.soon(lambda: self._tokens.keeps(yes))

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

    def _token_changed(self, server: str, client: Client, token: str | None) -> None:
        self._tokens.changed(server, client, token)
        if client is self._client:
            self._say(TokenChanged(token is not None, asked=self._leaving))

    async def aside(self, call: Callable[[], T]) -> T:
        """Call what may block, such as a look into a folder, where it holds up neither the screen nor the end. Raises
        what it raises, and `TimeoutError`."""
        return await asyncio.wait_for(self._thread.run(asyncio.to_thread(call)), ASIDE)

    async def call(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Run `work(client)` on the client's loop. Raises what it raises."""

        async def run() -> T:
            return await work(self._opened())

        return await self._thread.run(run())

    def _opened(self) -> Client:
        if self._client is None:
            raise LookupError("no server is open")
        return self._client

    # --- what waits ------------------------------------------------------------------------------

    async def waiting(self) -> tuple[OutboxEntry, ...]:
        """The changes of this person that wait, ask, or were refused."""
        found = await self._thread.run(self._delivered(lambda delivery: delivery.entries()))
        return () if found is None else tuple(found)

    async def drop(self, ids: Collection[str]) -> None:
        """Send these no more, nor what hangs on them."""
        await self._thread.run(self._delivered(lambda delivery: delivery.drop(ids)))

    async def send_old(self, ids: Collection[str]) -> None:
        """Send these, though they are old, and what they need."""
        await self._thread.run(self._delivered(lambda delivery: delivery.send(ids)))

    async def _delivered(self, work: Callable[[Delivery], Awaitable[T]]) -> T | None:
        delivery = None if self._client is None else self._client.delivery
        return None if delivery is None else await work(delivery)

    # --- how it goes -----------------------------------------------------------------------------

    async def inspect(self) -> Inspection:
        """How it stands with the link. Asks no server, and is counted whether anybody looks or not."""

        async def run() -> Inspection:
            client = self._client
            if client is None:
                return Inspection(self._server)
            figures = client.figures
            return Inspection(
                self._server,
                client.user is not None,
                self._tokens.kept_in,
                figures.session_attempts,
                figures.session_seconds,
                figures.sessions_given_up,
                figures.bytes_in,
                figures.bytes_out,
                self._following.figures(),
                replace(figures.book, adds_failed=dict(figures.book.adds_failed)),
            )

        return await self._thread.run(run())

    # --- a trip ----------------------------------------------------------------------------------

    async def follow(self, trip_id: str, where: str) -> None:
        """Follow a trip; `TripChanged` comes from now on. What was followed before is left."""

        async def run() -> None:
            await self._following.begin(self._opened(), trip_id, where)
            await self.booking.begin(self._opened())

        await self._thread.run(run())

    async def unfollow(self) -> None:
        """Leave the trip that is followed, and the cart with it."""

        async def run() -> None:
            await self._following.end()
            await self.booking.end()

        await self._thread.run(run())

    async def act(self, act: TripAct) -> Snapshot:
        """Do something to the followed trip. Returns the trip with it painted.

        Raises `Refused` when it is malformed; other refusals come as `TripChanged` with the reason.
        """

        async def run() -> Snapshot:
            return self._following.act(act)

        return await self._thread.run(run())

    def look(self, where: str) -> None:
        """Tell which tab is seen."""
        self._thread.soon(lambda: self._following.look(where))

    def signal(self, what: Signal) -> None:
        """Tell what the policy of syncing wants to know. Who is away is so in the next trip too."""
        self._thread.soon(lambda: self._following.signal(what))
        self._thread.soon(lambda: self.booking.signal(what))
        self._thread.soon(lambda: self.runs.signal(what))
        self._thread.soon(lambda: self.talk.signal(what))
