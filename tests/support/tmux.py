"""The true command in tmux: a terminal that is not ours in any way. `TmuxTerminal` is used as `Terminal` is; a tape can
be played at a `TmuxPlayed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from tests.support.terminal import TerminalTimeout

from roadcrew_tui.pilot.emulator import Emulator
from roadcrew_tui.pilot.keys import KEYS
from roadcrew_tui.pilot.pseudo import BUSY_SECONDS
from roadcrew_tui.pilot.rest import LOOK_SECONDS, Watch
from roadcrew_tui.pilot.terminal import Ended, Screen

NAMES = {"backspace": "BSpace", "delete": "DC", "insert": "IC", "pageup": "PPage", "pagedown": "NPage"}
"""The keys that tmux calls otherwise than we."""
MODIFIERS = {"alt": "M", "ctrl": "C", "shift": "S"}
LOOK_EVERY = 0.02
_numbers = itertools.count()


def tmux_key(key: str) -> str:
    """What tmux calls a key of `KEYS`."""
    if key == "shift+tab":
        return "BTab"
    *held, name = key.split("+")
    name = NAMES.get(name, name if len(name) == 1 else name.capitalize())
    return "-".join([*(MODIFIERS[modifier] for modifier in held), name])


class TmuxTerminal:
    """One program in one tmux server of its own, which ends with it."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._size = columns, rows
        self._socket = f"roadcrew-{os.getpid()}-{next(_numbers)}"
        settings = [f"{name}={value}" for name, value in {"LANG": "C.UTF-8", **(environment or {})}.items()]
        self._tmux(
            *("-f", "/dev/null", "set-option", "-s", "set-clipboard", "on", ";"),
            *("set-option", "-g", "remain-on-exit", "on", ";"),
            *("new-session", "-d", "-x", str(columns), "-y", str(rows), "env", *settings, *arguments),
        )
        self._pid = int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _tmux(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        command = ["tmux", "-L", self._socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=check, timeout=20, input=stdin).stdout

    @property
    def text(self) -> str:
        """The screen."""
        return self._tmux("capture-pane", "-p", check=False)

    def press(self, *keys: str) -> None:
        """Press keys: names of `KEYS`, or characters to type."""
        for key in keys:
            # To tmux, a semicolon at the end of an argument is the end of a command.
            typed = ["-l", "--", key[:-1] + "\\;" if key.endswith(";") else key]
            self._tmux("send-keys", *([tmux_key(key)] if key in KEYS else typed))

    def paste(self, text: str) -> None:
        """Paste, marked as pasted if the program has asked for that."""
        self._tmux("load-buffer", "-b", "pasted", "-", ";", "paste-buffer", "-p", "-d", "-b", "pasted", stdin=text)

    @property
    def copied(self) -> str | None:
        """What the program put on the clipboard last (OSC 52)."""
        return self._tmux("show-buffer", check=False) or None

    def seen(self) -> tuple[Screen, bool]:
        """The screen, and whether the program still runs."""
        told = self._tmux("capture-pane", "-p", ";", "display-message", "-p", "#{cursor_y} #{pane_dead}")
        *lines, last = told.splitlines()
        row, dead = last.split()
        return Screen(tuple(line.rstrip() for line in lines), int(row)), dead == "0"

    def svg(self) -> str:
        """The screen as a picture, with its colours."""
        emulator = Emulator(*self._size)
        painted = self._tmux("capture-pane", "-p", "-e", "-N").rstrip("\n")
        emulator.feed(("\x1b[?7l" + painted.replace("\n", "\r\n")).encode())
        return emulator.svg()

    def enter(self, *keys: str) -> None:
        """Press keys one after the other, each once the program has dealt with the one before."""
        for key in keys:
            self.press(key)
            self.settle()

    def settle(self, seconds: float = BUSY_SECONDS) -> None:
        """Wait until the program has nothing left to do, at most so long."""
        end = time.perf_counter() + seconds
        watch = Watch(self._pid)
        while time.perf_counter() < end and not watch.at_rest():
            time.sleep(LOOK_SECONDS)

    def wait_for(self, wanted: str | Callable[[TmuxTerminal], bool], seconds: float = 15.0) -> float:
        """Wait until a text, or a condition, is on the screen; the time at which it was. Raises `TerminalTimeout`."""
        holds = wanted if callable(wanted) else lambda t: wanted in t.text
        end = time.perf_counter() + seconds
        while not holds(self):
            if time.perf_counter() > end:
                raise TerminalTimeout(f"{wanted!r} did not appear in {seconds} s. The screen:\n{self.text}")
            time.sleep(LOOK_EVERY)
        return time.perf_counter()

    def kill(self) -> None:
        """End the program without asking it (SIGKILL), and its tmux."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        self._tmux("kill-server", check=False)


class TmuxPlayed:
    """A `Terminal` of the pilot, in tmux."""

    def __init__(
        self, arguments: Sequence[str], *, columns: int = 80, rows: int = 24, environment: Mapping[str, str]
    ) -> None:
        self._open = lambda: TmuxTerminal(arguments, columns=columns, rows=rows, environment=environment)
        self._tmux: TmuxTerminal
        self._last: Screen | None = None

    async def __aenter__(self) -> Self:
        self._tmux = await asyncio.to_thread(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._tmux.kill)

    async def press(self, key: str) -> None:
        await self._do(self._tmux.press, key)

    async def paste(self, text: str) -> None:
        await self._do(self._tmux.paste, text)

    async def _do(self, what: Callable[[str], None], given: str) -> None:
        await asyncio.to_thread(what, given)
        await asyncio.to_thread(self._tmux.settle)

    async def _look(self) -> Screen:
        screen, runs = await asyncio.to_thread(self._tmux.seen)
        if not runs:
            raise Ended("The program has ended.")
        return screen

    async def changed(self, seconds: float) -> bool:
        """Wait until the screen is another than the one that was seen last."""
        end = time.monotonic() + seconds
        while await self._look() == self._last:
            if time.monotonic() > end:
                return False
            await asyncio.sleep(LOOK_EVERY)
        return True

    def screen(self) -> Screen:
        self._last, _ = self._tmux.seen()
        return self._last

    def svg(self) -> str:
        return self._tmux.svg()

    @property
    def copied(self) -> str | None:
        return self._tmux.copied
