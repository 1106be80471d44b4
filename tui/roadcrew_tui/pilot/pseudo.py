"""A program in a pseudo-terminal, as a terminal that a tape can be played at. POSIX only.

What the program sees is a real terminal: its controlling one, which hangs up at the end. What it writes is read all the
time, so that it never waits for us; what it doesn't read never makes us wait without an end. Not for what the bytes
mean (`emulator`) nor for keys (`keys`).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import signal
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from roadcrew_tui.pilot.keys import key_bytes
from roadcrew_tui.pilot.rest import LOOK_SECONDS, Watch
from roadcrew_tui.pilot.terminal import Ended, Screen

if TYPE_CHECKING:
    from roadcrew_tui.pilot.emulator import Emulator

ESCAPE_SECONDS = 0.1
"""A program takes a lone escape for the key only when nothing has followed for so long; Textual's own value."""
BUSY_SECONDS = 2.0
"""A program that does not come to rest for so long has another reason than the key."""
UNREAD_SECONDS = 5.0
HANGUP_SECONDS = 3.0
"""How long a program has to end once its terminal has hung up."""
LAST_WORDS_SECONDS = 0.5
"""How long what a program leaves behind may still write, before it is killed."""
MOST_UNREAD = 1 << 16
"""Bytes that wait for the program to read them. Answers beyond are dropped, as a terminal's buffer would."""

