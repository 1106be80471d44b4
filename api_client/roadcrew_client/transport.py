"""The only place that knows the HTTP library: bounded calls with a time limit, and streams on connections of their own.

Not for what the calls mean, nor for sending again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache

import httpx

from roadcrew_client.cable import Cable
from roadcrew_client.errors import RoadcrewError, Unreachable, from_reply, not_ours
from roadcrew_client.links import base_address
from roadcrew_client.settings import ClientSettings, ServerTime
from roadcrew_client.waiting import Figures

Params = Sequence[tuple[str, str]]
Content = bytes | AsyncIterator[bytes] | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is too large to be held: `size` bytes of `kind` (a media type), made anew by `chunks` each time that
    it is sent. What `chunks` raises ends the call, and is raised by it."""

    kind: str
    size: int
    chunks: Callable[[], AsyncGenerator[bytes, None]]


@dataclass(frozen=True, slots=True)
class OpenStream:
    """A stream whose headers are here. `chunks` gives its bytes as they come; raises `Unreachable` when it is cut."""

    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class HttpTransport:
    """Calls and streams to one server. Redirects are followed nowhere: a change must not be sent to another place,
    and a token not shown to it. Answers are asked for uncompressed: a small one must not become a large one here."""

    def __init__(
        self,
        server: str,
        settings: ClientSettings,
        server_time: ServerTime,
        cable: Cable | None = None,
        figures: Figures | None = None,
    ) -> None:
        """`figures`: where bytes are counted."""
        self.base = base_address(server)
        self._cable = cable or Cable()
        self._figures = figures or Figures()
        self._settings = settings
        self._time = server_time
        self._calls: httpx.AsyncClient | None = None
        self._streams: httpx.AsyncClient | None = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Upload | None = None,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One call. Raises `RoadcrewError` for anything but a 2xx answer; every wait in it has an end."""
        sent = {"Accept": "application/json", **(headers or {})}
        if isinstance(body, Upload):
            sent |= {"Content-Type": body.kind, "Content-Length": str(body.size)}
            async with aclosing(body.chunks()) as chunks:
                return await self._call(method, path, params, sent, chunks, self._settings.upload_timeout)
        if body is not None:
            sent["Content-Type"] = "application/json"
        return await self._call(method, path, params, sent, body, self._settings.call_timeout)

    async def _call(
        self, method: str, path: str, params: Params, headers: Mapping[str, str], content: Content, seconds: float
    ) -> Reply:
        s = self._settings
        if self._calls is None:
            self._calls = self._make(httpx.Timeout(s.read_timeout, connect=s.connect_timeout), keep=8)
        try:
            async with (
                self._cable.through(),
                asyncio.timeout(seconds),
                _answer(self._calls, method, self.base + path, params, headers, content) as answer,
            ):
                came = await self._bounded(answer)
        except TimeoutError as error:
            raise Unreachable("timeout", "The server did not answer in time.") from error
        except httpx.HTTPError as error:
            raise _unreachable(error) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise not_ours("The server's answer is not HTTP as it should be.") from error
        self._note_time(answer.headers)
        if not answer.is_success:
            raise from_reply(answer.status_code, answer.headers, came, most=s.max_retry_after)
        return Reply(answer.status_code, answer.headers, came)

    @asynccontextmanager
    async def stream(
        self, path: str, *, params: Params = (), headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[OpenStream, None]:
        """An event stream. Raises `RoadcrewError` for anything but a 2xx answer."""
        s = self._settings
        if self._streams is None:
            timeout = httpx.Timeout(s.connect_timeout, read=s.stream_read_timeout)
            self._streams = self._make(timeout, keep=0)
        sent = {"Accept": "text/event-stream", "Cache-Control": "no-store", **(headers or {})}
        try:
            async with (
                self._cable.through(),
                _answer(self._streams, "GET", self.base + path, params, sent) as answer,
            ):
                self._note_time(answer.headers)
                if not answer.is_success:
                    async with asyncio.timeout(s.call_timeout):
                        content = await self._bounded(answer)
                    raise from_reply(answer.status_code, answer.headers, content, most=s.max_retry_after)
                _refuse_compressed(answer)
                yield OpenStream(answer.headers, self._chunks(answer))
        except TimeoutError as error:
            raise Unreachable("timeout", "The server did not answer in time.") from error
        except httpx.HTTPError as error:
            raise _unreachable(error) from error
        except httpx.InvalidURL as error:
            raise not_ours("The server's address is not one.") from error

    async def close(self) -> None:
        """Close all connections."""
        clients, self._calls, self._streams = (self._calls, self._streams), None, None
        for client in clients:
            if client is not None:
                await client.aclose()

    def _make(self, timeout: httpx.Timeout, *, keep: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=timeout,
            verify=_trusted(),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=keep),
            headers={"Accept-Encoding": "identity", "User-Agent": "roadcrew"},
            follow_redirects=False,
            http2=False,
            event_hooks={"request": [self._sent], "response": [self._came]},
        )

    async def _sent(self, request: httpx.Request) -> None:
        line = len(request.method) + len(request.url.raw_path) + len("  HTTP/1.1\r\n")
        self._figures.bytes_out += line + _size(request.headers) + int(request.headers.get("content-length", 0))

    async def _came(self, answer: httpx.Response) -> None:
        self._figures.bytes_in += len(f"HTTP/1.1 200 {answer.reason_phrase}\r\n") + _size(answer.headers)

    async def _bounded(self, answer: httpx.Response) -> bytes:
        _refuse_compressed(answer)
        most, parts, size = self._settings.max_body, list[bytes](), 0
        async for part in answer.aiter_raw():
            size += len(part)
            self._figures.bytes_in += len(part)
            if size > most:
                raise not_ours(f"The server's answer is larger than {most} bytes.", code="answer-too-large")
            parts.append(part)
        return b"".join(parts)

    async def _chunks(self, answer: httpx.Response) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in answer.aiter_raw():
                self._figures.bytes_in += len(chunk)
                yield chunk
        except httpx.HTTPError as error:
            raise _unreachable(error) from error

    def _note_time(self, headers: Mapping[str, str]) -> None:
        try:
            self._time.roughly(parsedate_to_datetime(headers.get("date", "")))
        except (ValueError, TypeError, OverflowError):
            return


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this computer trusts, read once: 15 ms and a megabyte, which many clients in one program need not repeat."""
    return httpx.create_ssl_context()


