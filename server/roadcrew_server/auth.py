"""Who is asking: users, passwords, sessions.

Tokens are random and opaque; the store has only their hashes. Guests are real users without a password.
Passwords are hashed with argon2id (19 MiB, t=2, p=1: OWASP's password storage cheat sheet), two at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from roadcrew_domain import ids
from roadcrew_domain.crew import person_name
from roadcrew_domain.refusals import Refused
from roadcrew_server.problems import Problem, not_signed_in, session_not_ready
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Store
from roadcrew_server.topic import KeyReused

T = TypeVar("T")

IssuedKind = Literal["new", "renewed"]

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,30}[a-z0-9]")
MIN_PASSWORD = 8
MAX_PASSWORD = 256
DECOY = "$argon2id$v=19$m=19456,t=2,p=1$FxCI0QbCPFxAmIeaEKOAPQ$Ay37EtKUJYV+lFyoV80x7wtQU+3FXA+7jau/SWPoNoo"
"""Verified where there is no such user, so that it takes as long."""
CACHED_SESSIONS = 50_000
REVOKED_TOKENS = 50_000
FOLLOWED_SECONDS = 30 * 60.0
"""For so much longer a session is not asked for again while a stream of it is open."""
REVOKED_SECONDS = 60.0
"""For how long a revoked token is remembered at the least: longer than any request waits between reading a session
and using it."""
REMEMBERED_TOKENS = 8
WAITING_HASHES = 64
ONCE_DAYS = 1
"""For so long somebody's first request may be repeated under its key; who has the key may be them until then."""
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


class Once(msgspec.Struct, frozen=True):
    """What makes becoming somebody safe to repeat: `key` is a hash of the idempotency key, `body` one of what came
    with it (never of a password: fast hashes of those can be tried through)."""

    key: str
    body: str


class _Became(msgspec.Struct, frozen=True):
    """Recorded under `Once.key` before anything is done: whose id it will be."""

    body: str
    user: str


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


