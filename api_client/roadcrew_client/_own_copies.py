"""Whose copies of trips one client keeps: those of who it is, while they come back, and nobody else's.

Not for what is in a copy, nor when it is written: that is each followed trip's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from roadcrew_client.context import Context
from roadcrew_client.live import LiveTrip
from roadcrew_client.models import User
from roadcrew_domain.trip import Trip


class OwnCopies:
    """Does nothing where there are no copies. `followed` is looked at, not kept; `kept_token` is one with which this
    person comes back, if there is one."""

    def __init__(self, context: Context, followed: Collection[LiveTrip], kept_token: str | None) -> None:
        self._context = context
        self._followed = followed
        self._kept_token = kept_token

    def token_is_kept(self, token: str) -> None:
        """There is a next time, with this token."""
        self._kept_token = token
        if self._context.session.known:
            self.known()

    def known(self) -> None:
        """The server has said who we are."""
        copies, session = self._context.copies, self._context.session
        user, token = session.user, session.token
        if copies is not None and user is not None and token is not None and token == self._kept_token:
            copies.keep_who(self._context.server, token, user, self._context.clock.now())
            for live in self._followed:
                live.keep_again()

    async def who(self) -> User | None:
        """Whose our token was when the server said so last; None where that is not known."""
        copies, token = self._context.copies, self._context.session.token
        return None if copies is None or token is None else await copies.who(self._context.server, token)

    async def trip(self, trip_id: str) -> Trip | None:
        """The trip as the server had confirmed it last, if a copy is kept here."""
        copies, user = self._context.copies, self._context.session.user
        if copies is None or user is None:
            return None
        copy = await copies.load(self._context.server, user.id, trip_id)
        return None if copy is None else copy.trip

    def keep_only(self, trips: Iterable[str]) -> None:
        """The server says that these are all our trips."""
        copies, user = self._context.copies, self._context.session.user
        if copies is not None and user is not None:
            copies.keep_only(self._context.server, user.id, list(trips))

    def forget(self, trip_id: str) -> None:
        """We are not in this trip any more."""
        for live in self._followed:
            if live.trip_id == trip_id:
                live.forget()
        copies, user = self._context.copies, self._context.session.user
        if copies is not None and user is not None:
            copies.forget(self._context.server, user.id, trip_id)

    def forget_others(self) -> None:
        """We have signed in: nothing stays of who was here before, if that is somebody else."""
        copies, user = self._context.copies, self._context.session.user
        if copies is not None and user is not None:
            copies.forget_others(self._context.server, user.id)

    def forget_person(self, user: User | None, token: str | None) -> None:
        """Nothing of this person's stays; of whoever has the token, where nobody knows who that is."""
        copies, server = self._context.copies, self._context.server
        if copies is not None and user is not None:
            copies.forget_person(server, user.id)
        elif copies is not None and token is not None:
            copies.forget_whose(server, token)