OF_ANOTHER_TERMINAL = frozenset(
    {"COLUMNS", "LINES", "LC_TERMINAL", "STY", "TERMCAP", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TMUX", "TMUX_PANE"}
    | {"VTE_VERSION", "WINDOWID", "WT_SESSION"}
)
"""Variables that speak of the terminal that we were started in. A program believes `COLUMNS` more than its terminal."""
ESCAPE = b"\x1b"
PASTE_BEGINS, PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"
_ADOPT = 'exec "$@" <>"$0"'
"""The first terminal that the leader of a session opens becomes its controlling one."""


class CantEmulate(Exception):
    """There can be no pseudo-terminal here; the sentence says why, and what to do."""


def check() -> None:
    """Whether there can be a pseudo-terminal. Raises `CantEmulate`."""
    if os.name != "posix":
        raise CantEmulate("`--pty` needs the pseudo-terminals of Linux or macOS. Leave it out: tapes need none.")
    if importlib.util.find_spec("pyte") is None:
        raise CantEmulate("`--pty` needs pyte. Run: pip install 'roadcrew[pilot]'")


def harmless(text: str) -> bytes:
    """What is pasted, without control characters: an escape could end the paste, and go on as keys. A line ends as
    by the enter key, as in other terminals."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\r".join("".join(c for c in line if c == "\t" or _is_sign(c)) for line in lines).encode(errors="replace")


def _is_sign(character: str) -> bool:
    return not (character < " " or "\x7f" <= character <= "\x9f")


class PseudoTerminal:
    """A `Terminal`. `environment` is all that the program finds, less `OF_ANOTHER_TERMINAL`; it may say another `TERM`
    than ours, as far as that is true."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        columns: int,
        rows: int,
        environment: Mapping[str, str],
        cwd: str | os.PathLike[str] | None = None,
    ) -> None:
        """Nothing is started yet. Raises `CantEmulate`."""
        check()
        # Late: with neither pyte nor POSIX, `check` says what is missing.
        from roadcrew_tui.pilot.emulator import Emulator  # noqa: PLC0415

        self._arguments = list(arguments)
        self._columns, self._rows = columns, rows
        rest = {name: value for name, value in environment.items() if name not in OF_ANOTHER_TERMINAL}
        self._environment, self._cwd = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **rest}, cwd
        self._emulator: Emulator = Emulator(columns, rows)
        self._master = -1
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._status: int | None = None
        self._unread = bytearray()
        self._all_read, self._painted, self._closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._news = False

    async def __aenter__(self) -> Self:
        """Start the program. Raises `OSError` if there are no terminals or processes left."""
        import termios  # noqa: PLC0415

        self._master, slave = os.openpty()
        try:
            termios.tcsetwinsize(slave, (self._rows, self._columns))
            os.set_blocking(self._master, False)
            self._process = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-c", _ADOPT, os.ttyname(slave), *self._arguments),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=self._environment,
                cwd=self._cwd,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._receive)
        self._watching = asyncio.create_task(self._watch(self._process), name="pseudo-terminal")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up. A program that doesn't end by that is killed."""
        if self._process is None or self._watching is None:
            return
        try:
            if self._status is None:
                self._signal(self._process, signal.SIGHUP)
                await asyncio.wait({self._watching}, timeout=HANGUP_SECONDS)
        finally:
            if not self._watching.done():
                self._signal(self._process, signal.SIGKILL)
            await self._watching
            self._let_go()

    def _let_go(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        os.close(self._master)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Wait for the end of the program, for its last words, and for what it started and left."""
        status = await process.wait()
        self._signal(process, signal.SIGHUP)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), LAST_WORDS_SECONDS)
        self._signal(process, signal.SIGKILL)
        self._emulator.release()
        self._status = status
        self._painted.set()
        self._all_read.set()

    def _signal(self, process: asyncio.subprocess.Process, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all of the group are gone
            os.killpg(process.pid, number)

    # --- bytes -----------------------------------------------------------------------------------

    def _receive(self) -> None:
        try:
            data = os.read(self._master, 1 << 16)
        except BlockingIOError:
            return
        except OSError:  # nobody has the terminal open any more
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
            self._closed.set()
            return
        answer = self._emulator.feed(data)
        if answer and len(self._unread) + len(answer) <= MOST_UNREAD:
            self._send(answer)
        if not self._emulator.within_frame:
            self._news = True
            self._painted.set()

    def _send(self, data: bytes) -> None:
        self._unread += data
        self._all_read.clear()
        self._write()

    def _write(self) -> None:
        """Write as much as there is room for now; the rest when there is more."""
        try:
            del self._unread[: os.write(self._master, self._unread)]
        except BlockingIOError:
            pass
        except OSError:  # as in `_receive`
            self._unread.clear()
        loop = asyncio.get_running_loop()
        if self._unread:
            loop.add_writer(self._master, self._write)
        else:
            loop.remove_writer(self._master)
            self._all_read.set()

    async def _type(self, data: bytes) -> None:
        """Send, and wait until the program has dealt with it."""
        process = self._alive()
        watch = Watch(process.pid)
        self._send(data)
        try:
            async with asyncio.timeout(UNREAD_SECONDS):
                await self._all_read.wait()
        except TimeoutError:
            raise Ended(f"The program has not read what was typed for {UNREAD_SECONDS:g} s.") from None
        if data == ESCAPE:
            await asyncio.sleep(ESCAPE_SECONDS)
        end = time.monotonic() + BUSY_SECONDS
        while self._status is None and time.monotonic() < end:
            self._painted.clear()
            await asyncio.sleep(LOOK_SECONDS)
            if watch.at_rest(self._painted.is_set()):
                return

    def _alive(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("A terminal is open from `__aenter__` to `__aexit__`.")
        if self._status is None:
            return self._process
        if self._status >= 0:
            raise Ended(f"The program has ended with status {self._status}.")
        raise Ended(f"The program was ended by {signal.Signals(-self._status).name}.")

    # --- a `Terminal` ----------------------------------------------------------------------------

    async def press(self, key: str) -> None:
        """Press a key. Raises `Ended`, also if the program reads nothing; `ValueError` if there is no such key."""
        await self._type(key_bytes(key))

    async def paste(self, text: str) -> None:
        """Paste in one piece, marked as pasted if the program has asked for that."""
        data = harmless(text)
        await self._type(PASTE_BEGINS + data + PASTE_ENDS if self._emulator.bracketed_paste else data)

    async def changed(self, seconds: float) -> bool:
        """Wait for a paint that no call before has told of."""
        if not self._news:
            self._alive()
            self._painted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._painted.wait()
        if not self._news:
            self._alive()
            return False
        self._news = False
        return True

    def screen(self) -> Screen:
        """What is on the screen now."""
        return self._emulator.screen()

    def svg(self) -> str:
        """That as a picture."""
        return self._emulator.svg()

    @property
    def copied(self) -> str | None:
        """What the program put on the clipboard last (OSC 52)."""
        return self._emulator.copied
