"""What others say, in a real terminal over a real server: none of its bytes is one that a person put there to be
obeyed, and the screen stays whole."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.support.serving import served
from tests.support.terminal import Terminal, roadcrew
from tests.tui.scenes import NASTY

from roadcrew_client import Client, errors
from roadcrew_domain.places import Entity

OURS = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\](?:2|22);[^\x00-\x1f\x7f]*(?:\x07|\x1b\\)|[78=>])")
"""What the app itself says to a terminal: moves, colours and modes, its title, the pointer."""
REFUSED = ("\x1b]2;owned\x07", "\x9b2J", "abc\u202etxt.exe", "x" * 1_000_000)
TAKEN = (NASTY["click"], NASTY["bold"], "Z" + "\u0301" * 1_900 + "algo", "x" * 1_900, "宿" * 900, "\n" * 900 + "low")


class Keeping(Terminal):
    """Keeps all that it was sent."""

    written = b""

    def keep(self) -> None:
        feed = self._emulator.feed

        def take(data: bytes) -> bytes:
            self.written += data
            return feed(data)

        self._emulator.feed = take  # type: ignore[method-assign]


# R: F2
async def test_what_others_say_brings_no_byte_to_a_terminal_that_it_obeys(tmp_path: Path):
    async with served(tmp_path) as running, Client(running.url) as ana:
        await ana.guest("Ana")
        made = await ana.create_trip("Lisbon in May")
        assert made.invite is not None
        trip = Entity("trip", made.trip.id)
        for text in REFUSED:
            with pytest.raises(errors.Rejected, match=r"control characters|at most"):
                await ana.comment(trip, text)
        for text in (*TAKEN, "Now you"):
            await ana.comment(trip, text)
        with Keeping(
            roadcrew("join", f"{running.url}/j/{made.invite.code}"),
            environment={"ROADCREW_HOME": str(tmp_path / "ben")},
        ) as ben:
            ben.keep()
            await asyncio.to_thread(ben.wait_for, "Your name")
            await asyncio.to_thread(ben.settle)
            await asyncio.to_thread(ben.enter, *"Ben", "enter")
            await asyncio.to_thread(ben.wait_for, "6 Talk")
            await asyncio.to_thread(ben.enter, "6")
            await asyncio.to_thread(ben.wait_for, "Now you")
            for _ in TAKEN:
                await asyncio.to_thread(ben.enter, "pageup")
            await asyncio.to_thread(ben.wait_for, NASTY["click"])
            assert max(cell_len(line.rstrip()) for line in ben.lines) <= 80
            await asyncio.to_thread(ben.enter, "c", *"[b]hello[/]", "enter")
            await asyncio.to_thread(ben.wait_for, "[b]hello[/]")
            await asyncio.to_thread(ben.settle)
        found = await ana.talk_items(trip, "comments")
        assert found.items[-1].text == "[b]hello[/]"
    left = OURS.sub(b"", ben.written)
    assert b"owned" not in ben.written
    assert not set(left) & (set(range(32)) - set(b"\r\n"))
