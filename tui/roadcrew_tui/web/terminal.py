"""The process behind one page. textual-serve's `AppService` speaks to it; started and ended it is by us: without a
shell, with an environment made from nothing, in an empty folder, and never for longer than its page.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from roadcrew_tui import host
from roadcrew_tui.web.heard import Heard, Looked, Resized, Typed
from roadcrew_tui.web.visitors import EMPTY

VISIT = (sys.executable, "-P", "-m", "roadcrew_tui.web.visit")
DRIVER = "roadcrew_tui.web.driver:VisitDriver"
QUIT_SECONDS = 5.0
"""An app that was asked to quit has so long: what waits is written, and the crew sees that somebody left."""
TERM_SECONDS = 2.0
DEAF_SECONDS = 20.0
"""An app that takes no key for so long has hung."""
LONGEST_LINK = 2000


@dataclass(frozen=True, slots=True)
class Page:
    """How a page is written to: what is drawn, a message of ours, and its end."""

    draw: Callable[[bytes], Awaitable[None]]
    say: Callable[[str, str], Awaitable[None]]
    ended: Callable[[bool], Awaitable[None]]
    """The app is gone: because somebody left it, or (False) by itself."""


class Terminal(AppService):
    """One app, for one page. `start`, `take` what the page says, `stop`."""

    def __init__(
        self,
        page: Page,
        home: Path,
        server: str,
        *,
        invite: str | None = None,
        zone: str | None = None,
        program: Sequence[str] = VISIT,
    ) -> None:
        """`home` is the visitor's folder, `server` the only one that they may speak to, `zone` the browser's."""
        super().__init__(
            "", write_bytes=page.draw, write_str=_nobody, close=_nobody, download_manager=DownloadManager()
        )
        self._page = page
        self._home = home
        self._server = server
        self._zone = zone
        self._left = False
        self._program = [*program, *([invite] if invite else [])]

    @property
    def pid(self) -> int | None:
        """Of the process, once it was started."""
        return self._process.pid if self._process else None

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        """All that the process knows of: nothing of ours."""
        zone = {"TZ": self._zone} if self._zone else _same(os.environ, "TZ")
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "COLUMNS": str(width),
            "ROWS": str(height),
            "ROADCREW_HOME": str(self._home),
            "ROADCREW_SERVER": self._server,
            host.VARIABLE: "1",
            "TEXTUAL_DRIVER": DRIVER,
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            **zone,
            **_same(os.environ, "SYSTEMROOT"),  # without which nothing starts on Windows
        }

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        process = self._process = await asyncio.create_subprocess_exec(
            *self._program,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=self._build_environment(width, height),
            cwd=self._home / EMPTY,
            start_new_session=True,  # ctrl+c is for the site, which ends each one
        )
        # What an app says when it falls has parts of trips in it. `AppService` would print that; it reads nothing here.
        process.stderr = asyncio.StreamReader()
        process.stderr.feed_eof()
        self._stdin = process.stdin
        return process

    async def run(self) -> None:
        """Hand on what the app draws until it ends, which closes the page."""
        await super().run()
        stdout = self._process.stdout if self._process else None
        await self._page.ended(self._left or stdout is None or not stdout.at_eof())
        while stdout and await stdout.read(1 << 16):  # an app that still writes could not end
            pass

    async def take(self, said: Heard) -> None:
        """Hand on what the page says. Raises `TimeoutError` when the app takes nothing any more."""
        async with asyncio.timeout(DEAF_SECONDS):
            match said:
                case Typed(data):
                    await self.send_bytes(data)
                case Resized(width, height):
                    await self.set_terminal_size(width, height)
                case Looked(here):
                    await (self.focus() if here else self.blur())

    async def stop(self) -> None:
        """See that the process ends: by being asked, and else by its id."""
        process = self._process
        if process is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIT_SECONDS):
                await self.send_meta({"type": "quit"})
                await process.wait()
        for end, seconds in ((process.terminate, TERM_SECONDS), (process.kill, None)):
            if process.returncode is None:
                end()
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), seconds)
        if self._task is not None:
            await self._task
            self._task = None

    async def on_meta(self, data: bytes) -> None:
        """The app ends, or somebody wants to open a link, which the page shows. Nothing is downloaded."""
        said: dict[str, object] = json.loads(data)
        if said.get("type") == "exit":
            self._left = True
        elif said.get("type") == "open_url" and is_link(url := str(said.get("url"))):
            await self._page.say("link", url)

    async def on_packed(self, payload: bytes) -> None:
        """Parts of downloads, which nobody asked for."""


def is_link(url: str) -> bool:
    """Whether a page may offer it: http or https, with a host, and nobody's name in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = url.isprintable() and not any(c.isspace() for c in url) and len(url) <= LONGEST_LINK
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _same(environ: Mapping[str, str], name: str) -> dict[str, str]:
    return {name: environ[name]} if name in environ else {}


async def _nobody(*_: str) -> None:
    """`AppService` has messages for a page of its own."""
