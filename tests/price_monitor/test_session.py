"""One import without a socket, where a test says what happens between two steps."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from tests.price_monitor.feeding import HEAD, memory

from roadcrew_price_monitor import protocol
from roadcrew_price_monitor.session import Session

T = TypeVar("T")


class PlayedWire:
    """A connection whose other end is a test."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.said: list[protocol.FromService] = []

    async def recv(self) -> str | bytes:
        return await self.coming.get()

    async def send(self, message: str) -> None:
        said = protocol.from_service(message)
        self.said.append(said)
        if isinstance(said, protocol.Rows):
            self.coming.put_nowait(protocol.written(protocol.Ack(said.checkpoint)))


async def others() -> None:
    """Everybody else does what they can."""
    for _ in range(20):
        await asyncio.sleep(0)


# R: J4
async def test_a_feed_that_ends_while_a_step_is_under_way_is_read_to_its_end():
    feed = (HEAD + "Casa Azul,Lisbon,4,84,EUR\n").encode()
    wire = PlayedWire()
    wire.coming.put_nowait(feed)
    steps = 0

    async def work(job: Callable[[], T], /) -> T:
        nonlocal steps
        await others()  # the first step finds the whole feed, but not yet its end
        done = job()
        steps += 1
        if steps == 2:
            wire.coming.put_nowait(protocol.written(protocol.End()))
            await others()
        return done

    begun = protocol.Hello(1, "job", "csv", len(feed))
    async with asyncio.timeout(10):
        await Session(wire, begun, memory(), work, 0).run()
    assert wire.said[-1] == protocol.Done(1)
