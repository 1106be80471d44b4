"""Becoming somebody, and being somebody else: guests, accounts, passwords.

Guests are real users without a password. Passwords are hashed with argon2id (19 MiB, t=2, p=1: OWASP's password
storage cheat sheet), two at a time. What it is not for: whose token that is (sessions.py).
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from roadcrew_domain import ids
from roadcrew_domain.crew import person_name
from roadcrew_domain.refusals import Refused
from roadcrew_server.problems import Problem
from roadcrew_server.sessions import Issued, Session, Sessions, User
from roadcrew_server.stores.base import Store
from roadcrew_server.topic import KeyReused

T = TypeVar("T")

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,30}[a-z0-9]")
MIN_PASSWORD = 8
MAX_PASSWORD = 256
DECOY = "$argon2id$v=19$m=19456,t=2,p=1$FxCI0QbCPFxAmIeaEKOAPQ$Ay37EtKUJYV+lFyoV80x7wtQU+3FXA+7jau/SWPoNoo"
"""Verified where there is no such user, so that it takes as long."""
WAITING_HASHES = 64
ONCE_DAYS = 1
"""For so long somebody's first request may be repeated under its key; who has the key may be them until then."""


class Once(msgspec.Struct, frozen=True):
    """What makes becoming somebody safe to repeat: `key` is a hash of the idempotency key, `body` one of what came
    with it (never of a password: fast hashes of those can be tried through)."""

    key: str
    body: str


class _Became(msgspec.Struct, frozen=True):
    """Recorded under `Once.key` before anything is done: whose id it will be."""

    body: str
    user: str


class Auth:
    """Users over the store's records."""

    def __init__(self, store: Store, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._slots = asyncio.Semaphore(2)
        self._waiting = 0

    async def guest(self, name: str, once: Once | None = None) -> Issued:
        """A new guest, or that of the first time. Raises `Refused` for a bad name, `KeyReused`."""
        shown = person_name(name)
        user = User(await self._id_for(once), shown)
        expires = self._sessions.guest_until()
        if not await self._store.create("user", user.id, msgspec.json.encode(user), expires):
            user = await self._sessions.user(user.id) or user
        if not user.guest:  # a key is no password
            raise _has_account()
        return await self._sessions.issue(user)

    async def sign_up(self, username: str, password: str, name: str, once: Once | None = None) -> Issued:
        """A new account, or that of the first time, for which the password must be the same again.

        Raises `Refused` (`username-taken`, `invalid`, `weak-password`), `KeyReused`.
        """
        person, called = person_name(name), _username(username)
        _check_password(password)
        user = User(await self._id_for(once), person, called)
        before = None if once is None else await self._sessions.user(user.id)
        if before is not None and before.password is not None and not await self._verify(before.password, password):
            raise KeyReused
        named = None if before is None else await self._store.get("username", called)
        if before is not None and named is not None and named.value == user.id.encode():
            return await self._sessions.issue(before)
        try:
            return await self._sessions.issue(await self._claim(user, password))
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
            user = await self._sessions.user(named.value.decode())
        good = await self._verify(user.password if user else None, password)
        if user is None or not good:
            raise Problem(401, "wrong-credentials", "That user name and password do not belong together.")
        return await self._sessions.issue(user)

    async def upgrade(self, session: Session, username: str, password: str) -> Session:
        """A guest becomes an account: same id, same trips (C9)."""
        user = (await self._sessions.fresh(session)).user
        if not user.guest:
            if user.username == _username(username) and await self._verify(user.password, password):
                return session  # the same once more: its answer got lost
            raise _has_account()
        named = msgspec.structs.replace(user, username=_username(username))
        claimed = await self._claim(named, password)
        self._sessions.forget_user(user.id)
        return replace(session, user=claimed)

    async def rename(self, session: Session, name: str) -> Session:
        """Another name to be shown."""
        for _ in range(10):
            user = (await self._sessions.fresh(session)).user
            changed = msgspec.structs.replace(user, name=person_name(name))
            expires = self._sessions.guest_until() if user.guest else None
            old, new = msgspec.json.encode(user), msgspec.json.encode(changed)
            if old == new or await self._store.replace("user", user.id, old, new, expires):
                self._sessions.forget_user(user.id)
                return replace(session, user=changed)
        raise Problem(409, "busy", "Somebody else is changing this account right now. Try again.")

    async def _claim(self, user: User, password: str) -> User:
        """Give the user its name and password, unless somebody has that name."""
        _check_password(password)
        hashed = await self._in_slot(lambda: self._hasher.hash(password))
        user = msgspec.structs.replace(user, password=hashed)
        name, record = user.username or "", msgspec.json.encode(user)
        if await self._sessions.user(user.id) is None:  # a new person: the name must never point at nobody
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
