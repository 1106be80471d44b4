"""A price-monitor service that a test plays: a WebSocket server that does with each link what its script says."""

import asyncio
import contextlib
import http
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.people import SOON, Person, eventually
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from roadcrew_domain.jobs_state import Checkpoint, ImportedHotel, ImportJob, RefusedRow
from roadcrew_domain.money import Money
from roadcrew_price_monitor import protocol

KEY = "a-key-that-nobody-sees"


def hotel(line: int, name: str = "Casa Azul", **more: Any) -> ImportedHotel:
    """A good row."""
    return ImportedHotel(line, name, "Lisbon", 4, Money(8_400, "EUR"), **more)


def bad(line: int, code: str = "bad-price", detail: str = "The price is none.") -> RefusedRow:
    """A bad row."""
    return RefusedRow(line, code, detail)


class Scripted:
    """One link, as the service has it."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.hello = protocol.Hello(0, "", "csv", 0)
        self.feed = bytearray()
        self.ended = False

    async def hear(self) -> protocol.FromServer | bytes:
        """The next message; what is of the feed is added to `feed`."""
        async with asyncio.timeout(SOON):
            message = await self.socket.recv()
        if isinstance(message, bytes):
            self.feed += message
            return message
        said = protocol.from_server(message)
        self.ended = self.ended or isinstance(said, protocol.End)
        return said

    async def greet(self, offset: int | None = None, ahead: int = 10**9) -> None:
        """The hello, and that it may send."""
        said = await self.hear()
        assert isinstance(said, protocol.Hello)
        self.hello = said
        await self.say(protocol.Ready(said.checkpoint.offset if offset is None else offset, ahead))

    async def whole(self) -> bytes:
        """The feed to its end."""
        while not self.ended:
            await self.hear()
        return bytes(self.feed)

    async def say(self, message: protocol.FromService) -> None:
        """Say that."""
        await self.socket.send(protocol.written(message))

    async def rows(
        self,
        hotels: Sequence[ImportedHotel],
        refused: Sequence[RefusedRow] = (),
        *,
        rows: int,
        at: int,
        token: str = "t",
    ) -> None:
        """Say rows, of `rows` so far, up to the byte `at`; wait until they are kept."""
        checkpoint = Checkpoint(at, f"{token}{rows}")
        await self.say(protocol.Rows(tuple(hotels), tuple(refused), checkpoint, rows, at))
        while await self.hear() != protocol.Ack(checkpoint):
            pass


Script = Callable[[Scripted], Awaitable[None]]


@dataclass
class Monitor:
    """The service. `scripts` are of its links, one after the other, the last one again and again."""

    scripts: list[Script] = field(default_factory=list)
    refusal: tuple[int, dict[str, str]] | None = None
    links: list[Scripted] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    port: int = 0

    @property
    def settings(self) -> dict[str, Any]:
        """What a server must be told of it."""
        return {"monitor_price_app_host": f"127.0.0.1:{self.port}", "price_monitor_api_key": KEY}

    async def ask(self, socket: ServerConnection, request: Request) -> Response | None:
        self.keys.append(request.headers.get("Authorization"))
        assert request.path == protocol.PATH
        if self.refusal is None:
            return None
        status, headers = self.refusal
        response = socket.respond(http.HTTPStatus(status), "no\n")
        response.headers.update(headers)
        return response

    async def handle(self, socket: ServerConnection) -> None:
        link = Scripted(socket)
        self.links.append(link)
        try:
            await self.scripts[min(len(self.links), len(self.scripts)) - 1](link)
        except (ConnectionClosed, TimeoutError):
            pass
        except Exception as error:
            self.faults.append(error)


@contextlib.asynccontextmanager
async def monitor(*scripts: Script) -> AsyncIterator[Monitor]:
    """The service, listening."""
    made = Monitor(list(scripts))
    async with serve(
        made.handle, "127.0.0.1", 0, process_request=made.ask, max_size=2**24, compression=None, close_timeout=0.5
    ) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
    assert made.faults == []


FEED = b"name,city,stars,price\n" + b"".join(b"Hotel %d,Lisbon,4,84\n" % n for n in range(2, 40))


async def sent(person: Person, trip: str, feed: bytes = FEED, *, key: str | None = None, **more: Any) -> Any:
    """Start an import; its answer's JSON."""
    params = {"tripId": trip, "name": "May", **more}
    answer = await person.request(
        "POST", "/api/jobs", params=params, content=feed, headers={"Content-Type": "text/csv"}, key=key
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


async def over(server: Any, job: str, seconds: float = SOON) -> ImportJob:
    """The import once it is over."""

    def state() -> ImportJob | None:
        topic = server.hub.topics.get(f"job:{job}")
        return topic.state if topic is not None and topic.state.status != "processing" else None

    ended: ImportJob = await eventually(state, "the end of the import", seconds)
    return ended
