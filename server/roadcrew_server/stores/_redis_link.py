"""The way to a Redis or Valkey, whichever: commands out, answers back, each with an end to its waiting.

The client library's own resending is off. What is safe to repeat is sent once more when the other side hung up; of the
rest, a break after sending is `StoreUncertain`, and one before it `StoreUnavailable`.
What it is not for: the ways to one server and to a cluster (`_redis_links`), what the commands mean (`redis`), or
listening (`_redis_hints`).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import asyncio as client
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError

from roadcrew_server.stores._redis_address import Address
from roadcrew_server.stores._redis_errors import refusal
from roadcrew_server.stores._redis_scripts import Script
from roadcrew_server.stores.base import StoreBusy, StoreUnavailable, StoreUncertain

Answer = Any
"""What Redis answers: bytes, int, None, or a list of such."""


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Bounds and TLS. `timeout`: seconds for a free connection, for connecting, and for an exchange, each."""

    connections: int = 32
    timeout: float = 5.0
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class Broken(Exception):
    """The link broke, or no answer came in time, when the command may have been sent."""

    def __init__(self, error: Exception) -> None:
        self.timed_out = isinstance(error, TimeoutError)


class Link(ABC):
    """Open from its making on; connects when there is something to say."""

    def __init__(self, address: Address, options: LinkOptions) -> None:
        self.address = address
        self.options = options
        self.on_silence: Callable[[], None] = lambda: None
        # The library's pools refuse when they are empty, or let those wait for ever who came first.
        self._places = asyncio.Semaphore(options.connections)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """One of the connections, for the length of a block; who came first is first. Raises `StoreBusy` if none is
        free in time."""
        try:
            async with asyncio.timeout(self.options.timeout):
                await self._places.acquire()
        except TimeoutError as error:
            raise StoreBusy("All connections to the store are busy.") from error
        try:
            yield
        finally:
            self._places.release()

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> Answer:
        """Run a script by its hash, or whole where it is not known yet. Raises `StoreError`."""
        try:
            return await self.send(
                "EVALSHA", script.sha, len(keys), *keys, *arguments, repeatable=script.repeatable, forget=False
            )
        except NoScriptError:
            return await self.send("EVAL", script.text, len(keys), *keys, *arguments, repeatable=script.repeatable)

    async def send(self, *command: str | bytes | int, repeatable: bool = True, forget: bool = True) -> Answer:
        """Send one command. Raises `StoreError`; and, unless it is to `forget` that there is such a thing,
        NoScriptError."""
        for last in (not repeatable, True):
            try:
                return await self._exchange(*command)
            except NoScriptError as error:
                if forget:
                    raise refusal(error) from error
                raise
            except Broken as broken:
                if broken.timed_out:
                    self.on_silence()
                if last or broken.timed_out:
                    kind = StoreUnavailable if repeatable else StoreUncertain
                    what = "does not answer" if broken.timed_out else "hung up"
                    raise kind(f"The store at {self.address} {what}.") from broken.__cause__
        raise AssertionError("not reached")

    @abstractmethod
    async def _exchange(self, *command: str | bytes | int) -> Answer:
        """Raises `Broken` or `StoreError`, or NoScriptError."""

    @abstractmethod
    async def each_primary(self, *command: str) -> list[Answer]:
        """The answers of all nodes that take writes. Raises `StoreError`."""

    @abstractmethod
    async def nodes(self) -> list[str]:
        """The names of those nodes, in an order that stays. Raises `StoreError`."""

    @abstractmethod
    async def send_to(self, node: str, *command: str) -> Answer:
        """Send a command that is safe to repeat to one of them. Raises `StoreError`."""

    @property
    @abstractmethod
    def client(self) -> "client.Redis | client.RedisCluster":
        """For a library that wants the client itself; over the same connections."""

    @abstractmethod
    async def lines(self) -> list[AbstractConnection]:
        """A connection of its own to each node that takes writes, not yet connected, whose owner closes it. Raises
        `StoreError`."""

    @abstractmethod
    async def close(self) -> None:
        """Close all connections."""

    def _common(self) -> dict[str, Any]:
        """What every connection is made with."""
        return {
            "username": self.address.username,
            "password": self.address.password,
            "socket_timeout": None,  # we time the whole exchange; the library's way loses cancellations on Python 3.11
            "socket_connect_timeout": self.options.timeout,
            "protocol": 2,
            "driver_info": None,
        }

    def _tls(self) -> dict[str, Any]:
        """Certificates are checked, names too; against the system's authorities or the one that is given."""
        files = self.options
        return {
            "ssl_ca_certs": None if files.ca_file is None else str(files.ca_file),
            "ssl_certfile": None if files.cert_file is None else str(files.cert_file),
            "ssl_keyfile": None if files.key_file is None else str(files.key_file),
        }
