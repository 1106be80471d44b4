"""How this server listens: the socket, a protocol with a bound on headers, and a start that can be waited for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import msgspec
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from roadcrew_server.forwarded import ForwardedFor
from roadcrew_server.settings import Settings

log = logging.getLogger(__name__)

USER_TIMEOUT_MS = 30_000
"""TCP_USER_TIMEOUT: how long sent bytes may stay unacknowledged before a vanished peer is given up."""
BACKLOG = 2048
MAX_HEAD = 64 * 1024
"""Bytes of a request's first line and headers."""
HEAD_SECONDS = 30.0
"""Seconds until they must have arrived."""
REST_SECONDS = 5.0
"""Seconds for what is left of a body that was answered already, so that the answer is read before we hang up."""

_TOO_LONG = msgspec.json.encode(
    {
        "type": "about:blank",
        "title": "Request Header Fields Too Large",
        "status": 431,
        "detail": f"A request's headers have at most {MAX_HEAD} bytes.",
        "code": "headers-too-large",
        "requestId": "",
    }
)


DIRECT = "roadcrew.direct"
"""The ASGI extension in which a response finds its `Direct`, as `writer`."""


def chunk(body: bytes) -> bytes:
    """A part of a chunked body, as `Direct` writes it."""
    return b"%x\r\n%b\r\n" % (len(body), body)


class Direct:
    """Writes to a response that has begun, without the way through tasks and middleware: one call for each reader.
    And says when who reads is gone, without a task that waits for it.

    Waiting for a reader that is slow is not its business: then it writes nothing, and says so.
    """

    __slots__ = ("_cycle", "_protocol")

    def __init__(self, protocol: BoundedProtocol) -> None:
        self._protocol = protocol
        self._cycle = weakref.ref(protocol.cycle)  # which knows the scope, which knows this

    def watch(self, gone: Callable[[], None] | None) -> None:
        """Call this, once, when the connection is lost; None: nothing any more."""
        if gone is not None and self._protocol.lost:
            gone()
        else:
            self._protocol.on_gone = gone

    def write(self, framed: bytes) -> bool:
        """Write what `chunk` made; False if that has to wait, or can't be done here."""
        cycle = self._cycle()
        if (
            cycle is None
            or not cycle.response_started
            or cycle.response_complete
            or cycle.disconnected
            or not cycle.chunked_encoding
            or cycle.flow.write_paused
        ):
            return False
        cycle.transport.write(framed)
        return True


def is_known(protocol: BoundedProtocol) -> bool:
    """Whether uvicorn keeps a response, here one that just begins, as `Direct` knows it. It never promised to."""
    try:
        cycle: Any = protocol.cycle
        weakref.ref(cycle)
        flags = (cycle.response_started, cycle.response_complete, cycle.more_body, cycle.disconnected)
        return (
            all(isinstance(flag, bool) for flag in (*flags, cycle.flow.write_paused))
            and isinstance(cycle.chunked_encoding, bool | None)
            and cycle.transport is protocol.transport
            and isinstance(protocol.scope, dict)
        )
    except (AttributeError, TypeError):
        return False


class BoundedProtocol(HttpToolsProtocol):
    """httptools keeps headers of any length, for any time, and waits for ever for a body that was answered; here all
    have an end."""

    known: ClassVar[bool | None] = None
    """`is_known`, as the first request of this process found."""
    _head: int | None = 0
    _taken = _body = 0
    _late: asyncio.TimerHandle | None = None
    _rest: asyncio.TimerHandle | None = None
    on_gone: Callable[[], None] | None = None
    lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request must come."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will."""
        self._got_head()
        self._got_rest()
        super().connection_lost(exc)
        self.lost = True
        if self.on_gone is not None:
            self.on_gone()
            self.on_gone = None

    def data_received(self, data: bytes) -> None:
        """Count until the headers are whole."""
        if self._head is not None:
            self._head += len(data)
        else:
            self._taken += len(data)
        super().data_received(data)
        # A chunk of one byte has five around it; what is more than that are trailers, which httptools keeps.
        if self._head is None and self._taken - self._body > MAX_HEAD + 8 * self._body:
            self.transport.close()
            return
        if self._head is not None and self._head > MAX_HEAD and not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/problem+json\r\n"
                b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TOO_LONG), _TOO_LONG)
            )
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        """A part of it, without what is around."""
        self._body += len(body)
        super().on_body(body)

    def on_message_begin(self) -> None:
        """The next request begins."""
        self._taken = self._body = 0
        super().on_message_begin()
        if self._late is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Its headers are whole."""
        self._got_head()
        super().on_headers_complete()
        if BoundedProtocol.known is None:
            BoundedProtocol.known = is_known(self)
            if not self.known:
                log.warning("uvicorn %s keeps responses in a new way: streams take more CPU", uvicorn.__version__)
        if self.known:
            self.scope["extensions"] = {DIRECT: {"writer": Direct(self)}}

    def on_response_complete(self) -> None:
        """It is answered, perhaps before its body has come."""
        super().on_response_complete()
        if self.known and self.cycle.response_complete and self.cycle.more_body:
            self._rest = self.loop.call_later(REST_SECONDS, self.transport.close)

    def on_message_complete(self) -> None:
        """Its body has come."""
        self._got_rest()
        super().on_message_complete()

    def _got_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _await_head(self) -> None:
        self._head = 0
        self._late = self.loop.call_later(HEAD_SECONDS, lambda: self.transport.close())

    def _got_head(self) -> None:
        self._head = None
        if self._late is not None:
            self._late.cancel()
            self._late = None


def listen(settings: Settings) -> socket.socket:
    """The listening socket. What is set here, accepted connections inherit. Raises `OSError`."""
    info = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.socket(info[0], info[1], info[2])  # without the protocol, asyncio leaves Nagle's algorithm on
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or each answer takes 40 ms
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        sock.bind(info[4])
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


class HttpServer(uvicorn.Server):
    """uvicorn, but signals are ours (we drain the streams first), and being ready can be waited for."""

    def __init__(self, app: ASGIApp, *, trusted_proxies: str = "", **options: Any) -> None:
        """`trusted_proxies`: whose word is taken for where a request comes from; nobody's if it is empty."""
        super().__init__(
            uvicorn.Config(
                ForwardedFor(app, trusted_proxies) if trusted_proxies else app,
                http=BoundedProtocol,
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="on",
                server_header=False,
                proxy_headers=False,  # uvicorn's: it takes the word of whoever is furthest away for `*`
                **{"timeout_graceful_shutdown": 5, **options},
            )
        )
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    def stop_listening(self, sock: socket.socket) -> None:
        """Accept nobody from now on; connections that are open go on."""
        for listening in self.servers:
            listening.close()
        sock.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()
