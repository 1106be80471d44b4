"""People who talk over plain HTTP: what they say and give of one thing."""

from dataclasses import dataclass
from typing import Any, Self

import httpx
from tests.support.people import Person

from roadcrew_domain.places import Entity, exhibition_place

SKY = Entity("location", exhibition_place("big-sky"))


@dataclass
class Talker:
    """One person, and what they talk about."""

    who: Person
    thing: Entity

    @property
    def path(self) -> str:
        """Where it is talked about."""
        return f"/api/feeds/{self.thing.type}/{self.thing.id}"

    def about(self, thing: Entity) -> Self:
        """The same person about something else."""
        return type(self)(self.who, thing)

    async def tell(
        self, method: str, rest: str = "", body: Any = None, *, key: str | None = None, **params: Any
    ) -> httpx.Response:
        """Any request."""
        return await self.who.request(method, f"{self.path}{rest}", body, key=key, params=params)

    async def does(self, method: str, rest: str = "", body: Any = None, **more: Any) -> Any:
        """What must succeed; the answer's JSON."""
        answer = await self.tell(method, rest, body, **more)
        assert answer.is_success, answer.text
        return answer.json()

    async def says(self, text: str, channel: str = "comments", **more: Any) -> Any:
        """A new item."""
        return (await self.does("POST", f"/{channel}", {"text": text, **more}))["item"]

    async def reads(self, channel: str = "comments", **params: Any) -> list[Any]:
        """Items, as they are now."""
        items: list[Any] = (await self.does("GET", f"/{channel}", **params))["items"]
        return items

    async def hears(self, channel: str) -> list[Any]:
        """All events of a channel so far, and the state of it, as everybody who may read of it gets them."""
        batch = await self.who.poll(self.thing.topic(channel))
        return [batch.json()["resets"][0], *batch.json()["events"]]


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """A problem of this status and code."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text[:300]
