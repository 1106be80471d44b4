"""Tokens on their way to where they are kept, and from there. Lives on the client's thread.

Not for the places themselves: those are `roadcrew_client.credentials`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from roadcrew_tui.host import here
from roadcrew_tui.messages import SignInNote

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_client.credentials import Kept
    from roadcrew_tui.maker import Maker, Vault


class TokenKeeping:
    """`kept_in` is where the present sign-in is kept, if that is known."""

    def __init__(self, maker: Maker, say: Callable[[Message], None], *, keeps: bool) -> None:
        """`keeps` False: no token goes into a file, where no keyring works."""
        self._maker = maker
        self._say = say
        self._keeps = keeps
        self._made: Vault | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.kept_in: str | None = None

    @property
    def _vault(self) -> Vault:
        if self._made is None:
            self._made = self._maker.vault(self._may_write)
        return self._made

    async def find(self, server: str) -> Kept | None:
        """What is kept for this server. Raises `RoadcrewError` when that can't be read."""
        from roadcrew_client.credentials import CredentialsError  # noqa: PLC0415 - not before the first paint
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - not before the first paint

        try:
            kept = await asyncio.to_thread(self._vault.find, server)
        except CredentialsError as error:
            raise RoadcrewError("credentials", here().told(str(error))) from error
        self.kept_in = None if kept is None else kept.place
        return kept

    async def load(self, server: str) -> str | None:
        """The token that another terminal may have kept meanwhile."""
        return await asyncio.to_thread(self._vault.load, server)

    def changed(self, server: str, client: Client, token: str | None) -> None:
        """Keep the client's new token; or forget the one that it lost."""
        self._keeping = asyncio.get_running_loop().create_task(
            self._keep(server, token, client, client.lost_token, self._keeping)
        )

    async def settle(self) -> None:
        """Wait until all is kept."""
        if self._keeping is not None:
            await asyncio.wait([self._keeping])

    async def _keep(
        self, server: str, token: str | None, client: Client, lost: str | None, before: asyncio.Task[None] | None
    ) -> None:
        """Keep or forget a token, one after the other in the order in which they came."""
        from roadcrew_client.credentials import CredentialsError  # noqa: PLC0415 - not before the first paint

        if before is not None:
            await asyncio.wait([before])
        try:
            if token is None:
                self.kept_in = None
                await asyncio.to_thread(self._vault.forget, server, lost)
            else:
                place = await asyncio.to_thread(self._vault.save, server, token)
                self.kept_in = place if isinstance(place, str) else None
                if place in ("keyring", "file"):
                    client.token_is_kept(token)
        except CredentialsError as error:
            self._say(SignInNote(str(error), "warning"))

    def keeps(self, yes: bool) -> None:
        """Whether a token may go into a file, from the next one on."""
        self._keeps = yes

    def _may_write(self, file: Path, why: str) -> bool:
        """Told, not asked: docs/decisions/0010-where-tokens-are-kept.md."""
        if self._keeps:
            self._say(SignInNote(f"{why} Your sign-in is kept in {file}, readable by you only.".strip()))
        else:
            self._say(SignInNote("Your settings say keep_sign_in = false: this sign-in ends with the app.", "warning"))
        return self._keeps
