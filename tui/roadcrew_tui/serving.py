"""Starting a server from the command: always as another process, never in this one.

Not for what a server does; that is `roadcrew_server`, which may not even be installed here.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType

READY = "Roadcrew server ready on "
START_SECONDS = 20.0
STOP_SECONDS = 8.0


class CantServe(Exception):
    """No server could be started; says why, and what to do."""


def server_command(arguments: Sequence[str]) -> list[str]:
    """The command line of a server. `-P` keeps the present folder out of the import path.

    Raises `CantServe` when the server's packages are not installed.
    """
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("roadcrew_server") is None:
        raise CantServe("The server's packages are not installed. Run: pip install 'roadcrew[server]'")
    return [sys.executable, "-P", "-m", "roadcrew_server", *arguments]


def serve(arguments: Sequence[str]) -> int:
    """`roadcrew serve`: become the server. Returns its exit status. Raises `CantServe`."""
    command = server_command(arguments)
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(command[0], command)  # noqa: S606 - our own interpreter, no shell
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter, no shell


class OwnServer:
    """A server of our own for as long as a `with` lasts. It ends with us, even if we are killed:
    its standard input is a pipe from this process, and it stops when that ends."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._arguments = arguments
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> OwnServer:
        """Start it and wait until it is ready. Raises `CantServe`."""
        command = [*server_command(self._arguments), "--end-with-stdin"]
        process = self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        try:
            self.url = self._wait(process)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _wait(self, process: subprocess.Popen[str]) -> str:
        import threading  # noqa: PLC0415 - only here

        late = threading.Timer(START_SECONDS, process.kill)
        late.daemon = True
        late.start()
        try:
            line = process.stdout.readline() if process.stdout else ""
        finally:
            late.cancel()
        if not line.startswith(READY):
            said = process.stderr.read().strip() if process.stderr else ""
            raise CantServe(said or f"The server was not ready after {START_SECONDS:.0f} s.")
        return line.removeprefix(READY).split()[0]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask it to stop, and see that it does."""
        process = self._process
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