def _refuse_compressed(answer: httpx.Response) -> None:
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise not_ours("The server compressed an answer that was asked for uncompressed.")


@asynccontextmanager
async def _answer(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    params: Params,
    headers: Mapping[str, str],
    content: Content = None,
) -> AsyncGenerator[httpx.Response, None]:
    """An answer whose headers are here, and which is closed in any case."""
    # No parameters are None: an empty list takes away those that stand in the path.
    request = client.build_request(method, url, content=content, params=list(params) or None, headers=headers)
    answer = await client.send(request, stream=True)
    try:
        yield answer
    finally:
        await _to_the_end(answer.aclose())


async def _to_the_end(closing: Awaitable[None]) -> None:
    """Close, also for somebody who is cancelled meanwhile: httpx counts a connection that was closed by half as one in
    use, for ever, and it has a bounded number of them. Takes no longer than closing a socket here."""
    task = asyncio.ensure_future(closing)
    given_up: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            given_up = error
    if given_up is not None:
        raise given_up
    task.result()


def _size(headers: httpx.Headers) -> int:
    """Bytes of a head's fields, with the empty line after them."""
    return sum(len(name) + len(value) + len(": \r\n") for name, value in headers.raw) + len("\r\n")


def _unreachable(error: httpx.HTTPError) -> RoadcrewError:
    if isinstance(error, httpx.ReadTimeout):
        return Unreachable("silent", "The server went silent.")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable("timeout", "The server did not answer in time.")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Unreachable("bad-certificate", "The server's certificate is not one that this computer trusts.")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return Unreachable("no-connection", "The server can't be reached.")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.TooManyRedirects | httpx.DecodingError):
        return not_ours("The server's answer is not HTTP as it should be.")
    return Unreachable("cut", "The connection was cut.")
