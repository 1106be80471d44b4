"""Who we are at a server: the token, its renewal (one at a time), and every call made in its name.

"Not yet" (`SessionNotReady`) is no end of a session: such a token is neither renewed nor given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from roadcrew_client.errors import NotSignedIn, RoadcrewError, SessionNotReady, Unreachable
from roadcrew_client.models import Session, SessionInfo, User, read
from roadcrew_client.settings import ClientSettings, ServerTime

if TYPE_CHECKING:
    from roadcrew_client.transport import HttpTransport, OpenStream, Params, Reply, Upload


logger = logging.getLogger(__name__)

Connect = Callable[[], Awaitable["HttpTransport"]]
"""Gives the transport; the HTTP library is loaded when it is first asked for."""
Reload = Callable[[], Awaitable[str | None]]
"""Gives the token that is kept now, which another program may have renewed."""


class SessionKeeper:
    """Holds the token and renews it. `on_token` is told of a token that was got, renewed or lost (None); `on_signed_in`
    when there is one again, `on_signed_out` when there is none any more, and `on_another`, before `on_signed_in`, when
    it is somebody else's.

    A token is renewed near its end, and, if somebody keeps what `on_token` tells, as soon as it is older than
    `renew_after`: who comes now and then must not be lost between two visits. `since`: when it was got, by default
    now. `renews` False: the token is not ours to renew. Before anything else, `reload` is asked for a newer one.
    """

    def __init__(
        self,
        connect: Connect,
        settings: ClientSettings,
        server_time: ServerTime,
        token: str | None,
        *,
        since: datetime | None = None,
        renews: bool = True,
        reload: Reload | None = None,
    ) -> None:
        self.token = token
        self.lost: str | None = None
        self.user: User | None = None
        self.on_token: Callable[[str | None], None] | None = None
        self.on_signed_in: Callable[[], None] | None = None
        self.on_signed_out: Callable[[], None] | None = None
        self.on_another: Callable[[], None] | None = None
        self.on_known: Callable[[], None] | None = None
        """Told when the server has said whose the token is, and when that person got another one."""
        self.on_answer: Callable[[], None] | None = None
        """Told of each good answer to a call in our name."""
        self._recalled = False
        self._connect = connect
        self._settings = settings
        self._time = server_time
        self._expires_at: datetime | None = None
        self._lifetime = timedelta(0)
        self._renewing: asyncio.Task[bool] | None = None
        self._since = since or server_time.now()
        self._renews = renews
        self._reload = reload
        self._not_before: datetime | None = None

    # --- getting and losing it --------------------------------------------------------------------

    async def sign_in(self, path: str, body: Mapping[str, object], key: str) -> Session:
        """Call one of the open session routes and keep what it gives."""
        headers = {"Idempotency-Key": key}
        reply = await (await self._connect()).call("POST", path, body=msgspec.json.encode(body), headers=headers)
        session = read(reply.body, Session)
        self.adopt(session)
        return session

    def adopt(self, session: Session) -> None:
        """Act in the name of this session from now on."""
        if self.user is not None and self.user.id != session.user.id and self.on_another is not None:
            self.on_another()
        self.user = session.user
        self._renews = True
        self._learn(session.expires_at)
        self._set(session.token)
        self._tell_known()
        if self.on_signed_in is not None:
            self.on_signed_in()

    def know(self, info: SessionInfo) -> None:
        """The server has said who the token belongs to."""
        if self._recalled and self.user is not None and self.user.id != info.user.id and self.on_another is not None:
            self.on_another()
        self.user = info.user
        self._learn(info.expires_at)
        self._tell_known()

    @property
    def known(self) -> bool:
        """Whether the server has said, since this program runs, who we are."""
        return self.user is not None and not self._recalled

    def recall(self, user: User) -> None:
        """Be who the server said that the token belongs to, the last time that it could be asked."""
        if self.user is None and self.token is not None:
            self.user, self._recalled = user, True

    def _tell_known(self) -> None:
        self._recalled = False
        if self.on_known is not None:
            self.on_known()

    def lose(self) -> None:
        """There is no token any more."""
        self._expires_at = None
        self.lost = self.token or self.lost
        self._set(None)
        if self.on_signed_out is not None:
            self.on_signed_out()

    def _set(self, token: str | None) -> None:
        if token != self.token:
            self.token = token
            self._since, self._not_before = self._time.now(), None
            if self.on_token is not None:
                self.on_token(token)

    def _learn(self, expires_at: datetime | None) -> None:
        if expires_at is not None and expires_at != self._expires_at:
            self._lifetime = expires_at - self._time.now()
        self._expires_at = expires_at

    # --- calls in its name ------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Upload | None = None,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        who: User | None = None,
    ) -> Reply:
        """A call with our token. After a 401 it is made once more if the token could be renewed, in the same name.

        `who`: in this person's name or not at all; raises `NotSignedIn` (`another-person`) when we are somebody else
        by now.
        """
        used = await self._fresh()
        if not self._is(who):
            raise NotSignedIn("another-person", "Somebody else has signed in meanwhile.")
        who = self.user
        for attempt in (1, 2):
            sent = {**(headers or {}), "Authorization": f"Bearer {used}"}
            try:
                reply = await (await self._connect()).call(method, path, body=body, params=params, headers=sent)
            except NotSignedIn as error:
                if attempt == 2 or not await self.renew_after(used, error) or not self._is(who):
                    raise
                used = self.token or used
            else:
                if self.on_answer is not None:
                    self.on_answer()
                return reply
        raise AssertionError("returned or raised")

    def _is(self, who: User | None) -> bool:
        return who is None or (self.user is not None and self.user.id == who.id)

    @asynccontextmanager
    async def stream(self, path: str, params: Params, headers: Mapping[str, str]) -> AsyncGenerator[OpenStream, None]:
        """A stream with our token; a 401 is for the caller to see."""
        used = await self._fresh()
        sent = {**headers, "Authorization": f"Bearer {used}"}
        async with (await self._connect()).stream(path, params=params, headers=sent) as opened:
            yield opened

    # --- being of use (C4) ------------------------------------------------------------------------

    async def look(self) -> RoadcrewError | None:
        """Whether the session can be used: it exists, its user does, and `/api/cart/load` gives it any answer but a
        401. None if so, else what stands against it. Raises `NotSignedIn` if there is no token."""
        token = self.token
        if token is None:
            raise NotSignedIn("not-signed-in", "Sign in first.")
        try:
            async with asyncio.timeout(self._settings.session_look):
                await self._use(token)
        except TimeoutError:
            return Unreachable("timeout", "The server did not answer in time.")
        except RoadcrewError as error:
            return error
        return None

    async def _use(self, token: str) -> None:
        info = read((await self._with(token, "GET", "/api/session")).body, SessionInfo)
        if self.token == token:
            self.know(info)
        try:
            await self._with(token, "GET", "/api/cart/load")
        except (NotSignedIn, SessionNotReady, Unreachable):
            raise
        except RoadcrewError:
            return  # an answer all the same; a server that serves no cart says 404

    # --- renewal ----------------------------------------------------------------------------------

    def is_near_end(self) -> bool:
        """Whether the token ends soon: within `renew_before`, or in the last quarter of a shorter life."""
        if self._expires_at is None or self.token is None:
            return False
        margin = min(timedelta(seconds=self._settings.renew_before), self._lifetime / 4)
        return self._expires_at - self._time.now() <= margin

    def is_due(self) -> bool:
        """Whether it is time for another token."""
        if self.token is None or not self._renews:
            return False
        now = self._time.now()
        if self._not_before is not None and now < self._not_before:
            return False
        old = now - self._since >= timedelta(seconds=self._settings.renew_after)
        return self.is_near_end() or (old and self.on_token is not None)

    async def renew_after(self, used: str | None, error: NotSignedIn | None = None) -> bool:
        """After a 401 for the token `used`: True if there is another one now. If there is not, it is lost."""
        if self.token is not None and self.token == used and await self._renew():
            return True
        if self.token is not None and self.token != used:
            return True
        if self.token == used and (error is None or (error.certain and error.code != "wrong-credentials")):
            self.lose()
        return False

    async def _fresh(self) -> str:
        if self.is_due():
            with suppress(RoadcrewError):  # the old one may still be good; the call itself will tell
                await self._renew()
        if self.token is None:
            raise NotSignedIn("not-signed-in", "Sign in first.")
        return self.token

    async def _renew(self) -> bool:
        """One at a time: whoever comes while it runs waits for the same answer, and cancels only the own wait."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew_now())
            self._renewing.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._renewing)

    async def _renew_now(self) -> bool:
        if await self._take_newer():
            return True
        if not self.is_due():
            return False
        self._not_before = self._time.now() + timedelta(seconds=self._settings.renew_again)
        try:
            reply = await self._with(self.token, "POST", "/api/session/renew", b"{}")
        except NotSignedIn:
            return False
        session = read(reply.body, Session)
        self.user = session.user
        self._expires_at = None
        self._learn(session.expires_at)
        self._set(session.token)
        self._tell_known()
        return True

    async def _take_newer(self) -> bool:
        """Go on with the token that another program of this person has kept meanwhile, if it is good and theirs."""
        newer, had = await self._kept(), self.token
        if newer is None or newer == had:
            return False
        try:
            info = read((await self._with(newer, "GET", "/api/session")).body, SessionInfo)
        except NotSignedIn:
            return False
        if self.token != had or (self.user is not None and info.user.id != self.user.id):
            return False
        # Not told to `on_token`: it is kept already.
        self.token, self._expires_at = newer, None
        self._since, self._not_before = self._time.now(), None
        self.know(info)
        return True

    async def _kept(self) -> str | None:
        try:
            return None if self._reload is None else await self._reload()
        except Exception:
            # A place that can't be read now has no newer token; why it can't is told to who looks there first.
            logger.warning("the token that is kept could not be read again", exc_info=True)
            return None

    async def _with(self, token: str | None, method: str, path: str, body: bytes | None = None) -> Reply:
        headers = {"Authorization": f"Bearer {token}"}
        return await (await self._connect()).call(method, path, body=body, headers=headers)

    async def close(self) -> None:
        """End what is under way."""
        if self._renewing is not None and not self._renewing.done():
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
