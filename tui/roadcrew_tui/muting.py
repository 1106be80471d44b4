"""Whom this person does not want to read: what they wrote is drawn as a line that says so. Asked of the server once,
since it is the same on all terminals of a person; not for removing anything, which is seen by everybody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_client.talk_models import Muted
    from roadcrew_tui.standing import Standing


class Muting:
    """Of the person who is signed in; nobody is muted for anybody else."""

    def __init__(self, app: Standing) -> None:
        self._app = app
        self._muted: tuple[Muted, ...] | None = None
        self._of: tuple[str | None, str] | None = None

    @property
    def people(self) -> tuple[Muted, ...] | None:
        """In the order in which they were muted; None while that is not known."""
        return self._muted if self._of == self._who else None

    @property
    def ids(self) -> frozenset[str]:
        """Their ids, as far as they are known."""
        return frozenset(person.id for person in self.people or ())

    @property
    def _who(self) -> tuple[str | None, str] | None:
        me = self._app.me
        return None if me is None else (self._app.server, me.id)

    async def load(self) -> None:
        """Ask, unless that is known. Raises the client's errors, as those below do."""
        if self.people is None:
            await self.look()

    async def look(self) -> None:
        """Ask: another terminal may have changed it."""
        await self._take(lambda client: client.mutes())

    async def mute(self, user_id: str, name: str) -> None:
        """Not read somebody any more."""
        await self._take(lambda client: client.mute(user_id, name))

    async def unmute(self, user_id: str) -> None:
        """Read them again."""
        await self._take(lambda client: client.unmute(user_id))

    async def _take(self, ask: Callable[[Client], Awaitable[tuple[Muted, ...]]]) -> None:
        who = self._who
        if who is None:
            return
        before, found = self.ids, await self._app.link.call(ask)
        if who == self._who:
            self._muted, self._of = found, who
            if before != self.ids:
                self._app.redraw_all()
