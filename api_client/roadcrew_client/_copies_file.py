"""Copies of trips as files: each trip in one, each person at each server in a folder. Blocking; one thread uses it.

    FOLDER/<of the server>.who               whose token it is, as the server said last
    FOLDER/<of server and person>/<of trip>.trip

A file is a line that says what follows, and what follows. It is believed only when it is ours alone, says what was
looked for, and is whole to the byte; else it is put aside. Losing one costs a look at the server and no more, so none
is flushed. Not for threads.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import msgspec

from roadcrew_client._private_files import Strange, aside, contents, name, put_aside, write
from roadcrew_client.copies import Copy
from roadcrew_client.models import User
from roadcrew_client.sync.cursors import place_in
from roadcrew_domain.views import BadView, decode_trip, encode_trip

VERSION = 1
MAX_TRIPS = 50
MAX_SERVERS = 20
MAX_BYTES = 32 * 1024 * 1024
"""Of all copies together; the largest trip has about half a megabyte."""
MAX_FILE = 4 * 1024 * 1024
TRIP, WHO = ".trip", ".who"


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line. `of` is what the file is about; `by`, the version of the program that wrote it."""

    v: int
    of: tuple[str, ...]
    size: int
    digest: str
    at: datetime
    by: str = ""
    seq: int = 0
    epoch: str | None = None
    cursor: str | None = None


class CopiesFolder:
    """Nothing here raises for what is in a file; `OSError` when the disk won't write."""

    def __init__(self, folder: Path, program: str) -> None:
        """`program`: the version of this program. What another version has understood of a trip is shown, and asked
        for anew."""
        self._folder = folder
        self._program = program

    # --- trips ------------------------------------------------------------------------------------

    def load(self, server: str, person: str, trip: str) -> Copy | None:
        """The copy, if there is one that can be believed."""
        path = self._trip(server, person, trip)
        found = self._read(path, (server, person, trip))
        if found is None:
            return None
        head, body = found
        try:
            state = decode_trip(body)
            if state.id != trip or person not in state.members:
                raise Strange("another trip than it says")
        except (BadView, ValueError, Strange):
            put_aside(path)
            return None
        with suppress(OSError):
            os.utime(path)  # the ones that are used stay
        cursor = head.cursor if head.by == self._program and _leads_on(head, f"trip:{trip}") else None
        return Copy(state, head.seq, head.epoch if cursor else None, cursor, head.at)

    def keep(self, server: str, person: str, copy: Copy) -> None:
        """Keep a copy, instead of the one before, for somebody who can come back; the oldest of all go when there are
        too many."""
        mark = self._marked(server)
        if mark is None or mark[1].id != person:
            return
        body = encode_trip(copy.trip)
        of = (server, person, copy.trip.id)
        head = _Head(VERSION, of, len(body), _digest(body), copy.at, self._program, copy.seq, copy.epoch, copy.cursor)
        self._write(self._trip(*of), head, body)
        _bound(self._folder.glob(f"*/*{TRIP}*"), MAX_TRIPS, MAX_BYTES)

    def forget(self, server: str, person: str, trip: str) -> None:
        """No copy of this any more."""
        path = self._trip(server, person, trip)
        for each in (path, aside(path)):
            with suppress(OSError):
                each.unlink()

    def keep_only(self, server: str, person: str, trips: Collection[str]) -> None:
        """No copies but of these."""
        names = {name(trip) for trip in trips}
        for path in self._home(server, person).glob(f"*{TRIP}*"):
            if path.name.partition(".")[0] not in names:
                with suppress(OSError):
                    path.unlink()

    # --- people -----------------------------------------------------------------------------------

    def who(self, server: str, token: str) -> User | None:
        """Whose token this is, if the server has said so."""
        found = self._marked(server)
        return found[1] if found is not None and found[0] == _digest(token.encode()) else None

    def _marked(self, server: str) -> tuple[str, User] | None:
        path = self._who(server)
        found = self._read(path, (server,))
        if found is None:
            return None
        try:
            return msgspec.json.decode(found[1], type=tuple[str, User])
        except (msgspec.MsgspecError, RecursionError, ValueError):
            put_aside(path)
            return None

    def keep_who(self, server: str, token: str, user: User, at: datetime) -> None:
        """The server has said whose token this is; the token itself is not kept. Who was here before goes."""
        self.forget_others(server, user.id)
        body = msgspec.json.encode((_digest(token.encode()), user))
        head = _Head(VERSION, (server,), len(body), _digest(body), at)
        self._write(self._who(server), head, body)
        _bound(self._folder.glob(f"*{WHO}*"), MAX_SERVERS, MAX_BYTES)

    def forget_whose(self, server: str, token: str) -> None:
        """Nothing any more of who has this token."""
        user = self.who(server, token)
        if user is not None:
            self.forget_person(server, user.id)

    def forget_others(self, server: str, person: str) -> None:
        """Nothing any more of who was here before this person; copies are kept of one at a time."""
        mark = self._marked(server)
        if mark is not None and mark[1].id != person:
            self.forget_person(server, mark[1].id)

    def forget_person(self, server: str, person: str) -> None:
        """Nothing of this person at this server any more."""
        with suppress(OSError):
            self._who(server).unlink()
        shutil.rmtree(self._home(server, person), ignore_errors=True)

    # --- files ------------------------------------------------------------------------------------

    def _who(self, server: str) -> Path:
        return self._folder / f"{name(server)}{WHO}"

    def _home(self, server: str, person: str) -> Path:
        return self._folder / name(server, person)

    def _trip(self, server: str, person: str, trip: str) -> Path:
        return self._home(server, person) / f"{name(trip)}{TRIP}"

    @staticmethod
    def _read(path: Path, of: tuple[str, ...]) -> tuple[_Head, bytes] | None:
        try:
            first, _, body = _contents(path).partition(b"\n")
            head = msgspec.json.decode(first, type=_Head)
            if (head.v, head.of, head.size) != (VERSION, of, len(body)) or head.digest != _digest(body):
                raise Strange("not whole, or not what was looked for")
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, RecursionError, ValueError, Strange):
            put_aside(path)
            return None
        return head, body

    @staticmethod
    def _write(path: Path, head: _Head, body: bytes) -> None:
        data = msgspec.json.encode(head) + b"\n" + body
        if len(data) > MAX_FILE:
            with suppress(OSError):
                path.unlink()  # an old copy would be shown for ever
            return
        write(path, data)


def _contents(path: Path) -> bytes:
    """The bytes of a file that is ours alone. Raises `Strange`, `OSError`."""
    return contents(path, MAX_FILE)


def _leads_on(head: _Head, topic: str) -> bool:
    """Whether the cursor is of this log and not beyond the state: what lies between would be missing for ever."""
    place = place_in(head.cursor, topic)
    return place is not None and place.epoch == head.epoch and place.seq <= head.seq


def _bound(paths: Iterable[Path], most: int, most_bytes: int) -> None:
    """Take the oldest away."""
    found: list[tuple[float, int, Path]] = []
    for path in paths:
        with suppress(OSError):
            status = path.lstat()
            found.append((status.st_mtime, status.st_size, path))
    size = 0
    for n, (_, length, path) in enumerate(sorted(found, reverse=True), 1):
        size += length
        if n > 1 and (n > most or size > most_bytes):
            with suppress(OSError):
                path.unlink()


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=32).hexdigest()
