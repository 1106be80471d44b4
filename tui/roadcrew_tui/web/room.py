"""How many pages are open at a time: in all, by one visitor, and from one network, for who takes no cookies is another
visitor each time. Who reloads a page comes while the process of before still ends, so a place is waited for, not long.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

MOST_EACH = 4
WAIT_SECONDS = 6.0
MOST_WAITING = 20
IPV6_PREFIX = 64
"""Bits of an IPv6 address that tell one network from another; the rest its owner chooses at will."""


class Full(Exception):
    """There is no place; a sentence says which."""


class Room:
    """`most` places, `each` for one visitor, and half of all for one network."""

    def __init__(self, most: int, each: int = MOST_EACH, wait: float = WAIT_SECONDS) -> None:
        self.most = most
        self._each = each
        self._part = max(each, most // 2)
        self._wait = wait
        self._taken = Counter[tuple[str, str | None]]()
        self._leaving = Counter[tuple[str, str | None]]()
        """By visitor and network."""
        self._freed = asyncio.Condition()
        self._waiting = 0

    @property
    def here(self) -> frozenset[str]:
        """Who has a place."""
        return frozenset(visitor for visitor, _ in self._taken)

    def taken(self, visitor: str) -> int:
        """How many places this visitor has."""
        return _of(self._taken, 0, visitor)

    def trouble(self, visitor: str, network: str | None = None) -> str | None:
        """Why there will be no place for this visitor: who is about to leave is not counted. `network` as of
        `network_of`."""
        return self._trouble(self._taken - self._leaving, visitor, network)

    def _trouble(self, there: Counter[tuple[str, str | None]], visitor: str, network: str | None) -> str | None:
        if _of(there, 0, visitor) >= self._each:
            return f"You have {self._each} pages open here already. Close one of them, then try again."
        if there.total() >= self.most:
            return "All places here are taken just now. Try again in a few minutes."
        if network is not None and _of(there, 1, network) >= self._part:
            return f"From your network {self._part} pages are open here already. Try again in a few minutes."
        return None

    @asynccontextmanager
    async def place(self, visitor: str, network: str | None = None) -> AsyncIterator[None]:
        """A place for as long as this lasts. Raises `Full`."""
        if (trouble := self.trouble(visitor, network)) or self._waiting >= MOST_WAITING:
            raise Full(trouble or "Many people come just now. Try again in a minute.")
        who = (visitor, network)
        await self._take(visitor, network)
        try:
            yield
        finally:
            self._taken[who] -= 1
            self._leaving[who] = max(0, self._leaving[who] - 1)
            self._taken, self._leaving = +self._taken, +self._leaving
            async with self._freed:
                self._freed.notify_all()

    def leaving(self, visitor: str, network: str | None = None) -> None:
        """One page of this visitor is closed, and its process about to end."""
        self._leaving[visitor, network] += 1

    async def _take(self, visitor: str, network: str | None) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait), self._freed:
                await self._freed.wait_for(lambda: self._trouble(self._taken, visitor, network) is None)
                self._taken[visitor, network] += 1
        except TimeoutError:
            raise Full("All places here are taken just now. Try again in a few minutes.") from None
        finally:
            self._waiting -= 1


def _of(places: Counter[tuple[str, str | None]], part: int, of: str) -> int:
    return sum(count for who, count in places.items() if who[part] == of)


def network_of(peer: str | None, forwarded: str) -> str | None:
    """Where a page comes from: `peer` connected, with this `X-Forwarded-For`. A proxy on this computer or beside it is
    believed who it got the page from. None for this computer, where all visitors come from if its proxy says nothing.
    """
    address = _address(peer or "")
    if address is not None and address.is_private and forwarded:
        address = _address(forwarded.rpartition(",")[2].strip()) or address
    if address is None or address.is_loopback:
        return None
    return str(ip_network((address, IPV6_PREFIX), strict=False)) if address.version == 6 else str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
