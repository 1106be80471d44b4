"""The way to a Redis or Valkey, alone or a cluster: commands out, answers back, each with an end to its waiting.

The client library's own resending is off. What is safe to repeat is sent once more when the other side hung up; of the
rest, a break after sending is `StoreUncertain`, and one before it `StoreUnavailable`.
What it is not for: what the commands mean (`redis`), or listening (`_redis_hints`).
"""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hiredis import pack_command
from redis import asyncio as client
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, ReadOnlyError, RedisClusterException, RedisError

from roadcrew_server.stores._redis_address import Address
from roadcrew_server.stores._redis_errors import LINK_ERRORS, closed_is_broken, is_answer, refusal, unreachable
from roadcrew_server.stores._redis_scripts import Script
from roadcrew_server.stores.base import StoreBusy, StoreUnavailable, StoreUncertain

Answer = Any
"""What Redis answers: bytes, int, None, or a list of such."""

KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds, seconds, times: a peer that vanished is noticed within half a minute, without a command."""


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Bounds and TLS. `timeout`: seconds for a free connection, for connecting, and for an exchange, each."""

    connections: int = 32
    timeout: float = 5.0
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class _Broken(Exception):
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
            except _Broken as broken:
                if broken.timed_out:
                    self.on_silence()
                if last or broken.timed_out:
                    kind = StoreUnavailable if repeatable else StoreUncertain
                    what = "does not answer" if broken.timed_out else "hung up"
                    raise kind(f"The store at {self.address} {what}.") from broken.__cause__
        raise AssertionError("not reached")

    @abstractmethod
    async def _exchange(self, *command: str | bytes | int) -> Answer:
        """Raises `_Broken` or `StoreError`, or NoScriptError."""

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


def _keepalive() -> dict[str, Any]:
    options = {getattr(socket, name): value for name, value in KEEPALIVE.items() if hasattr(socket, name)}
    return {"socket_keepalive": True, "socket_keepalive_options": options}


class OneLink(Link):
    """One Redis or Valkey, or whatever stands in for it under one address."""

    def __init__(self, address: Address, options: LinkOptions) -> None:
        super().__init__(address, options)
        made = self._common() | {"db": address.database}
        if address.path:
            kind: type[AbstractConnection] = UnixDomainSocketConnection
            made |= {"path": address.path}
        else:
            [(host, port)] = address.hosts
            kind = SSLConnection if address.tls else Connection
            made |= {"host": host, "port": port} | _keepalive() | (self._tls() if address.tls else {})
        self._pool = client.ConnectionPool(max_connections=options.connections, connection_class=kind, **made)
        self._client = client.Redis(connection_pool=self._pool)

    async def _exchange(self, *command: str | bytes | int) -> Answer:
        async with self.place():
            connection = await self._connection()
            try:
                async with asyncio.timeout(self.options.timeout):
                    with closed_is_broken():
                        await connection.send_packed_command(pack_command(command))  # type: ignore[arg-type]
                    return await connection.read_response()
            except NoScriptError:
                raise
            except LINK_ERRORS as error:
                if is_answer(error):
                    raise refusal(error) from error
                raise _Broken(error) from error
            except RedisError as error:
                if isinstance(error, ReadOnlyError):  # the primary is another now, under the same address
                    await connection.disconnect()
                    await self._pool.disconnect(inuse_connections=False)
                raise refusal(error) from error
            finally:
                await self._pool.release(connection)

    async def _connection(self) -> AbstractConnection:
        try:
            connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        except (*LINK_ERRORS, RedisError) as error:
            raise unreachable(self.address, error) from error
        return connection

    async def each_primary(self, *command: str) -> list[Answer]:
        """The only one there is."""
        return [await self.send(*command)]

    async def nodes(self) -> list[str]:
        """It needs no name."""
        return [""]

    async def send_to(self, node: str, *command: str) -> Answer:
        """There is one only."""
        return await self.send(*command)

    @property
    def client(self) -> client.Redis:
        """Over the same pool."""
        return self._client

    async def lines(self) -> list[AbstractConnection]:
        """One, and not of the pool."""
        return [self._pool.make_connection()]  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Connections in use too."""
        await self._pool.disconnect()


class ClusterLink(Link):
    """A cluster. Which node has a key, the client library knows; it follows MOVED and ASK, which change nothing."""

    def __init__(self, address: Address, options: LinkOptions) -> None:
        super().__init__(address, options)
        made = self._common() | _keepalive() | (self._tls() | {"ssl": True} if address.tls else {})
        self._client = client.RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
            retry=Retry(NoBackoff(), 0),
            max_connections=options.connections,
            **made,
        )

    async def _exchange(self, *command: str | bytes | int) -> Answer:
        try:
            async with self.place(), asyncio.timeout(self.options.timeout):
                with closed_is_broken():
                    return await self._client.execute_command(*command)
        except NoScriptError:
            raise
        except LINK_ERRORS as error:
            if is_answer(error):
                raise refusal(error) from error
            raise _Broken(error) from error
        except RedisClusterException as error:
            raise unreachable(self.address, error) from error
        except RedisError as error:
            raise refusal(error) from error

    async def each_primary(self, *command: str) -> list[Answer]:
        """One after the other."""
        return [await self.send_to(node, *command) for node in await self.nodes()]

    async def nodes(self) -> list[str]:
        """As HOST:PORT."""
        try:
            async with asyncio.timeout(self.options.timeout):
                await self._client.initialize()
            return sorted(node.name for node in self._client.get_primaries())
        except (*LINK_ERRORS, RedisError) as error:
            raise unreachable(self.address, error) from error

    async def send_to(self, node: str, *command: str) -> Answer:
        """Past the map of slots."""
        try:
            async with self.place(), asyncio.timeout(self.options.timeout):
                found = self._client.get_node(node_name=node)
                if found is None:
                    raise StoreUnavailable(f"The cluster at {self.address} has changed; begin again.")
                with closed_is_broken():
                    return await found.execute_command(*command)
        except (*LINK_ERRORS, RedisError) as error:
            raise unreachable(self.address, error) from error

    @property
    def client(self) -> client.RedisCluster:
        """The cluster's client."""
        return self._client

    async def lines(self) -> list[AbstractConnection]:
        """What is published on one node is heard on all, but what goes from node to node may be lost unnoticed."""
        await self.nodes()
        return [node.connection_class(**node.connection_kwargs) for node in self._client.get_primaries()]

    async def close(self) -> None:
        """All nodes."""
        await self._client.aclose()


def link_to(address: Address, options: LinkOptions) -> Link:
    """The link that fits the address."""
    return ClusterLink(address, options) if address.cluster else OneLink(address, options)
