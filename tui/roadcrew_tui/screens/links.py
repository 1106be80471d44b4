"""What becomes of a link that somebody else wrote: its whole address is shown, and only who says so opens it."""

from __future__ import annotations

import asyncio
import os
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from roadcrew_tui import render
from roadcrew_tui.host import must_lend
from roadcrew_tui.markdown import web_address
from roadcrew_tui.screens.ask import CANCEL, Answer, Ask

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp

MOST_ASKED = 50
"""Links that a question lists."""
OPENED_WITHIN = 5.0
"""Seconds that a browser may take to answer."""


async def open_link(app: RoadcrewApp, addresses: Sequence[str]) -> None:
    """Ask which of these, and what shall be done with it. Those that are not of the web are not offered."""
    known = [address for address in addresses[:MOST_ASKED] if web_address(address) is not None]
    if not known:
        return
    address = known[0]
    if len(known) > 1:
        answers = [Answer(str(n), render.said(each)) for n, each in enumerate(known)]
        chosen = await app.push_screen_wait(Ask("Links", render.ours("Which one?"), answers))
        if chosen == CANCEL:
            return
        address = known[int(chosen)]
    question = render.join(
        "This leads to a page outside of Roadcrew:\n", render.piece(address, render.STRONG), "\nOpen it?"
    )
    answers = [Answer("copy", render.ours("Copy the address"))]  # first: a second enter in a hurry opens nothing
    if app.host.lends("desktop") and has_desktop():
        answers.append(Answer("open", render.ours("Open it in the browser")))
    chosen = await app.push_screen_wait(Ask("Open a link", question, answers, cancel="Leave it"))
    if chosen == "copy":
        app.share(address)
    elif chosen == "open" and not await _opened(address):
        app.say("No browser could be started. The address was sent to your clipboard instead.", "warning")
        app.copy(address)


def has_desktop(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a browser may have a window of its own. One that needs a terminal would draw over ours."""
    if platform in ("win32", "cygwin", "darwin"):
        return True
    return any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


async def _opened(address: str) -> bool:
    """On a thread: a browser may take its time."""
    must_lend("desktop")
    with suppress(TimeoutError, webbrowser.Error, OSError):
        return await asyncio.wait_for(asyncio.to_thread(webbrowser.open, address), OPENED_WITHIN)
    return False