class Auth:
    """Users and sessions over the store's records."""

    def __init__(
        self, store: Store, settings: Settings, *, token: Callable[[int], str] = secrets.token_urlsafe
    ) -> None:
        self._store = store
        self._settings = settings
        self._token = token
        self._guest_life = timedelta(days=max(GUEST_DAYS, settings.session_days + GUEST_SLACK.days + 1))
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._slots = asyncio.Semaphore(2)
        self._waiting = 0
        self.on_issued: Callable[[IssuedKind], None] = lambda _: None
        self.on_used: Callable[[str, datetime], None] = lambda _hash, _issued_at: None
        self.followed: Callable[[str], bool] = lambda _hash: False
        self._cache: OrderedDict[str, tuple[Session, float]] = OrderedDict()
        self._revoked: OrderedDict[str, float] = OrderedDict()
        self._forgotten = 0

    # --- signing in --------------------------------------------------------------------------------

    async def guest(self, name: str, once: Once | None = None) -> Issued:
        """A new guest, or that of the first time. Raises `Refused` for a bad name, `KeyReused`."""
        shown = person_name(name)
        user = User(await self._id_for(once), shown)
        expires = self._store.now() + self._guest_life
        if not await self._store.create("user", user.id, msgspec.json.encode(user), expires):
            user = await self._user(user.id) or user
        if not user.guest:  # a key is no password
            raise _has_account()
        return await self._issue(user)

    async def sign_up(self, username: str, password: str, name: str, once: Once | None = None) -> Issued:
        """A new account, or that of the first time, for which the password must be the same again.

        Raises `Refused` (`username-taken`, `invalid`, `weak-password`), `KeyReused`.
        """
        person, called = person_name(name), _username(username)
        _check_password(password)
        user = User(await self._id_for(once), person, called)
        before = None if once is None else await self._user(user.id)
        if before is not None and before.password is not None and not await self._verify(before.password, password):
            raise KeyReused
        named = None if before is None else await self._store.get("username", called)
        if before is not None and named is not None and named.value == user.id.encode():
            return await self._issue(before)
        try:
            return await self._issue(await self._claim(user, password))
        except Refused:
            await self._store.delete("user", user.id)
            if once is not None:  # refusals are not remembered
                await self._store.delete("idem", once.key)
            raise

    async def _id_for(self, once: Once | None) -> str:
        """The id of a new person; the same one for the same `Once`. Raises `KeyReused`."""
        new = self._new_id()
        if once is None:
            return new
        expires = self._store.now() + timedelta(days=ONCE_DAYS)
        if await self._store.create("idem", once.key, msgspec.json.encode(_Became(once.body, new)), expires):
            return new
        stored = await self._store.get("idem", once.key)
        if stored is None:  # it ran out just now
            return new
        became = msgspec.json.decode(stored.value, type=_Became)
        if became.body != once.body:
            raise KeyReused
        return became.user

    async def log_in(self, username: str, password: str) -> Issued:
        """Raises `Problem` 401 `wrong-credentials`, in the same time whether the user exists or not."""
        user: User | None = None
        named = await self._store.get("username", username.casefold()[:64])
        if named is not None:
            user = await self._user(named.value.decode())
        good = await self._verify(user.password if user else None, password)
        if user is None or not good:
            raise Problem(401, "wrong-credentials", "That user name and password do not belong together.")
        return await self._issue(user)

    async def upgrade(self, session: Session, username: str, password: str) -> Session:
        """A guest becomes an account: same id, same trips (C9)."""
        user = await self._fresh(session)
        if not user.guest:
            if user.username == _username(username) and await self._verify(user.password, password):
                return session  # the same once more: its answer got lost
            raise _has_account()
        named = msgspec.structs.replace(user, username=_username(username))
        claimed = await self._claim(named, password)
        self._forget_user(user.id)
        return self._cached(replace(session, user=claimed))

    async def rename(self, session: Session, name: str) -> Session:
        """Another name to be shown."""
        for _ in range(10):
            user = await self._fresh(session)
            changed = msgspec.structs.replace(user, name=person_name(name))
            expires = self._store.now() + self._guest_life if user.guest else None
            old, new = msgspec.json.encode(user), msgspec.json.encode(changed)
            if old == new or await self._store.replace("user", user.id, old, new, expires):
                self._forget_user(user.id)
                return self._cached(replace(session, user=changed))
        raise Problem(409, "busy", "Somebody else is changing this account right now. Try again.")

    async def renew(self, session: Session) -> Issued:
        """A new token; the old one stays good for the grace time, so that requests under way end well."""
        renewed = (session.token_hash, *await self._renewed(session))[:REMEMBERED_TOKENS]
        issued = await self._issue(await self._fresh(session), renewed)
        await self._shorten(session)
        return issued

    async def sign_out(self, session: Session) -> None:
        """The token is no longer good, on every process; nor are those that it was renewed from. It goes last: who got
        no answer can ask with it again, unless all is done."""
        for token_hash in (*await self._renewed(session), session.token_hash):
            await self._store.revoke("session", token_hash)
            self.revoke(token_hash)

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
        user = await self._user(record.user)
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

    async def fresh(self, session: Session) -> Session:
        """The session with the person as the store has them: another process may have renamed them, or made them an
        account. Raises `Problem` 401 if they are gone."""
        user = await self._fresh(session)
        if user != session.user:
            self.forget(session.token_hash)
        return replace(session, user=user)

    async def stands(self, token_hash: str) -> bool:
        """True if the store has this session still."""
        return await self._store.get("session", token_hash) is not None

    def _forget_user(self, user_id: str) -> None:
        """They changed: their other terminals must not be answered from memory either."""
        for token_hash, (session, _) in tuple(self._cache.items()):
            if session.user.id == user_id:
                self.forget(token_hash)

    async def _renewed(self, session: Session) -> tuple[str, ...]:
        stored = await self._store.get("session", session.token_hash)
        return () if stored is None else msgspec.json.decode(stored.value, type=SessionRecord).renewed

    async def _fresh(self, session: Session) -> User:
        user = await self._user(session.user.id)
        if user is None:
            raise not_signed_in()
        return user

    async def _user(self, user_id: str) -> User | None:
        """The person, who is here: their record lives on."""
        stored = await self._store.get("user", user_id)
        if stored is None:
            return None
        expires = self._store.now() + self._guest_life
        if stored.expires_at is not None and stored.expires_at < expires - GUEST_SLACK:
            await self._store.replace("user", user_id, stored.value, stored.value, expires)
        return msgspec.json.decode(stored.value, type=User)

    def _cached(self, session: Session) -> Session:
        if self.revoked(session.token_hash):
            return session
        self._cache[session.token_hash] = (session, time.monotonic() + self._settings.session_cache)
        while len(self._cache) > CACHED_SESSIONS:
            self._cache.popitem(last=False)
        return session

    async def _issue(self, user: User, renewed: tuple[str, ...] = ()) -> Issued:
        token = f"rc_{self._token(32)}"
        now = self._store.now()
        expires = now + timedelta(days=self._settings.session_days)
        record = SessionRecord(user.id, expires, now, renewed)
        await self._store.put("session", _hash(token), msgspec.json.encode(record), expires)
        self.on_issued("renewed" if renewed else "new")
        return Issued(token, self._cached(self._session(user, _hash(token), record)))

    async def _shorten(self, session: Session) -> None:
        soon = self._store.now() + timedelta(seconds=self._settings.renewal_grace)
        stored = await self._store.get("session", session.token_hash)
        if stored is not None and soon < session.expires_at:
            record = msgspec.json.decode(stored.value, type=SessionRecord)
            shorter = msgspec.json.encode(msgspec.structs.replace(record, expires_at=soon))
            # Not if signed out. Who has it in memory is told in the same step: nobody could do so later for us.
            await self._store.replace("session", session.token_hash, stored.value, shorter, soon, tell=True)
            self.forget(session.token_hash)

    async def _claim(self, user: User, password: str) -> User:
        """Give the user its name and password, unless somebody has that name."""
        _check_password(password)
        hashed = await self._in_slot(lambda: self._hasher.hash(password))
        user = msgspec.structs.replace(user, password=hashed)
        name, record = user.username or "", msgspec.json.encode(user)
        if await self._user(user.id) is None:  # a new person: the name must never point at nobody
            await self._store.put("user", user.id, record)
        if not await self._store.create("username", name, user.id.encode()):
            holder = await self._store.get("username", name)
            if holder is None or holder.value != user.id.encode():
                raise Refused(
                    "username-taken", "conflict", "Somebody has that user name. Choose another.", field="username"
                )
        await self._store.put("user", user.id, record)
        return user

    async def _verify(self, hashed: str | None, password: str) -> bool:
        if len(password) > MAX_PASSWORD:
            return False

        def check() -> bool:
            try:
                self._hasher.verify(hashed or DECOY, password)
            except (VerificationError, InvalidHashError):
                return False
            return hashed is not None

        return await self._in_slot(check)

    async def _in_slot(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_HASHES:
            raise Problem(429, "too-many-requests", "Too many people are signing in right now.", retry_after=2)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1

    def _new_id(self) -> str:
        return ids.uuid7(int(self._store.now().timestamp() * 1000), secrets.token_bytes(10))


def _check_password(password: str) -> None:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        sentence = f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters."
        raise Refused("weak-password", "invalid", sentence, field="password")


def _has_account() -> Refused:
    return Refused("already-account", "conflict", "You have an account already.")


def _username(text: str) -> str:
    name = text.casefold()
    if not USERNAME.fullmatch(name):
        raise Refused(
            "invalid", "invalid", "A user name has 3 to 32 letters a to z, digits, dots, dashes.", field="username"
        )
    return name


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
