"""What the parts of one client share: its session, its clock, its chance, its ids, its outbox, its server's wishes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from roadcrew_client.session import SessionKeeper
from roadcrew_client.settings import ClientSettings, Clock, ServerTime
from roadcrew_domain.ids import uuid7

if TYPE_CHECKING:
    from roadcrew_client.copies import Copies
    from roadcrew_client.outbox import Outbox


@dataclass(slots=True)
class Wished:
    """Over how many seconds the server wants all its clients to come back, should it lose them, as its streams said
    last; for whoever asks without a stream."""

    spread: float = 0.0


@dataclass(slots=True)
class Context:
    """One person at one `server`, as it stays but for the `settings`, whose pace may change. `chance` gives a number
    from 0 up to 1; `outbox` None: changes wait in memory; `copies` None: no trip is kept on disk."""

    session: SessionKeeper
    settings: ClientSettings
    clock: Clock
    server_time: ServerTime
    chance: Callable[[], float]
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    server: str = ""
    outbox: Outbox | None = None
    copies: Copies | None = None
    wished: Wished = field(default_factory=Wished)

    def new_id(self) -> str:
        """The id of a new command."""
        return uuid7(int(self.clock.now().timestamp() * 1000), self.random_bytes(10))

    def oldest(self) -> datetime:
        """What was made before this is not sent without asking."""
        return self.clock.now() - timedelta(seconds=self.settings.outbox_age)
