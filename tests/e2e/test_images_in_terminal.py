"""Images of others in a real terminal: what it is sent holds no byte that a person has put there, whichever way images
are drawn; and only a terminal that may draw them is asked."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image, PngImagePlugin
from tests.support import images
from tests.support.serving import served
from tests.support.terminal import Terminal, roadcrew

from roadcrew_client import Client
from roadcrew_domain.places import Entity
from roadcrew_tui import graphics

Draws = Literal["blocks", "sixel", "kitty"]
TERMS: dict[Draws, str] = {"blocks": "xterm-256color", "sixel": "foot", "kitty": "xterm-kitty"}
HOSTILE = b"\x1b]0;OWNED\x07\x1bPq#0OWNED\x1b\\\x1b_Ga=d,OWNED\x1b\\\x9b2J"
SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # moves and colours
    rb"|\](?:2|22);[^\x00-\x1f\x7f]*(?:\x07|\x1b\\)"  # the title, the pointer
    rb"|P[0-9;]*q[\x21-\x7e]*\x1b\\"  # sixels
    rb"|_G[a-zA-Z]=[-a-zA-Z0-9=,]*(?:;[A-Za-z0-9+/=]*)?\x1b\\"  # kitty's images
    rb"|[78=>])"
)
ASKED = re.compile(rb"\x1b_Gi=([0-9]+),s=1,v=1,a=q[^\x1b]*\x1b\\")


class Drawing(Terminal):
    """A terminal that draws images in one way, or not; it keeps all that it was sent."""

    written = b""

    def draws(self, how: Draws) -> None:
        feed = self._emulator.feed

        def take(data: bytes) -> bytes:
            self.written += data
            answer = b""
            if b"\x1b[c" in data and how != "blocks":
                answer += b"\x1b[?62;4;22c" if how == "sixel" else b"\x1b[?62;22c"
                data = data.replace(b"\x1b[c", b"")
            if (asked := ASKED.search(data)) and how == "kitty":
                answer += b"\x1b_Gi=" + asked[1] + b";OK\x1b\\"
            return answer + feed(data)

        self._emulator.feed = take  # type: ignore[method-assign]


def hostile() -> bytes:
    """A PNG whose texts and whose pixels are what terminals obey."""
    pixels = (HOSTILE * 40)[: 32 * 24 * 3]
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", HOSTILE.decode("latin-1"))
    return images.encoded(Image.frombytes("RGB", (32, 24), pixels.ljust(32 * 24 * 3, b"\x1b")), pnginfo=text)


# R: F2
@pytest.mark.parametrize("how", ["blocks", "sixel", "kitty"])
async def test_an_image_brings_no_byte_of_a_person_to_the_terminal(tmp_path: Path, how: Draws):
    async with served(tmp_path) as running, Client(running.url) as ana:
        await ana.guest("Ana")
        made = await ana.create_trip("Lisbon in May")
        assert made.invite is not None
        thing = Entity("trip", made.trip.id)
        await ana.upload_image(thing, hostile(), "image/png", "[@click=app.quit]Look[/] \u2028here")
        environment = {"ROADCREW_HOME": str(tmp_path / "ben"), "TERM": TERMS[how], "TMUX": "", "STY": ""}
        with Drawing(roadcrew("join", f"{running.url}/j/{made.invite.code}"), environment=environment) as ben:
            ben.draws(how)
            await asyncio.to_thread(ben.wait_for, "Your name")
            await asyncio.to_thread(ben.settle)
            await asyncio.to_thread(ben.enter, *"Ben", "enter")
            await asyncio.to_thread(ben.wait_for, "1 Overview")
            await asyncio.to_thread(ben.enter, "6", "left")
            await asyncio.to_thread(ben.wait_for, lambda t: "[@click=app.quit]Look[/]" in t.text and "▀▀" in t.text)
            before = len(ben.written)
            await asyncio.to_thread(ben.enter, "enter")
            drawn = {"blocks": "▀".encode(), "sixel": b"\x1bP0;0;0q", "kitty": b"\x1b_Gi="}[how]
            await asyncio.to_thread(ben.wait_for, lambda _: drawn in ben.written[before:])
            await asyncio.to_thread(ben.settle)
            await asyncio.to_thread(ben.enter, "escape")
            await asyncio.to_thread(ben.wait_for, "6 Talk")
    left = SEQUENCE.sub(b"", ben.written)
    assert b"\x1b" not in left, left[max(0, left.find(b"\x1b") - 20) :][:80]
    assert b"OWNED" not in ben.written
    assert not set(left) & (set(range(32)) - set(b"\r\n"))


# R: F2
def test_only_a_terminal_that_may_draw_images_is_asked_and_a_pipe_never():
    assert graphics.is_worth_asking({"TERM": "xterm-kitty"})
    assert graphics.is_worth_asking({"TERM": "xterm-256color", "WEZTERM_PANE": "0"})
    assert not graphics.is_worth_asking({"TERM": "xterm-256color"})
    assert not graphics.is_worth_asking({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/x,1,0"})
    program = "import sys; from roadcrew_tui import graphics as g; g.ask(); print(g.kind(), 'PIL' in sys.modules)"
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, env={"TERM": "xterm-kitty"}, capture_output=True, check=True, timeout=30)
    assert (said.stdout, said.stderr) == (b"None False\n", b"")
