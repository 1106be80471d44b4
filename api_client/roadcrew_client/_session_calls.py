"""The part of `Client` that is about who we are: signing in and out, and waiting until that can be used.

Not for holding or renewing the token: that is `SessionKeeper`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from roadcrew_client._calls import Calls
from roadcrew_client._own_copies import OwnCopies
from roadcrew_client.context import Context
from roadcrew_client.delivery import Delivery
from roadcrew_client.errors import NotSignedIn, RoadcrewError
from roadcrew_client.models import Session, SessionInfo, User, read
from roadcrew_client.session import SessionKeeper
from roadcrew_client.settings import Clock
from roadcrew_client.waiting import ATTEMPTS, INITIAL, Figures, Look, SessionReady, wait_for_session

if TYPE_CHECKING:
    from roadcrew_client.transport import Reply


class SessionCalls:
    """What it needs, `Client` sets."""

    figures: Figures
    delivery: Delivery | None
    _calls: Calls
    _clock: Clock
    _context: Context
    _own_copies: OwnCopies
    _session: SessionKeeper

    @property
    def token(self) -> str | None:
        """The token that calls carry; None when not signed in."""
        return self._session.token

    @property
    def lost_token(self) -> str | None:
        """The token that was given up last, so that no other is forgotten where tokens are kept."""
        return self._session.lost

    def token_is_kept(self, token: str) -> None:
        """Said by who keeps tokens: there is a next time, for which copies are worth keeping."""
        self._own_copies.token_is_kept(token)

    @property
    def user(self) -> User | None:
        """Who we are; None until signed in here, or asked by `whoami`."""
        return self._session.user

    @property
    def on_token(self) -> Callable[[str | None], None] | None:
        """Told when a token is got, renewed or lost (None), to store it."""
        return self._session.on_token

    @on_token.setter
    def on_token(self, told: Callable[[str | None], None] | None) -> None:
        self._session.on_token = told

    async def guest(self, name: str) -> Session:
        """Be a guest: a real person here, without a password."""
        return await self._sign_in("guest", {"name": name})

    async def signup(self, username: str, password: str, name: str) -> Session:
        """Make an account. Raises `Rejected`: `username-taken`, `weak-password` …"""
        return await self._sign_in("signup", {"username": username, "password": password, "name": name})

    async def login(self, username: str, password: str) -> Session:
        """Sign in. Raises `NotSignedIn` (`wrong-credentials`)."""
        return await self._sign_in("login", {"username": username, "password": password})

    async def _sign_in(self, how: str, body: Mapping[str, object]) -> Session:
        key = self._context.new_id()
        return await self._calls.retry(lambda: self._session.sign_in(f"/api/session/{how}", body, key))

    async def wait_for_session(
        self,
        attempts: int = ATTEMPTS,
        initial: float = INITIAL,
        *,
        progress: Callable[[Look], None] | None = None,
    ) -> SessionReady:
        """Wait until the session can be used: one look at once, and, by default, five more after 1.5, 2.25, 3.375, 5
        and 5 seconds (C4). A 401 and a lost connection mean "not yet". `progress` is told of each look.

        Raises `SessionNotReady` after the last one; `Unreachable` if that one got no answer; `NotSignedIn` without a
        token. The token is kept in any case, so one can wait again.
        """
        try:
            ready = await wait_for_session(
                self._session.look, clock=self._clock, attempts=attempts, initial=initial, progress=progress
            )
        except RoadcrewError as error:
            self.figures.sessions_given_up += not isinstance(error, NotSignedIn)
            raise
        self.figures.session_attempts, self.figures.session_seconds = ready.attempts, ready.seconds
        return ready

    async def upgrade(self, username: str, password: str) -> User:
        """Make the guest that we are an account; same id, same trips."""
        reply = await self._calls.post("/api/session/upgrade", {"username": username, "password": password})
        return self._know(reply)

    async def logout(self) -> None:
        """End the session here and at the server; no copy of this person's trips stays."""
        token, user = self.token, self.user
        with suppress(NotSignedIn):  # it has ended already, perhaps by this very call, whose answer was lost
            await self._calls.call("DELETE", "/api/session")
        self._session.lose()
        self._own_copies.forget_person(user, token)

    async def recall(self) -> User | None:
        """Who we are, from the copies: whose this token was when the server said so last. It need not be asked, and
        may not be there. None where that is not known."""
        if self.user is not None:
            return self.user
        token, user = self.token, await self._own_copies.who()
        if user is not None and self.token == token:
            self._session.recall(user)
            if self.delivery is not None:
                self.delivery.kick()
        return self.user

    async def whoami(self) -> User:
        """Who the token belongs to. Raises `NotSignedIn`."""
        return self._know(await self._calls.call("GET", "/api/session"))

    async def rename(self, name: str) -> User:
        """Be called this, in every trip."""
        body = msgspec.json.encode({"name": name})
        return self._know(await self._calls.call("PATCH", "/api/session", body=body))

    def _know(self, reply: Reply) -> User:
        info = read(reply.body, SessionInfo)
        self._session.know(info)
        return info.user
