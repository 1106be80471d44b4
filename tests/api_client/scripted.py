"""A scripted stand-in for a server, for what a real one can't be made to do: hold frames back, cut a stream at a byte,
answer nonsense. It speaks HTTP/1.1 over a real socket on 127.0.0.1 and does what each test's script says."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import msgspec

from roadcrew_client.settings import ClientSettings
from roadcrew_domain import crew
from roadcrew_domain.crew import Invite
from roadcrew_domain.events import Event, Position, encode_cursor, encode_event, event
from roadcrew_domain.trip import Bounds, Command, CreateTrip, Trip, decide, evolve
from roadcrew_domain.views import to_view

NOW = datetime(2030, 5, 1, tzinfo=UTC)
ANA = {"id": "ana", "name": "Ana", "username": None, "guest": True}

FAST = ClientSettings(
    backoff_base=0.01,
    backoff_cap=0.05,
    prove_within=0.3,
    short_close=0.2,
    probe_after=0.3,
    poll_fast=0.02,
    poll_slow=0.1,
    hidden_grace=0.05,
    heartbeat=0.2,
    retry_initial=0.01,
    retry_cap=0.02,
    retry_total=5.0,
    call_timeout=2.0,
    look_throttle=0.01,
)
"""The client's numbers, made small: what is tested is the order of things, not how long they take."""


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter

    @property
    def streams(self) -> bool:
        return "text/event-stream" in self.headers.get("accept", "")

    @property
    def cursor(self) -> str | None:
        return self.headers.get("last-event-id") or self.query.get("cursor", [None])[0]

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status: int, body: object = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
        lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
        await self.raw("\r\n".join([*lines, "", ""]).encode() + data)

    async def problem(self, status: int, code: str, **more: object) -> None:
        await self.answer(status, {"status": status, "code": code, "detail": f"It is {code}.", **more})

    async def open_stream(self) -> None:
        await self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")

    async def until_closed(self) -> None:
        """Keep the connection open until the other side ends it."""
        with contextlib.suppress(OSError):
            await self.writer.wait_closed() if self.writer.is_closing() else await self._eof()

    async def _eof(self) -> None:
        while not self.writer.transport.is_closing():  # noqa: ASYNC110 — the reading side belongs to the server below
            await asyncio.sleep(0.005)


Script = Callable[[Request], Awaitable[None]]


@dataclass
class ScriptedServer:
    script: Script
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    """Requests to sync under way at once."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, path: str) -> list[Request]:
        return [r for r in self.requests if r.path == path]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *rest = head.split("\r\n")
                method, target, _ = first.split(" ")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in rest if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                parts = urlsplit(target)
                request = Request(method, parts.path, parse_qs(parts.query), headers, body, writer)
                self.requests.append(request)
                sync = parts.path == "/api/sync"
                self.open += sync
                self.most_open = max(self.most_open, self.open)
                gone = asyncio.create_task(reader.read(1)) if request.streams else None
                work = asyncio.ensure_future(self.script(request))
                try:
                    await asyncio.wait({work, gone} if gone else {work}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self.open -= sync
                    work.cancel()
                    if gone:
                        gone.cancel()
                    await asyncio.gather(work, *([gone] if gone else []), return_exceptions=True)
                if request.streams or writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def serving(script: Script, port: int = 0) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer(script)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(server.handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(connected, "127.0.0.1", port)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something holds; fail when it does not within a time that nothing here should take."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 — the condition is about objects that tell nobody
            await asyncio.sleep(0.002)


class Log:
    """A trip's log, by the real rules, with the frames and batches that a server makes of it."""

    def __init__(self, trip: str = "t") -> None:
        self.topic = f"trip:{trip}"
        self.state: Trip | None = None
        self.events: list[Event] = []
        self.grown = asyncio.Event()
        invite = Invite("K7QM-2D4F", None, None)
        self.do(Command(trip, "ana", CreateTrip("Lisbon", "Ana", invite, Bounds(), 86400 * 180)))
        self.do(Command("j", "ben", crew.JoinTrip("K7QM-2D4F", "Ben")))

    def do(self, command: Command) -> None:
        """Raises `Refused`. The same command twice is one."""
        if any(e.command == command.id for e in self.events):
            return
        for fact in decide(self.state, command, NOW):
            e = event(self.topic, len(self.events), NOW, command.by, command.id, fact)
            self.state = evolve(self.state, e)
            self.events.append(e)
        self.grown.set()
        self.grown = asyncio.Event()

    def cursor(self, seq: int | None = None) -> str:
        seq = len(self.events) - 1 if seq is None else seq
        return encode_cursor({self.topic: Position.after("e", seq, self.events[seq].command)})

    def after(self, cursor: str | None) -> int | None:
        """The number of the next event for who has that cursor; None: a reset first."""
        seqs = {self.cursor(n): n + 1 for n in range(len(self.events))}
        return None if cursor is None else seqs.get(cursor)

    def trip(self) -> dict[str, object]:
        assert self.state is not None
        built: dict[str, object] = json.loads(msgspec.json.encode(to_view(self.state)))
        return built

    def answer(self) -> dict[str, object]:
        return {"trip": self.trip(), "cursor": self.cursor()}

    def raw_reset(self) -> dict[str, object]:
        return {"topic": self.topic, "seq": len(self.events) - 1, "state": self.trip(), "now": NOW.isoformat()}

    def reset_frame(self) -> bytes:
        return f"event: reset\nid: {self.cursor()}\ndata: {json.dumps(self.raw_reset())}\n\n".encode()

    def frame(self, seq: int) -> bytes:
        return f"id: {self.cursor(seq)}\ndata: ".encode() + encode_event(self.events[seq]) + b"\n\n"

    def batch(self, cursor: str | None) -> dict[str, object]:
        start = self.after(cursor)
        events = [] if start is None else [json.loads(encode_event(e)) for e in self.events[start:]]
        return {
            "events": events,
            "resets": [self.raw_reset()] if start is None else [],
            "gone": [],
            "presence": [],
            "presenceTag": "p",
            "more": False,
            "cursor": self.cursor(),
        }

    async def follow(self, request: Request) -> None:
        """Stream for ever."""
        await request.open_stream()
        await request.raw(b"retry: 0\n: hello\n\n")
        at = self.after(request.cursor)
        if at is None:
            await request.raw(self.reset_frame())
            at = len(self.events)
        while True:
            grown = self.grown
            while at < len(self.events):
                await request.raw(self.frame(at))
                at += 1
            await grown.wait()

    async def poll(self, request: Request) -> None:
        batch = self.batch(request.cursor)
        if not batch["events"] and not batch["resets"]:
            await request.answer(204)
        else:
            await request.answer(200, batch)
