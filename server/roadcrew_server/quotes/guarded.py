"""HTTP to addresses that somebody else chose: only public ones, nothing too long, nothing compressed, no redirects.

A name is looked up once for a connection; every address that it has is checked, and the connection goes to one that was
checked. So no name that points elsewhere a moment later gets it to a service inside. Not for what an answer says.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpcore

from roadcrew_server.quotes.base import Failed

logging.getLogger("httpcore").setLevel(logging.INFO)
"""In detail it would log headers that came, and somebody may send our key back."""

LOOKING_UP = 4
"""Threads of one provider that look names up. The system's own look-up can't be ended."""
KEPT_OPEN = 30.0
"""Seconds for which a connection that nobody uses is kept."""
IDLE = 8
"""Such connections to one provider. With every request, the library looks at each of them as often as there are
connections: with a hundred, that took most of a server's time."""

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")
_JSON = re.compile(rb"application/(?:[a-z0-9.+-]+\+)?json(?:\s*;.*)?", re.IGNORECASE)

Resolve = Callable[[str, int], Awaitable[Iterable[str]]]
"""The addresses of a name. Raises OSError."""


class NotPublic(httpcore.ConnectError):
    """An address is not one of the internet."""


def is_public(address: str) -> bool:
    """Whether it is an address of the internet that one computer has, whatever it is wrapped in."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(map(_is_public, _meant(found)))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    site = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site)


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address that is reached: that in it, where IPv6 carries IPv4."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inner = IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in _NAT64) or address in _COMPATIBLE:
        return [inner]
    if address.sixtofour is not None:
        return [address.sixtofour]
    return [address, *(address.teredo or ())]


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to public addresses; to all, with `allow_private`."""

    def __init__(self, *, allow_private: bool = False, resolve: Resolve | None = None) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allow_private = allow_private
        self._threads = ThreadPoolExecutor(LOOKING_UP, "roadcrew-names")
        self._resolve = resolve or self._looked_up

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - it is the library's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that takes it. Raises `NotPublic` if any of them is not public."""
        try:
            addresses = list(await self._resolve(host, port))
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name has no address") from error
        if not self._allow_private and not all(map(is_public, addresses)):
            raise NotPublic("an address is not public")
        failed: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - it is the library's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """There are none."""
        raise NotPublic("a file is no address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def close(self) -> None:
        """Nothing is looked up any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _looked_up(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Question:
    """An HTTP request. `url` is complete, with what is secret in it; so are `headers`."""

    method: str
    url: httpcore.URL
    headers: Mapping[str, str]
    body: bytes | None = None


class Line:
    """To one provider: at most so many `connections` at once, answers of at most `most` bytes."""

    def __init__(
        self,
        backend: PublicOnly,
        *,
        connections: int,
        most: int,
        timeout: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` says whose certificates are good; by default those that the system and certifi trust are."""
        self._backend = backend
        self._most = most
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or _tls(),
            max_connections=connections,
            max_keepalive_connections=min(IDLE, connections),
            keepalive_expiry=KEPT_OPEN,
            network_backend=backend,
        )

    async def ask(self, question: Question) -> tuple[int, bytes]:
        """The status and the body of a JSON answer; the body is empty when the status is not one of success. Raises
        `Failed`, never with a word of what was sent or received."""
        headers = [(b"Host", _host(question.url)), (b"Accept", b"application/json"), (b"Accept-Encoding", b"identity")]
        headers += [(name.encode(), value.encode()) for name, value in question.headers.items()]
        if question.body is not None:
            headers.append((b"Content-Length", str(len(question.body)).encode()))
        try:
            async with self._pool.stream(
                question.method,
                question.url,
                headers=headers,
                content=question.body,
                extensions={"timeout": self._timeouts},
            ) as answer:
                if not 200 <= answer.status < 300:
                    return answer.status, b""
                return answer.status, await self._body(answer)
        except NotPublic:
            raise Failed("refused", "Its address is not public, so it is not asked.") from None
        except httpcore.TimeoutException:
            raise Failed("timeout", "It took too long to answer.") from None
        except (httpcore.NetworkError, httpcore.ProxyError):
            raise Failed("unreachable", "It can't be reached.", passing=True) from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            raise Failed("nonsense", "It does not speak HTTP as it should.", passing=True) from None

    async def _body(self, answer: httpcore.Response) -> bytes:
        given = {name.lower(): value for name, value in answer.headers}
        if given.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Failed("nonsense", "Its answer is compressed, though we asked that it is not.")
        if not _JSON.fullmatch(given.get(b"content-type", b"").strip()):
            raise Failed("nonsense", "Its answer is not JSON.")
        body = bytearray()
        async for chunk in answer.aiter_stream():
            body += chunk
            if len(body) > self._most:
                raise Failed("too-large", f"Its answer is longer than {self._most:,} bytes.")
        return bytes(body)

    async def close(self) -> None:
        """Nothing is asked any more."""
        await self._pool.aclose()
        self._backend.close()


@cache
def _tls() -> ssl.SSLContext:
    """One for all: reading the authorities takes longer than a connection."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


def _host(url: httpcore.URL) -> bytes:
    default = {b"https": 443, b"http": 80}[url.scheme]
    host = b"[%b]" % url.host if b":" in url.host else url.host
    return host if url.port in (None, default) else b"%b:%d" % (host, url.port)
