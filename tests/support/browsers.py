"""A true Chromium at a true `roadcrew web`: what people see in it is read off what came over the page's WebSocket, by
the pilot's emulator, and once off the page's own terminal. Nothing sleeps for luck, and every wait has an end.

Chromium is the distribution's. Where there is none, its tests fail and say so: they are what shows that browsers can.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Browser, BrowserContext, Page, WebSocket, async_playwright
from tests.support.terminal import roadcrew

from roadcrew_tui.pilot.emulator import Emulator

PATIENCE = 45.0
"""Seconds for anything to appear, on a computer that does much else."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = f"There is no Chromium here (looked for {', '.join(NAMES)}). On Debian: apt-get install chromium"
VIEW = {"width": 1000, "height": 620}


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without a window. Fails where none is installed."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, NO_BROWSER
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found, args=["--disable-gpu", "--disable-dev-shm-usage"], timeout=PATIENCE * 1000
        )
        try:
            yield browser
        finally:
            await browser.close()


class Site:
    """`roadcrew web` as a process of its own."""

    def __init__(self, home: Path, server: str, *options: str) -> None:
        self.folder = home / "data" / "web"
        given = {k: v for k, v in os.environ.items() if not k.startswith("ROADCREW_")}
        self.process = subprocess.Popen(
            roadcrew("web", "--port", "0", "--server", server, *options),
            env={**given, "ROADCREW_HOME": str(home), "ROADCREW_TOKEN": "the-hosts-own", "HOSTS_SECRET": "hush"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert " ready on " in line, line
        self.url = line.partition(" ready on ")[2].partition(",")[0]

    def stop(self) -> int:
        """Ask it to stop, and see that it does; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()


@contextlib.asynccontextmanager
async def site(home: Path, server: str, *options: str) -> AsyncIterator[Site]:
    """One for as long as this lasts."""
    made = await asyncio.to_thread(Site, home, server, *options)
    try:
        yield made
    finally:
        await asyncio.to_thread(made.stop)


class Visitor:
    """Somebody at a page. Open one by `visit`."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context, self.page = context, page
        self.faults: list[str] = []
        self._emulator: Emulator | None = None
        self._news = asyncio.Event()
        page.on("websocket", self._opened)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)

    def _opened(self, socket: WebSocket) -> None:
        asked = parse_qs(urlsplit(socket.url).query)
        self._emulator = Emulator(int(asked["width"][0]), int(asked["height"][0]))
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._came)

    def _sent(self, frame: Any) -> None:
        """A terminal that changes its size is another one; the app draws all of it anew."""
        if isinstance(frame, str) and json.loads(frame)[0] == "resize":
            size = json.loads(frame)[1]
            self._emulator = Emulator(size["width"], size["height"])

    def _came(self, frame: Any) -> None:
        if isinstance(frame, bytes) and self._emulator is not None:
            self._emulator.feed(frame)
            self._news.set()

    @property
    def text(self) -> str:
        """What the app drew."""
        return "" if self._emulator is None else self._emulator.screen().text

    async def sees(self, wanted: str | Callable[[str], bool]) -> None:
        """Wait until a text, or a condition, is on the terminal."""
        holds = wanted if callable(wanted) else lambda text: wanted in text
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds(self.text):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            said = await self.page.locator("#said").all_inner_texts()
            raise AssertionError(f"{wanted!r} never came. The page said {said}; the terminal:\n{self.text}") from None

    async def open(self, url: str) -> None:
        """Go there, and wait for the terminal to draw."""
        await self.page.goto(url)
        await self.page.wait_for_selector("body.-first-byte, body.-ended")
        assert await self.page.locator("body.-ended").count() == 0, await self.page.inner_text("#said")

    async def press(self, *keys: str) -> None:
        """Press keys, by their names in browsers."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def type(self, text: str) -> None:
        """Type it."""
        await self.page.keyboard.type(text)

    async def cookies(self) -> list[Any]:
        """All that this person's browser has."""
        return await self.context.cookies()

    async def selected(self) -> str:
        """All of the page's own terminal, marked with the mouse and copied as its script copies: what a person sees."""
        box = await self.page.locator(".xterm-screen").bounding_box()
        assert box is not None
        mouse = self.page.mouse
        await self.page.keyboard.down("Shift")  # else the mouse is the app's
        await mouse.move(box["x"] + 1, box["y"] + 1)
        await mouse.down()
        await mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=3)
        await mouse.up()
        await self.page.keyboard.up("Shift")
        said: str = await self.page.evaluate(
            """() => {
                const copy = new ClipboardEvent("copy", { clipboardData: new DataTransfer(), bubbles: true });
                document.querySelector(".xterm-helper-textarea").dispatchEvent(copy);
                return copy.clipboardData.getData("text/plain");
            }"""
        )
        return said


@contextlib.asynccontextmanager
async def visit(browser: Browser, **more: Any) -> AsyncIterator[Visitor]:
    """Somebody with a browser of their own: nothing in it is another's."""
    context = await browser.new_context(**{"viewport": VIEW, "timezone_id": "Europe/Lisbon", **more})
    context.set_default_timeout(PATIENCE * 1000)
    try:
        yield Visitor(context, await context.new_page())
    finally:
        await context.close()
