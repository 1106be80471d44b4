"""What `login`, `logout` and `whoami` do. Questions are asked outside of any event loop: in one, ctrl+c would not end
them. Raises what the client and the credentials raise.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from roadcrew_client import Client, ClientSettings, Copies, NotSignedIn, RoadcrewError, User
from roadcrew_client.credentials import VARIABLE, Kept, Place
from roadcrew_tui.commands.headless import user_shape
from roadcrew_tui.memory import Memory
from roadcrew_tui.oneshot import Footing, confirmed, established, hint, input_line, show
from roadcrew_tui.plain import safe
from roadcrew_tui.settings import COPIES, write_atomically
from roadcrew_tui.signing.command import PASSWORD
from roadcrew_tui.when import clock

T = TypeVar("T")
DONE, REFUSED, USAGE, SIGN_IN = 0, 1, 2, 3
HASTY = ClientSettings(attempts=1, call_timeout=10.0)
"""For leaving, which needs no server."""


def login(at: Footing, given: argparse.Namespace) -> int:
    """Sign in, and keep it; a sign-in that can't be kept is ended again."""
    kept = at.credentials.find(at.address)
    if kept is not None and kept.place == "environment":
        return _say(f"{VARIABLE} is set for {at.address} and goes before any sign-in. Unset it first.", USAGE)
    username = given.username or _asked("User name", "Without a terminal, add --username NAME.")
    if kept is not None and not given.yes and not _may_replace(at, kept):
        return USAGE
    no_terminal = f"Without a terminal, put the password into {PASSWORD}."
    password = os.environ.get(PASSWORD) or _asked("Password", no_terminal, secret=True)
    try:
        session = _at_server(at, None, lambda client: client.login(username, password))
    except NotSignedIn as error:
        return _say(error.detail, SIGN_IN)
    place: Place = "nowhere"
    try:
        place = at.credentials.save(at.address, session.token)
    finally:
        if place == "nowhere":
            _end(at, session.token)
    if place == "nowhere":
        return _say("This sign-in could be kept nowhere, so it has ended again.", REFUSED)
    at.remember(name=session.user.name)
    memory = Memory(at.folders)
    if memory.be(at.address, session.user.id):
        _keep(at, memory)
    _at_server(at, Kept(session.token, datetime.now(UTC), place), established)
    if given.json:
        show(_identity(at, session.user, place, datetime.now(UTC)), json=True)
    return _say(f"You are {safe(session.user.name)} at {at.address}. {_where(at, place)}", DONE)


def logout(at: Footing, given: argparse.Namespace) -> int:
    """End the session there and forget it here; here alone when the server can't be told."""
    kept = at.credentials.find(at.address)
    if kept is None:
        return _left(given, f"You are not signed in at {at.address}.", told=False)
    user, trouble = _at_server(at, kept, _who, settings=HASTY)
    if not given.yes and not _may_leave(at, user, trouble):
        return USAGE
    if user is not None:
        trouble = _at_server(at, kept, _leave, settings=HASTY)
    _forget_trips(at, kept)
    words = f"You are signed out of {at.address}."
    if trouble:
        words = f"{at.address} could not be told: {trouble} The session goes on there until it runs out."
    if kept.place == "environment":
        words += f" {VARIABLE} is still set: unset it."
    else:
        at.credentials.forget(at.address)
        words = f"You are signed out here. {words}" if trouble else words
    return _left(given, words, told=not trouble)


def whoami(at: Footing, given: argparse.Namespace) -> int:
    """Say who one is, where, since when, and where that is kept."""
    kept = at.credentials.find(at.address)
    way_in = f"To sign in: roadcrew login --server {at.address}"
    if kept is None:
        return _say(f"You are not signed in at {at.address}. {way_in}", SIGN_IN)
    try:
        user = _at_server(at, kept, lambda client: client.whoami(), keeps=True)
    except NotSignedIn:
        return _say(f"Your sign-in at {at.address} is over. {way_in}", SIGN_IN)
    except RoadcrewError:
        hint(f"Whose sign-in it is, only the server knows. {_where(at, kept.place)}")
        raise
    if given.json:
        show(_identity(at, user, kept.place, kept.since_when), json=True)
        return DONE
    kind = "a guest" if user.guest else f"signed in as {safe(user.username)},"
    since = "" if kept.since_when is None else f" It is from {clock(kept.since_when, datetime.now(UTC))}."
    print(f"You are {safe(user.name)}, {kind} at {at.address}.")
    print(f"{_where(at, kept.place)}{since}")
    return DONE


