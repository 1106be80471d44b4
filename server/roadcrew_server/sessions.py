"""Sessions: whose token this is, until when, and what this process remembers of that.

Tokens are random and opaque; the store has only their hashes. A session that one process ends or shortens is told to
all, by the store. What it is not for: becoming somebody, and passwords (auth.py).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from roadcrew_server.problems import not_signed_in, session_not_ready
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Store

IssuedKind = Literal["new", "renewed"]

CACHED_SESSIONS = 50_000
REVOKED_TOKENS = 50_000
FOLLOWED_SECONDS = 30 * 60.0
"""For so much longer a session is not asked for again while a stream of it is open."""
REVOKED_SECONDS = 60.0
"""For how long a revoked token is remembered at the least: longer than any request waits between reading a session
and using it."""
REMEMBERED_TOKENS = 8
GUEST_DAYS = 400
"""A guest is forgotten this long after they were last here, and never while a session of theirs may last."""
GUEST_SLACK = timedelta(days=30)
"""Their record is prolonged this often at the most."""


class User(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A person. `password` is an argon2id hash and never leaves the server; a guest has none."""

    id: str
    name: str
    username: str | None = None
    password: str | None = None

    @property
    def guest(self) -> bool:
        """Without a user name."""
        return self.username is None


class SessionRecord(msgspec.Struct, frozen=True, rename="camel"):
    """`renewed` are hashes of the tokens before this one: what they opened ends with it."""

    user: str
    expires_at: datetime
    created_at: datetime
    renewed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A good token, and whose it is. It is honoured from `ready_at` on (the setting `session_delay`); None: at once,
    whatever the clocks of the servers say. `issued_at` is None for one that goes on from another (renewal)."""

    user: User
    token_hash: str
    expires_at: datetime
    ready_at: datetime | None
    issued_at: datetime | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new session with its token, which is shown once."""

    token: str
    session: Session


