"""Starting a server from the command: always as another process, never in this one.

Not for what a server does; that is `roadcrew_server`, which may not even be installed here.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

READY = " ready on "
MONITOR, MONITOR_KEY = "MONITOR_PRICE_APP_HOST", "PRICE_MONITOR_API_KEY"
"""What a server and its price-monitor are told of each other, in the environment."""
START_SECONDS = 20.0
STOP_SECONDS = 8.0


class CantServe(Exception):
    """No server could be started; says why, and what to do."""


def server_command(arguments: Sequence[str], module: str = "roadcrew_server") -> list[str]:
    """The command line of a server, or of another `module` of its packages. `-P` keeps the present folder out of the
    import path.

    Raises `CantServe` when the server's packages are not installed.
    """
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("roadcrew_server") is None:
        raise CantServe("The server's packages are not installed. Run: pip install 'roadcrew[server]'")
    return [sys.executable, "-P", "-m", module, *arguments]


def serve(arguments: Sequence[str]) -> int:
    """`roadcrew serve`: become the server. Returns its exit status. Raises `CantServe`."""
    return _become(server_command(arguments))


def administer(arguments: Sequence[str]) -> int:
    """`roadcrew admin`: become that program. Returns its exit status. Raises `CantServe`."""
    return _become(server_command(arguments, "roadcrew_server.admin"))


def monitor_prices(arguments: Sequence[str]) -> int:
    """`roadcrew price-monitor`: become that service. Its key stays in the environment, where no list of processes
    shows it. Returns its exit status. Raises `CantServe`."""
    return _become(server_command(arguments, "roadcrew_price_monitor"))


def _become(command: list[str]) -> int:
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(command[0], command)  # noqa: S606 - our own interpreter, no shell
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter, no shell


class OwnServer:
    """A server of our own for as long as a `with` lasts. It ends with us, even if we are killed:
    its standard input is a pipe from this process, and it stops when that ends.

    It can be stopped and started again: the arguments say where its trips are kept, and the port stays. What is set
    for other servers (`ROADCREW_…` in the environment, and their price-monitor) is not for this one. All calls block.
    """

    MODULE = "roadcrew_server"

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._arguments = list(arguments)
        theirs = ("ROADCREW_", MONITOR, MONITOR_KEY)
        others = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
        self.environment = {**others, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[str] | None = None
        self.url = ""

    def runs(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it is ready. Raises `CantServe`."""
        port = ["--port", self.url.rpartition(":")[2]] if self.url else []
        command = [*server_command(self._arguments, self.MODULE), *port, "--end-with-stdin"]
        # A file, for nobody reads a pipe while the server runs, and a full one would hold it up.
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed in `_end`
        process = self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=self.environment,
        )
        try:
            self.url = self._wait(process)
        except BaseException:
            self.stop()
            raise

    def _wait(self, process: subprocess.Popen[str]) -> str:
        import threading  # noqa: PLC0415 - only here

        late = threading.Timer(START_SECONDS, process.kill)
        late.daemon = True
        late.start()
        try:
            line = process.stdout.readline() if process.stdout else ""
        finally:
            late.cancel()
        if READY not in line:
            process.wait()  # its output has ended, so it is about to
            raise CantServe(self.said() or f"The server was not ready after {START_SECONDS:.0f} s.")
        return line.partition(READY)[2].split()[0]

    def said(self) -> str:
        """What it has complained of, as long as it has not been stopped."""
        if self._said is None:
            return ""
        self._said.seek(0)
        return self._said.read().strip()

    def stop(self) -> None:
        """Ask it to stop, and see that it does."""
        self._end(ask=True)

    def kill(self) -> None:
        """End it without asking, as a power cut would."""
        self._end(ask=False)

    def _end(self, *, ask: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if not ask:
            process.kill()
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for file in (process.stdout, self._said):
            if file:
                file.close()
        self._said = None

    def __enter__(self) -> Self:
        """Start it and wait until it is ready. Raises `CantServe`."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask it to stop, and see that it does."""
        self.stop()


class OwnMonitor(OwnServer):
    """A price-monitor of our own, in the same way, for a server of our own."""

    MODULE = "roadcrew_price_monitor"

    def __init__(self, folder: Path) -> None:
        """It remembers in `folder`."""
        self._key = secrets.token_urlsafe(24)
        super().__init__(["--port", "0", "--data", str(folder)], {MONITOR_KEY: self._key})

    @property
    def known_as(self) -> dict[str, str]:
        """What a server must have in its environment, once this has been started."""
        return {MONITOR: self.url.removeprefix("ws://"), MONITOR_KEY: self._key}
