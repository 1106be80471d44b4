"""What sub-commands share: a client for the right server and person, which trip is meant, and printing."""

from __future__ import annotations

import asyncio
import json as json_module
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from roadcrew_domain.text import cleaned
from roadcrew_domain.views import decode_trip
from roadcrew_tui import host, when
from roadcrew_tui import settings as prefs
from roadcrew_tui.commands.base import NeedsTrip
from roadcrew_tui.settings import COPIES, Folders
from roadcrew_tui.steps import look_words
from roadcrew_tui.watch import summary

if TYPE_CHECKING:
    from roadcrew_client import Client, ClientSettings, Look
    from roadcrew_client.credentials import Credentials, Kept

T = TypeVar("T")


BOOKING = frozenset(("exhibitions", "slots", "bookings", "cart", "orders", "text", "pending", "bookingId"))
"""By one of these a result is known as one of book_words.py's."""
PRICES = frozenset(("runId", "jobId", "runs", "imports", "providers", "total"))
"""And by one of these as one of price_words.py's."""
TALK = frozenset(("items", "item", "rating", "likes", "saves", "saved", "muted", "removed", "present", "itemId"))
"""And by one of these as one of talk_words.py's."""

_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class NeedsSignIn(Exception):
    """A sub-command can't go on before somebody signs in; says so, and what becomes of it."""


@dataclass(frozen=True)
class Footing:
    """Which server a sub-command is about, and where this person's tokens are."""

    folders: Folders
    address: str
    home: str
    """The server that `ROADCREW_TOKEN` is for."""
    credentials: Credentials

    def client(self, kept: Kept | None, *, keeps: bool = True, settings: ClientSettings | None = None) -> Client:
        """Us at that server, with the token that is kept. `keeps`: what becomes of it is kept; else it stays as it
        is, for a renewed one that nobody keeps would be all that is left of a guest."""
        from roadcrew_client import Client, Copies  # noqa: PLC0415 - not for a fast start

        client = Client(
            self.address,
            copies=Copies(self.folders.data / COPIES),
            token=kept.token if kept else None,
            token_since=kept.since if kept else None,
            renews=keeps and (kept is None or kept.ours),
            reload_token=lambda: asyncio.to_thread(self.credentials.load, self.address),
            settings=settings,
        )
        if keeps:
            client.on_token = lambda new: _keep(self.credentials, self.address, client, new)
        return client

    def remember(self, **more: object) -> None:
        """The last server used is the next one asked."""
        mine = prefs.load(self.folders)
        last = self.address != mine.server and prefs.may_be_last(self.address, self.home)
        if last and not os.environ.get("ROADCREW_SERVER"):
            more["server"] = self.address
        try:
            if more:
                prefs.save(self.folders, mine, **more)
        except OSError as error:
            hint(f"Your settings can't be kept: {error.strerror}.")


def footing(server: str | None, *, invited: bool = False) -> Footing:
    """For `server` (default: `ROADCREW_SERVER`, then the last one). `invited`: an invite names it, so that
    `ROADCREW_TOKEN` is not for it. Raises `ValueError` for an address that is none, `Refused` for one that is not for
    visitors."""
    from roadcrew_client.links import base_address  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui.maker import credentials  # noqa: PLC0415 - not for a fast start

    folders = Folders.of_this_person()
    mine = prefs.load(folders)
    when.use(mine.clock, mine.locale)
    home = prefs.home_server(mine, None if invited else server)
    address = base_address(server or host.here().server or prefs.home_server(mine))
    host.must_reach(address)
    kept = credentials(folders.data, home, lambda *asked: _may_write(folders, *asked))
    return Footing(folders, address, home, kept)


