"""The true command in tmux: a terminal that is not ours in any way. Same use as `Terminal`."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from tests.support.terminal import TerminalTimeout

NAMES = {
    "enter": "Enter",
    "tab": "Tab",
    "escape": "Escape",
    "space": "Space",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
}
LOOK_EVERY = 0.01
_numbers = itertools.count()


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
        self._socket = f"roadcrew-{os.getpid()}-{next(_numbers)}"
        settings = [f"{name}={value}" for name, value in {"LANG": "C.UTF-8", **(environment or {})}.items()]
        size = ["-x", str(columns), "-y", str(rows)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "env", *settings, *arguments)
        self._pid = int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def __enter__(self) -> TmuxTerminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _tmux(self, *arguments: str, check: bool = True) -> str:
        command = ["tmux", "-L", self._socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=check, timeout=20).stdout

    @property
    def text(self) -> str:
        """The screen."""
        return self._tmux("capture-pane", "-p", check=False)

    def press(self, *keys: str) -> None:
        """Press keys: names, or characters to type."""
        for key in keys:
            self._tmux("send-keys", *([NAMES[key]] if key in NAMES else ["-l", key]))

    def enter(self, *keys: str) -> None:
        """Press keys one after the other, each once the program has painted what the one before did."""
        for key in keys:
            self.press(key)
            self.settle()

    def settle(self, quiet: float = 0.1, seconds: float = 5.0) -> None:
        """Wait until the screen has been the same for `quiet` seconds, at most `seconds`."""
        end = time.perf_counter() + seconds
        last, since = self.text, time.perf_counter()
        while time.perf_counter() < end and time.perf_counter() - since < quiet:
            time.sleep(LOOK_EVERY)
            if (now := self.text) != last:
                last, since = now, time.perf_counter()

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