# --- at the server ---------------------------------------------------------------------------------


def _at_server(
    at: Footing,
    kept: Kept | None,
    work: Callable[[Client], Awaitable[T]],
    *,
    keeps: bool = False,
    settings: ClientSettings | None = None,
) -> T:
    """Run `work` as who is kept (None: as nobody)."""

    async def run() -> T:
        async with at.client(kept, keeps=keeps, settings=settings) as client:
            return await work(client)

    return asyncio.run(run())


def _end(at: Footing, token: str) -> None:
    """A session that nobody can use any more need not live."""
    with suppress(RoadcrewError):
        _at_server(at, Kept(token, datetime.now(UTC), "nowhere"), lambda client: client.logout(), settings=HASTY)


async def _who(client: Client) -> tuple[User | None, str]:
    """Who we are, or why that can't be said: nothing stands against it when the session is over already."""
    try:
        return await client.whoami(), ""
    except RoadcrewError as error:
        over = isinstance(error, NotSignedIn) and error.certain
        return None, "" if over else error.detail


def _forget_trips(at: Footing, kept: Kept) -> None:
    """Nothing of this person's trips stays here, whether the server could be told or not."""

    async def forget() -> None:
        copies = Copies(at.folders.data / COPIES)
        copies.forget_whose(at.address, kept.token)
        await copies.close()

    asyncio.run(forget())
    memory = Memory(at.folders)
    memory.keep_trips(at.address, [])
    _keep(at, memory)


def _keep(at: Footing, memory: Memory) -> None:
    """A disk that won't is no reason to stop."""
    with suppress(OSError):
        write_atomically(at.folders.memory_file, memory.written())


async def _leave(client: Client) -> str:
    """End the session; why that failed, or nothing."""
    try:
        await client.logout()
    except RoadcrewError as error:
        return error.detail
    return ""


# --- questions and words ---------------------------------------------------------------------------


def _asked(what: str, otherwise: str, *, secret: bool = False) -> str:
    """Ask at the terminal. Raises `ValueError` where there is none: `otherwise` says what to do then."""
    if not sys.stdin.isatty():
        raise ValueError(otherwise)
    try:
        said = getpass.getpass(f"{what}: ") if secret else input_line(f"{what}: ")
    except EOFError:
        said = ""
    if not said:
        raise ValueError(f"{what}: nothing was typed.")
    return said


def _may_replace(at: Footing, kept: Kept) -> bool:
    """Ask before a guest is given up: the token that is kept is all that a guest has."""
    try:
        user = _at_server(at, kept, lambda client: client.whoami())
    except NotSignedIn as error:
        if not error.certain:
            raise
        return True
    return not user.guest or confirmed(
        f"You are the guest {safe(user.name)} at {at.address}, with no way back once you sign in as somebody else. "
        "To keep those trips, make the guest an account: roadcrew you upgrade NAME. Sign in all the same?"
    )


def _may_leave(at: Footing, user: User | None, trouble: str) -> bool:
    """Ask a guest; and a person at a terminal who may be one, since the server can't be asked."""
    if user is None:
        question = f"{at.address} can't be asked who you are, and a guest has no way back. Sign out all the same?"
        return not trouble or not sys.stdin.isatty() or confirmed(question)
    return not user.guest or confirmed(
        f"You are the guest {safe(user.name)} at {at.address}, with no way back except by a new invite to each trip. "
        "Sign out all the same?"
    )


def _left(given: argparse.Namespace, words: str, *, told: bool) -> int:
    if given.json:
        show({"serverTold": told}, json=True)
    return _say(words, DONE)


def _where(at: Footing, place: Place) -> str:
    match place:
        case "keyring":
            return "Your sign-in is kept in the system's keyring."
        case "file":
            return f"Your sign-in is kept in {at.credentials.file}."
        case _:
            return f"Your sign-in is what {VARIABLE} says."


def _identity(at: Footing, user: User, place: Place, since: datetime | None) -> dict[str, object]:
    when = None if since is None else since.isoformat(timespec="seconds")
    return {**user_shape(user), "server": at.address, "since": when, "keptIn": place}


def _say(words: str, status: int) -> int:
    hint(words)
    return status
