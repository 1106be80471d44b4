"""Somebody who follows a trip of a scripted server, for tests of what the engine makes of it."""

from tests.api_client.scripted import FAST, Log, ScriptedServer

import roadcrew_client as rc
from roadcrew_client.settings import ClientSettings
from roadcrew_domain.trip import Command, EditTrip


class Person:
    """A client that is signed in as Ana without having asked."""

    def __init__(self, server: ScriptedServer, settings: ClientSettings = FAST) -> None:
        self.client = rc.Client(server.url, token="token", settings=settings)
        self.client._session.user = rc.User("ana", "Ana")

    async def __aenter__(self) -> rc.LiveTrip:
        self.live = self.client.follow("t")
        self.changes: list[rc.Change] = []
        self.live.listen(self.changes.append)
        await self.live.start()
        return self.live

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()


def rename(log: Log, n: int) -> None:
    log.do(Command(f"rename-{n}", "ana", EditTrip(name=f"Trip {n}")))
