"""People at a server over plain HTTP: no client of ours, so that the contract itself is what is tested."""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from httpx_sse import EventSource

SOON = 5.0
"""Seconds after which a condition that should have come is a failure."""

Params = list[tuple[str, str | int | float | bool | None]]

SSE = {"Accept": "text/event-stream"}
JSON = {"Accept": "application/json"}


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client with room for any number of streams."""
    # Servers close what is idle for 5 s; who sends in that moment has no answer, and these people do not ask again.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=200, keepalive_expiry=2)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=20, trust_env=False) as http:
        yield http


async def eventually(
    condition: Callable[[], Any], what: str = "it", seconds: float = SOON, *, every: float = 0.005
) -> Any:
    """Wait until `condition()` is true; its value. Fails, and says for what it waited, after that many seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} never came")
        await asyncio.sleep(every)
    return value


@dataclass(frozen=True)
class Frame:
    """One SSE frame. `kind` is `event` for one without a name."""

    kind: str
    id: str
    data: Any


class Stream:
    """An open stream, read in the background. `frames` are all that came; `closed` that it ended."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.frames: list[Frame] = []
        self.closed = False
        self._more = asyncio.Event()
        self._seen = 0
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for sse in EventSource(self.response).aiter_sse():
                kind = "event" if sse.event == "message" else sse.event
                self.frames.append(Frame(kind, sse.id, json.loads(sse.data) if sse.data else None))
                self._more.set()
        except httpx.HTTPError:
            pass
        finally:
            self.closed = True
            self._more.set()

    async def next(self, *kinds: str, seconds: float = SOON) -> Frame:
        """The next frame of one of these kinds (any, if none is named), skipping others."""
        async with asyncio.timeout(seconds):
            while True:
                while self._seen < len(self.frames):
                    frame = self.frames[self._seen]
                    self._seen += 1
                    if not kinds or frame.kind in kinds:
                        return frame
                if self.closed:
                    raise EOFError("the stream ended")
                self._more.clear()
                await self._more.wait()

    async def until(self, condition: Callable[[Frame], Any], seconds: float = SOON) -> Frame:
        """The next frame for which the condition holds."""
        async with asyncio.timeout(seconds):
            while True:
                frame = await self.next(seconds=seconds)
                if condition(frame):
                    return frame

    async def end(self, seconds: float = SOON) -> list[Frame]:
        """Wait until the server has closed it; all frames."""
        await eventually(lambda: self.closed, "the end of the stream", seconds)
        return self.frames

    @property
    def last_id(self) -> str:
        """The cursor of the last frame that had one."""
        return next(f.id for f in reversed(self.frames) if f.id)

    def events(self) -> list[Any]:
        """The data of all frames without a name."""
        return [f.data for f in self.frames if f.kind == "event"]

    async def aclose(self) -> None:
        """Stop reading and hang up."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.response.aclose()


@dataclass
class Person:
    """Somebody with a token, or (`token` None) without."""

    http: httpx.AsyncClient
    token: str | None = None
    id: str = ""
    name: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def guest(cls, http: httpx.AsyncClient, name: str) -> "Person":
        """A new guest."""
        answer = await http.post("/api/session/guest", json={"name": name})
        assert answer.status_code == 201, answer.text
        return cls.of(http, answer.json())

    @classmethod
    def of(cls, http: httpx.AsyncClient, issued: dict[str, Any]) -> "Person":
        """Whoever a session was issued to."""
        return cls(http, issued["token"], issued["user"]["id"], issued["user"]["name"])

    @property
    def auth(self) -> dict[str, str]:
        """The headers that say who asks."""
        return self.headers if self.token is None else {"Authorization": f"Bearer {self.token}", **self.headers}

    async def request(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        """Any request. A `body` of bytes is an image, any other is sent as JSON."""
        headers = self.auth | more.pop("headers", {})
        if key is not None:
            headers["Idempotency-Key"] = key
        if isinstance(body, bytes):
            headers["Content-Type"] = "image/png"
            more["content"] = body
        elif body is not None:
            more["json"] = body
        return await self.http.request(method, path, headers=headers, **more)

    async def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> httpx.Response:
        """POST below `/api/social-cart`, or to a path that begins with `/api/`."""
        full = path if path.startswith("/api/") else f"/api/social-cart{path}"
        return await self.request("POST", full, {} if body is None else body, key=key, **more)

    async def do(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """POST what must succeed; the answer's JSON."""
        answer = await self.post(path, body, key=key)
        assert answer.is_success, answer.text
        return answer.json()

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """GET."""
        return await self.request("GET", path, params=params)

    async def trip(self, trip_id: str) -> httpx.Response:
        """`GET /join?tripId=`."""
        return await self.get("/api/social-cart/join", tripId=trip_id)

    async def create(self, name: str = "Lisbon in May", **more: Any) -> Any:
        """A new trip: `{trip, invite, cursor}`."""
        return await self.do("/create", {"name": name, **more}, key=str(uuid.uuid4()))

    async def poll(
        self, *trips: str, cursor: str = "", tag: str = "", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One batch of `/api/sync`."""
        params = sync_params(trips, cursor) + ([("presenceTag", tag)] if tag else [])
        return await self.request("GET", "/api/sync", params=params, headers=JSON | (headers or {}))

    @contextlib.asynccontextmanager
    async def stream(
        self, *trips: str, cursor: str = "", last_event_id: str = "", where: str = ""
    ) -> AsyncIterator[Stream]:
        """A stream of `/api/sync` over these trips."""
        params = sync_params(trips, cursor) + ([("where", where)] if where else [])
        async with self.following("/api/sync", params, last_event_id=last_event_id) as stream:
            yield stream

    @contextlib.asynccontextmanager
    async def following(
        self, path: str, params: Params | None = None, *, last_event_id: str = ""
    ) -> AsyncIterator[Stream]:
        """A stream of any path."""
        headers = self.auth | SSE | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        request = self.http.build_request("GET", path, params=params, headers=headers, timeout=30)
        response = await self.http.send(request, stream=True)
        if response.status_code != 200:
            await response.aread()
            raise AssertionError(f"{response.status_code} {response.text}")
        stream = Stream(response)
        try:
            yield stream
        finally:
            await stream.aclose()


def sync_params(trips: Sequence[str], cursor: str = "") -> Params:
    """The query of `/api/sync`. A trip's id becomes its topic."""
    topics: Params = [("topic", trip if ":" in trip else f"trip:{trip}") for trip in trips]
    return topics + ([("cursor", cursor)] if cursor else [])


async def crew(http: httpx.AsyncClient, size: int, **trip: Any) -> tuple[Any, list[Person]]:
    """A new trip with that many members, the first of whom is the organiser."""
    people = await asyncio.gather(*(Person.guest(http, f"Person {n}") for n in range(size)))
    made = await people[0].create(**trip)
    await asyncio.gather(*(p.do("/join", {"invite": made["invite"]["code"]}) for p in people[1:]))
    return made, list(people)
