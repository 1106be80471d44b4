"""What can happen to three servers and their store, each once or again and again, in an order that chance decides."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.faults import FaultProxy
from tests.support.cluster import RoundRobin
from tests.support.serving import ServerProcess
from tests.support.valkey import ValkeyProcess


@dataclass(frozen=True)
class Scene:
    """The servers, the proxy in front of them, one between each of them and the store, and the store."""

    servers: Sequence[ServerProcess]
    front: RoundRobin
    links: Sequence[FaultProxy]
    valkey: ValkeyProcess


async def kill_a_server(scene: Scene, chance: random.Random) -> None:
    """`kill -9`; what watches it in earnest (systemd, a supervisor) starts it again a moment later."""
    server = chance.choice(scene.servers)
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(0.3)
    await asyncio.to_thread(server.start)


async def kill_the_store(scene: Scene, chance: random.Random) -> None:
    """`kill -9` of Valkey, and back."""
    await asyncio.to_thread(scene.valkey.kill)
    await asyncio.sleep(chance.uniform(0, 0.5))
    await asyncio.to_thread(scene.valkey.start)


async def cut_the_links(scene: Scene, chance: random.Random) -> None:
    """All connections between servers and store are reset, several times."""
    for _ in range(5):
        for link in scene.links:
            link.drop("rst")
        await asyncio.sleep(chance.uniform(0, 0.3))


async def part_a_server(scene: Scene, chance: random.Random) -> None:
    """One server can't reach the store for a while."""
    link = chance.choice(scene.links)
    await link.change(refuse=True)
    await asyncio.sleep(1)
    await link.change(refuse=False)


async def silence_a_link(scene: Scene, chance: random.Random) -> None:
    """Between one server and the store nothing arrives any more, and nobody is told; new connections work soon."""
    link = chance.choice(scene.links)
    await link.change(silent=True)
    await asyncio.sleep(1)
    await link.change(silent=False)


async def pause_a_server(scene: Scene, chance: random.Random) -> None:
    """SIGSTOP, and SIGCONT later."""
    server = chance.choice(scene.servers)
    server.pause()
    await asyncio.sleep(2)
    server.resume()


FAULTS: tuple[Callable[[Scene, random.Random], Awaitable[None]], ...] = (
    kill_a_server,
    kill_the_store,
    cut_the_links,
    part_a_server,
    silence_a_link,
    pause_a_server,
)
