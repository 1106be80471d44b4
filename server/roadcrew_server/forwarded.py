"""Where a request comes from, when a reverse proxy stands in front.

Only a trusted proxy's word is taken, and of what it says only what it and other trusted ones wrote: the entries of
`X-Forwarded-For` are read from the right, where each proxy adds whom it talks to; what stands further left can be
anybody's invention. What it is not for: deciding who may do what.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address

HOPS = 16
"""Entries that are looked at: no chain of proxies is longer."""
IPV6_PREFIX = 64
"""Bits of an IPv6 address that tell one network from another; the rest its owner chooses at will (RFC 4291)."""


class Trusted:
    """Proxies whose word is taken: addresses and networks with commas between. `*` is whoever connects, and then
    that one's word only."""

    def __init__(self, proxies: str) -> None:
        names = [name.strip() for name in proxies.split(",") if name.strip()]
        self._anybody = "*" in names
        self._networks = [ip_network(name, strict=False) for name in names if name != "*"]

    def __contains__(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def source(self, connected: str, forwarded: Iterable[bytes]) -> str:
        """The address that a request comes from: `connected` did, with these `X-Forwarded-For` headers."""
        found = _address(connected)
        if found is None or not (self._anybody or found in self):
            return connected
        entries = b",".join(forwarded).rsplit(b",", HOPS)[-HOPS:]
        for entry in reversed(entries):
            said = _address(entry.decode("latin-1"))
            if said is None:  # not what a proxy writes
                break
            found = said
            if found not in self:
                break
        return str(found)


class ForwardedFor:
    """ASGI: `scope["client"]` is who asks, not the proxy."""

    def __init__(self, app: ASGIApp, proxies: str) -> None:
        self._app = app
        self._trusted = Trusted(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at one request."""
        if scope["type"] == "http" and scope.get("client"):
            host = scope["client"][0]
            forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            if forwarded and (source := self._trusted.source(host, forwarded)) != host:
                scope["client"] = (source, 0)
        await self._app(scope, receive, send)


def network_of(host: str) -> str:
    """Whom a limit by address counts: an IPv4 address, or the network that an IPv6 one is in."""
    address = _address(host)
    if address is None or isinstance(address, IPv4Address):
        return host if address is None else str(address)
    return str(ip_network((address, IPV6_PREFIX), strict=False))


def _address(text: str) -> Address | None:
    """An address as proxies write it: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
