"""A real terminal for the true command, to be used without an event loop: the pilot's emulator on a pseudo-terminal.

For tests and benches that must see what a person sees. Waits have an end and never sleep for luck.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from roadcrew_tui.pilot.emulator import Emulator
from roadcrew_tui.pilot.keys import KEYS
from roadcrew_tui.pilot.pseudo import BUSY_SECONDS, ESCAPE, ESCAPE_SECONDS
from roadcrew_tui.pilot.rest import LOOK_SECONDS, Watch


class TerminalTimeout(AssertionError):
    """What was waited for did not appear; the message shows the screen."""


class Terminal:
    """One program in one terminal. Use as a context manager; it is killed at the end."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self._emulator = Emulator(columns, rows)
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR")}
        env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"} | dict(environment or {})
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            list(arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            cwd=cwd,
            start_new_session=True,
            close_fds=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def lines(self) -> list[str]:
        """The screen, top to bottom."""
        return list(self._emulator.screen().lines)

    @property
    def text(self) -> str:
        """The screen as one text."""
        return self._emulator.screen().text

    def press(self, *keys: str) -> None:
        """Press keys: names of `KEYS`, or characters to type."""
        for key in keys:
            os.write(self._master, KEYS[key] if key in KEYS else key.encode())

    def enter(self, *keys: str) -> None:
        """Press keys one after the other, each once the program has dealt with the one before."""
        for key in keys:
            self.press(key)
            if KEYS.get(key) == ESCAPE:
                time.sleep(ESCAPE_SECONDS)
            self.settle()

    def settle(self, seconds: float = BUSY_SECONDS) -> None:
        """Wait until the program has nothing left to do, at most so long."""
        end = time.perf_counter() + seconds
        watch = Watch(self.process.pid)
        while time.perf_counter() < end and not watch.at_rest(self._drain(LOOK_SECONDS)):
            pass

    def _drain(self, seconds: float) -> bool:
        """Take all that the program writes for so long; whether it wrote anything."""
        end, wrote = time.perf_counter() + seconds, False
        while (left := end - time.perf_counter()) > 0 and self.read(left):
            wrote = True
        return wrote

    def read(self, seconds: float) -> bool:
        """Take what the program has written, waiting at most so long; False when nothing came."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # the program has ended
            data = b""
        if not data:
            self._emulator.release()
            return False
        if answer := self._emulator.feed(data):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                os.write(self._master, answer)
        return True

    def wait_for(self, wanted: str | Callable[[Terminal], bool], seconds: float = 15.0) -> float:
        """Wait until a text, or a condition, is on the screen; the time at which it was. Raises `TerminalTimeout`."""
        holds = wanted if callable(wanted) else lambda t: wanted in t.text
        end = time.perf_counter() + seconds
        while not holds(self):
            left = end - time.perf_counter()
            if left <= 0 or (not self.read(min(left, 0.5)) and self.process.poll() is not None and not self.read(0)):
                if holds(self):
                    break
                ended = self.process.poll()
                state = "" if ended is None else f" (the program ended with {ended})"
                raise TerminalTimeout(f"{wanted!r} did not appear in {seconds} s{state}. The screen:\n{self.text}")
        return time.perf_counter()

    def wait_end(self, seconds: float = 10.0) -> int:
        """Wait until the program ends; its exit status."""
        end = time.perf_counter() + seconds
        while self.process.poll() is None:
            if time.perf_counter() > end:
                raise TerminalTimeout(f"still running after {seconds} s. The screen:\n{self.text}")
            self.read(0.05)
        return self.process.returncode

    def vanish(self) -> None:
        """Take the terminal away and send no signal, as a broken connection may."""
        os.close(self._master)
        self._master = -1

    def kill(self) -> None:
        """End the program without asking it (SIGKILL), and let go of the terminal."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1


def roadcrew(*arguments: str) -> list[str]:
    """The true command, by this interpreter."""
    return [sys.executable, "-P", "-m", "roadcrew_tui", *arguments]
