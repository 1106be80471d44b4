"""`roadcrew web` from its start to its end: one process that listens, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from roadcrew_client.links import base_address
from roadcrew_tui.serving import CantServe
from roadcrew_tui.web.address import Address
from roadcrew_tui.web.room import Room
from roadcrew_tui.web.site import Site
from roadcrew_tui.web.terminal import QUIT_SECONDS, TERM_SECONDS
from roadcrew_tui.web.visitors import Visitors

MOST_VISITORS = 500
IDLE_SECONDS = (1.0, 24 * 3600.0)
STOP_SECONDS = QUIT_SECONDS + TERM_SECONDS + 3


@dataclass(frozen=True)
class Options:
    """`idle` in seconds; `public` None: where it listens; `folder` of the visitors' folders."""

    host: str
    port: int
    server: str
    public: Address | None
    folder: Path
    visitors: int
    idle: float

    def checked(self) -> Options:
        """As it was given, if it can be. Raises `ValueError`."""
        if not 0 <= self.port <= 65535:
            raise ValueError("A port is from 0 to 65535.")
        if not 1 <= self.visitors <= MOST_VISITORS:
            raise ValueError(f"From 1 to {MOST_VISITORS} visitors can be there at a time.")
        if not IDLE_SECONDS[0] <= self.idle <= IDLE_SECONDS[1]:
            raise ValueError("A page is closed after 1 minute to 24 hours without a key.")
        base_address(self.server)
        if self.public is None:
            Address.listening(self.host, self.port)
        return self


def serve(options: Options, say: Callable[[str], None]) -> int:
    """Serve until a signal comes; the exit status. Raises `CantServe`, and `ValueError` for what can't be."""
    logging.basicConfig(level=logging.WARNING, format="roadcrew: %(message)s")
    try:
        return asyncio.run(_serve(options.checked(), say))
    except OSError as error:
        raise CantServe(f"{options.host}:{options.port} can't be listened on: {error.strerror or error}") from error


async def _serve(options: Options, say: Callable[[str], None]) -> int:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listening = socket.create_server((options.host, options.port), family=family)
    address = options.public or Address.listening(options.host, listening.getsockname()[1])
    server, stop = base_address(options.server), asyncio.Event()
    site = Site(address, server, Visitors(options.folder, time.time), Room(options.visitors), idle=options.idle)
    runner = web.AppRunner(site.application(), access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        with _told_to_stop(stop):
            say(f"Roadcrew web ready on {address.url}, for {server}")
            await stop.wait()
    finally:
        await runner.cleanup()
    return 0


@contextmanager
def _told_to_stop(stop: asyncio.Event) -> Iterator[None]:
    """SIGTERM, or ctrl+c, stops it; what comes after that is as it was before."""
    loop = asyncio.get_running_loop()

    def told(number: int, _: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, told) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
