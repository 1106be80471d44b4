"""The two ways: to one Redis or Valkey, and to a cluster.

What it is not for: what both have in common (`_redis_link`).
"""

import asyncio
import socket
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
from roadcrew_server.stores._redis_link import Answer, Broken, Link, LinkOptions
from roadcrew_server.stores.base import StoreUnavailable

KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds, seconds, times: a peer that vanished is noticed within half a minute, without a command."""


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
                raise Broken(error) from error
            except RedisError as error:
                if isinstance(error, ReadOnlyError):  # the primary is another now, under the same address
                    await connection.disconnect()
                    await self._pool.disconnect(inuse_connections=False)
                raise refusal(error) from error
            finally:
                await self._pool.release(connection)

    async def _connection(self) -> AbstractConnection:
        try:
            async with asyncio.timeout(self.options.timeout):  # who we are, and which database, is asked too
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
            raise Broken(error) from error
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


def _keepalive() -> dict[str, Any]:
    options = {getattr(socket, name): value for name, value in KEEPALIVE.items() if hasattr(socket, name)}
    return {"socket_keepalive": True, "socket_keepalive_options": options}
