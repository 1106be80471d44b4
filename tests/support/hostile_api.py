"""A quote API that misbehaves as its path says: `/slow`, `/huge`, `/bomb`. Plain sockets, so that it can."""

import asyncio
import contextlib
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

GOOD = {"offers": [{"price": {"total": "120.50", "currency": "EUR"}}]}
MEGABYTE = 1024 * 1024


@dataclass
class HostileApi:
    """Where it listens, what it was asked (request line, headers, body), and what it still sends."""

    url: str = ""
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    sent: int = 0
    open: int = 0
    most_open: int = 0
    answers: dict[str, Any] = field(default_factory=dict)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def paths(self) -> list[str]:
        """The paths that were asked for."""
        return [urlsplit(line.split()[1]).path for line, _, _ in self.asked]


def head(status: str = "200 OK", **more: Any) -> bytes:
    """The first part of an answer."""
    headers = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in more.items()}}
    return f"HTTP/1.1 {status}\r\n{''.join(f'{n}: {v}{chr(13)}{chr(10)}' for n, v in headers.items())}\r\n".encode()


def whole(body: bytes, status: str = "200 OK", **more: Any) -> bytes:
    """An answer."""
    return head(status, Content_Length=len(body), **more) + body


@contextlib.asynccontextmanager
async def hostile_api(tls: ssl.SSLContext | None = None) -> AsyncIterator[HostileApi]:
    """On a free port of this computer, with `tls` or without."""
    api = HostileApi()
    under_way: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way[writer] = asyncio.current_task()
        api.open += 1
        api.most_open = max(api.most_open, api.open)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await _one(api, reader, writer):
                pass
        api.open -= 1
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        del under_way[writer]

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()
    api.url = f"http://{host}:{port}"
    try:
        yield api
    finally:
        api.release.set()
        server.close()
        for writer in under_way:
            writer.transport.abort()
        await asyncio.gather(*filter(None, under_way.values()), return_exceptions=True)


async def _one(api: HostileApi, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    body = await reader.readexactly(int(headers.get("Content-Length", "0")))
    api.asked.append((lines[0], headers, body))
    path = urlsplit(lines[0].split()[1]).path

    async def send(data: bytes) -> None:
        writer.write(data)
        await writer.drain()
        api.sent += len(data)

    if path in api.answers:
        given = api.answers[path]
        await send(given if isinstance(given, bytes) else whole(json.dumps(given).encode()))
        return True
    return await WAYS[path](api, send)


Send = Callable[[bytes], Coroutine[Any, Any, None]]


async def _good(api: HostileApi, send: Send) -> bool:
    await send(whole(json.dumps(GOOD).encode()))
    return True


async def _held(api: HostileApi, send: Send) -> bool:
    await api.release.wait()
    return await _good(api, send)


async def _silent(api: HostileApi, send: Send) -> bool:
    await api.release.wait()
    return False


async def _drip(api: HostileApi, send: Send) -> bool:
    """A byte now and then, which no limit of a single wait would ever find too slow."""
    await send(head(Content_Length=100_000))
    with contextlib.suppress(TimeoutError):
        while not api.release.is_set():
            await send(b" ")
            await asyncio.sleep(0.01)
    return False


async def _huge(api: HostileApi, send: Send) -> bool:
    await send(head(Transfer_Encoding="chunked"))
    for _ in range(50):
        await send(b"%x\r\n%b\r\n" % (MEGABYTE, b" " * MEGABYTE))
    return False


async def _huge_said(api: HostileApi, send: Send) -> bool:
    await send(head(Content_Length=50 * MEGABYTE))
    for _ in range(50):
        await send(b" " * MEGABYTE)
    return False


async def _cut(api: HostileApi, send: Send) -> bool:
    await send(head(Content_Length=100) + b'{"offers')
    return False


async def _gone(api: HostileApi, send: Send) -> bool:
    return False


def _always(answer: bytes) -> Callable[[HostileApi, Send], Coroutine[Any, Any, bool]]:
    async def way(api: HostileApi, send: Send) -> bool:
        await send(answer)
        return not answer.endswith(b"\n\n\n")

    return way


WAYS: dict[str, Callable[[HostileApi, Send], Coroutine[Any, Any, bool]]] = {
    "/good": _good,
    "/held": _held,
    "/silent": _silent,
    "/drip": _drip,
    "/huge": _huge,
    "/huge-said": _huge_said,
    "/cut": _cut,
    "/gone": _gone,
    "/500": _always(whole(b'{"error": "boom \x1b[2J"}', "500 Oh no \x1b[2J")),
    "/429": _always(whole(b"", "429 Too Many")),
    "/404": _always(whole(b"", "404 Not Found")),
    "/401": _always(whole(b"", "401 Unauthorized")),
    "/html": _always(whole(b"<h1>Hello</h1>", Content_Type="text/html")),
    "/nonsense": _always(whole(b"{not json")),
    "/latin": _always(whole('{"offers": "ü"}'.encode("latin-1"))),
    "/deep": _always(whole(b"[" * 100_000)),
    "/many": _always(whole(json.dumps({"offers": [{"price": {"total": 1, "currency": "EUR"}}] * 3000}).encode())),
    "/bomb": _always(whole(gzip.compress(b" " * 50 * MEGABYTE), Content_Encoding="gzip")),
    "/not-http": _always(b"SSH-2.0-OpenSSH_9.6\r\n" * 3 + b"\n\n\n"),
    "/headers": _always(head(**{f"X_{n}": "y" * 1000 for n in range(500)})),
}