async def session(
    server: str | None,
    name: str | None,
    work: Callable[[Client], Awaitable[T]],
    *,
    becomes_guest: bool = False,
    invited: bool = False,
) -> T:
    """Run `work` with a client for the server of this `footing`.

    With `becomes_guest` somebody who is nobody there yet becomes a guest, called `name` or as the settings or
    the system call them, and stays that person. A session that can't be used yet is waited for. Raises the client's
    errors, and `CredentialsError`.
    """
    from roadcrew_client.errors import SessionNotReady  # noqa: PLC0415 - not for a fast start

    at = footing(server, invited=invited)
    kept = at.credentials.find(at.address)
    async with at.client(kept) as client:
        is_new = kept is None and becomes_guest
        if is_new:
            called = name or prefs.load(at.folders).name
            session = await client.guest(called or host.account_name())
            if not called:
                hint(f"The crew sees you as {cleaned(session.user.name)}. Another name: roadcrew you rename NAME")
        if becomes_guest:
            at.remember()
        if is_new:
            await established(client)
        try:
            return await work(client)
        except SessionNotReady:  # got a moment ago by another command
            await established(client)
            return await work(client)


async def established(client: Client) -> None:
    """Wait until a new session can be used, and say so if that takes time. Raises `SessionNotReady`; the session is
    kept all the same."""
    await client.wait_for_session(progress=_say_look)


def _say_look(look: Look) -> None:
    if look.next_wait is not None:
        hint(look_words(look.number, look.of, look.seen))


def _keep(credentials: Credentials, server: str, client: Client, token: str | None) -> None:
    """Keep or forget a token. Where that fails, the work goes on: a token that was just got is good for it."""
    from roadcrew_client.credentials import CredentialsError  # noqa: PLC0415 - not for a fast start

    try:
        if token is None:
            credentials.forget(server, client.lost_token)
        elif credentials.save(server, token) != "nowhere":
            client.token_is_kept(token)
    except CredentialsError as error:
        hint(f"Your sign-in can't be kept. {error}")


def _may_write(folders: Folders, file: Path, why: str) -> bool:
    """Whether a first token may go into a file, and `why` it has to: asked at a terminal, and remembered; elsewhere
    said."""
    mine = prefs.load(folders)
    if mine.keep_sign_in is False:
        hint("Your settings say keep_sign_in = false: this sign-in ends with this command.")
        return False
    if not host.here().lends("keyring"):
        return True
    if mine.keep_sign_in is None and sys.stdin.isatty() and sys.stderr.isatty():
        said = input_line(f"{why} Keep your sign-in in {file}, readable by you only? [Y/n] ")
        yes = not said.lower().startswith("n")
        prefs.save(folders, mine, keep_sign_in=yes)
        return yes
    hint(f"{why} Your sign-in is kept in {file} (mode 0600: readable by you only).")
    return True


def hint(words: str) -> None:
    """Words for a person, on stderr."""
    print(f"roadcrew: {host.here().told(words)}", file=sys.stderr, flush=True)


def input_line(prompt: str) -> str:
    """Ask at the terminal, on stderr: stdout is for data."""
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def confirmed(question: str) -> bool:
    """Ask at the terminal whether to go on; without one, say how to answer beforehand."""
    if not sys.stdin.isatty():
        hint(f"{question} Add --yes.")
        return False
    return input_line(f"{question} [y/N] ").lower() in ("y", "yes")


async def which_trip(client: Client, wanted: str | None) -> str:
    """The id of the trip that is meant: an id, a part of a name, or the only one. Raises `NeedsTrip`."""
    wanted = wanted or os.environ.get("ROADCREW_TRIP")
    trips = await client.trips()
    if wanted:
        exact = [t for t in trips if t.id == wanted]
        fitting = exact or [t for t in trips if wanted.casefold() in t.name.casefold()]
        if not fitting and len(wanted) >= 32:
            return wanted  # an id that we don't list; the server says what is wrong with it
    else:
        fitting = list(trips)
    if len(fitting) == 1:
        return fitting[0].id
    if not fitting:
        raise NeedsTrip(
            "No trip of yours fits." if wanted else "You are in no trip yet. Start one: roadcrew trip new NAME"
        )
    lines = "\n".join(f"  {cleaned(t.id)}  {cleaned(t.name)}" for t in fitting[:20])
    raise NeedsTrip(f"Say which trip with --trip:\n{lines}")


