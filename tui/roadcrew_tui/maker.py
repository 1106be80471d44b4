"""What the client's thread works with: clients, and where tokens are kept. Tests and the demo hand in their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from roadcrew_tui.host import here
from roadcrew_tui.settings import COPIES

if TYPE_CHECKING:
    from roadcrew_client import Client, Copies, Outbox, PendingBookings
    from roadcrew_client.credentials import Credentials, Kept

OUTBOX = "outbox"
"""The folder of changes that wait, in the data folder."""
BOOKINGS = "bookings"
"""The folder of bookings that are not in a cart yet, likewise."""


class Vault(Protocol):
    """Where tokens are kept. Asked in a thread."""

    def find(self, server: str) -> Kept | None: ...
    def load(self, server: str) -> str | None: ...
    def save(self, server: str, token: str) -> object: ...
    def forget(self, server: str, token: str | None) -> object: ...


class Maker(Protocol):
    """Makes what the thread works with."""

    def client(self, server: str, kept: Kept | None, reload: Callable[[], Awaitable[str | None]]) -> Client: ...
    def bookings(self) -> PendingBookings: ...
    def vault(self, may_write_file: Callable[[Path, str], bool]) -> Vault: ...
    async def close(self) -> None: ...


def credentials(folder: Path, home: str | None, may_write_file: Callable[[Path, str], bool]) -> Credentials:
    """Where this person's tokens are. A visitor has none but in their own folder: the keyring and the environment are
    of whoever owns the computer."""
    from roadcrew_client.credentials import Credentials  # noqa: PLC0415 - not before the first paint

    if here().lends("keyring"):
        return Credentials(folder, home=home, may_write_file=may_write_file)
    return Credentials(folder, home=home, may_write_file=may_write_file, use_keyring=False, environ={})


class RealMaker:
    """The real client. Imports it on the client's thread, after the first paint."""

    def __init__(self, folder: Path, home: str | None = None) -> None:
        """`folder` for what is kept of this person; `home`, the server that `ROADCREW_TOKEN` is for."""
        self._folder = folder
        self._home = home
        self._outbox: Outbox | None = None
        self._copies: Copies | None = None
        self._bookings: PendingBookings | None = None

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

    def bookings(self) -> PendingBookings:
        from roadcrew_client import PendingBookings  # noqa: PLC0415 - only for who books

        self._bookings = self._bookings or PendingBookings(self._folder / BOOKINGS)
        return self._bookings

    def vault(self, may_write_file: Callable[[Path, str], bool]) -> Vault:
        return credentials(self._folder, self._home, may_write_file)

    async def close(self) -> None:
        """Let others take over what waits."""
        if self._outbox is not None:
            await self._outbox.close()
        if self._copies is not None:
            await self._copies.close()
        if self._bookings is not None:
            await self._bookings.close()