class Sessions:
    """The sessions in the store, and those of them that this process answers for from memory."""

    def __init__(
        self, store: Store, settings: Settings, *, token: Callable[[int], str] = secrets.token_urlsafe
    ) -> None:
        self._store = store
        self._settings = settings
        self._token = token
        self._guest_life = timedelta(days=max(GUEST_DAYS, settings.session_days + GUEST_SLACK.days + 1))
        self.on_issued: Callable[[IssuedKind], None] = lambda _: None
        self.on_used: Callable[[str, datetime], None] = lambda _hash, _issued_at: None
        self.followed: Callable[[str], bool] = lambda _hash: False
        self._cache: OrderedDict[str, tuple[Session, float]] = OrderedDict()
        self._revoked: OrderedDict[str, float] = OrderedDict()
        self._forgotten = 0

    # --- people ------------------------------------------------------------------------------------

    def guest_until(self) -> datetime:
        """When a guest who is here now is forgotten unless they come back."""
        return self._store.now() + self._guest_life

    async def user(self, user_id: str) -> User | None:
        """The person, who is here: their record lives on."""
        stored = await self._store.get("user", user_id)
        if stored is None:
            return None
        expires = self.guest_until()
        if stored.expires_at is not None and stored.expires_at < expires - GUEST_SLACK:
            await self._store.replace("user", user_id, stored.value, stored.value, expires)
        return msgspec.json.decode(stored.value, type=User)

    async def fresh(self, session: Session) -> Session:
        """The session with the person as the store has them: another process may have renamed them, or made them an
        account. Raises `Problem` 401 if they are gone."""
        user = await self.user(session.user.id)
        if user is None:
            raise not_signed_in()
        if user != session.user:
            self.forget(session.token_hash)
        return replace(session, user=user)

    def forget_user(self, user_id: str) -> None:
        """They changed: none of their terminals must be answered from memory."""
        for token_hash, (session, _) in tuple(self._cache.items()):
            if session.user.id == user_id:
                self.forget(token_hash)

    # --- beginning and ending ----------------------------------------------------------------------

    async def issue(self, user: User, renewed: tuple[str, ...] = ()) -> Issued:
        """A new session of this person; `renewed` are hashes of the tokens that it goes on from."""
        token = f"rc_{self._token(32)}"
        now = self._store.now()
        expires = now + timedelta(days=self._settings.session_days)
        record = SessionRecord(user.id, expires, now, renewed)
        await self._store.put("session", _hash(token), msgspec.json.encode(record), expires)
        self.on_issued("renewed" if renewed else "new")
        return Issued(token, self._cached(self._session(user, _hash(token), record)))

    async def renew(self, session: Session) -> Issued:
        """A new token; the old one stays good for the grace time, so that requests under way end well."""
        renewed = (session.token_hash, *await self._renewed(session))[:REMEMBERED_TOKENS]
        issued = await self.issue((await self.fresh(session)).user, renewed)
        await self._shorten(session)
        return issued

    async def _shorten(self, session: Session) -> None:
        soon = self._store.now() + timedelta(seconds=self._settings.renewal_grace)
        stored = await self._store.get("session", session.token_hash)
        if stored is not None and soon < session.expires_at:
            record = msgspec.json.decode(stored.value, type=SessionRecord)
            shorter = msgspec.json.encode(msgspec.structs.replace(record, expires_at=soon))
            # Not if signed out. Who has it in memory is told in the same step: nobody could do so later for us.
            await self._store.replace("session", session.token_hash, stored.value, shorter, soon, tell=True)
            self.forget(session.token_hash)

    async def sign_out(self, session: Session) -> None:
        """The token is no longer good, on every process; nor are those that it was renewed from. It goes last: who got
        no answer can ask with it again, unless all is done."""
        for token_hash in (*await self._renewed(session), session.token_hash):
            await self._store.revoke("session", token_hash)
            self.revoke(token_hash)

    async def _renewed(self, session: Session) -> tuple[str, ...]:
        stored = await self._store.get("session", session.token_hash)
        return () if stored is None else msgspec.json.decode(stored.value, type=SessionRecord).renewed

    # --- asking ------------------------------------------------------------------------------------

    async def session(self, token: str) -> Session:
        """Whose token this is. Raises `Problem` 401: `not-signed-in`, or `session-not-ready` for one that is new."""
        session = await self._known(_hash(token))
        if session.ready_at is not None and self._store.now() < session.ready_at:
            raise session_not_ready()
        if session.issued_at is not None:
            self.on_used(session.token_hash, session.issued_at)
        return session

    async def _known(self, token_hash: str) -> Session:
        cached = self._cache.get(token_hash)
        now = self._store.now()
        if cached is not None and self._is_fresh(token_hash, cached[1]) and now < cached[0].expires_at:
            self._cache.move_to_end(token_hash)
            return cached[0]
        forgotten = self._forgotten
        stored = await self._store.get("session", token_hash)
        if stored is None:
            raise not_signed_in()
        record = msgspec.json.decode(stored.value, type=SessionRecord)
        user = await self.user(record.user)
        if user is None or now >= record.expires_at or self.revoked(token_hash):  # meanwhile, it may be
            raise not_signed_in()
        session = self._session(user, token_hash, record)
        return session if self._forgotten != forgotten else self._cached(session)

    def _is_fresh(self, token_hash: str, until: float) -> bool:
        """Whose stream is open is told at once when the session ends or is shortened, and so is this process; the store
        is asked all the same now and then, for who is here lives on by it."""
        left = until - time.monotonic()
        return left > 0 or (left > -FOLLOWED_SECONDS and self.followed(token_hash))

    def _session(self, user: User, token_hash: str, record: SessionRecord) -> Session:
        """A renewed session goes on; only a new one is waited for."""
        issued_at, delay = None if record.renewed else record.created_at, self._settings.session_delay
        ready_at = issued_at + timedelta(seconds=delay) if issued_at and delay else None
        return Session(user, token_hash, record.expires_at, ready_at, issued_at)

    async def stands(self, token_hash: str) -> bool:
        """True if the store has this session still."""
        return await self._store.get("session", token_hash) is not None

    def revoke(self, token_hash: str) -> None:
        """The token is no longer good, whatever is being read of it right now."""
        self.forget(token_hash)
        now = time.monotonic()
        self._revoked[token_hash] = now + max(REVOKED_SECONDS, self._settings.session_cache)
        while len(self._revoked) > REVOKED_TOKENS or next(iter(self._revoked.values())) < now:
            self._revoked.popitem(last=False)

    def revoked(self, token_hash: str) -> bool:
        """True if this token was revoked a short while ago."""
        return token_hash in self._revoked

    def forget(self, token_hash: str) -> None:
        """Don't answer for this token from memory, nor from what is being read of it right now."""
        self._forgotten += 1
        self._cache.pop(token_hash, None)

    def forget_all(self) -> None:
        """Don't answer for anybody from memory: it may not have been heard who was signed out."""
        self._forgotten += 1
        self._cache.clear()

    def _cached(self, session: Session) -> Session:
        if self.revoked(session.token_hash):
            return session
        self._cache[session.token_hash] = (session, time.monotonic() + self._settings.session_cache)
        while len(self._cache) > CACHED_SESSIONS:
            self._cache.popitem(last=False)
        return session


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