def data(written: str) -> str:
    """JSON in which what a terminal obeys, or what turns its lines round, is escaped: it says the same."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def show(result: Any, *, json: bool) -> None:
    """Print a result: as JSON, or as lines that people read."""
    if json:
        print(data(json_module.dumps(result, ensure_ascii=False)), flush=True)
        return
    if isinstance(result, Mapping) and not BOOKING.isdisjoint(result):
        from roadcrew_tui.commands import book_words  # noqa: PLC0415 - only for who books

        print("\n".join(book_words.told(result)))
        return
    if isinstance(result, Mapping) and not PRICES.isdisjoint(result):
        from roadcrew_tui.commands import price_words  # noqa: PLC0415 - only for who asks for prices

        print("\n".join(price_words.told(result)))
        return
    if isinstance(result, Mapping) and not TALK.isdisjoint(result):
        from roadcrew_tui.commands import talk_words  # noqa: PLC0415 - only for who talks

        print("\n".join(talk_words.told(result)))
        return
    for line in _lines(_for_people(result), 0):
        print(line)


def _found(thing: Mapping[str, str]) -> str:
    """One thing that was looked for, and where it is."""
    beside = [thing["more"]] if thing["more"] else []
    beside += [f"in {thing['trip']}"] if thing["kind"] != "trip" else []
    return "  ".join((f"{thing['kind']:<7}", thing["text"], *beside))


def _for_people(result: Any) -> Any:
    """A trip in a few sentences instead of all its fields, a waiting change in one; nothing else changes."""
    if isinstance(result, Mapping) and isinstance(result.get("changes"), list):
        return [f"{c['said']}  {c['id']}" for c in result["changes"]] or "Nothing waits."
    if isinstance(result, Mapping) and isinstance(result.get("found"), list):
        return [*map(_found, result["found"]), result["looked"]]
    if isinstance(result, Mapping) and isinstance(result.get("trips"), list):
        if result["trips"] and "restorableUntil" in result["trips"][0]:
            return [_deleted(t) for t in result["trips"]]
        return [
            f"{t['name']}  {t['memberCount']} in the crew, {t['needsMe']} waiting for you  {t['id']}"
            for t in result["trips"]
        ]
    if not isinstance(result, Mapping) or not isinstance(result.get("trip"), Mapping):
        return {k: v for k, v in result.items() if k != "cursor"} if isinstance(result, Mapping) else result
    trip = decode_trip(json_module.dumps(result["trip"]))
    told: dict[str, Any] = {"trip": trip.name, "id": trip.id}
    invite = result.get("invite")
    if isinstance(invite, Mapping):
        told["invite"] = invite.get("url")
    return told | {"now": list(summary(trip))}


def _deleted(trip: Mapping[str, Any]) -> str:
    until = when.clock(datetime.fromisoformat(trip["restorableUntil"]), datetime.now(UTC))
    many = trip["members"]
    return f"{trip['name']}  {many} {'person' if many == 1 else 'people'}, kept until {until}  {trip['id']}"


def _lines(value: Any, depth: int) -> list[str]:
    space = "  " * depth
    if isinstance(value, Mapping):
        rows: list[str] = []
        for key, inner in value.items():
            if isinstance(inner, Mapping | list) and inner:
                rows += [f"{space}{key}:", *_lines(inner, depth + 1)]
            elif not isinstance(inner, Mapping | list):
                rows.append(f"{space}{key}: {_word(inner)}")
        return rows
    if isinstance(value, list):
        rows = []
        for item in value:
            inner_rows = _lines(item, depth + 1)
            rows += [f"{space}- {inner_rows[0].lstrip()}", *inner_rows[1:]] if inner_rows else []
        return rows
    return [f"{space}{_word(value)}"]


def _word(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return cleaned(str(value))
