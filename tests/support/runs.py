"""Quote runs that a test puts into a server, whose process the test plays; and how people follow one by its numbers."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from tests.support.people import JSON, Person, Stream

from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import (
    AddFailure,
    AddResult,
    AskedHotel,
    AskedProvider,
    Price,
    QuoteAct,
    QuoteCommand,
    QuoteRun,
    RequestQuote,
    SayActivity,
    Stay,
)
from roadcrew_domain.running import StartRunner
from roadcrew_server.hub import Hub

CASA = AskedHotel("casa", "Casa Azul", "Lisbon", 4)


def a_request(
    hub: Hub, *, trip: str | None, providers: int = 3, within: float = 600, keep_for: float = 7200
) -> RequestQuote:
    """Three nights in one hotel, soon."""
    begins = hub.store.now().date() + timedelta(days=20)
    return RequestQuote(
        request=Stay((CASA,), begins, begins + timedelta(days=3), 2),
        providers=tuple(AskedProvider(f"p{n}", f"Provider {n}", True, 5.0) for n in range(providers)),
        within=within,
        keep_for=keep_for,
        trip_id=trip,
    )


@dataclass
class PlayedRun:
    """A run at a hub. What its process does, the test does; its fence is 1."""

    hub: Hub
    id: str

    @classmethod
    async def ask(cls, hub: Hub, by: str, trip: str | None = None, **more: Any) -> "PlayedRun":
        """Somebody asks for prices."""
        run = cls(hub, hub.new_id())
        await hub.execute(run.topic, QuoteCommand(run.id, by, a_request(hub, trip=trip, **more)))
        return run

    @property
    def topic(self) -> str:
        """Its name."""
        return f"quote:{self.id}"

    @property
    def state(self) -> QuoteRun:
        """As the hub has it."""
        state: QuoteRun = self.hub.topics[self.topic].state
        return state

    async def do(self, act: QuoteAct, by: str | None = None) -> QuoteRun:
        """The state afterwards."""
        done = await self.hub.execute(self.topic, QuoteCommand(self.hub.new_id(), by, act))
        state: QuoteRun = done.state
        return state

    async def start(self, fence: int = 1) -> "PlayedRun":
        """Its process takes it up."""
        await self.do(StartRunner(fence))
        return self

    async def say(self, provider: int, text: str) -> None:
        """A provider says something."""
        await self.do(SayActivity(1, f"p{provider}", text))

    async def answer(self, provider: int, amount: int = 10_000) -> None:
        """A provider has a price."""
        await self.do(AddResult(1, f"p{provider}", (Price(Money(amount, "EUR"), "casa"),)))

    async def fail(self, provider: int) -> None:
        """A provider has none."""
        await self.do(AddFailure(1, f"p{provider}", "timeout", "No answer within 5 s."))


@contextlib.asynccontextmanager
async def followed(person: Person, path: str, *, last_event_id: str = "", **query: Any) -> AsyncIterator[Stream]:
    """A stream of numbered events."""
    async with person.following(path, list(query.items()), last_event_id=last_event_id) as stream:
        yield stream


async def polled(person: Person, path: str, **query: Any) -> httpx.Response:
    """One batch of numbered events."""
    return await person.request("GET", path, params=query, headers=JSON)
